"""What differs between MicroPython and CPython: `const`, the heap's lock, loading, the fall-back of kernels, `copy`.

Locking the heap around code that allocates nothing proves that, and it is faster: a bytecode frame of more than 11 machine words
lies on the heap, where looking for room takes up to 20,000 instructions; while the heap is locked it lies on the C stack.

Soft interrupt handlers (`machine.Timer`, `Pin.irq`, `micropython.schedule`) run between byte codes, so also while a packet is
on its way, and one that allocates then gets MemoryError. A program with such handlers sets `ipsec.micro.locks_heap = False`.
Start reading at `locked`.
"""

import gc

locks_heap = True
# What importing a kernel raises where it cannot run: no such file, no native code here, or .mpy files for another chip
NO_KERNEL = (ImportError, NotImplementedError, SyntaxError, ValueError)
_EARLY = 4096  # octets allocated between two collections

try:
    from micropython import const, heap_lock, heap_unlock
except ImportError:

    def const(x):
        """A constant; MicroPython's compiler puts its value where a private one is used."""
        return x

    def heap_lock():
        """CPython has nothing to lock."""

    def heap_unlock():
        """CPython has nothing to unlock."""


try:
    from ipsec.copying import copy
except NO_KERNEL:

    def copy(dst, dst_pos, src, src_pos, n):
        """`dst[dst_pos:dst_pos + n] = src[src_pos:src_pos + n]`; of runs that overlap `dst` must begin first."""
        dst[dst_pos : dst_pos + n] = src[src_pos : src_pos + n]


class Collecting:
    """`with Collecting():` collects garbage early, since loading many small modules otherwise leaves the heap in pieces."""

    def __enter__(self):
        self._before = gc.threshold() if hasattr(gc, "threshold") else None  # CPython has not
        if self._before is not None:
            gc.threshold(_EARLY)  # type: ignore[attr-defined]

    def __exit__(self, *exc):
        if self._before is not None:
            gc.threshold(self._before)  # type: ignore[attr-defined]


def collect() -> None:
    """Collect garbage on a board before what stays for long is made, so that it does not end up amid what goes soon."""
    if hasattr(gc, "threshold"):  # CPython has not, and need not care
        gc.collect()


def locked(function, argument):
    """Return `function(argument)`, called with the heap locked; locks nest. More arguments would make this frame too large."""
    if not locks_heap:
        return function(argument)
    heap_lock()
    try:
        return function(argument)
    finally:
        heap_unlock()
