"""The emulated Pico's network: PPP over UART0 to the gateway inside the emulator (chip/ppp.mjs).

Brought up at boot by _boot.py, so programs just use sockets: address 10.0.2.15, and 10.0.2.2 is the host's loopback.

Start reading at `up`.
"""

import time

import network
from machine import UART, Pin

_BAUD = 3000000  # the UART's limit: 48 MHz / 16

ppp = None


def up(timeout_ms=3000):
    """Connect, once. Raises OSError when the gateway does not answer."""
    global ppp
    if ppp is not None and ppp.isconnected():
        return ppp
    # No timeout: network.PPP reads until nothing comes, and would wait for it. The buffers hold bursts of four full
    # datagrams; what is sent when txbuf is full is lost, as on a slow link.
    uart = UART(0, baudrate=_BAUD, tx=Pin(0), rx=Pin(1), rxbuf=6144, txbuf=6144, timeout=0)
    ppp = network.PPP(uart)
    ppp.connect()
    deadline = time.ticks_add(time.ticks_ms(), timeout_ms)
    while not ppp.isconnected():
        if time.ticks_diff(deadline, time.ticks_ms()) < 0:
            raise OSError("no PPP link: status %d" % ppp.status())
        time.sleep_ms(1)
    return ppp
