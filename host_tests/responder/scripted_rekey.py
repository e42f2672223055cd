"""The scripted initiator with both sides' CREATE_CHILD_SA, one message a step, so that exchanges can cross.

Start reading at `Peer`; `other = peer.split()` keeps the old IKE SA beside the new one on the same socket.
"""

import copy
import secrets

from . import suites
from .crypto import Dh
from .iana import Exchange, Note, Protocol, Type
from .keys import ChildKeys
from .payloads import delete_payload, find, ke_payload, notify_payload, parse_ke, parse_sa, require, sa_payload
from .scripted_initiator import Child, Initiator
from .seal import open_message
from .wire import Header, Payload


class Rekeying:
    """One CREATE_CHILD_SA of the initiator's own: what it has drawn."""

    def __init__(self, nonce: bytes, spi: bytes, dh: Dh | None, payloads: list[Payload]):
        self.nonce, self.spi, self.dh, self.payloads = nonce, spi, dh, payloads


class Peer(Initiator):
    """An initiator that sends a request and takes a message in separate steps."""

    def split(self) -> "Peer":
        """The IKE SA as it is now, to go on with when `self` has moved to a new one; both share socket and Child SAs."""
        return copy.copy(self)

    def post(self, exchange: int, payloads: list[Payload]) -> int:
        """Sends a request without waiting; returns its message ID."""
        self.last_request = self._seal(exchange, self.message_id, payloads)
        self.send(self.last_request)
        self.message_id += 1
        return self.message_id - 1

    def reply(self, header: Header, payloads: list[Payload]) -> None:
        self.send(self._seal(header.exchange, header.message_id, payloads, response=True))

    def take(self, response: bool) -> tuple[Header, list[Payload]]:
        """The next IKE message of this SA, which must be a response or must not."""
        data = self.receive_kind("ike")
        header = Header.parse(data)
        assert (header.spi_i, header.spi_r) == (self.spi_i, self.spi_r), "a message of another IKE SA"
        assert header.is_response == response, "%s, id %d" % (Exchange(header.exchange).name, header.message_id)
        return header, open_message(data, self.opener)

    def silent(self, seconds: float = 0.1) -> bool:
        """Whether no IKE message comes for so long."""
        self.sock.settimeout(seconds)
        try:
            self.receive_kind("ike")
        except TimeoutError:
            return True
        finally:
            self.sock.settimeout(2)
        return False

    # Child SAs.

    def new_child(self, old: Child | None, nonce=b"", spi=b"", group=0) -> Rekeying:
        """What to ask for a Child SA with, in the place of `old`."""
        nonce, spi = nonce or secrets.token_bytes(32), spi or secrets.token_bytes(4)
        dh = Dh(group) if group else None
        sa, *ts = self.child_payloads(spi, group)
        payloads = [notify_payload(Note.REKEY_SA, b"", Protocol.ESP, old.inbound.spi)] if old else []
        payloads += [sa, Payload(Type.NONCE, nonce), *([ke_payload(group, dh.public)] if dh else []), *ts]
        return Rekeying(nonce, spi, dh, payloads)

    def made_child(self, mine: Rekeying, answer: list[Payload]) -> Child:
        shared = mine.dh.shared(parse_ke(require(answer, Type.KE))[1]) if mine.dh else b""
        return self.add_child(mine.spi, answer, mine.nonce + require(answer, Type.NONCE), shared)

    def grant_child(self, request: list[Payload], nonce=b"", spi=b"") -> tuple[list[Payload], Child]:
        """The answer to the gateway's request, and the Child SA that it makes."""
        nonce, spi = nonce or secrets.token_bytes(32), spi or secrets.token_bytes(4)
        offer, ke, shared = parse_sa(require(request, Type.SA))[0], [], b""
        if find(request, Type.KE) is not None:
            group, public = parse_ke(require(request, Type.KE))
            dh = Dh(group)
            ke, shared = [ke_payload(group, dh.public)], dh.shared(public)
        nonces = require(request, Type.NONCE) + nonce
        keys = ChildKeys.derive(self.suite.prf, self.keys.sk_d, self.esp_suite, nonces, shared)
        child = Child(spi, offer.spi, self.esp_suite, keys, ours=False)
        self.children.append(child)
        chosen = sa_payload([type(offer)(1, offer.protocol, spi, offer.transforms)])
        ts = [p for p in request if p.type in (Type.TSi, Type.TSr)]
        return [chosen, Payload(Type.NONCE, nonce), *ke, *ts], child

    def delete_child(self, child: Child) -> list[Payload]:
        return self.request(Exchange.INFORMATIONAL, [delete_payload(Protocol.ESP, (child.inbound.spi,))])

    # IKE SAs.

    def new_ike(self, nonce=b"") -> Rekeying:
        nonce, spi, dh = nonce or secrets.token_bytes(32), secrets.token_bytes(8), Dh(self.suite.group)
        offer = suites.offer_of(self.suite, Protocol.IKE, spi)
        payloads = [sa_payload([offer]), Payload(Type.NONCE, nonce), ke_payload(self.suite.group, dh.public)]
        return Rekeying(nonce, spi, dh, payloads)

    def made_ike(self, mine: Rekeying, answer: list[Payload]) -> "Peer":
        """The new IKE SA beside this one."""
        assert mine.dh is not None
        shared = mine.dh.shared(parse_ke(require(answer, Type.KE))[1])
        spi_r, new = parse_sa(require(answer, Type.SA))[0].spi, self.split()
        new.move_to(mine.spi, spi_r, mine.nonce + require(answer, Type.NONCE), shared, initiated=True)
        return new

    def grant_ike(self, request: list[Payload], nonce=b"") -> tuple[list[Payload], "Peer"]:
        offer = parse_sa(require(request, Type.SA))[0]
        group, public = parse_ke(require(request, Type.KE))
        dh, nonce, spi, new = Dh(group), nonce or secrets.token_bytes(32), secrets.token_bytes(8), self.split()
        new.move_to(offer.spi, spi, require(request, Type.NONCE) + nonce, dh.shared(public), initiated=False)
        chosen = sa_payload([type(offer)(1, Protocol.IKE, spi, offer.transforms)])
        return [chosen, Payload(Type.NONCE, nonce), ke_payload(group, dh.public)], new
