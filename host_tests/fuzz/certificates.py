"""Mutated certificates for the reader and the path check: nothing but AuthError, few checks of signatures, little memory.

The seeds are chains made here and those of NIST PKITS. An octet or a run of them changes, elements of DER are removed, doubled,
swapped with others' and cut, with the lengths around them put right half of the time. Start reading at `fuzz`.
"""

import random
import tracemalloc
from pathlib import Path

import certificates as made
import cryptography_vectors
from ipsec.errors import AuthError
from ipsec.ike.auth import keys
from ipsec.ike.auth.path import Moment, check_leaf, check_path
from ipsec.ike.auth.x509 import Certificate

MOST_CHECKS = 6
MOST_MEMORY = 12 * 1024  # CPython's objects are large; what a board needs, host_tests/unit/test_x509.py shows
_SAMPLE = 1000  # the last of so many is measured: by then all is loaded that is loaded late
_PKITS = Path(cryptography_vectors.__file__).parent / "x509" / "PKITS_data" / "certs"
_CONTAINERS = (0x30, 0x31, 0xA0, 0xA3)
_EDGES = (0, 1, 2, 3, 5, 6, 0x17, 0x18, 0x30, 0x31, 0x7F, 0x80, 0x81, 0x82, 0x83, 0xA0, 0xA3, 0xFE, 0xFF)
_NAME = b"\x02\0\0\0gw.example"
_CLOCK = Moment(b"20261128120000", True)


def chains() -> list[list[bytes]]:
    """Good chains, leaf first and anchor last."""
    sub, root = made.authority(), made.root()
    names = [made.usage(made.SIGN), made.purposes(made.CLIENT, made.SERVER), made.names((0x87, bytes(4)), "gw.example")]
    found = [
        [made.leaf(), root],
        [made.leaf(issuer="Sub", signer=made.key(1), extensions=names), sub, root],
        [made.leaf(kind=keys.P256, signer=made.key(0, keys.P256)), made.root(kind=keys.P256)],
        [made.leaf(issuer="Sub", signer=made.key(1)), *[made.authority(1, "Sub", "Sub", made.key(1))] * 5, root],
    ]
    pool = {path.stem: path.read_bytes() for path in sorted(_PKITS.glob("*.crt"))}
    anchor = pool["TrustAnchorRootCertificate"]
    return found + [[octets, pool["GoodCACert"], anchor] for name, octets in pool.items() if name.endswith("EE")]


class _Element:
    """An element of DER: its tag, and its octets or the elements inside."""

    def __init__(self, tag: int, body):
        self.tag = tag
        self.body = body

    def octets(self) -> bytes:
        body = self.body if isinstance(self.body, bytes) else b"".join(e.octets() for e in self.body)
        return made.tlv(self.tag, body[:0xFFFF])


def _parse(octets: bytes) -> list[_Element]:
    found, pos = [], 0
    while pos < len(octets):
        tag, n = octets[pos], octets[pos + 1]
        pos += 2
        if n > 127:
            size = n & 127
            n = int.from_bytes(octets[pos : pos + size], "big")
            pos += size
        body = octets[pos : pos + n]
        found.append(_Element(tag, _parse(body) if tag in _CONTAINERS else body))
        pos += n
    return found


def _all(elements: list[_Element]) -> list[tuple[list[_Element], int]]:
    """Each element as the list that it is in, and its place there."""
    found = []
    for i, e in enumerate(elements):
        found.append((elements, i))
        if isinstance(e.body, list):
            found += _all(e.body)
    return found


class Source:
    """Mutated certificates; the same ones for a seed."""

    def __init__(self, seed: int):
        self.random = random.Random(f"certificates {seed}")
        self.chains = chains()
        self._elements = [e for chain in self.chains for octets in chain for e in _parse(octets)]

    def chain(self) -> tuple[list[bytes], bytes]:
        """Certificates as a gateway sends them, of which one is mutated at least, and the anchor."""
        r = self.random
        *found, anchor = r.choice(self.chains if r.random() < 0.5 else self.chains[:4])
        at = r.randrange(len(found))
        found[at] = self._mutated(found[at])
        if r.random() < 0.2:
            r.shuffle(found)
        return found[:6], anchor

    def _mutated(self, octets: bytes) -> bytes:
        r = self.random
        if r.random() < 0.6:
            octets = self._restructured(octets)
        if octets and r.random() < 0.6:
            data = bytearray(octets)
            for _ in range(r.randrange(1, 4)):
                at = r.randrange(len(data))
                data[at] = r.choice(_EDGES) if r.random() < 0.5 else data[at] ^ 1 << r.randrange(8)
            if r.random() < 0.1:
                del data[r.randrange(len(data)) :]
            if r.random() < 0.05:
                data += data[: r.randrange(len(data) + 1)]
            octets = bytes(data)
        return octets

    def _part(self) -> _Element:
        """A copy of an element of any certificate, so that none comes to hold itself."""
        r = self.random
        inside, at = r.choice(_all([r.choice(self._elements)]))
        return _parse(inside[at].octets())[0]

    def _restructured(self, octets: bytes) -> bytes:
        r = self.random
        elements = _parse(octets)
        for _ in range(r.randrange(1, 4)):
            places = _all(elements)
            if not places:
                break
            inside, at = r.choice(places)
            what = r.randrange(6)
            if what == 0:
                del inside[at]
            elif what == 1:
                inside.insert(at, inside[at])
            elif what == 2:
                inside[at] = self._part()
            elif what == 3:
                inside[at] = _Element(r.choice(_EDGES), inside[at].body)
            elif what == 4 and isinstance(inside[at].body, bytes):
                inside[at] = _Element(inside[at].tag, r.randbytes(r.randrange(8)))
            else:
                other, place = r.choice(places)
                if place < len(other) and not isinstance(other[place].body, list):
                    inside[at] = _Element(other[place].tag, other[place].body)
        return b"".join(e.octets() for e in elements)


def fuzz(count: int, seed: int, progress=lambda n: None) -> dict:
    """Judge so many chains with a mutated certificate; figures. Raises AssertionError, which names the seed and the chain."""
    source = Source(seed)
    figures = {"certificates": 0, "read": 0, "paths": 0, "most checks": 0, "worst memory": 0}
    for n in range(count):
        found, anchor = source.chain()
        try:
            _judge(found, Certificate(anchor, 0, len(anchor)), source.random, figures, n % _SAMPLE == _SAMPLE - 1)
        except Exception as e:
            chain = " ".join(octets.hex() for octets in found)
            raise AssertionError(f"seed {seed}, chain {n}: {type(e).__name__}: {e}\n{chain}") from e
        if n % 1000 == 0:
            progress(n)
    return figures


def _judge(found: list[bytes], anchor, chance: random.Random, figures: dict, measured: bool) -> None:
    checks = 0

    def verify(_issuer, _certificate) -> bool:
        nonlocal checks
        checks += 1
        return chance.random() < 0.5

    if measured:
        tracemalloc.start()
    figures["certificates"] += 1
    certificates = []
    try:
        certificates = [Certificate(octets, 0, len(octets)) for octets in found]
        figures["read"] += 1
        _leaf(certificates[0])
        check_path(certificates, [anchor], _CLOCK, verify)
        figures["paths"] += 1
    except AuthError:
        pass
    finally:
        if measured:
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            figures["worst memory"] = max(figures["worst memory"], peak)
            assert peak <= MOST_MEMORY, f"{peak} octets"
    figures["most checks"] = max(figures["most checks"], checks)
    assert checks <= MOST_CHECKS, f"{checks} checks of signatures"


def _leaf(leaf) -> None:
    """Its identity may be wrong: its path is looked at all the same."""
    try:
        check_leaf(leaf, _NAME, _CLOCK)
        keys.parse_spki(leaf.buf, leaf.spki_at, leaf.spki_to)
        keys.parse_algorithm(leaf.buf, leaf.algorithm_at, leaf.algorithm_to)
    except AuthError:
        pass
