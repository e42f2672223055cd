"""IKE and ESP in TCP (RFC 9329), with and without TLS, with the reference responder: both drivers, both interpreters."""

import asyncio
import contextlib
import datetime
import json
import socket
import ssl
import sys
import threading
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from host_tests.responder import Responder
from host_tests.system.harness import PSK, Client, options, run_device

BOTH = ["micropython", "cpython"]
DRIVERS = pytest.mark.parametrize("driver", [(), ("aio",)], ids=["blocking", "asyncio"])


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Files of a certificate of nobody in particular, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "proxy.example")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + datetime.timedelta(1))
    cert = builder.sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    (folder / "cert.pem").write_bytes(cert.public_bytes(pem))
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(private)
    return str(folder / "cert.pem"), str(folder / "key.pem")


def by_tcp(gw, **changes):
    return options(gw, **{"tcp": "always", "tcp_port": gw.tcp_port, "retransmit_ms": 250, **changes})


@pytest.mark.parametrize("which", BOTH)
@DRIVERS
@pytest.mark.parametrize("tls", [False, True], ids=["bare", "tls"])
def test_a_tunnel_in_tcp(which, driver, tls, certificate, tmp_path):
    with Responder(psk=PSK, udp=False, tcp_port=0, tls=certificate if tls else None) as gw:
        steps = ("connect", "readings:5", "pings:3:10.10.0.1", "close")
        done = run_device(which, tmp_path, by_tcp(gw, tcp_tls=tls), *driver, *steps)
        assert gw.counters["in.tcp"] >= 11 and not gw.counters["in.keepalive"]
    assert [(kind, cause) for kind, cause, _ in done.of("event")] == [("up", "up"), ("down", "closed")]
    assert done.of("readings") == [[5]] and done.of("pings") == [[3]]


class Terminator:
    """A terminator of TLS before a gateway that speaks bare TCP: what comes from there without a pause leaves as one record."""

    PAUSE_S = 0.1
    RECORD = 16000

    def __init__(self, certificate, port):
        self.port = 0
        self.longest = 0  # octets of a record
        self._gateway = port
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(*certificate)
        self._is_open = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def __enter__(self):
        self._thread.start()
        assert self._is_open.wait(10)
        return self

    def __exit__(self, *exc):
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)

    async def _serve(self):
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._join, "127.0.0.1", 0, ssl=self._context)
        self.port = server.sockets[0].getsockname()[1]
        self._is_open.set()
        await self._over.wait()
        server.close()

    async def _join(self, reader, writer):
        from_gateway, to_gateway = await asyncio.open_connection("127.0.0.1", self._gateway)
        back = asyncio.create_task(self._coalesce(from_gateway, writer))
        while octets := await reader.read(self.RECORD):
            to_gateway.write(octets)
        back.cancel()
        to_gateway.close()
        writer.close()

    async def _coalesce(self, reader, writer):
        while octets := await reader.read(self.RECORD):
            with contextlib.suppress(TimeoutError):
                while len(octets) < self.RECORD:
                    more = await asyncio.wait_for(reader.read(self.RECORD - len(octets)), self.PAUSE_S)
                    if not more:
                        break
                    octets += more
            self.longest = max(self.longest, len(octets))
            writer.write(octets)


@pytest.mark.parametrize("which", BOTH)
@DRIVERS
def test_more_messages_in_one_record_than_are_taken_at_once(which, driver, certificate, tmp_path):
    with Responder(psk=PSK, udp=False, tcp_port=0) as gw, Terminator(certificate, gw.tcp_port) as terminator:
        config = by_tcp(gw, tcp_tls=True, tcp_port=terminator.port, retransmit_ms=2000)
        done = run_device(which, tmp_path, config, *driver, "connect", "burst:36", "burst:36", "close", heap="1m")
    assert terminator.longest > 10000  # two times `_BURST` and more
    assert [n for n, _ in done.of("burst")] == [36, 36], done.of("burst")
    assert max(pause for _, pause in done.of("burst")) < 1000, done.of("burst")


@pytest.mark.parametrize("which", BOTH)
@DRIVERS
def test_where_udp_stays_silent_tcp_follows(which, driver, tmp_path):
    with Responder(psk=PSK, udp=False, tcp_port=0) as gw:
        config = by_tcp(gw, tcp="fallback", retransmit_ms=100)
        done = run_device(which, tmp_path, config, *driver, "connect", "readings:2", "close")
    assert [(kind, cause) for kind, cause, _ in done.of("event")] == [("warning", "timeout"), ("up", "up"), ("down", "closed")]
    assert done.of("readings") == [[2]]


def test_where_udp_passes_no_tcp_is_used():
    with Responder(psk=PSK, tcp_port=0) as gw, Client(gw, tcp="fallback", tcp_port=gw.tcp_port) as client:
        client.connect()
        assert client.readings(1) == 1 and not gw.counters["in.tcp"]


def test_nobody_at_the_port_is_one_failure():
    with Responder(psk=PSK, tcp_port=0) as gw:
        pass
    with Client(gw, tcp="always", tcp_port=gw.tcp_port) as client:
        error = client.fail()
    assert error.cause == "timeout" and "TCP port %d" % gw.tcp_port in str(error)


@pytest.mark.parametrize("mobike", [True, False])
@pytest.mark.parametrize("tls", [False, True], ids=["bare", "tls"])
def test_a_stream_that_breaks_takes_no_sa_with_it(tls, mobike, certificate):
    given = {"tcp": "always", "tcp_tls": tls, "mobike": mobike, "retransmit_ms": 250, "dpd_s": 1}
    gw = Responder(psk=PSK, udp=False, tcp_port=0, tls=certificate if tls else None)
    with gw, Client(gw, tcp_port=gw.tcp_port, **given) as client:
        client.connect()
        assert client.readings(2) == 2
        for _ in range(3):
            gw._tcp.streams[-1].close()
            start = time.monotonic()
            assert client.readings(2, tries=20, wait_s=0.1) == 2
            assert time.monotonic() - start < 2
        assert client.story == [("up", "up")] and len(gw.sas) == 1 and len(gw._tcp.streams) >= 4


def test_new_keys_and_checks_by_the_gateway_pass():
    with Responder(psk=PSK, udp=False, tcp_port=0) as gw, Client(gw, tcp="always", tcp_port=gw.tcp_port) as client:
        client.connect()
        for pending in (gw.rekey_child(), gw.rekey_ike(), gw.dpd()):
            assert client.answer(pending) is not None
        assert client.readings(3) == 3 and client.story == [("up", "up")]


class Odd:
    """A server that answers each client with some octets, and closes."""

    def __init__(self, octets):
        self.octets = octets
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.tcp_port = self.port = self.natt_port = self.listener.getsockname()[1]
        self.first: list[bytes] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.first.append(sock.recv(2000))
            sock.sendall(self.octets)
            sock.close()


@pytest.mark.parametrize("octets", [b"", b"\0", b"\0\0", b"\0\1", b"\0\2", b"\xff\xff" + bytes(5000), b"HTTP/1.1 400 No\r\n\r\n"])
def test_what_is_no_stream_of_ike_ends_in_time(octets):
    odd = Odd(octets)
    with Client(odd, tcp="always", tcp_port=odd.tcp_port) as client:
        assert client.fail(within_s=3).cause == "timeout"
    odd.listener.close()
    assert odd.first and all(octets.startswith(b"IKETCP") for octets in odd.first)
    length = int.from_bytes(odd.first[0][6:8], "big")
    assert odd.first[0][8:12] == bytes(4) and len(odd.first[0]) == 6 + length  # with the marker, the length counted


def test_messages_in_many_small_pieces_and_several_at_once(monkeypatch):
    """The stream has no boundaries: octets come one by one, or messages together."""
    from ipsec.drive import tcp_link

    with Responder(psk=PSK, udp=False, tcp_port=0) as gw, Client(gw, tcp="always", tcp_port=gw.tcp_port) as client:
        monkeypatch.setattr(tcp_link, "_READ", 3)
        client.connect()
        assert client.readings(2) == 2
        monkeypatch.setattr(tcp_link, "_READ", 2048)
        socket = client.uplink.socket()
        socket.settimeout(1)
        for n in range(3):
            socket.sendto(json.dumps({"n": n}).encode(), ("10.10.0.1", 5000))
        gw.wait(lambda gw: len(gw.readings) == 5)
        time.sleep(0.1)  # all three answers are there
        assert sorted(socket.recvfrom(100)[0] for _ in range(3)) == [b"ack 0", b"ack 1", b"ack 2"]


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
