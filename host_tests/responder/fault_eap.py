"""Faults of a gateway, or of somebody in its place, that concern EAP. Start reading at `EAP`."""

from collections.abc import Callable
from dataclasses import replace

from .eap import FAILURE, MSCHAPV2, REQUEST, SUCCESS, packet
from .fault_library import MessageFault
from .faults import Fault
from .iana import Exchange, Type
from .mschap import Server
from .payloads import auth_payload
from .selectors import Identity
from .wire import Payload


def instead(nth: int, *payloads: Payload) -> MessageFault:
    """These payloads as the nth response of IKE_AUTH, from 1."""
    return MessageFault(Exchange.IKE_AUTH, lambda _ctx, _chain: list(payloads), nth=(nth,))


def edit(nth: int, change: Callable[[Payload], list[Payload]], kind: int = Type.EAP) -> MessageFault:
    """`change` gives what stands in the place of each payload of this type in the nth response of IKE_AUTH."""

    def payloads(_ctx, chain: list[Payload]) -> list[Payload]:
        out: list[Payload] = []
        for payload in chain:
            out += change(payload) if payload.type == kind else [payload]
        return out

    return MessageFault(Exchange.IKE_AUTH, payloads, nth=(nth,))


def failing(number: int) -> MessageFault:
    """Another number of MSCHAPv2 in place of 691."""
    return edit(3, lambda p: [replace(p, body=p.body.replace(b"E=691", b"E=%d" % number))])


def _wrong_answer(payload: Payload) -> list[Payload]:
    body = payload.body
    return [replace(payload, body=body[:11] + (b"0" if body[11:12] != b"0" else b"1") + body[12:])]


def _longer(payload: Payload) -> list[Payload]:
    return [replace(payload, body=payload.body + b"\0")]


# Each in the dialog: 1 IDr AUTH EAP(Identity), 2 EAP(Challenge), 3 EAP(Success request), 4 EAP(Success), 5 AUTH SA TS
EAP: dict[str, Callable[[], Fault]] = {
    "eap-only": lambda: edit(1, lambda _p: [], Type.AUTH),
    "eap-success-at-once": lambda: edit(1, lambda _p: [packet(SUCCESS, 1)]),
    "eap-success-for-the-name": lambda: instead(2, packet(SUCCESS, 1)),
    "eap-success-for-the-response": lambda: instead(3, packet(SUCCESS, 2)),
    "eap-wrong-answer": lambda: edit(3, _wrong_answer),
    "eap-empty-answer": lambda: edit(3, lambda p: [packet(REQUEST, p.body[1], MSCHAPV2, Server.message(3, b""))]),
    "eap-short-challenge": lambda: edit(2, lambda p: [packet(REQUEST, p.body[1], MSCHAPV2, p.body[5:20])]),
    "eap-second-challenge": lambda: edit(3, lambda p: [packet(REQUEST, p.body[1], MSCHAPV2, Server({}, bytes(16)).begin())]),
    "eap-wrong-length": lambda: edit(2, _longer),
    "eap-empty": lambda: edit(2, lambda p: [replace(p, body=b"")]),
    "eap-failure": lambda: instead(3, packet(FAILURE, 2)),
    "eap-other-identity": lambda: edit(5, lambda p: [Identity.of("other.example").payload(), p], Type.AUTH),
    "eap-no-last-auth": lambda: edit(5, lambda _p: [], Type.AUTH),
    "eap-wrong-last-auth": lambda: edit(5, lambda p: [auth_payload(2, bytes(len(p.body) - 4))], Type.AUTH),
    "eap-last-auth-signed": lambda: edit(5, lambda p: [replace(p, body=b"\x0e" + p.body[1:])], Type.AUTH),
    "eap-not-begun": lambda: edit(1, lambda _p: []),
    "eap-nothing": lambda: instead(2),
}
