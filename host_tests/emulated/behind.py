"""An emulated board whose programs use packages from the index through the tunnel: `python -m host_tests.emulated.behind`.

    unshare --net python -m host_tests.emulated.behind BOARD ROM CASE HEAP

```
 board --- QEMU's network --- loopback --- reference gateway --- TUN --- the kernel's TCP: mosquitto, a web server, a client
```

ROM is a folder with `packages` that the board imports from. Prints what the board printed, as JSON. Start reading at `main`.
"""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

from host_tests.inet.pace import INSIDE, PSK, Servers, Tun
from host_tests.interop.agent_services import Server, Web
from host_tests.responder import Responder
from tools import emulator

CONNECT = """
import gc, json, sys, time
gc.threshold(4096)
sys.path.append("/rom/packages")
import ipsec
"""
BLOCKING = CONNECT + 'uplink = ipsec.connect("/rom/device.json", capture=True)\n'
MQTT = """
from umqtt.simple import MQTTClient
got = []
client = MQTTClient("board", "10.10.0.1", keepalive=60)
client.set_callback(lambda topic, message: got.append([topic.decode(), len(message)]))
client.connect()
client.subscribe(b"board/#")
client.publish(b"board/0", b"21.5")
client.publish(b"board/1", bytes(1000), qos=1)
while len(got) < 2:
    client.wait_msg()
client.disconnect()
uplink.close()
print(json.dumps(sorted(got)))
"""
HTTP = """
import binascii, hashlib, urequests
answer = urequests.get("http://10.10.0.1/%d")
hash, n, buf = hashlib.sha256(), 0, memoryview(bytearray(1024))
while True:
    got = answer.raw.readinto(buf)
    if not got:
        break
    hash.update(buf[:got])
    n += got
answer.close()
uplink.close()
print(json.dumps([answer.status_code, n, binascii.hexlify(hash.digest()).decode()]))
"""
MICRODOT = """
import asyncio
from microdot import Microdot
app = Microdot()
served = []

@app.route("/hello/<name>")
async def hello(request, name):
    served.append(name)
    return "hello " + name

@app.route("/shutdown")
async def shutdown(request):
    request.app.shutdown()
    return "bye"

async def main():
    uplink = await ipsec.connect_async("/rom/device.json", capture=True)
    task = asyncio.create_task(app.start_server(host="0.0.0.0", port=80))
    await asyncio.sleep(0.2)
    print("serving", uplink.address)
    await task
    await asyncio.sleep(0.5)
    await uplink.close()
    print(json.dumps(served))

asyncio.run(main())
"""
PACE = """
sys.argv[:] = ["", "/rom/device.json"]
import pace_device
"""
OFTEN = """
import socket
most = 0
for n in range(40):
    s = socket.socket()
    s.connect(("10.10.0.1", 9))
    s.write("reading %d of 21 \\xb0C" % n)
    s.close()
    most = max(most, len(uplink.stack.timers))
uplink.close()
print(json.dumps([n + 1, most]))
"""
CASES = {
    "mqtt": BLOCKING + MQTT,
    "http": BLOCKING + HTTP,
    "often": BLOCKING + OFTEN,
    "microdot": CONNECT + MICRODOT,
    "pace": CONNECT + PACE,
}
OCTETS = 1000000  # of the page


def broker(folder: Path) -> subprocess.Popen:
    """A mosquitto that listens inside."""
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    assert program
    config = folder / "mosquitto.conf"
    config.write_text(f"listener 1883 {INSIDE}\nallow_anonymous true\nuser root\n")
    process = subprocess.Popen([program, "-c", str(config)], stderr=subprocess.DEVNULL)
    time.sleep(0.5)
    return process


def visit(address: str) -> None:
    """What a client behind the gateway asks of the board's web server."""
    for path, want in (("hello/gateway", "hello gateway"), ("shutdown", "bye")):
        with urllib.request.urlopen(f"http://{address}/{path}", timeout=30) as answer:
            assert answer.read().decode() == want


def run(name: str, rom: Path, case: str, heap: int, gw: Responder) -> str:
    """Run the case on the board; the last line that it printed."""
    program = CASES[case].replace("/%d", f"/{OCTETS}")
    options = {
        "gateway": emulator.target(name).gateway, "port": gw.port, "natt_port": gw.natt_port, "psk": PSK,
        "local_id": "device.example", "remote_id": "gw.example", "remote_ts": ["10.10.0.0/24"],
        "esp_proposals": ["aes128gcm16"], "ike_proposals": ["aes128gcm16-prfsha256-x25519"], "tcp_room": 4096,
    }  # fmt: skip
    (rom / "device.json").write_text(json.dumps(options))
    last = ""
    with emulator.start(name, rom=rom, frozen=True, heap=heap) as board:
        for line in board.lines(["exec", program], timeout=250):
            last = line.strip() or last
            if line.startswith("serving "):
                threading.Thread(target=visit, args=(line.split()[1],), daemon=True).start()
    return last


def main(name: str, folder: str, case: str, heap: str) -> None:
    """Set everything up and run the case."""
    sys.setswitchinterval(0.0005)
    rom = Path(folder)
    tun = Tun()
    Servers(INSIDE)
    Server(2, (INSIDE, 80), Web)
    process = broker(rom) if case == "mqtt" else None
    try:
        with Responder(psk=PSK, esp_suites=("aes128gcm16",), ike_suites=("aes128gcm16-prfsha256-x25519",)) as gw:
            if case != "pace":
                tun.join(gw)
            print(run(name, rom, case, int(heap), gw), flush=True)
    finally:
        if process:
            process.kill()
    os._exit(0)  # the threads that serve have no end


if __name__ == "__main__":
    main(*sys.argv[1:])
