"""Random keys, lengths, places and headers: what one backend seals the other opens, octet for octet where the IV is a counter.

And the kernels on MicroPython against the `cryptography` package: every length to 1500 octets at every alignment of a word, and a
shorter round at every alignment there is; every message is opened in place and in a buffer apart, and refused with a bit flipped.
Emulated boards do the same with fewer lengths: host_tests/emulated/test_vectors_on_board.py.
"""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host_tests.conftest import require
from host_tests.vectors import agree, messages

HERE = Path(__file__).resolve().parent
UNIT = HERE.parent / "unit"
sys.path.append(str(UNIT / "shims"))

from ipsec.crypto import board, host  # noqa: E402  board needs the shim of cryptolib

AEAD_SUITES = [(e, bits, 0) for e in (14, 15, 16, 18, 19, 20, 29, 30) for bits in (128, 256)] + [(28, 256, 0), (31, 256, 0)]
MAC_SUITES = [(12, bits, integ) for bits in (128, 256) for integ in (12, 13, 14)]

lengths = st.one_of(st.integers(0, 130), st.integers(0, 4096))
high_halves = st.one_of(st.none(), st.binary(min_size=4, max_size=4))


def _keys(data, suite):
    encr_len, integ_len, iv_len, icv_len, block = board.sizes(*suite)
    keys = [data.draw(st.binary(min_size=n, max_size=n)) for n in (encr_len, integ_len)]
    return (suite[0], suite[2], *keys), iv_len, icv_len, block


@settings(max_examples=120, deadline=None)
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


SOME = [*range(131), *range(131, 1501, 7)]  # lengths for the plain kernels, and for every day: 7 octets on is another alignment
REQUESTS = {
    "lengths": lambda: messages.requests(messages.MODES, SOME, alignments=4),
    "every length": lambda: messages.requests(messages.MODES, range(1501), alignments=4),
    "every alignment": lambda: messages.requests(messages.SUITES, (0, 1, 15, 16, 33, 64, 576, 1400), alignments=16),
    "every bit": lambda: messages.every_bit(messages.SUITES),
}


@pytest.mark.parametrize("kind", [kind for kind in REQUESTS if kind != "every length"])
def test_package_agrees_on_cpython(kind):
    pool = agree.make_pool()
    for line in messages.requests(messages.MODES, SOME[::2]) if kind == "lengths" else REQUESTS[kind]():
        try:
            why = messages.wrong(line, agree.answer(board, pool, line))
        except AssertionError as e:
            why = str(e)
        assert not why, f"{line}: {why}"


@pytest.mark.parametrize("kind", [pytest.param(x, marks=[pytest.mark.slow] if x == "every length" else []) for x in REQUESTS])
def test_package_agrees_on_micropython(kind, tmp_path):
    micropython = Path(sys.executable).with_name("micropython")
    require(micropython.exists(), "micropython is missing; run `make`")
    lines = list(REQUESTS[kind]())
    path = tmp_path / "lines"
    path.write_text("\n".join(lines) + "\n")
    command = [micropython, HERE / "agree.py", HERE.parents[1] / "lib", UNIT, path]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=120)
    wrong = messages.all_wrong(lines, done.stdout)
    assert not wrong, "\n".join(wrong[:5]) + done.stderr


@pytest.mark.parametrize("suite", messages.SUITES)
def test_faults_are_told(suite):
    """The judge of the tests above finds each kind of fault."""
    pool = agree.make_pool()
    line = messages.request(suite, 40, 3)
    iv, digest = agree.answer(board, pool, line).split(" ")
    other = messages.request(suite, 40, 3)
    assert not messages.wrong(line, f"{iv} {digest}")
    for answer in ("", "AssertionError: refused", f"{iv} {digest[::-1]}", f"{iv}00 {digest}"):
        assert messages.wrong(line, answer)
    assert messages.wrong(other, f"{iv} {digest}")
    assert len(messages.all_wrong([line, other], f"0 {iv} {digest}\n1 {iv} {digest}\n")) == 1
    assert len(messages.all_wrong([line, other], "Traceback (most recent call last):\n")) == 2
