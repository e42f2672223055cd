"""What the UDP sockets of both drivers share: everything but the waiting.

Start reading at `Datagram.transmit`.
"""

from ipsec.address import format_address, is_address, to_octets
from ipsec.esp.drop import SELECTOR

_EBADF = 9
_EAGAIN = 11
_EADDRNOTAVAIL = 99
_ENETUNREACH = 101
_LONGEST_SEND_MS = 10000  # how long a socket without a time-out waits for a tunnel


class Datagram:
    """A UDP socket inside the tunnel, bound to a port (0: a free one); hosts are addresses as text."""

    def __init__(self, uplink, port: int = 0, room: int = 0):
        self._uplink = uplink
        self._inner = uplink.stack.udp(port, room)
        self._closed = False

    def bind(self, address) -> None:
        """Take what is sent to the port of `(host, port)`. Raises OSError: EADDRINUSE, EADDRNOTAVAIL not our host."""
        self._check_usable()
        host, port = pair(address)
        check_own(self._uplink, host)
        self._inner.bind(port)

    def connect(self, address) -> None:
        """Send to `(host, port)`, and receive from there only. Raises ValueError for what is not (host, port)."""
        self._check_usable()
        self._inner.connect(pair(address))

    def getsockname(self) -> tuple:
        """`(host, port)` of ours, the host empty while the tunnel is down."""
        return self._uplink.address, self._inner.port

    def getpeername(self) -> tuple:
        """`(host, port)` that we are connected to. Raises OSError ENOTCONN."""
        host, port = self._inner.peer()
        return format_address(host), port

    def setsockopt(self, *args) -> None:
        """Takes every option and does nothing: none makes a difference inside the tunnel."""

    def is_readable(self) -> bool:
        """Whether a datagram or an ICMP error has come. Raises OSError ESHUTDOWN when none can come any more."""
        inner = self._inner
        if not inner.pending and not inner.error:
            self._check_usable()
            self._uplink.check_open()
        return inner.pending > 0 or inner.error > 0

    def is_writable(self) -> bool:
        """Whether sending can do something now."""
        return self._uplink.is_up

    def transmit(self, call, *args) -> int:
        """Send by a verb of the inner socket. Raises OSError: that of an ICMP error, ENETUNREACH while the tunnel is down or
        for an address outside of its networks, and what the verb raises; ValueError for what is not (host, port)."""
        self._check_usable()
        self._uplink.check_open()
        self._inner.check()
        try:
            n = call(*args)
        except OSError as e:
            if e.args[0] == _EAGAIN:
                check_inside(self._uplink)
            if self._uplink.is_up or e.args[0] not in (_EADDRNOTAVAIL, _EAGAIN):
                raise
            raise unreachable(self._uplink)
        except (TypeError, LookupError, ValueError):
            from ipsec.texts import destination

            text = destination(args[1]) if len(args) > 1 else ""
            if text:
                raise ValueError(text)
            raise
        self._uplink.drain()
        return n

    def close(self) -> None:
        """Give the port back; whoever waits for it gets OSError EBADF."""
        if not self._closed:
            self._closed = True
            self._inner.close()
            self._uplink.drain()

    def _check_usable(self):
        if self._closed:
            raise OSError(_EBADF, "the socket is closed")


def pair(address, names: bool = False) -> tuple:
    """Host as text and port of `(host, port)`; what a tuple of IPv6 has beyond is left out.

    Raises ValueError that says what is wrong with anything else, and with a name where `names` are not taken.
    """
    if isinstance(address, (tuple, list)) and 1 < len(address) < 5 and isinstance(address[1], int):
        host, port = address[0], address[1]
        if isinstance(host, (bytes, bytearray)):
            host = format_address(host)
        if isinstance(host, str) and (names or not host or is_address(host)):
            return host, port
    from ipsec.texts import destination

    raise ValueError(destination(address))


def sending_ms(uplink, timeout_ms) -> int:
    """How long a socket with this time-out waits for a tunnel that is down: never for ever.

    Raises OSError: ESHUTDOWN when the tunnel is closed, EAGAIN with a time-out of 0.
    """
    uplink.check_open()
    if timeout_ms == 0:
        raise OSError(_EAGAIN, down(uplink))
    return _LONGEST_SEND_MS if timeout_ms is None else timeout_ms


def check_own(uplink, host: str) -> None:
    """Raises OSError EADDRNOTAVAIL for a host that is neither ours nor any."""
    if host not in ("", "0.0.0.0", "::"):
        octets = to_octets(host)
        if uplink.stack.own_address(octets, 0, len(octets)) is None:
            raise OSError(_EADDRNOTAVAIL, "%s is no address of ours inside" % host)


def check_inside(uplink) -> None:
    """Raises OSError ENETUNREACH when the last packet was dropped for its address, which waiting does not change."""
    drops = uplink.tunnel.drops
    if uplink.is_up and drops.last == SELECTOR:
        text = "the address lies outside of the networks that the gateway agreed on: list it in remote_ts, and allow it there"
        raise OSError(_ENETUNREACH, text)


def unreachable(uplink) -> OSError:
    """What a call raises that cannot be done during an outage."""
    return OSError(_ENETUNREACH, down(uplink))


def down(uplink) -> str:
    """That there is an outage, and why."""
    text = "coming back" if uplink.config.reconnect else 'staying so, as "reconnect" is false'
    failure = uplink.failure
    return "the tunnel is down, %s%s" % (text, ": " + failure.text if failure else "")
