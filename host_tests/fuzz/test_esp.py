"""Property tests of the ESP transform: any plaintext under the right key, any order of packets, against a model in plain Python.

Start reading at `test_any_plaintext_under_the_right_key`.
"""

import pytest

pytest.importorskip("hypothesis", reason="hypothesis is not installed")

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from ipsec.esp import drop, state  # noqa: E402
from test_esp import CBC, CCM16, CCM16_ESN, inner, pair, protect, unprotect  # noqa: E402

from host_tests.fuzz.watch import bounded  # noqa: E402

SELECTOR = [(17, 5000, 5000, bytes([10, 10, 0, 0]), bytes([10, 10, 0, 255]))]
GOOD = bytes(inner(40))


def seal(sa, plaintext, seq=1):
    """An ESP packet with any plaintext, as the far end could send it."""
    buf = bytearray(b"\2\2\2\2" + seq.to_bytes(4, "big")) + bytearray(8) + plaintext + bytearray(16)
    end = sa._sealer.seal(buf, 0, 8, len(buf) - 16, None)
    return buf[:end]


def expected(plain: bytes):
    """What RFC 4303 2.4 and 3.4.4 make of a plaintext: the inner packet, or the drop code."""
    pad_len, following = plain[-2], plain[-1]
    if pad_len > len(plain) - 2:
        return drop.PADDING
    body, pad = plain[: -2 - pad_len], plain[len(plain) - 2 - pad_len : -2]
    if pad != bytes(range(1, pad_len + 1)):
        return drop.PADDING
    if following == 59:
        return drop.DUMMY
    if (following, body[0] >> 4 if body else 0) not in ((4, 4), (41, 6)):
        return drop.NEXT_HEADER
    if following == 41 or len(body) < 20 or body[12:15] != bytes([10, 20, 0]) or body[16:19] != bytes([10, 10, 0]):
        return drop.SELECTOR
    ports = (body[0] & 15) * 4
    if body[9] != 17 or body[ports + 2 : ports + 4] != (5000).to_bytes(2, "big"):
        return drop.SELECTOR
    return body


bodies = st.one_of(
    st.binary(max_size=64),
    st.just(GOOD),
    st.builds(lambda at, to: GOOD[:at] + bytes([to]) + GOOD[at + 1 :], st.integers(0, 39), st.integers(0, 255)),
    st.builds(lambda n: GOOD[:n], st.integers(0, 40)),
)
trailers = st.one_of(
    st.builds(lambda n, h: bytes(range(1, n + 1)) + bytes([n, h]), st.integers(0, 40), st.sampled_from([4, 41, 59, 6, 0])),
    st.binary(min_size=2, max_size=8),
)


@bounded(600)
@given(bodies, trailers)
def test_any_plaintext_under_the_right_key(body, trailer):
    here = [(0, 0, 65535, bytes([10, 20, 0, 0]), bytes([10, 20, 0, 255]))]
    sender, receiver = pair(ts_there=SELECTOR)
    receiver.inward = state.inbound(b"\2\2\2\2", receiver.head, 16, False, 64, here, SELECTOR)
    plain = body + trailer
    assert unprotect(receiver, seal(sender, plain)) == expected(plain)


@bounded(200)
@given(
    st.sampled_from([CCM16, CCM16_ESN, CBC]),
    st.sampled_from([32, 64]),
    st.lists(st.tuples(st.integers(0, 119), st.booleans()), max_size=80),
)
def test_any_order_of_packets_against_a_set(suite, window, order):
    """Each number is taken once, those left of the window never, and forged packets move nothing."""
    sender, receiver = pair(suite, window)
    packets = [protect(sender, inner(40)) for _ in range(120)]
    seen: set[int] = set()
    for n, forged in order:
        packet = bytearray(packets[n])
        packet[-1] ^= forged
        in_window = n > max(seen, default=-1) - window
        new = n not in seen and in_window
        result = unprotect(receiver, packet)
        if not new:  # with ESN a number left of the window is taken for one of the next epoch (RFC 4303 A2.2)
            assert result == (drop.REPLAY if suite != CCM16_ESN or n in seen and in_window else drop.ICV)
        elif forged:
            assert result == drop.ICV
        else:
            assert result == inner(40)
            seen.add(n)
    assert receiver.packets_in == len(seen)


@bounded(200)
@given(st.binary(max_size=120), st.sampled_from([CCM16, CBC]))
def test_any_octets_are_dropped(octets, suite):
    _, receiver = pair(suite)
    assert unprotect(receiver, octets) in (drop.TOO_SHORT, drop.SEQ_ZERO, drop.ICV)
