"""Keys of the IKE SA, of Child SAs, and what AUTH covers (RFC 7296 2.13-2.15, 2.17).

Secrets never reach a log; the caller wipes the bytearrays when the SA ends. Start reading at `derive_ike_keys`.
"""

from ipsec.crypto.ct import wipe


def prf_plus(crypto, prf: int, key, seed, length: int) -> bytearray:
    """`prf+` (RFC 7296 2.13).

    ```
    prf+ (K,S) = T1 | T2 | ...    T1 = prf (K, S | 0x01)    T2 = prf (K, T1 | S | 0x02)
    ```
    """
    out = bytearray()
    block = b""
    n = 1
    while len(out) < length:
        block = crypto.prf(prf, key, block, seed, bytes([n]))
        out.extend(block)
        n += 1
    return out[:length]


def cut(keymat, *lengths) -> list:
    """Cuts key material into keys in the RFC's order."""
    keys = []
    pos = 0
    for n in lengths:
        keys.append(keymat[pos : pos + n])
        pos += n
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


def derive_ike_keys(crypto, suite, secret, nonce_i, nonce_r, spi_i, spi_r) -> IkeKeys:
    """Keys of a new IKE SA (RFC 7296 2.14).

    ```
    SKEYSEED = prf(Ni | Nr, g^ir)
    {SK_d | SK_ai | SK_ar | SK_ei | SK_er | SK_pi | SK_pr} = prf+ (SKEYSEED, Ni | Nr | SPIi | SPIr)
    ```
    """
    prf = suite.prf
    encr_len, integ_len, _, _, _ = crypto.sizes(suite.encr, suite.key_bits, suite.integ)
    prf_len = crypto.prf_len(prf)
    skeyseed = crypto.prf(prf, nonce_i + nonce_r, secret)
    total = 3 * prf_len + 2 * integ_len + 2 * encr_len
    keymat = prf_plus(crypto, prf, skeyseed, nonce_i + nonce_r + spi_i + spi_r, total)
    return IkeKeys(keymat, prf_len, integ_len, encr_len)


def derive_child_keys(crypto, esp_suite, prf: int, sk_d, nonce_i, nonce_r) -> list:
    """`[encr_i, integ_i, encr_r, integ_r]` of a Child SA (RFC 7296 2.17); those with `_i` protect what the initiator sends.

    ```
    KEYMAT = prf+(SK_d, Ni | Nr)
    ```
    """
    encr_len, integ_len, _, _, _ = crypto.sizes(esp_suite.encr, esp_suite.key_bits, esp_suite.integ)
    keymat = prf_plus(crypto, prf, sk_d, nonce_i + nonce_r, 2 * (encr_len + integ_len))
    return cut(keymat, encr_len, integ_len, encr_len, integ_len)


def signed_octets(crypto, prf: int, message, nonce_peer, sk_p, id_body) -> bytes:
    """What an endpoint's AUTH covers: its first message as it was on the wire (RFC 7296 2.15).

    ```
    InitiatorSignedOctets = RealMessage1 | NonceRData | MACedIDForI    MACedIDForI = prf(SK_pi, IDType | RESERVED | InitIDData)
    ```
    """
    return bytes(message) + nonce_peer + crypto.prf(prf, sk_p, id_body)
