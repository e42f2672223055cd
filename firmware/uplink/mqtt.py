"""Readings by MQTT 3.1.1 through the tunnel: each leaves the ring when the broker has acknowledged it (QoS 1).

`umqtt.simple` of micropython-lib speaks it, which blocks; its sockets here wait for `mqtt_timeout_s` at the most. A reading whose
acknowledgement was lost is sent again: whoever receives them knows it by `boot` and `n`. Start reading at `Publisher.run`.
"""

import asyncio
import time

from uplink import commands

_IDLE_MS = 250  # between two looks for commands
_QOS = 1


class Publisher:
    """One device at its broker: `TOPIC/readings`, `TOPIC/commands`, `TOPIC/status` ("online"; the last will is "offline")."""

    def __init__(self, app, chosen, tunnel, ring):
        try:
            from umqtt import simple
        except ImportError:
            raise OSError("umqtt.simple is not installed: mpremote mip install umqtt.simple") from None
        self._app, self._settings, self._tunnel, self._ring = app, chosen, tunnel, ring
        self._sockets = simple.socket = Sockets(tunnel, chosen)  # its own name for the module `socket`
        self._simple = simple
        self._base = chosen.mqtt_topic.encode()
        self._client = None
        self._pinged = 0

    async def run(self, goes_on) -> None:
        """Deliver while `goes_on()`; a broker that goes away is asked again, waiting longer each time."""
        wait_s = self._settings.retry_s
        while goes_on():
            if not self._tunnel.is_up:
                await asyncio.sleep_ms(_IDLE_MS)
                continue
            sent = self._app.sent
            try:
                self._connect()
                await self._pump(goes_on)
                self._client.disconnect()
                return
            except Exception as e:  # umqtt raises whatever it stumbles over
                self._sockets.abort()
                self._app.log("broker lost: %s: %s" % (type(e).__name__, e))
            wait_s = self._settings.retry_s if self._app.sent > sent else min(2 * wait_s, self._settings.retry_max_s)
            await self._pause(wait_s, goes_on)

    async def _pause(self, seconds, goes_on):
        end = time.ticks_add(time.ticks_ms(), seconds * 1000)
        while goes_on() and time.ticks_diff(end, time.ticks_ms()) > 0:
            await asyncio.sleep_ms(_IDLE_MS)

    def _connect(self):
        s = self._settings
        name = s.mqtt_client_id or s.mqtt_topic.replace("/", "-")
        self._app.feed()
        client = self._simple.MQTTClient(
            name.encode(), s.publish_host, s.mqtt_port or (8883 if s.mqtt_ca_file else 1883),
            s.mqtt_user.encode() or None, s.mqtt_password.encode() or None, s.mqtt_keepalive_s,
        )  # fmt: skip
        client.set_callback(self._on_message)
        client.set_last_will(self._base + b"/status", b"offline", True, _QOS)
        client.connect()
        self._app.feed()
        client.subscribe(self._base + b"/commands", _QOS)
        client.publish(self._base + b"/status", b"online", True, _QOS)
        self._client = client
        self._pinged = time.ticks_ms()
        self._app.log("broker %s takes readings" % s.publish_host)

    async def _pump(self, goes_on):
        client, ring = self._client, self._ring
        while goes_on():
            while len(ring) and goes_on():
                self._app.feed()
                item = ring.first
                client.publish(self._base + b"/readings", item, False, _QOS)
                ring.pop(item)
                self._app.delivered(item)
                await asyncio.sleep_ms(0)
            self._app.feed()
            client.check_msg()
            now = time.ticks_ms()
            if time.ticks_diff(now, self._pinged) > self._settings.mqtt_keepalive_s * 500:
                self._pinged = now
                client.ping()
            await asyncio.sleep_ms(_IDLE_MS)

    def _on_message(self, topic, message):
        try:
            self._app.log("command: " + commands.handle(self._app, message))
        except Exception as e:  # whoever sends commands does not end the program
            self._app.log("command refused: %s: %s" % (type(e).__name__, e))


class Sockets:
    """What umqtt takes for the module `socket`: the tunnel's, with TLS where it is wanted."""

    def __init__(self, tunnel, chosen):
        self._tunnel = tunnel
        self._module = tunnel.socket_module()
        self._timeout_s = chosen.mqtt_timeout_s
        self._name = chosen.mqtt_server_name or chosen.publish_host
        self._context = _context(chosen.mqtt_ca_file) if chosen.mqtt_ca_file else None
        self._last = None

    def getaddrinfo(self, host, port, *rest):
        """Asked of the DNS servers inside."""
        return self._module.getaddrinfo(host, port, *rest)

    def socket(self, *args):
        """A socket that waits for so long at the most."""
        self._last = Socket(self, self._module.socket(*args), self._timeout_s)
        return self._last

    def abort(self) -> None:
        """End the latest connection, whatever state it is in."""
        if self._last:
            self._last.abort()

    def secure(self, sock) -> None:
        """Have a connected socket speak TLS, if that is wanted."""
        if self._context:
            from ipsec.drive.secured import secure

            secure(self._tunnel, sock, self._context, False, self._name)


class Socket:
    """The five verbs that umqtt uses; "blocking" means a time-out."""

    def __init__(self, sockets, sock, timeout_s):
        self._sockets, self._sock, self._timeout_s = sockets, sock, timeout_s
        self.setblocking(True)

    def connect(self, address) -> None:
        """Connect, and speak TLS if that is wanted."""
        self._sock.connect(address)
        self._sockets.secure(self._sock)

    def setblocking(self, flag) -> None:
        """Wait for so long, or not at all."""
        self._sock.settimeout(self._timeout_s if flag else 0)

    def read(self, n):
        """n octets, or None."""
        return self._sock.read(n)

    def write(self, data, *part):
        """All octets, or the first so many of them."""
        return self._sock.write(data, *part)

    def close(self) -> None:
        """End it behind what was sent."""
        self._sock.close()

    def abort(self) -> None:
        """End it at once."""
        self._sock.settimeout(0)  # closing waits for nobody
        try:
            self._sock.getpeername()
        except OSError:
            self._sock.close()  # it never was connected
        else:
            self._sock.abort()


def _context(path):
    """A context of TLS that trusts this authority alone; the file is DER or PEM."""
    import binascii
    import ssl

    with open(path, "rb") as f:
        octets = f.read()
    if octets[:5] == b"-----":
        octets = binascii.a2b_base64(b"".join(octets.split(b"-----")[2].split()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=octets)
    return context
