"""Pre-shared keys in the forms that gateways' documents and other systems' files have; loaded only for one of them.

`hex:` and `0x` digits, `base64:` and `0s`, text; a file in UTF-8 or UTF-16, or with a line of ipsec.secrets.

Rules: what is ambiguous is refused with the remedy, never taken for another key; no text holds an octet of a key.
Start reading at `decode_key`.
"""

import binascii

from ipsec.errors import ConfigError

_BLANKS = " \t\r\n\v\f"
_HEX = "0123456789abcdefABCDEF"
_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def decode_key(text: str) -> bytes:
    """The octets of a pre-shared key: `hex:` or `0x` digits, `base64:` or `0s`, else text in UTF-8.

    Raises ConfigError, whose text does not hold the secret.
    """
    lower = text[:7].lower()
    for prefix in ("hex:", "0x"):
        if lower.startswith(prefix):
            digits = "".join([c for c in text[len(prefix) :] if c not in _BLANKS + ":"])
            if not digits or digits.strip(_HEX) or len(digits) & 1:
                raise ConfigError("option psk: what follows %r is not pairs of hexadecimal digits" % prefix)
            return binascii.unhexlify(digits)
    for prefix in ("base64:", "0s"):
        if lower.startswith(prefix):
            return _decode_base64(text[len(prefix) :], prefix)
    if text and (text[0] in _BLANKS or text[-1] in _BLANKS):
        raise ConfigError("option psk: it begins or ends with a blank; remove it, or write the key as 'hex:...'")
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        raise ConfigError("option psk: it stands in quotes of its own; remove them, or write the key as 'hex:...'")
    if "PSK" in _kinds(text):
        raise ConfigError("option psk: it is a line of ipsec.secrets; write the key alone, or put the line into psk_file")
    for c in text:
        if ord(c) < 32 or c in "\x7f\ufeff\ufffd":
            raise ConfigError("option psk: it holds a control character; write the key as 'hex:...'")
    return text.encode()


def _decode_base64(text: str, prefix: str) -> bytes:
    digits = "".join(text.split()).rstrip("=")
    padding = len("".join(text.split())) - len(digits)
    if not digits or digits.strip(_BASE64) or len(digits) % 4 == 1 or padding not in (0, -len(digits) % 4):
        raise ConfigError("option psk: what follows %r is not base64" % prefix)
    return binascii.a2b_base64(digits + "=" * (-len(digits) % 4))


def read_key(octets: bytes, name: str) -> str:
    """The key in the octets of a file, in a form that `decode_key` takes; `name` is the file's.

    Raises ConfigError.
    """
    lines = [line.strip("\r") for line in _to_text(octets, name).split("\n")]
    lines = [line for line in lines if line.strip(_BLANKS) and not line.strip(_BLANKS).startswith("#")]
    if not lines:
        raise ConfigError("option psk_file: %r is empty: make a key with provision --new-psk" % name)
    if len(lines) > 1:
        raise ConfigError("option psk_file: %r holds %d lines: leave the one with the key" % (name, len(lines)))
    return _of_secrets(lines[0], name)


def _of_secrets(line: str, name: str) -> str:
    """The key of a line of ipsec.secrets, `[ids] : PSK "key"`; any other line as it is."""
    kinds = _kinds(line)
    if "PSK" not in kinds:
        if any(kind in ("RSA", "ECDSA", "EAP", "PIN", "XAUTH", "PKCS12") for kind in kinds):
            raise ConfigError("option psk_file: %r holds another secret than a PSK" % name)
        if any(c in line for c in '"\u201c\u201d') and len(line.split()) > 1:
            raise ConfigError("option psk_file: quotes in %r: leave the key alone in the file, or write it as 'hex:...'" % name)
        return line
    at = line.upper().index("PSK", line.index(":")) + 3
    key = line[at:].strip(_BLANKS)
    if len(key) > 2 and key[0] == key[-1] and key[0] in "\"'" and key[0] not in key[1:-1]:
        return "hex:" + binascii.hexlify(key[1:-1].encode()).decode()  # in quotes it is text, whatever it looks like
    if not key or any(c in _BLANKS + "\"'#" for c in key):
        raise ConfigError("option psk_file: the line of ipsec.secrets in %r is not clear: leave the key alone in the file" % name)
    return key


def _kinds(line: str) -> list:
    """What a line of ipsec.secrets says its secret is, behind its colon; nothing for other lines."""
    words = line.upper().split()
    kinds = [words[i + 1] for i in range(len(words) - 1) if words[i][-1] == ":"]
    return kinds + [word[1:] for word in words if word[0] == ":"]


def _to_text(octets: bytes, name: str) -> str:
    """The text of a file in UTF-8 or, with a byte order mark, in UTF-16."""
    if octets[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return _from_utf16(octets[2:], octets[0] == 0xFF, name)
    if octets[:3] == b"\xef\xbb\xbf":
        octets = octets[3:]
    try:
        if b"\0" in octets:
            raise ValueError
        return octets.decode()
    except ValueError:  # UnicodeError is one
        raise ConfigError("option psk_file: %r is not text in UTF-8: save it as that, or write the key as 'hex:...'" % name)


def _from_utf16(octets: bytes, little: bool, name: str) -> str:
    text = ""
    high = 0
    for i in range(0, len(octets) - 1, 2):
        unit = octets[i] | octets[i + 1] << 8 if little else octets[i] << 8 | octets[i + 1]
        if high:
            unit = 0x10000 + ((high & 0x3FF) << 10 | unit & 0x3FF) if unit >> 10 == 0x37 else 0
            high = 0
        elif unit >> 10 == 0x36:
            high = unit
            continue
        if not unit or unit >> 10 == 0x37:
            break
        text += chr(unit)
    else:
        if not high and not len(octets) & 1:
            return text
    raise ConfigError("option psk_file: %r is damaged UTF-16: save it as UTF-8" % name)
