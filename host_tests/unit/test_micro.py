"""What differs between the interpreters: the lock around the packet path and its switch, copying octets."""

from ipsec import micro
from support import raises, skip


def needs_native_code():
    try:
        import ipsec.kernel  # noqa: F401
    except (ImportError, SyntaxError, ValueError):
        skip("no machine code on this interpreter, so the heap is not locked")


def allocates(a, b, c, d):
    return bytearray(1000)


def test_arguments_result_and_exceptions_pass():
    assert micro.locked(max, 3, 1, 4, 1) == 4
    raises(TypeError, micro.locked, len, 5, 0, 0, 0)
    assert len(bytearray(100)) == 100  # unlocked again


def test_allocating_inside_is_refused():
    needs_native_code()
    raises(MemoryError, micro.locked, allocates, 0, 0, 0, 0)
    assert len(bytearray(100)) == 100


def test_switched_off_it_only_calls():
    micro.lock_heap(False)
    try:
        assert len(micro.locked(allocates, 0, 0, 0, 0)) == 1000
    finally:
        micro.lock_heap(True)


def test_times_are_compared_across_the_end_of_the_count():
    last = (1 << 29) - 1
    for now in (0, 5, 1 << 28, last, last - 5):
        later = (now + 1000) & last
        assert micro.left(later, now) == 1000 and micro.left(now, later) == 0 and micro.left(now, now) == 0
        assert micro.left(now + 1000, now) == 1000  # a deadline need not be brought below the end
        assert micro.since(now, later) == 1000
        assert micro.is_due(now, later) and micro.is_due(now, now) and not micro.is_due(later, now)
        assert micro.earlier(now, later) == now == micro.earlier(later, now)
    assert not micro.is_due(None, 5)
    assert micro.earlier(None, 5) == 5 == micro.earlier(5, None) and micro.earlier(None, None) is None


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
