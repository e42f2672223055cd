"""Two Child SAs with different networks behind one strongSwan: both carry packets, each is rekeyed and deleted by itself."""

import contextlib
import json
import subprocess
import sys
import time

import pytest

from host_tests.interop.link import NEAR, bad_link
from host_tests.interop.spaces import INSIDE, stop
from host_tests.interop.strongswan import ESP_PROPOSALS

pytestmark = pytest.mark.interop

_DEVICE = "host_tests/interop/more_device.py"
_OTHER = "10.30.0.1"


def _children(**options) -> dict:
    common = {"esp_proposals": ESP_PROPOSALS, **options}
    return {"net": {"local_ts": ["10.10.0.0/24"], **common}, "other": {"local_ts": ["10.30.0.0/24"], **common}}


def _run(make_gateway, interpreter, act, device=(), weather=None, **connection) -> dict:
    """What the device printed after `act(gw)`, over a bad link where there is weather."""
    with contextlib.ExitStack() as scene:
        return _run_in(scene, make_gateway, interpreter, act, device, weather, connection)


def _run_in(scene, make_gateway, interpreter, act, device, weather, connection) -> dict:
    gw = make_gateway(**{"children": _children(), **connection})
    gw.gateway.ip(f"addr add {_OTHER}/24 dev lo")
    if weather:
        scene.enter_context(bad_link(gw, **weather))
    config = gw.write_config(more_ts=[{"remote_ts": ["10.30.0.0/24"]}], **dict(device))
    process = gw.start_device([interpreter, _DEVICE, config, INSIDE, _OTHER], stdin=subprocess.PIPE)
    assert process.stdout and process.stdin
    try:
        line = process.stdout.readline()
        assert line.startswith("up "), line + process.stdout.read()
        gw.swan.wait_log("CHILD_SA other{2} established")
        time.sleep(0.5)
        act(gw)
        time.sleep(0.5)
        process.stdin.write("\n")
        process.stdin.flush()
        return json.loads(process.stdout.read().splitlines()[0])
    finally:
        stop(process, 0)


def _check(figures: dict, lost: int = 0) -> None:
    """Every host has answered, nobody has heard of anything, and both Child SAs have carried packets."""
    assert figures["events"] == [] and len(figures["children"]) == 2, figures
    for sent, answered in figures["pings"].values():
        assert sent - lost <= answered and sent > 5, figures
    assert all(packets_in > 0 for _, _, packets_in in figures["children"]), figures


@pytest.mark.parametrize("interpreter", ["micropython", sys.executable], ids=["micropython", "cpython"])
def test_both_carry_packets_and_the_gateway_rekeys_each(make_gateway, interpreter):
    def act(gw):
        for n, child in enumerate(("net", "other", "other", "net")):
            gw.swan.rekey(child=child)
            gw.swan.wait_log("rekeyed CHILD_SA", count=n + 1)
            time.sleep(0.2)

    _check(_run(make_gateway, interpreter, act))


def test_we_rekey_both(make_gateway):
    figures = _run(
        make_gateway,
        "micropython",
        lambda gw: gw.swan.wait_log("closing CHILD_SA other", count=2),
        {"child_lifetime_packets": 10},
    )
    _check(figures)


def test_one_that_the_gateway_deletes_is_made_again_and_the_other_stays(make_gateway):
    def act(gw):
        gw.swan.terminate(child="other")
        gw.swan.wait_log("CHILD_SA other{3} established")

    figures = _run(make_gateway, "micropython", act)
    _check(figures, lost=1)  # what was sent while it was not there
    assert figures["pings"][INSIDE][0] == figures["pings"][INSIDE][1], figures


def test_a_lifetime_that_the_gateway_gives_ends_with_both_made_again(make_gateway):
    figures = _run(
        make_gateway,
        "micropython",
        lambda gw: gw.swan.wait_log("CHILD_SA other{4} established"),
        reauth_time="4s",
        rand_time="0s",
    )
    _check(figures)


@pytest.mark.slow
@pytest.mark.parametrize("what", [{"child": "net"}, {"child": "other"}, {"ike": "rw"}], ids=["first", "second", "ike"])
def test_requests_of_both_sides_cross(make_gateway, what):
    """Over a round trip of 80 ms both begin all the time, so that one begins while the other's request is on its way."""
    log = []

    def act(gw):
        end = time.monotonic() + 25
        while _crossings(gw.swan.log()) < 20 and time.monotonic() < end:
            gw.swan.rekey(**what)
            time.sleep(0.13)
        time.sleep(2.5)  # what met something else is asked for again
        log.append(gw.swan.log())

    options = {"child_lifetime_packets": 3, "dpd_s": 1, "gateway": NEAR}
    figures = _run(make_gateway, "micropython", act, options, {"delay_ms": 40})
    assert _crossings(log[0]), figures
    assert figures["events"] == [] and len(figures["children"]) == 2, figures
    for sent, answered in figures["pings"].values():
        assert sent == answered > 5, figures


def _crossings(log: str) -> int:
    """How often charon saw a request of ours meet one of its own."""
    return sum(log.count(words) for words in ("collision", "TEMP_FAIL", "CHILD_SA_NOT_FOUND"))
