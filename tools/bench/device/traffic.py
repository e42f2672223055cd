"""A real tunnel over sockets to a gateway that answers: 100 readings, each acknowledged. Start reading at `main`."""

import gc

from counting import tell


def main(path, readings, threshold):
    """Connect as the JSON file says, send, and tell how many were acknowledged.

    `threshold` is for `gc.threshold` while the library loads, as firmware/ does it; -1: none.
    """
    gc.threshold(threshold)
    from ipsec.config import load

    config = load(path)  # in the order of `ipsec.connect`
    from ipsec.drive.sync import Uplink

    uplink = Uplink(config)
    gc.threshold(-1)
    uplink.connect()
    sock = uplink.socket()
    sock.settimeout(3)
    acknowledged = 0
    for n in range(readings):
        sock.sendto(b'{"n": %d}' % n, ("10.10.0.1", 5000))
        acknowledged += sock.recvfrom(100)[0] == b"ack %d" % n
    gc.collect()
    free = gc.mem_free()
    sock.close()
    uplink.close()
    tell(acknowledged=acknowledged, free=free)
