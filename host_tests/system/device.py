"""A device for system tests, on MicroPython and CPython, that does what its arguments say.

    device.py CONFIG.json STEP...

Steps: `connect`, `readings:N`, `burst:N` (burst.py), `pings:N:ADDRESS`, `gather:MS:ADDRESS,ADDRESS` (pings at once), `poll:MS`,
`again` (until the tunnel is up once more), `counters`, `close`, and `aio` before all others for the asyncio driver. Each line of
its output is a JSON list: ["event", kind, cause, text], ["readings", N acknowledged], ["burst", N that came back, longest wait in
ms], ["pings", N answered], ["gather", whether each answered], ["up", address], ["counters", {...}], ["error", class, text],
["closed"].
"""

import json
import sys

COLLECTOR = ("10.10.0.1", 5000)
TRIES = 4


def tell(*words):
    print(json.dumps(words))


def on_event(event):
    tell("event", event.kind, event.cause, event.text)


class Blocking:
    """The steps with the blocking driver."""

    def __init__(self, config):
        from ipsec.drive.sync import Uplink

        self.uplink = Uplink(config, on_event)

    def connect(self):
        self.uplink.connect()
        tell("up", self.uplink.address)

    def readings(self, count):
        socket = self.uplink.socket()
        socket.settimeout(1)
        tell("readings", sum(self._reading(socket, n) for n in range(int(count))))
        socket.close()

    def _reading(self, socket, n):
        for _ in range(TRIES):
            try:
                socket.sendto(b'{"n": %d}' % n, COLLECTOR)
                while socket.recvfrom(100)[0] != b"ack %d" % n:
                    pass
                return True
            except OSError:
                pass
        return False

    def burst(self, count):
        import burst

        tell("burst", *burst.blocking(self.uplink, int(count)))

    def pings(self, count, address):
        tell("pings", sum(self.uplink.ping(address) is not None for _ in range(int(count))))

    def poll(self, ms):
        self.uplink.poll(int(ms))

    def again(self):
        while not self.uplink.is_up:
            self.uplink.poll(10)
        tell("up", self.uplink.address)

    def counters(self):
        tell("counters", self.uplink.counters())

    def close(self):
        self.uplink.close()
        tell("closed")

    def run(self, steps):
        for step in steps:
            word, *rest = step.split(":", 2)
            getattr(self, word)(*rest)


class Waiting:
    """The steps with the asyncio driver."""

    def __init__(self, config):
        from ipsec.drive.aio import Uplink

        self.uplink = Uplink(config, on_event)

    async def connect(self):
        await self.uplink.connect()
        tell("up", self.uplink.address)

    async def readings(self, count):
        socket = self.uplink.socket()
        socket.settimeout(1)
        done = 0
        for n in range(int(count)):
            done += await self._reading(socket, n)
        tell("readings", done)
        socket.close()

    async def _reading(self, socket, n):
        for _ in range(TRIES):
            try:
                await socket.sendto(b'{"n": %d}' % n, COLLECTOR)
                while (await socket.recvfrom(100))[0] != b"ack %d" % n:
                    pass
                return True
            except OSError:
                pass
        return False

    async def burst(self, count):
        import burst

        tell("burst", *await burst.waiting(self.uplink, int(count)))

    async def pings(self, count, address):
        done = 0
        for _ in range(int(count)):
            done += await self.uplink.ping(address) is not None
        tell("pings", done)

    async def gather(self, ms, hosts):
        import burst

        tell("gather", *await burst.pings(self.uplink, hosts.split(","), int(ms)))

    async def poll(self, ms):
        await self.uplink.poll(int(ms))

    async def again(self):
        while not self.uplink.is_up:
            await self.uplink.poll(10)
        tell("up", self.uplink.address)

    async def counters(self):
        tell("counters", self.uplink.counters())

    async def close(self):
        await self.uplink.close()
        tell("closed")

    async def steps(self, steps):
        for step in steps:
            word, *rest = step.split(":", 2)
            await getattr(self, word)(*rest)

    def run(self, steps):
        import asyncio

        asyncio.run(self.steps(steps))


def main(config, *steps):
    from ipsec.errors import LocalError

    try:
        if steps[0] == "aio":
            Waiting(config).run(steps[1:])
        else:
            Blocking(config).run(steps)
    except LocalError as e:
        tell("error", type(e).__name__, str(e))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
