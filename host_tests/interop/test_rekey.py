"""New keys by either side, against strongSwan, while readings flow: none is lost, and nobody hears of it."""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from host_tests.interop.gateway import Gateway
from host_tests.interop.spaces import stop

pytestmark = pytest.mark.interop

_STREAM = "host_tests/interop/stream.py"
_PFS = "aes128gcm16-x25519"


@dataclass
class Stream:
    """A device that sends 20 readings a second; `figures` holds what it printed at its end."""

    process: subprocess.Popen
    figures: dict = field(default_factory=dict)

    def check(self, gap_ms: int = 600) -> None:
        """Nothing was lost, no event came, and acknowledgements came all the time."""
        assert self.figures["acked"] == self.figures["sent"] > 10, self.figures
        assert self.figures["events"] == [] and self.figures["gap_ms"] <= gap_ms, self.figures


@contextlib.contextmanager
def stream(gw: Gateway, interpreter: str = "micropython", **options) -> Iterator[Stream]:
    """Readings flow while the block runs."""
    config = gw.write_config(**options)
    process = gw.start_device([interpreter, _STREAM, config, "60", "20"], stdin=subprocess.PIPE)
    assert process.stdout and process.stdin
    try:
        line = process.stdout.readline()
        assert line.startswith("up "), line + process.stdout.read()
        running = Stream(process)
        yield running
        process.stdin.write("\n")
        process.stdin.flush()
        output = process.stdout.read()
        running.figures.update(json.loads(output.splitlines()[0]))
    finally:
        stop(process, 0)


@pytest.mark.parametrize("interpreter", ["micropython", sys.executable], ids=["micropython", "cpython"])
@pytest.mark.parametrize(
    ("what", "esp", "line"),
    [
        ({"child": "net"}, "aes128gcm16", "rekeyed CHILD_SA"),
        ({"child": "net"}, _PFS, "rekeyed CHILD_SA"),
        ({"ike": "rw"}, "aes128gcm16", "rekeyed between"),
    ],
    ids=["child", "child with PFS", "ike"],
)
def test_the_gateway_rekeys_twenty_times(make_gateway, interpreter, what, esp, line):
    gw = make_gateway(proposals=["aes128gcm16-prfsha256-x25519"], esp_proposals=[esp])
    with stream(gw, interpreter, ike_proposals=["aes128gcm16-prfsha256-x25519"], esp_proposals=[esp]) as device:
        for n in range(20):
            gw.swan.rekey(**what)
            gw.swan.wait_log(line, count=n + 1)
            time.sleep(0.05)
    device.check()


@pytest.mark.slow
def test_the_gateway_rekeys_both_by_its_clock(make_gateway):
    child = {"rekey_time": "2s", "life_time": "9s", "rand_time": "0s"}
    gw = make_gateway(rekey_time="3s", over_time="9s", rand_time="0s", child=child)
    with stream(gw, dpd_s=1) as device:
        gw.swan.wait_log("rekeyed between", count=3)
        gw.swan.wait_log("rekeyed CHILD_SA", count=3)
    device.check()


@pytest.mark.parametrize("esp", [pytest.param("aes128ccm16", marks=pytest.mark.slow), "aes128ccm16-x25519"])
def test_we_rekey_the_child_sa(make_gateway, esp):
    gw = make_gateway(proposals=["aes128ccm16-prfsha256-x25519"], esp_proposals=[esp])
    options: dict = {"ike_proposals": ["aes128ccm16-prfsha256-x25519"], "esp_proposals": [esp]}
    with stream(gw, **options, child_lifetime_packets=20, dpd_s=1, natt_keepalive_s=1) as device:
        gw.swan.wait_log("closing CHILD_SA", count=8)
    device.check()


def test_a_gateway_that_wants_perfect_forward_secrecy_gets_it_without_a_list_of_ours(make_gateway):
    gw = make_gateway(proposals=["aes128gcm16-prfsha256-x25519"], esp_proposals=[_PFS])
    with stream(gw, ike_proposals=None, esp_proposals=None, child_lifetime_packets=20, natt_keepalive_s=1) as device:
        gw.swan.wait_log("closing CHILD_SA", count=3)
    device.check()


def test_we_rekey_the_ike_sa(make_gateway):
    gw = make_gateway()
    with stream(gw, lifetime_s=10) as device:
        gw.swan.wait_log("rekeyed between", timeout_s=15)
    device.check()


def test_both_rekey_the_child_sa_at_once(make_gateway):
    """Each of 20 rekeys by the gateway meets one of ours, sooner or later; collisions are what charon says they are."""
    gw = make_gateway()
    with stream(gw, child_lifetime_packets=2, natt_keepalive_s=1) as device:
        for _ in range(20):
            gw.swan.rekey(child="net")
            time.sleep(0.15)
    device.check()


def test_a_deleted_child_sa_is_back_within_300_ms(make_gateway):
    gw = make_gateway()
    with stream(gw) as device:
        time.sleep(0.5)
        gw.swan.terminate(child="net")
        time.sleep(1)
    assert device.figures["events"] == ["down deleted", "up up"] and device.figures["gap_ms"] <= 300, device.figures


@pytest.mark.parametrize(
    ("interpreter", "unique", "more"),
    [
        ("micropython", "no", {"settings": {"make_before_break": "yes"}}),
        (sys.executable, "never", {"over_time": "2s"}),
        pytest.param("micropython", "keep", {}, marks=pytest.mark.slow),
        pytest.param("micropython", "replace", {}, marks=pytest.mark.slow),
    ],
)
def test_a_lifetime_that_the_gateway_gives_ends_in_another_ike_sa_beside_the_old_one(make_gateway, interpreter, unique, more):
    """AUTH_LIFETIME (RFC 4478), which no rekey prolongs: the next IKE SA is there before the last one ends."""
    gw = make_gateway(reauth_time="4s", rand_time="0s", unique=unique, **more)
    with stream(gw, interpreter) as device:
        gw.swan.wait_log("deleting IKE_SA rw", count=2, timeout_s=20)
        time.sleep(0.5)
    device.check()
