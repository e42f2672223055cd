"""A client that moves (RFC 4555): what the gateway announces, and what it makes of an INFORMATIONAL request.

Once MOBIKE is agreed on, the option `follow` says what moves the SA: "update": only UPDATE_SA_ADDRESSES; "natd": a NAT detection
other than in an earlier request, too (so does strongSwan); "all": whatever is authenticated, as without MOBIKE.
Start reading at `respond`.
"""

import ipaddress
import struct

from .errors import Refusal
from .exchange_init import nat_payloads
from .iana import Note
from .payloads import find_notify, notifies, notify_payload
from .state import IkeSa, Path
from .wire import Payload, WireError


def agree(gw, sa: IkeSa, payloads: list[Payload]) -> list[Payload]:
    """What goes into the response of IKE_AUTH: nothing, or MOBIKE_SUPPORTED and our further addresses."""
    if not gw.options.mobike or find_notify(payloads, Note.MOBIKE_SUPPORTED) is None:
        return []
    sa.mobike = True
    return [notify_payload(Note.MOBIKE_SUPPORTED), *additional(gw.options.more_addresses)]


def additional(addresses) -> list[Payload]:
    """ADDITIONAL_*_ADDRESS notifications of address texts (RFC 4555 4.2.2)."""
    packed = [ipaddress.ip_address(text).packed for text in addresses]
    kinds = {4: Note.ADDITIONAL_IP4_ADDRESS, 16: Note.ADDITIONAL_IP6_ADDRESS}
    return [notify_payload(kinds[len(one)], one) for one in packed]


def respond(gw, sa: IkeSa, payloads: list[Payload], path: Path) -> list[Payload]:
    """What goes into the response of INFORMATIONAL; the SA has moved. Raises Refusal and WireError."""
    if not sa.mobike:
        return []
    _check_no_nat(gw, payloads, path)
    natd = {note.data for note in notifies(payloads) if note.type == Note.NAT_DETECTION_SOURCE_IP}
    if find_notify(payloads, Note.UPDATE_SA_ADDRESSES):
        if gw.options.acceptable and not gw.options.acceptable(path.address[0]):
            raise Refusal(Note.UNACCEPTABLE_ADDRESSES)
        gw.move(sa, path, "UPDATE_SA_ADDRESSES")
    elif gw.options.follow == "natd" and natd and sa.natd_seen and (natd, path) != sa.natd_seen:
        gw.move(sa, path, "NAT detection")
    if natd:
        sa.natd_seen = natd, path
    answer = []
    cookie2 = find_notify(payloads, Note.COOKIE2)
    if cookie2:
        if not 8 <= len(cookie2.data) <= 64:
            raise WireError("COOKIE2 of %d octets" % len(cookie2.data))
        answer.append(notify_payload(Note.COOKIE2, cookie2.data))
    return answer + nat_payloads(gw, sa.header(0, 0, True), payloads, sa.spi_r, path, honest=True)


def _check_no_nat(gw, payloads: list[Payload], path: Path) -> None:
    """NO_NATS_ALLOWED: source address | destination address | source port | destination port (RFC 4555 4.2.6)."""
    note = find_notify(payloads, Note.NO_NATS_ALLOWED)
    if note is None:
        return
    own = gw.options.host, gw.port_of(path)
    addresses = b"".join(ipaddress.ip_address(host).packed for host in (path.address[0], own[0]))
    if note.data != addresses + struct.pack(">HH", path.address[1], own[1]):
        raise Refusal(Note.UNEXPECTED_NAT_DETECTED)
