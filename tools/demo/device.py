"""The device of the demo: connects, sends readings until each is acknowledged, closes, and tells what it does.

Runs on MicroPython (unix port and boards) and CPython. Every line that begins with `@` is one JSON object for the host.
Start reading at `main`.
"""

import gc
import json
import sys
import time

TRIES = 4  # attempts for one reading; UDP may lose it
START = time.ticks_ms() if hasattr(time, "ticks_ms") else time.monotonic_ns() // 1000000


def elapsed_ms():
    if hasattr(time, "ticks_ms"):
        return time.ticks_diff(time.ticks_ms(), START)
    return time.monotonic_ns() // 1000000 - START


class Heap:
    """The most octets that live objects have used, looked at whenever something is told."""

    def __init__(self):
        self.measurable = hasattr(gc, "mem_alloc")
        self.peak = 0

    def look(self):
        if self.measurable:
            gc.collect()
            self.peak = max(self.peak, gc.mem_alloc())


HEAP = Heap()


def tell(kind, **fields):
    """One line for the host."""
    fields["kind"] = kind
    fields["ms"] = elapsed_ms()
    print("@" + json.dumps(fields))
    HEAP.look()


def on_event(event):
    tell("event", event=event.kind, cause=event.cause, text=event.text)


def log(level, text):
    if level <= 2:
        tell("log", text=text)


def keylog(table, line):
    tell("key", table=table, line=line)


def deliver(uplink, collector, count):
    """Send the readings one after the other; returns how many were acknowledged."""
    sock = uplink.socket()
    sock.settimeout(2)
    acknowledged = 0
    for n in range(1, count + 1):
        reading = {"n": n, "celsius": 20 + n % 7 / 2, "uptime_ms": elapsed_ms()}
        if send_reading(sock, collector, reading):
            acknowledged += 1
    sock.close()
    return acknowledged


def send_reading(sock, collector, reading):
    """Whether the collector has acknowledged this reading."""
    data = json.dumps(reading).encode()
    for _ in range(TRIES):
        sock.sendto(data, collector)
        try:
            answer, _ = sock.recvfrom(100)
        except OSError:
            continue
        tell("reading", n=reading["n"], octets=len(data), answer=answer.decode())
        if answer == b"ack %d" % reading["n"]:
            return True
    tell("reading", n=reading["n"], octets=len(data), answer="")
    return False


def main(path):
    with open(path) as f:
        job = json.load(f)
    from ipsec import config
    from ipsec.drive.sync import Uplink
    from ipsec.errors import ConnectError

    HEAP.look()
    tell("start", system=sys.implementation.name, version=".".join([str(v) for v in sys.implementation.version[:3]]))
    uplink = Uplink(config.Config(**job["tunnel"]), on_event, log, keylog if job["keylog"] else None)
    try:
        uplink.connect()
    except ConnectError as e:
        tell("end", acknowledged=0, sent=job["readings"], error=str(e))
        return
    tell("up", address=uplink.address, backend=uplink.tunnel.crypto.report())
    rtt = uplink.ping(job["collector"][0])
    tell("ping", host=job["collector"][0], rtt_ms=rtt)
    acknowledged = deliver(uplink, (job["collector"][0], job["collector"][1]), job["readings"])
    counters = uplink.counters()
    uplink.close()
    tell("end", acknowledged=acknowledged, sent=job["readings"], counters=counters, peak_heap=HEAP.peak, error="")


main(sys.argv[1] if len(sys.argv) > 1 else "/rom/demo.json")
