"""Keys as a configuration has them: PEM, DER, base64, hexadecimal, raw octets (RFC 7468, 5480, 8410, 5958, 5915).

A board forgets this once it has its keys. Start reading at `load_private`.
"""

from binascii import a2b_base64, unhexlify

from ipsec.errors import AuthError, ConfigError
from ipsec.ike.auth.der import OCTETS, OID, Der
from ipsec.ike.auth.keys import (
    ED25519,
    OID_EC,
    OID_ED25519,
    OID_P256,
    OID_PKCS1,
    P256,
    RSA,
    PrivateKey,
    PublicKey,
    parse_spki,
    raw_key,
)


def spki(key) -> bytes:
    """SubjectPublicKeyInfo of an Ed25519 or P-256 key."""
    if key.kind == ED25519:
        return b"\x30\x2a\x30\x05\x06\x03" + OID_ED25519 + b"\x03\x21\x00" + key.data
    return b"\x30\x59\x30\x13\x06\x07" + OID_EC + b"\x06\x08" + OID_P256 + b"\x03\x42\x00\x04" + key.data


def load_public(text, option="gateway_key"):
    """The public key of an option: SubjectPublicKeyInfo as PEM, DER, base64 (`0s` before it or not) or hexadecimal (`0x`);
    the raw 32 octets of Ed25519 or X | Y of P-256 or P-384 in any of them; RSA as RFC 3110 behind `0s` (libreswan).

    Raises ConfigError.
    """
    octets = _decode(text, "PUBLIC KEY", option)
    try:
        if len(octets) in (32, 64, 96):
            return raw_key(len(octets) // 32, octets, 0, len(octets))
        if len(octets) in (65, 97) and octets[0] == 4:
            return raw_key(len(octets) // 32, octets, 1, len(octets))
        if octets and octets[0] == 3 and octets[1:4] == b"\x01\x00\x01":
            return PublicKey(RSA, octets[4:], 65537)
        return parse_spki(octets, 0, len(octets))
    except AuthError as e:
        raise ConfigError("%s: %s; give SubjectPublicKeyInfo as PEM or base64, or the raw key" % (option, e))


def load_private(octets, kind=0, option="key_file"):
    """Our key from a file: PKCS #8 or SEC1 as PEM or DER, or 32 raw octets of the `kind`. Raises ConfigError."""
    octets = _decode(octets, "PRIVATE KEY", option)
    if len(octets) == 32:
        if kind not in (ED25519, P256):
            raise ConfigError("%s: 32 raw octets do not tell whether they are Ed25519 or P-256; give PKCS #8" % option)
        return PrivateKey(kind, octets)
    try:
        kind, at, to, public = _pkcs8(octets)
    except AuthError as e:
        raise ConfigError("%s: %s; an Ed25519 or P-256 key as PKCS #8 is needed" % (option, e))
    return PrivateKey(kind, octets[at:to], public)


def _pkcs8(octets) -> tuple:
    """`(kind, at, to, public key or None)` of PKCS #8 (RFC 5958 2) or SEC1's ECPrivateKey (RFC 5915 3)."""
    d = Der(octets, 0, len(octets))
    s = d.inside()
    d.done()
    if s.small() == 1 and s.peek(OCTETS):
        return _sec1(s, True)
    a = s.inside()
    a.next(OID)
    s.next(OCTETS)
    if a.equals(OID_ED25519):
        o = Der(octets, s.at, s.to)
        o.next(OCTETS)
        if s.peek(0xA0):
            s.next()
        return _of_32(ED25519, o, o.at, o.to, s if s.peek(0x81) else None)
    if a.equals(OID_EC):
        a.next(OID)
        if a.equals(OID_P256):
            e = Der(octets, s.at, s.to).inside()
            e.small()
            return _sec1(e, False)
    if a.equals(OID_PKCS1 + b"\x01"):
        a.refuse("an RSA key takes a device seconds to sign with")
    return a.refuse("another kind of private key")


def _sec1(s, with_curve) -> tuple:
    """ECPrivateKey behind its version; outside of PKCS #8 it must name the curve."""
    s.next(OCTETS)
    at, to = s.at, s.to
    if with_curve or s.peek(0xA0):
        p = s.inside(0xA0)
        p.next(OID)
        if not p.equals(OID_P256):
            p.refuse("the curve is not P-256")
    return _of_32(P256, s, at, to, s.inside(0xA1) if s.peek(0xA1) else None)


def _of_32(kind, d, at, to, d_public) -> tuple:
    """`d_public` has the public key's bit string next, which begins with 0 unused bits, and with 4 on a curve."""
    if to - at != 32:
        d.refuse("a private key of %d octets" % (to - at))
    if not d_public:
        return kind, at, to, None
    d_public.next()
    if d_public.to - d_public.at != 33 * kind:
        d.refuse("a public key of %d octets" % (d_public.to - d_public.at))
    return kind, at, to, d.buf[d_public.at + kind : d_public.to]


def _decode(octets, label, option) -> bytes:
    """Octets of PEM, of `0s` and base64, of `0x` and hexadecimal, of base64; other octets as they are."""
    if isinstance(octets, str):
        octets = octets.strip().encode()
    octets = octets[bytes(octets[:20]).find(b"key=0") + 4 if b"key=0" in octets[:20] else 0 :]  # leftecdsakey=0s...
    head = bytes(octets[:11])
    try:
        if head == b"-----BEGIN ":
            begin = max([octets.find(label.encode() + b"-----" + line_end) for line_end in (b"\n", b"\r\n")])
            end = octets.find(b"-----END", begin)
            if begin < 0 or end < 0 or b"ENCRYPTED" in octets:
                kind = "an encrypted key" if b"ENCRYPTED" in octets else bytes(octets[11 : octets.find(b"-----", 11)]).decode()
                raise ConfigError("option %s: the PEM holds %s: give the %s, in the clear" % (option, kind, label))
            return a2b_base64(octets[octets.find(b"\n", begin) : end])
        if head[:2] == b"0s":
            return a2b_base64(octets[2:])
        if head[:2] == b"0x":
            return unhexlify(bytes(octets[2:]).strip())
        if len(octets) > 32 and head[:3] not in (b"\x30\x81", b"\x30\x82") and head[0] not in (0x30, 4) and _is_text(octets):
            return a2b_base64(octets)
    except ValueError:
        raise ConfigError("option %s: malformed base64, hexadecimal or PEM: copy it again, whole" % option)
    return bytes(octets)


def _is_text(octets) -> bool:
    """Whether these can be base64."""
    return all(c in b"\r\n+/=" or 48 <= c <= 57 or 65 <= c <= 90 or 97 <= c <= 122 for c in octets)
