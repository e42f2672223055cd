"""Several Child SAs (`more_ts`) with the reference responder: each is made, rekeyed and deleted by itself, when both act, too.

Start reading at `Tunnel`.
"""

import itertools
import json
from collections.abc import Iterator

import pytest

from host_tests.responder import Responder
from host_tests.responder.fault_menu import Collide
from host_tests.responder.iana import Type
from host_tests.system.harness import PSK, Client, finish, halves, options, start_device

NETWORKS = ("10.10.0.0/24", "10.30.0.0/16", "10.40.0.0/24")
HOSTS = ("10.10.0.1", "10.30.0.1", "10.40.0.1")
MORE = [{"remote_ts": ["10.30.0.0/16"]}, {"remote_ts": ["10.40.0.0/24[udp]", "10.40.0.0/24[icmp]"]}]


class Tunnel(Client):
    """A client with three Child SAs."""

    def __init__(self, gw, **changes):
        super().__init__(gw, more_ts=MORE, **changes)
        self.gw = gw

    def __enter__(self) -> "Tunnel":
        self.connect()
        self.settle()
        return self

    def settle(self, timeout_s: float = 5.0) -> None:
        """Serve the tunnel until there is one Child SA for each network at both ends, and nothing waits."""
        self.poll_until(self._is_calm, timeout_s)

    def _is_calm(self) -> bool:
        ike = self.uplink.tunnel._ikes.lead
        if ike is None or len(self.gw.sas) != 1 or self.gw.sa.queue or not ike.window.is_idle():
            return False
        ours = sorted((c.spi_in, c.spi_out) for c in ike.children)
        theirs = sorted((c.spi_out, c.spi_in) for c in self.gw.sa.children)
        return len(ours) == 3 and ours == theirs

    def check(self) -> None:
        """A reading to each network is answered, as no other Child SA's selectors let it pass; nobody has heard of anything."""
        socket = self.uplink.socket()
        socket.settimeout(1.0)
        for n, host in enumerate(HOSTS):
            socket.sendto(json.dumps({"n": n}).encode(), (host, 5000))
            assert socket.recvfrom(100) == (b"ack %d" % n, (host, 5000))
        socket.close()
        assert [story for story in self.story if story != ("warning", "selectors")] == [("up", "up")], self.events

    def rekey(self, what: str) -> None:
        """Our own wish for new keys of this kind."""
        self.uplink.tunnel._ikes.lead.rekey(what == "rekey-ike", self.now_ms() & 0x1FFFFFFF)

    def children(self) -> list:
        """The gateway's, in the order of HOSTS."""
        return sorted(self.gw.sa.children, key=lambda child: child.ts_gateway[0].start)


def gateway(**changes) -> Responder:
    return Responder(psk=PSK, networks=NETWORKS, retry_ms=30, **changes)


def test_either_side_rekeys_each():
    with gateway() as gw, Tunnel(gw) as client:
        client.check()
        for group, place in ((0, 0), (31, 1), (0, 2), (31, 0)):
            old = client.children()[place]
            assert client.answer(gw.rekey_child(old, group))[0].type == Type.SA
            client.settle()
            assert old.closed and [str(s) for s in client.children()[place].ts_gateway] == [str(s) for s in old.ts_gateway]
            client.check()
        for what in ("rekey-child", "rekey-ike"):
            before = client.children()
            client.rekey(what)
            client.poll_until(lambda: gw.messages(exchange="CREATE_CHILD_SA", dir="in"))
            client.settle()
            client.check()
            assert all(child.closed for child in before) == (what == "rekey-child")
        assert client.answer(gw.rekey_ike())[0].type == Type.SA
        client.settle()
        client.check()


def test_one_that_the_gateway_deletes_is_made_again():
    with gateway() as gw, Tunnel(gw) as client:
        for place in (1, 2, 0):
            old = client.children()[place]
            client.answer(gw.delete_child(old))
            client.settle()
            assert old.closed
            client.check()


@pytest.mark.parametrize("who", ["gateway", "client"])
def test_keys_by_age(who):
    """Nothing but time: each Child SA and the IKE SA are renewed again and again."""
    age = {"rekey_child_s": 0.25, "rekey_ike_s": 0.4} if who == "gateway" else {}
    with gateway(**age) as gw, Tunnel(gw, **({"child_lifetime_packets": 5} if who == "client" else {})) as client:
        while len([e for e in gw.events if e["event"] == "child_up"]) < 20:
            client.readings(3)
        gw.options.rekey_child_s = gw.options.rekey_ike_s = 0
        client.poll_until(client._is_calm, 5)
        client.check()


# Requests that cross, 20 times each kind: what the client asks for and what the gateway does, whose nonce wins where that counts,
# about the same Child SA or another one, and whether the gateway's request is lost once.


def _crossings() -> Iterator:
    kinds = ("rekey-child", "rekey-ike", "delete-child")
    for ours, theirs, wins, aside, lost in itertools.product(kinds, kinds, (True, False), (False, True), (False, True)):
        meaningless = theirs == "rekey-ike" and aside or not wins and (ours != theirs or ours == "delete-child")
        is_quick = (ours, lost) == ("rekey-child", False) and theirs == "rekey-child"
        if not meaningless:
            yield pytest.param(ours, theirs, wins, aside, lost, marks=() if is_quick else pytest.mark.slow)


@pytest.mark.parametrize(("ours", "theirs", "wins", "aside", "lost"), list(_crossings()))
def test_en_i_1_2_6_requests_that_cross_with_several_child_sas(ours, theirs, wins, aside, lost):
    in_one = 1 if theirs == "delete-child" else 20  # a gateway that deletes again and again gets what it wants
    for _ in range(20 // in_one):
        with gateway(retransmit_ms=40) as gw, Tunnel(gw) as client:
            for _ in range(in_one):
                fault = Collide(ours, theirs, wins, lost=lost, aside=aside)
                gw.faults.add(fault)
                client.rekey("rekey-ike" if ours == "rekey-ike" else "rekey-child")
                client.poll_until(lambda fault=fault: fault.done)  # type: ignore[misc]
                client.settle()
                gw.faults.clear()
                client.check()
            assert client.uplink.is_up and len(halves(gw)) == 1


@pytest.mark.parametrize("interpreter", ["micropython", "cpython"])
def test_on_both_interpreters(tmp_path, interpreter):
    with gateway() as gw:
        config = options(gw, reconnect=True, more_ts=MORE)
        steps = ["connect", "poll:600", *("pings:2:" + host for host in HOSTS), "close"]
        process = start_device(interpreter, tmp_path, config, *steps)
        gw.wait(lambda gw: len(gw.sa.children) == 3 if gw.sas else False)
        for child in list(gw.sa.children):
            gw.rekey_child(child).wait()
        done = finish(process)
        assert done.of("pings") == [[2], [2], [2]] and halves(gw) == []
        assert [e[:2] for e in done.of("event")] == [["up", "up"], ["down", "closed"]]
