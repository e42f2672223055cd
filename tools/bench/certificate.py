"""Certificates made for each run: P-256 for the TLS server of the comparison, RSA-2048 for a gateway.

Start reading at `write_certificates`.
"""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
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


def write_rsa(folder: Path) -> None:
    """Put rsa.json into the folder: a gateway's certificate, its authority's, and the numbers of its key, in hexadecimal."""
    authority_key, key = (rsa.generate_private_key(65537, 2048) for _ in range(2))
    root = _certificate("bench authority", authority_key.public_key(), "bench authority", authority_key, True)
    leaf = _certificate(NAME, key.public_key(), "bench authority", authority_key, False)
    n = key.private_numbers()
    numbers = [f"{x:x}" for x in (n.p, n.q, n.dmp1, n.dmq1, n.iqmp)]
    (folder / "rsa.json").write_text(json.dumps({"leaf": leaf.hex(), "root": root.hex(), "numbers": numbers}))


def _certificate(name: str, public, issuer: str, issuer_key, ca: bool) -> bytes:
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
