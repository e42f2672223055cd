"""Post-quantum pre-shared keys (RFC 8784) against strongSwan, with PSK and raw keys, and against libreswan."""

import sys
import time

import pytest

from host_tests.interop.test_raw_keys import _DEVICE, interpreter, run, scene  # noqa: F401 - a fixture
from host_tests.interop.test_rekey import stream

pytestmark = pytest.mark.interop

NAME, KEY = "fleet-7", bytes(range(100, 132))
GIVEN = {"ppk_id": NAME, "ppk": "hex:" + KEY.hex()}


def load(gw, method: str, key: bytes = KEY, **options) -> dict:
    """Give the gateway this PPK; the device's options."""
    options = {"ppk_id": NAME, "ppk_required": "yes", **options}
    if method == "psk":
        gw.swan.clear()
        gw.swan.load_psk(**options)
        given = {}
    else:
        given = scene(gw, method, method, **options)
    gw.swan.vici.load_shared({"type": "PPK", "data": key, "owners": [NAME]})
    return {**given, **GIVEN}


@pytest.mark.parametrize("method", ["psk", "ed25519", "p256"])
def test_a_tunnel_with_a_ppk(gw, interpreter, method):  # noqa: F811
    run(gw, interpreter, **load(gw, method))
    assert f"using PPK for PPK_ID '{NAME}'" in gw.swan.log()


def test_a_gateway_that_has_not_got_it(gw):
    options = load(gw, "psk", bytes(32))
    done = gw.run_device([sys.executable, _DEVICE, gw.write_config(**options), "1"])
    assert done.status != 0 and "PPK" in "\n".join(done.lines)
    gw.swan.clear()
    gw.swan.load_psk()
    done = gw.run_device([sys.executable, _DEVICE, gw.write_config(**GIVEN), "1"])
    assert done.status != 0 and "does not do PPK" in "\n".join(done.lines)
    run(gw, sys.executable, **GIVEN, ppk_required=False)


@pytest.mark.parametrize("what", [{"ike": "rw"}, {"child": "net"}], ids=["ike", "child"])
def test_new_keys_after_a_ppk(gw, interpreter, what):  # noqa: F811
    with stream(gw, interpreter, **load(gw, "psk")) as running:
        gw.swan.rekey(**what)
        gw.swan.wait_log("rekeyed between" if "ike" in what else "rekeyed CHILD_SA")
        gw.swan.rekey(child="net")
        gw.swan.wait_log("rekeyed CHILD_SA")
        time.sleep(1.2)
    running.check()
