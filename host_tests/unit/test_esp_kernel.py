"""ESP's kernels in viper and in C against their twins in plain Python: selectors, sequence numbers, trailers, the replay window.

Every call is made twice, with copies of the same octets: results and octets must agree. Start reading at `Both`.
"""

from ipsec.esp import drop, plain, state
from support import SLOW, kernels

A4, B4, C4 = bytes([10, 10, 0, 1]), bytes([10, 10, 0, 200]), bytes([10, 11, 0, 0])
A6, B6 = bytes([0xFD]) + bytes(14) + b"\x05", bytes([0xFD]) + bytes(13) + b"\x01\x00"
TABLES = (
    [(0, 0, 65535, bytes(4), b"\xff" * 4)],
    [(0, 0, 65535, A4, A4)],
    [(17, 0, 65535, A4, B4), (6, 80, 80, B4, C4)],
    [(17, 5000, 5001, A4, C4), (0, 7, 9, bytes(4), A4)],
    [(0, 0, 65535, bytes(16), b"\xff" * 16), (0, 0, 0, bytes(4), b"\xff" * 4)],
    [(17, 0, 65535, A6, B6), (1, 0, 65535, B4, B4)],
    [],
)


class Both:
    """An SA's state in one direction, for the kernels and for their twin."""

    def __init__(self, w):
        self.kernels = kernels("ipsec.esp.kernel", "check", "carry")
        self.w = w

    def __call__(self, name, buf, pos, end):
        """The result of all, which leave the state and `buf` changed alike."""
        before = bytes(self.w), bytes(buf)
        want = getattr(plain, name)(self.w, buf, pos, end)
        for kernel in self.kernels:
            w, twin = bytearray(before[0]), bytearray(before[1])
            got = getattr(kernel, name)(w, twin, pos, end)
            assert got == want, (kernel, name, got, want)
            assert self.w == w and buf == twin, (kernel, name)
        return want


def sending(sources, dests, head=16, block=4, esn=False):
    return Both(state.outbound(b"\1\2\3\4", head, block, esn, sources, dests))


def receiving(esn=False, window=64, sources=None, dests=None):
    anything = TABLES[0] + TABLES[4][:1]
    return Both(state.inbound(b"\1\2\3\4", 16, 16, esn, window, sources or anything, dests or anything))


def packet(source, dest, protocol, ports=b"\x13\x88\x00\x50", options=0):
    if len(source) == 4:
        front = bytes([0x45 + options]) + bytes(8) + bytes([protocol]) + bytes(2) + source + dest + bytes(4 * options)
    else:
        front = b"\x60" + bytes(5) + bytes([protocol]) + b"\x40" + source + dest
    return front + ports


def neighbours(addr):
    """The address, and those just before and behind it."""
    number = int.from_bytes(addr, "big")
    last = (1 << 8 * len(addr)) - 1
    return [(n & last).to_bytes(len(addr), "big") for n in (number, number - 1, number + 1)]


def passes(sources, dests, p):
    """Whether an SA with these selectors sends the packet."""
    end = sending(sources, dests)("carry", bytearray(17) + p + bytearray(9), 17, 17 + len(p))
    assert end == drop.SELECTOR or end > 17 + len(p)
    return end > 0


def test_selectors():
    known = [a for base in (A4, B4, C4, A6, B6) for a in neighbours(base)]
    true = 0
    for source in known[:: 4 if SLOW else 1]:
        for dest in known[:: 2 if SLOW else 1]:
            if len(source) != len(dest):
                continue
            for protocol in (1, 6, 17):
                p = packet(source, dest, protocol, options=protocol & 1)
                for selectors in TABLES:
                    true += passes(selectors, TABLES[3], p)
                    true += passes(TABLES[2], selectors, p)
    assert true > 10


def test_packets_of_every_length_and_version():
    anything = TABLES[4] + [(17, 80, 80, bytes(4), b"\xff" * 4)]
    for p in (packet(A4, B4, 17), packet(A4, B4, 17, options=10), packet(A6, B6, 6), packet(A4, B4, 1)):
        for n in range(len(p) + 1):
            passes(anything, anything, p[:n])
        for version in range(16):
            passes(anything, anything, bytes([version << 4 | p[0] & 15]) + p[1:])


def test_header_and_sequence_number():
    p = packet(A4, B4, 17)
    for seq in (0, 1, 0xFE, 0xFF, 0xFFFF, 0x00FFFFFF, 0xFFFFFFFE, 0xFFFFFFFF, 0x1FFFFFFFF, (1 << 64) - 2, (1 << 64) - 1):
        for esn in (False, True):
            for pos in range(16, 20):
                both = sending(TABLES[0], TABLES[0], esn=esn)
                both.w[4:12] = seq.to_bytes(8, "big")
                buf = bytearray(pos) + p + bytearray(9)
                end = both("carry", buf, pos, pos + len(p))
                top = (1 << (64 if esn else 32)) - 1
                if seq & top == top:
                    assert end == drop.SEQ_EXHAUSTED and state.packets(both.w) == 0
                else:
                    assert buf[pos - 16 : pos - 8] == b"\1\2\3\4" + (seq + 1 & 0xFFFFFFFF).to_bytes(4, "big")
                    assert state.packets(both.w) == 1 and state.octets(both.w) == len(p)


def test_counters_go_on_where_small_integers_end():
    both = sending(TABLES[0], TABLES[0])
    p = packet(A4, B4, 17)
    for start in (0, 1 << 29, 5 << 29):
        for at in (32, 40):
            below = (start or 1 << 29) - 3
            both.w[at : at + 8] = (below & (1 << 29) - 1).to_bytes(4, "little") + (below >> 29).to_bytes(4, "little")
        before = state.packets(both.w), state.octets(both.w)
        for _ in range(5):
            both("carry", bytearray(16) + p + bytearray(9), 16, 16 + len(p))
        assert (state.packets(both.w), state.octets(both.w)) == (before[0] + 5, before[1] + 5 * len(p))


def test_trailer():
    for block in (4, 16):
        for n in range(20, 60):
            for source, dest in ((A4, B4), (A6, B6)):
                p = (packet(source, dest, 17) + bytes(40))[:n]
                if n < 40 and len(source) == 16:
                    continue
                anything = TABLES[0] + TABLES[4]
                buf = bytearray(17) + p + bytearray(18)
                end = sending(anything, anything, block=block)("carry", buf, 17, 17 + n)
                assert (end - 17) % block == 0
                assert receiving()("carry", buf, 17, end) == 17 + n


def test_trailer_that_lies():
    codes = set()
    for head in (b"", b"\x45", b"\x60", b"\x05"):
        for pads in (b"", b"\1", b"\1\2", b"\1\3", b"\0"):
            for pad_len in (0, 1, 2, 3, 255):
                for following in (4, 41, 59, 6):
                    buf = bytearray(16) + head + pads + bytes([pad_len, following])
                    codes.add(receiving()("carry", buf, 16, len(buf)))
    assert codes >= {drop.PADDING, drop.NEXT_HEADER, drop.DUMMY, drop.SELECTOR}


def offer(both, number):
    """Whether a number is taken; it is marked then, and before that nothing but the number in hand changes."""
    esp = bytearray(b"\1\2\3\4" + (number & 0xFFFFFFFF).to_bytes(4, "big") + bytes(8) + packet(A4, B4, 17) + b"\0\4" + bytes(16))
    before = bytes(both.w)
    code = both("check", esp, 0, len(esp))
    assert code in (0, drop.REPLAY, drop.SEQ_ZERO)
    assert both.w[:16] == before[:16] and both.w[24:] == before[24:]
    if code:
        return False
    if both.w[13] & 2 and int.from_bytes(both.w[20:24], "big") != number >> 32:
        return False  # another epoch: the ICV will not be right
    assert both("carry", esp, 16, len(esp) - 16) == len(esp) - 18
    return True


REPLAY = (
    # number, taken (window of 32)
    (1, True), (1, False), (9, True), (8, True), (7, True), (7, False), (40, True), (9, False), (8, False), (10, True),
    (39, True), (39, False), (41, True), (72, True), (41, False), (42, True), (1000, True), (968, False), (969, True),
    (65535, True), (65536, True), (65535, False), (65534, True), (65536, False), (131072, True), (131041, True),
    (131040, False), (0x3FFFFFFF, True), (0x40000000, True), (0x3FFFFFFF, False), (0x3FFFFFFE, True), (0xFFFFFFFF, True),
    (0xFFFFFFFF, False), (0xFFFFFFE0, True), (0xFFFFFFDF, False), (1, False),
)  # fmt: skip


def test_replay_table():
    both = receiving(window=32)
    for number, taken in REPLAY:
        assert offer(both, number) == taken, number


def test_replay_against_a_set_in_a_scrambled_order():
    for size in (32, 64, 128, 1024):
        both = receiving(window=size)
        seen = set()
        highest = 0
        number = 7
        for i in range(300 if SLOW else 2000):
            number = (number * 1103 + 12345) % (i + 100) + i
            assert offer(both, number) == (number > 0 and number not in seen and number > highest - size), (size, i, number)
            seen.add(number)
            highest = max(highest, number)


def test_esn_against_a_set_around_the_border():
    for epoch in (0, 5, 0xFE):
        both = receiving(esn=True)
        base = ((epoch + 1) << 32) - 150
        both.w[4:12] = (base - 40).to_bytes(8, "big")
        seen = set()
        highest = base - 40
        step = 3
        for i in range(300):
            step = (step * 31 + 17) % 61
            number = base + i - step + 30
            if number <= highest - 64:
                continue  # ESN cannot tell such a number from one an epoch ahead; the ICV does
            assert offer(both, number) == (number not in seen), (epoch, i, number)
            seen.add(number)
            highest = max(highest, number)
        assert int.from_bytes(both.w[4:8], "big") == epoch + 1


def test_esn_jump_of_a_whole_epoch_is_not_taken_for_a_replay():
    for top, number in (((0x8000 << 16), (0x7000 << 16) + (1 << 32)), ((0x8000 << 16), (0x9000 << 16)),
                        ((1 << 32) - 1, (1 << 32) + 7), ((1 << 32) - 1, 1 << 32), ((1 << 32) + 5, (1 << 32) - 20)):  # fmt: skip
        both = receiving(esn=True)
        both.w[4:12] = top.to_bytes(8, "big")
        assert offer(both, number)
        assert not offer(both, number)


def test_esn_before_the_first_epoch():
    """A number that could only be of epoch -1 is a replay, not a number of 2**64."""
    both = receiving(esn=True)
    both.w[4:12] = (5).to_bytes(8, "big")
    assert not offer(both, 0xFFFFFFFF)


def test_sequence_number_zero():
    for esn in (False, True):
        both = receiving(esn=esn)
        esp = bytearray(b"\1\2\3\4" + bytes(80))
        assert both("check", esp, 0, len(esp)) == drop.SEQ_ZERO
    both.w[4:12] = b"\0\0\0\1\xff\xff\xff\xff"
    assert both("check", esp, 0, len(esp)) == 0  # number 2**33: its low half is zero


def test_shortest_packet():
    both = receiving()
    esp = bytearray(b"\1\2\3\4\0\0\0\1" + bytes(80))
    least = 8 + 8 + 2 + 16
    assert both("check", esp, 3, 3 + least - 1) == drop.TOO_SHORT
    assert both("check", esp, 0, least) == 0


def test_ports_at_the_border_of_a_range():
    p = packet(A4, B4, 17)  # from 0x1388 to 0x0050
    for first, last in ((0x1388, 0x1388), (0x1300, 0x1388), (0x1388, 0x13FF), (0x1300, 0x1387), (0x1389, 0x1400), (0, 0x1387)):
        within = first <= 0x1388 <= last
        assert passes([(17, first, last, bytes(4), b"\xff" * 4)], TABLES[0], p) == within
        assert passes(TABLES[0], [(17, first, last, bytes(4), b"\xff" * 4)], p[:22] + b"\x13\x88") == within


def test_same_spi():
    for pos in range(3):
        buf = bytearray(pos) + b"\1\2\3\4\5"
        for module in kernels("ipsec.esp.kernel", "same_spi") + [plain]:
            assert module.same_spi(buf, pos, b"\1\2\3\4")
            for i in range(4):
                other = bytearray(b"\1\2\3\4")
                other[i] ^= 0x80
                assert not module.same_spi(buf, pos, other)
