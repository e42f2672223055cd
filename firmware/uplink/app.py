"""The uplink: link, tunnel, readings, again from the start when something breaks; a watchdog and a light beside it.

Start reading at `App.run`.
"""

import asyncio
import gc
import json
import time

from uplink import light, radio, readings, ring, settings

SETTINGS = "settings.json"
_LAST_MS = 500  # the gateway may still be decrypting the last reading when Delete comes, and would lose it
_CLOSING_S = 3
_LOADING = 4096  # octets allocated between two collections


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

    Collecting often, from now on, keeps what loading leaves behind from scattering the library over the whole heap: the largest
    free run is then 88 KB instead of 4 KB on a board with 192 KB.
    """
    gc.collect()
    gc.threshold(_LOADING)
    from ipsec.config import load

    config = load(path)  # first: what checks it is forgotten before the rest needs the room
    from ipsec.drive.aio import Uplink

    return Uplink(config, _on_event)


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
        self._every_s = chosen.publish_every_s
        self._boot = ring.count_start(chosen.starts_file)
        self._ring = ring.Ring(chosen.ring)
        self._broker = None  # with MQTT
        self.log = log
        self.sent = 0
        self.made = 0

    async def run(self):
        """Deliver readings; after a failure wait, longer each time, and start again."""
        helpers = [asyncio.create_task(self._light.run()), asyncio.create_task(self._keep_fed())]
        if self._settings.publish_by == "mqtt":
            helpers.append(asyncio.create_task(self._measure()))
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
        log("done: %d readings, %d dropped" % (self.sent, self._ring.dropped))

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
            await (self._publish_by_mqtt() if self._settings.publish_by == "mqtt" else self._publish())
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
                await asyncio.sleep(self._every_s)
        finally:
            sock.close()
        log("the tunnel has ended" if self._radio.is_up() else "the network is gone")

    async def _publish_by_mqtt(self):
        """Deliver what is in the ring while there is a network; a tunnel or a broker that went away comes back by itself."""
        if self._broker is None:
            from uplink.mqtt import Publisher

            self._broker = Publisher(self, self._settings, self._tunnel, self._ring)
        await self._broker.run(self._goes_on)
        if not self._done():
            log("the tunnel has ended" if self._radio.is_up() else "the network is gone")

    def _goes_on(self) -> bool:
        self._light.state = light.UP if self._tunnel.is_up else light.NO_TUNNEL
        return self._radio.is_up() and not self._tunnel.tunnel.is_closed and not self._done()

    async def _measure(self):
        """A reading every so often, whether somebody takes it or not."""
        while not 0 < self._settings.publish_count <= self.made:
            self.made += 1
            reading = readings.read(self.made, self._boot)
            if self._ring.dropped:
                reading["dropped"] = self._ring.dropped
            self._ring.put(json.dumps(reading).encode())
            await asyncio.sleep(self._every_s)

    def set_interval(self, seconds: int) -> None:
        """Another time between two readings. Raises ValueError."""
        if isinstance(seconds, bool) or not isinstance(seconds, int) or not 1 <= seconds <= 86400:
            raise ValueError("publish_every_s: %r is not a whole number from 1 to 86400" % (seconds,))
        self._every_s = seconds

    def delivered(self, data: bytes) -> None:
        """The broker has acknowledged a reading."""
        self.sent += 1
        log("reading delivered, %d octets, %d wait" % (len(data), len(self._ring)))

    async def _send_one(self, sock):
        data = json.dumps(readings.read(self.sent + 1, self._boot)).encode()
        try:
            await sock.sendto(data, (self._settings.publish_host, self._settings.publish_port))
        except OSError as e:
            log("reading %d not sent: %s" % (self.sent + 1, e))
            return
        self.sent += 1
        log("reading %d sent, %d octets" % (self.sent, len(data)))

    def feed(self) -> None:
        """Feed the watchdog, before what may take long and ends by itself."""
        if self._dog is not None:
            self._dog.feed()

    async def _keep_fed(self):
        """The watchdog lives on the event loop: a program that hangs in any place no longer feeds it."""
        while self._dog is not None:
            self.feed()
            await asyncio.sleep_ms(500)

    def _done(self) -> bool:
        return 0 < self._settings.publish_count <= self.sent + self._ring.dropped


def _watchdog(seconds):
    if not seconds:
        return None
    import machine

    return machine.WDT(timeout=seconds * 1000)
