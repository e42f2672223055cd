"""The uplink: link, tunnel, readings, again from the start when something breaks; a watchdog and a light beside it.

Start reading at `Uplink.run`.
"""

import asyncio
import json
import time

from uplink import light, radio, readings, settings

SETTINGS = "settings.json"


def main(path: str = SETTINGS):
    """Run until `publish_count` readings are out, for ever with 0; wrong settings are named and end it."""
    try:
        chosen = settings.load(path)
    except settings.SettingsError as e:
        log("wrong settings: %s" % e)
        return
    asyncio.run(Uplink(chosen).run())


def log(text: str):
    """One line for whoever follows the serial port; `tools.board run` understands these lines."""
    print("uplink %d.%03d %s" % (time.ticks_ms() // 1000, time.ticks_ms() % 1000, text))


class Uplink:
    """The program's state: the link, the tunnel when there is one, and how many readings went out."""

    def __init__(self, chosen):
        self._settings = chosen
        self._radio = radio.open_radio(chosen)
        self._light = light.Light(chosen.led)
        self._dog = _watchdog(chosen.watchdog_s)
        self.sent = 0

    async def run(self):
        """Deliver readings; after a failure wait, longer each time, and start again."""
        helpers = [asyncio.create_task(self._light.run()), asyncio.create_task(self._feed())]
        wait_s = self._settings.retry_s
        while not self._done():
            before = self.sent
            try:
                await self._deliver()
            except Exception as e:  # whatever it is, a device in the field starts again
                log("failed: %s: %s" % (type(e).__name__, e))
            if self._done():
                break
            wait_s = self._settings.retry_s if self.sent > before else wait_s
            log("again in %d s" % wait_s)
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, self._settings.retry_max_s)
        for task in helpers:
            task.cancel()
        log("done: %d readings" % self.sent)

    async def _deliver(self):
        self._light.state = light.NO_NETWORK
        await self._radio.up()
        log("network up")
        self._light.state = light.NO_TUNNEL
        tunnel = await _connect(self._settings.tunnel)
        try:
            log("tunnel up, address %s" % tunnel.address)
            await self._publish(tunnel)
        finally:
            self._light.state = light.NO_TUNNEL
            await tunnel.close()
            log("tunnel closed")

    async def _publish(self, tunnel):
        """Send readings while there is a network; a tunnel that went down comes back by itself."""
        sock = tunnel.socket()
        while self._radio.is_up() and not tunnel.tunnel.is_closed:
            self._light.state = light.UP if tunnel.is_up else light.NO_TUNNEL
            await self._send_one(sock)
            if self._done():
                return
            await asyncio.sleep(self._settings.publish_every_s)
        log("the network is gone" if not self._radio.is_up() else "the tunnel has ended")

    async def _send_one(self, sock):
        data = json.dumps(readings.read(self.sent + 1)).encode()
        try:
            await sock.sendto(data, (self._settings.publish_host, self._settings.publish_port))
        except OSError as e:
            log("reading %d not sent: %s" % (self.sent + 1, e))
            return
        self.sent += 1
        log("reading %d sent, %d octets" % (self.sent, len(data)))

    async def _feed(self):
        """The watchdog lives on the event loop: a program that hangs in any place no longer feeds it."""
        while self._dog is not None:
            self._dog.feed()
            await asyncio.sleep_ms(500)

    def _done(self) -> bool:
        return 0 < self._settings.publish_count <= self.sent


async def _connect(path):
    import ipsec

    return await ipsec.connect_async(path, on_event=_on_event)


def _on_event(event):
    log("%s %s" % (event.kind, event.text))


def _watchdog(seconds):
    if not seconds:
        return None
    import machine

    return machine.WDT(timeout=seconds * 1000)
