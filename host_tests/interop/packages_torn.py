"""What packages_device.py does with packages whose connection is torn: the broker restarts, the web server breaks off.

Start reading at the function of a package.
"""

import asyncio
import binascii
import hashlib
import time

_LAST = 8  # the number of the message that ends it, once it has come back


def _digest(body):
    return binascii.hexlify(hashlib.sha256(body).digest()).decode()


def _failing(call, *args):
    """What a call raises, as a word, or what it returns."""
    try:
        return call(*args)
    except (OSError, ValueError, IndexError) as e:  # IndexError: urequests, of an answer without a first line
        return type(e).__name__


def umqtt_simple(uplink, host, say):
    """This package leaves coming back to its program."""
    from umqtt.simple import MQTTClient, MQTTException

    got = []
    client = MQTTClient(b"torn", host, keepalive=30)
    client.set_callback(lambda topic, message: got.append(message.decode()))
    client.connect(clean_session=False)
    client.subscribe(b"torn/#", 1)
    n = tears = 0
    while n <= _LAST:
        try:
            client.publish(b"torn/n", b"%d" % n, qos=1)
            say("published %d" % n)
            n += 1
            uplink.poll(300)
        except (OSError, MQTTException):
            tears += 1
            uplink.poll(500)
            try:
                client.connect(clean_session=False)
            except (OSError, MQTTException, IndexError):  # nobody there; nothing read
                pass
    while str(_LAST) not in got:
        client.wait_msg()
    client.disconnect()
    return [tears > 0, sorted(set(got))]


def chumicro_mqtt(uplink, host, say):
    """It comes back by itself, and sends what was not acknowledged again."""
    from chumicro_mqtt import MQTTClient
    from chumicro_timing import ticks_ms

    got: list = []
    told: list = []
    client = MQTTClient.from_config({"mqtt.broker.host": host, "mqtt.broker.port": 1883})
    client.on_message = lambda topic, payload: got.append(bytes(payload).decode())
    client.subscribe("torn/#", 1)
    client.connect()
    n = 0
    next_at = time.time()
    end = next_at + 40
    while str(_LAST) not in got and time.time() < end:
        now = ticks_ms()
        if client.check(now):
            client.handle(now)
        uplink.poll(1)
        if n <= _LAST and len(told) == n and time.time() >= next_at:
            client.publish("torn/n", b"%d" % n, qos=1, on_publish=lambda *args: told.append(1))
            say("published %d" % n)
            n += 1
            next_at = time.time() + 1
    client.disconnect()
    return [True, sorted(set(got))]


async def aiomqttc(uplink, host, say):
    """It comes back when its program publishes; subscriptions are the program's business."""

    import packages_clock  # noqa: F401 - before the package
    from aiomqttc import MQTTClient

    got = []

    async def heard(client, topic, message, *rest):
        got.append(message if isinstance(message, str) else message.decode())

    client = MQTTClient("torn", host, 1883, clean_session=False)
    client.on_message = heard

    async def up(client, code):
        await client.subscribe("torn/#", 1)

    client.on_connect = up
    await client.connect()
    n = tears = 0
    while n <= _LAST:
        if await client.publish("torn/n", str(n), qos=1):
            say("published %d" % n)
            n += 1
            await asyncio.sleep(0.3)
        else:
            tears += 1
            await asyncio.sleep(0.5)
    for _ in range(100):
        if str(_LAST) in got:
            break
        await asyncio.sleep(0.1)
    await client.disconnect()
    return [tears > 0, sorted(set(got))]


def urequests(uplink, host, say):
    """A page that ends with an RST, one that ends too early, one that is whole."""
    import urequests

    def get():
        answer = urequests.get("http://%s:81/" % host)
        body = answer.content
        return [len(body), _digest(body)]

    return [_failing(get), _failing(get), _failing(get)]


def chumicro_requests(uplink, host, say):
    """The same."""
    from chumicro_requests import HttpClient
    from chumicro_sockets.sockets_factory import connector_factory
    from chumicro_timing import ticks_ms

    def get():
        client = HttpClient(transport_factory=connector_factory())
        handle = client.get("http://%s:81/" % host, timeout_ms=10000)
        while not handle.done:
            if client.check(ticks_ms()):
                client.handle(ticks_ms())
            uplink.poll(1)
        if handle.error:
            return "error"
        return [len(handle.result.body), _digest(handle.result.body)]

    return [_failing(get), _failing(get), _failing(get)]


BLOCKING = {
    "umqtt_simple": umqtt_simple,
    "chumicro_mqtt": chumicro_mqtt,
    "urequests": urequests,
    "chumicro_requests": chumicro_requests,
}
WAITING = {"aiomqttc": aiomqttc}
