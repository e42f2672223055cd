"""Certificates for the TLS server of the comparison, made anew for each run: P-256, an authority and a server it vouches for.

Start reading at `write_certificates`.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NAME = "gw.example"


def write_certificates(folder: Path) -> None:
    """Put authority.der, and certificate.der with key.der of the server, into the folder."""
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = _certificate("bench authority", authority_key.public_key(), "bench authority", authority_key, True)
    certificate = _certificate(NAME, key.public_key(), "bench authority", authority_key, False)
    (folder / "authority.der").write_bytes(authority)
    (folder / "certificate.der").write_bytes(certificate)
    octets = key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.TraditionalOpenSSL,
                               serialization.NoEncryption())
    (folder / "key.der").write_bytes(octets)


def _certificate(name: str, public: ec.EllipticCurvePublicKey, issuer: str, issuer_key: ec.EllipticCurvePrivateKey,
                 ca: bool) -> bytes:
    """One certificate as DER, valid for a day before and after now."""
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(_name(name)).issuer_name(_name(issuer)).public_key(public)
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name.replace(" ", "."))]), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    return builder.sign(issuer_key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
