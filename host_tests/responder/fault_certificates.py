"""Faults of a gateway's certificates: what it sends in place of its good one, or what somebody put into them.

`REFUSED`, `TAKEN` and `TOO_MUCH` at the end have each by name, as a function of the authority that the device trusts and the
gateway's key.
Start reading at `sent`.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa

from .certificates import Authority, der, make_key, payloads
from .fault_library import MessageFault, change
from .iana import Exchange, Type
from .wire import Payload

NAME = "gw.example"
Make = Callable[[Authority, Any], MessageFault]
_UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")
_ECDSA_SHA256, _ECDSA_SHA384 = bytes.fromhex("300a06082a8648ce3d040302"), bytes.fromhex("300a06082a8648ce3d040303")
_ECDSA_SHA224 = bytes.fromhex("300a06082a8648ce3d040301")
_ZEROS = bytes.fromhex("3006020100020100")  # an ECDSA-Sig-Value


def sent(found: Sequence[x509.Certificate | bytes]) -> MessageFault:
    """These certificates in place of what the gateway has."""
    return replaced(payloads(found))


def replaced(found: list[Payload]) -> MessageFault:
    """These payloads in place of the first CERT, and no other one."""

    def edit(_ctx, chain: list[Payload]) -> list[Payload]:
        at = next((i for i, p in enumerate(chain) if p.type == Type.CERT), 1)
        others = [p for p in chain[at:] if p.type != Type.CERT]
        return [*chain[:at], *found, *others]

    return MessageFault(Exchange.IKE_AUTH, edit)


def edited(edit: Callable[[bytes], bytes]) -> MessageFault:
    """`edit(octets)` gives what each certificate is instead."""
    return change(Exchange.IKE_AUTH, Type.CERT, lambda p: replace(p, body=p.body[:1] + edit(p.body[1:])))


def encoding(number: int) -> MessageFault:
    """CERT payloads of another encoding, such as 12, hash and URL."""
    return change(Exchange.IKE_AUTH, Type.CERT, lambda p: replace(p, body=bytes((number,)) + p.body[1:]))


def _outer(octets: bytes, identifier: bytes) -> bytes:
    """Another AlgorithmIdentifier behind what is signed, of the same length."""
    at = octets.rindex(_ECDSA_SHA256)
    return octets[:at] + identifier + octets[at + len(identifier) :]


def _signature(octets: bytes, edit: Callable[[bytes], bytes]) -> bytes:
    """Another signature: the last element, a BIT STRING behind the AlgorithmIdentifier; lengths put right."""
    at = octets.rindex(_ECDSA_SHA256) + len(_ECDSA_SHA256)
    body = octets[4:at] + _tlv(3, b"\0" + edit(octets[at + 3 :]))
    return _tlv(0x30, body)


def _tlv(tag: int, body: bytes) -> bytes:
    n = len(body)
    return bytes((tag, *((n,) if n < 128 else (0x81, n) if n < 256 else (0x82, n >> 8, n & 255)))) + body


def _short(octets: bytes) -> bytes:
    """An ECDSA-Sig-Value whose second number has lost its last octet, in good DER."""
    n = octets[3]
    r, s = octets[4 : 4 + n], octets[6 + n :]
    return _tlv(0x30, _tlv(2, r) + _tlv(2, s[:-1]))


def _loop(root: Authority, key: Any) -> MessageFault:
    """Two authorities that issued each other, and none that the device has."""
    one, other = Authority("One"), Authority("Other")
    up = [one.issue("Other", other.key, ca=True, san=""), other.issue("One", one.key, ca=True, san="")]
    return sent([one.issue(NAME, key), *up])


def _flood(root: Authority, key: Any) -> MessageFault:
    """The good one, and authorities of nobody, as many as a message in pieces may have."""
    return sent([root.issue(NAME, key), *(Authority("Flood %d" % n).certificate for n in range(6))])


def _flood_without_end(root: Authority, key: Any) -> MessageFault:
    return sent([root.issue(NAME, key), *[Authority("Flood").certificate] * 80])


def _same_names(root: Authority, key: Any) -> MessageFault:
    """Authorities of one name that all could have issued each other: a search without a bound would try each with each."""
    false = [Authority("Root", above=None).certificate for _ in range(5)]
    return sent([Authority("Root").issue(NAME, key), *false])


def _long(root: Authority, key: Any) -> MessageFault:
    """More authorities between leaf and root than a path may have."""
    chain = [root]
    for n in range(4):
        chain.append(Authority("Sub %d" % n, above=chain[-1]))
    return sent([chain[-1].issue(NAME, key), *(a.certificate for a in chain[:0:-1])])


def _by_leaf(root: Authority, key: Any) -> MessageFault:
    """Issued by an end entity."""
    other = Authority("Leaf")
    other.certificate = root.issue("Leaf", other.key)
    return sent([other.issue(NAME, key), other.certificate])


def _other_root(root: Authority, key: Any) -> MessageFault:
    return sent([Authority("Root").issue(NAME, key)])


def _issued_by_rsa(root: Authority, key: Any) -> MessageFault:
    """An RSA signature, where the authority that it names has a key on a curve."""
    return sent([Authority("Root", key=rsa.generate_private_key(65537, 2048)).issue(NAME, key)])


def _issued(**how: Any) -> Make:
    return lambda root, key: sent([root.issue(NAME, key, **how)])


REFUSED: dict[str, Make] = {
    "cert-none": lambda root, key: sent([]),
    "cert-hash-and-url": lambda root, key: encoding(12),
    "cert-pkcs7": lambda root, key: encoding(1),
    "cert-empty": lambda root, key: sent([b""]),
    "cert-cut": lambda root, key: edited(lambda octets: octets[:-1]),
    "cert-longer": lambda root, key: edited(lambda octets: octets + b"\0"),
    "cert-critical-extension": _issued(extra=((_UNKNOWN, True),)),
    "cert-name-constraints": _issued(extra=((x509.NameConstraints([x509.DNSName("example")], None), True),)),
    "cert-other-identity": _issued(san="other.example"),
    "cert-no-identity": _issued(san=""),
    "cert-wildcard": _issued(san="*.example"),
    "cert-no-signing": _issued(usage={"key_agreement": True}),
    "cert-for-clients": _issued(purposes=(x509.ExtendedKeyUsageOID.CLIENT_AUTH,)),
    "cert-sha224": lambda root, key: edited(lambda octets: octets.replace(_ECDSA_SHA256, _ECDSA_SHA224)),
    "cert-algorithms-differ": lambda root, key: edited(lambda octets: _outer(octets, _ECDSA_SHA384)),
    "cert-algorithm-of-other-hash": lambda root, key: edited(lambda octets: octets.replace(_ECDSA_SHA256, _ECDSA_SHA384)),
    "cert-algorithm-of-other-key": _issued_by_rsa,
    "cert-signature-empty": lambda root, key: edited(lambda octets: _signature(octets, lambda _: b"")),
    "cert-signature-short": lambda root, key: edited(lambda octets: _signature(octets, _short)),
    "cert-signature-zero": lambda root, key: edited(lambda octets: _signature(octets, lambda _: _ZEROS)),
    "cert-of-other-key": lambda root, key: sent([root.issue(NAME, make_key())]),
    "cert-of-other-kind": lambda root, key: sent([root.issue(NAME, rsa.generate_private_key(65537, 2048))]),
    "cert-of-root": lambda root, key: sent([root.certificate]),
    "cert-self-signed": lambda root, key: sent([_self_signed(key)]),
    "cert-other-root": _other_root,
    "cert-by-leaf": _by_leaf,
    "cert-leaf-last": lambda root, key: sent([root.certificate, root.issue(NAME, key)]),
    "cert-flood": _flood,
    "cert-same-names": _same_names,
    "cert-loop": _loop,
    "cert-long-path": _long,
}


def _self_signed(key: Any) -> x509.Certificate:
    own = Authority(NAME, key=key)
    return own.issue(NAME, key)


def _chain(root: Authority, key: Any, order: Callable[[list], list]) -> MessageFault:
    """A path of four, those behind the leaf in another order."""
    upper = Authority("Upper", above=root)
    lower = Authority("Lower", above=upper)
    return sent([lower.issue(NAME, key), *order([lower.certificate, upper.certificate])])


def _garbage(root: Authority, key: Any) -> MessageFault:
    good = payloads([root.issue(NAME, key)])
    others = [Payload(Type.CERT, b"\x04garbage"), Payload(Type.CERT, b"\x0c" + bytes(20) + b"http://x/"), Payload(Type.CERT, b"")]
    return replaced([*good, *others])


TOO_MUCH: dict[str, Make] = {
    "cert-large": _issued(extra=((x509.UnrecognizedExtension(_UNKNOWN.oid, bytes(4000)), False),)),
    "cert-flood-without-end": _flood_without_end,
}
TAKEN: dict[str, Make] = {
    "cert-chain": lambda root, key: _chain(root, key, list),
    "cert-chain-backwards": lambda root, key: _chain(root, key, lambda found: found[::-1]),
    "cert-chain-with-root": lambda root, key: _chain(root, key, lambda found: [root.certificate, *found]),
    "cert-chain-doubled": lambda root, key: _chain(root, key, lambda found: [*found, *found]),
    "cert-garbage-behind": _garbage,
    "cert-unknown-extension": _issued(extra=((_UNKNOWN, False),)),
    "cert-sha384": _issued(algorithm=hashes.SHA384()),
    "cert-for-ike": _issued(purposes=(x509.ObjectIdentifier("1.3.6.1.5.5.7.3.17"),)),
}

__all__ = ["NAME", "REFUSED", "TAKEN", "TOO_MUCH", "Make", "der", "edited", "encoding", "replaced", "sent"]
