"""A device that sends readings at a steady pace and says what became of them, on MicroPython and CPython.

    micropython stream.py CONFIG.json SECONDS PER_SECOND [LOG]

Prints "up ADDRESS", then one line of JSON: readings sent and acknowledged, the longest time without an acknowledgement in
milliseconds, the events after the first, as "kind cause", and the last warning. A line on standard input, "child" or "ike",
makes new keys for that SA due at once; any other one ends it before its time. LOG is a file for the library's log.
"""

import json
import select
import sys

from ipsec.drive.sync import Uplink

try:
    from time import ticks_diff, ticks_ms  # type: ignore[attr-defined]
except ImportError:
    from time import monotonic

    def ticks_ms():
        """Milliseconds that go on."""
        return int(monotonic() * 1000)

    def ticks_diff(end, start):
        """Milliseconds from start to end."""
        return end - start


def log_to(path):
    """A log hook that writes to a file, with milliseconds."""
    out = open(path, "w")  # noqa: SIM115

    def log(level, text):
        out.write("%d %s\n" % (ticks_ms(), text))
        out.flush()

    return log


def is_told_to_end(poller, uplink):
    """Look at standard input, and do what a line asks for."""
    if not poller.poll(0):
        return False
    word = sys.stdin.readline().strip()
    if word in ("child", "ike"):
        uplink.tunnel._upkeep.rekey_at(word == "ike", uplink._clock.now_ms())
    return word not in ("child", "ike")


def main(config, seconds, per_second, log=""):
    events, warnings = [], [""]
    uplink = Uplink(config, log=log_to(log) if log else None)

    def tell(event):
        events.append("%s %s" % (event.kind, event.cause))
        if event.kind == "warning":
            warnings.append(event.text)

    uplink.on_event = tell
    uplink.connect()
    print("up", uplink.address)
    socket = uplink.socket()
    poller = select.poll()
    poller.register(sys.stdin, 1)
    sent, acked = 0, set()
    began = heard = ticks_ms()
    gap, pace = 0, 1000 // int(per_second)
    while ticks_diff(ticks_ms(), began) < int(seconds) * 1000 and not is_told_to_end(poller, uplink):
        try:
            socket.sendto(json.dumps({"n": sent}).encode(), ("10.10.0.1", 5000))
        except OSError:
            pass
        sent += 1
        while True:
            wait = sent * pace - ticks_diff(ticks_ms(), began)
            if wait <= 0:
                break
            socket.settimeout(wait / 1000)
            try:
                acked.add(socket.recvfrom(200)[0])
            except OSError:
                continue
            gap = max(gap, ticks_diff(ticks_ms(), heard))
            heard = ticks_ms()
    socket.settimeout(1)
    while len(acked) < sent:
        try:
            acked.add(socket.recvfrom(200)[0])
        except OSError:
            break
    print(json.dumps({"sent": sent, "acked": len(acked), "gap_ms": gap, "events": events[1:], "warning": warnings[-1]}))
    uplink.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
