"""Which gateway is asked, at which address: lists of gateways, names with several addresses."""

import transcript as t
from ipsec.config import Config
from ipsec.errors import ConfigError
from scripted import GATEWAY_ADDR, OPTIONS, Player, make_tunnel
from support import raises
from test_init_response import COOKIE, notify, response

A, B, C, D = bytes([192, 0, 2, 1]), bytes([192, 0, 2, 2]), bytes([192, 0, 2, 3]), bytes(15) + b"\x01"
FAST = {"retransmit_ms": 250, "retransmit_tries": 4, "reconnect_ms": 100}
LIST = {"gateway": ["a.example", "b.example"], "reconnect": True}


def player(hosts, **changes):
    options = dict(FAST)
    options.update(LIST)
    options.update(changes)
    p = Player(make_tunnel(**options), start=False)
    p.hosts = hosts
    p.first_calls = p.tunnel.random.calls
    p.tunnel.start(0)
    p.drain()
    return p


def come_up(p):
    """The present attempt has been made with the transcript's random octets, and is answered."""
    p.receive(t.INIT_IN)
    p.receive(t.AUTH_IN)
    assert p.tunnel.is_up


def next_attempt(p, within_ms=10000):
    """Let time pass until the next attempt, which then is the transcript's; how long that took."""
    p.tunnel.random.calls = p.first_calls
    before, start = len(p.asked), p.now
    while len(p.asked) == before:
        assert p.now - start < within_ms, p.asked
        p.tick(10)
    return p.now - start


def refused(text, **changes):
    options = dict(OPTIONS)
    options.update(changes)
    raises(ConfigError, lambda: Config(**options), text=text)


def test_a_list_is_gone_through_in_order_and_a_failure_is_told_at_its_end():
    p = player({"a.example": [A], "b.example": [B]})
    assert next_attempt(p) <= 2000  # the time of three requests
    assert p.asked == [("a.example", A), ("b.example", B)]
    assert [(e.kind, e.cause) for e in p.events] == [("warning", "timeout")]
    assert "a.example" in p.events[0].text and "the next one is asked" in p.events[0].text
    assert next_attempt(p) >= 1750 + 100  # a pause behind the last one
    assert [(e.kind, e.cause) for e in p.events][1:] == [("failed", "timeout")]
    assert "b.example" in p.events[1].text
    assert p.asked[2:] == [("a.example", A)]


def test_the_second_gateway_of_a_list_takes_over_from_the_first_within_8_s():
    p = player({"a.example": [A], "b.example": [B]}, remote_id="gw.example", dpd_s=1)
    come_up(p)
    p.tick(6000)  # it has lived
    began = p.now
    while not p.events or p.events[-1].kind != "down":
        p.tick(10)
    p.tunnel.random.calls = p.first_calls
    while len(p.asked) < 3:
        p.tunnel.random.calls = p.first_calls
        p.tick(10)
        assert p.now - began < 8000
    assert [name for name, _ in p.asked] == ["a.example", "a.example", "b.example"]
    come_up(p)


def test_each_gateway_is_expected_under_its_own_name_unless_they_share_one():
    p = player({"a.example": [A], "b.example": [B]}, remote_id="")
    assert p.tunnel.config.remote_id == "a.example"
    next_attempt(p)
    assert p.tunnel.config.remote_id == "b.example"
    p = player({"a.example": [A], "b.example": [B]}, remote_id=["one.example", "two.example"])
    assert p.tunnel.config.remote_id == "one.example"
    next_attempt(p)
    assert p.tunnel.config.remote_id == "two.example"
    p = player({"a.example": [A], "b.example": [B]}, remote_id="both.example")
    next_attempt(p)
    assert p.tunnel.config.remote_id == "both.example"


def test_a_gateway_that_shows_another_identity_is_left_for_the_next():
    p = player({"a.example": [A], "b.example": [B]}, remote_id=["other.example", "gw.example"])
    p.receive(t.INIT_IN)
    p.receive(t.AUTH_IN)
    assert [(e.kind, e.cause) for e in p.events] == [("warning", "authentication_failed")]
    next_attempt(p)
    assert p.asked[-1] == ("b.example", B)


def test_every_address_of_a_name_is_asked_and_the_name_looked_up_each_time():
    p = player({"a.example": [D, A, A]}, gateway="a.example")
    next_attempt(p)
    assert p.asked == [("a.example", D), ("a.example", A)]
    next_attempt(p)
    assert [(e.kind, e.cause) for e in p.events] == [("warning", "timeout"), ("failed", "timeout")]
    p.hosts["a.example"] = [B, D]
    next_attempt(p)
    assert p.asked[2:] == [("a.example", D), ("a.example", B)]  # which is new there
    p.hosts["a.example"] = []
    next_attempt(p)
    assert p.asked[-1] == ("a.example", None) and p.events[-1].cause == "dns"


def test_the_address_that_did_goes_before_the_others():
    p = player({"gw": [D, A]}, gateway="gw")
    next_attempt(p)
    come_up(p)
    p.tick(6000)
    p.tunnel._upkeep.renew("a test wants it")
    p.tick(10)
    p.tunnel.abandon(p.now)
    next_attempt(p)
    assert p.asked == [("gw", D), ("gw", A), ("gw", A)]


def test_a_name_that_is_not_found_is_left_for_the_next_at_once():
    p = player({"a.example": [], "b.example": [B]})
    assert p.asked == [("a.example", None), ("b.example", B)]
    assert [(e.kind, e.cause) for e in p.events] == [("warning", "dns")]


def test_after_its_delete_the_same_gateway_is_asked_after_silence_the_first():
    for spoke, name in ((True, "b.example"), (False, "a.example")):
        p = player({"a.example": [A], "b.example": [B]}, remote_id="gw.example")
        next_attempt(p)
        come_up(p)
        p.tick(6000)
        p.tunnel._ikes.lead.end("test", "it ends", spoke)
        p.tunnel._settle(p.now)
        next_attempt(p)
        assert p.asked[-1][0] == name, p.asked


def test_without_reconnecting_one_round_is_made():
    p = player({"a.example": [A], "b.example": [B]}, reconnect=False)
    next_attempt(p)
    for _ in range(1000):
        p.tick(10)
    assert len(p.asked) == 2 and p.tunnel.is_closed
    assert [e.kind for e in p.events] == ["warning", "failed"]


def test_closing_ends_a_round():
    p = player({"a.example": [A], "b.example": [B]})
    p.close()
    p.tick(10000)
    assert len(p.asked) == 1 and p.tunnel.is_closed


def test_one_gateway_loads_nothing_and_has_all_its_time():
    p = Player(make_tunnel())
    assert p.tunnel.where is None and p.tunnel.path.tries == 0
    assert p.asked == [("127.0.0.1", GATEWAY_ADDR)]


def test_lists_are_checked():
    refused("names nobody", gateway=[])
    refused("names nobody", gateway=["a", ""])
    refused("twice", gateway=["a", "a"])
    refused("a list of 9", gateway=[str(i) + ".example" for i in range(9)])
    refused("not a list of texts", gateway=["a", 5])
    refused("not a list of texts", gateway=5)
    refused("2 identities for 1 gateways", remote_id=["a", "b"])
    refused("%any", gateway=["a", "b"], remote_id=["%any", "b"])
    refused("remote_id", gateway=["a", "b"], remote_id=["a", "x" * 200])
    options = dict(OPTIONS)
    options.update(gateway=["a", "b"], remote_id="%any")
    c = Config(**options)
    assert (c.gateway, c.gateways, c.remote_id, c.remote_ids) == ("a", ["a", "b"], "%any", [])
    options.update(gateway=["a"], remote_id="")
    c = Config(**options)
    assert (c.gateway, c.remote_id, c.remote_ids) == ("a", "a", ["a"])


def test_a_first_request_without_an_answer_goes_to_both_ports_in_turn_octet_for_octet_the_same():
    p = Player(make_tunnel(retransmit_ms=250))
    for _ in range(300):
        p.tick(10)
    assert [port for port, _ in p.sent[:5]] == [15500, 15500, 15501, 15500, 15501]
    assert {octets if port == 15500 else octets[4:] for port, octets in p.sent} == {t.INIT_OUT}
    assert all(octets[:4] == bytes(4) for port, octets in p.sent if port == 15501)
    p.receive(bytes(4) + t.INIT_IN)
    assert p.sent[-1] == (15501, t.AUTH_OUT)
    p.receive(t.AUTH_IN)
    assert p.tunnel.is_up


def test_what_is_wanted_behind_the_marker_is_sent_to_where_that_came_from():
    p = Player(make_tunnel())
    cookie = notify(COOKIE, b"c1")
    p.tick(1000)
    p.tick(2000)
    assert [port for port, _ in p.sent] == [15500, 15500, 15501]
    p.tick(2000 + 300)
    assert p.sent[-1][0] == 15500
    p.receive(bytes(4) + response([cookie], spi_r=bytes(8)))
    assert p.sent[-1][0] == 15501 and cookie[1] in p.last()


def test_one_port_for_everything_has_the_marker_from_the_first_message():
    p = Player(make_tunnel(port=15501))
    assert p.sent[0][0] == 15501 and p.last()[:4] == bytes(4) and p.last()[4:12] == t.INIT_OUT[:8]
    for _ in range(100):
        p.tick(100)
    assert {port for port, _ in p.sent} == {15501} and all(octets[:4] == bytes(4) for _, octets in p.sent)
    come_up(p)
    p = Player(make_tunnel(port=15501, retransmit_tries=3))
    p.tick(1000)
    p.tick(2000)
    p.tick(8000)
    assert "UDP port 15501," in p.events[0].text


def test_the_text_of_a_time_out_names_both_ports():
    p = Player(make_tunnel(retransmit_tries=3))
    p.tick(1000)
    p.tick(2000)
    p.tick(8000)
    assert "UDP ports 15500 and 15501" in p.events[0].text


def by_tcp(**changes):
    return player({}, gateway="127.0.0.1", remote_id="gw.example", tcp_port=4510, **changes)


def test_after_udp_in_vain_tcp_follows_and_then_the_round_is_over():
    p = by_tcp(tcp="fallback")
    assert (p.tunnel.ports(), p.tunnel.path.kind) == ((15500, 15501), "UDP")
    assert next_attempt(p) <= 2000
    assert (p.tunnel.ports(), p.tunnel.path.kind) == ((4510, 4510), "TCP")
    assert p.sent[-1][0] == 4510 and p.last()[:4] == bytes(4)  # the marker from the first message on
    assert next_attempt(p) >= 3750
    assert [(e.kind, e.cause) for e in p.events] == [("warning", "timeout"), ("failed", "timeout")]
    assert "TCP port 4510," in p.events[1].text and p.tunnel.path.kind == "UDP"


def test_a_tunnel_in_tcp_is_made_again_there_unless_it_died_of_silence():
    for spoke, kind in ((True, "TCP"), (False, "UDP")):
        p = by_tcp(tcp="fallback")
        next_attempt(p)
        come_up(p)
        p.tick(6000)
        p.tunnel._ikes.lead.end("test", "it ends", spoke)
        p.tunnel._settle(p.now)
        next_attempt(p)
        assert p.tunnel.path.kind == kind


def test_always_tcp():
    p = by_tcp(tcp="always")
    assert p.tunnel.path.kind == "TCP" and p.tunnel.path.tries == 0
    next_attempt(p)
    assert p.tunnel.path.kind == "TCP" and [e.kind for e in p.events] == ["failed"]
    come_up(p)


def test_every_gateway_of_a_list_is_asked_by_udp_before_one_is_by_tcp():
    p = player({"a.example": [A], "b.example": [B]}, tcp="fallback")
    seen = [(p.asked[-1][0], p.tunnel.path.kind)]
    for _ in range(4):
        next_attempt(p)
        seen.append((p.asked[-1][0], p.tunnel.path.kind))
    a, b = "a.example", "b.example"
    assert seen == [(a, "UDP"), (b, "UDP"), (a, "TCP"), (b, "TCP"), (a, "UDP")]


def test_the_options_of_tcp_are_checked():
    refused("neither 'fallback' nor 'always'", tcp="yes")
    refused("not a whole number from 1", tcp_port=0)
    refused("neither true nor false", tcp_tls="vpn.example")
