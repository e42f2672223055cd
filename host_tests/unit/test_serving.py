"""When the drivers ask the core what is due: not for each packet, and never more than a tenth of a second late."""

from ipsec import tunnel as core
from ipsec.drive import base

IKE = bytes(4) + b"x" * 28
ESP = b"\x01" + b"x" * 31


class Device(base.Uplink):
    """A driver, its tunnel, its socket and its clock in one."""

    is_up = True
    failure = None
    refused = too_long = has_more = False
    stranger = b""
    timers = ()
    at = 5000  # the tunnel's own deadline

    def __init__(self):
        self._udp = self.tunnel = self._clock = self
        self._look_at = None
        self._rx = bytearray(100)
        self.came, self.ticks, self.now = [], [], 0

    stack = property(lambda self: self)

    def now_ms(self):
        return self.now

    def receive_into(self, buf):
        if not self.came:
            return -1
        data = self.came.pop(0)
        buf[: len(data)] = data
        return len(data)

    def receive(self, buf, n, now):
        pass

    def take_error(self):
        return ""

    def poll(self):
        return core.WAIT

    def tick(self, now):
        self.ticks.append(now)

    def deadline(self):
        return self.at

    def get(self, *data, now=0):
        self.now = now
        self.came += data
        return self.serve()


def test_packets_without_a_pause_have_it_asked_every_tenth_of_a_second():
    device = Device()
    for now in range(0, 1000, 10):
        assert device.get(ESP, ESP, now=now)
        if now == 50:
            assert device.wait_ms(1000) == 50, "nothing is forgotten when they end"
    assert device.ticks == [100, 210, 320, 430, 540, 650, 760, 870, 980]


def test_silence_behind_a_packet_has_it_asked_once():
    device = Device()
    device.get(ESP, now=10)
    assert not device.ticks and device.wait_ms(1000) == 100
    assert not device.get(now=110)
    assert device.ticks == [110] and device.wait_ms(1000) == 1000 and device.wait_ms(9000) == 4890


def test_whatever_is_no_packet_has_it_asked_at_once():
    device = Device()
    device.get(ESP, IKE, now=10)
    device.get(ESP, now=20)
    device.get(now=30)
    device.is_up = False
    device.get(ESP, now=40)
    assert device.ticks == [10, 30, 40]


def test_what_is_due_by_then_comes_first():
    device = Device()
    device.get(ESP, now=10)
    device.has_more = True
    assert device.wait_ms(1000) == 0
    device.has_more, device.refused = False, True
    assert device.wait_ms(1000) == 100
    device._look_at = None
    assert device.wait_ms(1000) == 250
