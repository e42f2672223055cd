"""A real tunnel whose keys are renewed while packets pass. Start reading at `main`."""

import gc
import time

from counting import tell

_PAUSE_MS = 500


def main(path, seconds, threshold):
    """Connect as the JSON file says, ask the gateway's echo for so long, and tell what became of the tunnel.

    `threshold` is for `gc.threshold` while the library loads, as firmware/ does it.
    """
    gc.threshold(threshold)
    from ipsec.config import load

    config = load(path)  # in the order of `ipsec.connect`
    from ipsec.drive.sync import Uplink

    kinds = []
    uplink = Uplink(config, lambda event: kinds.append(event.kind) if event.kind == "up" else None)
    gc.threshold(-1)
    uplink.connect()
    sock = uplink.socket()
    sock.settimeout(3)
    asked = answered = 0
    begun = time.ticks_ms()
    while time.ticks_diff(time.ticks_ms(), begun) < 1000 * seconds:
        asked += 1
        try:
            sock.sendto(b"%d" % asked, ("10.10.0.1", 5000))
            answered += sock.recvfrom(100)[0] == b"ack %d" % asked
            uplink.poll(_PAUSE_MS)
        except OSError:
            pass  # a time-out: the tunnel is down
    gc.collect()
    free, is_up = gc.mem_free(), uplink.is_up
    sock.close()
    tell(asked=asked, answered=answered, ups=len(kinds), rekeys=uplink.status().rekeys, is_up=is_up, free=free)
    uplink.close()
