"""IKE_AUTH with pre-shared keys, raw public keys and certificates as responder (RFC 7296 1.2, 2.15, 2.19, 2.21.2, RFC 7427).

Start reading at `respond`.
"""

import ipaddress
import struct

from . import certificates, child, eap, keys, mobike, ppk, redirect, signature
from .errors import Refusal
from .iana import Attr, Cfg, Note, Type
from .payloads import ConfigAttribute, auth_payload, cp_payload, find, find_notify, notify_payload, parse_auth, parse_cp, require
from .selectors import Identity
from .state import IkeSa
from .wire import Payload


def respond(gw, sa: IkeSa, payloads: list[Payload]) -> list[Payload]:
    """The payloads of the response; the IKE SA is up. Raises Refusal (fatal) and WireError."""
    if sa.eap or (gw.options.eap_users and find(payloads, Type.AUTH) is None):
        return eap.respond(gw, sa, payloads)
    peer = Identity.parse(require(payloads, Type.IDi))
    told = _verify(gw, sa, peer, payloads)
    own = gw.options.identity
    answer = [own.payload(), *prove_by(gw, sa, payloads), auth_payload(*prove(gw, sa, peer)), *told]
    return establish(gw, sa, peer, payloads, answer)


def establish(gw, sa: IkeSa, peer: Identity, payloads: list[Payload], answer: list[Payload]) -> list[Payload]:
    """The client has proved itself: the SA is up, and what its request asks for goes behind the answer so far."""
    sa.peer_id, sa.state = peer, "ESTABLISHED"
    if find_notify(payloads, Note.INITIAL_CONTACT):
        gw.initial_contact(sa)
    gw.ike_up(sa)
    if sa.can_redirect and gw.options.redirect_to and gw.options.redirect_at == "auth":
        return [*answer, redirect.redirect_payload(gw.options.redirect_to)]
    answer += _first_child(gw, sa, payloads)
    answer += mobike.agree(gw, sa, payloads)
    if gw.options.auth_lifetime_s:
        answer.append(notify_payload(Note.AUTH_LIFETIME, struct.pack(">I", gw.options.auth_lifetime_s)))
    return answer


def _verify(gw, sa: IkeSa, peer: Identity, payloads: list[Payload]) -> list[Payload]:
    """What of PPK goes into the answer. Raises Refusal when AUTH is wrong, or of a method that the initiator has no key for."""
    auth = find(payloads, Type.AUTH)
    if auth is None:
        raise Refusal(Note.AUTHENTICATION_FAILED, fatal=True)
    (method, data), told = ppk.settle(gw, sa, payloads, parse_auth(auth))
    octets = keys.signed_octets(sa.suite.prf, sa.keys.sk_pi, sa.init_request, sa.nonce_r, peer.body)
    public, psk = gw.options.public_key_of(peer), gw.options.key_of(peer)
    if public is None and gw.options.authorities and find(payloads, Type.CERT) is not None and gw.options.is_wanted(peer):
        public = certificates.judge(payloads, gw.options.authorities, peer)
    if public is not None:
        good = signature.verify(public, method, data, octets)
    else:
        good = psk is not None and method == keys.AUTH_METHOD_PSK and keys.same(data, keys.psk_mac(sa.suite.prf, psk, octets))
    if not good:
        raise Refusal(Note.AUTHENTICATION_FAILED, fatal=True)
    return told


def prove_by(gw, sa: IkeSa, payloads: list[Payload]) -> list[Payload]:
    """Our CERT payloads, when the client asks for some."""
    sa.asked_for = certificates.asked(payloads)
    if sa.asked_for is None and not gw.options.always_send:
        return []
    return certificates.payloads(gw.options.certificates)


def prove(gw, sa: IkeSa, peer: Identity) -> tuple[int, bytes]:
    """Method and data of our AUTH. Raises Refusal when the client could not verify a signature of ours."""
    octets = keys.signed_octets(sa.suite.prf, sa.keys.sk_pr, sa.init_response, sa.nonce_i, gw.options.identity.body)
    if gw.options.private_key is None:
        return keys.AUTH_METHOD_PSK, keys.psk_mac(sa.suite.prf, gw.options.key_of(peer), octets)
    try:
        return signature.sign(gw.options.private_key, octets, sa.hashes, gw.options.pss)
    except signature.Unable:
        raise Refusal(Note.AUTHENTICATION_FAILED, fatal=True) from None


def _first_child(gw, sa: IkeSa, payloads: list[Payload]) -> list[Payload]:
    """CP, SA and TS payloads; one error notification when only the Child SA is refused (RFC 7296 1.2)."""
    try:
        config = configure(gw, sa, payloads)
        if gw.options.childless and find(payloads, Type.SA) is None:  # RFC 6023 3: addresses all the same
            return config
        return config + child.create(gw, sa, payloads, sa.nonce_i, sa.nonce_r)
    except Refusal as refusal:
        return [notify_payload(refusal.note, refusal.data)]


def configure(gw, sa: IkeSa, payloads: list[Payload]) -> list[Payload]:
    """CFG_REPLY to a CFG_REQUEST (RFC 7296 2.19). Raises Refusal when no address is left for any family asked for."""
    body = find(payloads, Type.CP)
    if body is None:
        return []
    kind, asked = parse_cp(body)
    if kind != Cfg.REQUEST:
        return []
    reply = _addresses(gw, sa, asked)
    wanted = {attribute.type for attribute in asked}
    for text in gw.options.dns:
        address = ipaddress.ip_address(text)
        attribute = Attr.INTERNAL_IP4_DNS if address.version == 4 else Attr.INTERNAL_IP6_DNS
        if attribute in wanted:
            reply.append(ConfigAttribute(attribute, address.packed))
    for text in gw.options.networks:
        subnet = _subnet(ipaddress.ip_network(text))
        if subnet.type in wanted:
            reply.append(subnet)
    if Attr.INTERNAL_DNS_DOMAIN in wanted:
        reply += [ConfigAttribute(Attr.INTERNAL_DNS_DOMAIN, name.encode()) for name in gw.options.domains]
    return [cp_payload(Cfg.REPLY, reply)]


def _addresses(gw, sa: IkeSa, asked: list[ConfigAttribute]) -> list[ConfigAttribute]:
    reply, failed = [], False
    for attribute in asked:
        if attribute.type == Attr.INTERNAL_IP4_ADDRESS:
            address, suffix = gw.pool4.take(attribute.value[:4]), b""
        elif attribute.type == Attr.INTERNAL_IP6_ADDRESS:
            address, suffix = gw.pool6.take(attribute.value[:16]), bytes((gw.pool6.prefix_len,))
        else:
            continue
        if address is None:
            failed = True
            continue
        sa.addresses.append(address)
        reply.append(ConfigAttribute(attribute.type, address + suffix))
    if failed and not reply:
        raise Refusal(Note.INTERNAL_ADDRESS_FAILURE)
    return reply


def _subnet(network) -> ConfigAttribute:
    if network.version == 4:
        return ConfigAttribute(Attr.INTERNAL_IP4_SUBNET, network.network_address.packed + network.netmask.packed)
    return ConfigAttribute(Attr.INTERNAL_IP6_SUBNET, network.network_address.packed + bytes((network.prefixlen,)))
