"""Random keys, lengths, places and headers: what one backend seals the other opens, octet for octet where the IV is a counter."""

import sys
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.append(str(Path(__file__).resolve().parents[1] / "unit" / "shims"))

from ipsec.crypto import board, host  # noqa: E402  board needs the shim of cryptolib

AEAD_SUITES = [(e, bits, 0) for e in (14, 15, 16, 20, 29, 30) for bits in (128, 256)] + [(28, 256, 0), (31, 256, 0)]
MAC_SUITES = [(12, bits, integ) for bits in (128, 256) for integ in (12, 13, 14)]

lengths = st.one_of(st.integers(0, 130), st.integers(0, 4096))
high_halves = st.one_of(st.none(), st.binary(min_size=4, max_size=4))


def _keys(data, suite):
    encr_len, integ_len, iv_len, icv_len, block = board.sizes(*suite)
    keys = [data.draw(st.binary(min_size=n, max_size=n)) for n in (encr_len, integ_len)]
    return (suite[0], suite[2], *keys), iv_len, icv_len, block


@settings(max_examples=200, deadline=None)
@given(st.data(), st.sampled_from(AEAD_SUITES), lengths, st.integers(0, 17), st.integers(8, 512), high_halves, st.randoms())
def test_aead(data, suite, n, start, header_len, seq_hi, rng):
    args, iv_len, icv_len, _ = _keys(data, suite)
    iv_pos = start + header_len
    end = iv_pos + iv_len + n
    one = bytearray(rng.randbytes(end + icv_len + 5))
    two = bytearray(one)
    before = bytes(one)
    sealers = board.new_sealer(*args), host.new_sealer(*args)
    for _ in range(2):  # the second message meets the state the first one left
        assert sealers[0].seal(one, start, iv_pos, end, seq_hi) == end + icv_len
        assert sealers[1].seal(two, start, iv_pos, end, seq_hi) == end + icv_len
        assert one == two
    for opener in board.new_opener(*args), host.new_opener(*args):
        forged = bytearray(one)
        forged[rng.randrange(iv_pos + iv_len, end + icv_len)] ^= 1 << rng.randrange(8)
        copy = bytes(forged)
        assert opener.open(forged, start, iv_pos, end + icv_len, seq_hi) == -1
        assert forged == copy
    assert board.new_opener(*args).open(one, start, iv_pos, end + icv_len, seq_hi) == end
    assert host.new_opener(*args).open(two, start, iv_pos, end + icv_len, seq_hi) == end
    assert one == two
    assert one[:start] == before[:start]
    assert one[end + icv_len :] == before[end + icv_len :]


@settings(max_examples=80, deadline=None)
@given(st.data(), st.sampled_from(MAC_SUITES), st.integers(0, 100), st.integers(0, 17), high_halves, st.randoms())
def test_cbc(data, suite, blocks, start, seq_hi, rng):
    args, iv_len, icv_len, _ = _keys(data, suite)
    iv_pos = start + 8
    end = iv_pos + iv_len + 16 * blocks
    for sealing, opening in ((board, host), (host, board)):
        buf = bytearray(rng.randbytes(end + icv_len + 5))
        before = bytes(buf)
        total = sealing.new_sealer(*args).seal(buf, start, iv_pos, end, seq_hi)
        forged = bytearray(buf)
        forged[rng.randrange(iv_pos, total)] ^= 1 << rng.randrange(8)
        opener = opening.new_opener(*args)
        assert opener.open(forged, start, iv_pos, total, seq_hi) == -1
        assert opener.open(buf, start, iv_pos, total, seq_hi) == end
        assert buf[iv_pos + iv_len : end] == before[iv_pos + iv_len : end]
        assert buf[:iv_pos] + buf[total:] == before[:iv_pos] + before[total:]


@settings(max_examples=80, deadline=None)
@given(st.sampled_from([5, 6, 7]), st.binary(max_size=300), st.lists(st.binary(max_size=300), min_size=1, max_size=5))
def test_prf(prf_id, key, parts):
    assert board.prf(prf_id, key, *parts) == host.prf(prf_id, key, *parts)
