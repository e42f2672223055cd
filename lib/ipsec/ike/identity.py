"""Identification payloads from and to text (RFC 7296 3.5).

The form of the text tells the type: an IP address, `user@host` (RFC822_ADDR), `keyid:...` (KEY_ID), anything else is a host name
(FQDN); the other forms are in `forms.py`, which is loaded only for them. Start reading at `encode`.
"""

from ipsec.address import is_address, parse_address, plain_identity

_IPV4 = 1
_FQDN = 2
_RFC822 = 3
_IPV6 = 5
_DN = 9


def encode(text: str) -> bytes:
    """The body of an ID payload: type, three reserved octets, data; empty for `%any`.

    Raises ConfigError.
    """
    if is_address(text):
        data = parse_address(text)
        return bytes([_IPV4 if len(data) == 4 else _IPV6, 0, 0, 0]) + data
    kind = plain_identity(text)
    if kind:
        return bytes([kind, 0, 0, 0]) + text.encode()
    from ipsec.forms import encode_identity

    return encode_identity(text)


def describe(body) -> str:
    """An ID payload's body in the form that `remote_id` takes, where it has one; octets of a peer are escaped and shortened."""
    from ipsec.forms import describe_identity

    return describe_identity(body)


def matches(body, wanted) -> bool:
    """Whether a peer's ID body is the one that is wanted, which is empty for any."""
    return not wanted or same(body, wanted)


def same(a, b) -> bool:
    """Whether two ID bodies name the same identity; reserved octets do not count, letter case of names neither."""
    if len(a) < 4 or len(b) < 4 or a[0] != b[0]:
        return False
    if bytes(a[4:]) == bytes(b[4:]):
        return True
    if a[0] == _DN:
        from ipsec.forms import same_dn

        return same_dn(a[4:], b[4:])
    return a[0] in (_FQDN, _RFC822) and bytes(a[4:]).lower() == bytes(b[4:]).lower()
