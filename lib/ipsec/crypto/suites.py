"""Algorithm numbers (IANA "IKEv2 Parameters") and the lengths that go with them, the same for every backend.

RFC 3602 (AES-CBC), 4309 (CCM), 4106 (GCM), 7634 (ChaCha20-Poly1305), 8750 (implicit IV), 4868 (HMAC-SHA2), 8247 (which to use).
Start reading at `sizes`.
"""

from ipsec.errors import CryptoError

_MODES = "", "cbc", "ccm", "gcm", "chacha"
# number: mode, salt octets, IV octets in the message, ICV octets (integrity of its own has none here); they are the digits of one
# number, because a small integer takes no heap
_ENCR = {
    12: 1_0_16_00,
    14: 2_3_08_08,
    15: 2_3_08_12,
    16: 2_3_08_16,
    18: 3_4_08_08,
    19: 3_4_08_12,
    20: 3_4_08_16,
    28: 4_4_08_16,
    29: 2_3_00_08,
    30: 3_4_00_16,
    31: 4_4_00_16,
}
_INTEG = {12: 32_16, 13: 48_24, 14: 64_32}  # number: key octets = digest octets, ICV octets
_PRF = {5: 32, 6: 48, 7: 64}
_GROUP = {31: 32, 19: 64, 20: 96, 21: 132, 14: 256, 15: 384, 16: 512}


def mode(encr: int) -> tuple:
    """`(mode, salt_len, iv_len, icv_len)` of an encryption algorithm; raises CryptoError for an unknown one."""
    row = _find(_ENCR, encr, "encryption")
    return _MODES[row // 100000], row // 10000 % 10, row // 100 % 100, row % 100


def integ_sizes(integ: int) -> tuple:
    """`(key_len, icv_len)` of an integrity algorithm; the key is as long as the digest (RFC 4868 2.1.1)."""
    row = _find(_INTEG, integ, "integrity")
    return row // 100, row % 100


def prf_len(prf: int) -> int:
    """Octets of a PRF's output, which is also its preferred key length."""
    return _PRF.get(prf) or _find(_PRF, prf, "PRF")


def dh_len(group: int) -> int:
    """Octets of the KE payload's data (RFC 7748, 5903, 3526)."""
    return _find(_GROUP, group, "group")


def sizes(encr: int, key_bits: int, integ: int) -> tuple:
    """`(encr_key_len, integ_key_len, iv_len, icv_len, block)` in octets; `encr_key_len` includes the salt of an AEAD.

    `key_bits` may be 0 for ChaCha20, which has one key length. `block` is what a sender pads to: 16 with CBC,
    else 4, the alignment of ESP (RFC 4303 2.4). Raises CryptoError that names what is not there.
    """
    name, salt_len, iv_len, icv_len = mode(encr)
    if name == "chacha" and not key_bits:
        key_bits = 256
    if key_bits not in ((256,) if name == "chacha" else (128, 192, 256)):
        raise CryptoError("encryption %d has no %d-bit key" % (encr, key_bits))
    if name != "cbc":
        if integ:
            raise CryptoError("encryption %d brings its own integrity, not %d" % (encr, integ))
        return key_bits // 8 + salt_len, 0, iv_len, icv_len, 4
    integ_len, icv_len = integ_sizes(integ)
    return key_bits // 8, integ_len, iv_len, icv_len, 16


def check_keys(encr: int, integ: int, encr_key, integ_key) -> int:
    """The bits of the encryption key; raises CryptoError unless the keys have the lengths that `sizes` tells."""
    bits = (len(encr_key) - mode(encr)[1]) * 8
    if len(integ_key) != sizes(encr, bits, integ)[1]:
        raise CryptoError("integrity %d has no %d-bit key" % (integ, len(integ_key) * 8))
    return bits


def check_room(buf, start: int, iv_pos: int, end: int, iv_len: int, icv_len: int) -> None:
    """Raise CryptoError for positions that a caller of `seal` must not ask for."""
    if not 0 <= start <= iv_pos <= end - iv_len or end + icv_len > len(buf):
        refuse(buf, start, iv_pos, end)


def refuse(buf, start: int, iv_pos: int, end: int) -> None:
    """Raise the CryptoError of `check_room`."""
    raise CryptoError("no room to seal at %d, %d, %d of %d octets" % (start, iv_pos, end, len(buf)))


def _find(table: dict, number: int, what: str):
    if number not in table:
        raise CryptoError("%s %s is unknown; there are %s" % (what, number, sorted(table)))
    return table[number]
