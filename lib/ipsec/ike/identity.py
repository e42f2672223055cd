"""Identification payloads from and to text (RFC 7296 3.5).

The form of the text tells the type: an IP address, `user@host` (RFC822_ADDR), `keyid:hex...` (KEY_ID), anything else is a
host name (FQDN). A prefix `fqdn:`, `email:` or `ipv4:`/`ipv6:` settles it where the form would mislead.
Start reading at `encode`.
"""

from ipsec.address import format_address, is_address, parse_address
from ipsec.errors import ConfigError

_IPV4 = 1
_FQDN = 2
_RFC822 = 3
_IPV6 = 5
_KEY_ID = 11
_PREFIXES = {"fqdn": _FQDN, "email": _RFC822, "ipv4": _IPV4, "ipv6": _IPV6, "keyid": _KEY_ID}


def encode(text: str) -> bytes:
    """The body of an ID payload: type, three reserved octets, data.

    Raises ConfigError.
    """
    kind, data = _split(text)
    try:
        if kind in (_IPV4, _IPV6):
            data = parse_address(data)
            kind = _IPV4 if len(data) == 4 else _IPV6
        elif kind == _KEY_ID:
            data = bytes.fromhex(data)
        else:
            data = data.encode()
    except ValueError as e:
        raise ConfigError("identity %r: %s" % (text, e))
    if not data:
        raise ConfigError("identity %r is empty" % text)
    return bytes([kind, 0, 0, 0]) + data


def describe(body) -> str:
    """Text of an ID payload's body for a person; octets of the peer appear escaped and shortened."""
    kind = body[0] if body else 0
    data = bytes(body[4:68])
    if kind in (_IPV4, _IPV6) and len(data) in (4, 16):
        return format_address(data)
    return "type %d %r" % (kind, data)


def same(a, b) -> bool:
    """Whether two ID bodies name the same identity; reserved octets do not count, letter case of names neither."""
    if len(a) < 4 or len(b) < 4 or a[0] != b[0]:
        return False
    if a[0] in (_FQDN, _RFC822):
        return bytes(a[4:]).lower() == bytes(b[4:]).lower()
    return bytes(a[4:]) == bytes(b[4:])


def _split(text) -> tuple:
    prefix, colon, rest = text.partition(":")
    if colon and prefix in _PREFIXES:
        return _PREFIXES[prefix], rest
    if is_address(text):
        return _IPV4, text
    if "@" in text:
        return _RFC822, text
    return _FQDN, text
