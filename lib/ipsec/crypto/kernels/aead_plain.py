"""`process` of aead_kernel.py in plain Python, for interpreters without viper: the same state, the same ciphers, other speed.

Start reading at `process`.
"""

from ipsec.crypto.kernels.plain import fill
from ipsec.crypto.scratch import SIZE, block
from ipsec.crypto.suites import refuse
from ipsec.crypto.views import views

_CCM, _GCM, _CHACHA = 0, 1, 2


def process(self, buf, start, iv_pos, end, seq_hi):
    """Seal or open a message in place, as `crypto/backend.py` tells; `seq_hi` is None without extended sequence numbers."""
    state = self.state
    opens, icv_len, iv_len = state[13:16]
    mode = state[48]
    end -= icv_len if opens else 0
    n = end - iv_pos - iv_len
    if not 0 <= start <= iv_pos <= start + 512 or n < 0 or end + icv_len > len(buf) or end - n < 4:
        return -1 if opens else refuse(buf, start, iv_pos, end)
    _take_nonce(state, buf, iv_pos, seq_hi)
    aad = bytes(buf[start:iv_pos])
    if seq_hi:  # behind the SPI (RFC 4303 2.2.1)
        aad = aad[:4] + bytes(seq_hi) + aad[4:]
    if mode == _CHACHA:  # key stream block 0 is the one-time key of Poly1305 (RFC 8439 2.6)
        self.words[48:64] = bytes(4) + state[:12]
        self.stream(self.work, 0, self.words, block, 1)
        self.begin(self.sum, block, state)
    if opens != (mode == _CCM):  # the MAC of CCM is over the plaintext
        _mac(self, mode, aad, buf, end - n, n)
        if mode != _CHACHA or not opens or not _differs(state, buf, end, icv_len):
            _crypt(self, mode, buf, end - n, n)
    else:
        _crypt(self, mode, buf, end - n, n)
        _mac(self, mode, aad, buf, end - n, n)
    if not opens:
        for i in range(icv_len):
            buf[end + i] = state[16 + i] ^ state[32 + i]
        return end + icv_len
    if not _differs(state, buf, end, icv_len):
        return end
    if mode != _CHACHA:
        _crypt(self, mode, buf, end - n, n)  # back to ciphertext: nobody may read unverified plaintext
    return -1


def _take_nonce(state, buf, iv_pos, seq_hi):
    """The IV is a counter, or taken from the message, or the extended sequence number (RFC 8750 4)."""
    if not state[15]:
        state[4:12] = bytes(seq_hi or bytes(4)) + buf[iv_pos - 4 : iv_pos]
    elif state[13]:
        state[4:12] = buf[iv_pos : iv_pos + 8]
    else:
        count = int.from_bytes(state[4:12], "big") + 1
        state[4:12] = (count & 0xFFFFFFFFFFFFFFFF).to_bytes(8, "big")
        buf[iv_pos : iv_pos + 8] = state[4:12]


def _crypt(self, mode, buf, pos, n):
    """XOR the text with the key stream; with AES its first block masks the MAC."""
    used, room = (0, SIZE & -64) if mode == _CHACHA else (16, SIZE)
    count = mode
    while n or used:
        k = min(n, room - used)
        if mode == _CHACHA:
            self.stream(self.work, 0, self.words, block, (k + 63) // 64)
        else:
            blocks = (used + k + 15) // 16
            for i in range(blocks):
                block[16 * i : 16 * i + 16] = self.state[:12] + (count + i).to_bytes(4, "big")
            self.stream(views[blocks], views[blocks])
            count += blocks
        if used:
            self.state[32:48] = block[:16]
        for i in range(k):
            buf[pos + i] ^= block[used + i]
        pos += k
        n -= k
        used = 0


def _mac(self, mode, aad, buf, pos, n):
    """The MAC over header, text and lengths into block 1 of the state."""
    state = self.state
    message = b""
    if mode == _CCM:  # B_0 (RFC 3610 2.2), XOR the last block that the CBC object made, which is its IV
        first = bytes([state[0] | state[12] | (64 if aad else 0)]) + state[1:12] + n.to_bytes(4, "big")
        message = bytes([a ^ b for a, b in zip(first, state[16:32])])  # noqa: B905 (MicroPython)
        aad = len(aad).to_bytes(2, "big") + aad if aad else b""
    else:
        self.sum[:16] = bytes(16) if mode == _GCM else self.sum[:16]
    message += _padded(aad) + _padded(bytes(buf[pos : pos + n]))
    if mode == _GCM:
        message += (len(aad) << 67 | n << 3).to_bytes(16, "big")
    elif mode == _CHACHA:
        message += len(aad).to_bytes(8, "little") + n.to_bytes(8, "little")
    for at in range(0, len(message), SIZE):
        blocks = fill(block, message, 0, at, len(message) - at)
        if mode == _CCM:
            self.mac(views[blocks], views[blocks])
            state[16:32] = block[16 * blocks - 16 : 16 * blocks]
        elif mode == _GCM:
            self.mac(0, 0, self.table, self.sum, block, 0, blocks)
        else:
            self.mac(self.sum, 0, block, blocks)
    if mode != _CCM:
        self.end(state, self.sum)


def _padded(octets):
    return octets + bytes(-len(octets) % 16)


def _differs(state, buf, pos, n):
    """0 when buf[pos:pos+n] is the masked MAC of the state; the time does not depend on the octets."""
    diff = 0
    for i in range(n):
        diff |= buf[pos + i] ^ state[16 + i] ^ state[32 + i]
    return diff
