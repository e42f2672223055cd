"""Where the device connects, against strongSwan: REDIRECT, a blocked port 500, a Child SA apart."""

import time

import pytest

from host_tests.interop import spaces
from host_tests.interop.test_rekey import stream

pytestmark = pytest.mark.interop

_OTHER = "10.9.1.9"
_BLOCK_500 = "table inet cut {\n chain input { type filter hook input priority 0; udp dport 500 drop; }\n}\n"


@pytest.mark.slow
def test_a_tunnel_is_sent_to_another_gateway(make_gateway):
    gw = make_gateway(local_addrs=[spaces.GATEWAY, _OTHER])
    gw.gateway.ip(f"addr add {_OTHER}/24 dev eth0")
    with stream(gw) as device:
        time.sleep(5.2)  # it has lived
        gw.swan.redirect(_OTHER, ike="rw")
        gw.swan.wait_log("redirected from %s" % spaces.GATEWAY)
        time.sleep(0.5)
        assert gw.swan.list_sas()[0]["local-host"] == _OTHER
    assert device.figures["events"] == ["down redirect", "up up"] and device.figures["gap_ms"] <= 1000, device.figures


def test_a_network_that_blocks_port_500(make_gateway):
    gw = make_gateway()
    gw.gateway.run(["nft", "-f", "-"], in_root=True, input=_BLOCK_500)
    with stream(gw, retransmit_ms=250) as device:
        time.sleep(1.3)
    device.check()


def test_one_port_for_everything(make_gateway):
    gw = make_gateway()
    gw.gateway.run(["nft", "-f", "-"], in_root=True, input=_BLOCK_500)
    with stream(gw, port=4500) as device:
        time.sleep(1.3)
    device.check()


@pytest.mark.parametrize("childless", ["allow", "force", "never"])
@pytest.mark.parametrize("esp", ["aes128gcm16", "aes128gcm16-x25519"])
def test_the_first_child_sa_apart(make_gateway, childless, esp):
    gw = make_gateway(childless=childless, esp_proposals=[esp])
    with stream(gw, childless=True, esp_proposals=None) as device:
        time.sleep(1.3)
    device.check()
    assert ("CREATE_CHILD_SA request" in gw.swan.log()) == (childless != "never")
