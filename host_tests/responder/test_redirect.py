"""REDIRECT (RFC 5685) in IKE_SA_INIT, in IKE_AUTH, and of a client that is connected."""

from . import Responder
from .iana import Note
from .payloads import find_notify, names, notify_payload, require_notify
from .redirect import identity
from .scripted_initiator import Initiator, echo
from .scripted_rekey import Peer

SUPPORTED = notify_payload(Note.REDIRECT_SUPPORTED)


def test_in_the_first_exchange():
    with Responder(psk="secret", redirect_to="127.0.0.9") as gw, Initiator(gw) as client:
        client.extra = [SUPPORTED]
        answer = client.init()
        assert names(answer) == ["N(REDIRECT)"] and client.init_response[8:16] == bytes(8)
        assert require_notify(answer, Note.REDIRECT).data == bytes((1, 4, 127, 0, 0, 9)) + client.nonce_i
        assert not gw.engine.sas
        client.extra = [notify_payload(Note.REDIRECTED_FROM, identity("gw0.example"))]
        assert names(client.init()) == ["N(REDIRECT)"]
        assert gw.wait_event("redirected")["origin"] == "gw0.example"
        client.extra = []  # a client that does not know it is served
        client.connect()
        echo(client)


def test_in_ike_auth():
    with Responder(psk="secret", redirect_to="gw2.example", redirect_at="auth") as gw, Initiator(gw) as client:
        client.extra = [SUPPORTED]
        client.init()
        answer = client.auth()
        assert names(answer) == ["IDr", "AUTH", "N(REDIRECT)"]
        assert require_notify(answer, Note.REDIRECT).data == b"\x03\x0bgw2.example"
        assert not gw.sa.children and client.delete_ike() == []
    with Responder(psk="secret", redirect_to="gw2.example", redirect_at="auth") as gw, Initiator(gw) as client:
        client.init()
        assert find_notify(client.auth(), Note.REDIRECT) is None


def test_of_a_connected_client():
    with Responder(psk="secret") as gw, Peer(gw).connect() as client:
        pending = gw.redirect("2001:db8::1")
        _, request = client.serve()
        assert require_notify(request, Note.REDIRECT).data[:2] == b"\x02\x10"
        assert pending.wait() == []
        echo(client)  # it stays until it deletes the SA
