"""Cipher suites by name, and the choice among what the initiator offers (RFC 7296 2.7, 3.3.6).

A name is words joined by `-`, as gateways write them: `aes128ccm16-prfsha256-x25519`, `aes256-sha384-ecp256`, and for
ESP `aes128gcm16`, `aes128gcm16iiv-esn`, `aes128-sha256`. Start reading at `Suite`, then `choose_ike` and `choose_esp`.
"""

from dataclasses import dataclass

from .iana import Protocol, TransformType
from .payloads import Proposal, Transform

CBC = 12
CCM_8, CCM_12, CCM_16, GCM_8, GCM_12, GCM_16, CHACHA = 14, 15, 16, 18, 19, 20, 28
CCM_8_IIV, GCM_16_IIV, CHACHA_IIV = 29, 30, 31
AEAD = (CCM_8, CCM_12, CCM_16, GCM_8, GCM_12, GCM_16, CHACHA, CCM_8_IIV, GCM_16_IIV, CHACHA_IIV)
IMPLICIT_IV = (CCM_8_IIV, GCM_16_IIV, CHACHA_IIV)

_ENCR = {"chacha20poly1305": (CHACHA, 0), "chacha20poly1305iiv": (CHACHA_IIV, 0)}
for _bits in (128, 192, 256):
    _ENCR["aes%d" % _bits] = (CBC, _bits)
    for _mode, _icvs in (("ccm", (CCM_8, CCM_12, CCM_16)), ("gcm", (GCM_8, GCM_12, GCM_16))):
        for _icv_len, _ident in zip((8, 12, 16), _icvs, strict=True):
            _ENCR["aes%d%s%d" % (_bits, _mode, _icv_len)] = (_ident, _bits)
    for _mode, _ident in (("ccm8iiv", CCM_8_IIV), ("gcm16iiv", GCM_16_IIV)):
        _ENCR["aes%d%s" % (_bits, _mode)] = (_ident, _bits)
_INTEG = {"sha256": 12, "sha384": 13, "sha512": 14}
_PRF = {"prfsha256": 5, "prfsha384": 6, "prfsha512": 7}
_DH = {"x25519": 31, "ecp256": 19, "ecp384": 20, "ecp521": 21, "modp2048": 14, "modp3072": 15, "modp4096": 16}
_ESN = {"noesn": 0, "esn": 1}
_PRF_OF_INTEG = {12: 5, 13: 6, 14: 7}


@dataclass(frozen=True)
class Suite:
    """One choice of algorithms, by IANA's numbers; 0 where a field does not apply."""

    encr: int
    key_bits: int
    integ: int = 0
    prf: int = 0
    group: int = 0
    esn: int = 0

    @classmethod
    def of(cls, name: str) -> "Suite":
        """Raises ValueError for a word that names no algorithm."""
        encr, key_bits, integ, prf, group, esn = 0, 0, 0, 0, 0, 0
        for word in name.split("-"):
            if word in _ENCR:
                encr, key_bits = _ENCR[word]
            elif word in _INTEG:
                integ = _INTEG[word]
            elif word in _PRF:
                prf = _PRF[word]
            elif word in _DH:
                group = _DH[word]
            elif word in _ESN:
                esn = _ESN[word]
            else:
                raise ValueError("unknown algorithm %r in suite %r" % (word, name))
        if not encr or (encr in AEAD) == bool(integ):
            raise ValueError("suite %r needs a cipher, and an integrity algorithm only with CBC" % name)
        return cls(encr, key_bits, integ, prf or (_PRF_OF_INTEG.get(integ, 0) if group else 0), group, esn)

    def __str__(self) -> str:
        words = [name for name, value in _ENCR.items() if value == (self.encr, self.key_bits)]
        for table, value in ((_INTEG, self.integ), (_PRF, self.prf), (_DH, self.group), (_ESN, self.esn)):
            words += [name for name, number in table.items() if number == value and value]
        return "-".join(words)


DEFAULT_IKE = (
    "aes128ccm16-prfsha256-x25519",
    "aes128gcm16-prfsha256-x25519",
    "aes128ccm8-prfsha256-x25519",
    "aes128ccm16-prfsha256-ecp256",
    "aes128gcm16-prfsha256-ecp256",
    "aes256ccm16-prfsha256-x25519",
    "aes256gcm16-prfsha384-ecp256",
    "aes256gcm16-prfsha256-x25519",
    "chacha20poly1305-prfsha256-x25519",
    "aes128-sha256-x25519",
    "aes128-sha256-ecp256",
    "aes128-sha256-modp2048",
    "aes256-sha384-ecp256",
    "aes256-sha512-modp2048",
)
DEFAULT_ESP = (
    "aes128ccm16",
    "aes128gcm16",
    "aes128ccm8",
    "aes256ccm16",
    "aes256gcm16",
    "chacha20poly1305",
    "aes128-sha256",
    "aes256-sha384",
    "aes256-sha512",
    "aes128ccm16-esn",
    "aes128gcm16-esn",
    "aes128ccm8iiv",
    "aes128gcm16iiv",
    "chacha20poly1305iiv",
)


def choose_ike(offer: list[Proposal], suites: list[Suite], spi_len: int, ke_group: int) -> tuple[Proposal, Suite] | None:
    """The proposal to answer with (one transform a type, the initiator's SPI) and its suite, or None.

    Suites are tried in the gateway's order; one whose group the KE payload already carries goes first.
    """
    for suite in sorted(suites, key=lambda s: s.group != ke_group):
        wanted: dict[int, int] = {TransformType.PRF: suite.prf, TransformType.INTEG: suite.integ, TransformType.DH: suite.group}
        for proposal in offer:
            if proposal.protocol == Protocol.IKE and len(proposal.spi) == spi_len:
                chosen = _match(proposal, suite, wanted)
                if chosen:
                    return Proposal(proposal.number, Protocol.IKE, proposal.spi, chosen), suite
    return None


def choose_esp(offer: list[Proposal], suites: list[Suite], ke_group: int) -> tuple[Proposal, Suite] | None:
    """As `choose_ike` for a Child SA; `ke_group` is 0 without key exchange."""
    for suite in suites:
        wanted: dict[int, int] = {TransformType.INTEG: suite.integ, TransformType.DH: ke_group, TransformType.ESN: suite.esn}
        for proposal in offer:
            if proposal.protocol == Protocol.ESP and len(proposal.spi) == 4:
                chosen = _match(proposal, suite, wanted)
                if chosen:
                    return Proposal(proposal.number, Protocol.ESP, proposal.spi, chosen), suite
    return None


def _match(proposal: Proposal, suite: Suite, wanted: dict[int, int]) -> tuple[Transform, ...] | None:
    """One transform of each type in the proposal, or None when a type is unknown or nothing fits (RFC 7296 3.3.6)."""
    encr = Transform(TransformType.ENCR, suite.encr, suite.key_bits)
    if encr not in proposal.transforms:
        return None
    chosen = [encr]
    if any(t.type not in wanted for t in proposal.transforms if t.type != TransformType.ENCR):
        return None
    for kind, ident in wanted.items():
        transform = Transform(kind, ident)
        if transform in proposal.transforms:
            chosen.append(transform)
        elif ident or kind == TransformType.ESN or proposal.ids(kind):
            return None
    return tuple(chosen)


def offer_of(suite: Suite, protocol: int, spi: bytes, group: int = 0) -> Proposal:
    """The gateway's own proposal for a suite, when it starts an exchange itself."""
    ids = {TransformType.PRF: suite.prf, TransformType.INTEG: suite.integ, TransformType.DH: suite.group or group}
    transforms = [Transform(TransformType.ENCR, suite.encr, suite.key_bits)]
    transforms += [Transform(kind, ident) for kind, ident in ids.items() if ident]
    if protocol == Protocol.ESP:
        transforms.append(Transform(TransformType.ESN, suite.esn))
    return Proposal(1, protocol, spi, tuple(transforms))
