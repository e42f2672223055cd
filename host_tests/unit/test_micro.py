"""What differs between the interpreters: the lock around the packet path and its switch, copying octets."""

from ipsec import micro
from support import raises, skip


def needs_a_heap():
    try:
        import micropython  # noqa: F401
    except ImportError:
        skip("CPython has no heap to lock")


def test_result_and_exceptions_pass():
    assert micro.locked(len, b"abc") == 3
    raises(TypeError, micro.locked, len, 5)
    assert len(bytearray(100)) == 100  # unlocked again


def test_allocating_inside_is_refused():
    needs_a_heap()
    raises(MemoryError, micro.locked, bytearray, 1000)


def test_switched_off_it_only_calls():
    micro.locks_heap = False
    try:
        assert len(micro.locked(bytearray, 1000)) == 1000
    finally:
        micro.locks_heap = True


def test_copy_at_every_alignment():
    src = bytes([(37 * i + 11) & 0xFF for i in range(120)])
    for to in range(5):
        for frm in range(5):
            for n in (0, 1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 18, 31, 39, 64, 100):
                dst = bytearray(b"\xee" * 120)
                micro.copy(dst, to, src, frm, n)
                assert dst == b"\xee" * to + src[frm : frm + n] + b"\xee" * (120 - to - n)


def test_copy_downwards_over_itself():
    for n in (1, 7, 16, 50):
        for by in (1, 2, 3, 4, 16):
            buf = bytearray(range(100))
            micro.copy(buf, 8, buf, 8 + by, n)
            assert buf == bytes(range(8)) + bytes(range(8 + by, 8 + by + n)) + bytes(range(8 + n, 100))
