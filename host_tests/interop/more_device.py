"""A device with several Child SAs that pings hosts of each until a line comes on standard input, on both interpreters.

    micropython more_device.py CONFIG.json HOST ...

Prints "up ADDRESS", then one line of JSON: pings sent and answered of each host, events after the first as "kind cause", and the
Child SAs as `status` has them; and what was dropped, by name.
"""

import json
import select
import sys

from ipsec.drive.sync import Uplink


def main(config, *hosts):
    events = []
    uplink = Uplink(config)
    uplink.on_event = lambda event: events.append("%s %s" % (event.kind, event.cause))
    uplink.connect()
    print("up", uplink.address)
    poller = select.poll()
    poller.register(sys.stdin, 1)
    uplink.poll(300)  # until the others are there
    found = {host: [0, 0] for host in hosts}
    while not poller.poll(0):
        for host in hosts:
            found[host][0] += 1
            found[host][1] += uplink.ping(host, 1000) is not None
        uplink.poll(30)
    figures = {"pings": found, "events": events[1:], "children": uplink.status().children, "drops": uplink.counters()["drops"]}
    print(json.dumps(figures))
    uplink.close()


main(*sys.argv[1:])
