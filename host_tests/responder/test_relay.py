"""The relay is a NAT that can forget, and the random link does as often as it says."""

import pytest

from . import Responder
from .iana import Exchange
from .inner import echo_request
from .relay import RandomLink, Relay
from .scripted_initiator import HOST4, Initiator, echo


@pytest.mark.parametrize("mobike", [True, False])
def test_rebinding(mobike):
    """The gateway follows packets of the client; it sends nothing to the old port."""
    with Responder(psk="secret", mobike=mobike) as gw, Relay(gw) as relay, Initiator(relay) as client:
        client.connect()
        echo(client)
        first = gw.sa.path.address
        relay.rebind()
        gw.send_inner(echo_request(HOST4, client.addresses[0], 1, 1, b""))
        client.sock.settimeout(0.1)
        with pytest.raises(TimeoutError):
            client.receive_inner()
        client.sock.settimeout(2)
        echo(client)
        assert gw.sa.path.address != first and gw.wait_event("peer_at", reason="seen")
        relay.rebind("127.0.0.5")
        assert client.request(Exchange.INFORMATIONAL, []) == []
        assert gw.sa.path.address[0] == "127.0.0.5" and relay.rebindings == 2


def test_overtaken_packets_move_nothing():
    with Responder(psk="secret") as gw, Relay(gw) as relay, Initiator(relay) as client:
        client.connect()
        late = client.children[0].outbound.encap(echo_request(client.addresses[0], HOST4, 7, 1, b""))
        echo(client)
        before = gw.sa.path
        relay.rebind()
        client.sock.sendto(late, ("127.0.0.1", relay.natt_port))
        gw.wait(lambda gw: gw.child.counters["in.packets"] == 2)
        assert gw.sa.path == before


def test_blocked():
    with Responder(psk="secret") as gw, Relay(gw) as relay, Initiator(relay) as client:
        relay.blocked = True
        client.sock.settimeout(0.1)
        with pytest.raises(TimeoutError):
            client.init()
        relay.blocked = False
        client.sock.settimeout(2)
        client.connect()
        echo(client)
        assert relay.dropped == 1 and not [e for e in gw.events if e["event"] == "drop"]


def test_random_link():
    link = RandomLink(7, loss=0.3, duplicate=0.1, reorder=0.2, delay_s=0.2, jitter_s=0.1)
    results = [link.edit_datagram("out", "esp", b"x") for _ in range(2000)]
    assert 500 < link.lost < 700 and link.lost == results.count([])
    doubled = [r for r in results if len(r) == 2]
    assert 100 < len(doubled) < 180
    waits = [r[0][0] for r in results if r]
    assert min(waits) >= 0.2 and 150 < sum(wait > 0.3 for wait in waits) < 400
    again = RandomLink(7, loss=0.3, duplicate=0.1, reorder=0.2, delay_s=0.2, jitter_s=0.1)
    assert [again.edit_datagram("out", "esp", b"x") for _ in range(2000)] == results
    assert RandomLink(7, loss=1.0, kinds=("esp",)).edit_datagram("in", "ike", b"x") == [(0.0, b"x")]


def test_narrow_link():
    link = RandomLink(mtu=600)
    assert link.edit_datagram("out", "ike", bytes(568)) and not link.edit_datagram("out", "ike", bytes(569))
    assert link.edit_datagram("out", "esp", bytes(572)) and not link.edit_datagram("out", "esp", bytes(573)) and link.lost == 2


def test_slow_link():
    with Responder(psk="secret") as gw, Initiator(gw) as client:
        gw.faults.add(RandomLink(delay_s=0.1))
        client.connect()
        echo(client)
        first, second = (gw.wait_event("message", dir=where, exchange="IKE_AUTH")["t"] for where in ("in", "out"))
        assert second - first < 0.1  # the link delays, not the gateway
