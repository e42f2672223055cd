"""Certificates in IKE_AUTH (RFC 7296 3.6, 3.7) on pyca cryptography, and a small authority that makes good and strange ones.

Start reading at `judge`, and at `Authority` for tests.
"""

import datetime
import hashlib
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .iana import Type
from .payloads import find
from .selectors import Identity
from .wire import Payload

X509 = 4  # certificate encoding: X.509 Certificate - Signature
_MOST = 4  # certificates of a path


def der(certificate: x509.Certificate | bytes) -> bytes:
    """The octets of a certificate, which may be some already."""
    return certificate if isinstance(certificate, bytes) else certificate.public_bytes(Encoding.DER)


def spki_hash(certificate: x509.Certificate) -> bytes:
    """SHA-1 of SubjectPublicKeyInfo, by which CERTREQ names an authority."""
    info = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha1(info).digest()


def payloads(certificates) -> list[Payload]:
    """A CERT payload for each, the end entity's first."""
    return [Payload(Type.CERT, bytes((X509,)) + der(c)) for c in certificates]


def request(authorities) -> list[Payload]:
    """What a gateway that wants certificates puts into its IKE_SA_INIT response."""
    if not authorities:
        return []
    return [Payload(Type.CERTREQ, bytes((X509,)) + b"".join(spki_hash(c) for c in authorities))]


def asked(received: list[Payload]) -> list[bytes] | None:
    """The hashes in a CERTREQ payload for X.509, None without one."""
    body = find(received, Type.CERTREQ)
    if body is None or body[:1] != bytes((X509,)):
        return None
    return [body[at : at + 20] for at in range(1, len(body), 20)]


def received(chain: list[Payload]) -> list[x509.Certificate]:
    """The certificates of a message. Raises ValueError."""
    bodies = [p.body for p in chain if p.type == Type.CERT and p.body[:1] == bytes((X509,))]
    return [x509.load_der_x509_certificate(body[1:]) for body in bodies]


def judge(chain: list[Payload], authorities, identity: Identity) -> Any:
    """The public key of a client's certificate, which leads to an authority and has its identity; else None."""
    try:
        found = received(chain)
    except ValueError:
        return None
    if not found or not _is_named(found[0], identity):
        return None
    path = [found[0]]
    now = datetime.datetime.now(datetime.UTC)
    while len(path) < _MOST:
        if not path[-1].not_valid_before_utc <= now <= path[-1].not_valid_after_utc:
            return None
        if any(_is_issued(path[-1], authority) for authority in authorities):
            return found[0].public_key()
        above = [c for c in found[1:] if c not in path and _is_authority(c) and _is_issued(path[-1], c)]
        if not above:
            return None
        path.append(above[0])
    return None


def _is_issued(c: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        c.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _is_authority(c: x509.Certificate) -> bool:
    try:
        return bool(c.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except x509.ExtensionNotFound:
        return False


def _is_named(c: x509.Certificate, identity: Identity) -> bool:
    """Whether a subjectAltName is the identity, or for a distinguished name the subject."""
    try:
        names = c.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        names = x509.SubjectAlternativeName([])
    data = identity.body[4:]
    kind = identity.body[0]
    if kind == 9:
        return c.subject.public_bytes() == data
    if kind in (1, 5):
        return data in [n.packed for n in names.get_values_for_type(x509.IPAddress)]  # type: ignore[union-attr]
    wanted: Any = {2: x509.DNSName, 3: x509.RFC822Name}.get(kind)
    return wanted is not None and data.decode("ascii", "replace") in names.get_values_for_type(wanted)


def make_key(kind: str = "p256") -> Any:
    """A private key: p256, p384 or ed25519."""
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key(ec.SECP384R1() if kind == "p384" else ec.SECP256R1())


class Authority:
    """A root, or one under `above`, whose `certificate` is its own."""

    def __init__(self, name: str = "Root", kind: str = "p256", above: "Authority | None" = None, key: Any = None):
        self.key = key or make_key(kind)
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self.certificate = (above or self).issue(name, self.key, ca=True, san="", by=above or self)

    def issue(
        self,
        name: str,
        key: Any,
        *,
        san: str | None = None,
        ca: bool = False,
        days: tuple[float, float] = (-1, 100),
        usage: dict | None = None,
        purposes: tuple = (),
        extra: tuple = (),
        by: "Authority | None" = None,
        algorithm: Any = None,
    ) -> x509.Certificate:
        """A certificate for a key, private or public; `san` "" for no subjectAltName; `extra` are pairs of extension and whether
        it is critical.
        """
        by = by or self
        public = key.public_key() if hasattr(key, "public_key") else key
        now = datetime.datetime.now(datetime.UTC)
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        b = x509.CertificateBuilder().subject_name(subject).issuer_name(by.name).public_key(public)
        b = b.serial_number(x509.random_serial_number())
        b = b.not_valid_before(now + datetime.timedelta(days[0])).not_valid_after(now + datetime.timedelta(days[1]))
        b = b.add_extension(x509.BasicConstraints(ca, None), critical=True)
        b = b.add_extension(_usage(**(usage or ({"key_cert_sign": True} if ca else {"digital_signature": True}))), critical=True)
        if purposes:
            b = b.add_extension(x509.ExtendedKeyUsage(list(purposes)), critical=False)
        if san != "":
            b = b.add_extension(x509.SubjectAlternativeName([x509.DNSName(san or name)]), critical=False)
        for extension, critical in extra:
            b = b.add_extension(extension, critical=critical)
        return b.sign(by.key, algorithm or (None if isinstance(by.key, ed25519.Ed25519PrivateKey) else hashes.SHA256()))


def _usage(**bits: bool) -> x509.KeyUsage:
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign",
             "crl_sign", "encipher_only", "decipher_only")  # fmt: skip
    return x509.KeyUsage(**{name: bits.get(name, False) for name in names})
