"""AES-CCM on a board (RFC 4309, in IKE RFC 5282): the suite that costs the least memory on stock firmware.

The CBC-MAC runs on one long-lived CBC object whose IV is always known (see B_0 in aead_kernel.py), because a new object would
cost a key schedule and 300 octets of garbage a packet. Start reading at `Sealer`.
"""

from cryptolib import aes

from ipsec.crypto.modes.aead import CCM, Aead


class Sealer(Aead):
    """Seals with AES-CCM; the IV is a counter. Allocates nothing."""

    def __init__(self, encr: int, key, _large: bool | None = False):
        super().__init__(CCM, encr, key)
        self.state[0] = 3  # L' = L - 1: a length field of 4 octets
        self.state[12] = (self.state[14] - 2) // 2 << 3  # M', which joins it in B_0
        self.ready(aes(bytes(key[:-3]), 1).encrypt, aes(bytes(key[:-3]), 2, bytes(16)).encrypt)


class Opener(Sealer):
    """Opens AES-CCM. Allocates nothing."""

    opens = 1
