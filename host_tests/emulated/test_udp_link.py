"""The driver's socket on lwIP: sending allocates nothing, receiving the datagram alone, waiting nothing; a burst stays apart."""

import socket
import threading

import pytest

from tools import emulator
from tools.emulator.stage import stage

from host_tests.emulated.test_unit_on_board import REPOSITORY  # isort: skip

pytestmark = pytest.mark.emulated

PROGRAM = """
import gc, time
from ipsec.drive.udp import UdpLink
from micropython import heap_lock, heap_unlock

def send(n):
    link.send(out, 3, 3 + n, %(port)d)
    return link.error

def receive(buf):
    return link.receive_into(buf)

def locked(call, argument):
    heap_lock()
    try:
        return call(argument)
    finally:
        heap_unlock()

def wait():
    for _ in range(200):
        if link._is_readable():
            return
        time.sleep_ms(10)
    raise SystemExit("no answer")

out, buf = bytearray(1500), bytearray(1456)
before = got = 0
link = UdpLink()
link.resolve(%(host)r, (%(port)d,))
link.open()
print("first", repr(send(1)))
wait()
receive(buf)
link.connect(%(port)d)
for n in (60, 100, 1400):
    print("locked send", repr(locked(send, n)))
    wait()
    gc.collect()
    before = gc.mem_alloc()
    got = receive(buf)
    print("received", got, gc.mem_alloc() - before)
    print("locked wait", locked(receive, buf))
link.close()
"""


@pytest.fixture
def echo():
    """A UDP server on the host's loopback that sends every datagram back; yields its port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(20)

        def serve():
            try:
                for _ in range(4):
                    server.sendto(*server.recvfrom(2000))
            except OSError:
                pass

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


def test_one_allocation_for_a_datagram(name, echo, tmp_path):
    rom = stage(tmp_path, {"lib": REPOSITORY / "lib"}, emulator.target(name).march)
    with emulator.start(name, rom=rom) as board:
        lines = board.exec(PROGRAM % {"host": board.gateway, "port": echo}).splitlines()
    assert lines[0] == "first ''"
    for i, n in enumerate((60, 100, 1400)):
        sent, received, waited = lines[1 + 3 * i : 4 + 3 * i]
        assert (sent, waited) == ("locked send ''", "locked wait -1")
        got, garbage = map(int, received.split()[1:])
        assert got == n and n <= garbage <= n + 32, received
        print(f"{n} octets leave {garbage} octets of garbage")
