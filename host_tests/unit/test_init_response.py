"""What may come in answer to IKE_SA_INIT, where nobody has proved anything yet (RFC 7296 1.2, 2.6, 2.7, 2.21.1)."""

import transcript as t
from ipsec.crypto import backend
from scripted import Player, make_tunnel

SA, KE, NONCE, NOTIFY = 33, 34, 40, 41
COOKIE, INVALID_KE = 16390, 17
TWO_GROUPS = {"ike_proposals": ["aes128ccm16-prfsha256-x25519", "aes128ccm16-prfsha256-ecp256"]}


def parse(datagram):
    """The payloads of an unprotected message as [(kind, body)]."""
    kind, pos, found = datagram[16], 28, []
    while kind:
        length = datagram[pos + 2] << 8 | datagram[pos + 3]
        found.append((kind, bytes(datagram[pos + 4 : pos + length])))
        kind, pos = datagram[pos], pos + length
    return found


def response(payloads, spi_r=t.INIT_IN[8:16], version=0x20, flags=0x20, reserved=0):
    """An IKE_SA_INIT response with these payloads."""
    chain = bytearray()
    for i, (_, body) in enumerate(payloads):
        following = payloads[i + 1][0] if i + 1 < len(payloads) else 0
        chain += bytes([following, reserved]) + (4 + len(body)).to_bytes(2, "big") + body
    first = payloads[0][0] if payloads else 0
    header = t.INIT_OUT[:8] + spi_r + bytes([first, version, 34, flags]) + bytes(4)
    return header + (28 + len(chain)).to_bytes(4, "big") + bytes(chain)


def notify(kind, data=b""):
    return NOTIFY, bytes([0, 0, kind >> 8, kind & 0xFF]) + data


def good(kind=0, body=b""):
    """The payloads of the recorded response, one body replaced."""
    return [(k, body if k == kind else b) for k, b in parse(t.INIT_IN)]


def answer(payloads, **header):
    player = Player(make_tunnel())
    player.receive(response(payloads, **header))
    return player


def is_refused(payloads, **header):
    """Nothing but time-out and retransmission follows, and the recorded good response still wins."""
    player = answer(payloads, **header)
    assert len(player.sent) == 1 and player.events == []
    player.receive(t.INIT_IN)
    return player.last() == t.AUTH_OUT


def is_auth(player):
    """Whether the message sent last is an IKE_AUTH request, behind the non-ESP marker."""
    return player.last()[4 + 18] == 35


def gives_up(player, cause):
    while not player.tunnel.is_closed:
        player.tick(100)
    assert [e.cause for e in player.events] == [cause], player.events
    return player.events[0].text


def test_en_i_1_1_5_1_cookie_comes_back_first_and_all_else_stays():
    player = answer([notify(COOKIE, b"c" * 64)], spi_r=bytes(8))
    payloads = parse(player.last())
    assert payloads[0] == notify(COOKIE, b"c" * 64)
    assert payloads[1:4] == parse(t.INIT_OUT)[:3] and len(payloads) == 6
    assert player.last()[:8] == t.INIT_OUT[:8] and player.last()[20:24] == bytes(4)
    player.receive(t.INIT_IN)
    assert is_auth(player)


def test_class_cleartext_notifies_cookie_of_impossible_length():
    for n in (0, 65, 200):
        assert is_refused([notify(COOKIE, b"c" * n)])


def test_class_cleartext_notifies_cookies_without_end():
    player = answer([notify(COOKIE, b"1")])
    for i in range(20):
        player.receive(response([notify(COOKIE, b"c%d" % i)]))
    assert len(player.sent) <= 7
    assert "more than" in gives_up(player, "invalid_syntax")


def test_en_i_1_1_5_2_cookie_and_invalid_ke_in_both_orders():
    for order in ((COOKIE, INVALID_KE), (INVALID_KE, COOKIE)):
        player = Player(make_tunnel(**TWO_GROUPS))
        for kind in order:
            player.receive(response([notify(kind, b"\0\x13" if kind == INVALID_KE else b"cookie")], spi_r=bytes(8)))
        payloads = parse(player.last())
        assert payloads[0] == notify(COOKIE, b"cookie")
        assert dict(payloads)[KE][:4] == b"\0\x13\0\0" and len(dict(payloads)[KE]) == 4 + 64
        assert dict(payloads)[NONCE] == dict(parse(player.sent[0][1]))[NONCE]
        assert len(player.sent) == 3


def test_en_i_1_1_6_11_invalid_ke_with_zero_and_other_spi():
    for spi_r in (bytes(8), t.INIT_IN[8:16]):
        player = Player(make_tunnel(**TWO_GROUPS))
        player.receive(response([notify(INVALID_KE, b"\0\x13")], spi_r=spi_r))
        assert dict(parse(player.last()))[KE][:2] == b"\0\x13" and player.last()[8:16] == bytes(8)


def test_class_cleartext_notifies_invalid_ke_for_a_group_that_was_not_offered_or_was_tried():
    for group in (b"\0\x1f", b"\0\x0e", b"\0\0", b"\0", b""):
        player = Player(make_tunnel(**TWO_GROUPS))
        player.receive(response([notify(INVALID_KE, group)]))
        assert len(player.sent) == 1
        player.receive(t.INIT_IN)


def test_invalid_ke_back_and_forth_is_bounded():
    player = Player(make_tunnel(**TWO_GROUPS))
    for i in range(10):
        player.receive(response([notify(INVALID_KE, b"\0\x13" if i % 2 == 0 else b"\0\x1f")]))
    assert len(player.sent) == 2
    gives_up(player, "invalid_ke_payload")


def test_class_missing_payloads_one_at_a_time():
    for kind in (SA, KE, NONCE):
        assert is_refused([p for p in good() if p[0] != kind])
    natd = [p for p in good() if p[0] != NOTIFY]
    assert is_refused(natd)
    assert "encapsulation" in gives_up(answer(natd), "invalid_syntax")


def test_key_exchange_of_another_group_than_the_suite_s():
    player = Player(make_tunnel(**TWO_GROUPS))
    sa = dict(parse(t.INIT_IN))[SA]
    assert sa[-4:] == b"\x04\0\0\x1f"
    player.receive(response(good(SA, sa[:4] + b"\2" + sa[5:-1] + b"\x13")))
    assert len(player.sent) == 1
    assert "group 19, its KE payload 31, ours 31" in gives_up(player, "invalid_syntax")


def test_missing_payload_is_named():
    assert "Nonce" in gives_up(answer([p for p in good() if p[0] != NONCE]), "invalid_syntax")
    assert gives_up(answer([]), "invalid_syntax")


def test_nonce_length():
    for n in (0, 15, 257):
        assert is_refused(good(NONCE, bytes(n)))
    for n in (16, 256):
        assert is_auth(answer(good(NONCE, bytes(n))))


def test_class_key_exchange_values():
    for body in (
        b"",
        b"\0\x1f\0\0",  # empty
        b"\0\x1f\0\0" + bytes(32),  # all zero
        b"\0\x1f\0\0\1" + bytes(31),  # a low-order point
        b"\0\x1f\0\0" + bytes(31),  # short
        b"\0\x1f\0\0" + b"\x09" * 33,  # long
        b"\0\x13\0\0" + b"\x09" * 32,  # another group
    ):
        assert is_refused(good(KE, body)), body


def test_en_i_1_1_6_7_proposals_that_were_not_offered():
    body = dict(good())[SA]
    # offsets: 4 number, 5 protocol, 6 SPI size, 7 transforms; transforms from 8: ENCR 12 octets, PRF 8, KE 8
    edits = ((0, 2), (4, 2), (4, 0), (5, 3), (6, 8), (7, 2), (7, 4), (15, 20), (19, 64), (24, 3), (27, 7), (35, 14))
    for at, value in edits:
        changed = bytearray(body)
        changed[at] = value
        assert is_refused(good(SA, bytes(changed))), (at, value)
    assert is_refused(good(SA, body[:3] + bytes([len(body) - 8]) + body[4:7] + b"\2" + body[8:20] + b"\0" + body[21:-8]))
    assert is_refused(good(SA, body + body))
    assert is_refused(good(SA, b""))


def test_zero_spi_of_the_responder():
    assert is_refused(good(), spi_r=bytes(8))


def test_en_i_1_1_11_1_reserved_bits_and_minor_version_are_ignored():
    player = answer(good(), version=0x2F, flags=0x20 | 0xC7, reserved=0x7F)
    assert is_auth(player)


def test_en_i_1_1_4_x_major_version_and_direction():
    for header in ({"version": 0x10}, {"version": 0x30}, {"flags": 0x28}, {"flags": 0x00}, {"flags": 0x08}):
        assert is_refused(good(), **header)


def test_unknown_payloads_and_notifies():
    extra = [(1, b"x"), (32, b""), (49, b"y"), (255, b"z"), notify(65535, b"?"), notify(16383)]
    assert is_auth(answer(extra + good()))
    assert is_refused([(49, b"x")] + good(), reserved=0x80)


def test_class_headers_chains_that_lie():
    datagram = response(good())
    for at in (28 + 2, 28 + 3):
        for value in (0, 1, 3, 0xFF):
            changed = bytearray(datagram)
            changed[at] = value
            if changed == datagram:
                continue
            player = Player(make_tunnel())
            player.receive(changed)
            assert len(player.sent) == 1
    player = Player(make_tunnel())
    player.receive(response([])[:16] + b"\x21" + response([])[17:])  # the first payload is said to be there
    player.receive(response([(43, b"")])[:30] + b"\0\0")  # a payload of length zero
    assert len(player.sent) == 1


def test_class_headers_of_every_length():
    player = Player(make_tunnel())
    for n in range(29):
        player.receive(t.INIT_IN[:n])
        player.receive(bytes(n))
        player.receive(b"\xff" * n)
    assert len(player.sent) == 1 and player.events == []


def test_class_headers_ikev1_payload_numbers():
    player = Player(make_tunnel())
    player.receive(t.INIT_OUT[:16] + b"\x01\x10\x02\x00" + bytes(4) + (28).to_bytes(4, "big"))
    player.receive(response([(13, b"OAKLEY")]))
    assert len(player.sent) == 1


def test_octets_behind_the_end_of_each_payload():
    """One octet more than the fields of SA and KE say, or one less; a nonce and a notification have no end of their own."""
    for kind in (SA, KE):
        body = dict(parse(t.INIT_IN))[kind]
        for bad in (body + b"\0", body[:-1]):
            assert is_refused(good(kind, bad)), kind
    for size in (0, 15, 257):
        assert is_refused(good(NONCE, bytes(size))), size
    for size in (16, 256):
        assert is_auth(answer(good(NONCE, bytes(size)))), size


class Watching:
    """The crypto backend; `seen` has key, IV and plaintext of each message that it sealed."""

    def __init__(self):
        self.seen = []

    def __getattr__(self, name):
        return getattr(backend, name)

    def new_sealer(self, encr, integ, encr_key, integ_key, large=False):
        return WatchedSealer(self, bytes(encr_key), backend.new_sealer(encr, integ, encr_key, integ_key, large))


class WatchedSealer:
    def __init__(self, watching, key, sealer):
        self.watching, self.key, self.sealer = watching, key, sealer

    def __getattr__(self, name):
        return getattr(self.sealer, name)

    def seal(self, buf, start, iv_pos, end, seq_hi):
        text = bytes(buf[iv_pos + 8 : end])
        sealed = self.sealer.seal(buf, start, iv_pos, end, seq_hi)
        self.watching.seen.append((self.key, bytes(buf[iv_pos : iv_pos + 8]), text))
        return sealed


def test_no_iv_comes_twice_where_answers_are_forged():
    """IKE_AUTH goes to whoever has answered, in turn: the keys of the first answer come again, their IVs must not."""
    watching = Watching()
    player, seen = Player(make_tunnel(watching)), watching.seen
    player.receive(t.INIT_IN)
    player.receive(response(good(), spi_r=b"FORGED!!"))
    for _ in range(600):
        player.tick(100)
    assert len(seen) > len({key for key, _, _ in seen}) > 1, "the keys came again"
    assert len({(key, iv) for key, iv, _ in seen}) == len(seen)
    by_key = {}
    for key, _, text in seen:
        assert by_key.setdefault(key, text) == text, "another SPI: the answer to the first request would not fit"
