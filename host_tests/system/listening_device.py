"""A device that serves pages until COUNT peers had one: `listening_device.py CONFIG.json (blocking | polled | aio) COUNT [PORT]`.

Prints "up ADDRESS", and at the end a JSON list of the paths and addresses that peers had. Start reading at `main`.
"""

import json
import sys

import ipsec

PAGE = b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n"


def body_of(path):
    """As many octets as the path says."""
    return bytes([i * 7 + (i >> 8) & 255 for i in range(int(path[1:]))])


def blocking(uplink, count, port, polled=False):
    import select

    socket = uplink.socket_module()
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(socket.getaddrinfo("0.0.0.0", port)[0][-1])
    server.listen(4)
    print("up", uplink.address)
    served = []
    if polled:
        server.setblocking(False)
        poller = select.poll()
        poller.register(server, select.POLLIN)
    while len(served) < count:
        while polled and not poller.poll(1000):
            pass
        stream, peer = server.accept()
        stream.settimeout(5)
        path = stream.readline().decode().split()[1]
        while stream.readline() not in (b"\r\n", b""):
            pass
        body = body_of(path)
        stream.write(PAGE % len(body))
        stream.write(body)
        stream.close()
        served.append([path, peer[0]])
    server.close()
    return served


async def aio(config, count, port):
    import asyncio

    uplink = await ipsec.connect_async(config)
    served, all_served = [], asyncio.Event()

    async def page(reader, writer):
        path = (await reader.readline()).decode().split()[1]
        while await reader.readline() not in (b"\r\n", b""):
            pass
        body = body_of(path)
        await writer.awrite(PAGE % len(body) + body)
        writer.close()
        await writer.wait_closed()
        served.append([path, writer.get_extra_info("peername")[0]])
        if len(served) == count:
            all_served.set()

    async with await uplink.start_server(page, "0.0.0.0", port):
        print("up", uplink.address)
        await all_served.wait()
    await uplink.close()
    return served


def main(config, how, count, port="80"):
    if how == "aio":
        import asyncio

        served = asyncio.run(aio(config, int(count), int(port)))
    else:
        uplink = ipsec.connect(config)
        served = blocking(uplink, int(count), int(port), how == "polled")
        uplink.close()
    print(json.dumps(served))


main(*sys.argv[1:])
