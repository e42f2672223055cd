"""IKE messages in pieces (RFC 7383) against strongSwan: its answers in small ones, and a path that drops IP fragments."""

import sys
import time

import pytest

from host_tests.interop.link import NEAR, bad_link
from host_tests.interop.test_rekey import stream

pytestmark = pytest.mark.interop

_NETS = [f"10.10.{n}.0/24" for n in range(8)]
_DNS = [f"10.10.0.{n}" for n in range(1, 61)]
_LONG_ID = "device-" + "with-a-long-name-" * 6 + "17.test"
WIDE: dict = {"local_ts": _NETS, "dns": _DNS, "client_id": _LONG_ID, "fragmentation": "yes"}
OURS: dict = {"remote_ts": _NETS, "local_id": _LONG_ID}


@pytest.mark.parametrize("interpreter", ["micropython", sys.executable], ids=["micropython", "cpython"])
@pytest.mark.parametrize(("size", "pieces"), [(200, 6), (576, 2)])
def test_the_gateways_messages_come_in_pieces(make_gateway, interpreter, size, pieces):
    """Of IKE_AUTH and of new keys in both directions."""
    esp = "aes128gcm16-x25519"
    gw = make_gateway(settings={"fragment_size": size}, esp_proposals=[esp], **WIDE)
    with stream(gw, interpreter, esp_proposals=[esp], child_lifetime_packets=30, natt_keepalive_s=1, **OURS) as device:
        gw.swan.rekey(child="net")
        gw.swan.wait_log("rekeyed CHILD_SA")
        gw.swan.rekey(ike="rw")
        gw.swan.wait_log("rekeyed between")
        gw.swan.wait_log("closing CHILD_SA", count=3)
    device.check()
    cut = [line for line in gw.swan.log().splitlines() if "splitting IKE message" in line]
    assert any(f"into {n} fragments" in line for line in cut for n in range(pieces, 9)), cut


@pytest.mark.parametrize("interpreter", ["micropython", sys.executable], ids=["micropython", "cpython"])
def test_a_path_of_600_octets_that_drops_ip_fragments(make_gateway, interpreter):
    """Our large IKE_AUTH vanishes until it goes in pieces; the gateway cuts its own."""
    gw = make_gateway(settings={"fragment_size": 576}, **WIDE)
    with bad_link(gw, mtu=600) as link:
        with stream(gw, interpreter, gateway=NEAR, retransmit_ms=250, esp_proposals=None, **OURS) as device:
            gw.swan.rekey(child="net")
            gw.swan.wait_log("rekeyed CHILD_SA")
            time.sleep(1.2)
        device.check()
    assert link.lost >= 2 and "EF(1/2)" in gw.swan.log()


def test_a_request_of_600_octets_passes_nowhere_when_the_gateway_does_without_pieces(make_gateway):
    gw = make_gateway(**{**WIDE, "fragmentation": "no"})
    with bad_link(gw, mtu=600):
        config = gw.write_config(gateway=NEAR, retransmit_ms=100, retransmit_tries=4, esp_proposals=None, **OURS)
        done = gw.run_device(["micropython", "host_tests/interop/device.py", config, "1"])
    assert done.status != 0 and not any(line.startswith("up") for line in done.lines), done.lines


def test_everything_that_is_installed_is_offered_within_600_octets(make_gateway):
    """IKE_SA_INIT cannot be cut (RFC 7383 2.1)."""
    gw = make_gateway(settings={"fragment_size": 576})
    with bad_link(gw, mtu=600) as link:
        config = gw.write_config(gateway=NEAR, ike_proposals=None, esp_proposals=None)
        done = gw.run_device(["micropython", "host_tests/interop/device.py", config, "3"])
    assert done.status == 0 and link.lost == 0, done.lines
