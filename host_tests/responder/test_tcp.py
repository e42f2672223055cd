"""IKE and ESP in TCP (RFC 9329), bare and inside TLS."""

import datetime
import socket
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from . import Responder
from .inner import echo_request
from .scripted_initiator import HOST4, Initiator, echo


class Streamer(Initiator):
    """Talks through one stream instead of datagrams."""

    def __init__(self, gw, context: ssl.SSLContext | None = None, prefix=b"IKETCP"):
        super().__init__(gw)
        self.stream = socket.create_connection(("127.0.0.1", gw.tcp_port), timeout=2)
        if context:
            self.stream = context.wrap_socket(self.stream, server_hostname="gw.example")
        self.stream.sendall(prefix)
        self.split_at = 0

    def close(self) -> None:
        super().close()
        self.stream.close()

    def frame(self, octets: bytes) -> None:
        whole = (len(octets) + 2).to_bytes(2, "big") + octets
        self.stream.sendall(whole[: self.split_at])
        self.stream.sendall(whole[self.split_at :])

    def send(self, message: bytes, natt: bool = True) -> None:
        self.frame(bytes(4) + message)

    def send_inner(self, inner: bytes, child=None, **padding) -> bytes:
        packet = (child or self.children[-1]).outbound.encap(inner, **padding)
        self.frame(packet)
        return packet

    def _exactly(self, count: int) -> bytes:
        out = b""
        while len(out) < count:
            part = self.stream.recv(count - len(out))
            if not part:
                raise ConnectionError("closed by the gateway")
            out += part
        return out

    def receive(self) -> tuple[str, bytes]:
        data = self._exactly(int.from_bytes(self._exactly(2), "big") - 2)
        return ("ike", data[4:]) if data[:4] == bytes(4) else ("esp", data)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> tuple[str, str]:
    """Files of a certificate of gw.example and of its key."""
    folder, key = tmp_path_factory.mktemp("tls"), ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gw.example")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + datetime.timedelta(1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("gw.example")]), critical=False)
    cert, file = folder / "cert.pem", folder / "key.pem"
    cert.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    file.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    return str(cert), str(file)


def both_directions(gw, client) -> None:
    echo(client)
    gw.send_inner(echo_request(HOST4, client.addresses[0], 1, 1, bytes(1200)))
    assert len(client.receive_inner()) == 1228
    pending = gw.dpd()
    client.serve()
    assert pending.wait() == []


@pytest.mark.parametrize("split_at", [0, 1, 2, 3, 40])
def test_bare(split_at):
    with Responder(psk="secret", tcp_port=0, udp=False) as gw, Streamer(gw) as client:
        client.split_at = split_at
        client.connect()
        both_directions(gw, client)
        assert gw.sa.path.stream is not None and gw.counters["in.tcp"] > 3


def test_inside_tls(certificate):
    context = ssl.create_default_context(cafile=certificate[0])
    with Responder(psk="secret", tcp_port=0, udp=False, tls=certificate) as gw:
        with Streamer(gw, context) as client:
            client.connect()
            both_directions(gw, client)
        with pytest.raises(ssl.SSLError):
            Streamer(gw, ssl.create_default_context())


def test_udp_is_blocked():
    with Responder(psk="secret", tcp_port=0, udp=False) as gw, Initiator(gw) as client:
        client.sock.settimeout(0.1)
        with pytest.raises(TimeoutError):
            client.init()


@pytest.mark.parametrize("octets", [b"GET / HTTP/1.1\r\n\r\n", b"IKETCP\x00\x00", b"IKETCP\x00\x01more"])
def test_no_such_stream(octets):
    with Responder(psk="secret", tcp_port=0) as gw, Streamer(gw, prefix=octets) as client, pytest.raises(ConnectionError):
        client.receive()


def test_the_client_comes_back_in_another_stream():
    with Responder(psk="secret", tcp_port=0) as gw, Streamer(gw) as client:
        client.connect()
        first, client.stream = client.stream, socket.create_connection(("127.0.0.1", gw.tcp_port), timeout=2)
        first.close()
        client.stream.sendall(b"IKETCP")
        both_directions(gw, client)
