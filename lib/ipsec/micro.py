"""What differs between MicroPython and CPython: `const`, the heap's lock, loading, which kernels there are, `copy`.

Kernels, the loops over octets and limbs, exist three times with the same results: in C as one module, `native`, where it is
installed (firmware/natmod); in viper, which MicroPython's compiler makes machine code of; in plain Python. Who needs some takes
`native` if there is one, else imports viper's, else plain ones when that raises one of `NO_KERNEL`.

Locking the heap around code that allocates nothing proves that, and it is faster: a bytecode frame of more than 11 machine words
lies on the heap, where looking for room takes up to 20,000 instructions; while the heap is locked it lies on the C stack.

Soft interrupt handlers (`machine.Timer`, `Pin.irq`, `micropython.schedule`) run between byte codes, so also while a packet is
on its way, and one that allocates then gets MemoryError: a program with such handlers calls `ipsec.micro.lock_heap(False)`.

Times are milliseconds modulo 2**29 (6.2 days), because a larger number would be allocated on a 32-bit board at each look at the
clock; so no two of them may lie more than three days apart, and they are compared by `left`, `since` and `earlier` only.
Start reading at `locked`.
"""

import gc
import sys
from io import BytesIO

# What importing a kernel raises where it cannot run: no such file, no native code here, or .mpy files for another chip
NO_KERNEL = (ImportError, NotImplementedError, SyntaxError, ValueError)
NO_ROOM = (MemoryError, RuntimeError)  # what loading code late raises where the heap, or the stack, is full
_EARLY = 4096  # octets allocated between two collections
_is_short = True  # whether the heap was, when `Collecting` last looked
_MASK = 0x1FFFFFFF
_HALF = 0x10000000

try:
    from micropython import const
except ImportError:

    def const(x):
        """A constant; MicroPython's compiler puts its value where a private one is used."""
        return x


try:
    from ipsec import native  # type: ignore[attr-defined]
except NO_KERNEL:
    native = None

try:
    from ipsec.kernel import locked
except NO_KERNEL:

    def locked(function, a, b, c, d):
        """Return `function(a, b, c, d)`, called with the heap locked where that is possible; locks nest."""
        return function(a, b, c, d)


try:
    if native:
        copy = native.copy
    else:
        from ipsec.copying import copy
except NO_KERNEL:

    def copy(dst, dst_pos, src, src_pos, n):
        """`dst[dst_pos:dst_pos + n] = src[src_pos:src_pos + n]`; of runs that overlap `dst` must begin first."""
        dst[dst_pos : dst_pos + n] = src[src_pos : src_pos + n]


def left(at, now: int) -> int:
    """Milliseconds until the time `at`, 0 when it has come."""
    ms = (at - now) & _MASK
    return ms if ms < _HALF else 0


def is_due(at, now: int) -> bool:
    """Whether the time `at` has come; None never comes. Allocates: nothing, as this is asked at every wait."""
    return at is not None and (now - at) & _MASK < _HALF


def since(then: int, now: int) -> int:
    """Milliseconds from `then` to `now`."""
    return (now - then) & _MASK


def earlier(one, other):
    """The earlier one of two times, each of which may be None. Allocates: nothing."""
    if one is None or other is not None and (other - one) & _MASK >= _HALF:
        return other
    return one


class Collecting:
    """`with Collecting():` collects garbage early, since loading many small modules otherwise leaves the heap in pieces.

    With `below`, in octets, only where the heap has not as many left in one piece. Where it has, nothing is collected before
    the heap is full, whatever threshold the program has set: collections would cost more than a handshake does.
    """

    def __init__(self, below: int = 0):
        self._below = below

    def __enter__(self):
        global _is_short
        self._before = None  # CPython has no threshold
        if hasattr(gc, "threshold"):
            self._before = gc.threshold()  # type: ignore[attr-defined]
            if self._below:
                _is_short = not has_room(self._below)
            gc.threshold(_EARLY if _is_short or not self._below else -1)  # type: ignore[attr-defined]

    def __exit__(self, *exc):
        if self._before is not None:
            gc.threshold(self._before)  # type: ignore[attr-defined]


def has_room(n: int) -> bool:
    """Whether the heap has so many octets in one piece; they are given back at once. To count free ones takes longer."""
    try:
        BytesIO(n).close()  # type: ignore[arg-type]
        return True
    except MemoryError:
        return False


def forget(name: str) -> None:
    """Let a board have the memory of a module that has done its work, of which nobody holds anything."""
    if hasattr(gc, "threshold") and sys.modules.pop(name, None):  # CPython has not, and keeps it
        package, _, last = name.rpartition(".")
        delattr(sys.modules[package], last)


def is_short() -> bool:
    """Whether the heap had little left when a handshake last began, or none did."""
    return _is_short


def collect() -> None:
    """Collect garbage on a board before what stays for long is made, so that it does not end up amid what goes soon.

    Not where the heap had much left when the tunnel was first made, as it costs as much as half of a key exchange.
    """
    if _is_short and hasattr(gc, "threshold"):  # CPython has not, and need not care
        gc.collect()


def lock_heap(yes: bool) -> None:
    """Whether the heap is locked while packets pass; not to, for the sake of interrupt handlers that allocate."""
    try:
        from ipsec import kernel
    except NO_KERNEL:
        return
    import micropython

    kernel.lock = micropython.heap_lock if yes else int  # which does nothing
    kernel.unlock = micropython.heap_unlock if yes else int
