"""IKE messages in pieces (RFC 7383) both ways, and the faults that go with them."""

import secrets

import pytest

from . import Responder, fault_pieces
from .crypto import Cipher, IntegrityError
from .faults import Context
from .fragment import Assembly, cut, open_piece, seal_piece
from .iana import Exchange, Note, Type
from .payloads import names, notify_payload
from .scripted_initiator import Initiator, echo
from .scripted_rekey import Peer
from .seal import open_message, seal_message
from .suites import Suite
from .wire import FLAG_INITIATOR, Header, Payload, WireError, encode_chain

SUPPORTED = notify_payload(Note.IKEV2_FRAGMENTATION_SUPPORTED)
INFO, AUTH = Exchange.INFORMATIONAL, Exchange.IKE_AUTH
SUITES = ["aes128ccm16-prfsha256-x25519", "aes128-sha256-x25519"]


class PiecePeer(Peer):
    """Cuts its requests to `octets` and puts answers in pieces together, dropping bad ones."""

    def __init__(self, gw, octets: int, **which):
        super().__init__(gw, **which)
        self.octets, self.extra = octets, [SUPPORTED]
        self.dropped, self.datagrams, self.pieces = list[str](), list[bytes](), list[bytes]()

    def sealed(self, exchange: int, payloads: list[Payload]) -> list[bytes]:
        header = Header(self.spi_i, self.spi_r, exchange, FLAG_INITIATOR, self.message_id)
        pieces = cut(payloads, self.sealer, self.octets)
        return [seal_piece(header, piece, self.sealer, self.iv()) for piece in pieces]

    def iv(self) -> bytes:
        return secrets.token_bytes(self.sealer.iv_len)

    def request(self, exchange: int, payloads: list[Payload]) -> list[Payload]:
        self.datagrams = self.sealed(exchange, payloads)
        if not self.datagrams:
            return super().request(exchange, payloads)
        for octets in self.datagrams:
            self.send(octets)
        self.message_id += 1
        return self.assembled()

    def assembled(self) -> list[Payload]:
        self.pieces = []
        assembly = Assembly(self.message_id - 1)
        while not assembly.total or not assembly.is_whole:
            data = self.receive_kind("ike")
            self.pieces.append(data)
            try:
                assembly.add(open_piece(data, self.opener), data)
            except (WireError, IntegrityError) as error:
                self.dropped.append(str(error))
        return assembly.payloads()


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("octets", [100, 200, 576])
def test_both_ways(suite, octets):
    """The responder cuts at `piece_octets`, takes pieces of any size, and nothing is longer than agreed."""
    with Responder(psk="secret", piece_octets=octets, ike_suites=(suite,)) as gw, PiecePeer(gw, octets, ike=suite) as client:
        client.connect()
        echo(client)
        assert len(client.datagrams) > 1 or octets > 400
        assert all(len(piece) <= octets for piece in [*client.datagrams, *client.pieces])
        if octets < 400:
            assert gw.messages(dir="out", exchange="IKE_AUTH")[0]["pieces"] == len(client.pieces) > 1


def test_not_agreed_on():
    with Responder(psk="secret", fragmentation=False, piece_octets=200) as gw, PiecePeer(gw, 200) as client:
        assert "N(IKEV2_FRAGMENTATION_SUPPORTED)" not in names(client.init())
        client.sock.settimeout(0.1)
        with pytest.raises(TimeoutError):
            client.auth()
        gw.wait_event("drop", reason="fragment", detail="not agreed on")
    with Responder(psk="secret", piece_octets=200) as gw, Initiator(gw) as client:  # it does not say that it can
        client.connect()
        assert "pieces" not in gw.messages(dir="out", exchange="IKE_AUTH")[0]


def test_repeated_request_gets_the_response_once():
    with Responder(psk="secret", piece_octets=200) as gw, PiecePeer(gw, 200) as client:
        client.connect()
        first = list(client.pieces)
        for octets in client.datagrams:
            client.send(octets)
        client.assembled()
        assert client.pieces == first and client.silent()
        client.message_id, client.octets = 1, 150  # the client cuts smaller when it hears nothing
        again = client.sealed(AUTH, client.auth_payloads(b"\x11\x22\x33\x44"))
        client.message_id = 2
        for octets in again:
            client.send(octets)
        client.assembled()
        assert client.pieces == first and client.silent()


def test_bad_pieces_of_the_client():
    """They are dropped, counted, and the good ones still make the message."""
    sent = 0
    with Responder(psk="secret") as gw, PiecePeer(gw, 200) as client:
        client.init()
        payloads = client.auth_payloads(b"spi!")
        good = cut(payloads, client.sealer, 150)
        assert len(good) >= 3
        header = Header(client.spi_i, client.spi_r, AUTH, FLAG_INITIATOR, 1)
        client.send(seal_piece(header, good[0], client.sealer, client.iv()))
        for name, factory in fault_pieces.PIECES.items():
            if name in ("piece-missing", "piece-of-more", "piece-whole", "pieces-backwards", "pieces-twice"):
                continue
            bad = [piece for piece in factory().edit_pieces(Context(AUTH, 1, True), good) if piece not in good]
            assert bad
            sent += len(bad[:3])
            for piece in bad[:3]:
                client.send(seal_piece(header, piece, client.sealer, client.iv()))
        assert client.silent(0.05)
        dropped = gw.counters["drop.fragment"] + gw.counters["drop.ike_integrity"]
        for piece in good[::-1]:
            client.send(seal_piece(header, piece, client.sealer, client.iv()))
        client.message_id = 2
        assert "AUTH" in names(open_message(client.receive_kind("ike"), client.opener))
        assert dropped == sent >= 8


@pytest.mark.parametrize("name", fault_pieces.PIECES)
def test_pieces_of_the_gateway_with_faults(name):
    with Responder(psk="secret", piece_octets=200) as gw, PiecePeer(gw, 200) as client:
        fault = gw.faults.add(fault_pieces.PIECES[name]())
        client.init()
        client.sock.settimeout(0.2)
        if name in ("piece-missing", "piece-of-more"):
            with pytest.raises(TimeoutError):
                client.auth()
        else:
            client.auth()
            echo(client)
            assert bool(client.dropped) != (name == "pieces-backwards")
        assert fault.done == 1


def test_lost_piece_comes_again():
    with Responder(psk="secret", piece_octets=100, retransmit_ms=50) as gw, PiecePeer(gw, 0) as client:
        client.init()
        client.octets = 200
        client.auth()
        fault = gw.faults.add(fault_pieces.lost_once(2))
        gw.informational([Payload(200, bytes(300))])
        client.message_id = 1  # the gateway's request has ID 0
        assert len(client.assembled()) == 1 and fault.done > 5


def test_pieces_are_bounded():
    cipher = Cipher(Suite.of(SUITES[0]), bytes(19), b"")
    payloads = [Payload(Type.V, bytes(90)) for _ in range(3)]
    whole = seal_message(Header(bytes(8), bytes(8), INFO, 0, 1), payloads, cipher, bytes(8))
    assert cut(payloads, cipher, len(whole)) == [] and cut(payloads, cipher, 0) == []
    assert len(cut(payloads, cipher, len(whole) - 1)) == 2
    assert b"".join(p.chunk for p in cut(payloads, cipher, 100)) == encode_chain(payloads)[1]
    with pytest.raises(ValueError):
        cut(payloads, cipher, 40)
