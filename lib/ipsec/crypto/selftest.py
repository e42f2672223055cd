"""Known answers: a backend that computes wrongly (a miscompiled kernel, a broken AES accelerator) is refused before it is used.

A message with a pattern for keys, header and text is sealed, opened, and refused with one bit wrong. What comes out is compared
with 8 octets of its SHA-256, found with the `cryptography` package. Start reading at `run`.
"""

from hashlib import sha256

from ipsec.crypto import ct, suites
from ipsec.errors import CryptoError

_START = 8  # the header is octets 0 to 7
_TEXT = 48  # octets of plaintext

# encryption number: the sealed message, with 128-bit keys (256 for ChaCha20). CBC: the plaintext of a pattern.
_SEALED = {
    12: b"\x73\xd4\x42\xc0\x8e\xdc\x83\xd5",
    14: b"\x5a\x88\x4b\x6c\x7b\xf2\x6c\x38",
    15: b"\x4a\x5c\x00\x14\x07\xc0\xfe\x2e",
    16: b"\x4b\xa1\xb2\x51\x59\x5f\x0d\xeb",
    18: b"\xe8\xde\xba\xf1\x32\x39\x46\x99",
    19: b"\x51\x58\x43\xb5\x43\x67\x04\xa2",
    20: b"\xbe\x90\x74\x50\x88\xf9\xd4\x23",
    28: b"\x6c\x12\x72\x4c\x97\xff\x42\xb4",
    29: b"\x9c\xc0\x5c\x42\x66\x57\x38\xff",
    30: b"\xc9\xe8\xac\x6c\x15\x20\x66\x37",
    31: b"\x66\x1e\x3a\xcc\xe2\x9e\x30\xd6",
}
_PRF = {
    5: b"\x86\xea\x81\x6b\xe8\x59\xea\x16",
    6: b"\x27\x4c\x19\xdc\x27\x05\x34\xad",
    7: b"\x05\x8d\xf2\x83\x85\x28\x57\x4c",
}


def run(backend, encr: int = 0, integ: int = 0, large: bool = False) -> None:
    """Test one suite, or with no numbers every suite and PRF; raises CryptoError that names what fails."""
    if encr:
        _suite(backend, encr, integ, large)
        return
    for encr in _SEALED:
        for integ in (12, 13, 14) if encr == 12 else (0,):
            _suite(backend, encr, integ, large)
    for prf in _PRF:
        _check(_PRF[prf], backend.prf(prf, b"Jefe", b"what do ya want ", b"for nothing?"), "PRF %d" % prf)


def _suite(backend, encr: int, integ: int, large: bool) -> None:
    """Seal, open, and refuse."""
    name = "encryption %d" % encr + (" with integrity %d" % integ if integ else "")
    encr_len, integ_len, iv_len, icv_len, _ = backend.sizes(encr, 256 if encr in (28, 31) else 128, integ)
    keys = bytes(range(encr_len)), bytes(range(integ_len))
    opener = backend.new_opener(encr, integ, keys[0], keys[1], large or None)  # as in IKE, where memory may be saved
    if encr == 12:
        _open_pattern(backend, opener, integ, icv_len, name)
    buf = bytearray(range(_START + iv_len + _TEXT + icv_len))
    text_pos = _START + iv_len
    text = bytes(buf[text_pos : text_pos + _TEXT])
    sealer = backend.new_sealer(encr, integ, keys[0], keys[1], large)
    end = sealer.seal(buf, 0, _START, text_pos + _TEXT, None)
    if encr != 12:
        _check(_SEALED[encr], buf[:end], name)
    buf[text_pos] ^= 1
    if opener.open(buf, 0, _START, end, None) != -1:
        raise CryptoError("%s accepts a forged message" % name)
    buf[text_pos] ^= 1
    if opener.open(buf, 0, _START, end, None) != text_pos + _TEXT or not ct.equal(buf[text_pos : text_pos + _TEXT], text):
        raise CryptoError("%s does not open what it sealed" % name)
    sealer.wipe()
    opener.wipe()


def _open_pattern(backend, opener, integ: int, icv_len: int, name: str) -> None:
    """AES-CBC chooses its IVs, so the known answer is a plaintext; the ICV comes from the PRF, which is the same HMAC."""
    buf = bytearray(range(_START + 16 + _TEXT))
    size = suites.integ_sizes(integ)[0]
    buf += backend.prf({32: 5, 48: 6, 64: 7}[size], bytes(range(size)), buf)[:icv_len]
    end = opener.open(buf, 0, _START, len(buf), None)
    _check(_SEALED[12], buf[_START + 16 : max(end, 0)], name)


def _check(expected: bytes, octets, name: str) -> None:
    if sha256(octets).digest()[:8] != expected:
        raise CryptoError("self-test: %s computes wrongly" % name)
