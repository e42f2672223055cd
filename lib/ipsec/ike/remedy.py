"""Error notifies in words, with what the administrator can do; loaded only when one arrives (RFC 7296 3.10.1).

Start reading at `explain`.
"""

from ipsec.address import format_address
from ipsec.ike import names

_PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6", 132: "sctp"}

_REMEDIES = {
    7: "it did not understand our message: please report this with both logs",
    14: "compare ike_proposals and esp_proposals with the gateway's",
    17: "add a key exchange group that the gateway accepts to ike_proposals",
    24: "compare psk, local_id and remote_id with the gateway's configuration",
    34: "name one address range in remote_ts",
    36: "its address pool is exhausted or has no such family: enlarge the pool, or change virtual_ip",
    37: "it wants to assign an address: set virtual_ip",
    38: "remote_ts names nothing that it would protect: compare with its local subnets",
}


def cause(notify: int) -> str:
    """A short word for programs, such as `no_proposal_chosen`."""
    return names.notify(notify).lower().replace(" ", "_")


def explain(notify: int) -> str:
    """A sentence for people."""
    remedy = _REMEDIES.get(notify, "its log has the reason")
    return "the gateway answered %s: %s" % (names.notify(notify), remedy)


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


def disjoint(got, offered) -> str:
    """Why an answer cannot be used."""
    text = "the gateway's traffic selectors (%s) lie outside of those asked for (%s): change local_ts or remote_ts, or its policy"
    return text % (selectors(got), selectors(offered))


def wider(got, offered, option: str) -> str:
    """The warning for an answer that was cut."""
    text = "the gateway answered with the traffic selectors %s, wider than asked for: only %s is used; set %s to what it has"
    return text % (selectors(got), selectors(offered), option)


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
