"""A TLS server behind the gateway, with a certificate of its own. Start reading at `echo_server`."""

import datetime
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from host_tests.interop.gateway import Gateway, wait_for_line
from host_tests.interop.spaces import stop

_TLS_SERVER = Path(__file__).with_name("agent_tls.py")


def make_certificate(folder: Path) -> tuple[Path, Path, Path]:
    """A self-signed certificate for inside.example: as PEM, its key, and as DER."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "inside.example")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("inside.example")]), False)
    builder = builder.add_extension(x509.BasicConstraints(True, None), True)
    certificate = builder.sign(key, hashes.SHA256())
    pem, der, key_pem = folder / "tls.pem", folder / "tls.der", folder / "tls.key"
    pem.write_bytes(certificate.public_bytes(Encoding.PEM))
    der.write_bytes(certificate.public_bytes(Encoding.DER))
    key_pem.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return pem, key_pem, der


@contextmanager
def echo_server(gw: Gateway, tmp_path: Path) -> Iterator[Path]:
    """The file of the certificate of a TLS server at port 8443 that echoes lines."""
    pem, key, der = make_certificate(tmp_path)
    said = tmp_path / "tls.txt"
    with said.open("w") as output:
        argv: list[str | Path] = [sys.executable, "-I", _TLS_SERVER, "::", "8443", pem, key]
        server = gw.gateway.start(argv, stdout=output, stderr=subprocess.DEVNULL)
    try:
        wait_for_line(server, said, "ready")
        yield der
    finally:
        stop(server)
