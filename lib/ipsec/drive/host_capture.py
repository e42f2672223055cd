"""What `capture` takes on CPython besides `socket`; never on a board.

`ssl` and `asyncio` want real sockets there. MicroPython's make theirs by `import socket`. Start reading at `take`.
"""

import asyncio

from ipsec.drive.host_tls import take_streams

_before = asyncio.open_connection, asyncio.start_server
_owner = None  # the uplink that has asyncio's streams


def take(uplink) -> None:
    """Let `SSLContext.wrap_socket` take streams of ours, and with asyncio its own streams go through this uplink."""
    global _owner
    take_streams(True)
    if not hasattr(uplink, "open_connection"):
        return  # it blocks

    async def open_connection(host=None, port=None, *, ssl=None, server_hostname="", **_kwds):
        return await uplink.open_connection(host, port, ssl, server_hostname or "")

    async def start_server(client_connected_cb, host=None, port=None, *, ssl=None, **_kwds):
        return await uplink.start_server(client_connected_cb, host or "", port or 0, ssl=ssl)

    _owner = uplink
    asyncio.open_connection, asyncio.start_server = open_connection, start_server  # type: ignore[assignment]


def give_back(uplink) -> None:
    """Have them as they were, but for what another uplink has taken since."""
    global _owner
    take_streams(False)
    if _owner is uplink:
        _owner = None
        asyncio.open_connection, asyncio.start_server = _before
