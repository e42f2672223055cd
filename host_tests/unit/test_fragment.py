"""IKE messages in pieces (RFC 7383): what comes in pieces, what hostile pieces do, and when ours are cut.

`Cutter.pieces` makes the gateway's pieces by hand; nothing here comes from `ike/fragment.py`. Start reading at `Cutter`.
"""

import transcript as t
from forge import ICV_LEN, IV_LEN, chain
from ipsec.config import Config
from ipsec.errors import ConfigError
from scripted import OPTIONS
from support import raises
from talk import D, N, Talk, raw

SKF = 53
LARGE, SMALL = 1228, 524


class Cutter(Talk):
    """A talk on an IKE SA for which both sides have said IKEV2_FRAGMENTATION_SUPPORTED."""

    def __init__(self, up=True, **changes):
        super().__init__(up, **changes)
        self.ike.window.piece_len = LARGE

    def piece(self, number, total, octets, first, exchange=37, message_id=0, response=False, spoil=False):
        """One datagram."""
        length = 28 + 8 + IV_LEN + len(octets) + 1 + ICV_LEN
        buf = bytearray(t.INIT_IN[:16]) + bytes([SKF, 0x20, exchange, 0x20 if response else 0]) + message_id.to_bytes(4, "big")
        buf += length.to_bytes(4, "big") + bytes([first, 0]) + (length - 28).to_bytes(2, "big")
        buf += number.to_bytes(2, "big") + total.to_bytes(2, "big") + bytes(IV_LEN) + octets + bytes(1 + ICV_LEN)
        self.sealer.seal(buf, 0, 36, len(buf) - ICV_LEN, None)
        if spoil:
            buf[-1] ^= 1
        return bytes(4) + bytes(buf)

    def pieces(self, payloads, total, **where):
        """The datagrams of a message, cut into so many."""
        inside = bytes(chain(payloads))
        room = (len(inside) + total - 1) // total
        first = payloads[0][0]
        parts = [inside[i * room : (i + 1) * room] for i in range(total)]
        return [self.piece(i + 1, total, p, 0 if i else first, **where) for i, p in enumerate(parts)]

    def come(self, *datagrams):
        """<-- these datagrams."""
        for datagram in datagrams:
            self.player.receive(datagram)

    def dropped(self):
        return self.ike.dropped

    def kept(self):
        """Octets that are kept of messages that are not whole."""
        found = [p for p in self.ike.window.pieces or () if p]
        return sum([len(octets) for p in found for octets in p.found.values()])


def delete_of(talk):
    return [N(40000, bytes(60)), D("ESP", talk.child.spi_out)]


def test_ike_auth_response_in_pieces_in_any_order_and_twice():
    for order in ((0, 1, 2), (2, 1, 0), (1, 0, 1, 0, 2)):
        talk = Cutter(up=False)
        pieces = talk.pieces(talk.good(), 3, exchange=35, message_id=1, response=True)
        talk.come(*[pieces[i] for i in order])
        assert talk.causes() == ["up up"], order
        assert talk.player.tunnel.is_up and talk.kept() == 0


def test_a_piece_alone_says_nothing():
    talk = Cutter(up=False)
    pieces = talk.pieces(talk.good(), 2, exchange=35, message_id=1, response=True)
    talk.come(pieces[0], pieces[0])
    assert talk.causes() == [] and talk.ike.window.active


def test_request_in_pieces_is_answered_once_and_again_for_its_first_piece_only():
    talk = Cutter()
    pieces = talk.pieces(delete_of(talk), 3)
    talk.come(pieces[0], pieces[1])
    talk.expect()
    talk.come(pieces[2])
    answer = talk.player.sent[talk._seen][1]
    talk.sent()
    talk.come(pieces[1], pieces[2])
    talk.expect()
    talk.come(pieces[0])
    assert [octets for _, octets in talk.player.sent[talk._seen :]] == [answer]


def test_class_fragments_nothing_is_taken_that_was_not_agreed():
    talk = Talk()
    maker = Cutter()
    talk.player.receive(maker.pieces([N(40000, bytes(60))], 1)[0])
    talk.expect()
    assert talk.ike.dropped == 1


def test_class_fragments_forged_pieces_evict_nothing_and_take_no_memory():
    talk = Cutter()
    pieces = talk.pieces(delete_of(talk), 3)
    talk.come(pieces[0], pieces[1])
    kept = talk.kept()
    for number in range(1, 9):
        for total in (3, 4, 8, 255):
            talk.come(talk.piece(number, total, bytes(400), 41 if number == 1 else 0, spoil=True))
    assert talk.kept() == kept > 0
    talk.expect()
    talk.come(pieces[2])
    assert talk.sent()[0] == "--> INFORMATIONAL response { D }"


def test_class_fragments_numbers_that_cannot_be_are_dropped():
    for number, total, first in ((0, 3, 0), (4, 3, 0), (0, 0, 41), (1, 0, 41), (1, 3, 0), (2, 3, 41), (2, 9, 0), (2, 65535, 0)):
        talk = Cutter()
        pieces = talk.pieces(delete_of(talk), 3)
        talk.come(pieces[0])
        dropped = talk.dropped()
        talk.come(talk.piece(number, total, b"evil", first))
        assert talk.dropped() == dropped + 1, (number, total, first)
        talk.expect()
        talk.come(pieces[1], pieces[2])
        assert talk.sent()[0] == "--> INFORMATIONAL response { D }", (number, total, first)


def test_class_fragments_without_room_for_their_numbers_are_dropped():
    talk = Cutter()
    reasons = []
    talk.ike.drop = reasons.append
    good = talk.piece(1, 1, b"", 0)[4:]
    for n in range(4):
        length = 28 + 4 + n
        talk.come(bytes(4) + good[:24] + length.to_bytes(4, "big") + good[28:30] + (4 + n).to_bytes(2, "big") + good[32:length])
    assert reasons == ["an SKF payload of %d octets" % n for n in range(4)]
    talk.expect()


def test_class_fragments_more_pieces_replace_what_came_and_fewer_are_late():
    talk = Cutter()
    three, four = (talk.pieces(delete_of(talk), n) for n in (3, 4))
    talk.come(three[0], three[1], four[0])
    talk.come(three[2])  # late
    talk.come(four[1], four[2])
    talk.expect()
    talk.come(four[3])
    assert talk.sent()[0] == "--> INFORMATIONAL response { D }"


def test_class_fragments_of_more_than_4_kb_are_never_kept():
    talk = Cutter()
    for number in range(1, 8):
        talk.come(talk.piece(number, 8, bytes(1200), 41 if number == 1 else 0))
    assert talk.kept() == 3 * 1200
    talk.ask("INFORMATIONAL")  # the same message ID, whole
    talk.expect("--> INFORMATIONAL response {  }")
    assert talk.kept() == 0


def test_whole_message_among_its_pieces_wins_and_a_broken_one_does_not():
    talk = Cutter(up=False)
    good = talk.good()
    pieces = talk.pieces(good, 3, exchange=35, message_id=1, response=True)
    talk.come(pieces[0])
    inside = bytes(chain(good))
    talk.come(talk.seal_octets(inside[: len(inside) // 3], good[0][0]))  # the octets of a piece as an SK payload
    assert talk.causes() == []
    talk.come(pieces[1], pieces[2])
    assert talk.causes() == ["up up"]
    talk = Cutter(up=False)
    talk.come(talk.pieces(good, 3, exchange=35, message_id=1, response=True)[0], talk.seal(good))
    assert talk.causes() == ["up up"] and talk.kept() == 0


def test_pieces_of_a_request_stay_when_an_exchange_of_ours_ends_and_of_an_answer_when_we_answer():
    talk = Cutter()
    pieces = talk.pieces(delete_of(talk), 3)
    talk.come(pieces[0], pieces[1])
    talk.ike.check()
    talk.wait(0)
    talk.sent()
    talk.answer()
    assert not talk.ike.window.active
    talk.come(pieces[2])
    assert talk.sent()[0] == "--> INFORMATIONAL response { D }"
    talk = Cutter()
    talk.ike.check()
    talk.wait(0)
    talk.sent()
    pieces = talk.pieces([N(40000, bytes(60))], 2, message_id=2, response=True)
    talk.come(pieces[0])
    talk.ask("INFORMATIONAL")
    talk.expect("--> INFORMATIONAL response {  }")
    talk.come(pieces[1])
    assert not talk.ike.window.active and talk.ike.window.pieces is None


def test_malformed_inside_is_a_malformed_message():
    talk = Cutter()
    talk.come(*[talk.piece(1, 2, b"\0\0\0", 41), talk.piece(2, 2, b"\3", 0)])
    talk.expect("--> INFORMATIONAL response { N(INVALID_SYNTAX) }")
    assert talk.causes()[-1] == "down invalid_syntax"


def test_unknown_critical_payload_in_pieces_is_named():
    talk = Cutter()
    talk.come(*talk.pieces([raw(49, bytes(40), True)], 2))
    talk.expect("--> INFORMATIONAL response { N(UNSUPPORTED_CRITICAL_PAYLOAD) }")


def joined(talk, datagrams):
    """What stands inside the device's pieces, with their (number, total)."""
    inside, numbers = b"", []
    for datagram in datagrams:
        buf = bytearray(datagram[4:])
        assert buf[16] == SKF and int.from_bytes(buf[24:28], "big") == len(buf)
        numbers.append((buf[33], buf[35]))
        assert (buf[28] != 0) == (buf[33] == 1)
        end = talk._open_ours.open(buf, 0, 36, len(buf), None)
        assert end > 0
        inside += bytes(buf[36 + IV_LEN : end - 1 - buf[end - 1]])
    return inside, numbers


def test_large_request_goes_on_in_small_pieces_when_it_vanishes():
    texts = ["10.%d.0.0/16" % n for n in range(8)]
    six = ["fd00:%d::/32" % n for n in range(1, 9)]
    talk = Cutter(up=False, virtual_ip=["ipv4", "ipv6"], remote_ts=texts, local_ts=six, local_id="d" * 120)
    [whole] = talk.player.sent[-1:]
    assert len(whole[1]) - 4 > SMALL
    talk.wait(1000)
    assert talk.player.sent[-1] == whole  # once more as it was
    count = len(talk.player.sent)
    talk.wait(2000)
    first = [octets for _, octets in talk.player.sent[count:]]
    assert len(first) == 2 and all(len(octets) - 4 <= SMALL for octets in first)
    buf = bytearray(whole[1][4:])
    end = talk._open_ours.open(buf, 0, 32, len(buf), None)
    inside, numbers = joined(talk, first)
    assert numbers == [(1, 2), (2, 2)] and inside == bytes(buf[32 + IV_LEN : end - 1 - buf[end - 1]])
    talk.wait(4000)
    assert [octets for _, octets in talk.player.sent[count + 2 :]] == first  # bit for bit


def test_small_request_is_never_cut():
    talk = Cutter(up=False)
    request = talk.player.last()
    for wait in (1000, 2000, 4000, 8000):
        talk.wait(wait)
        assert talk.player.last() == request


def test_it_is_said_in_ike_sa_init_and_can_be_switched_off():
    for wanted in (True, False):
        talk = Talk(fragmentation=wanted)
        assert (b"\x00\x00\x40\x2e" in talk.player.sent[0][1]) is wanted
        assert talk.ike.window.piece_len == 0  # the recorded gateway does not know it
    raises(ConfigError, lambda: Config(**dict(OPTIONS, fragmentation=1)), text="fragmentation")
