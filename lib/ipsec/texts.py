"""Texts of what a tunnel and its sockets tell, with the remedy; loaded only when one is told. Start reading at `failure`."""

from ipsec.address import is_address
from ipsec.errors import ConfigError


def failure(cause: str, config, error: str) -> str:
    """Why an attempt could not begin: "dns", the gateway's name; "local_port", the system refused us a socket; "no_memory"."""
    if cause == "no_memory":
        return "the heap has no room for a handshake: free some before"
    if cause == "dns":
        return "%r was not found (%s): check the name and the DNS server" % (config.gateway, error)
    remedy = "choose another local_port, or 0 for any" if config.local_port else "close other sockets"
    return "UDP port %d cannot be opened (%s): %s" % (config.local_port, error, remedy)


def check_keylog() -> None:
    """Raises ConfigError where the module is missing that a key log hook needs."""
    try:
        import ipsec.ike.keylog  # noqa: F401
    except ImportError:
        raise ConfigError("a keylog hook needs ipsec/ike/keylog, which is not on this board: install it, or give no hook")


def redirects(text: str) -> str:
    """One redirection too many."""
    return text + ", the sixth redirection in 5 minutes: compare where the gateways send their clients, or set redirect = false"


def mtu(before: int, now: int) -> str:
    """Packets of the present MTU do not pass."""
    text = "packets of %d octets inside do not reach the gateway, %d do: set mtu to %d, so that no time is lost finding out"
    return text % (before, now, now)


def twins(config) -> str:
    """A tunnel has died of silence, and come up at once, twice: each of two devices throws the other out (INITIAL_CONTACT)."""
    text = "the gateway fell silent and answered a new tunnel at once, twice: another device may have our local_id %r, or a NAT"
    return text % config.local_id + " forgets us; give each device a local_id of its own, or choose a shorter natt_keepalive_s"


def destination(given) -> str:
    """What is wrong with that which a datagram is to be sent to; empty for an address and a number."""
    if isinstance(given, (tuple, list)) and 1 < len(given) < 5 and isinstance(given[1], int):
        host = given[0]
        if isinstance(host, (bytes, bytearray)) or isinstance(host, str) and is_address(host):
            return ""
        if isinstance(host, str):
            return "%r is not an IPv4 or IPv6 address: uplink.resolve(host) gives that of a name, for (host, port)" % host
    return "%r is not (host, port), such as ('10.10.0.1', 5000)" % (given,)
