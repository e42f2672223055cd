"""The uplink: link, tunnel, readings, again from the start when something breaks; a watchdog and a light beside it.

Start reading at `App.run`.
"""

import asyncio
import gc
import json
import time

from uplink import light, radio, readings, settings

SETTINGS = "settings.json"
_LAST_MS = 500  # the gateway may still be decrypting the last reading when Delete comes, and would lose it
_CLOSING_S = 3
_LOADING = 4096  # octets allocated between two collections while modules load


def main(path: str = SETTINGS):
    """Run until `publish_count` readings are out, for ever with 0; wrong settings are named and end it."""
    try:
        chosen = settings.load(path)
        tunnel = _load(chosen.tunnel)
    except Exception as e:
        log("wrong settings: %s" % e)
        return
    app = App(chosen, tunnel)
    try:
        asyncio.run(app.run())
    except KeyboardInterrupt:
        app.stop()


def _load(path):
    """The tunnel, not connected yet. The library is loaded here, where the stack is shallow: RP2 boards have 8 KB of it.

    Collecting often meanwhile keeps what loading leaves behind from scattering the library over the whole heap: the largest
    free run is then 88 KB instead of 4 KB on a board with 192 KB.
    """
    gc.collect()
    gc.threshold(_LOADING)
    from ipsec.drive.aio import Uplink

    tunnel = Uplink(path, _on_event)
    gc.threshold(-1)
    return tunnel


def _on_event(event):
    log("%s %s" % (event.kind, event.text))


def log(text: str):
    """One line for whoever follows the serial port; `ipsec-board run` shows these lines."""
    print("uplink %d.%03d %s" % (time.ticks_ms() // 1000, time.ticks_ms() % 1000, text))


class App:
    """The program's state: settings, link, tunnel, and how many readings went out."""

    def __init__(self, chosen, tunnel):
        self._settings = chosen
        self._tunnel = tunnel
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

    def stop(self):
        """After Ctrl-C: tell the gateway. The interrupted tasks stay where they are; the tunnel's own may be among them."""
        try:
            asyncio.run(asyncio.wait_for(self._tunnel.close(), _CLOSING_S))
        except Exception as e:  # it was stopped in the midst of something
            log("not closed: %s: %s" % (type(e).__name__, e))
        else:
            log("tunnel closed")

    async def _deliver(self):
        self._light.state = light.NO_NETWORK
        await self._radio.up()
        log("network up")
        self._light.state = light.NO_TUNNEL
        await self._tunnel.connect()
        try:
            log("tunnel up, address %s" % self._tunnel.address)
            await self._publish()
        finally:
            self._light.state = light.NO_TUNNEL
            await self._tunnel.close()
            log("tunnel closed")

    async def _publish(self):
        """Send readings while there is a network; a tunnel that went down comes back by itself."""
        sock = self._tunnel.socket()
        try:
            while self._radio.is_up() and not self._tunnel.tunnel.is_closed:
                self._light.state = light.UP if self._tunnel.is_up else light.NO_TUNNEL
                await self._send_one(sock)
                if self._done():
                    await asyncio.sleep_ms(_LAST_MS)
                    return
                await asyncio.sleep(self._settings.publish_every_s)
        finally:
            sock.close()
        log("the tunnel has ended" if self._radio.is_up() else "the network is gone")

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


def _watchdog(seconds):
    if not seconds:
        return None
    import machine

    return machine.WDT(timeout=seconds * 1000)
