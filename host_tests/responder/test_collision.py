"""Exchanges of both sides that cross, told to the gateway message by message (RFC 7296 2.8.1, 2.8.2, 2.25).

`# -->` is a message of the client, `# <--` one of the gateway.
"""

import pytest

from . import Responder
from .fault_library import Scripted
from .iana import Exchange, Note, Protocol
from .inner import echo_request
from .payloads import delete_payload, names, notify_payload
from .scripted_initiator import HOST4, echo
from .scripted_rekey import Peer

CREATE, INFO = Exchange.CREATE_CHILD_SA, Exchange.INFORMATIONAL
LOW, HIGH, MIDDLE = b"\x00" * 32, b"\xff" * 32, b"\x80" * 32


@pytest.fixture
def gw():
    with Responder(psk="secret") as gateway:
        yield gateway


@pytest.fixture
def client(gw):
    with Peer(gw) as peer:
        yield peer.connect()


def refused(client: Peer, note: Note) -> None:
    _, answer = client.take(response=True)
    assert names(answer) == ["N(%s)" % note.name]


def settled(gw, client: Peer, child) -> None:
    """One IKE SA, one Child SA, and it carries packets in both directions."""
    gw.wait(lambda gw: len(gw.sas) == 1 and len(gw.sa.children) == 1)
    assert gw.child.spi_in == child.outbound.spi
    echo(client, child)
    gw.send_inner(echo_request(HOST4, client.addresses[0], 1, 1, b""))
    child.inbound.decap(client.receive_kind("esp"))
    pending = gw.dpd()
    client.serve()
    assert pending.wait() == [] and gw.sa.queue == []
    assert client.silent()


# The lowest of the four nonces: in the client's request, in the gateway's answer to it, and so on.
NONCES = {"Ni of client": (LOW, 0), "Nr of gateway": (HIGH, 0), "Ni of gateway": (HIGH, 1), "Nr of client": (MIDDLE, 1)}


def nonces_of(gw, case: str) -> tuple[bytes, bytes, bool]:
    """Scripts the gateway's nonces; the client's in its request and in its answer; whether the gateway's SA stays."""
    ours = {"Ni of client": (HIGH, HIGH), "Nr of gateway": (HIGH, LOW)}
    ours |= {"Ni of gateway": (LOW, HIGH), "Nr of client": (HIGH, HIGH)}
    gw.faults.add(Scripted(nonce=list(ours[case])))
    client_i, client_r = (LOW if case == "Ni of client" else MIDDLE), (LOW if case == "Nr of client" else MIDDLE)
    return client_i, client_r, case in ("Ni of client", "Nr of gateway")


@pytest.mark.parametrize("case", NONCES)
@pytest.mark.parametrize("group", [0, 31])
def test_child_rekeyed_by_both(gw, client, case, group):
    client_i, client_r, gateway_stays = nonces_of(gw, case)
    old = client.children[0]
    pending = gw.rekey_child(group=group)
    header, request = client.take(response=False)  # <-- CREATE_CHILD_SA { N(REKEY_SA) }
    mine = client.new_child(old, client_i, group=group)
    client.post(CREATE, mine.payloads)  # --> CREATE_CHILD_SA { N(REKEY_SA) }
    _, answer = client.take(response=True)  # <--
    ours = client.made_child(mine, answer)
    payloads, theirs = client.grant_child(request, client_r)
    client.reply(header, payloads)  # -->
    pending.wait()
    assert len(gw.sa.children) == 3
    for child in (old, ours, theirs):  # all three receive
        client.send_inner(echo_request(client.addresses[0], HOST4, 7, 1, b""), child)
        client.receive_kind("esp")
    gone, stays = (old, theirs) if gateway_stays else (theirs, ours)
    _, request = client.serve(lambda _: [delete_payload(Protocol.ESP, (gone.inbound.spi,))])  # <-- D
    assert request == [delete_payload(Protocol.ESP, (gone.outbound.spi,))]
    gone = ours if gateway_stays else old
    assert client.delete_child(gone) == [delete_payload(Protocol.ESP, (gone.outbound.spi,))]  # --> D
    settled(gw, client, stays)


def test_late_request_for_a_child_that_was_replaced(gw, client):
    """RFC 7296 2.8.1: our request is lost, the gateway's goes through; then ours arrives."""
    old, mine = client.children[0], client.new_child(client.children[0])
    gw.rekey_child()
    header, request = client.take(response=False)
    payloads, theirs = client.grant_child(request)
    client.reply(header, payloads)
    deleting, request = client.take(response=False)  # <-- D(old), not answered yet
    client.post(CREATE, mine.payloads)
    refused(client, Note.TEMPORARY_FAILURE)
    client.reply(deleting, [delete_payload(Protocol.ESP, (old.inbound.spi,))])
    gw.wait_event("child_down")
    client.post(CREATE, mine.payloads)
    refused(client, Note.CHILD_SA_NOT_FOUND)
    settled(gw, client, theirs)


def test_client_deletes_the_child_that_the_gateway_rekeys(gw, client):
    old, pending = client.children[0], gw.rekey_child()
    header, _ = client.take(response=False)
    assert client.delete_child(old) == [delete_payload(Protocol.ESP, (old.outbound.spi,))]
    client.reply(header, [notify_payload(Note.CHILD_SA_NOT_FOUND)])
    pending.wait()
    assert gw.sa.children == [] and client.silent()


def test_child_deleted_by_both(gw, client):
    old, pending = client.children[0], gw.delete_child()
    header, _ = client.take(response=False)
    assert client.delete_child(old) == []  # the responses do not name what both deleted
    client.reply(header, [])
    pending.wait()
    assert gw.sa.children == [] and client.silent()


def test_client_rekeys_the_child_that_the_gateway_deletes(gw, client):
    old = client.children[0]
    gw.delete_child()
    header, _ = client.take(response=False)
    client.post(CREATE, client.new_child(old).payloads)
    refused(client, Note.TEMPORARY_FAILURE)
    client.reply(header, [delete_payload(Protocol.ESP, (old.inbound.spi,))])
    gw.wait_event("child_down")


@pytest.mark.parametrize("case", NONCES)
def test_ike_rekeyed_by_both(gw, client, case):
    client_i, client_r, gateway_stays = nonces_of(gw, case)
    pending, child = gw.rekey_ike(), client.children[0]
    header, request = client.take(response=False)
    mine = client.new_ike(client_i)
    client.post(CREATE, mine.payloads)
    _, answer = client.take(response=True)
    ours = client.made_ike(mine, answer)
    payloads, theirs = client.grant_ike(request, client_r)
    client.reply(header, payloads)
    pending.wait()
    assert len(gw.sas) == 3
    echo(client)
    gone, stays, mine_gone = (client, theirs, ours) if gateway_stays else (theirs, ours, client)
    assert names(gone.serve()[1]) == ["D(IKE)"]
    assert mine_gone.delete_ike() == []
    gw.wait(lambda gw: len(gw.sas) == 1)
    assert gw.sa.spi_i == stays.spi_i and gw.sa.addresses
    settled(gw, stays, child)


def test_ike_rekeyed_by_both_and_the_old_one_deleted_before_the_gateway_knows(gw, client):
    """RFC 7296 2.8.2: the gateway's request does not reach the client, which moves on."""
    gw.faults.add(Scripted(nonce=[LOW, HIGH]))
    pending, child = gw.rekey_ike(), client.children[0]
    client.take(response=False)  # lost
    mine = client.new_ike(HIGH)
    client.post(CREATE, mine.payloads)
    ours = client.made_ike(mine, client.take(response=True)[1])
    assert client.delete_ike() == []
    with pytest.raises(TimeoutError, match="deleted by the client"):
        pending.wait()
    settled(gw, ours, child)


@pytest.mark.parametrize("note", [Note.TEMPORARY_FAILURE, Note.NO_ADDITIONAL_SAS])
def test_ike_rekeyed_by_both_and_the_gateways_refused(gw, client, note):
    pending, child = gw.rekey_ike(), client.children[0]
    header, _ = client.take(response=False)
    mine = client.new_ike()
    client.post(CREATE, mine.payloads)
    ours = client.made_ike(mine, client.take(response=True)[1])
    client.reply(header, [notify_payload(note)])
    pending.wait()
    assert client.delete_ike() == []
    settled(gw, ours, child)


def test_the_loser_is_deleted_before_the_gateway_knows_that_it_won(gw, client):
    gw.faults.add(Scripted(nonce=[HIGH, LOW]))
    pending, child = gw.rekey_ike(), client.children[0]
    header, request = client.take(response=False)
    mine = client.new_ike(HIGH)
    client.post(CREATE, mine.payloads)
    ours = client.made_ike(mine, client.take(response=True)[1])
    payloads, theirs = client.grant_ike(request, HIGH)
    assert ours.delete_ike() == []
    client.reply(header, payloads)
    pending.wait()
    assert names(client.serve()[1]) == ["D(IKE)"]
    settled(gw, theirs, child)


@pytest.mark.parametrize("what", ["rekey_child", "delete_child", "create_child", "delete_ike"])
def test_client_rekeys_ike_while_the_gateway_is_busy(gw, client, what):
    getattr(gw, what)()
    client.take(response=False)
    client.post(CREATE, client.new_ike().payloads)
    refused(client, Note.TEMPORARY_FAILURE)


@pytest.mark.parametrize("what", ["rekey_ike", "delete_ike"])
@pytest.mark.parametrize("rekeyed", [False, True])
def test_client_wants_a_child_while_the_gateway_ends_the_ike_sa(gw, client, what, rekeyed):
    getattr(gw, what)()
    client.take(response=False)
    client.post(CREATE, client.new_child(client.children[0] if rekeyed else None).payloads)
    refused(client, Note.TEMPORARY_FAILURE)


@pytest.mark.parametrize("what", ["rekey_ike", "delete_ike"])
def test_client_deletes_a_child_while_the_gateway_ends_the_ike_sa(gw, client, what):
    getattr(gw, what)()
    client.take(response=False)
    old = client.children[0]
    assert client.delete_child(old) == [delete_payload(Protocol.ESP, (old.outbound.spi,))]


@pytest.mark.parametrize("what", ["rekey_ike", "delete_ike"])
def test_client_deletes_the_ike_sa_that_the_gateway_rekeys_or_deletes(gw, client, what):
    getattr(gw, what)()
    client.take(response=False)
    assert client.delete_ike() == []
    gw.wait_event("ike_down")
    assert not gw.sas and client.silent()


def test_request_on_the_old_ike_sa_behind_the_gateways_rekeying(gw, client):
    pending = gw.rekey_ike()
    header, request = client.take(response=False)
    payloads, new = client.grant_ike(request)
    client.reply(header, payloads)
    pending.wait()
    deleting, _ = client.take(response=False)  # <-- D(IKE) of the old one, not answered yet
    client.post(CREATE, client.new_child(client.children[0]).payloads)
    refused(client, Note.TEMPORARY_FAILURE)
    client.reply(deleting, [])
    settled(gw, new, client.children[0])


def test_temporary_failure_makes_the_gateway_try_again():
    with Responder(psk="secret", retry_ms=30) as gw, Peer(gw).connect() as client:
        old = client.children[0]
        gw.rekey_child()
        for _ in range(2):
            client.serve(lambda _: [notify_payload(Note.TEMPORARY_FAILURE)])
        header, request = client.take(response=False)
        payloads, child = client.grant_child(request)
        client.reply(header, payloads)
        client.serve(lambda _: [delete_payload(Protocol.ESP, (old.inbound.spi,))])
        gw.rekey_ike()
        for _ in range(2):
            client.serve(lambda _: [notify_payload(Note.TEMPORARY_FAILURE)])
        header, request = client.take(response=False)
        payloads, new = client.grant_ike(request)
        client.reply(header, payloads)
        client.serve()
        settled(gw, new, child)


def test_gateway_follows_invalid_ke_payload(gw, client):
    gw.rekey_child(group=31)
    client.serve(lambda _: [notify_payload(Note.INVALID_KE_PAYLOAD, bytes((0, 19)))])
    header, request = client.take(response=False)
    payloads, new = client.grant_child(request)
    client.reply(header, payloads)
    old = client.children[0]
    client.serve(lambda _: [delete_payload(Protocol.ESP, (old.inbound.spi,))])
    settled(gw, client, new)


def test_gateway_makes_the_child_again_that_the_client_does_not_know(gw, client):
    gw.rekey_child()
    client.serve(lambda _: [notify_payload(Note.CHILD_SA_NOT_FOUND)])
    header, request = client.take(response=False)
    assert "N(REKEY_SA)" not in names(request)
    payloads, new = client.grant_child(request)
    client.reply(header, payloads)
    settled(gw, client, new)


def test_requests_that_wait_move_to_the_new_ike_sa(gw, client):
    gw.rekey_ike()
    waiting = gw.dpd()
    header, request = client.take(response=False)
    payloads, new = client.grant_ike(request)
    client.reply(header, payloads)
    assert names(client.serve()[1]) == ["D(IKE)"]
    new.serve()
    assert waiting.wait() == []


def test_rekeying_by_age():
    with Responder(psk="secret", rekey_child_s=0.1, rekey_child_group=31) as gw, Peer(gw).connect() as client:
        for _ in range(3):
            old = client.children[-1]
            header, request = client.take(response=False)
            assert "KE" in names(request)
            payloads, new = client.grant_child(request)
            client.reply(header, payloads)
            client.serve(lambda _, old=old: [delete_payload(Protocol.ESP, (old.inbound.spi,))])
            echo(client, new)
    with Responder(psk="secret", rekey_ike_s=0.1) as gw, Peer(gw).connect() as client:
        for _ in range(3):
            header, request = client.take(response=False)
            payloads, newer = client.grant_ike(request)
            client.reply(header, payloads)
            client.serve()
            client = newer
            echo(client)


def test_a_replaced_child_still_receives_for_a_while():
    with Responder(psk="secret", linger_ms=200) as gw, Peer(gw).connect() as client:
        old = client.children[0]
        client.create_child(0, old)
        client.delete_child(old)
        client.send_inner(echo_request(client.addresses[0], HOST4, 7, 1, b""), old)
        client.children[1].inbound.decap(client.receive_kind("esp"))
        gw.wait(lambda gw: not gw.sa.lingering)
        client.send_inner(echo_request(client.addresses[0], HOST4, 7, 2, b""), old)
        gw.wait_event("drop", reason="unknown_esp_spi")


def test_options_refuse():
    with Responder(psk="secret", pfs_required=True, most_children=1) as gw, Peer(gw).connect() as client:
        client.post(CREATE, client.new_child(client.children[0]).payloads)
        refused(client, Note.NO_PROPOSAL_CHOSEN)
        client.post(CREATE, client.new_child(None, group=31).payloads)
        refused(client, Note.NO_ADDITIONAL_SAS)
        mine = client.new_child(client.children[0], group=31)
        client.post(CREATE, mine.payloads)
        client.made_child(mine, client.take(response=True)[1])
        echo(client)


def test_one_more_child(gw, client):
    """Both sides may ask for one; each carries packets."""
    client.create_child(31, spi=b"more")
    echo(client, client.children[1])
    pending = gw.create_child(19)
    header, request = client.take(response=False)
    payloads, third = client.grant_child(request)
    client.reply(header, payloads)
    pending.wait()
    client.send_inner(echo_request(client.addresses[0], HOST4, 7, 1, b""), third)
    third.inbound.decap(client.receive_kind("esp"))
    assert len(gw.sa.children) == 3
