# mypy: ignore-errors
"""`locked` of `micro.py` in machine code, which never has its frame on the heap. Start reading at `locked`."""

import micropython

lock, unlock = micropython.heap_lock, micropython.heap_unlock


@micropython.native
def locked(function, a, b, c, d):
    """Return `function(a, b, c, d)`, called with the heap locked; machine code never has its frame on the heap."""
    lock()
    try:
        return function(a, b, c, d)
    finally:
        unlock()
