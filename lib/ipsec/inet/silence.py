"""A TCP connection on which nothing comes any more, perhaps because what comes has become too long for the path; loaded then.

A receiver sees nothing of segments that vanish on their way to it, and silence is mostly just that. So after long segments, and
when the first octets of a connection are acknowledged and not answered, it asks once whether long packets still pass (probe.py).
If they do not, the peer is told, in ways that a receiver has:

* ICMP "fragmentation needed" or "packet too big" (RFC 1191 3, RFC 8201 4), as a router would send that knew of the tunnel, which
  quotes the segment that is missing. The peer repeats it at once, in pieces;
* where that does not help, or cannot, as peers take no MTU below 552 (IPv4) or 1280 (IPv6) from it: a window of nothing, then one
  of a segment, so that the peer sends no more at a time, and ICMP again. A window does shrink here (RFC 9293 3.8.6 has receivers
  avoid it and senders bear it), through zero, since an ACK with just a smaller one is taken for an old one.

Start reading at `noticed`.
"""

from ipsec.inet.checksum import checksum, store, transport
from ipsec.inet.ip import write6
from ipsec.inet.octets import write4
from ipsec.micro import const, copy

_ICMP = const(1)
_TCP = const(6)
_ICMP6 = const(58)
_ACK = const(16)

_SAFE = const(500)  # octets of an inner packet that every path carries (probe.py)
_SAFE_MSS = const(440)
_LATER_MS = const(60000)
_REPEATS = const(3)
_LEAST4 = const(552)  # of Linux
_LEAST6 = const(1280)  # RFC 8200 5

# Steps of `_telling`, backwards.
_BEGIN = const(4)
_SHUT = const(3)


def noticed(c, now: int) -> bool:
    """Nothing has come for a while: find out, or tell the peer again. True when there is something to do at once."""
    c._quiet_at = None
    if c._curious < 0:
        c._curious += 1
        c._telling = _SHUT
    elif c._offered <= _SAFE_MSS:
        c._quiet_at = now + _LATER_MS  # the peer may not send; our next segment begins the count again
        return False
    else:
        c._curious = 0
        c._heard = True  # one question is enough for a peer that says nothing
        if c._stack.probe is None and c.longest() > _SAFE:
            from ipsec.inet.probe import Probe

            Probe(c, False)
    return True


def tell(c) -> bool:
    """Send the next of the packets that tell the peer; True when it left."""
    mtu = c._stack.link.mtu
    v4 = len(c._peer) == 4
    step = c._telling
    if step == _BEGIN:
        c._curious = -_REPEATS
        step = 1 if mtu >= (_LEAST4 if v4 else _LEAST6) else _SHUT
    c._telling = step - 1
    if step == 1:
        return _too_big(c, max(mtu, 0 if v4 else _LEAST6))
    if step == _SHUT:
        c._kept = None  # it lies in the window that is taken back
        c._kept_end = 0
        c._offered = c._narrow = 0
    else:
        c._narrow = c._link_mss()
    return c._transmit(c._sent, 0, _ACK)


def _too_big(c, mtu: int) -> bool:
    """Send the ICMP error, which quotes the headers of the segment that we await."""
    stack = c._stack
    v4 = len(c._peer) == 4
    head = 20 if v4 else 40
    out = stack.begin(_ICMP if v4 else _ICMP6, c._own, c._peer, 0, 8 + head + 20)
    if out < 0:
        stack.count(out)
        return False
    tx = stack.link.tx
    tx[out : out + 8] = bytes((3 if v4 else 2, 4 if v4 else 0, 0, 0, 0, 0, mtu >> 8, mtu & 255))
    at = out + 8
    n = c._peer_mss + head + 20
    if v4:
        write4(tx, at, n, _TCP, 0, c._peer, c._own, 0)
    else:
        write6(tx, at, n, _TCP, c._peer, c._own, 0)
    at += head
    tx[at : at + 20] = bytes(20)
    store(tx, at, c._peer_port)
    store(tx, at + 2, c.port)
    copy(tx, at + 4, c._rcv, 0, 4)
    tx[at + 12] = 5 << 4
    tx[at + 13] = _ACK
    end = at + 20
    store(tx, out + 2, checksum(tx, out, end) if v4 else transport(tx, stack.link.head, out, end, _ICMP6))
    code = stack.finish(end)
    if code < 0:
        stack.count(code)
    return code == 0
