"""The kernels of a firmware that was built with them (firmware/natmod)."""

from _ipsec import *  # noqa: F403
