"""Libraries of asyncio that know nothing of tunnels: `captured_aio_device.py CONFIG.json HOST`, with echo servers at port 7.

Prints a JSON object of what each way of using `socket` got. Start reading at `main`.
"""

import asyncio
import errno
import json
import sys
import time

import ipsec

MICROPYTHON = sys.implementation.name == "micropython"
ticks = [0]


async def beside():
    while True:
        ticks[0] += 1
        await asyncio.sleep(0.005)


async def mqtt_as(host):
    """How mqtt_as does it: a non-blocking `connect`, `readinto` and `write` that may do nothing, and sleeping in between."""
    import socket

    sock = socket.socket()
    sock.setblocking(False)
    try:
        sock.connect(socket.getaddrinfo(host, 7)[0][-1])
    except OSError as e:
        if e.args[0] not in (errno.EINPROGRESS, errno.ETIMEDOUT):
            raise
    data = b"mqtt" * 500
    sent, got, buf = 0, b"", bytearray(64)
    while len(got) < len(data):
        if sent < len(data):
            sent += sock.write(data[sent:]) or 0
        n = sock.readinto(buf)
        if n is not None:
            got += buf[:n]
        await asyncio.sleep(0.001)
    sock.close()
    return got == data


async def datagrams(host):
    """How microCoAPy does it: a socket that does not wait, asked now and then."""
    import socket

    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.sendto(b"coap", socket.getaddrinfo(host, 7)[0][-1])
    for _ in range(1000):
        try:
            return sock.recvfrom(100)[0].decode()
        except OSError as e:
            if e.args[0] != errno.EAGAIN:
                raise
        await asyncio.sleep(0.001)


async def blocking(host):
    """A library that blocks: nobody else runs, but the tunnel does."""
    import socket

    sock = socket.socket()
    sock.settimeout(5)
    sock.connect(socket.getaddrinfo(host, 7)[0][-1])
    sock.send(b"blocking\n")
    line = sock.makefile("rb").readline().decode()
    sock.close()
    return line


async def stream(host):
    """asyncio's own streams, as aiohttp uses them."""
    reader, writer = await asyncio.open_connection(host, 7)
    said = []
    for i in range(3):
        if MICROPYTHON:
            await writer.awrite(b"line %d\n" % i)
        else:
            writer.write(b"line %d\n" % i)
            await writer.drain()
        said.append((await asyncio.wait_for(reader.readline(), 5)).decode())
        await asyncio.sleep(0.1)
    writer.close()
    await writer.wait_closed()
    return said


async def several(host):
    """Many at once."""

    async def one(i):
        reader, writer = await asyncio.open_connection(host, 7)
        data = bytes([65 + i]) * 3000
        writer.write(data)
        await writer.drain()
        got = await reader.readexactly(3000)
        writer.close()
        return got == data

    return await asyncio.gather(*[one(i) for i in range(4)])


async def run(config, host):
    uplink = await ipsec.connect_async(config, capture=True)
    task = asyncio.create_task(beside())
    told = {}
    ways = [("mqtt_as", mqtt_as), ("datagrams", datagrams), ("blocking", blocking), ("stream", stream), ("several", several)]
    for name, way in ways:
        began, before = time.time(), ticks[0]
        told[name] = await way(host)
        assert time.time() - began < 10
        if name in ("mqtt_as", "stream"):
            assert ticks[0] > before, "others run"
    task.cancel()
    await uplink.close()
    import socket

    told["released"] = "ipsec" not in str(type(socket)) and not hasattr(socket, "capture")
    if not MICROPYTHON:
        told["released"] &= asyncio.open_connection is asyncio.streams.open_connection
    print(json.dumps(told))


asyncio.run(run(*sys.argv[1:]))
