"""One test vector through the crypto face, on either interpreter.

A case is a line: its name, its kind, and fields that are hexadecimal but for numbers. So sets of thousands travel between
interpreters, and onto boards, as a text file. The kinds:

    aead ENCR KEY NONCE AAD TEXT CIPHERTEXT ICV VALID
    cbc KEY IV TEXT CIPHERTEXT
    prf PRF KEY DATA OUTPUT
    expand PRF SECRET SALT INFO OUTPUT           (HKDF of RFC 5869, whose second half is prf+ of RFC 7296 2.13)
    hash OCTETS_OF_DIGEST DATA DIGEST
    poly KEY TEXT TAG                            (whole blocks, as ChaCha20-Poly1305 has)
    chacha KEY COUNTER NONCE TEXT CIPHERTEXT
    verify KEY ALGORITHM MESSAGE SIGNATURE VALID (SubjectPublicKeyInfo; AlgorithmIdentifier; `?` where either is right)
    verify-raw, the same with r | s of ECDSA     (as AUTH of method 9 has it)
    sign-ed25519, sign-p256 PRIVATE PUBLIC MESSAGE SIGNATURE
    dh GROUP PRIVATE OUR_PUBLIC PEER_PUBLIC SECRET

An empty field is `-`; of an exchange it means: not told (OUR_PUBLIC), must be refused (SECRET). Start reading at `check`.
"""

from binascii import hexlify, unhexlify

from crypto_support import set_next_iv  # of host_tests/unit

_ORDERS = {
    19: int("FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551", 16),
    20: int("FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973", 16),
}
_last: list = ["", None]  # the key pair of the case before: many cases share one, and on a board it costs a second


def check(backend, line: str) -> None:
    """Run one case; AssertionError when the backend disagrees."""
    _, kind, *fields = line.split()
    _CHECKS[kind](backend, *fields)


def _octets(field: str) -> bytes:
    return b"" if field == "-" else unhexlify(field)


def _aead(backend, encr, key, nonce, aad, text, sealed, icv, valid):
    key, nonce, aad, text, sealed, icv = [_octets(x) for x in (key, nonce, aad, text, sealed, icv)]
    encr = int(encr)
    salt_len = len(nonce) - 8
    key += nonce[:salt_len]
    message = bytearray(aad + nonce[salt_len:] + sealed + icv)
    text_pos = len(aad) + 8
    end = text_pos + len(sealed)
    opened = bytearray(message)
    result = backend.new_opener(encr, 0, key, b"").open(opened, 0, len(aad), len(opened), None)
    if valid == "0":
        assert result == -1, "accepted"
        assert opened == message, "refused, but changed"
        return
    assert result == end, "refused"
    assert opened[text_pos:end] == text, "another text"
    buf = bytearray(aad + bytes(8) + text + bytes(len(icv)))
    sealer = backend.new_sealer(encr, 0, key, b"")
    set_next_iv(sealer, nonce[salt_len:])
    assert sealer.seal(buf, 0, len(aad), end, None) == len(buf), "another length"
    assert buf[text_pos:end] == sealed, "another ciphertext"
    assert buf == message, "another ICV"


def _cbc(backend, key, iv, text, sealed):
    key, iv, text, sealed = [_octets(x) for x in (key, iv, text, sealed)]
    mac_key = bytes(range(32))
    buf = bytearray(bytes(8) + iv + sealed)
    buf += backend.prf(5, mac_key, buf)[:16]
    assert backend.new_opener(12, 12, key, mac_key).open(buf, 0, 8, len(buf), None) == len(buf) - 16, "refused"
    assert buf[24:-16] == text, "another text"
    end = backend.new_sealer(12, 12, key, mac_key).seal(buf, 0, 8, len(buf) - 16, None)
    assert backend.new_opener(12, 12, key, mac_key).open(buf, 0, 8, end, None) == end - 16, "own message refused"
    assert buf[24:-16] == text, "another text of our own message"


def _prf(backend, prf, key, data, output):
    assert backend.prf(int(prf), _octets(key), _octets(data)) == _octets(output), "another output"


def _expand(backend, prf, secret, salt, info, output):
    from ipsec.ike.keymat import prf_plus

    want = _octets(output)
    key = backend.prf(int(prf), _octets(salt), _octets(secret))
    assert prf_plus(backend, int(prf), key, _octets(info), len(want)) == want, "another output"


def _hash(_backend, size, data, digest):
    from ipsec.crypto import sha512

    kind = {"48": sha512.sha384, "64": sha512.sha512}[size]
    assert kind(_octets(data)).digest() == _octets(digest), "another digest"


def _poly(_backend, key, text, tag):
    from ipsec.crypto.modes import chapoly

    data = _octets(text)
    total, state = bytearray(128), bytearray(52)
    chapoly.poly_start(total, _octets(key), state)
    chapoly.poly(total, 0, data, len(data) // 16)
    chapoly.poly_end(state, total)
    assert state[16:32] == _octets(tag), "another tag"


def _chacha(_backend, key, counter, nonce, text, sealed):
    from ipsec.crypto.modes import chapoly

    data = _octets(text)
    blocks = (len(data) + 63) // 64
    stream = bytearray(64 * blocks)
    words = bytearray(b"expand 32-byte k" + _octets(key) + int(counter).to_bytes(4, "little") + _octets(nonce))
    chapoly.chacha(bytearray(64), 0, words, stream, blocks)
    assert bytes([a ^ b for a, b in zip(data, stream)]) == _octets(sealed), "another ciphertext"  # noqa: B905


def _dh(backend, group, private, own, peer, secret):
    from ipsec.errors import CryptoError

    pair = _pair(backend, int(group), private)
    assert own == "-" or pair.public == unhexlify(own), "another public value: %s" % hexlify(pair.public)
    try:
        got = pair.shared(_octets(peer))
    except CryptoError as e:
        assert secret == "-", "refused: %s" % e
        return
    assert secret != "-", "accepted"
    assert got == unhexlify(secret), "another secret"


def _pair(backend, group, private):
    """The key pair of this private value, made as the library makes it: from the octets of a random source."""
    name = "%s %d %s" % (backend.NAME, group, private)
    if _last[0] != name:
        octets = unhexlify(private)
        if group in _ORDERS and backend.NAME == "board":  # it takes 2^256 or 2^384 + the octets, modulo the order
            n = len(octets)
            octets = ((int.from_bytes(octets, "big") - (1 << 8 * n)) % _ORDERS[group]).to_bytes(n, "big")
        _last[:] = name, backend.new_dh(group, lambda n: octets)
    return _last[1]


def _verify(_backend, key, algorithm, message, signature, valid, raw=False):
    from ipsec.errors import AuthError
    from ipsec.ike.auth import keys

    signature = _octets(signature)
    try:
        key, algorithm = _octets(key), _octets(algorithm)
        key = keys.parse_spki(key, 0, len(key))
        algorithm = keys.parse_algorithm(algorithm, 0, len(algorithm))
        result = key.verify(algorithm, signature if raw else key.signature(signature), _octets(message))
    except AuthError as e:
        assert valid != "1", "refused: %s" % e
        return
    assert valid == "?" or result == (valid == "1"), "accepted" if result else "refused"


def _verify_raw(backend, *fields):
    _verify(backend, *fields, raw=True)


def _sign_ed25519(_backend, private, public, message, signature):
    from ipsec.crypto.sign import ed25519

    private, public, message, signature = [_octets(x) for x in (private, public, message, signature)]
    assert ed25519.public_key(private) == public, "another public key"
    assert ed25519.sign(private, public, message) == signature, "another signature"
    assert ed25519.verify(public, signature, message), "refused"


def _sign_p256(_backend, private, public, message, signature):
    from hashlib import sha256

    from ipsec.crypto.sign import ecdsa
    from ipsec.crypto.sign.p256 import CURVE as p256
    from ipsec.ike.auth import keys

    private, public, message, signature = [_octets(x) for x in (private, public, message, signature)]
    assert ecdsa.public_key(p256, private) == public, "another public key"
    digest = sha256(message).digest()
    assert keys.der_signature(ecdsa.sign(p256, private, digest)) == signature, "another signature"
    again = ecdsa.sign(p256, private, digest, b"extra")
    assert keys.der_signature(again) != signature and ecdsa.verify(p256, public, digest, again), "added octets"


_CHECKS = {
    "aead": _aead, "cbc": _cbc, "prf": _prf, "expand": _expand, "hash": _hash, "poly": _poly, "chacha": _chacha, "dh": _dh,
    "verify": _verify, "verify-raw": _verify_raw, "sign-ed25519": _sign_ed25519, "sign-p256": _sign_p256,
}  # fmt: skip
