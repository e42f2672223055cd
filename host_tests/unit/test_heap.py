"""The lock around the packet path, and the switch for programs whose interrupt handlers allocate."""

from ipsec import heap
from support import raises, skip


def needs_a_heap():
    try:
        import micropython  # noqa: F401
    except ImportError:
        skip("CPython has no heap to lock")


def test_result_and_exceptions_pass():
    assert heap.locked(len, b"abc") == 3
    raises(TypeError, heap.locked, len, 5)
    assert len(bytearray(100)) == 100  # unlocked again


def test_allocating_inside_is_refused():
    needs_a_heap()
    raises(MemoryError, heap.locked, bytearray, 1000)


def test_switched_off_it_only_calls():
    heap.enabled = False
    try:
        assert len(heap.locked(bytearray, 1000)) == 1000
    finally:
        heap.enabled = True
