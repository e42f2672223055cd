"""Faults of a gateway, or of somebody on the way, that concern signatures (RFC 7427).

`SIGNATURES` at the end has those that need no argument, by name. Start reading at `signature`.
"""

from collections.abc import Callable
from dataclasses import replace

from . import signature as signatures
from .fault_library import DatagramFault, MessageFault, auth_method, change
from .faults import Fault
from .iana import Exchange, Note, Type
from .payloads import parse_notify
from .wire import Payload, encode_message, parse_message

_RSA_SHA256 = bytes.fromhex("300d06092a864886f70d01010b0500")
_ECDSA_SHA1 = bytes.fromhex("300906072a8648ce3d0401")
_ED25519_NULL = bytes.fromhex("300706032b65700500")


def signature(edit: Callable[[bytes, bytes], tuple[bytes, bytes]]) -> MessageFault:
    """`edit(AlgorithmIdentifier, signature)` gives what AUTH holds instead; with a classic method the former is empty."""

    def changed(payload: Payload) -> Payload:
        head, data = payload.body[:4], payload.body[4:]
        at = 1 + data[0] if head[0] == 14 else 0
        name, signed = edit(data[1:at], data[at:])
        return replace(payload, body=head + (bytes((len(name),)) + name if at else b"") + signed)

    return change(Exchange.IKE_AUTH, Type.AUTH, changed)


def algorithm(identifier: bytes) -> MessageFault:
    """Another AlgorithmIdentifier over the same signature."""
    return signature(lambda _name, signed: (identifier, signed))


def without_data() -> MessageFault:
    """An AUTH payload of method 14 that ends behind its head."""
    return change(Exchange.IKE_AUTH, Type.AUTH, lambda p: replace(p, body=p.body[:4]))


def cut_algorithm() -> MessageFault:
    """An AlgorithmIdentifier that is longer than the payload."""
    return change(Exchange.IKE_AUTH, Type.AUTH, lambda p: replace(p, body=p.body[:4] + b"\xff" + p.body[5:]))


def over(octets: bytes, key) -> MessageFault:
    """A signature by this private key over other octets than those of AUTH."""
    method, data = signatures.sign(key, octets, signatures.ALL_HASHES)
    return change(Exchange.IKE_AUTH, Type.AUTH, lambda p: replace(p, body=bytes((method, 0, 0, 0)) + data))


def untold(note: int = Note.SIGNATURE_HASH_ALGORITHMS) -> MessageFault:
    """The gateway leaves a notification out of IKE_SA_INIT; its AUTH covers what it sent."""
    return MessageFault(Exchange.IKE_SA_INIT, lambda _ctx, payloads: _without(payloads, note))


def _without(payloads: list[Payload], note: int) -> list[Payload]:
    return [p for p in payloads if p.type != Type.N or parse_notify(p.body).type != note]


def stripped(direction: str, note: int = Note.SIGNATURE_HASH_ALGORITHMS) -> DatagramFault:
    """Somebody on the way takes a notification out of IKE_SA_INIT."""

    def action(data: bytes) -> list[tuple[float, bytes]]:
        header, payloads = parse_message(data)
        return [(0.0, encode_message(header, _without(payloads, note)))]

    return DatagramFault(action, direction, exchange=Exchange.IKE_SA_INIT)


SIGNATURES: dict[str, Callable[[], Fault]] = {
    "signature-empty": lambda: signature(lambda name, _: (name, b"")),
    "signature-short": lambda: signature(lambda name, signed: (name, signed[:-1])),
    "signature-long": lambda: signature(lambda name, signed: (name, signed + b"\0")),
    "signature-flipped": lambda: signature(lambda name, signed: (name, signed[:-1] + bytes((signed[-1] ^ 1,)))),
    "signature-zero": lambda: signature(lambda name, signed: (name, bytes(len(signed)))),
    "algorithm-of-other-key": lambda: algorithm(_RSA_SHA256),
    "algorithm-sha1": lambda: algorithm(_ECDSA_SHA1),
    "algorithm-parameters": lambda: algorithm(_ED25519_NULL),
    "algorithm-empty": lambda: algorithm(b""),
    "algorithm-cut": cut_algorithm,
    "auth-without-data": without_data,
    "method-psk": lambda: auth_method(2),
    "method-null": lambda: auth_method(13),
    "hashes-stripped-from-request": lambda: stripped("in"),
    "hashes-stripped-from-response": lambda: stripped("out"),
    "hashes-not-told": untold,
}
