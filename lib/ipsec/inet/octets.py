"""Sum, copy and compare runs of octets without allocating: the face of `kernel.py` and its plain twin.

Callers see to it that the runs lie inside their buffers; the kernels do not check. Start reading at `sum16`.
"""

import sys


def plain_sum16(buf, pos: int, end: int, acc: int) -> int:
    """RFC 1071: `acc` plus the one's-complement sum of `buf[pos:end]`, folded to 16 bits, not inverted."""
    while pos < end - 1:
        acc += buf[pos] << 8 | buf[pos + 1]
        pos += 2
    if pos < end:
        acc += buf[pos] << 8
    while acc >> 16:
        acc = (acc & 0xFFFF) + (acc >> 16)
    return acc


def plain_copy(dst, dst_pos: int, src, src_pos: int, n: int) -> None:
    """`dst[dst_pos:dst_pos + n] = src[src_pos:src_pos + n]` ; of runs that overlap `dst` must begin first."""
    dst[dst_pos : dst_pos + n] = src[src_pos : src_pos + n]


def plain_same(a, a_pos: int, b, b_pos: int, n: int) -> bool:
    """Whether `a[a_pos:a_pos + n]` equals `b[b_pos:b_pos + n]`; not for secrets."""
    return a[a_pos : a_pos + n] == b[b_pos : b_pos + n]


def _load():
    """The viper kernels where they run, else the plain functions (CPython, ports without a native emitter)."""
    try:
        if sys.byteorder == "little":
            from ipsec.inet import kernel

            return kernel.sum16, kernel.copy, kernel.same
    except (ImportError, NotImplementedError, SyntaxError, ValueError):  # ValueError: an .mpy for another architecture
        pass
    return plain_sum16, plain_copy, plain_same


sum16, copy, same = _load()
