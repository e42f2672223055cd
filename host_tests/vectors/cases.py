"""One test vector through the crypto face, on either interpreter.

A case is a line of hexadecimal fields, so that sets of thousands travel between interpreters as a text file:

    aead ENCR KEY NONCE AAD TEXT CIPHERTEXT ICV VALID
    cbc KEY IV TEXT CIPHERTEXT
    prf PRF KEY DATA OUTPUT

An empty field is `-`. Start reading at `check`.
"""

from binascii import unhexlify


def check(backend, line: str) -> None:
    """Run one case; AssertionError when the backend disagrees."""
    kind, *fields = line.split()
    if kind == "aead":
        _aead(backend, *fields)
    elif kind == "cbc":
        _cbc(backend, *fields)
    else:
        _prf(backend, *fields)


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
        assert result == -1
        assert opened == message
        return
    assert result == end
    assert opened[text_pos:end] == text
    buf = bytearray(aad + bytes(8) + text + bytes(len(icv)))
    sealer = backend.new_sealer(encr, 0, key, b"")
    _set_next_iv(sealer, nonce[salt_len:])
    assert sealer.seal(buf, 0, len(aad), end, None) == len(buf)
    assert buf == message


def _set_next_iv(sealer, iv: bytes) -> None:
    before = (int.from_bytes(iv, "big") - 1) & 0xFFFFFFFFFFFFFFFF
    if hasattr(sealer, "state"):
        sealer.state[4:12] = before.to_bytes(8, "big")
    else:
        sealer._count = before


def _cbc(backend, key, iv, text, sealed):
    key, iv, text, sealed = [_octets(x) for x in (key, iv, text, sealed)]
    mac_key = bytes(range(32))
    buf = bytearray(bytes(8) + iv + sealed)
    buf += backend.prf(5, mac_key, buf)[:16]
    assert backend.new_opener(12, 12, key, mac_key).open(buf, 0, 8, len(buf), None) == len(buf) - 16
    assert buf[24:-16] == text
    end = backend.new_sealer(12, 12, key, mac_key).seal(buf, 0, 8, len(buf) - 16, None)
    assert backend.new_opener(12, 12, key, mac_key).open(buf, 0, 8, end, None) == end - 16
    assert buf[24:-16] == text


def _prf(backend, prf, key, data, output):
    assert backend.prf(int(prf), _octets(key), _octets(data)) == _octets(output)
