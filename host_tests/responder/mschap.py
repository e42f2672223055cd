"""What a gateway needs of MSCHAPv2 (RFC 2759, RFC 3079) with pyca's DES, and an MD4 of its own, which OpenSSL no longer has.

Start reading at `Server`.
"""

import hashlib
import hmac
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, modes

try:
    from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
except ImportError:  # older versions
    from cryptography.hazmat.primitives.ciphers.algorithms import TripleDES

_M = 0xFFFFFFFF


def md4(data: bytes) -> bytes:
    """RFC 1320."""
    message = data + b"\x80" + b"\0" * ((55 - len(data)) % 64) + struct.pack("<Q", 8 * len(data))
    h = [0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476]
    for at in range(0, len(message), 64):
        x = struct.unpack("<16I", message[at : at + 64])
        v = list(h)
        for step in range(48):
            a, b, c, d = (v[(i - step) % 4] for i in range(4))
            turn, i = divmod(step, 16)
            if turn == 0:
                f, k, s = (b & c) | (~b & d), i, (3, 7, 11, 19)[i % 4]
            elif turn == 1:
                f, k, s = (b & c) | (b & d) | (c & d), i % 4 * 4 + i // 4, (3, 5, 9, 13)[i % 4]
                a += 0x5A827999
            else:
                f, k, s = b ^ c ^ d, int(f"{i:04b}"[::-1], 2), (3, 9, 11, 15)[i % 4]
                a += 0x6ED9EBA1
            t = (a + (f & _M) + x[k]) & _M
            v[-step % 4] = (t << s | t >> 32 - s) & _M
        h = [(p + q) & _M for p, q in zip(h, v, strict=True)]
    return struct.pack("<4I", *h)


def nt_hash(password: str) -> bytes:
    """NtPasswordHash."""
    return md4(password.encode("utf-16-le"))


def _des(key: bytes, block: bytes) -> bytes:
    bits = int.from_bytes(key, "big")
    spread = bytes((bits >> 49 - 7 * i & 127) << 1 for i in range(8))
    return Cipher(TripleDES(spread * 3), modes.ECB()).encryptor().update(block)


def _sha1(*parts: bytes) -> bytes:
    return hashlib.sha1(b"".join(parts), usedforsecurity=False).digest()


class Server:
    """The server's side for one client; `request(...)` gives EAP type data, `msk` is there once the client was right."""

    def __init__(self, users: dict[str, str], challenge: bytes):
        self._users, self._challenge = users, challenge
        self.msk = b""
        self.name = ""

    def begin(self) -> bytes:
        """Challenge."""
        return struct.pack(">BBHB", 1, 7, 21 + 6, 16) + self._challenge + b"server"

    def check(self, data: bytes) -> bytes | None:
        """Success or Failure, for a Response; None for what is no such thing."""
        if len(data) < 54 or data[0] != 2 or struct.unpack(">H", data[2:4])[0] != len(data) or data[4] != 49:
            return None
        theirs, response, self.name = data[5:21], data[29:53], data[54:].decode()
        password = self._users.get(self.name)
        short = _sha1(theirs, self._challenge, self.name.split("\\")[-1].encode())[:8]
        key = nt_hash(password if password is not None else "nobody's") + bytes(5)
        expected = b"".join(_des(key[i : i + 7], short) for i in (0, 7, 14))
        if password is None or not hmac.compare_digest(expected, response):
            return self.message(4, b"E=691 R=1 C=" + self._challenge.hex().upper().encode() + b" V=3 M=Authentication failure")
        twice = md4(key[:16])
        digest = _sha1(_sha1(twice, response, b"Magic server to client signing constant"), short,
                       b"Pad to make it do more than one iteration")  # fmt: skip
        self.msk = _msk(twice, response)
        return self.message(3, b"S=" + digest.hex().upper().encode() + b" M=Welcome")

    @staticmethod
    def message(code: int, text: bytes) -> bytes:
        """Success or Failure with a text."""
        return struct.pack(">BBH", code, 7, 4 + len(text)) + text


def _msk(twice: bytes, response: bytes) -> bytes:
    master = _sha1(twice, response, b"This is the MPPE Master Key")[:16]
    texts = (
        b"On the client side, this is the send key; on the server side, it is the receive key.",
        b"On the client side, this is the receive key; on the server side, it is the send key.",
    )
    return b"".join(_sha1(master, bytes(40), text, b"\xf2" * 40)[:16] for text in texts) + bytes(32)
