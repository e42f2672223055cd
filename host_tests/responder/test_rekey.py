"""Rekeying from either side, and what the gateway does of its own accord: liveness, notifications, deletes."""

import pytest

from . import Responder
from .crypto import Dh
from .iana import Exchange, Note, Protocol, Type
from .inner import IpPacket, echo_request
from .keys import ChildKeys
from .payloads import (
    delete_payload,
    find_notify,
    ke_payload,
    names,
    notify_payload,
    parse_ke,
    parse_sa,
    require,
    require_notify,
    sa_payload,
)
from .scripted_initiator import HOST4, Child, Initiator, echo
from .wire import Payload


@pytest.fixture
def gw():
    with Responder(psk="secret") as gateway:
        yield gateway


@pytest.mark.parametrize("group", [0, 31, 19])
def test_client_rekeys_child(gw, group):
    with Initiator(gw).connect() as client:
        old = client.children[0]
        client.create_child(group, old)
        new = client.children[1]
        gw.send_inner(echo_request(HOST4, client.addresses[0], 1, 1, b""))
        old.inbound.decap(client.receive_kind("esp"))  # the gateway stays on the old SA until the new one is used
        echo(client, new)
        gw.send_inner(echo_request(HOST4, client.addresses[0], 1, 2, b""))
        new.inbound.decap(client.receive_kind("esp"))
        answer = client.request(Exchange.INFORMATIONAL, [delete_payload(Protocol.ESP, (old.inbound.spi,))])
        assert answer == [delete_payload(Protocol.ESP, (old.outbound.spi,))]
        echo(client, new)


def test_rekey_of_an_unknown_child(gw):
    with Initiator(gw).connect() as client:
        client.children[0].inbound.spi = b"none"
        assert client.error_of(client.create_child(0, client.children[0])) == Note.CHILD_SA_NOT_FOUND


def test_client_rekeys_ike(gw):
    with Initiator(gw).connect() as client:
        client.rekey_ike()
        echo(client)
        client.rekey_ike()
        assert client.request(Exchange.INFORMATIONAL, []) == []
        client.create_child(31, client.children[0])
        echo(client)
        assert len(gw.sas) == 1


def test_gateway_rekeys_child(gw):
    with Initiator(gw).connect() as client:
        old, pending = client.children[0], gw.rekey_child(group=31)

        def answer(payloads):
            offer = parse_sa(require(payloads, Type.SA))[0]
            group, public = parse_ke(require(payloads, Type.KE))
            dh, nonce = Dh(group), b"r" * 32
            nonces = require(payloads, Type.NONCE) + nonce
            keys = ChildKeys.derive(client.suite.prf, client.keys.sk_d, client.esp_suite, nonces, dh.shared(public))
            client.children.append(Child(b"new!", offer.spi, client.esp_suite, keys, ours=False))
            chosen = sa_payload([type(offer)(1, offer.protocol, b"new!", offer.transforms)])
            ts = [p for p in payloads if p.type in (Type.TSi, Type.TSr)]
            return [chosen, Payload(Type.NONCE, nonce), ke_payload(group, dh.public), *ts]

        _, request = client.serve(answer)
        assert require_notify(request, Note.REKEY_SA).spi == old.outbound.spi
        pending.wait()
        _, request = client.serve(lambda payloads: [delete_payload(Protocol.ESP, (old.inbound.spi,))])
        assert request == [delete_payload(Protocol.ESP, (old.outbound.spi,))]
        gw.wait_event("child_down")
        echo(client)


def test_gateway_rekeys_ike(gw):
    with Initiator(gw).connect() as client:
        pending, moved = gw.rekey_ike(), []

        def answer(payloads):
            offer = parse_sa(require(payloads, Type.SA))[0]
            group, public = parse_ke(require(payloads, Type.KE))
            dh, nonce = Dh(group), b"r" * 32
            moved.append((offer.spi, b"client!!", require(payloads, Type.NONCE) + nonce, dh.shared(public)))
            chosen = sa_payload([type(offer)(1, Protocol.IKE, b"client!!", offer.transforms)])
            return [chosen, Payload(Type.NONCE, nonce), ke_payload(group, dh.public)]

        client.serve(answer)
        pending.wait()
        assert client.serve()[1] == [delete_payload(Protocol.IKE)]
        client.move_to(*moved[0], initiated=False)
        assert client.request(Exchange.INFORMATIONAL, []) == []
        pending = gw.dpd()
        client.serve()
        assert pending.wait() == []
        echo(client)
        assert len(gw.sas) == 1


def test_gateway_learns_that_it_may_not_rekey(gw):
    with Initiator(gw).connect() as client:
        pending = gw.rekey_child()
        client.serve(lambda payloads: [notify_payload(Note.NO_ADDITIONAL_SAS)])
        assert find_notify(pending.wait(), Note.NO_ADDITIONAL_SAS)
        echo(client)


def test_gateway_repeats_its_requests():
    with Responder(psk="secret", retransmit_ms=30, retransmit_tries=2) as gw, Initiator(gw).connect() as client:
        pending = gw.dpd()
        copies = [client.receive_kind("ike") for _ in range(3)]
        assert copies[0] == copies[1] == copies[2]
        with pytest.raises(TimeoutError):
            pending.wait()
        gw.wait_event("ike_down", reason="the client does not answer")


def test_gateway_pings_notifies_and_deletes(gw):
    with Initiator(gw).connect() as client:
        gw.send_inner(echo_request(HOST4, client.addresses[0], 1, 1, b"x"))
        assert IpPacket.parse(client.receive_inner()).payload[0] == 8
        gw.notify(Note.TEMPORARY_FAILURE, b"data")
        assert names(client.serve()[1]) == ["N(TEMPORARY_FAILURE)"]
        gw.delete_child()
        client.serve(lambda payloads: [delete_payload(Protocol.ESP, (client.children[0].inbound.spi,))])
        gw.wait_event("child_down")
        gw.delete_ike()
        assert names(client.serve()[1]) == ["D(IKE)"]
        gw.wait_event("ike_down")
        assert not gw.sas and not gw.pool4.lent
