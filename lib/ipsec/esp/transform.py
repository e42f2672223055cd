"""ESP in tunnel mode, in place over the caller's buffer (RFC 4303).

```
 SPI 4 | sequence number 4 | IV | inner packet | padding 1 2 3 ... | pad length 1 | next header 1 | ICV
```

Rules: a length or a negative code of `drop.py` is returned, nothing is raised, nothing is allocated with AEAD; the replay
window is checked before and marked after the ICV is verified. Start reading at `EspSa.encap`.
"""

from ipsec.esp import drop, state
from ipsec.micro import NO_KERNEL, const, has_room, is_short, native

_is_lean = True
try:
    if native:
        carry, check = native.carry, native.check
    else:
        from ipsec.esp.kernel import carry, check
except NO_KERNEL:
    from ipsec.esp.plain import carry, check

    _is_lean = False

_HEADER_LEN = const(8)
_LITTLE = const(8192)  # octets in one piece: with fewer tables are small, and packets take longer (firmware/natmod/README.md)


class EspSa:
    """Both directions of one Child SA.

    `child` is what IKE negotiated (`ike/child.py`); its keys may be wiped afterwards. `head` is how many octets `encap` needs in
    front of the inner packet, `tail` how many behind it at the most. `large` is for the crypto face: more memory for speed.
    """

    place = 0  # which of several Child SAs it belongs to

    def __init__(self, crypto, child, replay_window: int, large: bool | None = False):
        encr, key_bits, integ, esn = child.suite
        _, _, iv_len, icv_len, block = crypto.sizes(encr, key_bits, integ)
        block = max(4, block)
        self.spi_in = child.spi_in
        self.spi_out = child.spi_out
        self.is_succeeded = False  # new keys are there, or wanted
        self.head = _HEADER_LEN + iv_len
        self.tail = block - 1 + 2 + icv_len
        self.out = state.outbound(child.spi_out, self.head, block, esn, child.ts_local, child.ts_remote)
        self.inward = state.inbound(child.spi_in, self.head, icv_len, esn, replay_window, child.ts_remote, child.ts_local)
        if native and not large and is_short() and not has_room(_LITTLE):
            large = None
        self._sealer = crypto.new_sealer(encr, integ, child.encr_out, child.integ_out, large)
        self._opener = crypto.new_opener(encr, integ, child.encr_in, child.integ_in, large)
        self.is_lean = _is_lean and getattr(self._sealer, "is_lean", False)  # allocates nothing: the heap may be locked
        self._seal = self._sealer.seal  # kept, since looking a method up for every packet is dear
        self._open = self._opener.open
        # with an AEAD and C, all that happens to a packet is one call
        self.parts_out = native and getattr(self._sealer, "parts", None)
        self.parts_in = native and getattr(self._opener, "parts", None)
        self._seq_hi_out = state.seq_hi(self.out)
        self._seq_hi_in = state.seq_hi(self.inward)

    @property
    def packets_out(self) -> int:
        """Packets sent."""
        return state.packets(self.out)

    @property
    def packets_in(self) -> int:
        """Packets received, those that were dropped left out."""
        return state.packets(self.inward)

    @property
    def octets_out(self) -> int:
        """Octets of the inner packets sent."""
        return state.octets(self.out)

    @property
    def octets_in(self) -> int:
        """Octets of the inner packets received."""
        return state.octets(self.inward)

    def encap(self, buf, pos: int, end: int) -> int:
        """Protect the inner packet `buf[pos:end]`; the ESP packet begins at `pos - head`, its end is returned.

        Allocates: nothing with AEAD.
        """
        if self.parts_out:
            return native.encap(self.out, self.parts_out, buf, pos, end)
        end = carry(self.out, buf, pos, end)
        if end < 0:
            return end
        pos -= self.head
        return self._seal(buf, pos, pos + _HEADER_LEN, end, self._seq_hi_out)

    def decap(self, buf, pos: int, end: int) -> int:
        """Verify and decrypt the ESP packet `buf[pos:end]`; the inner packet begins at `pos + head`, its end is returned.

        Allocates: nothing with AEAD.
        """
        if self.parts_in:
            return native.decap(self.inward, self.parts_in, buf, pos, end)
        code = check(self.inward, buf, pos, end)
        if code < 0:
            return code
        end = self._open(buf, pos, pos + _HEADER_LEN, end, self._seq_hi_in)
        if end < 0:
            return drop.ICV
        return carry(self.inward, buf, pos + self.head, end)

    def wipe(self) -> None:
        """Overwrite the keys; the SA is dead afterwards."""
        self._sealer.wipe()
        self._opener.wipe()
