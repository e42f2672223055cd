"""Messages sealed and opened by the board backend, on either interpreter: `micropython agree.py LIB UNIT FILE`.

A line asks for one message: `ENCR INTEG ENCR_KEY INTEG_KEY SEQ_HI START HEADER LENGTH TEXT FLIPS`. Its octets are those of `pool`
from TEXT on; it begins at START of a buffer, with HEADER octets before IV and LENGTH octets of text. Then the message is opened,
in place and from a copy that is aligned otherwise, and refused with one bit flipped: each of FLIPS, or every one (`*`).

What is printed lets the other side judge, which has another implementation: the number of the line, the IV and the digest of the
sealed message, or what went wrong. Start reading at `answer`.
"""

import gc
import sys
from binascii import hexlify, unhexlify
from hashlib import sha256

POOL = 4096


def answer(backend, pool, line: str) -> str:
    """Do as the line says; the IV and SHA-256 of the sealed message, or AssertionError."""
    numbers, keys = parse(line)
    encr, integ, start, header, length, text = numbers
    encr_key, integ_key, seq_hi = keys
    _, _, iv_len, icv_len, _ = backend.sizes(encr, 0 if encr in (28, 31) else len(encr_key) // 16 * 128, integ)
    iv_pos = start + header
    end = iv_pos + iv_len + length
    before = pool[text : text + end + icv_len + 5]
    buf = bytearray(before)
    total = backend.new_sealer(encr, integ, encr_key, integ_key).seal(buf, start, iv_pos, end, seq_hi)
    assert total == end + icv_len, "another length"
    assert buf[:iv_pos] == before[:iv_pos] and buf[total:] == before[total:], "octets outside were touched"
    sealed = bytes(buf)
    opener = backend.new_opener(encr, integ, encr_key, integ_key)
    flips = line.split()[9]
    for bit in range(8 * (total - start)) if flips == "*" else [int(x) % (8 * (total - start)) for x in flips.split(",")]:
        buf[start + (bit >> 3)] ^= 1 << (bit & 7)
        assert opener.open(buf, start, iv_pos, total, seq_hi) == -1, "bit %d flipped and accepted" % bit
        buf[start + (bit >> 3)] ^= 1 << (bit & 7)
        assert buf == sealed, "refused, but changed"
    _open_apart(opener, before, sealed, (start, iv_pos, iv_pos + iv_len, end, total), seq_hi)
    assert opener.open(buf, start, iv_pos, total, seq_hi) == end, "refused"
    assert buf[iv_pos + iv_len : end] == before[iv_pos + iv_len : end], "another text"
    assert buf[:iv_pos] == sealed[:iv_pos] and buf[end:] == sealed[end:], "octets outside were touched by opening"
    return "%s %s" % (_hex(sealed[iv_pos : iv_pos + iv_len]), _hex(sha256(sealed[start:total]).digest()))


def parse(line: str) -> tuple:
    """`(numbers, keys)` of a line: ENCR, INTEG, START, HEADER, LENGTH, TEXT; and the keys and the high half, or None."""
    fields = line.split()
    numbers = [int(fields[i]) for i in (0, 1, 5, 6, 7, 8)]
    encr_key, integ_key, seq_hi = [b"" if field == "-" else unhexlify(field) for field in fields[2:5]]
    return numbers, (encr_key, integ_key, seq_hi or None)


def _open_apart(opener, before, sealed, places, seq_hi):
    """Open a copy of the message in a buffer of its own, one octet further; the octets it was copied from stay."""
    start, iv_pos, text_pos, end, total = places
    copy = bytearray(b"\xa5" * (start + 1) + sealed[start:total])
    assert opener.open(copy, start + 1, iv_pos + 1, total + 1, seq_hi) == end + 1, "refused elsewhere"
    assert copy[text_pos + 1 : end + 1] == before[text_pos:end], "another text elsewhere"


def _hex(octets) -> str:
    return hexlify(octets).decode() or "-"


def make_pool() -> bytes:
    """Octets that look random and are the same on both sides."""
    return b"".join([sha256(b"pool %d" % i).digest() for i in range(POOL // 32)])


def main(path: str) -> None:
    """Answer each line of a file."""
    from ipsec.crypto import board

    pool = make_pool()
    with open(path) as lines:
        for number, line in enumerate(lines):
            try:
                text = answer(board, pool, line)
            except Exception as e:  # a message that fails must not hide the next
                text = "%s: %s" % (type(e).__name__, e)
            print(number, text)
            gc.collect()


if __name__ == "__main__":
    sys.path[:0] = sys.argv[1:3]
    main(sys.argv[3])
