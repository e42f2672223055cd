"""The responder against the scripted initiator: handshake, configuration, ESP echo, rekeying, deletes."""

import ipaddress
import json
import struct

import pytest

from . import Responder
from .crypto import Dh
from .esp import EspDrop
from .iana import Attr, Exchange, Note, Type
from .inner import IpPacket, UdpDatagram, echo_request
from .payloads import (
    find_notify,
    ke_payload,
    names,
    notify_payload,
    parse_cp,
    require,
    require_notify,
)
from .scripted_initiator import HOST4, HOST6, Initiator, echo
from .selectors import Selector, ts_payload
from .wire import Header, Payload

IKE_SUITES = [
    "aes128ccm16-prfsha256-x25519",
    "aes256ccm16-prfsha512-x25519",
    "aes128ccm8-prfsha256-ecp256",
    "aes256gcm16-prfsha384-ecp256",
    "aes128gcm16-prfsha256-modp2048",
    "chacha20poly1305-prfsha256-x25519",
    "aes128-sha256-modp2048",
    "aes256-sha384-ecp256",
    "aes256-sha512-x25519",
]
ESP_SUITES = [
    "aes128ccm16",
    "aes256ccm8",
    "aes128gcm16",
    "aes256gcm16-esn",
    "chacha20poly1305",
    "aes128-sha256",
    "aes256-sha384-esn",
    "aes256-sha512",
    "aes128ccm8iiv",
    "aes128gcm16iiv-esn",
    "chacha20poly1305iiv",
]


@pytest.fixture
def gw():
    with Responder(psk="secret") as gateway:
        yield gateway


def udp(client: Initiator, port: int, data: bytes, src: bytes, dst: bytes) -> bytes:
    client.send_inner(UdpDatagram(4000, port, data).packet(src, dst))
    answer = UdpDatagram.parse(IpPacket.parse(client.receive_inner()))
    assert (answer.sport, answer.dport) == (port, 4000)
    return answer.data


@pytest.mark.parametrize("suite", IKE_SUITES)
def test_ike_suites(suite):
    with Responder(psk="secret", ike_suites=(suite,)) as gw, Initiator(gw, ike=suite) as client:
        client.connect()
        echo(client)
        assert str(gw.sa.suite) == str(client.suite)


@pytest.mark.parametrize("suite", ESP_SUITES)
def test_esp_suites(suite):
    with Responder(psk="secret", esp_suites=(suite,)) as gw, Initiator(gw, esp=suite) as client:
        client.connect()
        for _ in range(3):
            echo(client)
        assert gw.child.counters["in.packets"] == gw.child.counters["out.packets"] == 3


def test_configuration(gw):
    with Initiator(gw) as client:
        client.init()
        answer = client.auth()
        attributes = {(a.type, a.value) for a in parse_cp(require(answer, Type.CP))[1]}
        address4, address6 = client.addresses
        assert attributes == {
            (Attr.INTERNAL_IP4_ADDRESS, bytes((10, 20, 0, 1))),
            (Attr.INTERNAL_IP6_ADDRESS, ipaddress.ip_address("fd00:20::1").packed + bytes((112,))),
            (Attr.INTERNAL_IP4_DNS, bytes((10, 10, 0, 53))),
            (Attr.INTERNAL_IP6_DNS, ipaddress.ip_address("fd00:10::53").packed),
            (Attr.INTERNAL_IP4_SUBNET, bytes((10, 10, 0, 0, 255, 255, 255, 0))),
            (Attr.INTERNAL_IP6_SUBNET, ipaddress.ip_address("fd00:10::").packed + bytes((64,))),
        }
        assert client.ts_i == [Selector(address4, address4), Selector(address6, address6)]
        assert client.ts_r == [Selector.of("10.10.0.0/24"), Selector.of("fd00:10::/64")]


def test_services(gw):
    with Initiator(gw).connect() as client:
        v4, v6 = client.addresses
        assert udp(client, 7, b"abc", v4, HOST4) == b"abc"
        assert udp(client, 7, b"", v6, HOST6) == b""
        assert udp(client, 5000, json.dumps({"n": 3, "t": 21.5}).encode(), v4, HOST4) == b"ack 3"
        assert udp(client, 5000, b"n=4 t=22", v6, HOST6) == b"ack 4"
        assert udp(client, 5000, b"nothing", v4, HOST4) == b"error"
        assert gw.readings == [{"n": 3, "t": 21.5}, "n=4 t=22"]
        name = b"\x09collector\x07example\x00"
        for qtype, address in ((1, HOST4), (28, HOST6)):
            query = struct.pack(">HHHHHH", 77, 0x0100, 1, 0, 0, 0) + name + struct.pack(">HH", qtype, 1)
            reply = udp(client, 53, query, v4, HOST4)
            assert struct.unpack_from(">HHHH", reply) == (77, 0x8580, 1, 1) and reply.endswith(address)
        client.send_inner(echo_request(v6, HOST6, 9, 2, b"six"))
        assert IpPacket.parse(client.receive_inner()).payload[0] == 129


def test_wrong_key_is_refused(gw):
    with Initiator(gw, psk=b"wrong") as client:
        client.init()
        answer = client.auth()
        assert names(answer) == ["N(AUTHENTICATION_FAILED)"] and not gw.sas


def test_peer_identity_is_checked():
    with Responder(psk={"dev.example": "secret"}) as gw:
        with Initiator(gw).connect() as client:
            echo(client)
        with Initiator(gw, identity="other.example") as client:
            client.init()
            assert names(client.auth()) == ["N(AUTHENTICATION_FAILED)"]


def test_no_proposal_and_invalid_ke():
    with Responder(psk="secret", ike_suites=("aes128gcm16-prfsha256-ecp256",)) as gw:
        with Initiator(gw, ike="aes128ccm16-prfsha256-x25519") as client:
            assert names(client.init()) == ["N(NO_PROPOSAL_CHOSEN)"]
        with Initiator(gw, ike="aes128gcm16-prfsha256-ecp256") as client:
            payloads = client.init_payloads()
            payloads[1] = ke_payload(31, Dh(31).public)
            answer = client.init(payloads)
            assert require_notify(answer, Note.INVALID_KE_PAYLOAD).data == bytes((0, 19))
            assert Header.parse(client.init_response).spi_r == bytes(8)
            client.connect()
            echo(client)


def test_cookies():
    with Responder(psk="secret", cookie_rounds=2) as gw, Initiator(gw) as client:
        seen = set()
        for _ in range(2):
            answer = client.init()
            assert names(answer) == ["N(COOKIE)"] and not gw.engine.sas
            cookie = require_notify(answer, Note.COOKIE).data
            seen.add(cookie)
            client.extra = [notify_payload(Note.COOKIE, cookie)]
        assert len(seen) == 2
        client.connect()
        echo(client)


def test_nat_detection_answers_a_forced_nat(gw):
    from .exchange_init import nat_hash

    with Initiator(gw) as client:
        answer = client.init()
        where = client.sock.getsockname()
        true = nat_hash(client.spi_i, client.spi_r, *where)
        assert require_notify(answer, Note.NAT_DETECTION_DESTINATION_IP).data != true
    with Initiator(gw) as client:
        payloads = [p for p in client.init_payloads() if p.type != Type.N]
        source = nat_hash(client.spi_i, bytes(8), *client.sock.getsockname())
        answer = client.init([*payloads, notify_payload(Note.NAT_DETECTION_SOURCE_IP, source)])
        true = nat_hash(client.spi_i, client.spi_r, *client.sock.getsockname())
        assert require_notify(answer, Note.NAT_DETECTION_DESTINATION_IP).data == true


def test_address_pool_runs_dry():
    with Responder(psk="secret", pool4="10.20.0.1/32", pool6="") as gw:
        with Initiator(gw).connect() as client, Initiator(gw, identity="b") as other:
            other.init()
            answer = other.auth()
            assert names(answer) == ["IDr", "AUTH", "N(INTERNAL_ADDRESS_FAILURE)"]
            assert len(gw.sas) == 2 and not gw.sa.children
            client.delete_ike()
        with Initiator(gw, identity="c").connect() as client:
            echo(client)


def test_child_refused_and_ike_sa_stays(gw):
    with Initiator(gw) as client:
        client.init()
        payloads = client.auth_payloads(b"\x01\x02\x03\x04")
        payloads[-1] = ts_payload(Type.TSr, [Selector.of("192.0.2.0/24")])
        answer = client.auth(payloads)
        assert names(answer) == ["IDr", "AUTH", "N(TS_UNACCEPTABLE)"]
        assert client.request(Exchange.INFORMATIONAL, []) == []
        client.create_child()
        assert len(gw.child.counters) == 0 and len(gw.sa.children) == 1


def test_initial_contact_replaces(gw):
    with Initiator(gw).connect(), Initiator(gw) as second:
        second.init()
        auth, first = second.auth_payloads(b"\x01\x02\x03\x04"), gw.sa
        second.auth([*auth, notify_payload(Note.INITIAL_CONTACT)])
        assert gw.sas == [gw.sa] and gw.sa is not first
        assert second.addresses[0] == bytes((10, 20, 0, 1))
        echo(second)


def test_repeated_requests_get_the_same_answer(gw):
    with Initiator(gw) as client:
        client.init()
        client.send(client.init_request, natt=False)
        assert client.receive_kind("ike") == client.init_response
        client.auth()
        client.send(client.last_request)
        assert client.receive_kind("ike") == client.last_response
        assert len(gw.engine.sas) == 1 and len(gw.sa.children) == 1
        client.delete_ike()
        client.send(client.last_request)
        assert client.receive_kind("ike") == client.last_response


def test_auth_lifetime():
    with Responder(psk="secret", auth_lifetime_s=3600) as gw, Initiator(gw) as client:
        client.init()
        assert require_notify(client.auth(), Note.AUTH_LIFETIME).data == struct.pack(">I", 3600)


def test_unknown_payloads(gw):
    with Initiator(gw) as client:
        client.init([*client.init_payloads(), Payload(200, b"ignored")])
        client.auth()
        answer = client.request(Exchange.INFORMATIONAL, [Payload(201, b"x", critical=True)])
        assert require_notify(answer, Note.UNSUPPORTED_CRITICAL_PAYLOAD).data == bytes((201,))
        echo(client)


def test_childless_then_a_child():
    with Responder(psk="secret", childless=True) as gw, Initiator(gw) as client:
        assert find_notify(client.init(), Note.CHILDLESS_IKEV2_SUPPORTED)
        answer = client.auth(client.auth_payloads(b"spi!")[:2])
        assert names(answer) == ["IDr", "AUTH"] and not gw.sa.children
        client.create_child(19)
        assert gw.child.ts_gateway == client.ts_r


@pytest.mark.parametrize("identity", ["a@b.example", "192.0.2.7", "2001:db8::7", "keyid:00ff", "dn:3000"])
def test_identity_types(identity):
    with Responder(psk={identity: "secret"}, local_id=identity) as gw, Initiator(gw, identity=identity) as client:
        client.init()
        answer = client.auth()
        assert require(answer, Type.IDr) == client.identity.body and str(gw.sa.peer_id) == identity


def test_half_open_and_deleted_sas_are_bounded(gw):
    for _ in range(300):
        with Initiator(gw) as client:
            client.init()
    assert len(gw.engine.sas) == 256


def test_gateway_sends_odd_esp(gw):
    with Initiator(gw).connect() as client:
        inner = echo_request(HOST4, client.addresses[0], 1, 1, b"")
        gw.send_esp(inner + bytes((2, 1, 2, 4)))
        with pytest.raises(EspDrop, match="padding"):
            client.receive_inner()
        with gw.lock:
            gw.datapath.send_dummy(gw.sa, gw.child)
            gw.datapath.send_on(gw.sa, gw.child, inner, tfc=32, pad=16)
        assert client.receive_inner() == b""
        assert client.receive_inner() == inner
