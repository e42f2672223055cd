"""IKE_SA_INIT as responder (RFC 7296 1.2, 2.6, 2.7, 2.23). Start reading at `respond`."""

import hashlib
import ipaddress
import struct

from . import certificates, keys, ppk, redirect, signature, suites
from .crypto import Dh, ExchangeError
from .errors import Refusal
from .iana import Note, Type
from .payloads import find_notify, ke_payload, notifies, notify_payload, parse_ke, parse_sa, require, sa_payload
from .state import IkeSa, Path
from .wire import Header, Payload, WireError


def respond(gw, header: Header, payloads: list[Payload], octets: bytes, path: Path) -> tuple[list[Payload], IkeSa | None]:
    """The payloads of the response and the new IKE SA, or None when the exchange has to begin anew.

    Raises Refusal and WireError.
    """
    offer, (group, public), nonce_i = _parse(payloads)
    cookie = gw.cookies.challenge(payloads, header.spi_i, nonce_i, path)
    if cookie is not None and gw.options.cookie_first:
        return [notify_payload(Note.COOKIE, cookie)], None
    if redirect.origin(payloads):
        gw.journal.add("redirected", origin=redirect.origin(payloads))
    if gw.options.redirect_to and gw.options.redirect_at == "init" and redirect.is_able(payloads):
        return [redirect.redirect_payload(gw.options.redirect_to, nonce_i)], None
    choice = suites.choose_ike(offer, gw.options.ike, 0, group)
    if choice is None:
        raise Refusal(Note.NO_PROPOSAL_CHOSEN)
    proposal, suite = choice
    if suite.group != group:
        raise Refusal(Note.INVALID_KE_PAYLOAD, struct.pack(">H", suite.group))
    if cookie is not None:
        return [notify_payload(Note.COOKIE, cookie)], None
    dh = Dh(group, gw.random("dh", 32))
    try:
        shared = dh.shared(public)
    except ExchangeError as error:
        raise WireError(str(error)) from None
    spi_r, nonce_r = gw.random("spi_ike", 8), gw.random("nonce", 32)
    seed = keys.skeyseed(suite.prf, nonce_i + nonce_r, shared)
    ike_keys = keys.IkeKeys.derive(suite, seed, nonce_i + nonce_r, header.spi_i + spi_r)
    sa = IkeSa(header.spi_i, spi_r, suite, ike_keys, nonce_i, nonce_r, path, init_request=octets, expected_id=1)
    answer = [sa_payload([proposal]), ke_payload(group, dh.public), Payload(Type.NONCE, nonce_r)]
    answer += nat_payloads(gw, header, payloads, spi_r, path)
    if gw.options.fragmentation and find_notify(payloads, Note.IKEV2_FRAGMENTATION_SUPPORTED):
        sa.fragmentation, sa.piece_octets = True, gw.options.piece_octets
        answer.append(notify_payload(Note.IKEV2_FRAGMENTATION_SUPPORTED))
    answer += certificates.request(gw.options.authorities)
    answer += _signatures(gw, sa, payloads) + ppk.announce(gw, sa, payloads)
    if gw.options.childless:
        answer.append(notify_payload(Note.CHILDLESS_IKEV2_SUPPORTED))
    sa.can_redirect = redirect.is_able(payloads)
    return answer, sa


def _signatures(gw, sa: IkeSa, request: list[Payload]) -> list[Payload]:
    """SIGNATURE_HASH_ALGORITHMS, when both ends can do RFC 7427."""
    asked = find_notify(request, Note.SIGNATURE_HASH_ALGORITHMS)
    if asked is None or gw.options.private_key is None or not gw.options.signature_hashes:
        return []
    sa.hashes = signature.announced(asked.data)
    return [notify_payload(Note.SIGNATURE_HASH_ALGORITHMS, signature.announce(gw.options.signature_hashes))]


def _parse(payloads: list[Payload]):
    offer = parse_sa(require(payloads, Type.SA))
    ke = parse_ke(require(payloads, Type.KE))
    nonce = require(payloads, Type.NONCE)
    if not 16 <= len(nonce) <= 256:
        raise WireError("nonce of %d octets" % len(nonce))
    return offer, ke, nonce


def nat_hash(spi_i: bytes, spi_r: bytes, address: str, port: int) -> bytes:
    """SHA-1 of SPIs, address and port (RFC 7296 2.23)."""
    data = spi_i + spi_r + ipaddress.ip_address(address).packed + struct.pack(">H", port)
    return hashlib.sha1(data, usedforsecurity=False).digest()


def nat_payloads(gw, header: Header, request: list[Payload], spi_r: bytes, path: Path, honest=False) -> list[Payload]:
    """The two NAT_DETECTION notifications; none when the initiator sent none.

    "honest": the true hashes. "auto": the same, but when the initiator's source hash does not fit its address (it is
    behind a NAT, or says so to get UDP encapsulation) the destination hash does not fit either, so both see the NAT.
    "force": the hash of our own address never fits. "none": no notifications.
    """
    mode = "honest" if honest else gw.options.nat_detection
    sources = [n.data for n in notifies(request) if n.type == Note.NAT_DETECTION_SOURCE_IP]
    if mode == "none" or not sources:
        return []
    host, port = path.address[:2]
    own_port = gw.port_of(path)
    source = nat_hash(header.spi_i, spi_r, gw.options.host, own_port)
    destination = nat_hash(header.spi_i, spi_r, host, port)
    if mode == "force":
        source = nat_hash(header.spi_i, spi_r, "0.0.0.0", 0)
    if mode == "auto" and nat_hash(header.spi_i, bytes(8), host, port) not in sources:
        destination = nat_hash(header.spi_i, spi_r, "0.0.0.0", 0)
    return [
        notify_payload(Note.NAT_DETECTION_SOURCE_IP, source),
        notify_payload(Note.NAT_DETECTION_DESTINATION_IP, destination),
    ]


class Cookies:
    """Stateless cookies (RFC 7296 2.6): Cookie = round | SHA-256(Ni | IPi | port | SPIi | round | secret)"""

    def __init__(self, rounds: int, secret: bytes):
        self.rounds, self._secret = rounds, secret

    def challenge(self, payloads: list[Payload], spi_i: bytes, nonce: bytes, path: Path) -> bytes | None:
        """The cookie the initiator has to return, None when it has returned as many as asked."""
        if not self.rounds:
            return None
        got = find_notify(payloads, Note.COOKIE)
        done = 0
        if got and got.data and keys.same(got.data, self._cookie(got.data[0], spi_i, nonce, path)):
            done = got.data[0]
            if payloads[0].type != Type.N:
                raise WireError("COOKIE is not the first payload")
        return self._cookie(done + 1, spi_i, nonce, path) if done < self.rounds else None

    def _cookie(self, number: int, spi_i: bytes, nonce: bytes, path: Path) -> bytes:
        where = repr(path.address[:2]).encode()
        return bytes((number,)) + hashlib.sha256(nonce + where + spi_i + bytes((number,)) + self._secret).digest()
