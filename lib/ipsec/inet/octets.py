"""The octets of the packet path without allocating: `kernel.py` where it runs, else its plain twin.

Callers see to it that the runs lie inside their buffers; the kernels do not check.
"""

import sys

from ipsec.micro import NO_KERNEL

try:
    if sys.byteorder != "little":
        raise ImportError
    from ipsec.inet.kernel import check4, same, store, sum16, transport, write4, write_udp
except NO_KERNEL:
    from ipsec.inet.plain import check4, same, store, sum16, transport, write4, write_udp

__all__ = ["check4", "same", "store", "sum16", "transport", "write4", "write_udp"]
