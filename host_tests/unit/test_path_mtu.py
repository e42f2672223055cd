"""A tunnel learns how long packets may be: from TCP's search, and from what the system says of a datagram that is too long."""

import scripted
import transcript
from ipsec.drive import path_mtu
from ipsec.drive.udp import UdpLink
from support import raises


class Refusing:
    """A UDP socket of Linux that knows what its path carries."""

    def __init__(self, mtu, number=90):
        self.mtu, self.number = mtu, number

    def send(self, data):
        raise OSError(self.number, "Message too long")

    def write(self, *args):
        raise OSError(self.number, "Message too long")

    def getsockopt(self, level, option):
        if self.mtu is None:
            raise AttributeError("getsockopt")
        assert (level, option) in ((0, 14), (41, 24))
        return self.mtu


def up():
    player = scripted.Player(scripted.make_tunnel())
    player.receive(transcript.INIT_IN)
    player.receive(transcript.AUTH_IN)
    assert player.tunnel.is_up and player.tunnel.mtu == 1360
    return player.tunnel


def link(mtu, family=2, number=90):
    udp = UdpLink()
    udp.sock = Refusing(mtu, number)
    udp._family = family
    udp._port = 4500
    return udp


def warnings(tunnel):
    return [e for e in tunnel.history.events if e.cause == "mtu"]


def test_what_the_system_says_is_learnt():
    for mtu, family, number in ((1280, 2, 90), (1280, 10, 90), (1000, 2, 40), (600, 2, 10040)):
        tunnel, udp = up(), link(mtu, family, number)
        udp.send(bytearray(1500), 0, 1400, 4500)
        assert udp.too_long == 1400 and not udp.refused
        path_mtu.learn(tunnel, udp)
        sa = tunnel._sadb.sending
        want = mtu - (28 if family == 2 else 48) - sa.head - sa.tail
        assert tunnel.mtu == want == tunnel.stack.passed and udp.too_long == 0
        event = warnings(tunnel)[0]
        assert event.kind == "warning" and "set mtu to %d" % want in event.text and "1360" in event.text
        assert raises(OSError, tunnel.stack.udp().sendto, bytes(want - 27), ("10.10.0.1", 9), text=str(want - 28)).errno == 90
        udp.send(bytearray(1500), 0, 1400, 4500)
        path_mtu.learn(tunnel, udp)
        assert len(warnings(tunnel)) == 1, "once"


def test_without_a_number_it_is_guessed():
    tunnel, udp = up(), link(None)
    for n, want in ((1380, 1252), (1250, 972), (972, 572), (500, 424)):
        udp.send(bytearray(1500), 0, n, 4500)
        path_mtu.learn(tunnel, udp)
        sa = tunnel._sadb.sending
        assert tunnel.mtu == want - sa.head - sa.tail
    udp.too_long = 1
    before = tunnel.mtu
    path_mtu.learn(tunnel, udp)
    assert tunnel.mtu == before, "nothing is known of what a router has refused"


def test_never_below_what_is_of_use_and_never_up():
    tunnel = up()
    path_mtu.learn(tunnel, link(9000))
    assert tunnel.mtu == 1360 and not warnings(tunnel)
    path_mtu.learn(tunnel, link(100))
    assert tunnel.mtu == 280


def test_before_there_is_a_tunnel_nothing_happens():
    tunnel = scripted.make_tunnel()
    path_mtu.learn(tunnel, link(600))
    assert tunnel.mtu == 1360


def test_a_narrow_path_may_be_wide_after_ten_minutes():
    tunnel = up()
    tunnel.tick(5000)
    tunnel.stack.learn(500)
    assert tunnel.mtu == tunnel.stack.passed == 500 and tunnel.shrunk_at == 5000
    path_mtu.widen(tunnel, 604999)
    assert tunnel.mtu == 500, "not yet"
    tunnel.stack.probe = object()
    path_mtu.widen(tunnel, 605000)
    assert tunnel.mtu == 500, "not amid a search"
    tunnel.stack.probe = None
    path_mtu.widen(tunnel, 605000)
    assert tunnel.mtu == 1360 and tunnel.stack.passed == 0, "the next connection asks"
    tunnel.stack.passed = 1360
    path_mtu.widen(tunnel, 1300000)
    assert tunnel.stack.passed == 1360, "it is wide"
    tunnel.stack.learn(500)
    assert len(warnings(tunnel)) == 1, "that it is as narrow as it was is no news"
    tunnel.stack.learn(400)
    assert len(warnings(tunnel)) == 2
