"""A device that measures the asyncio driver, on MicroPython and CPython: `pace_device.py CONFIG.json`.

Prints one JSON list: the median round trip of 20 UDP echoes in us, how often it woke for nothing in two seconds of silence, and
whether a time-out of 50 ms took 40 to 500 ms. Start reading at `main`.
"""

import asyncio
import json
import sys
import time

from ipsec.drive import aio, base

PEER = ("10.10.0.1", 5000)


def now_us():
    return time.ticks_us() if hasattr(time, "ticks_us") else time.perf_counter_ns() // 1000


polled = 0  # wake-ups when nothing had come and nothing was due
serve = base.Uplink.serve


def counted(uplink):
    global polled
    is_due = uplink.wait_ms(1) <= 0
    came = serve(uplink)
    polled += not (is_due or came)
    return came


base.Uplink.serve = counted


async def main(config):
    async with aio.Uplink(config) as uplink:
        socket = uplink.socket()
        socket.settimeout(2)
        trips = []
        for n in range(20):
            await asyncio.sleep(0.03)
            start = now_us()
            await socket.sendto(b'{"n": %d}' % n, PEER)
            await socket.recvfrom(100)
            trips.append(now_us() - start)
        await asyncio.sleep(2.2)  # beyond the one check that follows the handshake (MOBIKE's base line)
        before = polled
        await asyncio.sleep(2)
        woke = polled - before
        socket.settimeout(0.05)
        start = now_us()
        try:
            await socket.recv(1)
        except OSError as e:
            took = (now_us() - start) // 1000 if e.args[0] == 110 else -1
        print(json.dumps([sorted(trips)[10], woke, 40 <= took < 500]))


asyncio.run(main(sys.argv[1]))
