"""Certificates made on the spot on both interpreters: a writer of DER, and an authority's signature by our own keys.

Start reading at `make`.
"""

from ipsec.ike.auth import keys, read_keys

NOT_BEFORE, NOT_AFTER = b"250101000000Z", b"350101000000Z"
SERVER, CLIENT = b"\x2b\x06\x01\x05\x05\x07\x03\x01", b"\x2b\x06\x01\x05\x05\x07\x03\x02"
IPSEC_IKE, ANY = b"\x2b\x06\x01\x05\x05\x07\x03\x11", b"\x55\x1d\x25\x00"
SIGN, AGREE, ISSUE = b"\x07\x80", b"\x03\x08", b"\x01\x06"  # keyUsage: digitalSignature, keyAgreement, keyCertSign and cRLSign
_KEYS = {}


def key(number=0, kind=keys.ED25519):
    """A private key, the same each time."""
    if (number, kind) not in _KEYS:
        _KEYS[number, kind] = keys.PrivateKey(kind, bytes(31) + bytes([number + 5]))
    return _KEYS[number, kind]


def tlv(tag, *parts):
    """An element of DER."""
    body = b"".join(parts)
    n = len(body)
    head = bytes([n]) if n < 128 else bytes([0x81, n]) if n < 256 else bytes([0x82, n >> 8, n & 255])
    return bytes([tag]) + head + body


def seq(*parts):
    return tlv(0x30, *parts)


def name(text):
    """A distinguished name that is a CN."""
    return seq(tlv(0x31, seq(tlv(6, b"\x55\x04\x03"), tlv(12, text.encode()))))


def extension(number, body, critical=False):
    """The extension 2.5.29.number."""
    return seq(tlv(6, bytes([0x55, 0x1D, number])), tlv(1, b"\xff") if critical else b"", tlv(4, body))


def basic(ca=True, path=None):
    return extension(19, seq(tlv(1, b"\xff") if ca else b"", b"" if path is None else tlv(2, bytes([path]))), True)


def usage(bits):
    return extension(15, tlv(3, bits), True)


def purposes(*oids):
    return extension(37, seq(*[tlv(6, oid) for oid in oids]))


def names(*found):
    """subjectAltName of texts, which are host names, or of pairs of tag and octets."""
    return extension(17, seq(*[tlv(0x82, n.encode()) if isinstance(n, str) else tlv(*n) for n in found]))


def make(subject, issuer, own, signer, extensions, **other):
    """A certificate with the public key of `own`, signed by `signer`.

    `other`: version, serial, inner, outer (AlgorithmIdentifiers), begin, end, extra (behind the extensions), signature.
    """
    algorithm = keys.IDENTIFIERS[signer.kind]
    version = other.get("version", 2)
    tbs = seq(
        b"" if version is None else tlv(0xA0, tlv(2, bytes([version]))),
        tlv(2, other.get("serial", b"\x01")),
        other.get("inner", algorithm),
        name(issuer) if isinstance(issuer, str) else issuer,
        seq(_time(other.get("begin", NOT_BEFORE)), _time(other.get("end", NOT_AFTER))),
        name(subject) if isinstance(subject, str) else subject,
        other.get("spki") or read_keys.spki(own.public),
        tlv(0xA3, seq(*extensions)) if extensions is not None else b"",
        other.get("extra", b""),
    )
    signature = other.get("signature")
    if signature is None:
        signature = signer.sign(bytes, tbs)
        if signer.kind == keys.P256:
            signature = keys.der_signature(signature)
    return seq(tbs, other.get("outer", algorithm), tlv(3, b"\0", signature))


def _time(digits):
    return tlv(0x17 if len(digits) == 13 else 0x18, digits)


def root(number=0, subject="Root", kind=keys.ED25519, **other):
    """A root's certificate."""
    mine = key(number, kind)
    return make(subject, subject, mine, mine, [basic(), usage(ISSUE)], **other)


def leaf(number=2, issuer="Root", signer=None, extensions=None, subject="gw.example", kind=keys.ED25519, **other):
    """A gateway's certificate, by default issued by `root()`."""
    mine = key(number, kind)
    if extensions is None:
        extensions = [usage(SIGN), purposes(SERVER), names("gw.example")]
    return make(subject, issuer, mine, signer or key(0), extensions, **other)


def authority(number=1, subject="Sub", issuer="Root", signer=None, extensions=None, **other):
    """An intermediate authority's certificate, by default issued by `root()`."""
    if extensions is None:
        extensions = [basic(), usage(ISSUE)]
    return make(subject, issuer, key(number), signer or key(0), extensions, **other)
