"""What one word of a docstring promises and no larger test looks at; each of these was found by `python -m host_tests.mutate`."""

import transcript as t
from ipsec.config import Config
from ipsec.crypto import backend
from ipsec.errors import ConfigError
from ipsec.esp import drop
from ipsec.esp.sadb import Sadb
from ipsec.event import FAILED
from ipsec.ike import message
from ipsec.ike.keymat import IkeKeys
from ipsec.ike.sa import IkeSa
from ipsec.inet import ip
from ipsec.inet.queue import PacketQueue
from ipsec.suite_names import parse_ike
from scripted import OPTIONS, Player, ScriptedRandom, make_tunnel
from support import raises
from talk import Talk


def test_every_drop_code_has_its_own_name():
    codes = {name.lower(): getattr(drop, name) for name in dir(drop) if name.isupper() and isinstance(getattr(drop, name), int)}
    assert len(codes) == len(set(codes.values())) >= 14
    for name, code in codes.items():
        drops = drop.Drops()
        assert drops.count(code) == code and drops.as_dict() == {name: 1}


def test_the_log_has_a_line_for_each_message_and_says_its_direction():
    from ipsec.tunnel import Tunnel

    lines = []
    options = dict(OPTIONS)
    player = Player(Tunnel(Config(**options), backend, ScriptedRandom(), lambda level, text: lines.append(text)))
    player.receive(t.INIT_IN)
    player.receive(t.AUTH_IN)
    player.receive(t.LIVENESS_IN)
    found = [line.split(":")[0] for line in lines if line[0] in "<>"]
    assert found == [
        "> IKE_SA_INIT 0 request",
        "< IKE_SA_INIT 0 response",
        "> IKE_AUTH 1 request",
        "< IKE_AUTH 1 response",
        "< INFORMATIONAL 0 request",
        "> INFORMATIONAL 0 response",
    ], found


def test_messages_of_aes_cbc_are_padded_to_whole_blocks():
    suite = parse_ike("aes128-sha256-x25519")
    keys = IkeKeys(bytearray(range(7 * 32 - 32)), 32, 32, 16)
    ours, theirs = message.Protection(backend, suite, keys), message.Protection(backend, suite, keys, False)
    for n in range(34):
        b = message.Builder(bytearray(300))
        b.begin(b"initiato", b"responde", 37, 8, 5)
        b.begin_sk(ours)
        b.simple(43, bytes(n))
        end = b.protect()
        assert (end - 28 - 4 - 16 - 16) % 16 == 0 and end - 28 - 4 - 16 - 16 - (4 + n + 1) < 16, n
        m = message.parse(b.buf, 0, end)
        assert message.unprotect(m, theirs)
        assert [(kind, last - first) for kind, first, last in m.payloads] == [(43, n)]


def test_ipv6_headers_have_a_hop_limit_of_64():
    buf = bytearray(60)
    ip.write6(buf, 4, 48, 17, bytes(range(16)), bytes(range(16, 40)), 8)
    assert buf[4:12] == bytes([0x60, 0, 0, 0, 0, 8, 17, 64])
    assert buf[12:28] == bytes(range(16)) and buf[28:44] == bytes(range(24, 40))


def test_a_queue_that_has_been_emptied_takes_as_much_as_a_new_one():
    for emptied in ("drop", "clear"):
        queue = PacketQueue(40)
        for _ in range(5):
            assert queue.put(bytes(range(30)), 0, 30)
            getattr(queue, emptied)()
            assert queue.count == 0
        assert queue.put(bytes(38), 0, 38) and not queue.put(b"x", 0, 1)


def test_a_queue_against_a_list():
    packets = [bytes([i & 255] * (i * 7 % 23)) for i in range(400)]
    for room in (30, 47, 64, 100):
        queue, model = PacketQueue(room), []
        for i, packet in enumerate(packets):
            if queue.put(packet, 0, len(packet)):
                model.append(packet)
            else:
                assert model, "an empty queue has room for this"
            while model and (i * 5 + room) % 7 < len(model):
                at = queue.first()
                assert bytes(queue.buf[at : at + queue.first_len()]) == model.pop(0)
                queue.drop()
            assert queue.count == len(model)


def test_limits_of_options_hold_to_the_last_octet():
    options = dict(OPTIONS)
    options["local_id"] = "a" * 128
    assert len(Config(**options).local_id) == 128
    options["local_id"] = "a" * 129
    raises(ConfigError, lambda: Config(**options), text="local_id")
    options = dict(OPTIONS)
    options["suite_order"] = "sorted"
    raises(ConfigError, lambda: Config(**options), text="'sorted' is neither")


def test_a_message_for_another_spi_is_no_hint():
    """Neither while IKE_AUTH is awaited nor later, whatever exchange it names."""
    talk = Talk()
    talk.wait(20000)
    talk.sent()
    for exchange in (34, 35, 36, 37):
        stranger = bytearray(t.LIVENESS_IN)
        stranger[4 + 8] ^= 1
        stranger[4 + 18] = exchange
        talk.player.receive(stranger)
        talk.player.receive(stranger[4:])
    talk.expect()
    known = bytearray(t.LIVENESS_IN)
    known[-1] ^= 1
    talk.player.receive(known)
    talk.expect("--> INFORMATIONAL request {  }")


def test_a_server_that_fails_is_quoted():
    from inet_support import B4
    from ipsec.inet import dns
    from test_inet_dns import new_stack, reply

    stack = new_stack()
    lookup = dns.Lookup(stack, [B4], "mq.example")
    lookup.step(0)
    reply(stack, [], flags=b"\x81\x82")
    lookup.step(1)
    assert lookup.error == "the server answers with code 2"


def test_a_missing_esn_transform_is_no_extended_number():
    from ipsec.errors import PeerError
    from ipsec.ike import proposal

    assert proposal._no_esn((0, 1)) == 0
    raises(PeerError, proposal._no_esn, (1,), text="type 5 that was not offered (0)")


def test_a_queue_is_filled_to_its_last_octet_before_the_oldest_packet():
    queue = PacketQueue(40)
    assert queue.put(bytes(10), 0, 10) and queue.put(bytes(10), 0, 10) and queue.put(bytes(10), 0, 10)
    queue.drop()  # the first 12 octets are free
    assert not queue.put(bytes(11), 0, 11)  # a refused packet leaves nothing behind
    assert queue.put(b"0123456789", 0, 10)
    for _ in range(2):
        queue.drop()
    at = queue.first()
    assert bytes(queue.buf[at : at + queue.first_len()]) == b"0123456789"


def test_an_ipv6_header_touches_no_octet_behind_it():
    buf = bytearray(b"\xee" * 60)
    ip.write6(buf, 4, 48, 17, bytes(16), bytes(40), 8)
    assert buf[:4] == b"\xee" * 4 and buf[44:] == b"\xee" * 16
    assert ip.source_at(buf, 4) == 12


def test_the_source_of_a_packet_by_its_version():
    four, six = bytearray(40), bytearray(60)
    four[0], six[0] = 0x45, 0x60
    assert ip.source_at(four, 0) == 12 and ip.source_at(six, 0) == 8
    four[12:16] = six[8:12] = b"abcd"
    assert ip.source(four, 0) == b"abcd" and ip.source(six, 0) == b"abcd" + bytes(12)


class _Sa:
    def __init__(self, spi):
        self.spi_in = self.spi_out = bytes((0, 0, 1, spi))
        self.is_succeeded = False

    def wipe(self):
        self.spi_in = b"wipe"


def test_only_a_newer_child_sa_takes_over_when_it_is_heard():
    sadb = Sadb()
    assert sadb.find(bytes(8), 0) is None and sadb.sending is None
    old, middle, new = _Sa(1), _Sa(2), _Sa(3)
    for sa in (old, middle, new):
        sadb.add(sa)
    sadb.heard(middle)
    assert sadb.sending is middle
    sadb.heard(old)
    assert sadb.sending is middle, "what is late says nothing"
    sadb.retire(new.spi_in)
    sadb.heard(new)
    assert sadb.sending is middle, "it was replaced"
    for sa in (old, middle, new):
        assert sadb.find(b"\xff" + sa.spi_in, 1) is sa
    assert sadb.find(b"\0\0\1\4", 0) is None


def test_udp_alone_is_delivered_with_the_heap_locked():
    tunnel = make_tunnel()
    calls = []
    kept = drop.with_memory
    drop.with_memory = lambda function, *args: calls.append(function) or 0
    try:
        for version, at, protocols in ((0x45, 9, (17, 1, 6)), (0x60, 6, (17, 58, 6))):
            for protocol in protocols:
                tunnel.rx = bytearray(68)
                tunnel.rx[4], tunnel.rx[at + 4] = version, protocol
                tunnel.rx_pos, tunnel.rx_end = 4, 68
                calls.clear()
                tunnel.deliver()
                assert len(calls) == (protocol != 17), (version, protocol)
    finally:
        drop.with_memory = kept


def test_a_handshake_without_room_is_tried_again():
    """Its code is loaded when it is needed, and the heap may be full by then: the program goes on, and so does the tunnel."""
    original = IkeSa.start

    def no_room(ike, now):
        raise MemoryError

    IkeSa.start = no_room
    try:
        player = Player(make_tunnel(reconnect=True))
        assert [(e.kind, e.cause) for e in player.events] == [(FAILED, "no_memory")] and not player.sent
    finally:
        IkeSa.start = original
    player.now = player.tunnel.deadline()
    player.tunnel.tick(player.now)
    player.drain()
    assert len(player.sent) == 1
