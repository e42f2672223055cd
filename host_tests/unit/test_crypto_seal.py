"""What every sealer and opener must do, whatever the suite: place, alignment, forgery, sequence numbers, no allocation."""

import sys

from crypto_support import AEADS, BACKENDS, SUITES, octets, pair, set_next_iv
from ipsec.errors import CryptoError
from support import raises, skip

MICROPYTHON = sys.implementation.name == "micropython"
FAST = MICROPYTHON and sys.platform in ("linux", "darwin")  # viper at the speed of a PC
REFERENCE = BACKENDS[0]
BOARD = BACKENDS[-1]


def _round_trip(suite, shift, header_len, n, seq_hi=None):
    """Seal on the board, open by the reference, in the middle of a buffer whose other octets must stay."""
    sealer, opener, iv_len, icv_len = pair(BOARD, suite, n, REFERENCE)
    iv_pos = shift + header_len
    text_pos = iv_pos + iv_len
    end = text_pos + n
    before = octets(end + icv_len + 9, n + shift)
    buf = bytearray(before)
    total = sealer.seal(buf, shift, iv_pos, end, seq_hi)
    assert total == end + icv_len
    assert buf[:iv_pos] == before[:iv_pos]
    assert buf[total:] == before[total:]
    assert n < 8 or buf[text_pos:end] != before[text_pos:end]
    sealed = bytes(buf)
    opened = bytearray(sealed)
    assert opener.open(opened, shift, iv_pos, total, seq_hi) == end
    assert opened[text_pos:end] == before[text_pos:end]
    board_opener = pair(BOARD, suite, n)[1]
    assert board_opener.open(buf, shift, iv_pos, total, seq_hi) == end
    assert buf[text_pos:end] == before[text_pos:end]
    assert buf[:iv_pos] == sealed[:iv_pos]
    assert buf[end:] == sealed[end:]


def test_every_length():
    for suite in ((16, 128, 0), (20, 128, 0), (28, 256, 0), (12, 128, 12)):
        step = 16 if suite[2] else 1
        for n in range(0, 101, step):
            for shift in range(16) if FAST else (0, n % 16):
                _round_trip(suite, shift, 8, n)


def test_every_alignment():
    for suite in SUITES:
        for shift in (0, 1, 2, 13) if suite[2] > 12 else range(16):
            _round_trip(suite, shift, 8, 1408 if suite[2] or shift > 3 else 1400 + shift)


def test_rounds_of_the_scratch_buffer():
    """Lengths at which a round of the board's scratch buffer just ends or does not."""
    for suite in ((16, 128, 0), (20, 128, 0), (28, 256, 0)):
        for n in (687, 688, 689, 703, 704, 705, 719, 720, 721, 735, 736, 737, 1408, 1423, 1424, 1425, 1440, 1456, 1472, 4096):
            _round_trip(suite, 0, 8, n)


def test_header_of_ike():
    for suite in SUITES:
        for header_len in (28, 32, 33, 36, 200, 512):
            _round_trip(suite, 4, header_len, 64)


def test_flipped_bit():
    for suite in SUITES:
        sealer, opener, iv_len, icv_len = pair(BOARD, suite)
        buf = bytearray(octets(8 + iv_len + 32 + icv_len))
        end = sealer.seal(buf, 0, 8, 8 + iv_len + 32, None)
        for i in range(0, end, 9 if suite[2] > 12 else 1):  # SHA-512 is slow on boards
            forged = bytearray(buf)
            forged[i] ^= 1 << i % 8
            copy = bytes(forged)
            assert opener.open(forged, 0, 8, end, None) == -1
            assert bytes(forged) == copy
        assert opener.open(buf, 0, 8, end, None) == end - icv_len


def test_impossible_lengths():
    for backend in BACKENDS:
        for suite in SUITES:
            _, opener, iv_len, icv_len = pair(backend, suite)
            buf = bytearray(octets(100))
            for end in range(8, 8 + iv_len + icv_len):
                assert opener.open(buf, 0, 8, end, None) == -1
            assert opener.open(buf, 0, 8, 101, None) == -1
            if suite[2]:
                assert opener.open(buf, 0, 8, 8 + iv_len + 17 + icv_len, None) == -1
            assert bytes(buf) == octets(100)


def test_one_sealer_many_messages():
    """State kept from message to message (IV counter, CBC chaining) must not show; no IV comes twice."""
    for suite in SUITES:
        sealer, opener, iv_len, icv_len = pair(BOARD, suite, 7, REFERENCE)
        seen = []
        for n in (16, 1408, 0, 64, 32, 800, 48):
            buf = bytearray(octets(8 + iv_len + n + icv_len, n))
            text = bytes(buf[8 + iv_len : 8 + iv_len + n])
            end = sealer.seal(buf, 0, 8, 8 + iv_len + n, None)
            assert not iv_len or bytes(buf[8 : 8 + iv_len]) not in seen
            seen.append(bytes(buf[8 : 8 + iv_len]))
            assert opener.open(buf, 0, 8, end, None) == end - icv_len
            assert bytes(buf[8 + iv_len : 8 + iv_len + n]) == text


def test_iv_counts_up_over_every_octet():
    for backend in BACKENDS:
        for encr in (16, 20, 28):
            sealer = pair(backend, (encr, 256, 0))[0]
            for iv in (1, 0xFF, 0x100, 0xFFFF, 0xFFFFFFFF, 0x100000000, (1 << 56) - 1, (1 << 64) - 1):
                set_next_iv(sealer, iv.to_bytes(8, "big"))
                for expected in (iv, iv + 1 & (1 << 64) - 1):
                    buf = bytearray(8 + 8 + 4 + 16)
                    sealer.seal(buf, 0, 8, 20, None)
                    assert buf[8:16] == expected.to_bytes(8, "big")


def test_counter_of_cbc_counts_over_every_octet():
    sealer = pair(BOARD, (12, 128, 12))[0]
    for count in (1, 0xFF, 0xFFFF, (1 << 120) - 1, (1 << 128) - 1):
        sealer.count[:] = count.to_bytes(16, "big")
        sealer.seal(bytearray(8 + 16 + 16 + 16), 0, 8, 40, None)
        assert int.from_bytes(sealer.count, "big") == (count + 1) & (1 << 128) - 1


def test_iv_of_cbc_is_unpredictable():
    sealer = pair(BOARD, (12, 128, 12))[0]
    seen = []
    for _ in range(20):
        buf = bytearray(8 + 16 + 16 + 16)
        sealer.seal(buf, 0, 8, 40, None)
        for old in seen:
            assert sum(bin(a ^ b).count("1") for a, b in zip(old, buf[8:24])) > 24  # noqa: B905  of 128 bits
        seen.append(bytes(buf[8:24]))


def test_extended_sequence_number_in_aad():
    """With AEAD the same as if the 12 octets SPI | high | low were the header (RFC 4303 2.2.1)."""
    header = octets(8)
    high = octets(4, 1)
    for encr in AEADS:
        suite = (encr, 256 if encr in (28, 31) else 128, 0)
        sealer, opener, iv_len, icv_len = pair(BOARD, suite)
        if not iv_len:
            continue
        short = bytearray(header + octets(iv_len + 50 + icv_len, 2))
        long = bytearray(header[:4] + high + short[4:])
        end = sealer.seal(short, 0, 8, 8 + iv_len + 50, high)
        set_next_iv(sealer, short[8:16])
        sealer.seal(long, 0, 12, 12 + iv_len + 50, None)
        assert short[8:] == long[12:]
        assert opener.open(bytearray(short), 0, 8, end, None) == -1
        assert opener.open(short, 0, 8, end, high) == end - icv_len


def test_extended_sequence_number_in_mac():
    """With a MAC the high half stands behind the ciphertext (RFC 4303 2.2.1)."""
    high = b"\x00\x00\x00\x09"
    key = octets(32, 1)
    sealer, opener, _, _ = pair(BOARD, (12, 128, 12))
    buf = bytearray(octets(8 + 16 + 32 + 16))
    end = sealer.seal(buf, 0, 8, 56, high)
    assert bytes(buf[56:end]) == REFERENCE.prf(5, key, bytes(buf[:56]), high)[:16]
    assert opener.open(bytearray(buf), 0, 8, end, None) == -1
    assert opener.open(buf, 0, 8, end, high) == 56


def test_implicit_iv():
    """The octets of an explicit IV that says `high | sequence number`, without the field (RFC 8750 4)."""
    for implicit, explicit in ((29, 14), (30, 20), (31, 28)):
        bits = 256 if implicit == 31 else 128
        for high in (None, b"\x00\x00\x00\x07"):
            sealer, opener, iv_len, icv_len = pair(BOARD, (implicit, bits, 0), 3, REFERENCE)
            assert iv_len == 0
            buf = bytearray(octets(8 + 40 + icv_len))
            with_iv = bytearray(buf[:8] + bytes(8) + buf[8:])
            other = pair(BOARD, (explicit, bits, 0), 3)[0]
            set_next_iv(other, (high or bytes(4)) + buf[4:8])
            end = sealer.seal(buf, 0, 8, 48, high)
            other.seal(with_iv, 0, 8, 56, high)
            assert buf[8:] == with_iv[16:]
            assert opener.open(buf, 0, 8, end, high) == 48


def test_aead_allocates_nothing():
    if not MICROPYTHON:
        skip("heap_lock is MicroPython's")
    import micropython

    for suite in SUITES:
        if suite[2]:
            continue
        sealer, opener, iv_len, icv_len = pair(BOARD, suite)
        high = bytes(4)
        for n in (1, 64, 576, 1400):
            for seq_hi in (None, high):
                buf = bytearray(octets(8 + iv_len + n + icv_len))
                text_end = 8 + iv_len + n
                micropython.heap_lock()
                try:
                    end = sealer.seal(buf, 0, 8, text_end, seq_hi)
                    back = opener.open(buf, 0, 8, end, seq_hi)
                    forged = opener.open(buf, 0, 8, end, seq_hi)
                finally:
                    micropython.heap_unlock()
                assert back == text_end
                assert forged == -1


def test_seal_refuses_positions_outside():
    for backend in BACKENDS:
        for suite in SUITES:
            sealer, _, iv_len, icv_len = pair(backend, suite)
            buf = bytearray(8 + iv_len + 32 + icv_len)
            for start, iv_pos, end in ((0, 8, len(buf) - icv_len + 1), (-4, 8, 30), (9, 8, 30), (0, 8, 8 + iv_len - 1)):
                raises(CryptoError, sealer.seal, buf, start, iv_pos, end, None)
            if suite[2]:
                raises(CryptoError, sealer.seal, buf, 0, 8, 8 + 16 + 31, None)
            assert buf == bytes(len(buf))
