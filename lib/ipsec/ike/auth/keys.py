"""Public and private keys, and algorithms of signatures (RFC 5280 4.1.2.7, 5480, 8410, 5958; RFC 7427 3, 8420).

A public key is Ed25519, P-256, P-384 or RSA; a private key Ed25519 or P-256. An algorithm is `(kind, octets of the digest,
octets of the salt)`; it must fit the key. `read_keys.py` reads what a configuration has. Start reading at `PublicKey`.
"""

from ipsec.errors import AuthError, ConfigError
from ipsec.ike.auth.der import INTEGER, NULL, OID, Der

ED25519, P256, P384, RSA, RSA_PSS = 1, 2, 3, 4, 5
ECDSA = 2  # of an algorithm: the curve is the key's
NAMES = ("", "Ed25519", "P-256", "P-384", "RSA", "RSA-PSS")
# Hash algorithms of RFC 7427 7 and 8420 4, by octets of the digest; Identity is Ed25519's
HASHES = {32: 2, 48: 3, 64: 4, 0: 5}

OID_ED25519 = b"\x2b\x65\x70"
OID_EC = b"\x2a\x86\x48\xce\x3d\x02\x01"
OID_P256 = b"\x2a\x86\x48\xce\x3d\x03\x01\x07"
_OID_P384 = b"\x2b\x81\x04\x00\x22"
_OID_ECDSA = b"\x2a\x86\x48\xce\x3d\x04\x03"  # and 2, 3 or 4 behind it
OID_PKCS1 = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01"  # and 1 rsaEncryption, 8 MGF1, 10 PSS, 11 to 13 with SHA-2
_OID_SHA2 = b"\x60\x86\x48\x01\x65\x03\x04\x02"  # and 1 SHA-256, 2 SHA-384, 3 SHA-512

# AlgorithmIdentifiers of our own signatures (RFC 7427 A.3.2, RFC 8420 A.1)
IDENTIFIERS = {
    ED25519: b"\x30\x05\x06\x03" + OID_ED25519,
    P256: b"\x30\x0a\x06\x08" + _OID_ECDSA + b"\x02",
}


class PublicKey:
    """A public key: `kind`, `data` (Ed25519 32 octets, X | Y, or RSA's modulus), `exponent`."""

    def __init__(self, kind, data, exponent=0):
        self.kind = kind
        self.data = data
        self.exponent = exponent

    def check(self, algorithm) -> None:
        """Whether the algorithm is this key's. Raises AuthError."""
        kind = algorithm[0]
        if kind != {P384: ECDSA, RSA: RSA_PSS if kind == RSA_PSS else RSA}.get(self.kind, self.kind):
            name = "ECDSA" if kind == ECDSA else NAMES[kind]
            raise AuthError("a signature by %s, but the key is %s" % (name, NAMES[self.kind]))

    def arithmetic(self):
        """Load what `verify` needs."""
        if self.kind == ED25519:
            from ipsec.crypto.sign.ed25519 import verify

            return verify
        if self.kind == P256:
            from ipsec.crypto.sign.p256 import CURVE

            return CURVE
        if self.kind == RSA:
            from ipsec.crypto.sign import rsa

            return rsa.verify_pkcs1, rsa.verify_pss
        from ipsec.crypto.sign import p384

        return p384.CURVE

    def verify(self, algorithm, signature, *message) -> bool:
        """Whether the signature over the concatenated parts is right; ECDSA's is r | s, as `raw_signature` makes it.

        Raises AuthError when the algorithm is not this key's.
        """
        self.check(algorithm)
        kind, size, salt = algorithm
        arithmetic = self.arithmetic()
        if kind == ED25519:
            return arithmetic(self.data, signature, *message)
        from ipsec.crypto.sign import hashes

        digest = hashes.digest(size, *message)
        if kind == ECDSA:
            from ipsec.crypto.sign import ecdsa

            return ecdsa.verify(arithmetic, self.data, digest, signature)
        if kind == RSA:
            return arithmetic[0](self.data, self.exponent, digest, signature)
        return arithmetic[1](self.data, self.exponent, digest, signature, salt)

    def signature(self, octets):
        """The signature as `verify` takes it, from the form of RFC 7427 and of certificates: ECDSA's is DER there."""
        if self.kind in (P256, P384):
            return raw_signature(octets, 0, len(octets), 32 if self.kind == P256 else 48)
        return octets


class PrivateKey:
    """Our own key: `kind`; signs by RFC 7427's `identifier`, and with P-256 by method 9 of RFC 4754."""

    def __init__(self, kind, secret, public=None):
        """`secret` are 32 octets; `public` are its public key's, where they are known. Raises ConfigError for no key."""
        self.kind = kind
        self.identifier = IDENTIFIERS[kind]
        self._secret = secret
        self.public = PublicKey(kind, public or _public(kind, secret))
        self.public.arithmetic()

    def sign(self, random, *message) -> bytes:
        """The signature over the concatenated parts: ECDSA's is r | s. `random(n)` gives octets that join the nonce."""
        if self.kind == ED25519:
            from ipsec.crypto.sign import ed25519

            return ed25519.sign(self._secret, self.public.data, *message)
        from ipsec.crypto.sign import ecdsa, hashes
        from ipsec.crypto.sign.p256 import CURVE

        return ecdsa.sign(CURVE, self._secret, hashes.digest(32, *message), random(32))


def _public(kind, secret):
    if kind == ED25519:
        from ipsec.crypto.sign import ed25519

        return ed25519.public_key(secret)
    from ipsec.crypto.sign import ecdsa
    from ipsec.crypto.sign.p256 import CURVE
    from ipsec.errors import CryptoError

    try:
        return ecdsa.public_key(CURVE, secret)
    except CryptoError as e:
        raise ConfigError("key_file: %s" % e)


def parse_algorithm(buf, at, to) -> tuple:
    """`(kind, digest, salt)` of an AlgorithmIdentifier, which must fill `buf[at:to]`.

    Raises AuthError for what is not known: SHA-1, and parameters other than the standards'.
    """
    d = Der(buf, at, to)
    s = d.inside()
    d.done()
    s.next(OID)
    last = buf[s.to - 1] if s.to > s.at else 0
    if s.equals(OID_ED25519):
        s.done()
        return ED25519, 0, 0
    if s.equals(_OID_ECDSA + bytes((last,))) and 2 <= last <= 4:
        s.done()
        return ECDSA, 16 * last, 0
    if s.equals(OID_PKCS1 + b"\x0a"):
        return _pss(s)
    if s.equals(OID_PKCS1 + bytes((last,))) and 11 <= last <= 13:
        _null(s)
        s.done()
        return RSA, 16 * (last - 9), 0
    raise AuthError("the signature's algorithm is not one of Ed25519, ECDSA or RSA with SHA-256, SHA-384 or SHA-512")


def _null(s) -> None:
    s.next(NULL)
    if s.at != s.to:
        s.refuse("NULL has a value")


def _pss(s) -> tuple:
    """The parameters of RSASSA-PSS (RFC 4055 3.1): hash, MGF1 with the same hash, salt. The defaults are SHA-1: refused."""
    p = s.inside()
    s.done()
    size = _hash(p.inside(0xA0))
    m = p.inside(0xA1)
    g = m.inside()
    m.done()
    g.next(OID)
    if not g.equals(OID_PKCS1 + b"\x08") or _hash(g) != size:
        raise AuthError("RSASSA-PSS with another mask than MGF1 of the same hash")
    salt = 20
    if p.peek(0xA2):
        n = p.inside(0xA2)
        salt = n.small()
        n.done()
    if p.peek(0xA3):
        n = p.inside(0xA3)
        if n.small() != 1:
            n.refuse("another trailer field of RSASSA-PSS than 1")
        n.done()
    p.done()
    if salt > 64:
        raise AuthError("RSASSA-PSS with a salt of %d octets, more than a digest has" % salt)
    return RSA_PSS, size, salt


def _hash(d) -> int:
    """Octets of the digest of a hash's AlgorithmIdentifier."""
    s = d.inside()
    d.done()
    s.next(OID)
    last = s.buf[s.to - 1] if s.to > s.at else 0
    if not 1 <= last <= 3 or not s.equals(_OID_SHA2 + bytes((last,))):
        raise AuthError("RSASSA-PSS with another hash than SHA-256, SHA-384 or SHA-512")
    if s.more():
        _null(s)
    s.done()
    return 16 + 16 * last


def parse_spki(buf, at, to):
    """The key of a SubjectPublicKeyInfo, which must fill `buf[at:to]`. Raises AuthError."""
    d = Der(buf, at, to)
    s = d.inside()
    d.done()
    a = s.inside()
    a.next(OID)
    if s.bits():
        s.refuse("a key with unused bits")
    at, to = s.at, s.to
    s.done()
    if a.equals(OID_ED25519):
        a.done()
        return raw_key(ED25519, buf, at, to)
    if a.equals(OID_EC):
        a.next(OID)
        kind = P256 if a.equals(OID_P256) else P384 if a.equals(_OID_P384) else 0
        a.done()
        if not kind or at == to or buf[at] != 4:
            raise AuthError("an elliptic curve other than P-256 and P-384, or a compressed point")
        return raw_key(kind, buf, at + 1, to)
    if a.equals(OID_PKCS1 + b"\x01"):
        _null(a)
        a.done()
        return _rsa(Der(buf, at, to))
    raise AuthError("a public key other than Ed25519, P-256, P-384 and RSA")


def raw_key(kind, buf, at, to):
    """A key of an elliptic curve by its octets. Raises AuthError."""
    if to - at != 32 * kind:
        raise AuthError("a public key of %d octets is not %s" % (to - at, NAMES[kind]))
    return PublicKey(kind, bytes(memoryview(buf)[at:to]))


def _rsa(d):
    """RSAPublicKey (RFC 8017 A.1.1)."""
    s = d.inside()
    d.done()
    s.unsigned()
    n = bytes(memoryview(s.buf)[s.at : s.to])
    exponent = s.small()
    s.done()
    if not 256 <= len(n) <= 512 or not n[-1] & 1 or not n[0] or exponent < 3 or not exponent & 1:
        raise AuthError("an RSA key of %d bits and exponent %d; 2048 to 4096 bits can be verified" % (8 * len(n), exponent))
    return PublicKey(RSA, n, exponent)


def raw_signature(buf, at, to, size) -> bytearray:
    """r | s of an ECDSA-Sig-Value (RFC 3279 2.2.3), each `size` octets. Raises AuthError."""
    out = bytearray(2 * size)
    d = Der(buf, at, to)
    s = d.inside()
    d.done()
    for end in (size, 2 * size):
        s.unsigned()
        n = s.to - s.at
        if n > size:
            s.refuse("a number of the signature is too large")
        out[end - n : end] = memoryview(buf)[s.at : s.to]
    s.done()
    return out


def der_signature(raw) -> bytes:
    """ECDSA-Sig-Value of r | s."""
    half = len(raw) >> 1
    out = b""
    for number in (raw[:half], raw[half:]):
        at = 0
        while at < half - 1 and not number[at]:
            at += 1
        octets = bytes(number[at:])
        if octets[0] > 127:
            octets = b"\x00" + octets
        out += bytes((INTEGER, len(octets))) + octets
    return bytes((0x30, len(out))) + out
