"""The packages of test_packages.py when their connection is torn: nothing hangs, and whoever comes back finds all in order.

Start reading at `test_mqtt`.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from host_tests.interop.gateway import Gateway, wait_for_line
from host_tests.interop.spaces import INSIDE, INSIDE6, stop
from host_tests.interop.test_dns import dns_server
from host_tests.interop.test_packages import _DEVICE, _GET, broker_behind, fetch, pattern, wheels

SIX = {"virtual_ip": ["ipv6"], "remote_ts": ["fd00:10::/64"]}
MQTT = {
    "umqtt_simple": ("micropython-umqtt.simple",),
    "aiomqttc": ("aiomqttc",),
    "chumicro_mqtt": ("chumicro-mqtt", "chumicro-sockets", "chumicro-timing", "chumicro-config"),
}
HTTP = {
    "urequests": ("micropython-urequests",),
    "chumicro_requests": ("chumicro-requests", "chumicro-sockets", "chumicro-timing"),
}
TEAR = """
import socket, struct, sys
HALF = b"POST /sum HTTP/1.1\\r\\nContent-Length: 500\\r\\n\\r\\n[1,"
for request in (b"GET /hel", b"GET /hello/torn HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n", HALF):
    sock = socket.create_connection((sys.argv[1], 80), timeout=10)
    sock.sendall(request)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
"""
pytestmark = [pytest.mark.interop, pytest.mark.slow]


def packages(folder: Path, *names: str):
    """Where the packages are; those of micropython-lib are fetched as sources."""
    return fetch(names[0], folder) if names[0].startswith("micropython-") else wheels(folder, *names)


def start(gw: Gateway, program: str, folders, what: str, host: str = INSIDE, **options) -> subprocess.Popen:
    """Start packages_device.py."""
    command = [program, *(["-X", "heapsize=8m"] if program == "micropython" else [])]
    return gw.start_device([*command, _DEVICE, gw.write_config(**options), host, folders, what])


def finish(device: subprocess.Popen):
    """What the package got."""
    said, _ = device.communicate(timeout=60)
    assert device.returncode == 0, said
    return json.loads(said.splitlines()[-1])


def restart_when(device: subprocess.Popen, broker, word: str) -> None:
    """Restart the broker once the device has said a word."""
    assert device.stdout
    said: list[str] = []
    while word not in (said[-1:] or [""])[0]:
        said.append(device.stdout.readline())
        assert said[-1], "".join(said)
    broker.stop()
    time.sleep(1)
    broker.start()


@pytest.mark.parametrize(
    ("name", "program"),
    [(name, "micropython") for name in MQTT] + [("umqtt_simple", "cpython"), ("aiomqttc", "cpython")],
)
def test_mqtt(gw, name, program, tmp_path):
    with broker_behind(gw, tmp_path) as broker:
        folders = packages(tmp_path, *MQTT[name])
        device = start(gw, sys.executable if program == "cpython" else program, folders, "torn_" + name)
        restart_when(device, broker, "published 2")
        torn, got = finish(device)
    assert torn and got == [str(n) for n in range(9)], "with QoS 1 all came"


def test_umqtt_robust_over_ipv6(make_gateway, tmp_path):
    gw = make_gateway()
    package = fetch("micropython-umqtt.robust", tmp_path)
    (package / "umqtt" / "simple.py").unlink(missing_ok=True)  # a link to nowhere
    shutil.copy(fetch("micropython-umqtt.simple", tmp_path) / "umqtt" / "simple.py", package / "umqtt")
    with broker_behind(gw, tmp_path) as broker:
        device = start(gw, "micropython", package, "umqtt_robust", INSIDE6, **SIX)
        restart_when(device, broker, "published 2")
        got = finish(device)
    assert got == sorted(got) and got[-1] == "7" and len(got) >= 2, "it has come back; what was on its way with QoS 0 is lost"


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
@pytest.mark.parametrize("name", HTTP)
def test_http(make_gateway, name, family, tmp_path):
    gw = make_gateway(dns=(INSIDE, INSIDE6))
    said = tmp_path / "torn.txt"
    with dns_server(gw), said.open("w") as output:
        program = [sys.executable, "-I", Path(__file__).with_name("agent_torn.py")]
        server = gw.gateway.start([*program, INSIDE, INSIDE6], stdout=output, stderr=subprocess.STDOUT)
        try:
            wait_for_line(server, said, "ready")
            options = SIX if family == "ipv6" else {}
            folders = packages(tmp_path, *HTTP[name])
            got = finish(start(gw, "micropython", folders, "torn_" + name, "web.inside.example", **options))
        finally:
            stop(server)
    whole = [20000, hashlib.sha256(pattern(20000)).hexdigest()]
    assert got[0] in ("OSError", "error") and got[1] != whole and got[2] == whole


@pytest.mark.parametrize("program", ["micropython", "cpython"])
def test_clients_of_microdot_that_break_off(gw, program, tmp_path):
    device = start(gw, sys.executable if program == "cpython" else program, wheels(tmp_path, "microdot"), "microdot")
    assert device.stdout
    line = device.stdout.readline()
    assert line.startswith("serving "), line + device.stdout.read()
    address = line.split()[1]
    for _ in range(3):
        gw.gateway.run([sys.executable, "-I", "-c", TEAR, address])
        assert gw.gateway.run([sys.executable, "-I", "-c", _GET, f"http://{address}/hello/gateway"]).strip() == "hello gateway"
    assert gw.gateway.run([sys.executable, "-I", "-c", _GET, f"http://{address}/shutdown"]).strip() == "bye"
    assert finish(device).count("gateway") == 3
