"""GHASH with the table of 8 KB against its twin in plain Python and against the table of 2 KB; both tell their table's size."""

from crypto_support import octets
from ipsec.crypto.kernels import plain
from support import skip


def _kernels():
    try:
        from ipsec.crypto.kernels import ghash, ghash8k
    except (ImportError, SyntaxError, ValueError):
        skip("no viper on this interpreter")
    return ghash, ghash8k


def _tag(module, table, key, data, parts):
    """The sum after some calls, each `(position, blocks)`, as it goes to the state; the octets around it must stay."""
    z, st = bytearray(24), bytearray(octets(48, 7))
    around = bytes(st[:16]), bytes(st[32:])
    module.ghash_table(table, key, z)
    z[:16] = bytes(16)
    for pos, n in parts:
        module.ghash(0, 0, table, z, data, pos, n)
    module.ghash_out(st, z)
    assert (bytes(st[:16]), bytes(st[32:])) == around
    return bytes(st[16:32])


def _check(key, data, parts):
    want = _tag(plain, bytearray(16), key, data, parts)
    for module in _kernels():
        used = bytearray(b"\xa5" * (module.TABLE_LEN + 16))  # what was there before must not matter
        assert _tag(module, used, key, data, parts) == want
        assert bytes(used[module.TABLE_LEN :]) == b"\xa5" * 16


def test_keys():
    _kernels()
    for key in [octets(16, i) for i in range(4)] + [b"\xff" * 16, b"\x80" + bytes(15), bytes(15) + b"\x01", bytes(16)]:
        _check(key, octets(64), [(0, 4)])
        _check(key, b"\xff" * 32, [(0, 2)])


def test_any_position():
    _kernels()
    data = octets(300, 1)
    for pos in list(range(8)) + [o % 240 for o in octets(12, 2)]:
        _check(octets(16, pos), data, [(pos, 1 + pos % 3)])


def test_calls_go_on():
    _kernels()
    data = octets(400, 3)
    _check(octets(16), data, [(1, 2), (33, 0), (33, 7), (0, 1), (200, 12)])
    assert _tag(_kernels()[1], bytearray(8192), octets(16), data, []) == bytes(16)


def test_every_bit_alone():
    """A block of one bit, times a key of one bit: each of the 32 positions of the table, and the way round."""
    _, wide = _kernels()
    z, table = bytearray(24), bytearray(wide.TABLE_LEN)
    for shift in (0, 1, 7, 8, 64, 127):
        key = (1 << shift).to_bytes(16, "big")
        wide.ghash_table(table, key, z)
        for bit in range(0, 128, 3):
            block = (1 << bit).to_bytes(16, "big")
            results = []
            for module, t in ((wide, table), (plain, bytearray(key))):
                st = bytearray(48)
                z[:16] = bytes(16)
                module.ghash(0, 0, t, z, block, 0, 1)
                module.ghash_out(st, z)
                results.append(bytes(st))
            assert results[0] == results[1], (shift, bit)


def test_sizes():
    assert [module.TABLE_LEN for module in _kernels()] == [2048, 8192]
