"""What may stand in an IKE_AUTH response that is sealed with the right keys: all of it is checked (RFC 7296 1.2, 2.7, 2.9)."""

import transcript as t
from forge import AUTH, CP, DELETE, IDR, NOTIFY, SA, TSI, TSR, Forger, chain, notify, payload
from ipsec.esp import drop
from support import SLOW


def fails(payloads, cause, last=None):
    """The answer ends in one event; `last` is the payload kind of the farewell, None when nothing more is sent."""
    forger = Forger()
    player = forger.answer(payloads)
    assert not player.tunnel.is_up
    assert [(e.kind, e.cause) for e in player.events] == [("failed", cause)], player.events
    if last is None:
        assert len(player.sent) == 2 and player.tunnel.is_closed
    else:
        assert [kind for kind, _ in forger.last_sent()] == [last]
        player.receive(forger.seal([], exchange=37, message_id=2))
        assert player.tunnel.is_closed
    return player.events[0].text


def changed(kind, edit):
    """The good answer with the body of one payload edited."""
    return [(k, bytes(edit(bytearray(body))) if k == kind else body, c) for k, body, c in Forger().good()]


def test_forged_good_answer_brings_the_tunnel_up():
    forger = Forger()
    assert forger.answer(forger.good()).tunnel.is_up


def test_class_missing_payloads_one_at_a_time():
    for kind, cause in ((IDR, "invalid_syntax"), (AUTH, "invalid_syntax"), (SA, "invalid_syntax")):
        text = fails([p for p in Forger().good() if p[0] != kind], cause, DELETE)
        assert "missing" in text
    for kind in (TSI, TSR):
        fails([p for p in Forger().good() if p[0] != kind], "invalid_syntax", DELETE)


def test_en_i_2_1_2_cfg_reply_missing_takes_the_address_of_the_selector():
    forger = Forger()
    player = forger.answer([p for p in forger.good() if p[0] != CP])
    assert player.tunnel.is_up and player.events[0].text == "address 10.20.0.1"


def test_en_i_2_1_2_no_address_at_all_is_told():
    forger = Forger()
    good = [p for p in forger.good() if p[0] not in (CP, TSI)]
    wide = bytes([1, 0, 0, 0, 7, 0, 0, 16, 0, 0, 255, 255]) + bytes(4) + b"\xff" * 4
    player = forger.answer(good + [payload(TSI, wide)])
    assert [e.cause for e in player.events] == ["no_address"] and "pool" in player.events[0].text
    assert [kind for kind, _ in forger.last_sent()] == [DELETE]


def test_wrong_auth_and_wrong_identity():
    def flip(body):
        body[-1] ^= 1
        return body

    assert "psk" in fails(changed(AUTH, flip), "authentication_failed", NOTIFY)
    assert "remote_id" in fails(changed(IDR, flip), "authentication_failed", NOTIFY)
    method = changed(AUTH, lambda body: bytes([1]) + body[1:])
    assert "method 1" in fails(method, "authentication_failed", NOTIFY)
    fails(changed(AUTH, lambda body: body[:4]), "authentication_failed", NOTIFY)
    fails(changed(AUTH, lambda body: body[:-1]), "authentication_failed", NOTIFY)


def test_class_logging_peer_text_is_never_a_format():
    text = fails(changed(IDR, lambda body: body[:4] + b"%s%d%n\x1b[31m"), "authentication_failed", NOTIFY)
    assert "%s%d%n" in text and "\x1b" not in text


def test_en_i_1_1_6_7_answers_that_were_not_offered():
    def edit(at, value):
        def change(body):
            body[at] = value
            return body

        return change

    # 4 + 4 octets of proposal, 4 of SPI, then ENCR (12 octets, its ID at 7, key length at 10) and ESN (8)
    for at, value in ((4, 2), (5, 1), (12 + 4, 2), (12 + 7, 20), (12 + 10, 1), (12 + 8, 0x81), (24 + 7, 1)):
        fails(changed(SA, edit(at, value)), "no_proposal_chosen", DELETE)

    def twice(body):
        """The last transform a second time, lengths and marks adjusted."""
        return body[:2] + bytes([0, len(body) + 8]) + body[4:7] + b"\x03" + body[8:24] + b"\3" + body[25:] + body[24:]

    fails(changed(SA, twice), "no_proposal_chosen", DELETE)


def test_reserved_spi_is_refused():
    for spi in (bytes(4), b"\0\0\0\xff"):
        fails(changed(SA, lambda body, spi=spi: body[:8] + spi + body[12:]), "invalid_syntax", DELETE)


def test_class_traffic_selectors_wider_than_offered():
    """What lies in the offer is used, and a warning says so; nothing in common is refused."""

    def widen(body):
        body[12] = 9  # 9.x.x.x to 10.10.0.255
        return body

    player = Forger().answer(changed(TSR, widen))
    assert player.kinds() == ["warning", "up"] and player.events[0].cause == "selectors"
    assert "10.10.0.0/24" in player.events[0].text and "remote_ts" in player.events[0].text
    player.tunnel.tx[32:60] = (
        bytes([0x45, 0, 0, 28]) + bytes(5) + b"\x11" + bytes(2) + bytes([10, 20, 0, 1, 9, 10, 0, 1]) + bytes(8)
    )
    assert player.tunnel.send(28) == drop.SELECTOR
    fails(changed(TSR, lambda body: body[:12] + bytes([11, 0, 0, 0, 11, 0, 0, 255])), "ts_unacceptable", DELETE)
    fails(changed(TSR, lambda body: bytes([0]) + body[1:4]), "invalid_syntax", DELETE)
    fails(changed(TSR, lambda body: bytes([2]) + body[1:]), "invalid_syntax", DELETE)
    unknown_type = changed(TSR, lambda body: body[:4] + bytes([9]) + body[5:])
    fails(unknown_type, "ts_unacceptable", DELETE)


def test_en_i_2_1_2_subnets_are_compared_with_the_selectors():
    """What the gateway says that it protects, and agrees to, or does not (RFC 7296 3.15.2)."""

    def warnings(*attributes, **changes):
        return [e.text for e in Forger(**changes).answer(changed(CP, lambda body: body + b"".join(attributes))).events[:-1]]

    ours = bytes([0, 13, 0, 8, 10, 10, 0, 0, 255, 255, 255, 0])
    more = bytes([0, 13, 0, 8, 10, 30, 0, 0, 255, 255, 0, 0])
    assert warnings(ours) == []
    [text] = warnings(ours, more)
    assert "protects 10.30.0.0/16, but agrees to 10.10.0.0/24" in text and "add to remote_ts" in text
    [text] = warnings(more, remote_ts=["10.10.0.0/24", "10.0.0.0/8"])
    assert "correct its selectors" in text
    [text] = warnings(bytes([0, 15, 0, 17, 0xFD]) + bytes(15) + bytes([8]))
    assert "fd00::/8" in text


def test_en_i_1_1_6_12_child_refused_is_told_and_the_ike_sa_is_deleted():
    for kind, cause in ((14, "no_proposal_chosen"), (38, "ts_unacceptable"), (36, "internal_address_failure")):
        good = [p for p in Forger().good() if p[0] in (IDR, AUTH)]
        text = fails(good + [notify(kind)], cause, DELETE)
        assert ":" in text  # cause, then remedy


def test_error_without_auth_ends_it_at_once():
    assert "psk" in fails([notify(24)], "authentication_failed")
    fails([notify(16383)], "notify_16383")


def test_en_i_1_1_4_1_unknown_notifies_and_payloads_are_ignored():
    for extra in (notify(65535), notify(16400, b"x"), payload(1, b"?"), payload(32, b""), payload(49, b"abc"), payload(255, b"")):
        forger = Forger()
        assert forger.answer([extra] + forger.good()).tunnel.is_up, extra


def test_en_i_1_1_4_2_critical_unknown_payload_fails_the_exchange():
    for kind in (1, 32, 49, 255):
        fails([payload(kind, b"x", critical=True)] + Forger().good(), "unsupported_critical_payload", DELETE)


def test_en_i_1_1_4_x_known_payloads_may_have_the_critical_bit_and_any_order():
    forger = Forger()
    assert forger.answer([(k, body, True) for k, body, _ in reversed(forger.good())]).tunnel.is_up


def test_class_missing_payloads_and_those_that_come_twice():
    for kind in (IDR, AUTH, SA, TSI, TSR, CP):
        good = Forger().good()
        fails(good + [p for p in good if p[0] == kind], "invalid_syntax", DELETE)


def test_auth_lifetime_shortens_ours():
    forger = Forger()
    player = forger.answer(forger.good() + [notify(16403, (100).to_bytes(4, "big"))])
    player.tick(89000)
    assert player.tunnel.is_up and player.tunnel.beside is None
    player.tick(1000)
    assert player.tunnel.is_up and player.last()[22] == 34  # a new IKE SA beside this one: nobody answers
    player.tick(30000)
    assert not player.tunnel.is_up and player.events[-1].cause == "renew"


def test_every_octet_of_the_inside_changed_or_cut():
    """Sealed with the right keys, but malformed: one event at the most, and never an exception."""
    forger = Forger()
    inside = bytearray()
    good = forger.good()
    for i, (_, body, _) in enumerate(good):
        inside += bytes([good[i + 1][0] if i + 1 < len(good) else 0, 0]) + (4 + len(body)).to_bytes(2, "big") + body
    for i in range(0, len(inside), 37 if SLOW else 1):
        changed_octets = bytearray(inside)
        changed_octets[i] ^= 0xFF
        for octets in (changed_octets, inside[:i]):
            forger = Forger()
            player = forger.player
            player.receive(forger.seal_octets(octets, good[0][0]))
            events = [e for e in player.events if e.cause != "selectors"]  # it may be wider now, and is cut
            assert len(events) == 1, (i, player.events)


def padded(trailer):
    """What becomes of the good answer with this padding and pad length behind its payloads."""
    forger = Forger()
    good = forger.good()
    forger.player.receive(forger.seal_octets(chain(good), good[0][0], trailer=trailer))
    return forger.player


def test_padding_may_have_any_length_and_any_octets():
    for n in (1, 2, 15, 255):  # RFC 7296 3.14: the content is not looked at
        for octets in (bytes(n), b"\xff" * n):
            assert padded(octets + bytes([n])).tunnel.is_up, n


def test_padding_that_lies():
    """A pad length that reaches into the payloads, to their beginning, and beyond it."""
    size = len(chain(Forger().good()))
    assert 20 < size < 250
    for trailer in (b"\1", b"\x14", bytes([size - 1]), bytes([size]), bytes([size + 1]), b"\xff", b"\0\0\3", b"\0\0\1"):
        player = padded(trailer)
        assert [(e.kind, e.cause) for e in player.events] == [("failed", "invalid_syntax")], trailer
        assert not player.tunnel.is_up


def test_padding_of_a_message_without_payloads_that_lies():
    for trailer in (b"\1", b"\xff", b"\0\2"):
        forger = Forger(up=True)
        forger.player.receive(forger.seal_octets(b"", 0, 37, 0, response=False, trailer=trailer))
        assert forger.player.events[-1].cause == "invalid_syntax" and not forger.player.tunnel.is_up, trailer
    forger = Forger(up=True)
    forger.player.receive(forger.seal_octets(b"", 0, 37, 0, response=False, trailer=b"\7\1"))
    assert forger.last_sent() == [] and forger.player.tunnel.is_up


def test_octets_behind_the_end_of_each_payload():
    """One octet more than its fields say, or one less: never up, and told once."""
    for kind in (IDR, AUTH, SA, TSI, TSR, CP):
        for edit in (lambda body: body + b"\0", lambda body: body[:-1]):
            forger = Forger()
            player = forger.answer(changed(kind, edit))
            assert player.kinds() == ["failed"] and not player.tunnel.is_up, kind
            cause = player.events[0].cause
            assert cause == ("authentication_failed" if kind in (IDR, AUTH) else "invalid_syntax"), (kind, cause)
    for body in (b"", b"\0\0\x40", b"\3\4\x40\0abc", b"\0\xff\x40\0" + bytes(254)):
        fails([payload(NOTIFY, body)] + Forger().good(), "invalid_syntax", DELETE)
    assert Forger().answer([payload(NOTIFY, b"\3\4\x40\x09abcd")] + Forger().good()).tunnel.is_up


def test_class_state_bypass_unauthenticated_response_is_not_looked_at():
    forger = Forger()
    bare = bytearray(t.INIT_IN)
    bare[18] = 35
    bare[23] = 1
    forger.player.receive(b"\0\0\0\0" + bare)
    assert forger.player.events == []
    assert forger.answer(forger.good()).tunnel.is_up
