"""What `capture` takes on CPython besides `socket`; never on a board.

`ssl` and `asyncio` want real sockets there. MicroPython's make theirs by `import socket`. Start reading at `take`.
"""

import asyncio

from ipsec.drive.host_tls import take_streams

_before = asyncio.open_connection, asyncio.start_server
_takers: list = []  # each uplink that captures, and the two functions of its own; the last one with some has asyncio's streams


def take(uplink) -> None:
    """Let `SSLContext.wrap_socket` take streams of ours, and with asyncio its own streams go through this uplink."""
    take_streams(True)
    if not hasattr(uplink, "open_connection"):
        _takers.append((uplink, None))  # it blocks
        return

    async def open_connection(host=None, port=None, *, ssl=None, server_hostname="", **_kwds):
        return await uplink.open_connection(host, port, ssl, server_hostname or "")

    async def start_server(client_connected_cb, host=None, port=None, *, ssl=None, **_kwds):
        return await uplink.start_server(client_connected_cb, host or "", port or 0, ssl=ssl)

    _takers.append((uplink, (open_connection, start_server)))
    _choose()


def give_back(uplink) -> None:
    """Have them as they were before this uplink took them."""
    others = [taker for taker in _takers if taker[0] is not uplink]
    if len(others) < len(_takers):
        _takers[:] = others
        take_streams(bool(others))
        _choose()


def _choose():
    functions = [own for _, own in _takers if own] or [_before]
    asyncio.open_connection, asyncio.start_server = functions[-1]  # type: ignore[assignment]
