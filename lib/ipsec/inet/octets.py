"""The octets of the packet path without allocating: in C or viper where that runs, else the plain twin.

Callers see to it that the runs lie inside their buffers; the kernels do not check.
"""

import sys

from ipsec.micro import NO_KERNEL, native

try:
    if sys.byteorder != "little":
        raise ImportError
    if native:
        from ipsec.native import check4, same, store, sum16, transport, write4, write_udp  # type: ignore[import-not-found]
    else:
        from ipsec.inet.kernel import check4, same, store, sum16, transport, write4, write_udp
except NO_KERNEL:
    from ipsec.inet.plain import check4, same, store, sum16, transport, write4, write_udp

__all__ = ["check4", "same", "store", "sum16", "transport", "write4", "write_udp"]
