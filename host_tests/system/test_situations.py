"""What people type, and what gateways are like: each row connects to the reference responder, or fails with the text that helps.

A row has the options of the gateway, those of the device, and whom the gateway then sees, or words of the text. Defaults of
vendors are in test_vendor_defaults.py, mistakes of people and gateways that are not there in test_bad_input.py.
Start reading at `SITUATIONS`.
"""

import pytest
from ipsec.ike.identity import encode

from host_tests.responder import Responder, fault_library
from host_tests.responder.iana import Exchange, Type
from host_tests.responder.wire import Payload
from host_tests.system.harness import PSK, Client

_GCM = "aes256gcm16-prfsha384-ecp384"
_CBC = "aes256-sha256-modp2048"
_KEY = bytes(range(1, 33))
_DN = "C=DE, O=Example, CN=device 7"
_DER = encode(_DN)[4:].hex()


def _suites(typed, gateway=_GCM, esp_typed="", esp="aes256gcm16"):
    """A device with these suites, as typed, and a gateway that has only one."""
    given = {"esp_proposals": [esp_typed]} if esp_typed else {}
    return {"ike_suites": (gateway,), "esp_suites": (esp,)}, {"ike_proposals": [typed], **given}


def _identity(typed, sent):
    """A device with this identity as typed; the gateway has a key for the one that is meant alone."""
    return {"psk": {sent: PSK}}, {"local_id": typed}


def _gateway(typed, says):
    """The same for the gateway's identity."""
    return {"local_id": says}, {"remote_id": typed}


SITUATIONS = {
    # 1. Suites
    "upper case and a mark of exclamation": (*_suites("AES256GCM16-PRFSHA384-ECP384!"), "device.example"),
    "ICV in bits": (*_suites("aes256gcm128-prfsha384-secp384r1", esp_typed="AES256GCM128!"), "device.example"),
    "a hash beside AEAD, as strongSwan has it": (*_suites("aes256gcm16-sha384-ecp384"), "device.example"),
    "as libreswan has it": (*_suites("aes_gcm256-sha2_384;dh20", esp_typed="aes_gcm_c_256"), "device.example"),
    "one line with alternatives": (*_suites("aes128gcm16-prfsha256-x25519, aes256-sha256-dh14", _CBC), "device.example"),
    "several words of a kind": (*_suites("aes128-aes256-sha512-sha256-ecp256-modp2048", _CBC), "device.example"),
    "curve25519": (*_suites("aes128gcm16-prfsha256-curve25519", "aes128gcm16-prfsha256-x25519"), "device.example"),
    "an ESP line with a PFS group": (*_suites(_GCM, esp_typed="aes256gcm16-ecp384"), "device.example"),
    "no list, and a gateway with another group": ({"ike_suites": (_CBC,)}, {}, "device.example"),
    "no common IKE suite": (*_suites(_GCM, _CBC), "IKE (phase 1) offer (aes256gcm16-prfsha384-ecp384): add one"),
    "no common ESP suite": (
        *_suites(_GCM, esp_typed="aes256-sha256"), "ESP (phase 2) offer (aes256-sha256): add one of its suites to esp_proposals",
    ),
    # 2. Identities, keys, addresses
    "@name": (*_identity("@device.example", "device.example"), "device.example"),
    "fqdn:": (*_identity("fqdn:device.example", "device.example"), "device.example"),
    "dns:": (*_identity("dns:device.example", "device.example"), "device.example"),
    "email:": (*_identity("email:me@device.example", "me@device.example"), "me@device.example"),
    "rfc822:": (*_identity("rfc822:me@device.example", "me@device.example"), "me@device.example"),
    "userfqdn:": (*_identity("userfqdn:me@device.example", "me@device.example"), "me@device.example"),
    "ipv4:": (*_identity("ipv4:192.0.2.7", "192.0.2.7"), "192.0.2.7"),
    "keyid: with text": (*_identity("keyid:pump7", "keyid:70756d7037"), "keyid:70756d7037"),
    "keyid: with digits": (*_identity("keyid:0x00ff", "keyid:00ff"), "keyid:00ff"),
    "@# with digits": (*_identity("@#00ff", "keyid:00ff"), "keyid:00ff"),
    "a distinguished name": (*_identity(_DN, "dn:" + _DER), "dn:" + _DER),
    "a distinguished name with slashes": (*_identity("/C=DE/O=Example/CN=device 7", "dn:" + _DER), "dn:" + _DER),
    "the gateway's distinguished name": (*_gateway(_DN, "dn:" + _DER), "device.example"),
    "any gateway": (*_gateway("%any", "who.knows"), "device.example"),
    "another gateway": (*_gateway("gw.example", "keyid:00ff"), "it is 'keyid:00ff', expected was 'gw.example': change remote_id"),
    "0x key": ({"psk": _KEY}, {"psk": "0x" + _KEY.hex()}, "device.example"),
    "0s key": ({"psk": _KEY}, {"psk": "0sAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA"}, "device.example"),
    "base64: key": ({"psk": _KEY}, {"psk": "base64:AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="}, "device.example"),
    "hex: key": ({"psk": _KEY}, {"psk": "hex:" + _KEY.hex().upper()}, "device.example"),
    "protocol and port": (
        {"networks": ("10.0.0.0/8",)}, {"remote_ts": ["10.0.0.0/8[udp/5000]", "10.10.0.0/24[icmp]"]}, "device.example",
    ),
    "SCTP by its number": ({"networks": ("10.0.0.0/8",)}, {"remote_ts": ["10.0.0.0/8[132/80]"]}, "device.example"),
    "a subnet behind the device": ({}, {"local_ts": ["10.20.0.0/16"]}, "device.example"),
    "selectors that it does not protect": ({}, {"remote_ts": ["192.168.7.0/24"]}, "its side (remote_ts) 192.168.7.0/24"),
    "no pool": ({"pool4": ""}, {}, "no address for 'device.example' (ipv4): give it a pool"),
    "a key of another": ({"psk": "another key of many octets"}, {}, "compare psk, local_id and remote_id there"),
}  # fmt: skip


@pytest.mark.parametrize("what", SITUATIONS)
def test_situation(what):
    gateway, device, wanted = SITUATIONS[what]
    with Responder(**{"psk": PSK, **gateway}) as gw, Client(gw, retransmit_ms=1000, **device) as client:
        if " " in wanted:
            assert wanted in str(client.fail(within_s=4))
        else:
            client.connect()
            assert client.uplink.is_up
            assert gw.wait_event("ike_up")["peer"] == wanted


def test_a_gateway_with_many_subnets():
    """Thirty, which its answer names as attributes and as selectors: those that adjoin are one, and packets pass."""
    networks = tuple(f"10.10.{n}.0/24" for n in range(10)) + tuple(f"10.{n}.0.0/24" for n in range(100, 120))
    with Responder(psk=PSK, networks=networks) as gw, Client(gw, remote_ts=["10.0.0.0/8"], retransmit_ms=1000) as client:
        client.connect()
        [child] = client.uplink.tunnel._ikes.lead.children
        assert client.uplink.ping("10.10.0.1") is not None and len(child.ts_remote) == 21


def test_a_gateway_with_many_authorities():
    """CERTREQs that name twenty authorities, in IKE_SA_INIT."""
    with Responder(psk=PSK) as gw:
        gw.faults.add(fault_library.add(Exchange.IKE_SA_INIT, Payload(Type.CERTREQ, b"\x04" + bytes(20 * 20))))
        with Client(gw, retransmit_ms=1000).connect() as client:
            assert client.story == [("up", "up")]


@pytest.mark.parametrize("authorities", [60, 140])
def test_an_answer_of_up_to_3000_octets_is_taken_or_its_length_told(authorities):
    """RFC 7296 2: what we have no room for is not called silence."""
    with Responder(psk=PSK) as gw:
        gw.faults.add(fault_library.add(Exchange.IKE_SA_INIT, Payload(Type.CERTREQ, b"\x04" + bytes(20 * authorities))))
        with Client(gw, retransmit_ms=300) as client:
            if authorities == 60:
                client.connect()
            else:
                assert "an answer of 3013 octets is longer than the 1456 that we have room for" in str(client.fail(10))


@pytest.mark.parametrize("count", [60, 100])
def test_subnets_that_nothing_joins(count):
    networks = tuple(f"10.{n}.7.0/24" for n in range(count))
    with Responder(psk=PSK, networks=networks) as gw, Client(gw, remote_ts=["10.0.0.0/8"], retransmit_ms=1000) as client:
        if count == 60:
            assert len(client.connect().uplink.tunnel._ikes.lead.children[0].ts_remote) == 60
        else:
            assert "more than 64 traffic selectors: join them at the gateway" in str(client.fail(10))
