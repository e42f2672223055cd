"""Keys of the IKE SA, of Child SAs, and what AUTH covers (RFC 7296 2.13-2.15, 2.17, 2.18).

Rules: secrets never reach a log; what keys are cut from is overwritten here, the keys themselves by whoever holds them when the
SA ends. Start reading at `derive_ike_keys`.
"""

from ipsec.crypto.ct import wipe
from ipsec.micro import copy


def prf_plus(crypto, prf: int, key, seed, length: int) -> bytearray:
    """`prf+` (RFC 7296 2.13).

    ```
    prf+ (K,S) = T1 | T2 | ...    T1 = prf (K, S | 0x01)    T2 = prf (K, T1 | S | 0x02)
    ```
    """
    out = bytearray(length)  # at once: growing would leave copies behind that nobody wipes
    block = b""
    pos = 0
    n = 1
    while pos < length:
        block = crypto.prf(prf, key, block, seed, bytes([n]))
        copy(out, pos, block, 0, min(len(block), length - pos))
        pos += len(block)
        n += 1
    return out


def cut(keymat, *lengths) -> list:
    """Cuts key material into keys in the RFC's order, and overwrites it."""
    keys = []
    pos = 0
    for n in lengths:
        keys.append(keymat[pos : pos + n])
        pos += n
    wipe(keymat)
    return keys


class IkeKeys:
    """SK_d, SK_ai, SK_ar, SK_ei, SK_er, SK_pi, SK_pr as bytearrays."""

    def __init__(self, keymat, prf_len, integ_len, encr_len):
        keys = cut(keymat, prf_len, integ_len, integ_len, encr_len, encr_len, prf_len, prf_len)
        self.sk_d, self.sk_ai, self.sk_ar, self.sk_ei, self.sk_er, self.sk_pi, self.sk_pr = keys

    def wipe(self) -> None:
        """Overwrite all of them."""
        for key in (self.sk_d, self.sk_ai, self.sk_ar, self.sk_ei, self.sk_er, self.sk_pi, self.sk_pr):
            wipe(key)


def derive_ike_keys(crypto, suite, skeyseed, nonce_i, nonce_r, spi_i, spi_r) -> IkeKeys:
    """Keys of a new IKE SA (RFC 7296 2.14).

    ```
    {SK_d | SK_ai | SK_ar | SK_ei | SK_er | SK_pi | SK_pr} = prf+ (SKEYSEED, Ni | Nr | SPIi | SPIr)
    ```
    """
    encr_len, integ_len, _, _, _ = crypto.sizes(suite.encr, suite.key_bits, suite.integ)
    prf_len = crypto.prf_len(suite.prf)
    total = 3 * prf_len + 2 * integ_len + 2 * encr_len
    keymat = prf_plus(crypto, suite.prf, skeyseed, nonce_i + nonce_r + spi_i + spi_r, total)
    return IkeKeys(keymat, prf_len, integ_len, encr_len)


def derive_child_keys(crypto, esp_suite, prf: int, sk_d, seed) -> list:
    """`[encr_i, integ_i, encr_r, integ_r]` of a Child SA (RFC 7296 2.17); those with `_i` protect what the initiator sends.

    ```
    KEYMAT = prf+(SK_d, seed)    seed = Ni | Nr, or g^ir (new) | Ni | Nr
    ```
    """
    encr_len, integ_len, _, _, _ = crypto.sizes(esp_suite.encr, esp_suite.key_bits, esp_suite.integ)
    keymat = prf_plus(crypto, prf, sk_d, seed, 2 * (encr_len + integ_len))
    return cut(keymat, encr_len, integ_len, encr_len, integ_len)


def signed_octets(crypto, prf: int, message, nonce_peer, sk_p, id_body) -> tuple:
    """What an endpoint's AUTH covers, in three parts: its first message as it was on the wire (RFC 7296 2.15).

    ```
    InitiatorSignedOctets = RealMessage1 | NonceRData | MACedIDForI    MACedIDForI = prf(SK_pi, IDType | RESERVED | InitIDData)
    ```
    """
    return message, nonce_peer, crypto.prf(prf, sk_p, id_body)
