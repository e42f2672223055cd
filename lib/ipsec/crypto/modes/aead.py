"""What the AEADs share on a board: key, nonce, IV (RFC 4309, 4106, 7634 and 8750). Start reading at `Aead`."""

from ipsec.crypto import ct, suites
from ipsec.crypto.scratch import block
from ipsec.micro import NO_KERNEL, native

_is_lean = True
try:
    if native:

        def process(self, buf, start: int, iv_pos: int, end: int, seq_hi) -> int:
            """Seal or open a message in place, as `crypto/backend.py` tells; `seq_hi` is None without ESN."""
            done = native.message(self.parts, buf, start, iv_pos, end, seq_hi)
            if done < 0 and not self.opens:
                suites.refuse(buf, start, iv_pos, end)
            return done

    else:
        from ipsec.crypto.kernels.aead_kernel import process
except NO_KERNEL:
    from ipsec.crypto.kernels.aead_plain import process

    _is_lean = False

CCM, GCM, CHACHA = 0, 1, 2


class Aead:
    """One key, with its salt, in one direction: `seal` or `open` as `crypto/backend.py` tells.

    `is_lean`: it allocates nothing after the start, so the heap may be locked; kernels in plain Python do allocate.

    `state` is laid out as `aead_kernel.py` says. A mode brings what that calls, with `block` of `scratch.py` as place of work:

    `stream`   CCM, GCM: `(view, view)` encrypts blocks; ChaCha20: `(work, 0, words, block, n)` makes n blocks of 64 octets
    `mac`      CCM: `(view, view)` is CBC; GCM: `(0, 0, table, sum, block, 0, n)` and Poly1305: `(sum, 0, block, n)` take n blocks
    `begin`    Poly1305: `(sum, block, state)` takes the one-time key
    `end`      GCM, Poly1305: `(state, sum)` writes the MAC into the state

    The C kernel needs of these `stream` and `mac` of AES only, all in the list `parts`.
    """

    opens = 0
    is_lean = _is_lean
    seal = open = process

    def __init__(self, mode: int, encr: int, key):
        _, salt_len, iv_len, icv_len = suites.mode(encr)
        self.state = bytearray(52)
        self.state[4 - salt_len : 4] = key[len(key) - salt_len :]
        self.state[13] = self.opens
        self.state[14] = icv_len
        self.state[15] = iv_len
        self.state[48] = mode

    def ready(self, stream, mac, key=None, total=None) -> None:
        """Take what the mode brings: `key` is GHASH's table or ChaCha20's words, `total` the work area of the MAC."""
        self.stream = stream
        self.mac = mac
        self.parts = [self.state, stream, mac, key, total, block] if native else None

    def skip(self, n: int) -> None:
        """The key has sealed n messages before, with other objects: their IVs are not used again."""
        self.state[8:12] = n.to_bytes(4, "big")

    def wipe(self) -> None:
        """Overwrite what can be overwritten of the key; the object is dead afterwards."""
        ct.wipe(self.state)
        if self.parts:
            self.parts.clear()
        self.stream = self.mac = None
