"""Locking the heap around code that allocates nothing: it proves that, and it is faster.

A bytecode frame of more than 11 machine words lies on the heap, where looking for room takes up to 20,000 instructions; while the
heap is locked it lies on the C stack. Start reading at `locked`.
"""

try:
    from micropython import heap_lock, heap_unlock
except ImportError:

    def heap_lock():
        """CPython has nothing to lock."""

    def heap_unlock():
        """CPython has nothing to unlock."""


def locked(function, argument):
    """Return `function(argument)`, called with the heap locked; locks nest. More arguments would make this frame too large."""
    heap_lock()
    try:
        return function(argument)
    finally:
        heap_unlock()
