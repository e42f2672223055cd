"""A device whose program knows nothing of tunnels: `captured_device.py CONFIG.json HOST`, with an echo server at port 7 there.

Prints a JSON list of what it got: by a blocking socket, by `select.poll` and a non-blocking one, and by asyncio's own
`open_connection` (MicroPython only; CPython's needs real sockets). Start reading at `main`.
"""

import json
import sys

import ipsec


def blocking(host):
    import socket

    s = socket.socket()
    s.connect(socket.getaddrinfo(host, 7)[0][-1])
    s.write(b"blocking\n")
    line = s.readline()
    s.close()
    return line.decode()


def polled(host):
    import select
    import socket

    s = socket.socket()
    s.setblocking(False)
    try:
        s.connect(socket.getaddrinfo(host, 7)[0][-1])
    except OSError as e:
        assert e.args[0] == 115, e
    poller = select.poll()
    poller.register(s, select.POLLOUT)
    while not poller.poll(1000):
        pass
    s.write(b"polled\n")
    poller.modify(s, select.POLLIN)
    while not poller.poll(1000):
        pass
    line = s.readline()
    s.close()
    return line.decode()


def opened(host):
    import asyncio

    async def talk():
        reader, writer = await asyncio.open_connection(host, 7)
        writer.write(b"opened\n")
        await writer.drain()
        line = await asyncio.wait_for(reader.readline(), 5)
        writer.close()
        await writer.wait_closed()
        return line.decode()

    return asyncio.run(talk())


def main(config, host):
    uplink = ipsec.connect(config, capture=True)
    said = [blocking(host)]
    if sys.implementation.name == "micropython":
        said += [polled(host), opened(host)]
    print(json.dumps(said))
    uplink.close()


main(*sys.argv[1:])
