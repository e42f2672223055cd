"""ESP's viper kernels against their twins in plain Python: selectors, sequence numbers, trailers."""

from ipsec.esp import plain
from ipsec.esp.policy import table
from support import SLOW, skip

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


def _kernel():
    try:
        from ipsec.esp import kernel

        return kernel
    except (ImportError, SyntaxError, ValueError):
        skip("no viper on this interpreter")


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


def test_covers():
    k = _kernel()
    tables = [table(t) for t in TABLES]
    known = [a for base in (A4, B4, C4, A6, B6) for a in neighbours(base)]
    true = 0
    for source in known[:: 4 if SLOW else 1]:
        for dest in known:
            if len(source) != len(dest):
                continue
            for protocol in (1, 6, 17):
                p = b"\x45" + packet(source, dest, protocol, options=protocol & 1)
                for sources in tables:
                    got = k.covers(sources, tables[3], p, 1, len(p))
                    assert got == plain.covers(sources, tables[3], p, 1, len(p)), (source, dest, protocol)
                    got = k.covers(tables[2], sources, p, 1, len(p))
                    assert got == plain.covers(tables[2], sources, p, 1, len(p)), (source, dest, protocol)
                    true += got
    assert true > 10


def test_covers_of_every_length_and_version():
    k = _kernel()
    anything = table(TABLES[4] + [(17, 80, 80, bytes(4), b"\xff" * 4)])
    for p in (packet(A4, B4, 17), packet(A4, B4, 17, options=10), packet(A6, B6, 6), packet(A4, B4, 1)):
        for end in range(len(p) + 1):
            assert k.covers(anything, anything, p, 0, end) == plain.covers(anything, anything, p, 0, end), (p, end)
        for version in range(16):
            other = bytes([version << 4 | p[0] & 15]) + p[1:]
            assert k.covers(anything, anything, other, 0, len(p)) == plain.covers(anything, anything, other, 0, len(p))


def test_write_header():
    k = _kernel()
    for seq in (0, 1, 0xFE, 0xFF, 0xFFFF, 0x00FFFFFF, 0xFFFFFFFE, 0xFFFFFFFF, 0x1FFFFFFFF, (1 << 64) - 2, (1 << 64) - 1):
        for esn in (False, True):
            for pos in range(4):
                seqs = [bytearray(seq.to_bytes(8, "big")) for _ in range(2)]
                bufs = [bytearray(16) for _ in range(2)]
                taken = [m.write_header(bufs[i], pos, b"\1\2\3\4", seqs[i], esn) for i, m in enumerate((k, plain))]
                assert taken[0] == taken[1] and seqs[0] == seqs[1] and bufs[0] == bufs[1], (seq, esn)
                assert taken[1] == (seq % (1 << (64 if esn else 32)) != (1 << (64 if esn else 32)) - 1)


def test_trailer():
    k = _kernel()
    for block in (4, 16):
        for n in range(1, 40):
            for first in (0x45, 0x60):
                bufs = [bytearray([0, first]) + bytearray(80) for _ in range(2)]
                ends = [m.write_trailer(bufs[i], 1, 1 + n, block) for i, m in enumerate((k, plain))]
                assert ends[0] == ends[1] and bufs[0] == bufs[1] and (ends[0] - 1) % block == 0
                for m in (k, plain):
                    assert m.check_trailer(bufs[0], 1, ends[0]) == 1 + n


def test_trailer_that_lies():
    k = _kernel()
    codes = set()
    for head in (b"", b"\x45", b"\x60", b"\x05"):
        for pads in (b"", b"\1", b"\1\2", b"\1\3", b"\0"):
            for pad_len in (0, 1, 2, 3, 255):
                for following in (4, 41, 59, 6):
                    buf = b"xx" + head + pads + bytes([pad_len, following])
                    code = plain.check_trailer(buf, 2, len(buf))
                    assert k.check_trailer(buf, 2, len(buf)) == code, buf
                    codes.add(min(code, 0))
    assert codes == {0, -6, -7, -8}
