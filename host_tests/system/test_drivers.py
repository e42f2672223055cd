"""What the drivers promise to programs: calls that end, whatever happens in the background.

Start reading at `test_a_program_that_fails_in_its_event_handler`.
"""

import asyncio

import pytest
from ipsec.config import Config
from ipsec.drive import aio, sync
from ipsec.errors import LocalError

from host_tests.responder import Responder, fault_library
from host_tests.responder.iana import Exchange
from host_tests.system.harness import COLLECTOR, PSK, halves, options, run_device

IN_TIME_S = 3


class Broken(Exception):
    """What a program's own code raises."""


def breaks(event):
    raise Broken(event.cause)


def run(coroutine):
    """Run it, and fail instead of waiting for ever."""
    return asyncio.run(asyncio.wait_for(coroutine, IN_TIME_S))


def test_a_program_that_fails_in_its_event_handler():
    with Responder(psk=PSK) as gw:
        with pytest.raises(Broken, match="up"):
            sync.Uplink(Config(**options(gw)), breaks).connect()

        async def connect():
            uplink = aio.Uplink(Config(**options(gw)), breaks)
            with pytest.raises(Broken, match="up"):
                await uplink.connect()
                await uplink.ping("10.10.0.1")

        run(connect())


def test_waiting_ends_when_the_task_in_the_background_does():
    with Responder(psk=PSK) as gw:

        async def receive():
            uplink = aio.Uplink(Config(**options(gw)), lambda event: breaks(event) if event.kind == "down" else None)
            await uplink.connect()
            socket = uplink.socket()
            gw.delete_ike()
            with pytest.raises((Broken, OSError)):
                await socket.recvfrom(100)
            with pytest.raises(Broken, match="deleted"):
                await uplink.close()
            assert uplink._udp.sock is None

        run(receive())


@pytest.mark.parametrize("which", ["micropython", "cpython"])
def test_pings_at_the_same_time_do_not_answer_for_each_other(which, tmp_path):
    with Responder(psk=PSK) as gw:
        pings = ("gather:1000:10.99.0.1,10.10.0.1,10.10.0.7", "gather:1000:10.10.0.1,10.99.0.1", "pings:2:10.10.0.1")
        done = run_device(which, tmp_path, options(gw), "aio", "connect", *pings, "close")
    assert done.of("gather") == [[False, True, True], [True, False]] and done.of("pings") == [[2]]


def test_closing_while_it_connects():
    with Responder(psk=PSK) as gw:
        gw.faults.add(fault_library.drop("out"))

        async def both():
            uplink = aio.Uplink(Config(**options(gw, retransmit_ms=1000)))
            connecting = asyncio.create_task(uplink.connect())
            await asyncio.sleep(0.05)
            await uplink.close()
            with pytest.raises(LocalError, match="closed"):
                await connecting
            assert uplink.tunnel.is_closed

        run(both())


def test_receiving_ends_when_the_tunnel_does():
    with Responder(psk=PSK) as gw:

        async def receive():
            uplink = aio.Uplink(Config(**options(gw)))
            await uplink.connect()
            gw.delete_ike()
            with pytest.raises(OSError, match="closed"):
                await uplink.socket().recvfrom(100)
            await uplink.close()

        run(receive())
        with sync.Uplink(Config(**options(gw))) as uplink:
            gw.delete_ike()
            with pytest.raises(OSError, match="closed"):
                uplink.socket().recvfrom(100)


@pytest.mark.parametrize("rounds", [20])
def test_connecting_again_and_again_leaves_nothing_behind(rounds):
    with Responder(psk=PSK) as gw:
        uplink = sync.Uplink(Config(**options(gw)))
        for _ in range(rounds):
            with uplink:
                socket = uplink.socket(4000)
                socket.sendto(b'{"n": 1}', COLLECTOR)
                assert socket.recvfrom(100)[0] == b"ack 1"
                socket.close()
        assert halves(gw) == [] and len(gw.readings) == rounds and gw.pool4.lent == set()


def test_a_tunnel_is_started_once():
    with Responder(psk=PSK) as gw, sync.Uplink(Config(**options(gw))) as uplink:
        with pytest.raises(LocalError, match="already started"):
            uplink.connect()
        assert uplink.ping("10.10.0.1") is not None


def test_a_cancelled_connect_leaves_nothing_behind():
    """Before the gateway has answered, and while its IKE_AUTH response is on its way."""
    for fault in (fault_library.drop("out"), fault_library.drop("out", exchange=Exchange.IKE_AUTH)):
        with Responder(psk=PSK) as gw:
            gw.faults.add(fault)

            async def give_up(gw=gw):
                uplink = aio.Uplink(Config(**options(gw, retransmit_ms=100, retransmit_tries=10)))
                before = len(asyncio.all_tasks())
                with pytest.raises(asyncio.TimeoutError):
                    await asyncio.wait_for(uplink.connect(), 0.15)
                seen = len(gw.messages(dir="in"))
                await asyncio.sleep(0.4)
                assert len(gw.messages(dir="in")) == seen  # nobody sends any more
                assert len(asyncio.all_tasks()) == before
                assert uplink.is_closed and uplink._udp.sock is None
                gw.faults.clear()
                await uplink.connect()  # and it can be used again
                assert uplink.is_up
                await uplink.close()

            run(give_up())
