"""RSA signatures, verification only (RFC 8017 8): PSS and PKCS #1 v1.5 with SHA-256, SHA-384 and SHA-512.

A device does not sign by RSA: with 2048 bits that takes seconds. Numbers are big-endian octets. The encoded message is rebuilt
and compared as a whole, so that nothing in a signature is skipped over. Start reading at `verify_pkcs1`.
"""

from ipsec.crypto.sign import hashes, modular

MIN_LEN, MAX_LEN = 256, 512  # octets of the modulus
# DigestInfo without the digest (RFC 8017 9.2, note 1); by the octets of the digest the octet that names the hash
_DIGEST_INFO = b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"
_HASH = {32: 1, 48: 2, 64: 3}


def verify_pkcs1(n, e, digest, signature) -> bool:
    """Whether the signature over a message with this digest is right (RFC 8017 8.2.2); `n` has no leading zero, `e` is an int."""
    em = _open(n, e, signature)
    if not em:
        return False
    size = len(digest)
    head = bytearray(_DIGEST_INFO)
    head[1] += size - 32
    head[14] = _HASH[size]
    head[18] = size
    pad = len(n) - size - 22
    if em[0] or em[1] != 1 or em[2 + pad]:
        return False
    for i in range(2, 2 + pad):
        if em[i] != 255:
            return False
    return em[3 + pad :] == head + digest


def verify_pss(n, e, digest, signature, salt_len) -> bool:
    """The same of RSASSA-PSS with MGF1 of the digest's hash (RFC 8017 8.1.2)."""
    em = _open(n, e, signature)
    if not em:
        return False
    size = len(digest)
    start = 1 if n[0] == 1 else 0  # the encoded message has one bit less than n, perhaps a whole octet
    at = len(em) - size - 1
    mask = _mask(n)
    zeros = at - start - salt_len - 1
    if zeros < 0 or em[-1] != 0xBC or start and em[0] or em[start] & ~mask:
        return False
    _unmask(em, start, at, size)
    em[start] &= mask
    for i in range(start, start + zeros):
        if em[i]:
            return False
    if em[start + zeros] != 1:
        return False
    view = memoryview(em)
    return hashes.digest(size, bytes(8), digest, view[at - salt_len : at]) == view[at:-1]


def _mask(n):
    """The bits of the first octet that an encoded message may have: those below the highest of n."""
    top = n[0]
    if top == 1:
        return 255
    mask = 0
    while top > 1:
        top >>= 1
        mask = mask << 1 | 1
    return mask


def _unmask(em, start, at, size):
    """em[start:at] XOR the mask of em[at:at + size] (MGF1, RFC 8017 B.2.1), in place."""
    seed = bytes(memoryview(em)[at : at + size])
    count = 0
    while start < at:
        mask = hashes.digest(size, seed, bytes((0, 0, 0, count)))
        for i in range(min(size, at - start)):
            em[start + i] ^= mask[i]
        start += size
        count += 1


def _open(n, e, signature):
    """signature ^ e mod n in octets as long as n; None when a number is out of range."""
    size = len(n)
    if not MIN_LEN <= size <= MAX_LEN or not n[0] or not n[-1] & 1 or len(signature) != size or e < 3 or not e & 1 or e >> 32:
        return None
    if not _is_below(signature, n):
        return None
    if modular.run is None:
        number = int.from_bytes(bytes(signature), "big")
        return bytearray(pow(number, e, int.from_bytes(bytes(n), "big")).to_bytes(size, "big"))
    return _power(n, e, signature)


def _power(n, e, signature):
    """By Montgomery's products; the last factor is the signature itself, which takes the result out of that form."""
    inner = e >> 1
    while inner & 1 == 0:
        inner >>= 1
    m = modular.Modulus(n, 3 if inner > 1 else 2)
    m.load(1, signature, 0, len(n))
    m.run(b"\x00\x00\x00\x01")
    if inner > 1:
        m.run(b"\x02\x02\x00\x00\x03\x02\x02\x00")  # a copy
    bit = 31
    while not e >> bit & 1:
        bit -= 1
    while bit > 1:
        bit -= 1
        m.run(b"\x01\x00\x00\x00")
        if e >> bit & 1:
            m.run(b"\x00\x00\x00\x02")
    m.run(b"\x01\x00\x00\x00\x00\x00\x00\x01")
    return m.store(0, len(n))


def _is_below(a, b) -> bool:
    for i in range(len(b)):
        if a[i] != b[i]:
            return a[i] < b[i]
    return False
