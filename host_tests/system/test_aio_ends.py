"""How what runs under asyncio ends when several want it, or when whoever waits is cancelled, with the reference responder."""

import asyncio
import time

import pytest
from ipsec.config import Config
from ipsec.drive import base
from ipsec.drive.aio import Uplink
from ipsec.errors import LocalError

from host_tests.responder import Responder
from host_tests.system.harness import PSK, options


async def up(gw, **changes) -> Uplink:
    uplink = Uplink(Config(**options(gw, **changes)))
    await uplink.connect()
    return uplink


def with_tunnel(body, **changes) -> None:
    """Run `body(gw, uplink)` with a tunnel that is up; no task is left of it in the end."""

    async def main(gw):
        before = asyncio.all_tasks()
        uplink = await up(gw, **changes)
        try:
            await body(gw, uplink)
        finally:
            await uplink.close()
        await asyncio.sleep(0.01)
        assert uplink.tunnel.is_closed and asyncio.all_tasks() == before

    with Responder(psk=PSK) as gw:
        asyncio.run(asyncio.wait_for(main(gw), 10))


def test_several_close_at_once():
    async def body(gw, uplink):
        assert await asyncio.gather(uplink.close(), uplink.close(), uplink.close()) == [None] * 3
        assert uplink.tunnel.is_closed and not uplink._udp.sock

    with_tunnel(body)


@pytest.mark.parametrize("wait_s", [0, 0.1])
def test_a_close_that_is_cancelled_has_closed(wait_s):
    async def body(gw, uplink):
        sock = uplink.socket()
        reader = asyncio.create_task(sock.recvfrom(100))
        await asyncio.sleep(0.01)
        gw.stop()  # answers no Delete
        closer = asyncio.create_task(uplink.close())
        await asyncio.sleep(wait_s)
        closer.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closer
        if wait_s:
            assert uplink.tunnel.is_closed and not uplink._udp.sock
            with pytest.raises(OSError) as error:
                await asyncio.wait_for(reader, 1)
            assert error.value.errno == 108
        else:
            reader.cancel()

    with_tunnel(body)


def test_another_connect_is_refused_without_a_trace():
    async def body(gw, uplink):
        with pytest.raises(LocalError, match="already started"):
            await uplink.connect()
        assert await uplink.ping("10.10.0.1") is not None

    with_tunnel(body)


def test_what_cannot_begin_leaves_nothing(monkeypatch):
    async def main(gw):
        uplink = Uplink(Config(**options(gw)))
        with monkeypatch.context() as patch:
            patch.setattr(base.Uplink, "_find_gateway", lambda self: [][0])
            with pytest.raises(IndexError):
                await uplink.connect()
        assert uplink.tunnel.is_closed and not uplink._udp.sock
        await uplink.connect()
        assert await uplink.ping("10.10.0.1") is not None
        await uplink.close()

    with Responder(psk=PSK) as gw:
        asyncio.run(asyncio.wait_for(main(gw), 10))


def test_whoever_waits_for_a_server_may_be_cancelled():
    async def body(gw, uplink):
        server = await uplink.start_server(lambda reader, writer: None, "", 8080)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(server.wait_closed(), 0.05)
        assert server.is_serving()
        server.close()
        await asyncio.wait_for(server.wait_closed(), 1)

    with_tunnel(body)


def test_new_keys_are_asked_for_in_time_by_who_only_sends():
    async def body(gw, uplink):
        sock = uplink.socket()
        await asyncio.sleep(2.5)  # what the tunnel looks at once it is up is over
        start = time.monotonic()
        while uplink.tunnel.history.rekeys == 0 and time.monotonic() - start < 3:
            await sock.sendto(b"x", ("10.10.0.7", 9))  # nobody answers
            await asyncio.sleep(0.01)
        assert time.monotonic() - start < 2

    with_tunnel(body, child_lifetime_packets=20, dpd_s=60)


def test_what_a_listener_of_events_raises_ends_connecting():
    async def main(gw):
        uplink = Uplink(Config(**options(gw)), on_event=lambda event: [0][event.kind == "up"])
        with pytest.raises(IndexError):
            await uplink.connect()
        assert uplink.tunnel.is_closed

    with Responder(psk=PSK) as gw:
        asyncio.run(asyncio.wait_for(main(gw), 10))


if __name__ == "__main__":
    raise SystemExit(pytest.main([__file__]))
