"""TLS on streams: both ends are ours, over the cable of test_listening.py, with the interpreter's own `ssl` in them.

The certificate is made for this test alone: P-256, for inside.example, until 2126. Start reading at `talk`.
"""

import asyncio
import binascii
import sys

from ipsec.drive import aio
from ipsec.drive.aio_stream import AioStream
from ipsec.drive.listening import adopt
from ipsec.drive.secured import secure
from ipsec.drive.sync_stream import SyncStream
from support import raises, skip
from test_inet_tcp import pattern
from test_listening import AioCable, Cable

try:
    import ssl
except ImportError:
    skip("no ssl on this interpreter")

CERTIFICATE = binascii.a2b_base64(
    "MIIBYzCCAQmgAwIBAgITM/JibrTJdTMUOb+g5lz8u8V+cjAKBggqhkjOPQQDAjAZMRcwFQYDVQQDDA5pbnNpZGUuZXhhbXBsZTAgFw0wMDAxMDEw"
    "MDAwMDBaGA8yMTI2MDEwMTAwMDAwMFowGTEXMBUGA1UEAwwOaW5zaWRlLmV4YW1wbGUwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAR6YZAzmQ6o"
    "kSGSYcTSBvFEHM9q/19IV8RmRri9yefNqCLRLNDwLMC1NACdaZo8E9lEFEJ0ZF+ek2ireb9VlUYPoy4wLDAZBgNVHREEEjAQgg5pbnNpZGUuZXhh"
    "bXBsZTAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIQDcw0fOy6HRXscVN0NPWlKutbsRiMzWeWBa1o520FZ//wIgQ8hasyPT+lgv"
    "LoHTP/8Y3MdABynKPxe9p5cUdp4ZPmc="
)
KEY = binascii.a2b_base64(
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgcXooiwEciJcQftXl1teirVKQKU7Fyi5/sBa5rXslDqqhRANCAAR6YZAzmQ6okSGS"
    "YcTSBvFEHM9q/19IV8RmRri9yefNqCLRLNDwLMC1NACdaZo8E9lEFEJ0ZF+ek2ireb9VlUYP"
)


class OtherEnd:
    """The uplink of the other end of a cable."""

    def __init__(self, cable):
        self.stack, self.drain, self.tunnel = cable.far, cable.drain, cable
        self.check_open, self.wait_until = cable.check_open, cable.wait_until
        self.is_up = True

    turn = aio.Uplink.turn
    _check = aio.Uplink._check
    _task = None
    _in_a_row = 0


class Adopted(SyncStream):
    def __init__(self, uplink, inner):
        adopt(self, uplink, inner)


class AioAdopted(AioStream):
    def __init__(self, uplink, inner):
        adopt(self, uplink, inner)


def pem(octets, what):
    body = binascii.b2a_base64(octets).decode().replace("\n", "")
    lines = "\n".join([body[i : i + 64] for i in range(0, len(body), 64)])
    return "-----BEGIN %s-----\n%s\n-----END %s-----\n" % (what, lines, what)


def server_context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if sys.implementation.name == "micropython":
        context.load_cert_chain(CERTIFICATE, KEY)
        return context
    import os
    import tempfile

    with tempfile.TemporaryDirectory() as folder:  # it reads files only
        path = os.path.join(folder, "both.pem")
        with open(path, "w") as f:
            f.write(pem(KEY, "PRIVATE KEY") + pem(CERTIFICATE, "CERTIFICATE"))
        context.load_cert_chain(path)
    return context


def client_context(trusts=True):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_mode = ssl.CERT_REQUIRED
    if trusts:
        context.load_verify_locations(cadata=CERTIFICATE)
    return context


def ends(kind=Adopted, cable=None, **options):
    """Two streams with TLS, the client's first; the handshake is under way."""
    cable = cable or Cable()
    listener = cable.stack.listen(443)
    client = cable.dial(443)
    far = OtherEnd(cable)
    server = kind(cable, listener.accept())
    first = kind(far, client)
    secure(cable, server, server_context(), True)
    options = dict({"context": client_context(), "server_hostname": "inside.example"}, **options)
    secure(far, first, options["context"], False, options["server_hostname"])
    cable.drain()
    return cable, first, server


def test_octets_go_both_ways_and_the_end_is_told():
    cable, client, server = ends()
    client.sendall(b"GET /\r\n")
    assert server.readline() == b"GET /\r\n"
    received = b""
    for start in range(0, 5000, 500):
        server.sendall(pattern(5000)[start : start + 500])
        received += client.read(500)
    assert received == pattern(5000)
    server.close()
    cable.drain()
    assert client.read(1) == b"" and client.recv(1) == b""
    client.close()
    cable.drain()
    cable.now = 10000
    cable.drain()
    assert not cable.stack.timers and not cable.far.timers, "nothing is left"


def test_records_longer_than_the_room_of_the_connection():
    cable, client, server = ends()
    n = server._inner._engine.write(pattern(5000))  # in pieces as servers on ordinary machines send them
    cable.drain()
    assert n > 3000 and client.read(n) == pattern(5000)[:n], "the window opens while a record comes"


def test_nothing_readable_passes_the_cable():
    cable, client, server = ends()
    seen = []
    drain, far = cable.drain, cable.far
    received = far.receive
    far.receive = lambda buf, pos, end: seen.append(bytes(buf[pos:end])) or received(buf, pos, end)
    server.sendall(b"a word that nobody may read")
    drain()
    assert client.read(27) == b"a word that nobody may read"
    assert seen and not any(b"word" in packet for packet in seen)


def test_a_certificate_that_nobody_trusts_ends_it():
    for options in ({"context": client_context(False)}, {"server_hostname": "other.example"}):
        cable, client, server = ends(**options)
        e = raises(OSError, client.read, 1)
        assert "certificate" in str(e).lower() or "_CA_CHAIN" in str(e), e
        raises(OSError, client.sendall, b"secret")
        cable.drain()
        cable.now = 100000
        cable.drain()
        assert not cable.far.timers


def test_a_torn_connection_is_told_and_leaves_nothing():
    cable, client, server = ends()
    client.sendall(b"one")
    assert server.read(3) == b"one"
    client._inner.abort()
    cable.drain()
    raises(OSError, server.read, 1)
    raises(OSError, server.sendall, b"two")
    server.close()
    cable.drain()
    assert not cable.stack.timers and not cable.far.timers


def test_more_than_there_is_room_for_with_asyncio():
    async def main():
        cable, client, server = ends(AioAdopted, AioCable())
        server.write(pattern(9000))
        sending = asyncio.create_task(server.drain())
        assert await client.readexactly(9000) == pattern(9000)
        await sending
        assert not server.unsent
        buf = bytearray(4)
        await client.awritestr("abcd")
        assert await server.readinto(buf) == 4 and buf == b"abcd"
        client.close()
        assert await server.read(1) == b"" and server.at_eof()
        server.close()
        await server.wait_closed()

    asyncio.run(main())


def test_a_server_of_asyncio():
    class Tls(AioCable):
        wrap_tls = aio.Uplink.wrap_tls
        turn = aio.Uplink.turn
        _check = aio.Uplink._check
        _task = None
        _in_a_row = 0

    async def main():
        cable = Tls()

        async def page(reader, writer):
            await writer.awrite(b"you said " + await reader.readline())
            writer.close()

        server = await cable.start_server(page, "", 443, ssl=server_context())
        client = AioAdopted(OtherEnd(cable), cable.dial(443))
        secure(client._uplink, client, client_context(), False, "inside.example")
        client.write(b"hello\n")
        await client.drain()
        assert await client.readline() == b"you said hello\n" and await client.read(1) == b""
        plain = AioAdopted(OtherEnd(cable), cable.dial(443))
        told = []
        asyncio.get_event_loop().set_exception_handler(lambda loop, context: told.append(context["exception"]))
        plain.write(b"GET / HTTP/1.0\r\n\r\n")
        try:
            assert (await plain.read(-1))[:1] in (b"", b"\x15"), "an alert"
        except OSError as e:
            assert e.args[0] == 104, "ECONNRESET"
        server.close()
        await server.wait_closed()
        assert not server._tasks and len(told) == 1 and isinstance(told[0], OSError)

    asyncio.run(main())


def test_what_asyncio_means_by_true():
    cable, client, server = ends(context=True)
    if sys.implementation.name == "micropython":
        client.sendall(b"x")
        assert server.read(1) == b"x", "MicroPython verifies nobody"
    else:
        raises(OSError, client.read, 1, text="CERTIFICATE_VERIFY_FAILED")
