"""Every ready-made fault does what its name says, seen by the scripted initiator."""

import time

import pytest

from . import Responder, fault_library
from .crypto import IntegrityError
from .iana import Attr, Exchange, Note, Type
from .inner import echo_request
from .payloads import find, names, parse_cp, parse_sa, require, require_notify
from .scripted_initiator import HOST4, Initiator, echo
from .seal import open_message
from .selectors import Selector, parse_ts
from .wire import Header, WireError, parse_message

INIT, AUTH, INFO = Exchange.IKE_SA_INIT, Exchange.IKE_AUTH, Exchange.INFORMATIONAL


@pytest.fixture
def gw():
    with Responder(psk="secret") as gateway:
        yield gateway


@pytest.fixture
def client(gw):
    with Initiator(gw) as initiator:
        yield initiator


def test_dropped_response_is_repeated(gw, client):
    fault = gw.faults.add(fault_library.drop("out", 1))
    client.sock.settimeout(0.1)
    with pytest.raises(TimeoutError):
        client.init()
    client.send(client.init_request, natt=False)
    header, payloads = parse_message(client.receive_kind("ike"))
    assert "KE" in names(payloads) and (fault.seen, fault.done) == (2, 1)


def test_dropped_request_is_never_seen(gw, client):
    gw.faults.add(fault_library.drop("in", 1))
    client.sock.settimeout(0.1)
    with pytest.raises(TimeoutError):
        client.init()
    assert not gw.messages()


def test_delay_and_duplicate(gw, client):
    gw.faults.add(fault_library.delay(0.2, exchange=INIT))
    began = time.monotonic()
    client.init()
    assert time.monotonic() - began >= 0.2
    gw.faults.add(fault_library.duplicate(exchange=AUTH))
    client.auth()
    assert client.receive_kind("ike") == client.last_response


def test_corrupt_and_truncate(gw, client):
    gw.faults.add(fault_library.corrupt(-1, exchange=AUTH))
    client.init()
    with pytest.raises(IntegrityError):
        client.auth()
    gw.faults.clear()
    gw.faults.add(fault_library.truncate(30, exchange=AUTH))
    client.send(client.last_request)
    assert len(client.receive_kind("ike")) == 30


def test_reorder(gw, client):
    client.connect()
    gw.faults.add(fault_library.Reorder())
    for number in (1, 2):
        client.send_inner(echo_request(client.addresses[0], HOST4, 1, number, b""))
    assert [client.receive_inner()[-2:] for _ in range(2)] == [b"\x00\x02", b"\x00\x01"]


def test_reflect(gw, client):
    gw.faults.add(fault_library.Reflect(INIT, 1))
    answer = client.init()
    assert client.init_response == client.init_request and find(answer, Type.KE) is not None


def test_forged_messages_come_first(gw, client):
    gw.faults.add(fault_library.unauthenticated_notify(Note.NO_PROPOSAL_CHOSEN, INIT))
    assert names(client.init()) == ["N(NO_PROPOSAL_CHOSEN)"]
    client.init_response = client.receive_kind("ike")
    header, payloads = parse_message(client.init_response)
    client.spi_r = header.spi_r
    client._derive(payloads)
    gw.faults.add(fault_library.forged_first(AUTH))
    with pytest.raises(IntegrityError):
        client.auth()
    assert "AUTH" in names(open_message(client.receive_kind("ike"), client.opener))


def test_scripted_answers(gw, client):
    gw.faults.add(fault_library.cookie())
    gw.faults.add(fault_library.invalid_ke(19))
    assert require_notify(client.init(), Note.COOKIE).data == b"\x00\x01cookie of the responder"
    assert require_notify(client.init(), Note.INVALID_KE_PAYLOAD).data == b"\x00\x13"
    client.connect()
    gw.faults.add(fault_library.error(INFO, Note.TEMPORARY_FAILURE))
    assert names(client.request(INFO, [])) == ["N(TEMPORARY_FAILURE)"]
    echo(client)


def test_nonzero_spi_r(gw, client):
    gw.faults.add(fault_library.invalid_ke(19))
    gw.faults.add(fault_library.nonzero_spi_r())
    client.init()
    assert Header.parse(client.init_response).spi_r == b"\x01" * 8


@pytest.mark.parametrize(
    "name, field",
    [
        ("other-cipher", lambda p: p.transforms[0].id == 3),
        ("other-key-len", lambda p: p.transforms[0].key_bits == 192),
        ("other-number", lambda p: p.number == 101),
        ("other-protocol", lambda p: p.protocol == 2),
        ("other-spi-len", lambda p: len(p.spi) == 3),
    ],
)
def test_proposals(gw, client, name, field):
    gw.faults.add(fault_library.CATALOG[name]())
    assert field(parse_sa(require(client.init(), Type.SA))[0])


def test_two_proposals(gw, client):
    gw.faults.add(fault_library.two_proposals(INIT))
    assert len(parse_sa(require(client.init(), Type.SA))) == 2


def test_headers(gw, client):
    for fault in (fault_library.minor_version(INIT), fault_library.reserved_bits(INIT)):
        gw.faults.add(fault)
    client.init()
    header, payloads = parse_message(client.init_response)
    assert (header.version, header.flags) == (0x21, 0xE7) and {p.reserved for p in payloads} == {0x7F}
    client.auth()  # AUTH covers the response as it was sent
    gw.faults.clear()
    gw.faults.add(fault_library.message_id(INFO, 7))
    with pytest.raises(AssertionError):
        client.request(INFO, [])
    assert Header.parse(client.last_response).message_id == 9


def test_bad_headers(gw, client):
    gw.faults.add(fault_library.not_a_response(INIT))
    client.init()
    assert not Header.parse(client.init_response).is_response
    with Initiator(gw) as other:
        gw.faults.add(fault_library.major_version(INIT))
        with pytest.raises(WireError):
            other.init()


def test_payloads_missing_added_repeated(gw, client):
    gw.faults.add(fault_library.omit(AUTH, Type.TSr))
    gw.faults.add(fault_library.repeat(AUTH, Type.IDr))
    gw.faults.add(fault_library.unknown_payload(AUTH, critical=True))
    client.init()
    with pytest.raises(WireError):
        client.auth()
    chain = open_message(client.last_response, client.opener)
    assert names(chain)[:4] == ["IDr", "200", "IDr", "AUTH"] and "TSr" not in names(chain)
    assert chain[1].critical


def test_identity_and_auth(gw, client):
    gw.faults.add(fault_library.wrong_auth())
    client.init()
    with pytest.raises(AssertionError, match="AUTH is wrong"):
        client.auth()
    with Initiator(gw) as other:
        gw.faults.clear()
        gw.faults.add(fault_library.wrong_id())
        other.init()
        with pytest.raises(AssertionError, match="AUTH is wrong"):
            other.auth()
        chain = open_message(other.last_response, other.opener)
        assert require(chain, Type.IDr)[4:] == b"other.example"


def test_selectors_and_config(gw, client):
    gw.faults.add(fault_library.selectors(Type.TSi, "0.0.0.0/0"))
    gw.faults.add(fault_library.odd_config())
    client.init()
    answer = client.auth()
    assert parse_ts(require(answer, Type.TSi)) == [Selector.of("0.0.0.0/0")]
    kinds = [a.type for a in parse_cp(require(answer, Type.CP))[1]]
    assert 0x3FFF in kinds and kinds.count(Attr.INTERNAL_IP4_ADDRESS) == 2
    with Initiator(gw) as other:
        gw.faults.clear()
        gw.faults.add(fault_library.short_address())
        other.init()
        assert len(parse_cp(require(other.auth(), Type.CP))[1][0].value) == 3


def test_scripted_randomness(gw, client):
    gw.faults.add(fault_library.Scripted(nonce=b"N" * 32, spi_ike=b"SPI-of-r", spi_esp=b"ESP!", dh=b"d" * 32))
    client.connect()
    assert (client.nonce_r, client.spi_r, gw.child.spi_in) == (b"N" * 32, b"SPI-of-r", b"ESP!")


@pytest.mark.parametrize("name", sorted(fault_library.CATALOG))
def test_catalog_faults_act(gw, client, name):
    """Each one runs inside the gateway without harm to it: the next client, without fault, gets its tunnel."""
    fault = gw.faults.add(fault_library.CATALOG[name]())
    client.sock.settimeout(0.1)
    try:
        client.connect()
        for _ in range(2):
            echo(client)
    except (TimeoutError, WireError, IntegrityError, AssertionError, AttributeError, StopIteration):
        pass
    if hasattr(fault, "done"):
        assert fault.done >= 1
    gw.faults.clear()
    with Initiator(gw) as other:
        other.connect()
        echo(other)


def test_a_fault_that_cannot_be_sent_is_a_drop(gw, client):
    gw.faults.add(fault_library.substitute(lambda data: bytes(70000), nth=1))
    client.sock.settimeout(0.1)
    with pytest.raises(TimeoutError):
        client.init()
    assert gw.counters["drop.send"] == 1
    client.send(client.init_request, natt=False)
    assert client.receive_kind("ike")
