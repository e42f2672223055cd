"""Connects once, and prints "up MS", or "failed TEXT": `handshake_device.py CONFIG.json`; MicroPython and CPython."""

import sys
import time

from ipsec.drive.sync import Uplink
from ipsec.errors import LocalError


def now_ms():
    return time.ticks_ms() if hasattr(time, "ticks_ms") else time.monotonic_ns() // 1000000


def main(config):
    uplink = Uplink(config)
    began = now_ms()
    try:
        uplink.connect()
    except LocalError as error:
        return print("failed", error)
    print("up", now_ms() - began)


if __name__ == "__main__":
    main(*sys.argv[1:])
