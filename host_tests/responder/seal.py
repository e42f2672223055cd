"""The SK payload: messages sealed and opened (RFC 7296 3.14, RFC 5282 3). Start reading at `seal_message`."""

import struct
from dataclasses import replace

from .crypto import Cipher, IntegrityError
from .iana import Type
from .wire import HEADER_LEN, Header, Payload, WireError, encode_chain, parse_chain


def seal_message(header: Header, payloads: list[Payload], cipher: Cipher, iv: bytes) -> bytes:
    """A whole message whose payloads are inside SK. `iv` is 8 octets, 16 with CBC."""
    first, chain = encode_chain(payloads)
    pad = -(len(chain) + 1) % cipher.block
    plaintext = chain + bytes(pad) + bytes((pad,))
    sk_len = 4 + cipher.iv_len + len(plaintext) + cipher.icv_len
    header = replace(header, next_payload=Type.SK, length=HEADER_LEN + sk_len)
    authenticated = header.encode() + struct.pack(">BBH", first, 0, sk_len)
    return authenticated + cipher.seal(authenticated, plaintext, iv)


def open_message(data: bytes, cipher: Cipher) -> list[Payload]:
    """The payloads inside the SK payload of a message.

    Raises IntegrityError for all that is not authenticated, WireError for a malformed inside.
    """
    header = Header.parse(data)
    try:
        outer = parse_chain(header.next_payload, data[HEADER_LEN:])
    except WireError as error:
        raise IntegrityError(str(error)) from None
    if not outer or outer[-1].type != Type.SK:
        raise IntegrityError("message without SK payload")
    sealed = outer[-1].body
    plaintext = cipher.open(data[: len(data) - len(sealed)], sealed)
    if not plaintext or plaintext[-1] >= len(plaintext):
        raise WireError("bad padding in SK")
    return parse_chain(outer[-1].inner, plaintext[: -1 - plaintext[-1]])
