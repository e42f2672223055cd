# ruff: noqa: F821 - ptr8 and ptr32 are viper's own types
# mypy: ignore-errors
"""Sealing and opening with any AEAD in one viper call: a key stream over the text, a MAC over header, text and lengths.

One call, because every call of a small kernel costs a board 1,200 instructions, as much as a block of AES. The ciphers are what
the keyed object brings: `stream` makes key stream in the scratch buffer, `mac` takes blocks from it. `aead_plain.py` is the same
in Python, and easier to read.

The state of an AEAD (`st`, 52 octets):

```
 block 0   nonce 12 (the IV its last 8) | M' of CCM's flags | 1 when it opens | ICV octets | IV octets in the message
 block 1   MAC            block 2   what masks it: key stream, or s of Poly1305
 word 12   mode: 0 CCM, 1 GCM, 2 ChaCha20-Poly1305
```

Rules: `ptr32` only behind a test of the address, since a Cortex-M0+ faults on odd ones; no constant of 2**30 or more; no constant
index below 0 or above 255, which mpy-cross gets wrong for ESP32; a word has 32 bits on boards and 64 on a PC. Start reading at
`process`.
"""

import micropython

from ipsec.crypto.scratch import block
from ipsec.crypto.suites import refuse
from ipsec.crypto.views import views

_len = len  # a module's own name is found faster than a built-in


@micropython.viper
def process(self, buf, start: int, iv_pos: int, end: int, seq_hi) -> int:
    """Seal or open a message in place, as `crypto/backend.py` tells; `seq_hi` is None without extended sequence numbers."""
    st = ptr32(self.state)
    st8 = ptr8(int(st))
    message = int(ptr8(buf))
    mode = st[12]
    opening = st8[13]
    icv_len = st8[14]
    pos = iv_pos + st8[15]
    if opening:
        end -= icv_len
    n = end - pos
    if start < 0 or iv_pos < start or iv_pos - start > 512 or n < 0 or end + icv_len > int(_len(buf)) or pos < 4:
        if opening:
            return -1
        refuse(buf, start, iv_pos, end)

    # the nonce: the IV is a counter, or taken from the message, or the extended sequence number (RFC 8750 4)
    p8 = ptr8(message + iv_pos)
    i = 8
    if pos == iv_pos:
        while i > 4:
            i -= 1
            st8[4 + i] = p8[i - 8]
        st[1] = 0
        if seq_hi:
            s8 = ptr8(seq_hi)
            while i:
                i -= 1
                st8[4 + i] = s8[i]
    elif opening:
        while i:
            i -= 1
            st8[4 + i] = p8[i]
    else:
        i = 11
        while i > 3:
            u = st8[i] + 1
            st8[i] = u
            if u < 256:
                break
            i -= 1
        i = 8
        while i:
            i -= 1
            p8[i] = st8[4 + i]
    scratch = ptr32(block)
    if mode == 2:  # key stream block 0 is the one-time key of Poly1305 (RFC 8439 2.6)
        d = ptr32(self.words)
        d[12] = 0
        d[13] = st[0]
        d[14] = st[1]
        d[15] = st[2]
        self.stream(self.work, 0, self.words, block, 1)
        self.begin(self.sum, block, self.state)

    # phases: odd ones put key stream over the text, even ones compute the MAC; CCM's MAC is over the plaintext
    phase = 0
    if mode == 0:
        phase = opening
    elif not opening:
        phase = 1
    phases = 2
    differs = 0
    while phases:
        p = message + pos
        left = n
        count = mode  # the counter of the first block: 0 with CCM, 1 with GCM; with both it masks the MAC
        room = 736  # SIZE of scratch.py
        if phase & 1:
            used = 16
            if mode == 2:
                used = 0
                room = 704  # whole blocks of 64
        else:
            # the header, with the high half of the sequence number behind the SPI (RFC 4303 2.2.1), zeros up to a block
            i = iv_pos - start
            total = i
            if seq_hi:
                total += 4
            used = 0
            if mode == 0:
                # B_0 (RFC 3610 2.2), XOR the last block the CBC object made, which is its present IV: thus one object
                # computes every MAC from an IV of zero
                scratch[0] = st[4] ^ st[0] ^ st8[12]
                scratch[1] = st[5] ^ st[1]
                scratch[2] = st[6] ^ st[2]
                scratch[3] = st[7] ^ ((n & 255) << 24) ^ ((n >> 8) << 16)
                used = 16
                if total:
                    scratch[0] = scratch[0] ^ 64
                    used = 18
            elif mode == 1:
                d = ptr32(self.sum)
                d[0] = 0
                d[1] = 0
                d[2] = 0
                d[3] = 0
            if mode:
                room = 720  # leave room for the block of lengths
            if total:
                d8 = ptr8(int(scratch) + used)
                used = (used + total + 15) & -16
                d = ptr32(int(scratch) + used - 16)
                d[0] = 0
                d[1] = 0
                d[2] = 0
                d[3] = 0
                if mode == 0:
                    s8 = ptr8(int(d8) - 2)
                    s8[0] = total >> 8
                    s8[1] = total
                p8 = ptr8(message + start)
                if seq_hi:
                    s8 = ptr8(seq_hi)
                    k = 0
                    while k < 4:
                        d8[k] = p8[k]
                        d8[4 + k] = s8[k]
                        k += 1
                    d8 = ptr8(int(d8) + 4)
                    k = 4
                    while k < i:
                        d8[k] = p8[k]
                        k += 1
                else:
                    k = 0
                    while k < i:
                        d8[k] = p8[k]
                        k += 1
        while True:  # a round of what fits the scratch buffer
            k = room - used
            if k > left:
                k = left
            blocks = (used + k + 15) >> 4
            d = ptr32(int(scratch) + used)
            if phase & 1:
                if mode == 2:
                    self.stream(self.work, 0, self.words, block, (k + 63) >> 6)
                else:
                    d = ptr32(int(scratch))
                    a = st[0]
                    b = st[1]
                    c = st[2]
                    i = blocks
                    while i:
                        d[0] = a
                        d[1] = b
                        d[2] = c
                        d[3] = ((count & 255) << 24) | ((count >> 8) << 16)  # big-endian in a little-endian word
                        d = ptr32(int(d) + 16)
                        count += 1
                        i -= 1
                    view = views[blocks]
                    self.stream(view, view)
                    if used:
                        st[8] = scratch[0]
                        st[9] = scratch[1]
                        st[10] = scratch[2]
                        st[11] = scratch[3]
                s = ptr32(int(scratch) + used)
                d = ptr32(p)
                i = k
                if not (p & 3):
                    i = k >> 4
                    while i:
                        d[0] = d[0] ^ s[0]
                        d[1] = d[1] ^ s[1]
                        d[2] = d[2] ^ s[2]
                        d[3] = d[3] ^ s[3]
                        d = ptr32(int(d) + 16)
                        s = ptr32(int(s) + 16)
                        i -= 1
                    i = k & 15
                d8 = ptr8(int(d))
                s8 = ptr8(int(s))
                while i:
                    i -= 1
                    d8[i] = d8[i] ^ s8[i]
            else:
                if k & 15:
                    s = ptr32(int(d) + (k & -16))
                    s[0] = 0
                    s[1] = 0
                    s[2] = 0
                    s[3] = 0
                s = ptr32(p)
                i = k
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
                    i = k & 15
                d8 = ptr8(int(d))
                s8 = ptr8(int(s))
                while i:
                    i -= 1
                    d8[i] = s8[i]
                if mode and k == left:  # the block of lengths: bits, big-endian (GCM), or octets, little-endian (Poly1305)
                    d = ptr32(int(scratch) + 16 * blocks)
                    blocks += 1
                    d[0] = 0
                    d[1] = 0
                    d[2] = 0
                    d[3] = 0
                    if mode == 2:
                        d[0] = total
                        d[2] = n
                    else:
                        d8 = ptr8(int(d))
                        d8[6] = total >> 5
                        d8[7] = total << 3
                        d8[13] = n >> 13
                        d8[14] = n >> 5
                        d8[15] = n << 3
                if mode == 0:
                    view = views[blocks]
                    self.mac(view, view)
                elif mode == 1:
                    self.mac(0, 0, self.table, self.sum, block, 0, blocks)
                else:
                    self.mac(self.sum, 0, block, blocks)
            left -= k
            if not left:
                break
            p += k
            used = 0
        if not (phase & 1):  # keep the MAC
            if mode == 0:
                d = ptr32(int(scratch) + 16 * blocks - 16)
                st[4] = d[0]
                st[5] = d[1]
                st[6] = d[2]
                st[7] = d[3]
            else:
                self.end(self.state, self.sum)
        if differs:  # the text is ciphertext again: nobody may read unverified plaintext
            return -1
        phase += 1
        phases -= 1
        if opening and (phases == 0 or (mode == 2 and phases == 1)):  # compare the ICV; the time does not depend on the octets
            p8 = ptr8(message + end)
            i = icv_len
            if not (int(p8) & 3):
                d = ptr32(int(p8))
                i = icv_len >> 2
                while i:
                    i -= 1
                    differs |= d[i] ^ st[4 + i] ^ st[8 + i]
            while i:
                i -= 1
                differs |= p8[i] ^ st8[16 + i] ^ st8[32 + i]
            if differs:
                if mode == 2:
                    return -1  # nothing was decrypted
                phase = 1
                phases = 1
    if not opening:
        p8 = ptr8(message + end)
        i = icv_len
        if not (int(p8) & 3):
            d = ptr32(int(p8))
            i = icv_len >> 2
            while i:
                i -= 1
                d[i] = st[4 + i] ^ st[8 + i]
        while i:
            i -= 1
            p8[i] = st8[16 + i] ^ st8[32 + i]
        end += icv_len
    return end
