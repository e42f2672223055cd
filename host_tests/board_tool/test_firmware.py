"""firmware/uplink on its own: settings, radios with a stand-in for the network module, the light."""

import asyncio
import sys
from types import SimpleNamespace

import pytest

from ipsec_board.paths import REPOSITORY


@pytest.fixture
def uplink(monkeypatch):
    """The application's modules, and asyncio with MicroPython's `sleep_ms`."""
    monkeypatch.syspath_prepend(str(REPOSITORY / "firmware"))
    monkeypatch.setattr(asyncio, "sleep_ms", lambda ms: asyncio.sleep(ms / 100_000), raising=False)
    for name in [n for n in sys.modules if n.split(".")[0] == "uplink"]:
        monkeypatch.delitem(sys.modules, name)
    from uplink import light, radio, settings

    return SimpleNamespace(light=light, radio=radio, settings=settings)


GOOD = {"publish_host": "10.10.0.1"}


def test_the_example_is_sound(uplink):
    found = uplink.settings.load(str(REPOSITORY / "firmware" / "settings.example.json"))
    assert found.network == "wifi" and found.publish_port == 9000


@pytest.mark.parametrize(("change", "message"), [
    ({"network": "pigeon"}, "pigeon"),
    ({"network": "wifi"}, "wifi_ssid"),
    ({"publish_host": ""}, "publish_host"),
    ({"publish_port": 70000}, "1 to 65535"),
    ({"watchdog_s": True}, "watchdog_s"),
    ({"publish_by": "pigeon"}, "publish_by"),
    ({"publish_by": "mqtt"}, "mqtt_topic"),
    ({"publish_by": "mqtt", "mqtt_topic": "plant/#"}, "mqtt_topic"),
    ({"publish_by": "mqtt", "mqtt_topic": "/plant"}, "mqtt_topic"),
    ({"publish_by": "mqtt", "mqtt_topic": "plant", "watchdog_s": 6}, "mqtt_timeout_s"),
    ({"ring": 0}, "ring"),
    ({"mqtt_password": 12345678}, "mqtt_password: the value"),
    ({"wifi_passwort": "hush-hush"}, "wifi_passwort"),
    ({"wifi_password": 12345678}, "wifi_password: the value"),
])  # fmt: skip
def test_wrong_settings_are_refused_by_name(uplink, change, message):
    with pytest.raises(uplink.settings.SettingsError, match=message) as caught:
        uplink.settings.Settings(**{**GOOD, **change})
    assert "hush-hush" not in str(caught.value) and "12345678" not in str(caught.value)


def test_a_ring_drops_the_oldest_and_counts(uplink):
    from uplink.ring import Ring

    ring = Ring(3)
    items = [b"%d" % i for i in range(5)]
    for item in items:
        ring.put(item)
    assert len(ring) == 3 and ring.dropped == 2 and ring.first == b"2"
    ring.pop(items[0])
    assert len(ring) == 3, "it has given way already"
    for item in items[2:]:
        ring.pop(item)
    assert len(ring) == 0 and ring.dropped == 2


def test_starts_are_counted(uplink, tmp_path):
    from uplink.ring import count_start

    path = tmp_path / "starts.txt"
    assert [count_start(str(path)) for _ in range(3)] == [1, 2, 3]
    path.write_text("")  # a reset while a file system was busy
    assert count_start(str(path)) == 1
    nowhere = str(tmp_path / "nowhere" / "starts.txt")
    assert count_start(nowhere) != count_start(nowhere)


def test_commands(uplink):
    from uplink import commands

    app = SimpleNamespace(set_interval=lambda s: app.__dict__.update(every=s))
    assert commands.handle(app, b'{"publish_every_s": 5}') == "a reading every 5 s" and app.every == 5
    for bad in (b"", b"[]", b'{"reboot": true}', b"\xff"):
        with pytest.raises(ValueError):
            commands.handle(app, bad)


class FakeWlan:
    """A WiFi that connects after so many looks, or never."""

    def __init__(self, looks: int, status: int = 1000):
        self.looks, self.state, self.calls = looks, status, []

    def active(self, on):
        self.calls.append(("active", on))

    def connect(self, *credentials):
        self.calls.append(("connect", *credentials))

    def isconnected(self):
        self.looks -= 1
        return self.looks < 0

    def status(self):
        return self.state


def network_with(monkeypatch, wlan: FakeWlan) -> None:
    module = SimpleNamespace(
        WLAN=lambda _kind: wlan, STA_IF=0, STAT_WRONG_PASSWORD=202, STAT_NO_AP_FOUND=201,
        country=lambda c: wlan.calls.append(("country", c)), hostname=lambda h: wlan.calls.append(("hostname", h)),
    )  # fmt: skip
    monkeypatch.setitem(sys.modules, "network", module)


WIFI = {**GOOD, "network": "wifi", "wifi_ssid": "net", "wifi_password": "pw", "wifi_country": "DE", "network_timeout_s": 1}


def test_wifi_comes_up(uplink, monkeypatch):
    wlan = FakeWlan(3)
    network_with(monkeypatch, wlan)
    radio = uplink.radio.open_radio(uplink.settings.Settings(**WIFI))
    assert not radio.is_up()
    asyncio.run(radio.up())
    assert radio.is_up() and wlan.calls == [("country", "DE"), ("active", True), ("connect", "net", "pw")]


@pytest.mark.parametrize(("status", "message"), [(202, "refuses the password"), (201, "not in reach"), (1, "status 1")])
def test_wifi_that_stays_away_says_why_and_starts_anew(uplink, monkeypatch, status, message):
    wlan = FakeWlan(10_000, status)
    network_with(monkeypatch, wlan)
    radio = uplink.radio.open_radio(uplink.settings.Settings(**WIFI))
    with pytest.raises(uplink.radio.RadioError, match=message) as caught:
        asyncio.run(radio.up())
    assert wlan.calls[-1] == ("active", False) and "pw" not in str(caught.value).split()
    wlan.looks = 1
    asyncio.run(radio.up())
    assert radio.is_up()


@pytest.mark.parametrize(("state", "flashes"), [("NO_NETWORK", 1), ("NO_TUNNEL", 2), ("UP", 1)])
def test_the_light_counts_the_state(uplink, monkeypatch, state, flashes):
    levels, pauses = [], []
    pin = SimpleNamespace(value=levels.append)
    monkeypatch.setitem(sys.modules, "machine", SimpleNamespace(Pin=lambda *_a, **_k: pin))
    uplink.light._open.__globals__["asyncio"] = SimpleNamespace(sleep_ms=_counted(pauses))
    sys.modules["machine"].Pin.OUT = 1
    light = uplink.light.Light("LED")
    light.state = getattr(uplink.light, state)
    with pytest.raises(_Enough):
        asyncio.run(light.run())
    assert levels == [1, 0] * flashes


class _Enough(Exception):
    """Ends an endless loop after its long pause."""


def _counted(pauses):
    async def sleep_ms(ms):
        pauses.append(ms)
        if ms >= 1000:
            raise _Enough

    return sleep_ms
