"""Packages that know nothing of tunnels, unchanged from the package index, against servers behind strongSwan.

Start reading at `test_umqtt_simple`.
"""

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
from pathlib import Path

import pytest

from host_tests.conftest import require
from host_tests.interop.spaces import INSIDE, stop

pytestmark = [pytest.mark.interop, pytest.mark.slow]


def pattern(n: int) -> bytes:
    """What the web server of agent_services.py gives."""
    return bytes([i * 7 + (i >> 8) & 255 for i in range(n)])


def fetch(name: str, folder: Path) -> Path:
    """Unpack a package of micropython-lib that pip finds; such have no setup.py, so pip only tells where the file is."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", ":all:", "-d", str(folder), name]
    said = subprocess.run(command, capture_output=True, text=True, timeout=120).stderr
    found = re.search(r"from (https://\S+\.tar\.gz) does not appear", said)
    require(found is not None, f"pip finds no {name}: {said[-200:]}")
    assert found is not None
    with urllib.request.urlopen(found[1], timeout=60) as answer:
        data = answer.read()
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        archive.extractall(folder, filter="data")
    return next(folder.glob(name.replace(".", "?") + "-*"))


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
