"""Error notifies in words, with what the administrator can do; loaded only when one arrives (RFC 7296 3.10.1).

Start reading at `explain`.
"""

from ipsec.address import format_address
from ipsec.ike import config_payload, names

_PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6", 132: "sctp"}

_MAX_OFFER = 400  # characters of an offer in a text
_REMEDIES = {
    1: "it wants something that this library has not: its log says what",
    5: "it speaks another version of IKE: enable IKEv2 for this connection",
    7: "it did not understand our message: please report this with both logs",
    14: "compare ike_proposals and esp_proposals with the gateway's",
    17: "add a key exchange group that the gateway accepts to ike_proposals",
    24: "compare psk, local_id and remote_id with the gateway's configuration",
    34: "name one address range in remote_ts",
    35: "it takes no more tunnels: its limit is reached, or another device uses our local_id",
    36: "its address pool is exhausted or has no such family: enlarge the pool, or change virtual_ip",
    37: "it wants to assign an address: set virtual_ip",
    38: "remote_ts names nothing that it would protect: compare with its local subnets",
    43: "it is busy: it is tried again",
}
_WEAK_GROUPS = {1: "modp768", 2: "modp1024", 5: "modp1536", 22: "modp1024s160", 23: "modp2048s224", 24: "modp2048s256"}


def cause(notify: int) -> str:
    """A short word for programs, such as `no_proposal_chosen`."""
    return names.notify(notify).lower().replace(" ", "_")


def explain(notify: int) -> str:
    """A sentence for people."""
    remedy = _REMEDIES.get(notify, "its log has the reason")
    return "the gateway answered %s: %s" % (names.notify(notify), remedy)


def refused(notify: int, config, in_auth: bool, data: bytes = b"") -> str:
    """The same, with what of our configuration was refused; `in_auth` tells IKE_AUTH from IKE_SA_INIT."""
    text = "the gateway answered %s" % names.notify(notify)
    if notify == 14:
        return text + _no_proposal(config, in_auth)
    if notify == 17 and len(data) == 2:
        return text + _other_group(data[0] << 8 | data[1], config)
    if notify == 24 and in_auth and config.ppk_id:
        from ipsec.ike.auth import ppk

        text += ppk.refused(config)
    if notify == 24 and in_auth and config.auth != "psk":
        from ipsec.ike.auth import remedies

        return text + remedies.refused(config)
    if notify == 24 and in_auth:
        who = "we said that we are %r and want %r" % (config.local_id, config.remote_id)
        return text + " (%s): compare psk, local_id and remote_id there; it must take a PSK from us, not EAP" % who
    if notify == 36:
        text += ": it has no address for %r (%s): " % (config.local_id, ", ".join(config.virtual_ip))
        return text + "give it a pool with a free address of that family, or set virtual_ip = [] and inner_address"
    if notify == 38:
        return text + _no_selectors(config)
    return explain(notify)


def no_rekey(sa, notify: int, is_child: bool, now: int) -> None:
    """The gateway refuses new keys for good: a warning says so, and the tunnel is made again."""
    text = "the gateway makes no other Child SA (%s)" if is_child else "the gateway does not rekey the IKE SA (%s)"
    why = refused(notify, sa.config, is_child)
    if is_child and notify == 14 and sa.children:
        why += "; it took this suite before, so it may want perfect forward secrecy with a group that is not offered"
    text %= why
    sa.warn("rekey", text)
    sa.renew(text, now)


def _no_proposal(config, in_auth) -> str:
    from ipsec import suite_names

    offer, name, phase = config.ike_offer, "ike_proposals", "IKE (phase 1)"
    if in_auth:
        offer, name, phase = config.esp_offer, "esp_proposals", "ESP (phase 2)"
    offered = suite_names.describe(offer)
    if len(offered) > _MAX_OFFER:
        offered = offered[:_MAX_OFFER] + "..."
    remedy = "add one of its suites to %s" % name if config.is_listed(name) else "install what it wants, or change its policy"
    return " to our %s offer (%s): %s; compare with its %s proposal" % (phase, offered, remedy, phase)


def _other_group(group, config) -> str:
    from ipsec import suite_names

    if group in _WEAK_GROUPS:
        return " and asks for %s, which is too weak: allow modp2048 (14) or better there" % _WEAK_GROUPS[group]
    word = suite_names.group_name(group)
    if any(group in p.kes for p in config.ike_offer):
        return " and asks for the key exchange group %s (%d) again and again: please report this with its log" % (word, group)
    if word.startswith("group"):
        return " and asks for the key exchange %s, which this library has not: allow x25519, ecp256 or modp2048 there" % word
    where = "add it to ike_proposals" if config.is_listed("ike_proposals") else "install it"
    return " and asks for the key exchange group %s (%d): %s, or allow one of ours there" % (word, group, where)


def _no_selectors(config) -> str:
    from ipsec.ike.selector import Selector

    ours = selectors([Selector(*s) for s in config.local_ts]) if config.local_ts else "the address that it assigns"
    if config.inner_address and not config.local_ts:
        ours = format_address(config.inner_address)
    text = ": our side (local_ts, inner_address) is %s, its side (remote_ts) %s: one of them is not in its policy; "
    return text % (ours, selectors([Selector(*s) for s in config.remote_ts])) + "compare remote_ts with its local subnets first"


def eap(config) -> str:
    """For a gateway that begins EAP."""
    if config.auth != "psk":
        from ipsec.ike.auth import remedies

        return remedies.eap(config)
    text = "the gateway asks %r for EAP, not for a pre-shared key: give it a connection with PSK for this identity"
    return text % config.local_id


def stranger(id_r, config) -> str:
    """For a gateway of another identity than the one that is expected."""
    from ipsec.forms import describe_identity

    text = "the gateway says it is '%s', expected was %r: change remote_id, or distrust the gateway"
    return text % (describe_identity(id_r), config.remote_id)


def no_key(method: int) -> str:
    """For a gateway that proves itself in another way than we do."""
    kind = "%smethod %d" % ("a certificate, " if method in (1, 9, 10, 11, 14) else "", method)
    return "the gateway authenticates by %s, expected was a pre-shared key: set its own authentication to PSK" % kind


def deleted(config) -> str:
    """For a Delete of the gateway."""
    text = "the gateway deleted the tunnel: its log has the reason; if it goes on, another device has our local_id %r (a clone?)"
    return text % config.local_id


def silence(sa) -> str:
    """No answer came to any attempt at a port, or at both; the last that was dropped, and what the local network said."""
    config, path, attempts, error = sa.config, sa.path, sa.window.attempts, sa.last_error
    ports = "port %d" % path.port
    if not sa.keys and attempts > 2 and config.port != config.natt_port and path.kind == "UDP":
        ports = "ports %d and %d" % (config.port, config.natt_port)
    text = "no answer from %s, %s %s, to %d requests: check address, port, firewalls, and that the gateway runs"
    text %= (config.gateway, path.kind, ports, attempts)
    if sa.odd:
        error = _odd_answer(sa.odd)
    return text + (" (%s)" % error if error else "")


def _odd_answer(odd) -> str:
    """For an answer that was dropped: an address that is not the gateway's (RFC 7296 2.11), or version, length, octets."""
    if isinstance(odd, bytes):
        text = "an answer came from %s: set gateway to that address, or let it answer from the one that it is asked at"
        return text % format_address(odd)
    version, length, n = odd
    if version != 2:
        return "it did answer, but in version %d of IKE: enable IKEv2 for this connection at the gateway" % version
    text = "an answer of %d octets is longer than the %d that we have room for: raise mtu, or let the gateway send less "
    return text % (length, n) + "(fewer CERTREQ, subnets or DNS servers)"


def selector(s) -> str:
    """A traffic selector as `local_ts` and `remote_ts` take it, or its first and last address where it is no prefix."""
    first, last = s.start_addr, s.end_addr
    text = format_address(first)
    if first != last:
        gap = int.from_bytes(first, "big") ^ int.from_bytes(last, "big")
        bits = 0
        while gap >> bits:
            bits += 1
        is_prefix = gap == (1 << bits) - 1 and not int.from_bytes(first, "big") & gap
        text += "/%d" % (len(first) * 8 - bits) if is_prefix else "-" + format_address(last)
    if s.protocol or s.start_port or s.end_port != 65535:
        text += "[%s" % (_PROTOCOLS.get(s.protocol) or s.protocol or "any")
        if s.start_port == s.end_port:
            text += "/%d" % s.start_port
        elif s.start_port or s.end_port != 65535:
            text += "/%d-%d" % (s.start_port, s.end_port)
        text += "]"
    return text


def selectors(found) -> str:
    """Some traffic selectors as text, bounded."""
    return ", ".join([selector(s) for s in found[:4]]) + (", ..." if len(found) > 4 else "") or "nothing that we know"


def backwards(s) -> str:
    """For a selector whose end stands before its start."""
    text = "the gateway's traffic selector %s ends before it starts: correct its selectors (OPAQUE ports are not supported)"
    return text % selector(s)


def disjoint(got, offered) -> str:
    """Why an answer cannot be used."""
    text = "the gateway's traffic selectors (%s) lie outside of those asked for (%s): change local_ts or remote_ts, or its policy"
    return text % (selectors(got), selectors(offered))


def wider(got, offered, option: str) -> str:
    """The warning for an answer that was cut."""
    text = "the gateway answered with the traffic selectors %s, wider than asked for: only %s is used; set %s to what it has"
    return text % (selectors(got), selectors(offered), option)


def unreached(subnets, ts_remote, config) -> str:
    """The warning for subnets of the gateway's that its selectors leave out."""
    text = "the gateway says that it protects %s, but agrees to %s: packets to the rest do not pass; %s"
    remedy = "add to remote_ts what you need" if config_payload.unreached(subnets, config.remote_ts) else "correct its selectors"
    return text % (selectors(subnets), selectors(ts_remote), remedy)


def bad_address(addr, why: int, ts_local, wanted: bytes = b"") -> str:
    """Why an address that the gateway assigns is of no use; `why` is a code of `config_payload`."""
    text = "the gateway assigns us the address %s, " % format_address(addr)
    if why == 1:
        return text + "which no host can have: correct its address pool"
    if why == 2:
        return text + "but inner_address is %s: remove inner_address, or let the gateway assign it" % format_address(wanted)
    if why == 3:
        return text + "a family that was not asked for: change virtual_ip, or its address pool"
    if addr == wanted:
        text = "inner_address is %s, " % format_address(addr)
    return text + "outside of the traffic selectors that the gateway agrees to (%s): correct them there" % selectors(ts_local)
