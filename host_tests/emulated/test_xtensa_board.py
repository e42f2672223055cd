"""What is special to qemu-xtensa, whose MicroPython port is our own: sockets through the host, floats, stack, what it refuses."""

import re
import socket
import struct
import threading

import pytest

from host_tests.emulated.conftest import build, needs_root, started_in_namespace
from tools import emulator

NAME = "qemu-xtensa"

pytestmark = pytest.mark.emulated


@pytest.fixture(scope="module")
def board():
    build(NAME)
    with emulator.start(NAME) as running:
        yield running


def serving(kind, serve):
    """A server on the host's loopback that gives its socket to `serve` in a thread; the port, and the thread to join."""
    server = socket.socket(socket.AF_INET, kind)
    server.bind(("127.0.0.1", 0))
    server.settimeout(20)
    if kind == socket.SOCK_STREAM:
        server.listen()

    def run():
        with server:
            serve(server)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return server.getsockname()[1], thread


def test_a_burst_of_datagrams_stays_apart(board):
    def serve(server):
        data, peer = server.recvfrom(2000)
        for i in range(5):
            server.sendto(data + bytes([i]), peer)

    port, thread = serving(socket.SOCK_DGRAM, serve)
    output = board.exec(f"""
import select, socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setblocking(False)
poll = select.poll()
poll.register(s, select.POLLIN)
s.connect(("127.0.0.1", {port}))
print(poll.poll(10))
s.write(bytes(range(250)) * 5)
for i in range(5):
    assert poll.poll(5000)
    print(len(s.recv(1500)) if i else (lambda d, peer: (len(d), d[-1], peer[0]))(*s.recvfrom(1500)))
print(poll.poll(0))
try:
    s.recv(10)
except OSError as e:
    print(e.errno)
""")
    thread.join()
    assert output.splitlines() == ["[]", "(1251, 0, '127.0.0.1')", *["1251"] * 4, "[]", "11"]


def test_time_outs_and_refusals_have_the_errors_of_micropython(board):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening
        output = board.exec(f"""
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 0))
s.settimeout(0.2)
start = time.ticks_ms()
try:
    s.recvfrom(10)
except OSError as e:
    print(e.errno, 190 < time.ticks_diff(time.ticks_ms(), start) < 5000)
for host, port in (("127.0.0.1", {taken.getsockname()[1]}), ("192.0.2.1", 0)):
    try:
        socket.socket().connect((host, port))
    except OSError as e:
        print(e.errno)
try:
    socket.getaddrinfo("vpn.example", 500)
except OSError as e:
    print(e.errno)
print(socket.getaddrinfo("localhost", 500)[0][-1])
""")
    lines = output.splitlines()
    assert lines[:2] == ["110 True", "111"], output
    assert lines[-2:] == ["113", "('127.0.0.1', 500)"], output


def test_streams_both_ways_with_asyncio(board):
    """The board connects to the host and sends 50,000 octets there and back; then it listens, and the host connects."""
    def serve(server):
        with server.accept()[0] as peer:
            data = b"".join(iter(lambda: peer.recv(4096), b""))
        with server.accept()[0] as peer:
            peer.sendall(data)
            port = int(peer.makefile().readline())
        with socket.create_connection(("127.0.0.1", port)) as peer:
            peer.sendall(b"hello\n")

    port, thread = serving(socket.SOCK_STREAM, serve)
    output = board.exec(f"""
import asyncio, socket

async def main():
    data = bytes(range(250)) * 200
    _, out = await asyncio.open_connection("127.0.0.1", {port})
    out.write(data)
    await out.drain()
    out.close()
    await out.wait_closed()
    inward, out = await asyncio.open_connection("127.0.0.1", {port})
    assert await inward.readexactly(len(data)) == data
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    for own in range(20000, 20100):
        try:
            listener.bind(("127.0.0.1", own))
            break
        except OSError:
            pass
    listener.listen(1)
    out.write(b"%d\\n" % own)
    await out.drain()
    listener.settimeout(10)
    peer, address = listener.accept()
    print(peer.readline(), address[0])

asyncio.run(main())
""")
    thread.join()
    assert output == "b'hello\\n' 127.0.0.1\n"


NUMBERS = (0.0, -0.0, 1.0, -1.5, 3.1415927, 1e-45, -1e-40, 1.17549435e-38, 3.4028235e38, 16777217.0, 0.1, 7e20, -2.5e-7, 1e9)


def test_floats_are_those_of_the_standard(board):
    """Quotients, sums and products of single floats are the host's double results, rounded: so IEEE 754's."""
    words = [struct.unpack("<I", struct.pack("<f", x))[0] for x in NUMBERS]
    output = board.exec(f"""
import struct
bits = lambda x: struct.unpack("<I", struct.pack("<f", x))[0]
numbers = [struct.unpack("<f", struct.pack("<I", n))[0] for n in {words}]
for a in numbers:
    print(bits(a), int(a * 1e3) if abs(a) < 1e17 else 0, *[bits(f(a, b)) for b in numbers if b for f in
        (lambda a, b: a / b, lambda a, b: a + b, lambda a, b: a * b)], *[int(a < b) + 2 * int(a == b) for b in numbers])
""")
    single = [struct.unpack("<f", struct.pack("<f", x))[0] for x in NUMBERS]

    def bits(x):
        try:
            return struct.unpack("<I", struct.pack("<f", x))[0]
        except OverflowError:
            return 0x7F800000 | (x < 0) << 31

    def rounded(x):
        return struct.unpack("<f", struct.pack("<I", bits(x)))[0]

    for a, line in zip(single, output.splitlines(), strict=True):
        want = [bits(a), int(rounded(a * 1e3)) if abs(a) < 1e17 else 0]
        want += [bits(v) for b in single if b for v in (a / b, a + b, a * b)]
        assert list(map(int, line.split())) == want + [(a < b) + 2 * (a == b) for b in single], a


@pytest.mark.parametrize("stack, least, most", [(0, 14000, 15600), (24576, 23000, 25000)])
def test_stack_ends_where_an_esp32_ends(stack, least, most):
    build(NAME)
    descend = "import micropython\ndeepest = 0\ndef f():\n    global deepest\n    deepest = micropython.stack_use()\n    f()\n"
    with emulator.start(NAME, stack=stack) as board:
        used = int(board.exec(descend + "try: f()\nexcept RuntimeError: print(deepest)"))
    assert least < used < most


def test_heap_files_and_entropy(board):
    board.exec("with open('state', 'wb') as f: f.write(b'asleep')")
    output = board.exec("import gc, os\nprint(open('state', 'rb').read(), gc.mem_alloc() + gc.mem_free(), os.urandom(16).hex())")
    state, heap, octets = output.split()
    assert state == "b'asleep'" and 0.97 * emulator.DEFAULT_HEAP < int(heap) < emulator.DEFAULT_HEAP
    assert octets != board.exec("import os; print(os.urandom(16).hex())").strip()


def test_a_fault_is_told(board):
    peek = "@micropython.viper\ndef f() -> int:\n    p = ptr32(4)\n    return p[0]\nf()"
    with emulator.start(NAME) as other, pytest.raises(emulator.BoardFailure, match="uncaught target signal 11"):
        other.exec(peek, timeout=60)


@needs_root
def test_sockets_are_those_of_a_network_namespace():
    build(NAME)
    with started_in_namespace(NAME) as board:
        assert board.exec("import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.settimeout(5)\n"
                          "s.sendto(b'inside', ('127.0.0.1', 4500))\nprint(s.recvfrom(10)[0])") == "b'inside'\n"


@pytest.mark.parametrize("option, text", [
    ({"icount": 7}, "counts no instructions"), ({"capture": "x.pcap"}, "no network of its own"),
    ({"forwards": ((5000, 500),)}, "not possible"), ({"heap": 100}, "32768 to 1048576"), ({"stack": 99999}, "at most 49152"),
])
def test_what_it_does_not_have_is_refused(option, text):
    with pytest.raises(emulator.EmulatorError, match=re.escape(text)):
        emulator.start(NAME, firmware="unused", **option)


def test_a_compiler_that_cannot_be_had_is_a_missing_tool(monkeypatch):
    """Which skips tests on a developer's machine and fails them where CI=true."""
    def refuse(_progress):
        raise emulator.EmulatorError("no mirror")

    monkeypatch.setattr("tools.natmod.xtensa.stand_in", refuse)
    with pytest.raises(emulator.MissingTool, match="clang .* for qemu-xtensa cannot be had: no mirror"):
        emulator.build(NAME)
