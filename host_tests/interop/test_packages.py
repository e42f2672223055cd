"""Packages that know nothing of tunnels, unchanged from the package index, against servers behind strongSwan.

Start reading at `test_umqtt_simple`.
"""

import contextlib
import hashlib
import io
import json
import re
import shutil
import subprocess
import sys
import tarfile
import time
import urllib.request
import zipfile
from pathlib import Path

import pytest

from host_tests.conftest import require
from host_tests.interop.gateway import wait_for_line
from host_tests.interop.mqtt import Broker
from host_tests.interop.spaces import INSIDE, stop
from host_tests.interop.tls import make_certificate

_DEVICE = "host_tests/interop/packages_device.py"
_GET = """
import sys, urllib.request
data = sys.argv[2].encode() if len(sys.argv) > 2 else None
request = urllib.request.Request(sys.argv[1], data, {"Content-Type": "application/json"})
print(urllib.request.urlopen(request, timeout=10).read().decode())
"""
pytestmark = [pytest.mark.interop, pytest.mark.slow]


def pattern(n: int) -> bytes:
    """What the web server of agent_services.py gives."""
    return bytes([i * 7 + (i >> 8) & 255 for i in range(n)])


def fetch(name: str, folder: Path) -> Path:
    """Unpack a package of micropython-lib that pip finds; such have no setup.py, so pip only tells where the file is."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", ":all:", "-d", str(folder), name]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    said = done.stderr
    for path in folder.glob(name.replace(".", "?") + "-*.tar.gz"):  # this one has a setup.py
        with tarfile.open(path) as archive:
            archive.extractall(folder, filter="data")
        return path.with_name(path.name.removesuffix(".tar.gz"))
    found = re.search(r"from (https://\S+\.tar\.gz) does not appear", said)
    require(found is not None, f"pip finds no {name}: {said[-200:]}")
    assert found is not None
    with urllib.request.urlopen(found[1], timeout=60) as answer:
        data = answer.read()
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        archive.extractall(folder, filter="data")
    return next(folder.glob(name.replace(".", "?") + "-*"))


def wheels(folder: Path, *names: str) -> str:
    """Unpack wheels of the index; folders for `sys.path`, with commas."""
    for name in names:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "-d", str(folder), name]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        require(done.returncode == 0, f"pip finds no {name}: {done.stderr[-200:]}")
    for path in folder.glob("*.whl"):
        with zipfile.ZipFile(path) as archive:
            archive.extractall(folder / "wheels")
    return str(folder / "wheels")


@contextlib.contextmanager
def broker_behind(gw, folder: Path):
    """A mosquitto behind the gateway."""
    (folder / "broker").mkdir()
    broker = Broker(gw, folder / "broker")
    try:
        yield broker
    finally:
        broker.close()


@pytest.fixture
def broker(gw, tmp_path):
    with broker_behind(gw, tmp_path) as broker:
        yield broker


def run(gw, folders, what: str, *more):
    """Run packages_device.py; what the package got."""
    device = gw.start_device(["micropython", "-X", "heapsize=8m", _DEVICE, gw.write_config(), INSIDE, folders, what, *more])
    said, _ = device.communicate(timeout=60)
    assert device.returncode == 0, said
    return json.loads(said.splitlines()[-1])


def test_umqtt_robust_over_a_torn_connection(gw, broker, tmp_path):
    package = fetch("micropython-umqtt.robust", tmp_path)
    (package / "umqtt" / "simple.py").unlink(missing_ok=True)  # a link to nowhere
    shutil.copy(fetch("micropython-umqtt.simple", tmp_path) / "umqtt" / "simple.py", package / "umqtt")
    device = gw.start_device(
        ["micropython", "-X", "heapsize=8m", _DEVICE, gw.write_config(), INSIDE, package, "umqtt_robust"]
    )
    assert device.stdout
    line = ""
    while line != "published 2":
        line = device.stdout.readline().strip()
        assert line.startswith("published"), line + device.stdout.read()
    broker.stop()
    time.sleep(1)
    broker.start()
    said, _ = device.communicate(timeout=60)
    assert device.returncode == 0, said
    got = json.loads(said.splitlines()[-1])
    assert got == sorted(got) and got[-1] == "7" and len(got) >= 2, "it has come back; what was on its way with QoS 0 is lost"


def test_aiomqttc(gw, broker, tmp_path):
    got = run(gw, wheels(tmp_path, "aiomqttc"), "aiomqttc")
    assert sorted(got) == [["aiomqttc/0", 4], ["aiomqttc/1", 2000]]


def test_chumicro_mqtt(gw, broker, tmp_path):
    folders = wheels(tmp_path, "chumicro-mqtt", "chumicro-sockets", "chumicro-timing", "chumicro-config")
    assert run(gw, folders, "chumicro_mqtt") == [["chumicro/0", 4], ["chumicro/1", 200], 1]


def test_chumicro_requests(gw, tmp_path):
    folders = wheels(tmp_path, "chumicro-requests", "chumicro-sockets", "chumicro-timing")
    assert run(gw, folders, "chumicro_requests") == [200, 20000, hashlib.sha256(pattern(20000)).hexdigest()]


def test_microdot_serves_clients_behind_the_gateway(gw, tmp_path):
    folders = wheels(tmp_path, "microdot")
    command: list = ["micropython", "-X", "heapsize=8m", _DEVICE, gw.write_config(), INSIDE, folders, "microdot"]
    device = gw.start_device(command)
    assert device.stdout
    line = device.stdout.readline()
    assert line.startswith("serving "), line + device.stdout.read()
    address = line.split()[1]

    def get(path: str, *data: str) -> str:
        return gw.gateway.run([sys.executable, "-I", "-c", _GET, f"http://{address}{path}", *data]).strip()

    assert get("/hello/gateway") == "hello gateway" and json.loads(get("/sum", "[1, 2, 39]")) == {"sum": 42}
    assert get("/shutdown") == "bye"
    said, _ = device.communicate(timeout=20)
    assert device.returncode == 0, said
    assert json.loads(said.splitlines()[-1]) == ["gateway", "sum"]


def test_the_call_patterns_of_ntptime_and_aiohttp(gw, tls):
    assert run(gw, "", "ntptime") == [48, 0x1B]
    assert run(gw, "", "aiohttp", tls) == ["GET / HTTP/1.1\r\n", 3001]


def test_umqtt_simple_by_tls(gw, tmp_path):
    (tmp_path / "broker").mkdir()
    pem, key, _ = make_certificate(tmp_path)
    broker = Broker(gw, tmp_path / "broker", pem, key)
    try:
        assert run(gw, fetch("micropython-umqtt.simple", tmp_path), "umqtt_tls") == [["tls/1", 2000]]
    finally:
        broker.close()


def test_urequests_by_tls(gw, tmp_path):
    pem, key, _ = make_certificate(tmp_path)
    said = tmp_path / "https.txt"
    with said.open("w") as output:
        program = Path(__file__).with_name("agent_https.py")
        server = gw.gateway.start([sys.executable, "-I", program, INSIDE, pem, key], stdout=output, stderr=subprocess.DEVNULL)
    try:
        wait_for_line(server, said, "ready")
        got = run(gw, fetch("micropython-urequests", tmp_path), "urequests_https")
    finally:
        stop(server)
    assert got == [200, hashlib.sha256(pattern(20000)).hexdigest(), {"celsius": 21.5}]


def test_umqtt_simple(gw, tmp_path):
    broker = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    require(broker is not None, "mosquitto is not installed: apt-get install mosquitto")
    package = fetch("micropython-umqtt.simple", tmp_path)
    config = tmp_path / "mosquitto.conf"
    config.write_text(f"listener 1883 {INSIDE}\nallow_anonymous true\nuser root\n")
    with (tmp_path / "mosquitto.txt").open("w") as output:
        server = gw.gateway.start([broker, "-c", str(config)], stdout=output)
    try:
        time.sleep(1)
        command = ["micropython", "host_tests/interop/mqtt_device.py", gw.write_config(), INSIDE, str(package)]
        done = gw.run_device(command)
    finally:
        stop(server)
    assert done.status == 0, "\n".join(done.lines)
    assert json.loads(done.lines[-1]) == [["readings/0", 4], ["readings/1", 3000]]
    inner, _ = gw.decrypt()
    assert any(b"readings/1" in bytes(packet) for packet in inner), "it went through the tunnel"


def test_urequests(gw, tmp_path):
    package = fetch("micropython-urequests", tmp_path)
    done = gw.run_device(
        ["micropython", "-X", "heapsize=16m", "host_tests/interop/http_device.py", gw.write_config(), INSIDE, str(package)]
    )
    assert done.status == 0, "\n".join(done.lines)
    assert json.loads(done.lines[-1]) == [200, 1000000, hashlib.sha256(pattern(1000000)).hexdigest()]
