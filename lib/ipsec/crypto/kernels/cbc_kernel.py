# ruff: noqa: F821 - ptr8 and ptr32 are viper's own types
# mypy: ignore-errors
"""Sealing and opening with AES-CBC and HMAC in one viper call; `cbc_plain.py` is the same in Python.

Besides the time of many small calls this saves their frames: the heap cannot be locked, as an HMAC allocates, and a frame of
bytecode that does not fit the C stack costs up to 20,000 instructions then. Start reading at `process`.
"""

import micropython

from ipsec.crypto.scratch import block
from ipsec.crypto.views import views

_len = len  # a module's own name is found faster than a built-in


@micropython.viper
def process(self, buf, start: int, iv_pos: int, end: int, seq_hi) -> int:
    """Seal or open a message in place, as `crypto/backend.py` tells; `seq_hi` is None without extended sequence numbers."""
    opening = int(self.opens)
    icv_len = int(self.icv_len)
    message = int(ptr8(buf))
    if opening:
        end -= icv_len
    n = end - iv_pos
    if start < 0 or iv_pos < start or n < 16 or n & 15 or end + icv_len > int(_len(buf)):
        if opening:
            return -1
        self.refuse(buf, start, iv_pos, end)
    inner = self.hash(self.inner_pad)
    p8 = ptr8(message + start)
    if iv_pos - start == 8:  # ESP
        d8 = ptr8(self.header)
        i = 8
        while i:
            i -= 1
            d8[i] = p8[i]
        inner.update(self.header)
    else:
        self.update_header(inner, buf, start, iv_pos)
    p8 = ptr8(message + iv_pos)
    if not opening:  # the counter is encrypted in front of the text, and becomes the IV
        d8 = ptr8(self.count)
        i = 15
        while i >= 0:
            u = d8[i] + 1
            d8[i] = u
            if u < 256:
                break
            i -= 1
        i = 16
        while i:
            i -= 1
            p8[i] = d8[i]
    decrypting = 0
    while True:
        p = message + iv_pos
        left = n
        while left:  # a round of what fits the scratch buffer: in, through the ciphers, out
            k = 736  # SIZE of scratch.py
            if k > left:
                k = left
            view = views[k >> 4]
            d = ptr32(block)
            s = ptr32(p)
            turn = 2
            while turn:
                if not (p & 3):
                    i = k >> 4
                    while i:
                        d[0] = s[0]
                        d[1] = s[1]
                        d[2] = s[2]
                        d[3] = s[3]
                        d = ptr32(int(d) + 16)
                        s = ptr32(int(s) + 16)
                        i -= 1
                else:
                    d8 = ptr8(int(d))
                    s8 = ptr8(int(s))
                    i = k
                    while i:
                        i -= 1
                        d8[i] = s8[i]
                turn -= 1
                if turn:
                    if decrypting or not opening:
                        self.cipher(view, view)
                    else:
                        turn = 0
                    if not decrypting:
                        inner.update(view)
                    d = ptr32(p)
                    s = ptr32(block)
            p += k
            left -= k
        if decrypting:
            return end
        if seq_hi:
            inner.update(seq_hi)
        outer = self.hash(self.outer_pad)
        outer.update(inner.digest())
        digest = outer.digest()
        s8 = ptr8(digest)
        p8 = ptr8(message + end)
        i = icv_len
        if not opening:
            while i:
                i -= 1
                p8[i] = s8[i]
            return end + icv_len
        differs = 0
        while i:  # the time does not depend on the octets
            i -= 1
            differs |= p8[i] ^ s8[i]
        if differs:
            return -1
        decrypting = 1
