"""TCP through a tunnel over a path that swallows long datagrams without a word, against the kernel of this machine.

    unshare --net python -m host_tests.inet.small_path [--json] [--v6] [OUTER_MTU ...]

For each MTU of the path a tunnel with the default `mtu` is made; octets go up, and others come down, over connections of
their own, and again over new ones. Prints how long the longest silence was and what the tunnel told. `up600` in place of a
number: the path is wide at first, and narrow while octets go up; `down1280`: while they come down; `wide`: it is narrow at first
and wide after ten minutes, which are made to pass by the tunnel's note of the time. Start reading at `measure`.
"""

import argparse
import json
import os
import subprocess
import sys
import time

from ipsec.config import Config
from ipsec.drive.sync import Uplink

from host_tests.inet.pace import INSIDE, INSIDE6, PSK, SINK, SOURCE, Servers, Tun, options
from host_tests.responder import Responder
from host_tests.responder.relay import RandomLink

OCTETS = 60000
PATHS = ("1500", "1280", "600", "up600", "down1280", "down600", "wide")
TEN_MINUTES_MS = 600000


def carry(uplink: Uplink, servers: Servers, port: int, began=lambda: None) -> float:
    """Move octets in one direction; seconds of the longest silence, the time to connect left out."""
    stream = uplink.connect_tcp((servers.host, port))
    stream.settimeout(30)
    buf, done, longest = bytearray(2000), 0, 0.0
    taken, last = servers.taken, time.monotonic()
    while done < OCTETS:
        if port == SOURCE:
            done += stream.recv_into(buf)
        else:
            stream.send(buf)
            if servers.taken - taken == done:
                uplink.poll(5)
                if time.monotonic() - last > 30:
                    raise TimeoutError("nothing comes through")
                continue
            done = servers.taken - taken
        longest, last = max(longest, time.monotonic() - last), time.monotonic()
        if done > OCTETS // 2:
            began()
    stream.abort()
    return longest


def measure(tun: Tun, servers: Servers, mtu: str) -> dict:
    """What `--json` prints for one path."""
    events: list = []
    for family in ("-4", "-6"):  # the kernel remembers what ICMP has told it
        subprocess.run(["ip", family, "route", "flush", "cache"], check=True)
    with Responder(psk=PSK, esp_suites=("aes128gcm16",)) as gw:
        tun.join(gw)
        at_first = int(mtu) if mtu.isdigit() else 600 if mtu == "wide" else 1500
        link = gw.faults.add(RandomLink(delay_s=0.025, kinds=("esp",), mtu=at_first))

        def shrink():
            link.mtu = int(mtu.lstrip("updown"))

        with Uplink(Config(**options(gw)), on_event=events.append) as uplink:
            first, second = (SOURCE, SINK) if mtu.startswith("down") else (SINK, SOURCE)
            silences = [carry(uplink, servers, first, shrink if mtu.startswith(("up", "down")) else lambda: None)]
            if mtu == "wide":
                assert uplink.tunnel.mtu < 600
                link.mtu = 1500
                uplink.tunnel.shrunk_at = (uplink.tunnel.shrunk_at - TEN_MINUTES_MS) & 0x1FFFFFFF
            silences += [carry(uplink, servers, port) for port in (second, first, second)]
            told = [event.text for event in events if event.cause == "mtu"]
            return {"path": mtu, "silences_s": [round(s, 2) for s in silences], "mtu": uplink.tunnel.mtu, "told": told}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mtus", nargs="*", default=PATHS)
    parser.add_argument("--json", action="store_true", help="one JSON object a path")
    parser.add_argument("--v6", action="store_true", help="IPv6 inside")
    args = parser.parse_args()
    sys.setswitchinterval(0.0005)
    tun, servers = Tun(), Servers(INSIDE6 if args.v6 else INSIDE)
    for mtu in args.mtus:
        found = measure(tun, servers, mtu)
        if args.json:
            print(json.dumps(found), flush=True)
        else:
            print(f"path {mtu:>5}: silences {found['silences_s']} s, MTU inside {found['mtu']}; {found['told']}", flush=True)
    os._exit(0)  # the threads that serve have no end


if __name__ == "__main__":
    sys.exit(main())
