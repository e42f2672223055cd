# mypy: ignore-errors
"""The part of tools/bench/layers.py that runs on MicroPython: a reading from the socket inside to the datagram outside, and back.

    SELECTOR STEP OCTETS TICKS    OCTETS of the inner packet, TICKS of `time.ticks_cpu()`

There are two tunnels without IKE and without a network, the second one being the gateway. Start reading at `main`.
"""

import gc
from time import ticks_cpu, ticks_diff

from ipsec.config import Config
from ipsec.crypto import backend
from ipsec.drive import base
from ipsec.esp.transform import EspSa
from ipsec.ike.child import ChildSa
from ipsec.micro import copy
from ipsec.tunnel import Tunnel
from micropython import heap_lock, heap_unlock

SUITE = (16, 128, 0, 0)
MTU = 1400
HEADERS = 28  # IPv4 and UDP
NEAR, FAR = bytes([10, 20, 0, 5]), bytes([10, 10, 0, 1])
ANY = (0, 0, 65535, bytes(4), b"\xff\xff\xff\xff")
OWN = (0, 0, 65535, NEAR, NEAR)
NET = (0, 0, 65535, bytes([10, 10, 0, 0]), bytes([10, 10, 0, 255]))
ROUNDS = 9


class Alive:
    """What a tunnel asks of its IKE SA for each packet."""

    floated = True

    def heard(self, now):
        """The peer is alive."""


class Sink:
    """A socket outside that sends nothing: the driver's own cost."""

    def send(self, buf, pos, end, port):
        """Nothing."""


class Driver(base.Uplink):
    """A driver without a socket."""

    def __init__(self, tunnel):
        self.tunnel = tunnel
        self._udp = Sink()


def ends(remote):
    """Two tunnels that are up; `remote` is the traffic selector behind the gateway."""
    encr_len, integ_len, _, _, _ = backend.sizes(*SUITE[:3])
    near_keys = bytes(range(encr_len)), bytes(range(integ_len))
    far_keys = bytes(range(1, 1 + encr_len)), bytes(range(1, 1 + integ_len))
    return (end(NEAR, ChildSa(b"\1\1\1\1", b"\2\2\2\2", SUITE, [OWN], [remote], near_keys + far_keys)),
            end(FAR, ChildSa(b"\2\2\2\2", b"\1\1\1\1", SUITE, [remote], [OWN], far_keys + near_keys)))  # fmt: skip


def end(address, child):
    """A tunnel that is up."""
    config = Config(gateway="192.0.2.1", local_id="a", psk="x" * 32, mtu=MTU,
                    ike_proposals=["aes128ccm16-prfsha256-x25519"], esp_proposals=["aes128ccm16"])  # fmt: skip
    tunnel = Tunnel(config, backend, bytes)
    tunnel._sadb.add(EspSa(backend, child, 64))
    tunnel._ikes.lead = Alive()
    tunnel.is_up = True
    tunnel.stack.add_address(address)
    return tunnel


def fill():
    """A heap as after weeks: small holes in most of it, where no large frame fits."""
    keep = []
    while gc.mem_free() > 48000:
        keep.append(bytearray(8))
    for i in range(0, len(keep), 3):
        keep[i] = None
    gc.collect()
    return keep


def best(call):
    """The fewest ticks of some calls."""
    fewest = 1 << 29
    for _ in range(ROUNDS):
        t = ticks_cpu()
        call()
        t = ticks_diff(ticks_cpu(), t)
        if t < fewest:
            fewest = t
    return fewest


def nothing():
    """What measuring costs."""


class Path:
    """One packet in both directions, in steps that can be measured."""

    def __init__(self, remote, n):
        self.near, self.far = ends(remote)
        self.n = n
        self.data = bytes(n - HEADERS)
        self.inbox = bytearray(n)
        self.outer = bytearray(MTU + 96)
        self.sock = self.near.stack.udp(4000)
        self.peer = self.far.stack.udp(5000)
        self.to = (FAR, 5000)
        self.driver = Driver(self.near)
        self.write()
        self.packet = self.near.tx[self.near.head : self.near.head + n]

    def out(self):
        """From the socket inside to TRANSMIT."""
        self.sock.transmit(self.data, self.to)
        self.near.poll()

    def out_whole(self):
        """The same by `sendto` and the driver."""
        self.sock.sendto(self.data, self.to)
        self.driver.drain()

    def write(self):
        """The inner packet alone: what `transmit` does without the tunnel."""
        tunnel = self.near
        send, tunnel.send = tunnel.send, int
        self.sock.transmit(self.data, self.to)
        tunnel.send = send

    def restore(self):
        """What `encap` must do first, since it encrypts in place."""
        copy(self.near.tx, self.near.head, self.packet, 0, self.n)

    def encap(self):
        """ESP alone."""
        self.restore()
        tunnel = self.near
        heap_lock()
        tunnel._sadb.all[0].encap(tunnel.tx, tunnel.head, tunnel.head + self.n)
        heap_unlock()

    def seal(self):
        """The cipher alone."""
        sa = self.near._sadb.all[0]
        heap_lock()
        sa._sealer.seal(self.outer, 0, 8, 16 + (self.n + 5 & -4), None)
        heap_unlock()

    def answer(self):
        """A datagram from the gateway into `outer`; returns its length."""
        far = self.far
        self.peer.transmit(self.data, (NEAR, 4000))
        far.poll()
        n = far.tx_end - far.tx_pos
        self.outer[:n] = far.tx[far.tx_pos : far.tx_end]
        return n

    def receive(self, steps, k):
        """Ticks of step k of receiving a packet."""
        fewest = 1 << 29
        for _ in range(ROUNDS):
            n = self.answer()
            for i, step in enumerate(steps):
                t = ticks_cpu()
                step(n)
                t = ticks_diff(ticks_cpu(), t)
                if i == k and t < fewest:
                    fewest = t
            if self.sock.pending:
                self.sock.recv_into(self.inbox)
        return fewest

    def take(self, n):
        """From the datagram to DELIVER."""
        self.near.receive(self.outer, n, 0)
        self.near.poll()

    def deliver(self, _):
        """From DELIVER into the socket's queue."""
        self.near.deliver()

    def read(self, _):
        """From the queue into the program's buffer."""
        self.sock.recv_into(self.inbox)

    def take_whole(self, n):
        """From the datagram into the queue, by the driver."""
        self.near.receive(self.outer, n, 0)
        self.driver.drain()

    def decap(self, n):
        """ESP alone."""
        sa = self.near._sadb.all[0]
        heap_lock()
        sa.decap(self.outer, 0, n)
        heap_unlock()

    def open(self, n):
        """The cipher alone."""
        sa = self.near._sadb.all[0]
        heap_lock()
        sa._opener.open(self.outer, 0, 8, n, None)
        heap_unlock()


def main():
    """Print all figures."""
    backend.use("board")
    kept = fill()  # noqa: F841 (it wears the heap)
    cost = best(nothing)
    for name, remote in (("any", ANY), ("net", NET)):
        for n in (64, MTU):
            path = Path(remote, n)
            for step in ("out", "out_whole", "write", "encap", "seal"):
                print(name, step, n, best(getattr(path, step)) - (best(path.restore) if step == "encap" else cost))
            for steps in ("take deliver read", "take_whole read", "decap", "open"):
                calls = [getattr(path, step) for step in steps.split()]
                for k, step in enumerate(steps.split()):
                    print(name, step, n, path.receive(calls, k) - cost)
            if path.near.drops.as_dict() or path.near.stack.drops():
                raise ValueError("packets were dropped: the figures are worthless")
            gc.collect()


main()
