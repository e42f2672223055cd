"""What the AEAD modes share on a board: key, nonce, IV (RFC 4309, 4106, 7634 and 8750). Start reading at `Aead`."""

from ipsec.crypto import ct, suites

try:
    from ipsec.crypto.kernels import copy
except (ImportError, NotImplementedError, SyntaxError, ValueError):  # no viper here, or .mpy files for another chip
    from ipsec.crypto.plain import copy

_NONE = bytes(4)


class Aead:
    """One key, with its salt, in one direction. `state` is laid out as kernels.py says; nothing allocates after the start."""

    def __init__(self, encr: int, key):
        _, salt_len, self.iv_len, self.icv_len = suites.mode(encr)
        self.state = bytearray(48)
        self.state[4 - salt_len : 4] = key[len(key) - salt_len :]
        self.overhead = self.iv_len + self.icv_len

    def implicit_iv(self, buf, iv_pos: int, seq_hi) -> None:
        """The IV that is not in the message: the extended sequence number (RFC 8750 4)."""
        copy(self.state, 4, seq_hi or _NONE, 0, 4)
        copy(self.state, 8, buf, iv_pos - 4, 4)

    def wipe(self) -> None:
        """Overwrite what can be overwritten of the key; the object is dead afterwards."""
        ct.wipe(self.state)
