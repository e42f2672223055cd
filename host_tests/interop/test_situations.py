"""The situations of host_tests/system/test_situations.py that a real strongSwan can be asked about.

A row has the options of the gateway (those of `StrongSwan.load_psk`), those of the device, and what comes of it: words of the
text that the device ends with, or what charon then says of the SA. Start reading at `SITUATIONS`.
"""

import json
import sys

import pytest
from ipsec.ike.identity import encode

from host_tests.interop.strongswan import CLIENT_ID, GATEWAY_ID, PSK

pytestmark = [pytest.mark.interop, pytest.mark.slow]

_DEVICE = "host_tests/interop/device.py"
_GCM = "aes256gcm16-prfsha384-ecp384"
_CBC = "aes256-sha256-modp2048"
_KEY = bytes(range(1, 33))
_DN = "C=DE, O=Example, CN=device 7"
_DER = encode(_DN)[4:].hex()


def _suites(typed, ike=_GCM, esp_typed="aes256gcm16", esp="aes256gcm16"):
    """A device with these suites, as typed, and a gateway that has only one."""
    return {"proposals": [ike], "esp_proposals": [esp]}, {"ike_proposals": [typed], "esp_proposals": [esp_typed]}


def _identity(typed, swan):
    """A device with this identity as typed; the gateway has a connection and a key for the one that is meant alone."""
    return {"client_id": swan}, {"local_id": typed}


def _gateway(typed, swan):
    """The same for the gateway's identity."""
    return {"gateway_id": swan}, {"remote_id": typed}


def _key(typed):
    """The same key in another form."""
    return {"psk": _KEY}, {"psk": typed}


_UP: dict = {}
SITUATIONS = {
    # 1. Suites
    "upper case and a mark of exclamation": (*_suites("AES256GCM16-PRFSHA384-ECP384!"), {"dh-group": "ECP_384"}),
    "ICV in bits": (*_suites("aes256gcm128-prfsha384-secp384r1", esp_typed="AES256GCM128!"), {"encr-keysize": "256"}),
    "a hash beside AEAD": (*_suites("aes256gcm16-sha384-ecp384"), {"prf-alg": "PRF_HMAC_SHA2_384"}),
    "as libreswan has it": (*_suites("aes_gcm256-sha2_384;dh20", esp_typed="aes_gcm_c_256"), {"encr-alg": "AES_GCM_16"}),
    "one line with alternatives": (
        *_suites("aes128gcm16-prfsha256-x25519, aes256-sha256-dh14", _CBC), {"dh-group": "MODP_2048", "encr-alg": "AES_CBC"},
    ),
    "several words of a kind": (
        *_suites("aes128-aes256-sha512-sha256-ecp256-modp2048", _CBC), {"integ-alg": "HMAC_SHA2_256_128"},
    ),
    "curve25519": (*_suites("aes128gcm16-prfsha256-curve25519", "aes128gcm16-prfsha256-x25519"), {"dh-group": "CURVE_25519"}),
    "an ESP line with a PFS group": (*_suites(_GCM, esp_typed="aes256gcm16-ecp384"), _UP),
    "no common IKE suite": (*_suites(_GCM, _CBC), "IKE (phase 1) offer (aes256gcm16-prfsha384-ecp384): add one"),
    "no common ESP suite": (
        *_suites(_GCM, esp_typed="aes256-sha256"), "ESP (phase 2) offer (aes256-sha256): add one of its suites",
    ),
    # 2. Identities, keys, addresses
    "@name": (*_identity("@cli.test", "cli.test"), {"remote-id": "cli.test"}),
    "fqdn:": (*_identity("fqdn:cli.test", "fqdn:cli.test"), {"remote-id": "cli.test"}),
    "email:": (*_identity("email:me@cli.test", "email:me@cli.test"), {"remote-id": "me@cli.test"}),
    "userfqdn:": (*_identity("userfqdn:me@cli.test", "email:me@cli.test"), {"remote-id": "me@cli.test"}),
    "ipv4:": (*_identity("ipv4:192.0.2.7", "192.0.2.7"), {"remote-id": "192.0.2.7"}),
    "keyid: with text": (*_identity("keyid:pump7", "keyid:pump7"), {"remote-id": "pump7"}),
    "keyid: with digits": (*_identity("keyid:0x00ff", "keyid:#00ff"), _UP),
    "a distinguished name with slashes": (*_identity("/C=DE/O=Example/CN=device 7", "asn1dn:#" + _DER), {"remote-id": _DN}),
    "the gateway's distinguished name": (*_gateway(_DN, "asn1dn:#" + _DER), {"local-id": _DN}),
    "any gateway": (*_gateway("%any", "who.knows"), {"local-id": "who.knows"}),
    "another gateway": ({}, {"remote_id": "other.test"}, "want 'other.test'): compare psk, local_id and remote_id there"),
    "0x key": (*_key("0x" + _KEY.hex()), _UP),
    "0s key": (*_key("0sAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA"), _UP),
    "base64: key": (*_key("base64:AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="), _UP),
    "a key of another": ({}, {"psk": "another key of enough length"}, "compare psk, local_id and remote_id there"),
    "protocol and port": (
        {"local_ts": ["10.0.0.0/8"]}, {"remote_ts": ["10.0.0.0/8[udp/5000]", "10.10.0.0/24[icmp]"]},
        {"local-ts": ["10.0.0.0/8[17/5000]", "10.10.0.0/24[1]"]},
    ),
    "a subnet behind the device": (
        {"child": {"remote_ts": ["192.168.7.0/24"]}, "pool4": "", "pool6": ""},
        {"local_ts": ["192.168.7.0/24"], "virtual_ip": [], "inner_address": "192.168.7.1"}, {"remote-ts": ["192.168.7.0/24"]},
    ),
    "selectors that it does not protect": ({}, {"remote_ts": ["192.168.7.0/24"]}, "its side (remote_ts) 192.168.7.0/24"),
    "no pool": ({"pool4": "", "pool6": ""}, {}, "no address for 'cli.test' (ipv4): give it a pool"),
}  # fmt: skip


@pytest.mark.parametrize("what", SITUATIONS)
def test_situation(make_gateway, what):
    gateway, device, wanted = SITUATIONS[what]
    gw = make_gateway(**gateway)
    config = {"reconnect": False, "local_id": CLIENT_ID, "remote_id": GATEWAY_ID, "psk": PSK, "virtual_ip": ["ipv4"], **device}
    process = gw.start_device([sys.executable, _DEVICE, gw.write_config(**config), "serve"])
    if isinstance(wanted, str):
        said = process.communicate(timeout=30)[0]
        assert process.returncode and wanted in said, said
        return
    assert process.stdout
    first = process.stdout.readline()
    assert first.startswith("up "), first + process.communicate(timeout=30)[0] + gw.swan.log_tail()
    [sa] = gw.swan.list_sas()
    [child] = sa["child-sas"]
    found = {**child, **{name: value for name, value in sa.items() if name != "child-sas"}}
    assert {name: found.get(name) for name in wanted} == wanted, json.dumps(found)
