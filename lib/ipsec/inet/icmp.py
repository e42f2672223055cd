"""ICMP (RFC 792) and ICMPv6 (RFC 4443): answer echo requests, count echo replies, send echo requests.

Error messages are counted; what they mean is kept for the UDP socket whose last datagram caused them, and segments of TCP become
shorter where a link wants it. Start reading at `receive`.
"""

from ipsec.inet.checksum import checksum, store, transport
from ipsec.inet.ip import source_at
from ipsec.inet.octets import same
from ipsec.micro import const, copy

_SHORT = const(-1)
_CHECKSUM = const(-4)
_ICMP_TYPE = const(-10)
_ICMP_ERROR = const(-11)
_ECHO_UNASKED = const(-12)

_ICMP = const(1)
_TCP = const(6)
_UDP = const(17)
_ICMP6 = const(58)
_ECHO_REPLY = const(0)
_ECHO = const(8)
_ECHO6 = const(128)
_ECHO_REPLY6 = const(129)

_EMSGSIZE = const(90)
_ENETUNREACH = const(101)
_ECONNREFUSED = const(111)
_EHOSTUNREACH = const(113)


def receive(stack, buf, ip: int, pos: int, end: int) -> int:
    """Take the ICMP message `buf[pos:end]` of the packet at `ip`; return 0 or a negative drop code."""
    if end - pos < 8:
        return _SHORT
    if buf[ip] >> 4 == 4:
        if checksum(buf, pos, end):
            return _CHECKSUM
        return _take4(stack, buf, ip, pos, end)
    if transport(buf, ip, pos, end, _ICMP6):
        return _CHECKSUM
    return _take6(stack, buf, ip, pos, end)


def _take4(stack, buf, ip: int, pos: int, end: int) -> int:
    kind = buf[pos]
    if kind == _ECHO:
        return _answer(stack, buf, ip, pos, end)
    if kind == _ECHO_REPLY:
        return _take_reply(stack, buf, ip, pos)
    if kind not in (3, 11, 12):
        return _ICMP_TYPE
    at = pos + 8
    if end - at >= 28 and buf[at] >> 4 == 4:
        protocol = buf[at + 9]
        at += (buf[at] & 15) << 2
        if at + 8 > end:
            return _ICMP_ERROR
        if protocol == _UDP:
            _tell(stack, buf, pos + 24, 4, at, _error4(kind, buf[pos + 1]))
        elif protocol == _TCP and kind == 3 and buf[pos + 1] == 4:
            _shorten(stack, buf, pos + 24, 4, at, buf[pos + 6] << 8 | buf[pos + 7])
    return _ICMP_ERROR


def _take6(stack, buf, ip: int, pos: int, end: int) -> int:
    kind = buf[pos]
    if kind == _ECHO6:
        return _answer(stack, buf, ip, pos, end)
    if kind == _ECHO_REPLY6:
        return _take_reply(stack, buf, ip, pos)
    if not 1 <= kind <= 4:
        return _ICMP_TYPE
    if end - pos < 56:
        return _ICMP_ERROR
    if buf[pos + 14] == _TCP and kind == 2 and not buf[pos + 4] and not buf[pos + 5]:
        _shorten(stack, buf, pos + 32, 16, pos + 48, buf[pos + 6] << 8 | buf[pos + 7])
    if buf[pos + 14] == _UDP:
        _tell(stack, buf, pos + 32, 16, pos + 48, _error6(kind, buf[pos + 1]))
    return _ICMP_ERROR


def _error4(kind: int, code: int) -> int:
    """The OSError number of an IPv4 error, as Linux has it."""
    if kind != 3:
        return _EHOSTUNREACH
    return _ENETUNREACH if code == 0 else _ECONNREFUSED if code == 3 else _EMSGSIZE if code == 4 else _EHOSTUNREACH


def _error6(kind: int, code: int) -> int:
    """The same for IPv6."""
    if kind == 2:
        return _EMSGSIZE
    if kind != 1:
        return _EHOSTUNREACH
    return _ENETUNREACH if code == 0 else _ECONNREFUSED if code == 4 else _EHOSTUNREACH


def _tell(stack, buf, dest: int, n: int, at: int, error: int) -> None:
    """Note the error at the UDP socket of the quoted datagram, whose header is at `at`, if it is where that socket sends to."""
    socket = stack.find(_UDP, buf[at] << 8 | buf[at + 1])
    if socket is None or socket.dest is None:
        return
    addr = socket.dest[0]
    if socket.dest[1] == (buf[at + 2] << 8 | buf[at + 3]) and len(addr) == n and same(buf, dest, addr, 0, n):
        socket.error = error


def _shorten(stack, buf, dest: int, n: int, at: int, mtu: int) -> None:
    """A TCP segment of ours was too long for a link behind the gateway."""
    if 4 << 8 | _TCP in stack.protocols:
        from ipsec.inet import too_big

        too_big.take(stack, buf, dest, n, at, mtu)


def _answer(stack, buf, ip: int, pos: int, end: int) -> int:
    """Send the message back as an echo reply, from the address it was sent to (RFC 792, RFC 4443 4.2)."""
    v4 = buf[ip] >> 4 == 4
    at = source_at(buf, ip)
    own = stack.own_address(buf, at + (4 if v4 else 16), 4 if v4 else 16)
    out = stack.begin(_ICMP if v4 else _ICMP6, own, buf, at, end - pos)
    if out < 0:
        return out
    copy(stack.link.tx, out + 4, buf, pos + 4, end - pos - 4)
    code = finish(stack, out, out + end - pos, _ECHO_REPLY if v4 else _ECHO_REPLY6)
    if not code:
        stack.echo_requests += 1
    return code


def _take_reply(stack, buf, ip: int, pos: int) -> int:
    """Count the answer if identifier, number and source are those of a ping that awaits it; a repetition does not count."""
    ident = buf[pos + 4] << 8 | buf[pos + 5]
    seq = buf[pos + 6] << 8 | buf[pos + 7]
    peer = stack.echoes.get(seq)
    n = 4 if buf[ip] >> 4 == 4 else 16
    if ident != stack.echo_ident or peer is None or len(peer) != n or not same(buf, source_at(buf, ip), peer, 0, n):
        return _ECHO_UNASKED
    stack.echo_replies += 1
    del stack.echoes[seq]
    return 0


def ping(stack, dest, seq: int, size: int) -> int:
    """Send an echo request with `size` octets of data to a checked address; return 0 or a negative drop code."""
    v4 = len(dest) == 4
    out = stack.begin(_ICMP if v4 else _ICMP6, stack.source_for(dest), dest, 0, 8 + size)
    if out < 0:
        return out
    tx = stack.link.tx
    store(tx, out + 4, stack.echo_ident)
    store(tx, out + 6, seq)
    for i in range(size):
        tx[out + 8 + i] = i & 0xFF
    return finish(stack, out, out + 8 + size, _ECHO if v4 else _ECHO6)


def finish(stack, out: int, end: int, kind: int, code: int = 0) -> int:
    """Write type, code and checksum of the message `tx[out:end]` and send it; 0 or a negative drop code."""
    tx = stack.link.tx
    tx[out] = kind
    tx[out + 1] = code
    store(tx, out + 2, 0)
    if tx[stack.link.head] >> 4 == 6:
        store(tx, out + 2, transport(tx, stack.link.head, out, end, _ICMP6))
    else:
        store(tx, out + 2, checksum(tx, out, end))
    return stack.finish(end)
