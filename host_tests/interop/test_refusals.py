"""Gateways that refuse new keys for good while readings flow, as real ones do; what the device then does, and what it says.

strongSwan refuses a Child SA whose group for perfect forward secrecy is not its own: that counts from the first rekeying on, so
the tunnel comes up. libreswan refuses an IKE SA when the connection that answered IKE_SA_INIT has other proposals than the one
that the device's identity then leads to.
"""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from host_tests.interop import spaces, test_libreswan
from host_tests.interop.gateway import device_options, start_device, wait_for_line
from host_tests.interop.libreswan import Libreswan
from host_tests.interop.spaces import Network
from host_tests.interop.test_rekey import stream

pytestmark = [pytest.mark.interop, pytest.mark.slow]
pluto_root, network = test_libreswan.pluto_root, test_libreswan.network  # fixtures

_GCM = "aes128gcm16-prfsha256-x25519"
_PFS = "aes128gcm16-modp3072"
_SERVICES = "host_tests/interop/agent_services.py"
BOTH = pytest.mark.parametrize("interpreter", ["micropython", sys.executable], ids=["micropython", "cpython"])


def connection(**more) -> dict:
    """A gateway that wants perfect forward secrecy with a group that no IKE proposal has."""
    return {"proposals": [_GCM], "esp_proposals": [_PFS], **more}


@BOTH
def test_a_group_of_which_no_list_of_ours_speaks_is_found_out(make_gateway, interpreter):
    """The gateway says which, in answer to a list of all that is installed: no other IKE SA is needed."""
    gw = make_gateway(**connection())
    with stream(gw, interpreter, ike_proposals=[_GCM], esp_proposals=["aes128gcm16"], child_lifetime_packets=30) as device:
        gw.swan.wait_log("closing CHILD_SA", count=3, timeout_s=30)
    device.check(gap_ms=1500)  # MODP-3072 in Python
    assert len(gw.swan.list_sas()) <= 1 and "[IKE] IKE_SA rw[2]" not in gw.swan.log()


@BOTH
def test_no_child_sa_and_another_ike_sa_beside(make_gateway, interpreter):
    """No reading is lost, nothing is DOWN, and a warning says what to change."""
    gw = make_gateway(**connection())
    options: dict = {"ike_proposals": [_GCM], "esp_proposals": ["aes128gcm16-x25519"], "child_lifetime_s": 10}
    with stream(gw, interpreter, **options) as device:
        gw.swan.wait_log("deleting IKE_SA rw", count=2, timeout_s=40)
        time.sleep(0.5)
    _check(device.figures, ["warning rekey"] * 2)


@BOTH
def test_no_child_sa_and_no_second_ike_sa(make_gateway, interpreter):
    """The old one ends first, after it has carried packets for as long as the second one was asked for in vain."""
    gw = make_gateway(settings={"ikesa_limit": 1}, **connection())
    options: dict = {"ike_proposals": [_GCM], "esp_proposals": ["aes128gcm16-x25519"], "child_lifetime_s": 10}
    with stream(gw, interpreter, **options) as device:
        gw.swan.wait_log("IKE_SA rw[2] established", timeout_s=40)
        time.sleep(0.5)
    _check(device.figures, ["warning rekey", "down renew", "up up"], lost=3)


@BOTH
def test_no_ike_sa(network: Network, interpreter):
    """pluto answers IKE_SA_INIT by the connection of an SA that lives, so there is no second one either."""
    pluto = Libreswan(network.gateway, ike="aes_gcm256-sha2_512-dh20", lobby="aes_gcm128-sha2_256-dh31")
    with pluto.carry_esp(), _services(network):
        figures = _readings(network, interpreter, 14, ike_proposals=[_GCM], esp_proposals=["aes128gcm16"], lifetime_s=10)
    assert "no local proposal matches" in pluto.log()
    pluto.close()
    _check(figures, ["warning rekey", "down renew", "up up"], lost=3)
    assert "does not rekey the IKE SA (the gateway answered NO_PROPOSAL_CHOSEN to our IKE (phase 1) offer" in figures["warning"]


def _check(figures: dict, events: list[str], lost: int = 0) -> None:
    assert figures["events"][: len(events)] == events, figures
    assert 20 < figures["sent"] - lost <= figures["acked"] and figures["gap_ms"] <= 600, figures
    assert "NO_PROPOSAL_CHOSEN" in figures["warning"], figures


@contextlib.contextmanager
def _services(network: Network) -> Iterator[None]:
    """The collector behind the gateway runs while the block does."""
    said = network.work / "services.txt"
    with said.open("w") as output:
        services = network.gateway.start([sys.executable, "-I", _SERVICES, spaces.INSIDE, spaces.INSIDE6], stdout=output)
    try:
        wait_for_line(services, said, "ready")
        yield
    finally:
        spaces.stop(services)


def _readings(network: Network, interpreter: str, seconds: int, **options) -> dict:
    """What a device that sends 20 readings a second prints at its end."""
    config = network.work / "device.json"
    config.write_text(json.dumps({**device_options(), **options}))
    argv: list = [interpreter, "host_tests/interop/stream.py", config, str(seconds), "20"]
    device = start_device(network.client, argv, stdin=subprocess.PIPE)
    assert device.stdout and device.stdin
    try:
        line = device.stdout.readline()
        assert line.startswith("up "), line + device.stdout.read()
        time.sleep(seconds)
        device.stdin.write("\n")
        device.stdin.flush()
        return json.loads(device.stdout.read().splitlines()[0])
    finally:
        spaces.stop(device, 0)
