"""EAP in IKE_AUTH as responder (RFC 7296 2.16, RFC 3748): we by our key, the client by MSCHAPv2. Start reading at `respond`."""

import struct

from . import exchange_auth, keys, mschap, ppk
from .errors import Refusal
from .iana import Note, Type
from .payloads import auth_payload, find, parse_auth, require
from .selectors import Identity
from .state import IkeSa
from .wire import Payload, WireError

IDENTITY, NAK, MSCHAPV2 = 1, 3, 26
REQUEST, RESPONSE, SUCCESS, FAILURE = 1, 2, 3, 4


class Dialog:
    """EAP with one client; `first` are the payloads of its first IKE_AUTH request."""

    def __init__(self, gw, first: list[Payload]):
        self.first = first
        self.peer = Identity.parse(require(first, Type.IDi))
        self._types = list(gw.options.eap_types)
        self.server = mschap.Server(gw.options.eap_users, gw.random("nonce", 16))
        self._number = 0
        self.done = False

    def begin(self) -> Payload:
        """The next request of another type."""
        kind = self._types.pop(0)
        return self._packet(REQUEST, kind, self.server.begin() if kind == MSCHAPV2 else b"")

    def answer(self, body: bytes) -> Payload:
        """What follows a response. Raises WireError."""
        code, number, length = struct.unpack(">BBH", body[:4])
        if (code, number, length) != (RESPONSE, self._number, len(body)) or length < 5:
            raise WireError("an EAP packet of code %d, number %d, length %d" % (code, number, length))
        kind, data = body[4], body[5:]
        if kind != MSCHAPV2:
            return self.begin() if self._types else self._packet(FAILURE)
        if data == b"\x03" and self.server.msk:
            self.done = True
            return self._packet(SUCCESS)
        reply = self.server.check(data)
        return self._packet(REQUEST, MSCHAPV2, reply) if reply else self._packet(FAILURE)

    def _packet(self, code: int, kind: int = 0, data: bytes = b"") -> Payload:
        self._number += code == REQUEST
        return packet(code, self._number, kind, data)


def packet(code: int, number: int, kind: int = 0, data: bytes = b"") -> Payload:
    """An EAP payload."""
    inside = bytes((kind,)) + data if kind else b""
    return Payload(Type.EAP, struct.pack(">BBH", code, number, 4 + len(inside)) + inside)


def respond(gw, sa: IkeSa, payloads: list[Payload]) -> list[Payload]:
    """The payloads of the response: our proof and the first request, then EAP, then those of any IKE_AUTH. Raises Refusal."""
    if sa.eap is None:
        sa.eap = Dialog(gw, payloads)
        own = [gw.options.identity.payload(), *exchange_auth.prove_by(gw, sa, payloads)]
        return [*own, auth_payload(*exchange_auth.prove(gw, sa, sa.eap.peer)), sa.eap.begin()]
    packet = find(payloads, Type.EAP)
    if packet is not None:
        answer = sa.eap.answer(packet)
        gw.journal.add("eap", name=sa.eap.server.name, code=answer.body[0])
        if answer.body[0] == FAILURE:
            gw.close_sa(sa, "EAP")
        return [answer]
    return _last(gw, sa, sa.eap, payloads)


def _last(gw, sa: IkeSa, dialog: Dialog, payloads: list[Payload]) -> list[Payload]:
    """AUTH of both ends by the MSK."""
    auth = find(payloads, Type.AUTH)
    if auth is None or not dialog.done:
        raise Refusal(Note.AUTHENTICATION_FAILED, fatal=True)
    (method, data), told = ppk.settle(gw, sa, payloads, parse_auth(auth))
    octets = keys.signed_octets(sa.suite.prf, sa.keys.sk_pi, sa.init_request, sa.nonce_r, dialog.peer.body)
    if method != keys.AUTH_METHOD_PSK or not keys.same(data, keys.psk_mac(sa.suite.prf, dialog.server.msk, octets)):
        raise Refusal(Note.AUTHENTICATION_FAILED, fatal=True)
    own = keys.signed_octets(sa.suite.prf, sa.keys.sk_pr, sa.init_response, sa.nonce_i, gw.options.identity.body)
    answer = [auth_payload(keys.AUTH_METHOD_PSK, keys.psk_mac(sa.suite.prf, dialog.server.msk, own)), *told]
    return exchange_auth.establish(gw, sa, dialog.peer, dialog.first, answer)
