"""A blocking initiator for the responder's own tests: one step a method, every message in the test's hands.

It knows only the happy path; tests change `payloads` before a step. Start reading at `Initiator.connect`.
"""

import ipaddress
import secrets
import socket
import struct
from typing import Self

from . import suites
from .child import Suite
from .crypto import Cipher, Dh
from .esp import EspIn, EspOut
from .exchange_init import nat_hash
from .iana import Attr, Cfg, Exchange, Note, Protocol, Type
from .inner import IpPacket, echo_request
from .keys import ChildKeys, IkeKeys, psk_auth, rekeyed_skeyseed, skeyseed
from .payloads import (
    ConfigAttribute,
    auth_payload,
    cp_payload,
    delete_payload,
    find,
    find_notify,
    ke_payload,
    notify_payload,
    parse_cp,
    parse_ke,
    parse_sa,
    require,
    sa_payload,
)
from .seal import open_message, seal_message
from .selectors import Identity, Selector, parse_ts, ts_payload
from .wire import FLAG_INITIATOR, FLAG_RESPONSE, Header, Payload, encode_message, parse_message

HOST4 = ipaddress.ip_address("10.10.0.1").packed  # hosts behind the gateway
HOST6 = ipaddress.ip_address("fd00:10::1").packed
EVERYTHING = [Selector.of("0.0.0.0/0"), Selector.of("::/0")]


class Child:
    """The initiator's half of a Child SA."""

    def __init__(self, spi_in: bytes, spi_out: bytes, suite: Suite, keys: ChildKeys, ours: bool = True):
        toward_r, toward_i = Cipher(suite, keys.encr_i, keys.integ_i), Cipher(suite, keys.encr_r, keys.integ_r)
        send, take = (toward_r, toward_i) if ours else (toward_i, toward_r)
        self.keys, self.suite = keys, suite
        self.outbound = EspOut(spi_out, send, bool(suite.esn), lambda purpose, size: secrets.token_bytes(size))
        self.inbound = EspIn(spi_in, take, bool(suite.esn))


class Initiator:
    """Talks to `gw`; `ike` and `esp` are suite names."""

    def __init__(self, gw, psk=b"secret", ike="aes128ccm16-prfsha256-x25519", esp="aes128ccm16", identity="dev.example"):
        self.gw, self.psk, self.identity = gw, psk, Identity.of(identity)
        self.suite, self.esp_suite = Suite.of(ike), Suite.of(esp)
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.sock.settimeout(2)
        self.spi_i, self.spi_r = secrets.token_bytes(8), bytes(8)
        self.nonce_i = secrets.token_bytes(32)
        self.dh = Dh(self.suite.group)
        self.extra: list[Payload] = []  # goes in front of the next IKE_SA_INIT
        self.message_id = 0
        self.initiated = True  # False on an IKE SA that the gateway made by rekeying
        self.children: list[Child] = []
        self.addresses: list[bytes] = []

    def close(self) -> None:
        self.sock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    # Datagrams.

    def send(self, message: bytes, natt: bool = True) -> None:
        port = self.gw.natt_port if natt else self.gw.port
        self.sock.sendto(bytes(4) + message if natt else message, ("127.0.0.1", port))

    def receive(self) -> tuple[str, bytes]:
        """The next datagram: its kind ("ike", "esp") and octets. Raises TimeoutError."""
        data, address = self.sock.recvfrom(65536)
        if address[1] == self.gw.port:
            return "ike", data
        return ("ike", data[4:]) if data[:4] == bytes(4) else ("esp", data)

    def receive_kind(self, wanted: str) -> bytes:
        while True:
            kind, data = self.receive()
            if kind == wanted:
                return data

    # Exchanges.

    def init_payloads(self) -> list[Payload]:
        offer = suites.offer_of(self.suite, Protocol.IKE, b"")
        bogus = nat_hash(self.spi_i, bytes(8), "0.0.0.0", 0)
        seen = nat_hash(self.spi_i, bytes(8), "127.0.0.1", self.gw.port)
        return [
            *self.extra,
            sa_payload([offer]),
            ke_payload(self.suite.group, self.dh.public),
            Payload(Type.NONCE, self.nonce_i),
            notify_payload(Note.NAT_DETECTION_SOURCE_IP, bogus),
            notify_payload(Note.NAT_DETECTION_DESTINATION_IP, seen),
            notify_payload(Note.SIGNATURE_HASH_ALGORITHMS, bytes((0, 2))),
            Payload(Type.V, b"some vendor"),
        ]

    def init(self, payloads: list[Payload] | None = None) -> list[Payload]:
        """One round of IKE_SA_INIT; keys are derived when the answer has them."""
        header = Header(self.spi_i, bytes(8), Exchange.IKE_SA_INIT, FLAG_INITIATOR, 0)
        self.init_request = encode_message(header, self.init_payloads() if payloads is None else payloads)
        self.send(self.init_request, natt=False)
        self.init_response = self.receive_kind("ike")
        header, answer = parse_message(self.init_response)
        if find(answer, Type.KE) is not None:
            self.spi_r = header.spi_r
            self._derive(answer)
        return answer

    def _derive(self, answer: list[Payload]) -> None:
        self.nonce_r = require(answer, Type.NONCE)
        shared = self.dh.shared(parse_ke(require(answer, Type.KE))[1])
        nonces = self.nonce_i + self.nonce_r
        seed = skeyseed(self.suite.prf, nonces, shared)
        self.keys = IkeKeys.derive(self.suite, seed, nonces, self.spi_i + self.spi_r)
        self._use_keys()
        self.message_id = 1

    def _use_keys(self) -> None:
        k = self.keys
        pair = Cipher(self.suite, k.sk_ei, k.sk_ai), Cipher(self.suite, k.sk_er, k.sk_ar)
        self.sealer, self.opener = pair if self.initiated else pair[::-1]

    def auth_payloads(self, spi: bytes) -> list[Payload]:
        identity = self.identity.body
        auth = psk_auth(self.suite.prf, self.psk, self.keys.sk_pi, self.init_request, self.nonce_r, identity)
        wishes = [Attr.INTERNAL_IP4_ADDRESS, Attr.INTERNAL_IP4_DNS, Attr.INTERNAL_IP4_SUBNET]
        wishes += [Attr.INTERNAL_IP6_ADDRESS, Attr.INTERNAL_IP6_DNS, Attr.INTERNAL_IP6_SUBNET]
        return [
            self.identity.payload(Type.IDi),
            auth_payload(2, auth),
            cp_payload(Cfg.REQUEST, [ConfigAttribute(wish) for wish in wishes]),
            *self.child_payloads(spi),
        ]

    def child_payloads(self, spi: bytes, group: int = 0) -> list[Payload]:
        offer = suites.offer_of(self.esp_suite, Protocol.ESP, spi, group)
        return [sa_payload([offer]), ts_payload(Type.TSi, EVERYTHING), ts_payload(Type.TSr, EVERYTHING)]

    def auth(self, payloads: list[Payload] | None = None, spi: bytes = b"\x11\x22\x33\x44") -> list[Payload]:
        answer = self.request(Exchange.IKE_AUTH, self.auth_payloads(spi) if payloads is None else payloads)
        if find(answer, Type.AUTH) is not None:
            self._check_auth(answer)
        if find(answer, Type.CP) is not None:
            attributes = parse_cp(require(answer, Type.CP))[1]
            kinds: dict[int, int] = {Attr.INTERNAL_IP4_ADDRESS: 4, Attr.INTERNAL_IP6_ADDRESS: 16}
            self.addresses = [a.value[: kinds[a.type]] for a in attributes if a.type in kinds]
        if find(answer, Type.SA) is not None:
            self.add_child(spi, answer, self.nonce_i + self.nonce_r)
        return answer

    def _check_auth(self, answer: list[Payload]) -> None:
        identity, data = require(answer, Type.IDr), require(answer, Type.AUTH)[4:]
        wanted = psk_auth(self.suite.prf, self.psk, self.keys.sk_pr, self.init_response, self.nonce_i, identity)
        assert data == wanted, "the gateway's AUTH is wrong"

    def add_child(self, spi: bytes, answer: list[Payload], nonces: bytes, shared: bytes = b"") -> Child:
        chosen = parse_sa(require(answer, Type.SA))[0]
        child_keys = ChildKeys.derive(self.suite.prf, self.keys.sk_d, self.esp_suite, nonces, shared)
        self.ts_i, self.ts_r = parse_ts(require(answer, Type.TSi)), parse_ts(require(answer, Type.TSr))
        self.children.append(Child(spi, chosen.spi, self.esp_suite, child_keys))
        return self.children[-1]

    def connect(self) -> Self:
        """IKE_SA_INIT and IKE_AUTH."""
        self.init()
        self.auth()
        return self

    def _seal(self, exchange: int, message_id: int, payloads: list[Payload], response: bool = False) -> bytes:
        flags = (FLAG_INITIATOR if self.initiated else 0) | (FLAG_RESPONSE if response else 0)
        header = Header(self.spi_i, self.spi_r, exchange, flags, message_id)
        return seal_message(header, payloads, self.sealer, secrets.token_bytes(self.sealer.iv_len))

    def request(self, exchange: int, payloads: list[Payload]) -> list[Payload]:
        """One exchange under SK; the request's octets stay in `last_request`, the response's in `last_response`."""
        self.last_request = self._seal(exchange, self.message_id, payloads)
        self.send(self.last_request)
        self.last_response = self.receive_kind("ike")
        header = Header.parse(self.last_response)
        assert header.is_response and header.message_id == self.message_id and header.exchange == exchange
        self.message_id += 1
        return open_message(self.last_response, self.opener)

    def serve(self, answer=None) -> tuple[Header, list[Payload]]:
        """Takes one request of the gateway; `answer(payloads)` gives the payloads of the response, default none."""
        data = self.receive_kind("ike")
        header, payloads = Header.parse(data), open_message(data, self.opener)
        assert not header.is_response
        reply = self._seal(header.exchange, header.message_id, answer(payloads) if answer else [], response=True)
        self.send(reply)
        return header, payloads

    # CREATE_CHILD_SA and Delete.

    def create_child(self, group: int = 0, old: Child | None = None, spi: bytes = b"\x55\x66\x77\x88") -> list[Payload]:
        nonce, dh = secrets.token_bytes(32), Dh(group) if group else None
        sa, *ts = self.child_payloads(spi, group)
        payloads = [notify_payload(Note.REKEY_SA, b"", Protocol.ESP, old.inbound.spi)] if old else []
        payloads += [sa, Payload(Type.NONCE, nonce), *([ke_payload(group, dh.public)] if dh else []), *ts]
        answer = self.request(Exchange.CREATE_CHILD_SA, payloads)
        if find(answer, Type.SA) is not None:
            shared = dh.shared(parse_ke(require(answer, Type.KE))[1]) if dh else b""
            self.add_child(spi, answer, nonce + require(answer, Type.NONCE), shared)
        return answer

    def rekey_ike(self) -> bytes:
        """Moves to a new IKE SA, deleting the old one; returns the SPI of the old one."""
        nonce, dh, spi = secrets.token_bytes(32), Dh(self.suite.group), secrets.token_bytes(8)
        offer = suites.offer_of(self.suite, Protocol.IKE, spi)
        ke = ke_payload(self.suite.group, dh.public)
        answer = self.request(Exchange.CREATE_CHILD_SA, [sa_payload([offer]), Payload(Type.NONCE, nonce), ke])
        nonces = nonce + require(answer, Type.NONCE)
        shared = dh.shared(parse_ke(require(answer, Type.KE))[1])
        spi_r = parse_sa(require(answer, Type.SA))[0].spi
        self.request(Exchange.INFORMATIONAL, [delete_payload(Protocol.IKE)])
        old = self.spi_i
        self.move_to(spi, spi_r, nonces, shared, initiated=True)
        return old

    def move_to(self, spi_i: bytes, spi_r: bytes, nonces: bytes, shared: bytes, initiated: bool) -> None:
        seed = rekeyed_skeyseed(self.suite.prf, self.keys.sk_d, shared, nonces)
        self.keys = IkeKeys.derive(self.suite, seed, nonces, spi_i + spi_r)
        self.spi_i, self.spi_r, self.initiated, self.message_id = spi_i, spi_r, initiated, 0
        self._use_keys()

    def delete_ike(self) -> list[Payload]:
        return self.request(Exchange.INFORMATIONAL, [delete_payload(Protocol.IKE)])

    # ESP.

    def send_inner(self, inner: bytes, child: Child | None = None, **padding) -> bytes:
        packet = (child or self.children[-1]).outbound.encap(inner, **padding)
        self.sock.sendto(packet, ("127.0.0.1", self.gw.natt_port))
        return packet

    def receive_inner(self, child: Child | None = None) -> bytes:
        return (child or self.children[-1]).inbound.decap(self.receive_kind("esp"))

    def error_of(self, answer: list[Payload]) -> int | None:
        """The error notification of an answer that is one, else None."""
        return next((note for note in Note if note < 16384 and find_notify(answer, note)), None)


def echo(client: Initiator, child: Child | None = None) -> None:
    """An ICMP echo through the tunnel."""
    src = next(a for a in client.addresses if len(a) == 4)
    client.send_inner(echo_request(src, HOST4, 7, 1, b"hello"), child)
    ip = IpPacket.parse(client.receive_inner(child))
    assert (ip.src, ip.dst, ip.payload[0], ip.payload[4:]) == (HOST4, src, 0, struct.pack(">HH", 7, 1) + b"hello")
