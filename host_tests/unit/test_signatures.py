"""Signatures: what no vector says. Kernel against long integers, crafted points, key forms, AlgorithmIdentifiers, garbage."""

import gc
from binascii import b2a_base64, hexlify
from binascii import unhexlify as unhex

from crypto_support import octets
from ipsec.crypto.sign import base25519, comb, ecdsa, ed25519, field, hashes, modular, rsa
from ipsec.crypto.sign.p256 import CURVE as p256
from ipsec.crypto.sign.p384 import CURVE as p384
from ipsec.errors import AuthError, ConfigError, CryptoError
from ipsec.ike.auth import der, keys, read_keys
from support import SLOW, raises, skip

_N = int.from_bytes(p256.N, "big")
_PRIVATE = unhex("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721")  # RFC 6979 A.2.5
_PUBLIC = unhex(
    "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
    "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
)
_SEED = unhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")  # RFC 8032 7.1
_ED = unhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")


def test_modular_agrees_with_long_integers():
    sizes = ((p256.N, 32), (p384.P, 48), (b"\xff" * 127 + b"\x61", 128), (b"\x80" + bytes(254) + b"\x01", 256))
    for modulus, size in sizes:
        m = modular.Modulus(modulus, 14)
        n = int.from_bytes(modulus, "big")
        r = (1 << 13 * ((8 * size) // 13 // 4 + 1) * 4) % n
        assert int.from_bytes(m.store(0, size), "big") == r * r % n
        for a, b in ((0, 0), (n - 1, n - 1), (1, n - 1), (int.from_bytes(octets(size), "big") % n, n >> 1)):
            for slot, number in ((1, a), (2, b), (6, 1)):
                m.load(slot, number.to_bytes(size, "big"), 0, size)
            m.run(b"\x00\x03\x01\x00\x00\x03\x03\x02\x02\x04\x01\x02\x03\x05\x01\x02")
            for slot, want in ((3, a * b), (4, a + b), (5, a - b)):
                assert int.from_bytes(m.store(slot, size), "big") == want % n
                assert int.from_bytes(m.store(slot, size, False), "little") == want % n


def test_inverses_of_public_numbers():
    """Small ones, too, whose path is so short that its length needs another correction."""
    if not ecdsa.inverse:
        skip("powers here")
    for curve in (p256, p384):
        m = curve.order(None)
        n = int.from_bytes(curve.N, "big")
        for a in (1, 2, 3, 5, n - 1, n >> 1, int.from_bytes(octets(32), "big") % n):
            m.load(3, a.to_bytes(curve.SIZE, "big"), 0, curve.SIZE)
            ecdsa.invert_public(m, 3, 0, 6)
            m.load(4, b"\x01", 0, 1)
            m.run(b"\x00\x04\x04\x03")
            assert int.from_bytes(m.store(4, curve.SIZE), "big") * a % n == 1


def test_digits_of_a_scalar():
    """The sum of the comb's digits is the scalar; signed digits are odd, sparse, and sum up too."""
    for k in (0, 1, _N - 1, int.from_bytes(octets(32), "big") % _N):
        assert _sum_of_columns(comb.columns(k.to_bytes(32, "little"), p256.N)) % _N == k
        digits = comb.naf(k.to_bytes(33, "little"))
        assert sum((digits[i] - 128) << i for i in range(len(digits))) == k
        assert all(d == 128 or d & 1 and 121 <= d <= 135 for d in digits)


def _sum_of_columns(columns):
    """What the entries of both tables say, in multiples of the base point."""
    total = 0
    for i in range(64):
        sign = -1 if columns[i] & 8 else 1
        entry = (1 << 96) + sum([(1 if columns[i] >> tooth & 1 else -1) << 32 * tooth for tooth in range(3)])
        total += sign * entry << (i & 31) + 128 * (i >> 5)
    return total


def test_columns_of_a_number_above_the_order_that_is_even():
    order = int.from_bytes(base25519.ORDER, "big")
    for k in (1 << 254, (1 << 255) - 8, order + 1, order - 1, 8, 0):
        assert _sum_of_columns(comb.columns(k.to_bytes(32, "little"), base25519.ORDER)) % order == k % order


def test_equal_and_opposite_points_are_added_right():
    """P + P, P - P and what follows, which crafted signatures bring about."""
    f = p256.field(True)
    ecdsa._prepare(f, p256)
    assert ecdsa._load_point(f, p256, _PUBLIC)
    one = f.get(0, 2)
    point = ecdsa.Point(f)
    f.put(3, one)
    point.add()
    f.put(3, one)
    point.add()  # 2 P
    f.put(3, one)
    point.add(1)  # P
    f.put(3, one)
    point.add(1)
    assert point.is_neutral
    point.double(3)
    f.put(3, one)
    point.add()
    f.run(b"\x01\x05\x02\x02\x00\x05\x05\x03\x03\x05\x05\x00\x00\x05\x05\x0d")
    assert not point.is_neutral and f.is_zero(5)


def test_p256_signature_of_extreme_keys_and_digests():
    for private in (1, 2, _N - 1):
        private = private.to_bytes(32, "big")
        public = ecdsa.public_key(p256, private)
        for digest in (bytes(32), b"\xff" * 32) if not SLOW else (b"\xff" * 32,):
            signature = ecdsa.sign(p256, private, digest, b"more")
            assert ecdsa.verify(p256, public, digest, signature)
            assert not ecdsa.verify(p256, public, digest[1:] + b"\x01", signature)
    for private in (bytes(32), p256.N, b"\xff" * 32, bytes(31)):
        raises(CryptoError, ecdsa.public_key, p256, private, text="P-256")


def test_class_signatures_p256_refuses_what_is_out_of_range():
    digest = hashes.digest(32, b"sample")
    good = ecdsa.sign(p256, _PRIVATE, digest)
    assert ecdsa.verify(p256, _PUBLIC, digest, good)
    for r, s in ((bytes(32), good[32:]), (good[:32], bytes(32)), (p256.N, good[32:]), (good[:32], p256.N)):
        assert not ecdsa.verify(p256, _PUBLIC, digest, r + s)
    for number, want in ((0, False), (1, True), (_N - 1, True), (_N, False), (_N + 1, False)):
        assert ecdsa._in_range(b"\x07" + number.to_bytes(32, "big"), 1, p256.N) == want
    for bad in (b"", good[:63], good + b"\x00"):
        assert not ecdsa.verify(p256, _PUBLIC, digest, bad)
    for public in (bytes(64), _PUBLIC[:63], _PUBLIC[:63] + b"\x98", p256.P + _PUBLIC[32:]):
        assert not ecdsa.verify(p256, public, digest, good)


def test_class_signatures_ed25519_refuses_other_encodings_and_small_orders():
    signature = ed25519.sign(_SEED, _ED, b"text")
    assert ed25519.verify(_ED, signature, b"te", b"xt")
    order = int.from_bytes(base25519.ORDER, "big")
    s = int.from_bytes(signature[32:], "little")
    for other in (s + order, s ^ 1 << 255):
        if other < 1 << 256:
            assert not ed25519.verify(_ED, signature[:32] + other.to_bytes(32, "little"), b"text")
    identity = b"\x01" + bytes(31)
    for point in (identity, bytes(32), bytes(31) + b"\x80", b"\xec" + b"\xff" * 30 + b"\x7f", b"\xee" + b"\xff" * 30 + b"\x7f",
                  unhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")):  # fmt: skip
        assert not ed25519.verify(point, identity + bytes(32), b"text")
    assert not ed25519.verify(_ED, signature[:63], b"text") and not ed25519.verify(_ED[:31], signature, b"text")


def test_class_signatures_rsa_refuses_impossible_numbers():
    n = b"\xc0" + octets(254) + b"\x01"
    lengths = (n, 65537, 255), (n, 65537, 257), (n, 1, 256), (n, 2, 256), (n[1:], 3, 255), (bytes(1) + n, 3, 257)
    for modulus, e, length in lengths + ((n[:-1] + b"\x02", 3, 256),):
        assert not rsa.verify_pkcs1(modulus, e, bytes(32), bytes(length))
    assert rsa._open(n, 3, n[:-1] + b"\x03") is None  # n + 2
    assert not rsa.verify_pkcs1(n, 3, bytes(32), n) and not rsa.verify_pss(n, 3, bytes(32), n, 32)
    for e in (3, 17, 65537, 0x10101):
        got = rsa._open(n, e, n[1:] + b"\x05")
        if n[1:] < n:
            assert int.from_bytes(got, "big") == pow(int.from_bytes(n[1:] + b"\x05", "big"), e, int.from_bytes(n, "big"))


def test_forms_of_public_keys():
    for kind, raw in ((keys.ED25519, _ED), (keys.P256, _PUBLIC)):
        der = read_keys.spki(keys.PublicKey(kind, raw))
        base64 = b2a_base64(der).strip()
        pem = b"-----BEGIN PUBLIC KEY-----\n" + base64 + b"\n-----END PUBLIC KEY-----\n"
        for form in (raw, der, base64, b"0s" + base64, b"0s" + b2a_base64(raw), b"0x" + hexlify(raw), pem, pem.decode(),
                     b"leftecdsakey=0s" + b2a_base64(raw), "\trightpubkey=0s" + b2a_base64(der).decode()):  # fmt: skip
            key = read_keys.load_public(form)
            assert (key.kind, key.data) == (kind, raw), form
        for stranger in (b"[", b"@", b"`", b"{", b":", b".", b"-", b" "):  # no octet is skipped in silence
            raises(ConfigError, read_keys.load_public, base64[:5] + stranger + base64[5:], text="gateway_key")
    for point in (b"\4" + _PUBLIC, b"0x" + hexlify(b"\4" + _PUBLIC)):  # uncompressed (SEC 1 2.3.3), as in certificates
        assert read_keys.load_public(point).data == _PUBLIC
    for point in (b"\2" + _PUBLIC, b"\3" + _PUBLIC[:32], b"\5" + _PUBLIC):
        raises(ConfigError, read_keys.load_public, point, text="gateway_key")
    rfc3110 = read_keys.load_public(b"\x03\x01\x00\x01" + b"\xc1" * 256)
    assert (rfc3110.kind, len(rfc3110.data), rfc3110.exponent) == (keys.RSA, 256, 65537)
    for bad in (b"", b"\x30", bytes(31), b"0s!!!", b"0xzz", der[:-1], der + b"\x00", b"-----BEGIN CERTIFICATE-----\n"):
        raises(ConfigError, read_keys.load_public, bad, text="gateway_key")


def _tlv(tag, *parts):
    body = b"".join(parts)
    n = len(body)
    return bytes([tag] + ([n] if n < 128 else [0x81, n] if n < 256 else [0x82, n >> 8, n & 255])) + body


def _rsa_spki(modulus, exponent, unused=b"\0", behind=b""):
    key = _tlv(0x30, _tlv(2, b"\0" * (modulus[0] >> 7), modulus), _tlv(2, exponent))
    algorithm = _tlv(0x30, unhex("06092a864886f70d0101010500"))
    return _tlv(0x30, algorithm, _tlv(3, unused, key if unused else b"", behind))


def test_rsa_keys_that_are_refused():
    n = b"\xc1" * 256
    key = read_keys.load_public(_rsa_spki(n, b"\x03"))
    assert (key.kind, key.data, key.exponent) == (keys.RSA, n, 3)
    for bad in (
        _rsa_spki(n[:-1] + b"\xc0", b"\3"), _rsa_spki(n, b"\4"), _rsa_spki(n, b"\1"), _rsa_spki(n, b"\2"),
        _rsa_spki(n[:255], b"\3"), _rsa_spki(n + n + b"\xc1", b"\3"), _rsa_spki(n, b"\3", b""), _rsa_spki(n, b"\3", b"\1"),
        _rsa_spki(n, b"\3", b"\x08"), _rsa_spki(n, b"\3", behind=b"\0"),
    ):  # fmt: skip
        raises(ConfigError, read_keys.load_public, bad, text="gateway_key")
    for malformed in (b"\3\0", b"\3\1\1", b"\3\1\x08", b"\3\2\1\1", b"\3\2\x09\0"):
        raises(AuthError, der.Der(malformed, 0, len(malformed)).bits)
    for good in (b"\3\1\0", b"\3\2\0\1", b"\3\2\1\2", b"\3\2\7\x80"):
        assert der.Der(good, 0, len(good)).bits() == good[2]


def test_der_booleans():
    for octets_, there in ((b"\1\1\xff", True), (b"\2\1\xff", False), (b"", False)):
        assert der.Der(octets_, 0, len(octets_)).true() == there
    for malformed in (b"\1\1\0", b"\1\1\1", b"\1\0", b"\1\2\xff\xff"):
        raises(AuthError, der.Der(malformed, 0, len(malformed)).true)


def test_forms_of_private_keys():
    ed = unhex("302e020100300506032b657004220420") + _SEED
    sec1 = b"\x30\x31\x02\x01\x01\x04\x20" + _PRIVATE + b"\xa0\x0a\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"
    pkcs8 = unhex("3041020100301306072a8648ce3d020106082a8648ce3d03010704273025020101" + "0420") + _PRIVATE
    for form, kind, public in ((ed, keys.ED25519, _ED), (sec1, keys.P256, _PUBLIC), (pkcs8, keys.P256, _PUBLIC)):
        label = b"EC PRIVATE KEY" if form is sec1 else b"PRIVATE KEY"
        pem = b"-----BEGIN " + label + b"-----\n" + b2a_base64(form) + b"-----END " + label + b"-----\n"
        for octets_ in (form, pem):
            key = read_keys.load_private(octets_)
            assert (key.kind, key.public.data) == (kind, public)
        algorithm = keys.parse_algorithm(key.identifier, 0, len(key.identifier))
        assert key.public.verify(algorithm, key.sign(octets, b"a", b"b"), b"ab")
    assert read_keys.load_private(_PRIVATE, keys.P256).public.data == _PUBLIC
    raises(ConfigError, read_keys.load_private, _PRIVATE, text="raw")
    for bad in (b"", ed[:-1], pkcs8[:-1], ed + b"\x00", bytes(32) + b"\x01", sec1[:7] + bytes(32) + sec1[39:]):
        raises(ConfigError, read_keys.load_private, bad, text="key_file")


def test_algorithm_identifiers():
    pss = "304106092a864886f70d01010a3034a00f300d0609608648016503040201%s"
    pss += "a11c301a06092a864886f70d010108300d0609608648016503040201%sa203020120"
    for text, want in (
        ("300506032b6570", (keys.ED25519, 0, 0)),
        ("300a06082a8648ce3d040302", (keys.ECDSA, 32, 0)),
        ("300a06082a8648ce3d040304", (keys.ECDSA, 64, 0)),
        ("300d06092a864886f70d01010b0500", (keys.RSA, 32, 0)),
        ("300d06092a864886f70d01010d0500", (keys.RSA, 64, 0)),
        (pss % ("0500", "0500"), (keys.RSA_PSS, 32, 32)),
    ):
        blob = unhex(text)
        assert keys.parse_algorithm(blob, 0, len(blob)) == want
        for n in range(len(blob)):
            raises(AuthError, keys.parse_algorithm, blob, 0, n)
    for text in (
        "300906072a8648ce3d0401",  # ECDSA with SHA-1
        "300d06092a864886f70d0101050500",  # RSA with SHA-1
        "300d06092a864886f70d01010a3000",  # RSASSA-PSS with its defaults
        "300c06082a8648ce3d0403020500",  # ECDSA with parameters
        "300b06092a864886f70d01010b",  # RSA without them
        "300706032b65700500",
        "3007060300000005",
        "30020600",
    ):
        raises(AuthError, keys.parse_algorithm, unhex(text), 0, len(text) // 2)
    with_trailer = pss.replace("304106", "304606").replace("3034a0", "3039a0") % ("0500", "0500") + "a3030201"
    for text, want in ((with_trailer + "01", (keys.RSA_PSS, 32, 32)), (with_trailer + "02", None)):
        blob = unhex(text)
        if want:
            assert keys.parse_algorithm(blob, 0, len(blob)) == want
        else:
            raises(AuthError, keys.parse_algorithm, blob, 0, len(blob), text="trailer")
    blob = unhex((pss % ("0500", "0500"))[:-2] + "7f")
    raises(AuthError, keys.parse_algorithm, blob, 0, len(blob), text="a salt of 127 octets, more than")
    raises(AuthError, keys.PublicKey(keys.ED25519, _ED).verify, (keys.ECDSA, 32, 0), bytes(64), b"", text="the key is Ed25519")


def test_class_signatures_der():
    for r, s in ((1, 1), (127, 128), (_N - 1, 255), (0, 0)):
        raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        der = keys.der_signature(raw)
        assert keys.raw_signature(der, 0, len(der), 32) == raw
    wrong = "", "3000", "3003020101", "3006020101020200", "300702010102020001", "30060201ff020101", "308106020101020101"
    for text in wrong + ("300602010102010100", "3026022101" + "00" * 32 + "020101"):
        raises(AuthError, keys.raw_signature, unhex(text), 0, len(text) // 2, 32)


def _garbage(call, *args):
    call(*args)  # modules are loaded
    gc.collect()
    if not hasattr(gc, "mem_alloc"):
        return 0
    gc.disable()
    before = gc.mem_alloc()
    call(*args)
    after = gc.mem_alloc()
    gc.enable()
    return after - before


def test_garbage_of_a_verification():
    """Octets on a 32-bit board; objects of the unix port are twice as large."""
    digest = hashes.digest(32, b"sample")
    signature = ecdsa.sign(p256, _PRIVATE, digest)
    assert _garbage(ecdsa.verify, p256, _PUBLIC, digest, signature) <= (8192 if SLOW else 11000)
    signature = ed25519.sign(_SEED, _ED, digest)
    most = 10000 if SLOW else 14500
    assert _garbage(ed25519.verify, _ED, signature, digest) < most
    n = b"\xc0" * 255 + b"\x01"
    assert _garbage(rsa.verify_pkcs1, n, 65537, digest, b"\x77" * 256) < most


def test_machine_and_long_integers_share_their_constants():
    """The field machine's slots are what `Plain` has, with R of P-256 and without for 2^255 - 19."""
    for make, prime, r in ((field.field_p256, p256.P, None), (field.field_25519, field._P25519, 1)):
        f, plain = make(), modular.Plain(prime, 18, b"", None, r)
        for store in (f, plain):
            store.load(1, octets(32, 5), 0, 31)
            store.load(2, octets(32, 6), 0, 31)
            store.load(13, b"\x01", 0, 1)
            store.load(12, b"\x00", 0, 1)
            store.run(b"\x00\x03\x01\x02\x01\x04\x03\x03\x02\x04\x04\x01\x03\x04\x04\x02\x00\x04\x04\x0d")
            store.freeze(4) if r else None
        assert f.store(4) == plain.store(4)


def test_signatures_that_bring_equal_or_opposite_points_about():
    """Whoever knows the key can make the sum meet the comb's first entry, or its opposite, half way: right all the same."""
    n = int.from_bytes(p256.N, "big")
    half = modular.inverse(2, n)
    for sign in (1, -1):
        found = 0
        for k in range(5, 200):
            r = int.from_bytes(ecdsa.public_key(p256, k.to_bytes(32, "big"))[:32], "big") % n
            v = 0x123456789ABCDEF0FEDCBA9876543210 << 100 | 2 * k + 1
            digits = comb.naf(v.to_bytes(33, "little"))
            a = 0
            for t in range(len(digits) - 1, 30, -1):
                a = 2 * a + digits[t] - 128
            for pattern in range(16):
                c = sum([(1 if pattern >> j & 1 else -1) << 32 * j for j in range(4)])
                d = sign * c * modular.inverse(a % n, n) % n
                u = (k - v * d) % n
                column = (u + (1 << 256) - 1) * half % n
                if sum([(column >> 31 + 32 * j & 1) << j for j in range(4)]) == pattern:
                    found += 1
                    s = r * modular.inverse(v, n) % n
                    digest = (s * u % n).to_bytes(32, "big")
                    public = ecdsa.public_key(p256, d.to_bytes(32, "big"))
                    assert ecdsa.verify(p256, public, digest, r.to_bytes(32, "big") + s.to_bytes(32, "big"))
            if found:
                break
        assert found
