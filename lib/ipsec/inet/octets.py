"""The octets of the packet path without allocating: `kernel.py` where it runs, else its plain twin.

Callers see to it that the runs lie inside their buffers; the kernels do not check.
"""

import sys

try:
    if sys.byteorder != "little":
        raise ImportError
    from ipsec.inet.kernel import check4, copy, same, store, sum16, transport, write4, write_udp
except (ImportError, NotImplementedError, SyntaxError, ValueError):  # no viper here, or .mpy files for another chip
    from ipsec.inet.plain import check4, copy, same, store, sum16, transport, write4, write_udp

__all__ = ["check4", "copy", "same", "store", "sum16", "transport", "write4", "write_udp"]
