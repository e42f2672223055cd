"""A client that moves (RFC 4555), and one whose NAT forgets it (RFC 7296 2.23)."""

import ipaddress
import socket
import struct

import pytest

from . import Options, Responder
from .exchange_init import nat_hash
from .iana import Exchange, Note
from .inner import echo_request
from .payloads import find_notify, names, notify_payload, require_notify
from .scripted_initiator import HOST4, echo
from .scripted_rekey import Peer

INFO = Exchange.INFORMATIONAL
UPDATE = notify_payload(Note.UPDATE_SA_ADDRESSES)


class Nomad(Peer):
    """Supports MOBIKE, and can change its port."""

    def auth_payloads(self, spi: bytes):
        return [*super().auth_payloads(spi), notify_payload(Note.MOBIKE_SUPPORTED)]

    def move(self) -> None:
        self.sock.close()
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.sock.settimeout(0.3)

    def natd(self, true=True):
        port = self.sock.getsockname()[1] if true else 1
        source = nat_hash(self.spi_i, self.spi_r, "127.0.0.1", port)
        destination = nat_hash(self.spi_i, self.spi_r, "127.0.0.1", self.gw.natt_port)
        kinds = (Note.NAT_DETECTION_SOURCE_IP, source), (Note.NAT_DETECTION_DESTINATION_IP, destination)
        return [notify_payload(kind, data) for kind, data in kinds]

    def is_reached(self) -> bool:
        """Whether a packet from behind the gateway comes here."""
        self.gw.send_inner(echo_request(HOST4, self.addresses[0], 1, 1, b""))
        try:
            self.receive_inner()
        except TimeoutError:
            return False
        return True


def test_announced():
    with Responder(psk="secret", more_addresses=("192.0.2.7", "2001:db8::7")) as gw, Nomad(gw) as client:
        client.init()
        answer = client.auth()
        assert require_notify(answer, Note.MOBIKE_SUPPORTED) and gw.sa.mobike
        assert require_notify(answer, Note.ADDITIONAL_IP4_ADDRESS).data == bytes((192, 0, 2, 7))
        assert len(require_notify(answer, Note.ADDITIONAL_IP6_ADDRESS).data) == 16
    for options, kind in ((Options(psk="secret", mobike=False), Nomad), (Options(psk="secret"), Peer)):
        with Responder(options) as gw, kind(gw) as client:
            client.init()
            assert find_notify(client.auth(), Note.MOBIKE_SUPPORTED) is None and not gw.sa.mobike


def test_update_moves_the_sa():
    with Responder(psk="secret") as gw, Nomad(gw).connect() as client:
        client.move()
        assert not client.is_reached()
        client.send_inner(echo_request(client.addresses[0], HOST4, 7, 1, b""))
        assert client.request(INFO, []) == [] and not client.is_reached()  # neither ESP nor a liveness check moves it
        cookie2 = notify_payload(Note.COOKIE2, bytes(16))
        answer = client.request(INFO, [UPDATE, cookie2, *client.natd()])
        assert names(answer) == ["N(COOKIE2)", "N(NAT_DETECTION_SOURCE_IP)", "N(NAT_DETECTION_DESTINATION_IP)"]
        assert answer[0] == cookie2
        here = nat_hash(client.spi_i, client.spi_r, "127.0.0.1", client.sock.getsockname()[1])
        assert require_notify(answer, Note.NAT_DETECTION_DESTINATION_IP).data == here
        assert client.is_reached()
        echo(client)
        assert gw.wait_event("peer_at", reason="UPDATE_SA_ADDRESSES")["port"] == client.sock.getsockname()[1]


def test_follow_nat_detection():
    """As strongSwan: a change can only be seen against an earlier request."""
    with Responder(psk="secret", follow="natd") as gw, Nomad(gw).connect() as client:
        client.move()
        client.request(INFO, client.natd())
        assert not client.is_reached(), "there was no earlier one"
        client.move()
        client.request(INFO, client.natd())
        assert client.is_reached()


@pytest.mark.parametrize("options", [{"follow": "all"}, {"mobike": False}])
def test_follow_all(options):
    with Responder(psk="secret", **options) as gw, Nomad(gw).connect() as client:
        client.move()
        echo(client)
        assert client.is_reached()


def test_unacceptable_addresses():
    with Responder(psk="secret", acceptable=lambda host: host != "127.0.0.1") as gw, Nomad(gw).connect() as client:
        client.move()
        assert names(client.request(INFO, [UPDATE, *client.natd()])) == ["N(UNACCEPTABLE_ADDRESSES)"]
        assert not client.is_reached() and len(gw.sas) == 1


def test_no_nats_allowed():
    with Responder(psk="secret") as gw, Nomad(gw).connect() as client:
        client.move()
        here = ipaddress.ip_address("127.0.0.1").packed
        for wrong in (1, 0):
            data = here + here + struct.pack(">HH", client.sock.getsockname()[1] + wrong, gw.natt_port)
            answer = client.request(INFO, [UPDATE, notify_payload(Note.NO_NATS_ALLOWED, data)])
            assert names(answer) == (["N(UNEXPECTED_NAT_DETECTED)"] if wrong else [])
            assert client.is_reached() != bool(wrong)


def test_gateway_checks_the_route():
    with Responder(psk="secret") as gw, Nomad(gw).connect() as client:
        pending = gw.check_route()
        client.serve(lambda payloads: payloads)
        pending.wait()
        pending = gw.check_route()
        client.serve()
        with pytest.raises(TimeoutError, match="COOKIE2"):
            pending.wait()
        assert gw.wait_event("bad_response")


def test_mobike_outlives_a_rekeying():
    with Responder(psk="secret") as gw, Nomad(gw).connect() as client:
        client.rekey_ike()
        client.move()
        assert not client.is_reached()
        client.request(INFO, [UPDATE])
        assert client.is_reached()
