"""The octet loops, viper and plain, at every alignment; the Internet checksum on the example of RFC 1071."""

from inet_support import checksum as textbook
from ipsec.inet import octets
from ipsec.inet.checksum import checksum
from ipsec.inet.queue import PacketQueue

SUMS = (octets.sum16, octets.plain_sum16)


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


def test_copy_at_every_alignment():
    src = pattern(48)
    for copy in (octets.copy, octets.plain_copy):
        for to in range(5):
            for frm in range(5):
                for n in (0, 1, 3, 4, 5, 31):
                    dst = bytearray(b"\xee" * 48)
                    copy(dst, to, src, frm, n)
                    assert dst == b"\xee" * to + src[frm : frm + n] + b"\xee" * (48 - to - n)


def test_same():
    a = bytearray(b"0123456789")
    for same in (octets.same, octets.plain_same):
        assert same(a, 2, b"234", 0, 3)
        assert same(a, 2, b"239", 0, 2)
        assert not same(a, 2, b"239", 0, 3)
        assert same(a, 0, b"", 0, 0)


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
