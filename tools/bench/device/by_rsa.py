"""A handshake of a device with a P-256 key with a gateway whose certificate and whose authority's are RSA-2048, on a board.

What the gateway computes is not counted; its signature is made once, as the exchange is the same in each round.
Start reading at `main`.
"""

import gc
import json

import ipsec.crypto.backend  # noqa: F401 - the deepest first: a board's stack holds few imports inside each other
import ipsec.ike.sa  # noqa: F401
import ipsec.ike.selector  # noqa: F401
import ipsec.tunnel  # noqa: F401
from by_certificates import Counted
from counting import tell
from ipsec.crypto.sign import hashes
from ipsec.ike.auth import keys

_ROUNDS = 3  # the first loads modules
# AlgorithmIdentifier of sha256WithRSAEncryption, and DigestInfo of SHA-256 (RFC 8017 A.2.4)
_IDENTIFIER = b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00"
_DIGEST_INFO = b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"
_LEN = 256


class Gateway:
    """The gateway's key; `numbers` are p, q, d mod p - 1, d mod q - 1, 1 / q mod p in hexadecimal."""

    kind = keys.RSA
    identifier = _IDENTIFIER

    def __init__(self, numbers):
        self._numbers = [int(n, 16) for n in numbers]
        self._made = {}

    def sign(self, _random, *message):
        """RSASSA-PKCS1-v1_5 (RFC 8017 8.2.1)."""
        digest = hashes.digest(32, *message)
        if digest not in self._made:
            p, q, dp, dq, inverse = self._numbers
            padding = b"\xff" * (_LEN - 3 - len(_DIGEST_INFO) - len(digest))
            m = int.from_bytes(b"\x00\x01" + padding + b"\x00" + _DIGEST_INFO + digest, "big")
            a, b = pow(m % p, dp, p), pow(m % q, dq, q)
            self._made[digest] = (b + (a - b) * inverse % p * q).to_bytes(_LEN, "big")
        return self._made[digest]


def main(folder, threshold=-1):
    """One row: the ticks of the device's steps, the heap; `folder` has what the host made."""
    gc.threshold(threshold)
    with open(folder + "/rsa.json") as f:
        made = json.load(f)
    leaf, root = (bytes.fromhex(made[name]) for name in ("leaf", "root"))
    gateway = Gateway(made["numbers"])
    for _ in range(_ROUNDS):
        found = Counted(keys.P256, gateway, leaf, root)
    tell(kind="rsa2048", steps=found.steps, heap=found.heap)
