"""Identities and selectors in the forms that gateways' documents have; loaded only when an option has one of them.

An identity: `@name`, `fqdn:` and `dns:` names, `email:`, `rfc822:` and `userfqdn:` mail addresses, `keyid:` octets as text or as
hexadecimal digits, `@#` digits, `@[text]`, `ipv4:`, `ipv6:`, or a distinguished name such as `C=DE, O=Example, CN=gw`, with
commas, semicolons, or a slash before each part (`dn:` in front makes it one; `@~` and digits are its DER). A selector:
`10.0.0.0/8[tcp/8883]`.

Rules: what is ambiguous is refused with the remedy. Start reading at `encode_identity`.
"""

import binascii

from ipsec.address import is_address, parse_address, parse_range, plain_identity
from ipsec.errors import ConfigError

_IPV4 = 1
_FQDN = 2
_RFC822 = 3
_IPV6 = 5
_DN = 9
_KEY_ID = 11
_PREFIXES = {
    "fqdn": _FQDN, "dns": _FQDN, "email": _RFC822, "rfc822": _RFC822, "userfqdn": _RFC822, "user_fqdn": _RFC822, "ipv4": _IPV4,
    "ipv6": _IPV6, "keyid": _KEY_ID, "dn": _DN, "asn1dn": _DN,
}  # fmt: skip
# attribute of a distinguished name: the OID's octets (RFC 4519, 2985)
_OIDS = {
    "CN": b"\x55\x04\x03", "SERIALNUMBER": b"\x55\x04\x05", "C": b"\x55\x04\x06", "L": b"\x55\x04\x07", "ST": b"\x55\x04\x08",
    "STREET": b"\x55\x04\x09", "O": b"\x55\x04\x0a", "OU": b"\x55\x04\x0b", "T": b"\x55\x04\x0c",
    "DC": b"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19", "UID": b"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x01",
    "E": b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01",
}  # fmt: skip
_SAME = {"EMAILADDRESS": "E", "EMAIL": "E", "S": "ST", "SN": "SERIALNUMBER"}
_PRINTABLE, _IA5, _UTF8 = 0x13, 0x16, 0x0C  # tags of strings
_PROTOCOLS = {"icmp": 1, "tcp": 6, "udp": 17, "icmpv6": 58, "sctp": 132, "any": 0}
_BLANKS = " \t\r\n\v\f"
_HEX = "0123456789abcdefABCDEF"


def encode_identity(text: str) -> bytes:
    """The body of an ID payload (RFC 7296 3.5): type, three reserved octets, data; empty for `%any`.

    Raises ConfigError.
    """
    if text == "%any":
        return b""
    kind, value = _kind(text)
    if kind in (_IPV4, _IPV6):
        if not is_address(value):
            raise ConfigError("identity %r: %r is not an IPv4 or IPv6 address" % (text, value))
        data = parse_address(value)
        kind = _IPV4 if len(data) == 4 else _IPV6
    elif kind == _DN:
        data = value if isinstance(value, bytes) else _encode_dn(value, text)
    elif kind == _KEY_ID:
        data = _key_id(value)
        if value.startswith("0x") and (not data or data == value.encode()):
            raise ConfigError("identity %r: behind '0x' stand pairs of hexadecimal digits; in quotes it is text" % text)
    else:
        _check_name(kind, value, text)
        data = value.encode()
    if not data:
        raise ConfigError("identity %r is empty: write it behind its prefix" % text)
    return bytes([kind, 0, 0, 0]) + data


def _kind(text: str) -> tuple:
    """Type and rest of an identity's text."""
    if text.startswith("@#"):
        digits = text[2:]
        if not digits or digits.strip(_HEX) or len(digits) & 1:
            raise ConfigError("identity %r: behind '@#' stand pairs of hexadecimal digits" % text)
        return _KEY_ID, digits
    if text.startswith("@~"):
        digits = text[2:]
        try:
            der = binascii.unhexlify(digits)
            _parse_dn(der)
        except (ValueError, IndexError):
            raise ConfigError("identity %r: behind '@~' stands a distinguished name, DER in hexadecimal digits" % text)
        return _DN, der
    if text.startswith("@["):
        if text[-1] != "]":
            raise ConfigError("identity %r: '@[' needs ']' at the end; write 'keyid:%s'" % (text, text[2:]))
        return _KEY_ID, '"%s"' % text[2:-1] if text[2:-1] else ""
    if text.startswith("@@"):
        return _RFC822, text[2:]
    if text.startswith("@"):
        return _FQDN, text[1:]
    prefix, colon, rest = text.partition(":")
    if colon and not is_address(text) and not ("=" in text and "=" in prefix):
        if "//" in rest:
            raise ConfigError("identity %r is a URL: write the host name alone" % text)
        if prefix.lower() not in _PREFIXES:
            known = ", ".join(sorted(_PREFIXES))
            raise ConfigError("identity %r: the prefix %r is not known; known are %s" % (text, prefix, known))
        return _PREFIXES[prefix.lower()], rest
    if is_address(text):
        return _IPV4, text
    if "=" in text:
        return _DN, text
    if not text.strip("0123456789.") and "." in text:
        raise ConfigError("identity %r is no address: correct it, or write 'fqdn:%s' if it is a name" % (text, text))
    return (_RFC822 if "@" in text else _FQDN), text


def _key_id(value: str) -> bytes:
    """Octets as pairs of hexadecimal digits, `0x` in front or not; anything else, or what stands in quotes, is text."""
    if len(value) > 2 and value[0] == value[-1] == '"':
        return value[1:-1].encode()
    digits = value[2:] if value.startswith("0x") else value
    return value.encode() if digits.strip(_HEX) or len(digits) & 1 else binascii.unhexlify(digits)


def _check_name(kind, value, text):
    for c in value:
        if c in _BLANKS or not 33 <= ord(c) < 127:
            what = "a blank" if c in _BLANKS else "%r, which is not ASCII: write the name in its ASCII form (xn--...)" % c
            raise ConfigError("identity %r holds %s%s" % (text, what, ": remove it" if c in _BLANKS else ""))
        if c in "\"'%*,;<>":
            raise ConfigError("identity %r holds %r, which no name has: remove it" % (text, c))
    if kind == _RFC822 and (value.count("@") != 1 or value[0] == "@" or value[-1] == "@"):
        raise ConfigError("identity %r is no mail address: write user@host, or '@name' for a name" % text)
    if kind == _FQDN and "@" in value:
        raise ConfigError("identity %r is no host name: write 'email:%s' for a mail address" % (text, value))
    if kind == _FQDN and "/" in value:
        raise ConfigError("identity %r is no host name: write the name alone, or 'keyid:%s' for octets" % (text, value))


def _encode_dn(value: str, text: str) -> bytes:
    """A distinguished name in DER, in the order that it is written in (RFC 5280 4.1.2.4)."""
    names = b""
    for part in _split_dn(value):
        name, equals, content = part.partition("=")
        name = name.strip().upper()
        name = _SAME.get(name, name)
        content = content.strip()
        if not equals or not content or name not in _OIDS:
            known = ", ".join(sorted(_OIDS))
            raise ConfigError("identity %r: %r is no part of a distinguished name; known are %s" % (text, part.strip(), known))
        if "+" in content and "=" in content:
            raise ConfigError("identity %r: several values in one part are not supported; take another identity" % text)
        for mark in "/ ":
            for word in content.split(mark)[1:]:
                word = word.partition("=")
                if word[1] and _SAME.get(word[0].upper(), word[0].upper()) in _OIDS:
                    raise ConfigError("identity %r: write a comma before %r" % (text, word[0] + "="))
        if name == "C" and len(content) != 2:
            raise ConfigError("identity %r: C is two letters, such as 'C=DE', not %r" % (text, content))
        tag = _PRINTABLE if name in ("C", "SERIALNUMBER") else _IA5 if name in ("DC", "E") else _UTF8
        pair = _tlv(0x06, _OIDS[name]) + _tlv(tag, content.encode())
        names += _tlv(0x31, _tlv(0x30, pair))
    return _tlv(0x30, names)


def _split_dn(value: str) -> list:
    """The parts between commas or semicolons, or slashes when it begins with one; a backslash takes the next character as it is.

    Raises ConfigError.
    """
    separator = ",;"
    if value.startswith("/"):
        separator = "/"
        value = value[1:]
    parts = [""]
    escaped = quoted = False
    for c in value:
        if escaped:
            parts[-1] += c
            escaped = False
        elif c == "\\":
            escaped = True
        elif c == '"':
            quoted = not quoted
        elif c in separator and not quoted:
            parts.append("")
        else:
            parts[-1] += c
    if escaped or quoted:
        raise ConfigError("identity %r: it ends within quotes, or behind a backslash: correct it" % value)
    return parts


def _tlv(tag: int, value: bytes) -> bytes:
    n = len(value)
    if n < 128:
        return bytes([tag, n]) + value
    return bytes([tag, 0x81, n] if n < 256 else [tag, 0x82, n >> 8, n & 255]) + value


def describe_identity(body) -> str:
    """An ID payload's body in the form that `remote_id` takes, where it has one; octets of a peer are escaped and shortened."""
    kind, data = body[0] if body else 0, bytes(body[4:])
    if kind in (_IPV4, _IPV6) and len(data) in (4, 16):
        from ipsec.address import format_address

        return format_address(data)
    try:
        if kind == _DN:
            text = _describe_dn(data)
        elif kind == _KEY_ID and (not _is_plain(data) or _key_id(data.decode()) != data):
            text = "keyid:" + binascii.hexlify(data).decode()
        else:
            text = {_FQDN: "fqdn:", _RFC822: "email:", _KEY_ID: "keyid:"}[kind] + data.decode()
            if kind != _KEY_ID and plain_identity(text[text.index(":") + 1 :]) == kind and not is_address(data.decode()):
                text = data.decode()
        if len(text) <= 128 and encode_identity(text)[4:] == data:
            return text
    except (ConfigError, ValueError, KeyError, IndexError):
        pass
    return "type %d %r" % (kind, data[:64])


def same_dn(a, b) -> bool:
    """Whether two distinguished names are the same but for the kinds of their strings, letter case and blanks (RFC 5280 7.1)."""
    try:
        ours, theirs = [[(oid, " ".join(value.split()).lower()) for oid, value in _parse_dn(bytes(name))] for name in (a, b)]
    except (ValueError, IndexError):
        return False
    return ours == theirs


def _describe_dn(data) -> str:
    parts = []
    for oid, value in _parse_dn(data):
        [name] = [name for name in _OIDS if _OIDS[name] == oid]
        for c in '\\",;':
            value = value.replace(c, "\\" + c)
        parts.append("%s=%s" % (name, value))
    return ", ".join(parts)


def _parse_dn(data) -> list:
    """Pairs of OID and text. Raises ValueError, IndexError for what is no distinguished name."""
    found = []
    pos, end = _enter(data, 0, len(data), 0x30)
    while pos < end:
        at, pos = _enter(data, pos, end, 0x31)
        at, last = _enter(data, at, pos, 0x30)
        oid_at, at = _enter(data, at, last, 0x06)
        value_at, value_end = _enter(data, at, last, data[at])
        if value_end != last or last != pos:
            raise ValueError("a part with several values")
        found.append((data[oid_at:at], data[value_at:value_end].decode()))
    return found


def _enter(data, pos, end, tag) -> tuple:
    """Where the content of a value begins and ends."""
    n = data[pos + 1]
    at = pos + 2
    if n > 127:
        at += n & 127
        n = int.from_bytes(data[pos + 2 : at], "big")
    if data[pos] != tag or at + n > end:
        raise ValueError("no DER")
    return at, at + n


def _is_plain(data) -> bool:
    return all(33 <= c < 127 for c in data)


def parse_selector(text: str) -> tuple:
    """`(protocol, first port, last port, first, last)` of `10.0.0.0/8[tcp/8883]` or `[udp/5000-5010]`, `[47]`.

    Raises ValueError that names the text.
    """
    prefix, bracket, rest = text.partition("[")
    if not bracket:
        return (0, 0, 65535) + parse_range(text.strip())
    name, slash, ports = rest.strip().rstrip("]").lower().partition("/")
    if not rest.strip().endswith("]"):
        raise ValueError("%r does not end with ']'" % text)
    protocol = _PROTOCOLS[name] if name in _PROTOCOLS else _number(name, 255)
    first, dash, last = ports.partition("-")
    low = _number(first, 65535) if slash and ports != "any" else 0
    high = (_number(last, 65535) if dash else low) if slash and ports != "any" else 65535
    if protocol is None or low is None or high is None or low > high:
        raise ValueError("%r: behind the prefix stands [PROTOCOL/PORT] or [PROTOCOL/FIRST-LAST], such as [tcp/8883]" % text)
    if slash and (protocol not in (0, 6, 17, 132) or not high):
        raise ValueError("%r: protocol %d has no such ports; write '%s[%s]'" % (text, protocol, prefix.strip(), name))
    return (protocol, low, high) + parse_range(prefix.strip())


def _number(digits: str, highest: int):
    """A plain number, or None."""
    if not digits or len(digits) > 5 or digits.strip("0123456789") or int(digits) > highest:
        return None
    return int(digits)
