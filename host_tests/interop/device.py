"""A small device for interop tests, on MicroPython and CPython: brings up a tunnel, sends readings, prints what came back.

    micropython device.py CONFIG.json READINGS [ADDRESS PORT]

Prints "up ADDRESS", then the answer to each reading, then "pings N", "counters {...}" and "closed". With the word
"serve" in place of the count it stays up and answers liveness checks until it is killed or its tunnel goes down; with "ping" it
pings three times for each line it is given.
"""

import json
import sys

from ipsec.drive.sync import Uplink


def send_readings(uplink, count, collector):
    """Send readings one by one; a lost answer is a line of its own."""
    socket = uplink.socket()
    socket.settimeout(3)
    for n in range(count):
        socket.sendto(json.dumps({"n": n, "celsius": 21.5}).encode(), collector)
        try:
            print(socket.recvfrom(200)[0].decode())
        except OSError:
            print("lost %d" % n)
    socket.close()


def main(config, count, host="10.10.0.1", port="5000"):
    uplink = Uplink(config)
    uplink.connect()
    print("up", uplink.address)
    if count == "serve":
        while uplink.is_up:
            uplink.poll(100)
    elif count == "ping":
        while sys.stdin.readline():
            print("pings", sum(uplink.ping(host) is not None for _ in range(3)))
    else:
        send_readings(uplink, int(count), (host, int(port)))
        print("pings", sum(uplink.ping(host) is not None for _ in range(3)))
        print("counters", json.dumps(uplink.counters()))
    uplink.close()
    print("closed")


if __name__ == "__main__":
    main(*sys.argv[1:])
