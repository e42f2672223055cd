"""The application template, as it is, publishing by MQTT through strongSwan: what goes away comes back, and no reading is lost.

Start reading at `Device`.
"""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from host_tests.interop.gateway import REPOSITORY, Gateway
from host_tests.interop.mqtt import Broker
from host_tests.interop.spaces import INSIDE, INSIDE6
from host_tests.interop.strongswan import StrongSwan
from host_tests.interop.test_packages import fetch
from host_tests.interop.tls import make_certificate

pytestmark = [pytest.mark.interop, pytest.mark.slow]

_TOPIC = "plant/device-17"


class Device:
    """The template on MicroPython's unix port, in a folder of its own."""

    def __init__(self, gw: Gateway, folder: Path, tunnel: dict | None = None, **settings) -> None:
        self._gw, self._folder = gw, folder
        self._package = fetch("micropython-umqtt.simple", folder)
        options = {"dpd_s": 2, "retransmit_ms": 200, "retransmit_tries": 3, "reconnect_max_ms": 2000, **(tunnel or {})}
        (folder / "ipsec.json").write_text(json.dumps(gw.options(**options)))
        chosen = {"publish_by": "mqtt", "mqtt_topic": _TOPIC, "publish_host": INSIDE, "publish_every_s": 1, "retry_s": 1}
        chosen |= {"retry_max_s": 2, **settings}
        (folder / "settings.json").write_text(json.dumps(chosen))
        self.start()

    def start(self) -> None:
        """Start, or start again."""
        path = f"{REPOSITORY / 'lib'}:{REPOSITORY / 'firmware'}:{self._package}:.frozen"
        argv: list[str | Path] = ["micropython", "-X", "heapsize=2m", REPOSITORY / "firmware" / "main.py"]
        self.process = self._gw.start_device(argv, cwd=self._folder, env={"MICROPYPATH": path})

    def finish(self, timeout_s: float = 60) -> str:
        """What it has said, once it has ended."""
        return self.process.communicate(timeout=timeout_s)[0]


@pytest.fixture
def broker(gw, tmp_path) -> Iterator[Broker]:
    """A broker behind the gateway to which somebody listens."""
    (tmp_path / "broker").mkdir()
    broker = Broker(gw, tmp_path / "broker")
    broker.listen(_TOPIC + "/#")
    yield broker
    broker.close()


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.1)


def check_readings(broker: Broker, total: int, dropped: int = 0) -> list[int]:
    """Each once but for those dropped, in order; what was sent twice, as its acknowledgement was lost, stands beside its twin."""
    numbers = [reading["n"] for reading in broker.readings(_TOPIC)]
    once = [n for i, n in enumerate(numbers) if i == 0 or numbers[i - 1] != n]
    assert once == sorted(set(once)), f"in order: {numbers}"
    assert len(once) + dropped == total and once[-1] == total, numbers
    return once


def test_broker_restart(gw, broker, tmp_path):
    device = Device(gw, tmp_path, publish_count=12)
    wait_for(lambda: len(broker.readings(_TOPIC)) >= 3)
    broker.stop()
    time.sleep(4)
    broker.start()
    said = device.finish()
    assert "broker lost" in said and "done: 12 readings, 0 dropped" in said, said
    wait_for(lambda: len(broker.readings(_TOPIC)) >= 12)
    check_readings(broker, 12)
    inner, _ = gw.decrypt()
    assert any(b"plant/device-17/readings" in bytes(packet) for packet in inner)


def test_gateway_restart(gw, broker, tmp_path):
    device = Device(gw, tmp_path, publish_count=15)
    wait_for(lambda: len(broker.readings(_TOPIC)) >= 3)
    gw.swan.process.kill()  # it says no word
    gw.swan.close()
    time.sleep(3)
    gw.swan = StrongSwan(gw.gateway, name="again")
    gw.swan.load_psk()
    said = device.finish()
    assert said.count("up address") >= 2 and "done: 15 readings, 0 dropped" in said, said
    wait_for(lambda: len(broker.readings(_TOPIC)) >= 15)
    check_readings(broker, 15)


def test_a_minute_without_a_network(gw, broker, tmp_path):
    """More readings than the ring has room for: the oldest are dropped, and that is counted."""
    device = Device(gw, tmp_path, publish_count=75, ring=40)
    wait_for(lambda: len(broker.readings(_TOPIC)) >= 3)
    gw.client.ip("link set eth0 down")
    time.sleep(60)
    gw.client.ip("link set eth0 up", "addr replace fd00:9::2/64 dev eth0 nodad")
    said = device.finish(90)
    wait_for(lambda: broker.readings(_TOPIC)[-1]["n"] == 75)
    last = broker.readings(_TOPIC)[-1]
    dropped = last.get("dropped", 0)
    assert 5 <= dropped <= 40 and f"done: {75 - dropped} readings, {dropped} dropped" in said, said
    check_readings(broker, 75, dropped)


def test_commands_status_and_numbers_after_a_reset(gw, broker, tmp_path):
    device = Device(gw, tmp_path, mqtt_keepalive_s=5)
    wait_for(lambda: (f"{_TOPIC}/status", "online") in broker.heard())
    for command in ('{"publish_every_s": 3600}', '{"publish_every_s": 0}', "no JSON"):
        broker.say(_TOPIC + "/commands", command)
    time.sleep(3)
    many = len(broker.readings(_TOPIC))
    time.sleep(3)
    assert len(broker.readings(_TOPIC)) == many, "it does as it is told"
    device.process.kill()
    said = device.finish()
    assert "command: a reading every 3600 s" in said and said.count("command refused: ValueError") == 2, said
    wait_for(lambda: (f"{_TOPIC}/status", "offline") in broker.heard())
    device.start()
    wait_for(lambda: broker.readings(_TOPIC)[-1]["boot"] == 2)
    assert broker.readings(_TOPIC)[0]["boot"] == 1 and broker.readings(_TOPIC)[-1]["n"] <= 2


@pytest.mark.parametrize("host", [INSIDE, INSIDE6], ids=["ipv4", "ipv6"])
def test_tls(gw, tmp_path, host):
    (tmp_path / "broker").mkdir()
    pem, key, _ = make_certificate(tmp_path)
    broker = Broker(gw, tmp_path / "broker", pem, key)
    try:
        broker.listen(_TOPIC + "/#")
        dual = {"virtual_ip": ["ipv4", "ipv6"], "remote_ts": ["10.10.0.0/24", "fd00:10::/64"]}
        tls = {"mqtt_ca_file": str(pem), "mqtt_server_name": "inside.example", "mqtt_timeout_s": 5}
        said = Device(gw, tmp_path, dual, publish_count=3, publish_host=host, **tls).finish()
        assert "done: 3 readings, 0 dropped" in said, said
        wait_for(lambda: len(broker.readings(_TOPIC)) >= 3)
        check_readings(broker, 3)
        inner, _ = gw.decrypt()
        assert not any(b"device-17" in bytes(packet) for packet in inner), "nobody reads it on the way"
    finally:
        broker.close()
