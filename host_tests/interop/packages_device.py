"""A device with a package as it comes from the index: `packages_device.py CONFIG.json HOST FOLDER PACKAGE [...]`.

Runs on MicroPython, and on CPython what does not need MicroPython's asyncio. Prints a JSON list at the end of what the package
got. Start reading at the function of a package.
"""

import asyncio
import binascii
import hashlib
import json
import sys
import time

import ipsec


def umqtt_simple(uplink, host, say):
    from umqtt.simple import MQTTClient

    got = []
    client = MQTTClient(b"simple", host, keepalive=30)  # CPython writes no text into a buffer
    client.set_callback(lambda topic, message: got.append([topic.decode(), len(message)]))
    client.connect()
    client.subscribe(b"simple/#")
    client.publish(b"simple/0", b"21.5")
    client.publish(b"simple/1", bytes(3000), qos=1)
    client.ping()
    while len(got) < 2:
        client.wait_msg()
    client.disconnect()
    return got


def urequests(uplink, host, say):
    import urequests

    answer = urequests.get("http://%s/100000" % host)
    body = answer.content
    return [answer.status_code, len(body), binascii.hexlify(hashlib.sha256(body).digest()).decode()]


def urequests_https(uplink, host, say):
    import urequests

    answer = urequests.get("https://%s/20000" % host)
    said = [answer.status_code, binascii.hexlify(hashlib.sha256(answer.content).digest()).decode()]
    answer = urequests.post("https://%s/" % host, json={"celsius": 21.5})
    return said + [answer.json()]


def umqtt_tls(uplink, host, say, certificate=""):
    from umqtt.simple import MQTTClient

    got = []
    client = MQTTClient(b"tls", host, port=8883, ssl=True, ssl_params={"server_hostname": "inside.example"})
    client.set_callback(lambda topic, message: got.append([topic.decode(), len(message)]))
    client.connect()
    client.subscribe(b"tls/#", 1)
    client.publish(b"tls/1", bytes(2000), qos=1)
    while not got:
        client.wait_msg()
    client.disconnect()
    return got


def umqtt_robust(uplink, host, say):
    """Publishes while the broker is restarted, and comes back by itself.

    With QoS 0: with QoS 1 this package waits for ever, on any network, for what was lost with the old connection.
    """
    from umqtt.robust import MQTTClient

    got = []
    client = MQTTClient("robust", host, keepalive=30)
    client.DELAY = 1
    client.set_callback(lambda topic, message: got.append(message.decode()))
    client.connect(clean_session=False)
    client.subscribe(b"robust/#", 1)
    for n in range(8):
        client.publish(b"robust/n", b"%d" % n)
        say("published %d" % n)
        uplink.poll(500)
    while "7" not in got:
        client.wait_msg()
    client.disconnect()
    return got


def chumicro_mqtt(uplink, host, say):
    from chumicro_mqtt import MQTTClient
    from chumicro_timing import ticks_ms

    got, told = [], []
    client = MQTTClient.from_config({"mqtt.broker.host": host, "mqtt.broker.port": 1883})
    client.on_message = lambda topic, payload: got.append([topic, len(payload)])
    client.subscribe("chumicro/#", 1)
    client.connect()
    client.publish("chumicro/0", b"21.5")
    client.publish("chumicro/1", bytes(200), qos=1, on_publish=lambda *args: told.append(1))
    end = time.time() + 15
    while (len(got) < 2 or not told) and time.time() < end:
        now = ticks_ms()
        if client.check(now):
            client.handle(now)
        uplink.poll(1)
    client.disconnect()
    return got + told


def chumicro_requests(uplink, host, say):
    from chumicro_requests import HttpClient
    from chumicro_sockets.sockets_factory import connector_factory
    from chumicro_timing import ticks_ms

    client = HttpClient(transport_factory=connector_factory())
    handle = client.get("http://%s/20000" % host, timeout_ms=10000)
    while not handle.done:
        if client.check(ticks_ms()):
            client.handle(ticks_ms())
        uplink.poll(1)
    response = handle.result
    return [response.status_code, len(response.body), binascii.hexlify(hashlib.sha256(response.body).digest()).decode()]


async def aiomqttc(uplink, host, say):
    import packages_clock  # noqa: F401 - before the package
    from aiomqttc import MQTTClient

    got = []

    async def heard(client, topic, message, *rest):
        got.append([topic if isinstance(topic, str) else topic.decode(), len(message)])

    client = MQTTClient("aiomqttc", host, 1883)
    client.on_message = heard
    assert await client.connect()
    await client.subscribe("aiomqttc/#", 1)
    await client.publish("aiomqttc/0", "21.5", qos=0)
    await client.publish("aiomqttc/1", "x" * 2000, qos=1)
    for _ in range(100):
        if len(got) >= 2:
            break
        await asyncio.sleep(0.1)
    await client.disconnect()
    return got


async def microdot(uplink, host, say):
    from microdot import Microdot

    app = Microdot()
    served = []

    @app.route("/hello/<name>")
    async def hello(request, name):
        served.append(name)
        return "hello " + name

    @app.post("/sum")
    async def add(request):
        served.append("sum")
        return {"sum": sum(request.json)}

    @app.route("/shutdown")
    async def shutdown(request):
        request.app.shutdown()
        return "bye"

    task = asyncio.create_task(app.start_server(host="0.0.0.0", port=80))
    await asyncio.sleep(0.2)
    say("serving %s" % uplink.address)
    await task
    await asyncio.sleep(0.5)
    return served


async def aiohttp(uplink, host, say, certificate=""):
    """How aiohttp of micropython-lib does it: `open_connection(ssl=)`, `awrite`, `readline`, `readexactly`."""
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_mode = ssl.CERT_REQUIRED
    with open(certificate, "rb") as f:
        context.load_verify_locations(cadata=f.read())
    reader, writer = await asyncio.open_connection(host, 8443, ssl=context, server_hostname="inside.example")
    await writer.awrite(b"GET / HTTP/1.1\r\n")
    line = await reader.readline()
    await writer.awrite(b"x" * 3000 + b"\n")
    body = await reader.readexactly(3001)
    await writer.aclose()
    return [line.decode(), len(body)]


def ntptime(uplink, host, say):
    """How ntptime does it: a connected look-up, `settimeout`, `sendto`, `recv(48)`."""
    import socket

    query = bytearray(48)
    query[0] = 0x1B
    addr = socket.getaddrinfo(host, 7)[0][-1]  # an echo has 48 octets, too
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        s.settimeout(1)
        s.sendto(query, addr)
        msg = s.recv(48)
    finally:
        s.close()
    return [len(msg), msg[0]]


BLOCKING = {
    "umqtt_simple": umqtt_simple,
    "urequests": urequests,
    "urequests_https": urequests_https,
    "umqtt_tls": umqtt_tls,
    "umqtt_robust": umqtt_robust,
    "chumicro_mqtt": chumicro_mqtt,
    "chumicro_requests": chumicro_requests,
    "ntptime": ntptime,
}
WAITING = {"aiomqttc": aiomqttc, "microdot": microdot, "aiohttp": aiohttp}


def main(config, host, folders, what, *rest):
    for folder in folders.split(","):
        sys.path.insert(0, folder)

    for name in ("ssl",) if sys.implementation.name == "micropython" else ("binascii", "json", "struct"):
        sys.modules["u" + name] = __import__(name)  # by the names that old packages use
    blocking, waiting = BLOCKING, WAITING
    if what.startswith("torn_"):
        import packages_torn

        blocking, waiting, what = packages_torn.BLOCKING, packages_torn.WAITING, what[5:]
    if what in blocking:
        uplink = ipsec.connect(config, capture=True)
        got = blocking[what](uplink, host, print, *rest)
        uplink.close()
    else:

        async def run():
            uplink = await ipsec.connect_async(config, capture=True)
            got = await waiting[what](uplink, host, print, *rest)
            await uplink.close()
            return got

        got = asyncio.run(run())
    print(json.dumps(got))


main(*sys.argv[1:])
