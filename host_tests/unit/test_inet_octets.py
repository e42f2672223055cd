"""The octet loops, viper and plain, at every alignment; the Internet checksum on the example of RFC 1071."""

from inet_support import checksum as textbook
from inet_support import ip4
from ipsec.inet import octets, plain
from ipsec.inet.checksum import checksum
from ipsec.inet.queue import PacketQueue
from ipsec.micro import native
from support import kernels

SUMS = (octets.sum16, plain.sum16)


def pattern(n, seed=1):
    out = bytearray(n)
    for i in range(n):
        seed = seed * 1103515245 + 12345 & 0x7FFFFFFF
        out[i] = seed >> 16 & 0xFF
    return out


def test_rfc1071_example():
    data = bytes((0x00, 0x01, 0xF2, 0x03, 0xF4, 0xF5, 0xF6, 0xF7))
    for sum16 in SUMS:
        assert sum16(data, 0, 8, 0) == 0xDDF2  # RFC 1071 3


def test_sum_at_every_alignment_and_length():
    buf = pattern(80)
    for pos in range(5):
        for n in range(70):
            want = textbook(bytes(buf[pos : pos + n])) ^ 0xFFFF
            for sum16 in SUMS:
                assert sum16(buf, pos, pos + n, 0) == want, (pos, n)


def test_sum_carries():
    buf = bytearray(b"\xff" * 4096)
    for sum16 in SUMS:
        assert sum16(buf, 0, 4096, 0) == 0xFFFF
        assert sum16(buf, 1, 4096, 0x1FFFF) == 0xFF01  # an odd run of ones; 0x1FFFF folds to 1
        assert sum16(buf, 0, 0, 0) == 0


def test_a_sum_in_pieces_is_the_sum():
    buf = pattern(64)
    for cut in range(0, 64, 2):
        assert octets.sum16(buf, cut, 63, octets.sum16(buf, 0, cut, 0)) == octets.sum16(buf, 0, 63, 0)


def test_checksum_of_a_summed_run_is_zero():
    buf = pattern(41)
    buf[6] = buf[7] = 0
    value = checksum(buf, 0, 41)
    buf[6], buf[7] = value >> 8, value & 0xFF
    assert checksum(buf, 0, 41) == 0


def test_same():
    a = bytearray(b"0123456789")
    for same in (octets.same, plain.same):
        assert same(a, 2, b"234", 0, 3)
        assert same(a, 2, b"239", 0, 2)
        assert not same(a, 2, b"239", 0, 3)
        assert same(a, 0, b"", 0, 0)


# The same functions: those the library took, plain ones, and viper's where it took C's.
BOTH = [octets, plain] + (kernels("ipsec.inet.kernel")[:1] if native else [])
# On CPython `octets` is `plain`, host_tests/vectors gives it the model of viper


def agree(name, *args):
    """All versions return the same and leave the same in their buffers; returns the result and the first buffer."""
    copies = [[bytearray(a) if isinstance(a, bytearray) else a for a in args] for _ in BOTH]
    results = [getattr(m, name)(*copies[i]) for i, m in enumerate(BOTH)]
    for i in range(1, len(BOTH)):
        assert results[0] == results[i] and copies[0] == copies[i], (name, args, results)
    return results[0], copies[0][0]


def test_check4():
    good = ip4(17, bytes(8), options=b"\1\1\1\1")
    codes = set()
    for pos in range(3):
        packet = bytearray(pos) + good + b"\0"
        for at in range(24):
            for value in (0, 1, 0x40, 0x44, 0x45, 0x46, 0x80, 127, 224, 255):
                bad = bytearray(packet)
                bad[pos + at] = value
                for mend in (False, True):
                    if mend:  # a correct checksum over what was changed
                        bad[pos + 10] = bad[pos + 11] = 0
                        octets.store(bad, pos + 10, textbook(bytes(bad[pos : pos + 4 * (bad[pos] & 15)])))
                    code, _ = agree("check4", bad, pos, pos + len(good))
                    codes.add(code)
        assert agree("check4", packet, pos, pos + len(good))[0] == 24
        assert agree("check4", packet, pos, pos + len(good) - 1)[0] == -3
    assert codes == {24, 20, -3, -4, -5, -7}


def test_write4():
    for pos in range(3):
        for total, ident in ((20, 0), (84, 0xFFFF), (1500, 0x1234)):
            for own, dest in ((b"\x0a\x0a\0\1", b"\xff\xff\xff\xff"), (b"\xff\xfe\xfd\xfc", b"\0\0\0\0")):
                _, buf = agree("write4", bytearray(b"\xee" * 24), pos, total, 17, ident, own, b"x" + dest, 1)
                assert textbook(bytes(buf[pos : pos + 20])) == 0 and buf[pos + 12 : pos + 20] == own + dest
                assert buf[pos + 20 :] == b"\xee" * (4 - pos)


def test_transport_of_both_families_at_every_alignment():
    for pos in range(4):
        for n in list(range(8, 30)) + [1400]:
            for version, header in ((4, 20), (6, 40)):
                buf = bytearray(pos) + pattern(header + n, n)
                buf[pos] = version << 4 | 5
                at, end = pos + header, pos + header + n
                value, _ = agree("transport", buf, pos, at, end, 17)
                octets.store(buf, at + 6, octets.sum16(buf, at + 6, at + 8, 0))
                _, buf = agree("write_udp", buf, at, n, 0xFEDC, 0x0102)
                assert buf[at : at + 8] == bytes([0xFE, 0xDC, 1, 2, n >> 8, n & 255, 0, 0])
                octets.store(buf, at + 6, octets.transport(buf, pos, at, end, 17))
                assert agree("transport", buf, pos, at, end, 17)[0] == 0


def test_queue_keeps_order_and_bounds():
    queue = PacketQueue(64)
    model = []
    seed = 7
    refused = 0
    for step in range(3000):
        seed = seed * 1103515245 + 12345 & 0x7FFFFFFF
        if seed >> 16 & 1:
            packet = pattern(seed >> 17 & 31, step)
            if queue.put(b"xx" + packet + b"y", 2, 2 + len(packet)):
                model.append(packet)
            else:
                refused += 1
                assert model, "an empty queue takes any packet that fits"
        elif model:
            at = queue.first()
            assert queue.buf[at : at + queue.first_len()] == model.pop(0)
            queue.drop()
        assert queue.count == len(model)
        assert sum([2 + len(p) for p in model]) <= 64
    assert refused > 50


def test_queue_refuses_what_cannot_fit():
    queue = PacketQueue(16)
    assert not queue.put(bytes(20), 0, 15)
    assert queue.put(bytes(20), 0, 14)
    assert not queue.put(bytes(20), 0, 0)
    queue.clear()
    assert queue.put(bytes(20), 0, 14)
