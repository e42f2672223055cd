"""The faults of `fault_menu`, seen by the scripted initiator: each makes the messages that its name says."""

import time

import pytest

from . import Options, Responder, fault_menu
from .crypto import Dh
from .fault_library import drop
from .iana import Exchange, Note, Protocol
from .payloads import delete_payload, ke_payload, names, notify_payload, require_notify
from .scripted_initiator import Initiator, echo
from .scripted_rekey import Peer
from .test_collision import refused, settled
from .wire import Header, parse_message

INIT, AUTH, CREATE, INFO = Exchange.IKE_SA_INIT, Exchange.IKE_AUTH, Exchange.CREATE_CHILD_SA, Exchange.INFORMATIONAL


@pytest.fixture
def gw():
    with Responder(psk="secret") as gateway:
        yield gateway


@pytest.fixture
def client(gw):
    with Peer(gw) as peer:
        yield peer


class Patient(Initiator):
    """Takes each datagram once."""

    def receive_kind(self, wanted: str) -> bytes:
        seen = vars(self).setdefault("seen", set())
        while (data := super().receive_kind(wanted)) in seen:
            pass
        seen.add(data)
        return data


def test_each_datagram(gw):
    """A client that passes over copies gets its tunnel whichever datagram is hit."""
    tried = []
    for name, factory in fault_menu.each_datagram(2, 0.05):
        fault = gw.faults.add(factory())
        with Patient(gw, identity="%s.example" % name) as client:
            client.connect()
            echo(client)
        assert fault.done == 1, name
        gw.faults.clear()
        tried.append(name)
    assert len(set(tried)) == 12


def test_late_copy(gw, client):
    gw.faults.add(fault_menu.late_copy(0.1, nth=1))
    client.init()
    began = time.monotonic()
    assert client.receive_kind("ike") == client.init_response and time.monotonic() - began > 0.05


def test_cookie_and_invalid_ke_in_either_order():
    """Stateless: a doubled request changes nothing."""
    for first in (True, False):
        suite = "aes128gcm16-prfsha256-ecp256"
        options = Options(psk="secret", ike_suites=(suite,), cookie_rounds=1, cookie_first=first)
        with Responder(options) as gw, Initiator(gw, ike=suite) as client:
            wrong = client.init_payloads()
            wrong[1] = ke_payload(31, Dh(31).public)
            order = []
            for payloads in (wrong, wrong, None):
                answer = client.init([*client.extra, *payloads] if payloads else None)
                order += names(answer)
                if names(answer) == ["N(COOKIE)"]:
                    client.extra = [notify_payload(Note.COOKIE, require_notify(answer, Note.COOKIE).data)]
            if first:
                assert order[:2] == ["N(COOKIE)", "N(INVALID_KE_PAYLOAD)"]
            else:
                assert order[:2] == ["N(INVALID_KE_PAYLOAD)", "N(INVALID_KE_PAYLOAD)"] and order[2] == "N(COOKIE)"
            client.connect()
            echo(client)


def test_forged_init_comes_first(gw, client):
    gw.faults.add(fault_menu.forged_init(copies=2))
    client.init()
    assert client.spi_r == b"forged!!"
    assert Header.parse(client.receive_kind("ike")).spi_r == b"forged!!"
    client.init_response = client.receive_kind("ike")
    header, answer = parse_message(client.init_response)
    client.spi_r = header.spi_r
    client._derive(answer)
    client.auth()
    echo(client)


@pytest.mark.parametrize("fault, count", [(fault_menu.many_payloads, 349), (fault_menu.many_notifies, 178)])
def test_many_payloads(gw, client, fault, count):
    gw.faults.add(fault())
    answer = client.init()
    assert len(answer) == count and len(client.init_response) <= 1472
    assert "KE" in names(parse_message(client.receive_kind("ike"))[1])


def test_auth_and_delete_in_one_burst(gw, client):
    gw.faults.add(fault_menu.delete_after_auth())
    client.connect()
    assert names(client.serve()[1]) == ["D(IKE)"]
    gw.wait_event("ike_down")


def test_six_deletes(gw, client):
    gw.faults.add(fault_menu.MENU["six-deletes-after-auth"]())
    client.connect()
    old = client.children[0]
    request = client.serve(lambda _: [delete_payload(Protocol.ESP, (old.inbound.spi,))])[1]
    assert request == [delete_payload(Protocol.ESP, (old.outbound.spi,))] * 6
    gw.wait_event("child_down")


def test_unknown_exchange_and_one_more_child(gw, client):
    gw.faults.add(fault_menu.MENU["unknown-exchange-after-auth"]())
    gw.faults.add(fault_menu.MENU["create-child-after-auth"]())
    client.connect()
    header, _ = client.serve()
    assert header.exchange == 240
    _, request = client.serve(lambda _: [notify_payload(Note.NO_ADDITIONAL_SAS)])
    assert names(request) == ["SA", "NONCE", "TSi", "TSr"]
    gw.wait_event("child_refused", reason="NO_ADDITIONAL_SAS")
    echo(client)


def test_old_request_replayed(gw, client):
    recorder = gw.faults.add(fault_menu.Recorder())
    client.connect()
    pending = gw.dpd()
    client.serve()
    pending.wait()
    gw.faults.add(fault_menu.Silence())
    recorder.play(gw, recorder.requests[0], times=3, every_s=0.02)
    for _ in range(3):
        assert client.receive_kind("ike") == recorder.requests[0]
    client.sock.settimeout(0.1)
    with pytest.raises(TimeoutError):
        client.request(INFO, [])


def test_create_child_refused(gw, client):
    client.connect()
    for name, note in (("rekey-later", "TEMPORARY_FAILURE"), ("rekey-invalid-ke", "INVALID_KE_PAYLOAD")):
        gw.faults.add(fault_menu.MENU[name]())
        assert names(client.create_child(0, client.children[0])) == ["N(%s)" % note]
    client.create_child(0, client.children[0])
    echo(client)
    gw.faults.add(fault_menu.MENU["rekey-refused"]())
    for _ in range(2):
        assert names(client.create_child(0, client.children[0])) == ["N(NO_ADDITIONAL_SAS)"]


@pytest.mark.parametrize("wins", [True, False])
def test_collide_on_a_child(gw, client, wins):
    fault = gw.faults.add(fault_menu.Collide("rekey-child", "rekey-child", wins, times=2))
    client.connect()
    for _ in range(2):
        old = client.children[-1]
        mine = client.new_child(old)
        client.post(CREATE, mine.payloads)
        header, request = client.take(response=False)
        ours = client.made_child(mine, client.take(response=True)[1])
        payloads, theirs = client.grant_child(request)
        client.reply(header, payloads)
        gone, stays = (old, theirs) if wins else (theirs, ours)
        client.serve(lambda _, gone=gone: [delete_payload(Protocol.ESP, (gone.inbound.spi,))])
        client.delete_child(ours if wins else old)
        client.children.append(stays)
        settled(gw, client, stays)
    assert fault.done == 2


@pytest.mark.parametrize("wins", [True, False])
def test_collide_on_the_ike_sa(gw, client, wins):
    gw.faults.add(fault_menu.Collide("rekey-ike", "rekey-ike", wins))
    client.connect()
    mine = client.new_ike()
    client.post(CREATE, mine.payloads)
    header, request = client.take(response=False)
    ours = client.made_ike(mine, client.take(response=True)[1])
    payloads, theirs = client.grant_ike(request)
    client.reply(header, payloads)
    gone, stays, mine_gone = (client, theirs, ours) if wins else (theirs, ours, client)
    gone.serve()
    mine_gone.delete_ike()
    settled(gw, stays, client.children[0])


def test_collide_with_a_lost_request():
    """The client learns of the gateway's request only when it is repeated."""
    with Responder(psk="secret", retransmit_ms=100) as gw, Peer(gw).connect() as client:
        gw.faults.add(fault_menu.Collide("rekey-child", "rekey-child", False, lost=True))
        old, mine = client.children[0], client.new_child(client.children[0])
        client.post(CREATE, mine.payloads)
        ours = client.made_child(mine, client.take(response=True)[1])
        assert client.delete_child(old) == [delete_payload(Protocol.ESP, (old.outbound.spi,))]
        header, _ = client.take(response=False)
        client.reply(header, [notify_payload(Note.CHILD_SA_NOT_FOUND)])
        settled(gw, client, ours)


@pytest.mark.parametrize("asked, ours", fault_menu.CROSSINGS)
def test_crossings(gw, client, asked, ours):
    """The gateway's request comes before its answer, and the answer is what RFC 7296 2.25 says."""
    gw.faults.add(fault_menu.MENU["%s-meets-%s" % (asked, ours)]())
    client.connect()
    old = client.children[0]
    ask = {
        "rekey-child": lambda: client.post(CREATE, client.new_child(old).payloads),
        "create-child": lambda: client.post(CREATE, client.new_child(None).payloads),
        "rekey-ike": lambda: client.post(CREATE, client.new_ike().payloads),
        "delete-child": lambda: client.post(INFO, [delete_payload(Protocol.ESP, (old.inbound.spi,))]),
        "delete-ike": lambda: client.post(INFO, [delete_payload(Protocol.IKE)]),
    }
    ask[asked]()
    _, request = client.take(response=False)
    kinds = {"rekey-child": "N(REKEY_SA)", "delete-child": "D(ESP)", "delete-ike": "D(IKE)"}
    assert names(request)[0] == kinds.get(ours, "SA")
    if asked in ("rekey-child", "create-child", "rekey-ike"):
        refused(client, Note.TEMPORARY_FAILURE)
    else:
        _, answer = client.take(response=True)
        both = asked == "delete-ike" or (asked, ours) == ("delete-child", "delete-child")
        assert names(answer) == ([] if both else ["D(ESP)"])


def test_the_menu_is_complete(gw):
    """Every fault can be made and put in line, and does nothing to a client that gives it no occasion."""
    for name, factory in fault_menu.MENU.items():
        if name.endswith("-after-auth") or name in ("forged-init", "many-payloads", "many-notifies"):
            continue
        gw.faults.add(factory())
    gw.faults.add(drop("in", 99))
    with Initiator(gw) as client:
        client.connect()
        echo(client)
