"""How fast TCP through a tunnel is against the kernel of this machine, over a path with a round trip and losses.

    unshare --net python -m host_tests.inet.pace [--json] [--seconds S] [--v6] [CASE ...]

```
 uplink (sync driver) --- loopback --- reference gateway: delay, loss --- TUN --- the kernel's TCP, a sink and a source
```

A case is `down,RTT_MS,LOSS_PERCENT,ROOM` or `up,...`; losses meet ESP alone, in both directions. Prints KB (1,000 octets) a
second of what the program got, or of what the kernel's program got. Start reading at `measure`.
"""

import argparse
import fcntl
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time

from ipsec.config import Config
from ipsec.drive.sync import Uplink

from host_tests.responder import Responder
from host_tests.responder.relay import RandomLink

CASES = ("down,50,0,8192", "down,150,0,8192", "down,50,5,8192", "up,50,0,8192", "up,150,0,8192", "up,50,5,8192")
PSK = "one key of enough octets for all tests"
INSIDE, INSIDE6 = "10.10.0.1", "fd00:10::1"
SOURCE, SINK = 19, 9  # chargen, discard
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 1, 0x1000


class Tun:
    """A TUN device that takes what comes out of the tunnels, as a gateway's kernel does."""

    def __init__(self, mtu: int = 1500):
        self._gw: Responder | None = None
        self._fd = os.open("/dev/net/tun", os.O_RDWR)
        fcntl.ioctl(self._fd, _TUNSETIFF, struct.pack("16sH", b"inside0", _IFF_TUN | _IFF_NO_PI))
        commands = f"""link set lo up
addr add {INSIDE}/24 dev inside0
addr add {INSIDE6}/64 dev inside0 nodad
link set inside0 mtu {mtu} up
route add 10.20.0.0/24 dev inside0
-6 route add fd00:20::/112 dev inside0
"""
        for line in commands.splitlines():
            subprocess.run(["ip", *line.split()], check=True)
        threading.Thread(target=self._read, daemon=True).start()

    def join(self, gw: Responder) -> None:
        """Stand behind this gateway from now on."""
        self._gw = gw
        gw.services.handle = self._handle  # type: ignore[method-assign]

    def _handle(self, packet: bytes) -> list[bytes]:
        os.write(self._fd, packet)
        return []

    def _read(self) -> None:
        while True:
            packet = os.read(self._fd, 65536)
            if self._gw and self._gw.sas:
                self._gw.send_inner(packet)


class Servers:
    """A source and a sink of octets, which count."""

    def __init__(self, host: str):
        self.host, self.taken = host, 0
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        for port, serve in ((SOURCE, self._pour), (SINK, self._swallow)):
            listener = socket.create_server((host, port), family=family)
            threading.Thread(target=self._accept, args=(listener, serve), daemon=True).start()

    def _accept(self, listener, serve) -> None:
        while True:
            threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    def _pour(self, sock) -> None:
        block = bytes(range(256)) * 64
        try:
            while True:
                sock.sendall(block)
        except OSError:
            sock.close()

    def _swallow(self, sock) -> None:
        try:
            while data := sock.recv(65536):
                self.taken += len(data)
        except OSError:
            pass
        sock.close()


def options(gw: Responder, **changes) -> dict:
    """Options of a device for this gateway."""
    given = {
        "gateway": "127.0.0.1", "port": gw.port, "natt_port": gw.natt_port,
        "local_id": "device.example", "remote_id": "gw.example", "psk": PSK,
        "virtual_ip": ["ipv4", "ipv6"], "remote_ts": ["10.10.0.0/24", "fd00:10::/64"], "esp_proposals": ["aes128gcm16"],
    }  # fmt: skip
    given.update(changes)
    return given


def measure(tun: Tun, servers: Servers, case: str, seconds: float) -> dict:
    """Run one case; what `--json` prints."""
    direction, rtt, loss, room = case.split(",")
    with Responder(psk=PSK, esp_suites=("aes128gcm16",)) as gw:
        tun.join(gw)
        gw.faults.add(RandomLink(seed=1, loss=float(loss) / 100, delay_s=float(rtt) / 2000, kinds=("esp",)))
        with Uplink(Config(**options(gw, tcp_room=int(room)))) as uplink:
            trip = min(filter(None, [uplink.ping(servers.host) for _ in range(5)]))
            taken = servers.taken
            stream = uplink.connect_tcp((servers.host, SOURCE if direction == "down" else SINK))
            stream.settimeout(20)
            octets, began = 0, time.monotonic()
            buf = bytearray(4096)
            while time.monotonic() - began < seconds:
                octets += stream.recv_into(buf) if direction == "down" else stream.send(buf)
            if direction == "up":
                octets = servers.taken - taken
            took = time.monotonic() - began
            stream.abort()
            drops = uplink.counters()["inet_drops"]
            return {"case": case, "host": servers.host, "kb_s": round(octets / took / 1000, 1), "ping_ms": trip, "drops": drops}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", default=CASES)
    parser.add_argument("--json", action="store_true", help="one JSON object a case")
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--v6", action="store_true", help="IPv6 inside")
    args = parser.parse_args()
    sys.setswitchinterval(0.0005)  # gateway and device are threads of one process here
    tun, servers = Tun(), Servers(INSIDE6 if args.v6 else INSIDE)
    for case in args.cases:
        found = measure(tun, servers, case, args.seconds)
        if args.json:
            print(json.dumps(found), flush=True)
        else:
            direction, rtt, loss, room = case.split(",")
            line = f"{direction:5} {rtt:>4} ms {loss:>3} % lost  room {room:>5}: {found['kb_s']:7.1f} KB/s"
            print(line, f" (ping {found['ping_ms']} ms)", flush=True)
    os._exit(0)  # the threads that serve have no end


if __name__ == "__main__":
    sys.exit(main())
