"""A device for `staying.py`: sends 20 readings a second, and prints when each answer came; MicroPython and CPython.

    micropython staying_device.py CONFIG.json SECONDS [SLEEP_AFTER SLEEP_S]

Prints "up", lines "ack MS N", "down CAUSE" and "status ...", MS counted from the first "up". Start reading at `main`.
"""

import json
import sys
import time

from ipsec.drive.sync import Uplink


def now_ms():
    return time.ticks_ms() if hasattr(time, "ticks_ms") else time.monotonic_ns() // 1000000


def tell(event):
    if event.kind != "up":
        print(event.kind, event.cause)


def main(config, seconds, sleep_after="0", sleep_s="0"):
    uplink = Uplink(config, on_event=tell)
    uplink.connect()
    start = now_ms()
    print("up")
    socket = uplink.socket()
    socket.settimeout(0)
    n = 0
    sleep_at = int(sleep_after) * 1000
    while now_ms() - start < int(seconds) * 1000:
        if sleep_at and now_ms() - start > sleep_at:
            sleep_at = 0
            time.sleep(int(sleep_s))
        try:
            socket.sendto(json.dumps({"n": n}).encode(), ("10.10.0.1", 5000))
        except OSError:
            pass
        n += 1
        end = now_ms() + 50
        while now_ms() < end:
            uplink.poll(max(0, end - now_ms()))
            try:
                while True:
                    print("ack", now_ms() - start, socket.recvfrom(200)[0].decode().split()[-1])
            except OSError:
                pass
    print("sent", n)
    print("status", str(uplink.status()).replace("\n", "; "))
    uplink.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
