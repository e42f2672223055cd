"""Why a packet was dropped: negative return codes, because raising allocates, and a counter for each.

Start reading at `Drops`.
"""

TOO_SHORT = -1  # no room for header, IV and ICV
UNKNOWN_SPI = -2  # no SA of ours (RFC 4303 3.4.2)
SEQ_ZERO = -3  # never sent by a correct peer (RFC 4303 3.3.3)
REPLAY = -4  # seen before, or left of the window (RFC 4303 3.4.3)
ICV = -5  # wrong integrity check value
PADDING = -6  # pad length that lies, or pad octets that are not 1, 2, 3 (RFC 4303 2.4)
NEXT_HEADER = -7  # neither IPv4 nor IPv6 inside
DUMMY = -8  # next header 59: traffic flow confidentiality, nothing inside (RFC 4303 2.6)
SELECTOR = -9  # inner packet outside the negotiated traffic selectors (RFC 4301 5.2)
SEQ_EXHAUSTED = -10  # the sequence number would wrap (RFC 4303 3.3.3)
NO_SA = -11  # there is no tunnel to send through
TOO_LONG = -12  # longer than the buffer or the MTU
BUSY = -13  # the packet before it has not been sent yet
NO_MEMORY = -14  # the heap has no room for what a datagram wants


class Drops:
    """One counter for each reason; counting allocates nothing below 2**30."""

    def __init__(self):
        self._counts = [0] * -NO_MEMORY
        self.last = 0  # the code that was counted last

    def count(self, code: int) -> int:
        """Count a negative code and return it."""
        self._counts[-1 - code] += 1
        self.last = code
        return code

    def as_dict(self) -> dict:
        """`{name: count}` of the reasons that occurred."""
        from ipsec.esp.drop_names import NAMES

        return {name: n for name, n in zip(NAMES, self._counts) if n}  # noqa: B905 (MicroPython)


def with_memory(function, a, b, c, d):
    """Return `function(a, b, c, d)`, or NO_MEMORY, a drop code, when the heap is full."""
    try:
        return function(a, b, c, d)
    except MemoryError:
        return NO_MEMORY
