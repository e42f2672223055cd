"""More tests of the kernels in C, on a MicroPython whose library has `ipsec.native` built with its inner loops.

Each operation of the field machine is compared with viper's limb by limb, at the ends of what limbs may hold; what a caller
must not ask for is refused. Then come all the unit tests, where the library takes the kernels in C by itself.

The last line is `N passed, N failed, N skipped`. Start reading at `main`.
"""

import sys

SLOT = 80  # octets of a number
COMPARED = 14 * SLOT  # the slots behind are for work
FIELDS = {608: 6, 0: 5}  # operations: times 121665 is for 2^255 - 19 only


def _number(kind, seed, fold):
    """Limbs that are all 0, all the largest (the third may be one more), mixed, or either."""
    from crypto_support import octets

    some = octets(40, seed)
    out = bytearray()
    for i in range(20):
        v = (0, 8191 + (i == 2), (some[2 * i] | some[2 * i + 1] << 8) & 8191, 8191 * (some[i] & 1))[kind]
        out += (v if fold or i < 19 else v & 511).to_bytes(4, "little")  # P-256: below 2^256
    return out


def _same_result(fold, op, places, kinds, seed):
    """One instruction by both kernels, on the same store."""
    from ipsec import native
    from ipsec.crypto.groups import machine
    from ipsec.crypto.kernels import field

    results = []
    for kernel in (field, native):
        m = machine.Machine(fold)
        for slot, kind in ((1, kinds[0]), (2, kinds[1]), (3, 2), (5, kinds[1]), (6, kinds[0])):
            m.w[SLOT * slot : SLOT * slot + SLOT] = _number(kind, slot + seed, fold)
        kernel.run(m.w, 0, m.w, bytes((op,) + places), 1, fold, bytes((seed & 1, 0)), 0)
        results.append(m.w[:COMPARED])
    assert results[0] == results[1], (fold, op, places, kinds)


def test_operations():
    """Destination and operands in slots of their own, and shared."""
    for fold, operations in FIELDS.items():
        for seed in range(16):
            for op in range(operations):
                for d, a, b in ((3, 1, 5), (1, 1, 5), (5, 1, 5), (1, 1, 1)):
                    if op != 4 or d != a:  # an exchange is of different slots; a square names its operand twice
                        _same_result(fold, op, (d, a, a if op == 1 else b), (seed >> 2, seed & 3), seed)


def test_sums_without_carries():
    """What operations make of sums and differences that stay as they are, in each of their places: the same number as viper."""
    from ipsec import native
    from ipsec.crypto.groups import machine
    from ipsec.crypto.kernels import field

    then = (
        (1, 5, 3, 3), (0, 5, 3, 4), (0, 5, 4, 3), (0, 5, 1, 3), (5, 5, 3, 3), (3, 5, 3, 1), (3, 5, 2, 3), (2, 5, 3, 4),
        (4, 5, 3, 0),
    )  # fmt: skip
    programs = [(op, 3, 1, 2, 11, 4, 2, 1) + last for op in (10, 11) for last in then]
    for seed in range(16):
        for program in programs:
            results = []
            for kernel in (field, native):
                m = machine.Machine(608)
                for slot, kind in ((1, seed >> 2), (2, seed & 3)):
                    m.w[SLOT * slot : SLOT * slot + SLOT] = _number(kind, slot + seed, 608)
                kernel.run(m.w, 0, m.w, bytes(program), 3, 608, bytes((1, 0)), 0)
                kernel.run(m.w, 0, m.w, b"\x02\x05\x05\x0e", 1, 608, bytes(2), 0)
                m.freeze(5)
                results.append(m.w[5 * SLOT : 6 * SLOT])
            assert results[0] == results[1], (program, seed)


def test_tables_at_any_address():
    """A comb's table is read where it is."""
    from crypto_support import octets
    from ipsec import native
    from ipsec.crypto.kernels import comb25519
    from ipsec.crypto.sign import base25519, field

    found = []
    for at in range(5):
        f = field.field_25519()
        base25519.start(f)
        table = memoryview(bytes(at) + comb25519.TABLE)[at:]
        native.comb(f.w, 608, comb25519.PROGRAM, table, octets(32, 5), None)
        found.append(_affine(f, None))
    assert found == 5 * found[:1]


def test_limbs_and_reduction():
    """Octets to limbs, to the one representative, and back, by both kernels."""
    from crypto_support import octets
    from ipsec import native
    from ipsec.crypto.kernels import field, limbs

    for seed in range(8):
        number = octets(32, seed) if seed else b"\xff" * 32
        one, two = bytearray(18 * SLOT), bytearray(18 * SLOT)
        limbs.load(one, seed, number)
        native.load_limbs(two, seed, number)
        assert one == two
        got, want = bytearray(32), bytearray(32)
        limbs.store(one, seed, want)
        native.store_limbs(two, seed, got)
        assert got == want == number
        field.freeze(one, seed)
        native.freeze(two, seed)
        assert one == two


def test_arithmetic_modulo_any_number():
    """Programs on stores of several sizes, loads, stores and entries of tables, by both kernels."""
    from crypto_support import octets
    from ipsec import native
    from ipsec.crypto.kernels import modular as viper
    from ipsec.crypto.sign import modular

    assert modular.run is native.modular
    large = b"\x80" + bytes(254) + b"\x01", b"\xff" * 511 + b"\x01"
    for n in (b"\xff" * 32, b"\xc1" + octets(31, 3) + b"\x01", b"\xff" * 47 + b"\x61") + large:
        m = modular.Modulus(n, 6)
        for seed in range(4):
            for slot in range(1, 5):
                less = b"\x00" + octets(len(n) - 1, slot)
                number = (bytes(len(n)), n[:-1] + bytes([n[-1] - 1]), octets(len(n), seed), less)[(seed + slot) & 3]
                m.load(slot, number if number < n else less, 0, len(n))
            stores = bytearray(m.w), bytearray(m.w)
            program = b"\x00\x05\x01\x02\x01\x01\x05\x05\x02\x02\x01\x03\x03\x03\x04\x02\x03\x04\x01\x01\x00\x05\x05\x04"
            for kernel, w in zip((viper.run, native.modular), stores):  # noqa: B905 - MicroPython's zip
                kernel(w, 0, w, program, len(program) >> 2, m.limbs, m.factor, 1 + seed)
            assert stores[0] == stores[1], (len(n), seed)
            at = m.head + 4 * m.limbs * 5
            out = bytearray(len(n)), bytearray(len(n))
            for way in (len(n), -len(n)):
                for kernel, data in zip((viper, native), out):  # noqa: B905
                    store, load = (kernel.store, kernel.load) if kernel is viper else (native.store_number, native.load_number)
                    store(stores[0], at, data, 0 if way > 0 else len(n) - 1, way)
                    load(stores[kernel is native], at, m.limbs, data, 0 if way > 0 else len(n) - 1, way)
                assert out[0] == out[1] and stores[0] == stores[1]
    table = bytearray(octets(8 * 4 * 9, 7))
    for index in range(8):
        found = bytearray(36), bytearray(36)
        viper.pick(found[0], table, index, 9)
        native.pick(found[1], table, index, 9)
        assert found[0] == found[1] == table[36 * index : 36 * index + 36]


def test_what_the_arithmetic_modulo_refuses():
    from ipsec import native
    from support import raises

    w = bytearray(4 * 4 * 6)  # three slots behind the head
    mul = b"\x00\x02\x01\x00"
    native.modular(w, 0, w, mul, 1, 4, 1, 1)
    for args in ((w, 0, w, b"\x00\x03\x01\x00", 1, 4, 1, 1), (w, 0, w, mul, 2, 4, 1, 1), (w, 0, w, mul, 1, 8, 1, 1),
                 (w, 0, w, mul, 1, 5, 1, 1), (w, 0, w, mul, 1, 0, 1, 1), (w, 0, w, mul, 1, 4, 1, -1)):  # fmt: skip
        raises(ValueError, native.modular, *args)
    data = bytearray(8)
    for args in ((0, 25, data, 0, 8), (4, 24, data, 0, 8), (0, 4, data, 1, 8), (0, 4, data, 6, -8), (0, 4, data, 8, -8)):
        raises(ValueError, native.load_number, w, *args)
    for args in ((w, 80, data, 0, 8), (w, 0, data, 1, 8), (w, 0, data, 6, -8), (w, 0, data, -1, 8)):
        raises(ValueError, native.store_number, *args)
    raises(ValueError, native.pick, bytearray(4), bytearray(31), 0, 1)
    raises(ValueError, native.pick, bytearray(3), bytearray(32), 0, 1)


def test_combs_and_digits():
    """The whole of a multiplication by the kernel and by Python's walk, for scalars that carry far, and opposite points."""
    from crypto_support import octets
    from ipsec import native
    from ipsec.crypto.kernels import comb256, comb25519
    from ipsec.crypto.sign import base25519, comb, ecdsa, field
    from ipsec.crypto.sign.p256 import CURVE

    for n, program in ((base25519.ORDER, comb25519.PROGRAM), (CURVE.N, comb256.PROGRAM)):
        assert program[16:48] == bytes(reversed(n))
        for seed in range(12):
            k = (octets(32, seed), bytes(31) + bytes([seed]), n[:31] + bytes([n[31] - seed]))[seed % 3]
            if k >= n:
                continue
            want = _sum_by_python(program is comb256.PROGRAM, comb.columns(bytes(reversed(k)), n))
            f = field.field_p256() if program is comb256.PROGRAM else field.field_25519()
            if program is comb256.PROGRAM:
                ecdsa._prepare(f, CURVE)
                assert native.comb(f.w, 0, program, comb256.TABLE, bytes(reversed(k)), None)
            else:
                base25519.start(f)
                assert native.comb(f.w, 608, program, comb25519.TABLE, bytes(reversed(k)), None)
            assert _affine(f, CURVE) == want, seed


def _affine(f, curve):
    """Something that tells points apart, whatever their Z: X / Z."""
    if f.fold:
        from ipsec.crypto.sign import ed25519

        return bytes(ed25519._encode(f))
    curve.invert(f)
    f.run(b"\x01\x05\x04\x04\x00\x00\x00\x05\x00\x00\x00\x0d\x00\x01\x01\x05\x00\x01\x01\x04\x00\x01\x01\x0d")
    return bytes(f.store(0, 32)) + bytes(f.store(1, 32))


def _sum_by_python(is_p256, columns):
    """The comb's sum as boards without the native module have it."""
    from ipsec.crypto.kernels import comb256, comb25519
    from ipsec.crypto.sign import base25519, comb, ecdsa, field
    from ipsec.crypto.sign.p256 import CURVE

    if not is_p256:
        f = field.field_25519()
        base25519.start(f)
        base25519.walk_base(f, comb.Comb(comb25519.TABLE, 3, True), columns, base25519.DOUBLE + base25519.T)
        return _affine(f, CURVE)
    f = field.field_p256()
    ecdsa._prepare(f, CURVE)
    base = comb.Comb(comb256.TABLE, 2, True)
    f.choose(ecdsa._NEGATE, base.entry(f, 3, columns, comb.COLUMNS - 1, 0))
    f.run(b"\x02\x00\x03\x0c\x02\x01\x04\x0c")
    ecdsa.set_one(f, 2)
    ecdsa._walk(f, base, columns, ecdsa._NEGATE + ecdsa.ADD)
    return _affine(f, CURVE)


def test_what_combs_and_powers_refuse():
    from ipsec import native
    from ipsec.crypto.kernels import comb25519
    from support import raises

    w, k, program, table = bytearray(34 * SLOT), bytes(32), comb25519.PROGRAM, comb25519.TABLE
    native.comb(w, 608, program, table, k, k)
    for args in ((w[: 18 * SLOT], 608, program, table, k, k), (w, 608, program[:-1], table, k, None),
                 (w, 608, program[:79], table, k, None), (w, 608, program, table[:-1], k, None),
                 (w, 608, program, table, k[:31], None), (w, 608, program, table, k, k[:31]),
                 (w[:80], 608, program, table, k, None), (memoryview(w)[1:], 608, program, table, k, None)):  # fmt: skip
        raises(ValueError, native.comb, *args)
    raises(ValueError, native.powers, w[:80], b"", 608)
    m = bytearray(4 * 4 * 12)  # of four limbs, nine slots behind the head
    native.modular_powers(m, b"\x01\x07", 0, 1, 4, 1)
    for args in ((m, b"\x01\x08", 0, 1, 4, 1), (m, b"\x01\x07", 0, 2, 4, 1), (m, b"\x01\x07", 9, 1, 4, 1),
                 (m, b"\x01\x07", 0, 1, 5, 1), (m, b"\x01\x07", 256, 1, 4, 1)):  # fmt: skip
        raises(ValueError, native.modular_powers, *args)


def test_refused_arguments():
    """Lengths and positions outside a buffer, and words at odd addresses, raise ValueError."""
    from ipsec import native
    from support import raises

    table, z, x, p = bytearray(2049), bytearray(24), bytearray(200), bytearray(132)
    for pos, n in ((190, 1), (-16, 1), (0, -1), (0, 13), (16, 1 << 28)):
        raises(ValueError, native.ghash, 0, 0, table, z, x, pos, n)
    raises(ValueError, native.ghash, 0, 0, bytearray(2047), z, x, 0, 1)
    raises(ValueError, native.ghash, 0, 0, memoryview(table)[1:], z, x, 0, 1)
    raises(ValueError, native.poly, p, 0, x, 13)
    raises(ValueError, native.poly, memoryview(p)[1:], 0, x, 1)
    raises(ValueError, native.chacha, 0, 0, bytearray(64), x, 4)
    raises(ValueError, native.chacha, 0, 0, bytearray(63), x, 1)
    for name, args in (
        ("copy", (x, 0, z, 0, 25)), ("copy", (x, 199, z, 0, 2)), ("copy", (x, -1, z, 0, 1)), ("copy", (x, 0, z, 24, 1)),
        ("pad_key", (x, 201, z, 1, 0)), ("pad_key", (x, 2, z, 25, 0)), ("differs", (z, x, 20, 5)),
        ("sum16", (x, 0, 201, 0)), ("sum16", (x, 5, 4, 0)), ("same", (x, 0, z, 20, 5)), ("store", (x, 199, 1)),
        ("transport", (x, 190, 100, 120, 17)), ("transport", (x, 0, 100, 201, 17)), ("check4", (x, 190, 201)),
        ("write4", (x, 181, 20, 17, 0, z, z, 0)), ("write4", (x, 0, 20, 17, 0, z, z, 21)), ("write_udp", (x, 193, 8, 1, 1)),
        ("same_spi", (x, 197, z)), ("check", (x, x, 100, 201)), ("check", (z, x, 0, 100)), ("carry", (x, z, 0, 25)),
        ("message", ([], x, 0, 8, 100, None)), ("message", ([z] * 7, x, 0, 8, 100, None)),
        ("message", ([bytearray(52), 0, 0, 0, 0, bytes(736)], x, 0, 8, 100, None)),
        ("message", ([bytearray(52), 0, 0, 0, 0, memoryview(bytearray(736))], x, 0, 8, 100, None)),
        ("message", ([bytearray(52), 0, 0, 0, 0, bytearray(735)], x, 0, 8, 100, None)),
        ("message", ([bytearray(52), 0, 0, 0, 0, bytearray(736)], x, 0, 8, 100, bytes(3))), ("encap", (x, [], x, 0, 201)),
        ("decap", (x, [], x, 0, 201)), ("ghash_table", (x, z, z)), ("blocks", (0, 0, x, bytearray(832), bytearray(640), x, 2, 0)),
        ("blocks", (0, 0, x, bytearray(832), x, x, 1, 0)), ("blocks", (0, 0, x, x, bytearray(640), x, 1, 0)),
        ("run", (x, 0, x, b"", 0, 0, b"", -1)), ("freeze", (bytearray(1440), 18)),
        ("run", (0, 0, bytearray(1440), bytes(4), 2, 0, bytes(2), 0)), ("run", (0, 0, bytearray(1440), b"", 0, 0, bytes(2), 15)),
        ("load_limbs", (bytearray(1440), 0, bytes(31))), ("store_limbs", (bytearray(1440), 0, bytearray(31))),
    ):  # fmt: skip
        raises(ValueError, getattr(native, name), *args)


def main(*names):
    """Run them all, or with names of unit tests these instead of all; the folder of the unit tests is on sys.path."""
    import os

    from ipsec.crypto.groups import machine

    run = __import__("run")  # not before the library is loaded: it would look for one of its own

    if machine.KERNEL != "native":
        raise RuntimeError("the field machine is " + machine.KERNEL)
    counts = [0, 0, 0]
    for test in (
        test_operations, test_sums_without_carries, test_tables_at_any_address, test_limbs_and_reduction,
        test_arithmetic_modulo_any_number, test_what_the_arithmetic_modulo_refuses,
        test_combs_and_digits, test_what_combs_and_powers_refuse, test_refused_arguments,
    ):  # fmt: skip
        run.run_test("native", test, counts)
    here = run.__file__.rpartition("/")[0]
    for name in names or sorted([name.split(".")[0] for name in os.listdir(here) if name.startswith("test_")]):
        run.run_module(name, counts)
    print("%d passed, %d failed, %d skipped" % tuple(counts))


if __name__ == "__main__":
    sys.path[:0] = sys.argv[1:3]
    main(*sys.argv[3:])
