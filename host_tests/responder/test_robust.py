"""Broken and hostile input: whatever comes, the gateway keeps serving and answers as RFC 7296 2.21 says."""

import random
from dataclasses import replace

import pytest

from . import Responder
from .iana import Exchange, Note, Type
from .inner import echo_request
from .payloads import names, require_notify
from .scripted_initiator import HOST4, Initiator, echo
from .wire import FLAG_INITIATOR, Header, Payload, WireError, encode_message, parse_chain, parse_message

ROUNDS = 150


def mutate(rng: random.Random, data: bytes) -> bytes:
    """A few changed octets, or a shorter or longer copy."""
    changed = bytearray(data)
    choice = rng.randrange(4)
    if choice == 0:
        return bytes(changed[: rng.randrange(len(data) + 1)])
    if choice == 1:
        return bytes(changed) + rng.randbytes(rng.randrange(1, 9))
    for _ in range(choice):
        if changed:
            changed[rng.randrange(len(changed))] = rng.choice((0, 1, 4, 7, 0x7F, 0x80, 0xFF, rng.randrange(256)))
    return bytes(changed)


def mutated_payloads(rng: random.Random, payloads: list[Payload]) -> list[Payload]:
    index = rng.randrange(len(payloads))
    changed = list(payloads)
    changed[index] = replace(changed[index], body=mutate(rng, changed[index].body))
    if rng.random() < 0.2:
        changed[rng.randrange(len(changed))] = changed[rng.randrange(len(changed))]
    return changed


def still_works(gw) -> None:
    with Initiator(gw, identity="last.example") as client:
        client.connect()
        echo(client)


@pytest.fixture
def gw():
    with Responder(psk="secret", pool4="10.20.0.0/16") as gateway:
        yield gateway


def test_mutated_datagrams(gw):
    rng = random.Random(1)
    with Initiator(gw).connect() as client, Initiator(gw) as attacker:
        packet = client.children[0].outbound.encap(b"\x45" + bytes(19))
        for source in (client.init_request, client.last_request, packet, b""):
            for number in range(ROUNDS):
                data = mutate(rng, source)
                attacker.send(data, natt=rng.random() < 0.5)
                attacker.sock.sendto(data, ("127.0.0.1", gw.natt_port))
                if number % 10 == 0:  # do not outrun the gateway
                    assert client.request(Exchange.INFORMATIONAL, []) == []
    assert gw.counters["drop.malformed"] > ROUNDS
    still_works(gw)


def test_mutated_first_requests(gw):
    """A response to each request, for the gateway is stateless until it has agreed."""
    rng = random.Random(2)
    for _ in range(ROUNDS):
        with Initiator(gw) as client:
            header = Header(client.spi_i, bytes(8), Exchange.IKE_SA_INIT, FLAG_INITIATOR, 0)
            client.send(encode_message(header, mutated_payloads(rng, client.init_payloads())), natt=False)
            header, answer = parse_message(client.receive_kind("ike"))
            kinds = [p.type for p in answer]
            assert kinds[0] == Type.SA if any(header.spi_r) else kinds == [Type.N]
    still_works(gw)


@pytest.mark.parametrize("exchange", [Exchange.IKE_AUTH, Exchange.CREATE_CHILD_SA, Exchange.INFORMATIONAL])
def test_mutated_inside(gw, exchange):
    """Authenticated nonsense gets an answer, at worst INVALID_SYNTAX."""
    rng = random.Random(int(exchange))
    for _ in range(ROUNDS // 3):
        with Initiator(gw, identity="dev%d.example" % rng.randrange(3)) as client:
            client.init()
            payloads = client.auth_payloads(b"spi!")
            if exchange != Exchange.IKE_AUTH:
                client.auth(payloads)
                payloads = [Payload(Type.NONCE, bytes(32)), *client.child_payloads(b"more")]
                payloads += [Payload(Type.D, b"\x03\x04\x00\x01spi!"), Payload(Type.N, b"\x03\x04\x40\x09spi!")]
            answer = client.request(exchange, mutated_payloads(rng, payloads))
            assert exchange == Exchange.INFORMATIONAL or names(answer)
    still_works(gw)


def test_malformed_inside_ends_the_sa(gw):
    with Initiator(gw).connect() as client:
        answer = client.request(Exchange.INFORMATIONAL, [Payload(Type.N, b"\x00\xff")])
        assert names(answer) == ["N(INVALID_SYNTAX)"]
        gw.wait_event("ike_down")


def test_old_and_future_message_ids_are_dropped(gw):
    with Initiator(gw).connect() as client:
        for message_id in (0, 1, 3, 0xFFFFFFFF):
            client.send(client._seal(Exchange.INFORMATIONAL, message_id, []))
        assert client.request(Exchange.INFORMATIONAL, []) == []
        assert gw.counters["drop.message_id"] == 4


def test_unasked_response_is_dropped(gw):
    with Initiator(gw).connect() as client:
        client.send(client._seal(Exchange.INFORMATIONAL, 0, [], response=True))
        gw.wait_event("drop", reason="unexpected_response")
        still_works(gw)


def test_a_gateway_that_has_forgotten_says_so():
    with Responder(psk="secret", tell_unknown=True) as gw, Initiator(gw).connect() as client:
        gw.forget()
        assert not gw.sas and not gw.pool4.lent
        client.send_inner(echo_request(client.addresses[0], HOST4, 7, 1, b""))
        header, answer = parse_message(client.receive_kind("ike"))
        assert names(answer) == ["N(INVALID_SPI)"] and not header.is_response and header.spi_i == bytes(8)
        assert require_notify(answer, Note.INVALID_SPI).data == client.children[0].outbound.spi
        client.send(client._seal(Exchange.INFORMATIONAL, 2, []))
        header, answer = parse_message(client.receive_kind("ike"))
        assert names(answer) == ["N(INVALID_IKE_SPI)"] and (header.spi_i, header.message_id) == (client.spi_i, 2)
        assert header.is_response and not header.from_initiator
        still_works(gw)
    with Responder(psk="secret") as gw, Initiator(gw).connect() as client:
        gw.forget()
        client.sock.settimeout(0.1)
        with pytest.raises(TimeoutError):
            client.request(Exchange.INFORMATIONAL, [])


def test_chain_bounds():
    whole = bytes((0, 0, 0, 8)) + b"abcd"
    assert parse_chain(Type.NONCE, whole) == [Payload(Type.NONCE, b"abcd")]
    for bad in (whole[:-1], whole + b"x", bytes((0, 0, 0, 3)), bytes((40, 0, 0, 4)), b"\x00"):
        with pytest.raises(WireError):
            parse_chain(Type.NONCE, bad)
