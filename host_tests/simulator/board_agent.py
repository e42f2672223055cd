# mypy: disable-error-code="attr-defined,union-attr"
"""Runs on MicroPython: the tunnel of a simulated device, driven through stdin and stdout. Start reading at `Agent.serve`.

    micropython board_agent.py SEED OPTIONS.json

A request is `verb, now (4 octets), length (2), octets`; what comes back are records `kind, length (2), octets`, until `W`. The
simulator's side is `board.py`, which says what verbs and kinds mean. Numbers are big-endian.
"""

import gc
import json
import sys
from hashlib import sha256

from ipsec import tunnel as core
from ipsec.config import Config
from ipsec.crypto import backend
from ipsec.micro import left

PORT = 5000  # of the collectors
stdin, stdout = sys.stdin.buffer, sys.stdout.buffer


class Chance:
    """The same octets for the same seed."""

    def __init__(self, seed):
        self.seed, self.calls = seed, 0

    def __call__(self, n):
        found = b""
        while len(found) < n:
            self.calls += 1
            found += sha256(b"%s %d" % (self.seed, self.calls)).digest()
        return found[:n]


def tell(kind, octets=b""):
    stdout.write(kind + len(octets).to_bytes(2, "big") + octets)


class Agent:
    """One tunnel and one socket inside."""

    def __init__(self, seed, options):
        self.tunnel = core.Tunnel(Config(**options), backend, Chance(seed.encode()))
        self.socket = self.tunnel.stack.udp(0)
        self.rx = bytearray(self.tunnel.max_datagram_len)

    def serve(self):
        head = bytearray(7)
        while stdin.readinto(head) == 7:
            now, n = int.from_bytes(head[1:5], "big"), int.from_bytes(head[5:7], "big")
            self.do(chr(head[0]), now, stdin.read(n) if n else b"")
            self.drain(now)

    def do(self, verb, now, octets):
        tunnel = self.tunnel
        if verb == "D":
            self.rx[: len(octets)] = octets
            tunnel.receive(self.rx, len(octets), now)
        elif verb == "T":
            tunnel.tick(now)
        elif verb == "S":
            try:
                self.socket.sendto(octets[4:], (octets[:4], PORT))
            except OSError as error:
                tell(b"X", str(error.args[-1]).encode())
        elif verb == "A":
            tunnel.start(now)
        elif verb == "C":
            tunnel.connect(octets, now)
        elif verb == "U":
            tunnel.unresolved(octets.decode(), now)
        elif verb == "V":
            tunnel.moved(now)
        elif verb == "M":
            self.measure()

    def measure(self):
        """The heap in use when nothing waits for its end, else 0."""
        tunnel = self.tunnel
        lead = tunnel._ikes.lead
        gc.collect()
        wanted = 1 + len(tunnel.config.more_ts)
        calm = tunnel.is_up and len(tunnel._ikes.all()) == 1 and len(lead.children) == len(tunnel._sadb.all) == wanted
        used = 0
        if calm and lead.window.is_idle():
            gc.collect()
            used = gc.mem_alloc()
        tell(b"M", used.to_bytes(4, "big"))

    def drain(self, now):
        tunnel = self.tunnel
        while True:
            want = tunnel.poll()
            if want == core.TRANSMIT:
                path = tunnel.path
                data = path.port.to_bytes(2, "big") + bytes(path.addr) + tunnel.tx[tunnel.tx_pos : tunnel.tx_end]
                tell(b"P", data)
            elif want == core.DELIVER:
                tunnel.deliver()
            elif want == core.EVENT:
                event = tunnel.take_event()
                tell(b"E", ("%s %s %s" % (event.kind, event.cause, event.text)).encode())
            elif want == core.RESOLVE:
                tell(b"R")
            elif want != core.REOPEN:
                break
        while self.socket.pending:
            tell(b"I", self.socket.recvfrom(100)[0])
        at = tunnel.deadline()
        wait = 0xFFFFFFFF if at is None else max(0, left(at, now))
        state = bytes([tunnel.is_up, tunnel.is_closed]) + tunnel.history.moves.to_bytes(4, "big")
        tell(b"W", wait.to_bytes(4, "big") + state)


def main(seed, options):
    with open(options) as file:
        Agent(seed, json.load(file)).serve()


if __name__ == "__main__":
    main(*sys.argv[1:])
