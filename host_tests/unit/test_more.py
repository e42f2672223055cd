"""Further Child SAs: which packets take which, and that each is made, rekeyed, deleted and lost by itself (RFC 7296 1.3.1)."""

from ipsec.config import Config
from ipsec.errors import ConfigError
from scripted import OPTIONS
from support import raises
from talk import ENCR_CCM, KE_X25519, NO_ESN, SA, D, N, raw
from test_rekey import DELETE, DELETED, HIGH, LOW, REKEY, REKEYED, SPI, UP, due, ke, start

SPI1, SPI2, OTHER = b"\x77\x01\x01\x01", b"\x77\x02\x02\x02", b"\x77\x03\x03\x03"
MORE = [{"remote_ts": ["10.30.0.0/16"]}, {"remote_ts": ["10.40.0.0/24[udp/5000]", "10.50.0.0/24"]}]
MAKE = "--> CREATE_CHILD_SA request { SA Nonce TSi TSr }"
MAKE_PFS = "--> CREATE_CHILD_SA request { SA Nonce KE TSi TSr }"
TOLD = "--> CREATE_CHILD_SA response { N(NO_ADDITIONAL_SAS) }"
TS = bytes([1, 0, 0, 0, 7, 0, 0, 16, 0, 0, 255, 255])
NETS = [
    None,
    TS + bytes([10, 30, 0, 0, 10, 30, 255, 255]),
    bytes([1, 0, 0, 0, 7, 17, 0, 16, 0x13, 0x88, 0x13, 0x88, 10, 40, 0, 0, 10, 40, 0, 255]),
]


def device(talk):
    return talk.sides[0]


def payloads(talk, place, spi, nonce=HIGH, ours=True, more=()):
    """SA, Nonce, [KE], TSi, TSr for the networks of a place; `ours`: the gateway asks."""
    theirs = NETS[place] or talk.sides[1]
    sides = (theirs, device(talk)) if ours else (device(talk), theirs)
    transforms = [ENCR_CCM] + ([KE_X25519] if more else []) + [NO_ESN]
    return [SA("ESP", spi, *transforms), raw("Nonce", nonce)] + list(more) + [raw("TSi", sides[0]), raw("TSr", sides[1])]


def make(talk, place, spi, more=()):
    """<-- CREATE_CHILD_SA response { SA, Nr, [KEr], TSi, TSr }"""
    talk.answer(*payloads(talk, place, spi, HIGH, False, more))


def begin(**changes):
    return start(**dict({"more_ts": MORE}, **changes))


def up(**changes):
    """A tunnel with its three Child SAs."""
    talk = begin(**changes)
    make(talk, 1, SPI1)
    make(talk, 2, SPI2)
    talk.sent()
    talk.first = talk.child.spi_out
    return talk


def takes(talk, host, port=5000):
    """The SPI of the packet that a datagram to this address becomes; the name of its drop if there is none."""
    player = talk.player
    n, before = len(player.sent), dict(player.tunnel.drops.as_dict())
    sock = player.tunnel.stack.udp()
    try:
        sock.sendto(b"x", (host, port))
    except OSError:
        pass
    player.drain()
    sock.close()
    talk._seen = len(player.sent)
    if len(player.sent) == n:
        after = player.tunnel.drops.as_dict()
        return [name for name in after if after[name] != before.get(name, 0)][0]
    return player.last()[:4]


def places(talk):
    return [(c.place, c.spi_out) for c in talk.ike.children]


def refusal_of(more_ts, **changes):
    options = dict(OPTIONS)
    options.update(changes, more_ts=more_ts)
    return str(raises(ConfigError, lambda: Config(**options)))


def test_en_i_1_2_5_further_child_sas_are_made_after_ike_auth():
    talk = begin()
    assert talk.causes() == UP
    found = dict(talk.last_sent())
    assert found[44] == device(talk) and found[45] == NETS[1]  # our side as the gateway gave it
    make(talk, 1, SPI1)
    found = dict(talk.last_sent())
    assert found[45] == bytes([2]) + NETS[2][1:] + b"\7\0\0\x10\0\0\xff\xff" + bytes([10, 50, 0, 0, 10, 50, 0, 255])
    make(talk, 2, SPI2)
    assert places(talk) == [(0, talk.child.spi_out), (1, SPI1), (2, SPI2)] and talk.causes() == UP
    talk.wait(60000)
    assert len(talk.children()) == 3


def test_packets_take_the_one_whose_selectors_match():
    talk = up()
    assert takes(talk, "10.10.0.1") == talk.first
    assert takes(talk, "10.30.7.1") == SPI1
    assert takes(talk, "10.40.0.9") == SPI2
    assert takes(talk, "10.40.0.9", 5001) == takes(talk, "10.99.0.1") == "selector"
    counts = talk.player.tunnel.counters()
    assert counts["packets_out"] == 3 and counts["drops"]["selector"] == 2


def test_a_configuration_without_it_has_one_child_sa_and_no_code_for_more():
    talk = start()
    assert talk.player.tunnel._sadb.senders == [] and talk.ike.more is None
    talk.expect()


def test_perfect_forward_secrecy_where_the_gateway_wants_it():
    for error in (N("NO_PROPOSAL_CHOSEN"), N("INVALID_KE_PAYLOAD", b"\0\x1f")):
        talk = begin(more_ts=MORE[:1])
        talk.sent()
        talk.answer(error)
        talk.expect(MAKE_PFS)
        make(talk, 1, SPI1, [ke(talk)])
        assert places(talk)[1] == (1, SPI1) and takes(talk, "10.30.0.1") == SPI1


def test_a_set_that_the_gateway_refuses_is_told_and_asked_for_again_with_new_keys():
    talk = begin(more_ts=MORE[:1])
    talk.answer(N("TS_UNACCEPTABLE"))
    assert talk.causes() == UP + ["warning child"] and "set 1 of more_ts" in talk.player.events[-1].text
    assert takes(talk, "10.10.0.1") == talk.child.spi_out and takes(talk, "10.30.0.1") == "selector"
    talk.sent()
    due(talk)
    talk.expect(REKEY)
    talk.answer(*payloads(talk, 0, OTHER, HIGH, False))
    talk.expect(DELETE)  # before what waits for its turn
    talk.answer()
    talk.expect(MAKE)
    make(talk, 1, SPI1)
    assert takes(talk, "10.30.0.1") == SPI1 and takes(talk, "10.10.0.1") == OTHER


def test_what_the_gateway_cannot_do_just_now_is_asked_for_again_alone():
    talk = begin(more_ts=MORE[:1])
    talk.sent()
    talk.answer(N("TEMPORARY_FAILURE"))
    talk.expect()
    talk.wait(1800)
    talk.expect(MAKE)
    make(talk, 1, SPI1)
    talk.expect()
    assert len(talk.children()) == 2 and talk.causes() == UP


def test_new_keys_are_due_for_each():
    talk = up()
    due(talk)
    news = [b"\x78\0\0\0", b"\x78\0\0\1", b"\x78\0\0\2"]
    olds = [c.spi_in for c in talk.ike.children]
    for place in range(3):
        talk.expect(REKEY)
        notify = [body for kind, body in talk.last_sent() if kind == 41][0]
        assert notify[4:] == olds[place]
        talk.answer(*payloads(talk, place, news[place], HIGH, False))
        talk.expect(DELETE)  # before the next one: no two are there twice
        assert len(talk.ike.children) == 4
        talk.answer(D("ESP", (talk.first, SPI1, SPI2)[place]))
    assert [takes(talk, host) for host in ("10.10.0.1", "10.30.0.1", "10.40.0.1")] == news
    assert len(talk.player.tunnel._sadb.all) == 6
    talk.wait(3000)
    assert places(talk) == [(0, news[0]), (1, news[1]), (2, news[2])] and talk.causes() == UP
    assert len(talk.player.tunnel._sadb.all) == 3


def test_the_gateway_rekeys_one_and_the_others_stay():
    talk = up()
    ask_rekey_of(talk, 1, SPI1, OTHER)
    talk.expect(REKEYED)
    assert takes(talk, "10.30.0.1") == SPI1  # until the gateway uses or deletes
    talk.ask("INFORMATIONAL", D("ESP", SPI1))
    talk.expect(DELETED)
    assert takes(talk, "10.30.0.1") == OTHER and takes(talk, "10.10.0.1") == talk.first and takes(talk, "10.40.0.1") == SPI2
    assert places(talk) == [(0, talk.first), (2, SPI2), (1, OTHER)] and talk.causes() == UP


def ask_rekey_of(talk, place, old, new, nonce=HIGH):
    talk.ask("CREATE_CHILD_SA", N("REKEY_SA", b"", 3, old), *payloads(talk, place, new, nonce))


def test_one_rekeyed_by_both_at_once_leaves_the_others_alone():
    for nonce in (HIGH, LOW):
        talk = up()
        due(talk)
        talk.answer(*payloads(talk, 0, b"\x78\0\0\0", HIGH, False))
        talk.answer()  # the first is done, it is the turn of set 1
        ask_rekey_of(talk, 1, SPI1, OTHER, nonce)
        talk.answer(*payloads(talk, 1, b"\x78\0\0\1", HIGH, False))
        talk.answer()
        talk.answer(*payloads(talk, 2, b"\x78\0\0\2", HIGH, False))
        talk.answer()
        wins = b"\x78\0\0\1" if nonce == LOW else OTHER
        assert takes(talk, "10.30.0.1") == wins, nonce
        assert takes(talk, "10.10.0.1") == b"\x78\0\0\0" and takes(talk, "10.40.0.1") == b"\x78\0\0\2"


def test_one_that_the_gateway_deletes_is_made_again_and_the_others_stay_up():
    talk = up()
    for place, spi, host in ((1, SPI1, "10.30.0.1"), (0, talk.first, "10.10.0.1")):
        talk.ask("INFORMATIONAL", D("ESP", spi))
        talk.expect(DELETED, MAKE)
        assert talk.player.tunnel.is_up and takes(talk, "10.40.0.1") == SPI2 and takes(talk, host) == "selector"
        make(talk, place, b"\x79\0\0%d" % place)
        assert takes(talk, host) == b"\x79\0\0%d" % place and talk.causes() == UP


def test_one_that_is_deleted_again_and_again_is_told_once_and_left():
    talk = up()
    talk.ask("INFORMATIONAL", D("ESP", SPI1))
    make(talk, 1, OTHER)
    talk.sent()
    talk.ask("INFORMATIONAL", D("ESP", OTHER))
    talk.expect(DELETED)
    assert talk.causes() == UP + ["warning child"] and takes(talk, "10.10.0.1") == talk.first
    talk.wait(10000)
    due(talk)
    talk.answer(*payloads(talk, 0, b"\x78\0\0\0", HIGH, False))
    talk.answer()
    make(talk, 1, SPI1)
    assert takes(talk, "10.30.0.1") == SPI1


def test_when_all_are_deleted_it_is_down_until_one_is_there():
    talk = up()
    talk.ask("INFORMATIONAL", D("ESP", talk.first, SPI1, SPI2))
    assert talk.causes() == UP + ["down deleted"] and not talk.player.tunnel.is_up
    make(talk, 0, SPI)
    make(talk, 1, SPI1)
    make(talk, 2, SPI2)
    assert talk.causes() == UP + ["down deleted", "up up"]
    assert [takes(talk, host) for host in ("10.10.0.1", "10.30.0.1", "10.40.0.1")] == [SPI, SPI1, SPI2]
    talk.sent()
    talk.ask("INFORMATIONAL", D("ESP", SPI, SPI1, SPI2))
    talk.expect(DELETED, DELETE)  # again at once: the IKE SA has no use
    assert talk.causes() == UP + ["down deleted", "up up", "down deleted"]


def test_child_sa_not_found_makes_that_one_again():
    talk = up()
    due(talk)
    talk.answer(*payloads(talk, 0, b"\x78\0\0\0", HIGH, False))
    talk.answer()
    talk.sent()
    talk.answer(N("CHILD_SA_NOT_FOUND", b"", 3, b"\0\0\0\0"))
    talk.expect(REKEY)
    talk.answer(*payloads(talk, 2, b"\x78\0\0\2", HIGH, False))
    talk.expect(DELETE)
    talk.answer()
    talk.expect(MAKE)
    make(talk, 1, OTHER)
    assert takes(talk, "10.30.0.1") == OTHER and talk.causes() == UP


def test_the_gateway_may_make_the_one_that_is_missing_and_no_other():
    talk = begin(more_ts=MORE[:1])
    talk.answer(N("TS_UNACCEPTABLE"))
    talk.sent()
    talk.ask("CREATE_CHILD_SA", *payloads(talk, 2, OTHER))  # of no set
    talk.expect(TOLD)
    talk.ask("CREATE_CHILD_SA", *payloads(talk, 0, OTHER))  # is there
    talk.expect(TOLD)
    talk.ask("CREATE_CHILD_SA", *payloads(talk, 1, SPI1))
    talk.expect("--> CREATE_CHILD_SA response { SA Nonce TSi TSr }")
    assert places(talk)[1] == (1, SPI1) and takes(talk, "10.30.0.1") == SPI1
    talk.ask("CREATE_CHILD_SA", *payloads(talk, 1, OTHER))
    talk.expect(TOLD)
    assert len(talk.children()) == 2


def test_one_that_the_gateway_does_not_rekey_is_replaced():
    """libreswan, where another connection than the first one has it: TS_UNACCEPTABLE."""
    for crossed in (False, True):
        talk = up()
        due(talk)
        talk.answer(*payloads(talk, 0, SPI, HIGH, False))
        talk.answer()
        talk.expect(REKEY, DELETE, REKEY)
        talk.answer(N("TS_UNACCEPTABLE"))
        talk.expect(REKEY)  # that of the second set waits no longer
        make(talk, 2, OTHER)
        talk.answer()
        talk.expect(DELETE, MAKE)
        if crossed:  # it asks for what it has refused
            talk.ask("CREATE_CHILD_SA", N("REKEY_SA", b"", 3, SPI1), *payloads(talk, 1, b"\x77\x09\x09\x09"))
            talk.expect(REKEYED)
        make(talk, 1, b"\x77\x08\x08\x08")
        assert takes(talk, "10.30.7.1") == b"\x77\x08\x08\x08"
        for _ in range(3):
            if talk.ike.window.active:
                talk.answer()
        assert sorted(places(talk))[0] == (0, SPI) and (2, OTHER) in places(talk) and talk.causes() == UP
        assert [spi for place, spi in places(talk) if place == 1] == [SPI1] * crossed + [b"\x77\x08\x08\x08"]


def test_a_request_that_meets_ours_for_the_same_set_is_refused():
    talk = begin(more_ts=MORE[:1])
    talk.sent()
    talk.ask("CREATE_CHILD_SA", *payloads(talk, 1, OTHER))
    talk.expect(TOLD)
    make(talk, 1, SPI1)
    assert places(talk)[1:] == [(1, SPI1)]


def test_class_local_mistakes_each_is_named():
    assert "not a list of sets" in refusal_of("10.30.0.0/16") and "not a list of sets" in refusal_of(["10.30.0.0/16"])
    assert "set 1: unknown 'remote'" in refusal_of([{"remote": ["10.30.0.0/16"]}])
    assert "set 2: remote_ts is missing" in refusal_of([MORE[0], {}])
    assert "set 1: remote_ts: " in refusal_of([{"remote_ts": ["10.30.0.0/99"]}])
    assert "set 1: remote_ts = '10.30.0.0/16' is not a list of texts" in refusal_of([{"remote_ts": "10.30.0.0/16"}])
    assert "5 sets; name 4" in refusal_of([MORE[0]] * 5)
    assert "9 prefixes" in refusal_of([{"remote_ts": ["10.30.0.0/16"] * 9}])
    assert "inside of the option remote_ts" in refusal_of([{"remote_ts": ["10.10.0.64/26[tcp/80]"]}])
    assert Config(more_ts=[], **OPTIONS).more_ts == []


def test_counts_are_of_all():
    from ipsec.status import Status

    talk = up()
    for host in ("10.10.0.1", "10.30.0.1", "10.40.0.1", "10.30.0.1"):
        takes(talk, host)
    status = Status(talk.player.tunnel, 5, "10.20.0.1")
    assert status.packets_out == 4 and status.children == [(0, 1, 0), (1, 2, 0), (2, 1, 0)]
    assert "more_ts: set 1 2 packets out, 0 in" in str(status), str(status)
    assert Status(start().player.tunnel, 5, "").children == []


def test_en_i_1_2_6_the_ike_sa_is_rekeyed_with_all():
    from test_rekey import answer_rekey_ike, lead

    talk = up()
    due(talk, ike=True)
    answer_rekey_ike(talk)
    heir = talk.heir()
    heir.sides = talk.sides
    assert lead(talk) is heir.ike and len(heir.ike.children) == 3 and heir.ike.more
    talk.answer()
    heir.ask("INFORMATIONAL", D("ESP", SPI1))
    make(heir, 1, OTHER)
    assert takes(heir, "10.30.0.1") == OTHER and talk.causes() == UP


def test_childless_makes_the_first_one_before_them():
    from test_childless import SPI as FIRST
    from test_childless import Apart

    talk = Apart(more_ts=MORE[:1])
    talk.sent()
    talk.answer(*talk.child())
    talk.expect(MAKE_PFS)
    talk.sides = (dict(talk.last_sent())[44], None)
    make(talk, 1, SPI1, [ke(talk)])
    assert places(talk) == [(0, FIRST), (1, SPI1)]


def test_a_new_ike_sa_beside_this_one_makes_them_again():
    from test_beside import Second

    talk = up(reconnect=True)
    talk.wait(2000)
    talk.ike.renew("for a test", talk.player.now)
    talk.wait(0)
    talk.wait(0)
    second = Second(talk)
    second.prove(spi=OTHER)
    second.sides = talk.sides
    assert takes(talk, "10.30.0.1") == SPI1 and takes(talk, "10.10.0.1") == OTHER  # the old one lives until all are there
    make(second, 1, b"\x79\0\0\1")
    make(second, 2, b"\x79\0\0\2")
    assert takes(talk, "10.30.0.1") == b"\x79\0\0\1" and takes(talk, "10.10.0.1") == OTHER and talk.causes() == UP
    talk.wait(30000)
    talk.expect(DELETE)
    talk.answer()
    talk.wait(3000)
    assert talk.causes() == UP and len(talk.player.tunnel._sadb.all) == 3


def test_each_place_has_its_own_succession():
    talk = up()
    sadb = talk.player.tunnel._sadb
    assert [(sa.place, sa.is_succeeded) for sa in sadb.senders] == [(0, False), (1, False), (2, False)]
    talk.ask("INFORMATIONAL", D("ESP", SPI1))
    assert [sa.place for sa in sadb.senders] == [0, 2] and sadb.sending.spi_out == talk.first
    talk.ask("INFORMATIONAL", D("ESP", talk.first))
    assert [sa.place for sa in sadb.senders] == [2] and sadb.sending.spi_out == SPI2


def test_the_gateway_rekeys_the_first_one_and_nothing_is_made_for_the_old_one():
    talk = up()
    ask_rekey_of(talk, 0, talk.first, OTHER)
    talk.sent()
    talk.ask("INFORMATIONAL", D("ESP", talk.first))
    talk.expect(DELETED)
    talk.wait(100)
    talk.expect()
    assert places(talk) == [(1, SPI1), (2, SPI2), (0, OTHER)] and takes(talk, "10.10.0.1") == OTHER


def test_one_that_has_carried_enough_leads_to_new_keys():
    talk = up(child_lifetime_packets=2)
    for _ in range(3):
        takes(talk, "10.30.0.1")
    talk.wait(10)
    talk.wait(10)
    talk.expect(REKEY)


def test_the_length_of_a_packet_is_that_of_its_header():
    from ipsec.esp.many import Many

    class Taker:
        place = 1
        is_succeeded = False

        def encap(self, buf, pos, end):
            return end

    first, other = Taker(), Taker()
    first.place = 0
    sadb = Many()
    sadb.add(other)
    sadb.add(first)
    assert sadb.sending is first
    for head, n in ((b"\x45\0\0\x54", 84), (b"\x60\0\0\0\0\x20\x11\x40", 72)):
        buf = bytearray(2000)
        buf[32 : 32 + len(head)] = head
        assert sadb.encap_other(buf, 32) == (other, 32 + n)
