"""For `device.py`, on MicroPython and CPython: datagrams sent at once, which the gateway sends back, and pings at the same time.

It is a file of its own, as other steps run where the heap is short.
"""

from ipsec.micro import since

_ECHO = ("10.10.0.1", 7)
_LONG = 300  # octets of a datagram
_ROOM = 20000
_PATIENCE_S = 5


def blocking(uplink, count: int):
    """How many came back, and the longest wait for one in ms."""
    socket = uplink.socket(0, _ROOM)
    socket.settimeout(_PATIENCE_S)
    for _ in range(count):
        socket.sendto(bytes(_LONG), _ECHO)
    done = longest = 0
    while done < count:
        start = uplink._clock.now_ms()
        try:
            socket.recvfrom(_LONG)
        except OSError:
            break
        longest = max(longest, since(start, uplink._clock.now_ms()))
        done += 1
    socket.close()
    return done, longest


async def waiting(uplink, count: int):
    """The same with the asyncio driver."""
    socket = uplink.socket(0, _ROOM)
    socket.settimeout(_PATIENCE_S)
    for _ in range(count):
        await socket.sendto(bytes(_LONG), _ECHO)
    done = longest = 0
    while done < count:
        start = uplink._clock.now_ms()
        try:
            await socket.recvfrom(_LONG)
        except OSError:
            break
        longest = max(longest, since(start, uplink._clock.now_ms()))
        done += 1
    socket.close()
    return done, longest


async def pings(uplink, hosts, timeout_ms: int) -> list:
    """Whether each answered."""
    import asyncio

    trips = await asyncio.gather(*[uplink.ping(host, timeout_ms) for host in hosts])
    return [trip is not None for trip in trips]
