"""Names of the drop codes of the inner stack: code -n is `NAMES[n]`.

The numbers are private constants of the modules that use them; the names are loaded when somebody asks.
"""

NAMES = (
    "",
    "short",  # -1: fewer octets than the header has
    "version",  # -2: neither IPv4 nor IPv6
    "length",  # -3: a length field contradicts the packet
    "checksum",  # -4: wrong, or absent where it must not be (UDP over IPv6)
    "fragment",  # -5: an IPv4 or IPv6 fragment
    "extension",  # -6: an IPv6 extension header
    "bad_source",  # -7: a source address that cannot send
    "not_ours",  # -8: a destination that is none of our addresses
    "protocol",  # -9: neither ICMP nor UDP, nor TCP when there is a TCP socket
    "icmp_type",  # -10: an ICMP message that we do not answer
    "icmp_error",  # -11: an ICMP error message, counted only
    "echo_unasked",  # -12: an echo reply that belongs to no ping of ours
    "port",  # -13: no socket at this port
    "queue_full",  # -14: the socket's queue has no room
    "peer",  # -15: the socket is connected to somebody else
    "too_long",  # -16: outgoing: longer than the MTU
    "no_address",  # -17: outgoing: we have no address of this family
    "link",  # -18: outgoing: the tunnel refused it
    "tcp_segment",  # -19: a TCP segment outside the window or unacceptable in this state
)
