"""In one run: the PSK handshake, 1400 octets through the tunnel's socket, and the same with the firmware's own C TLS.

Start reading at `main`.
"""

import gc

import tls_pair
from counting import ROUNDS, diff, least, nothing, now, once, tell
from esp_packets import SUITES, loop_sa
from ipsec.crypto import backend
from ipsec.errors import CryptoError
from ipsec.micro import native
from ipsec.tunnel import DELIVER, TRANSMIT
from replay import STEPS, Replay

LENGTH = 1400
SHORT = 64
_PORT = 4000


class Watched:
    """The crypto face, and the ticks of its key exchange."""

    def __init__(self):
        self.ticks = 0

    def __getattr__(self, name):
        return getattr(backend, name)

    def new_dh(self, *args):
        begun = now()
        exchange = backend.new_dh(*args)
        self.ticks += diff(now(), begun)
        return Exchange(exchange, self)


class Exchange:
    """A key exchange that is watched."""

    def __init__(self, exchange, watched):
        self.public, self.wipe = exchange.public, exchange.wipe
        self._exchange, self._watched = exchange, watched

    def shared(self, public):
        begun = now()
        found = self._exchange.shared(public)
        self._watched.ticks += diff(now(), begun)
        return found


def handshake():
    """The initiator's whole work, step by step, and the part of X25519 in it."""
    watched = Watched()
    kernel = "native" if native else "viper"
    for when in ("first", "again"):  # at first modules are imported and suites tested on the way
        gc.collect()
        made = []
        making = once(lambda: made.append(Replay()))  # noqa: B023
        gc.collect()
        steps = {name: once(made[0].step, name) for name in STEPS}
        if when == "again":
            gc.collect()
            replay = Replay(watched)
            for name in STEPS:
                replay.step(name)
        tell(handshake=steps, when=when, make=making, x25519=watched.ticks, kernel=kernel)


def open_tunnel():
    """A tunnel that is up, with room for the packets."""
    replay = Replay(mtu=1500)
    for name in STEPS[:3]:
        replay.step(name)
    return replay


def path(replay, suite, length=LENGTH):
    """`(ticks, octets)` out and in: from the inner socket's sendto to the datagram, from a datagram to the inner socket's buffer.

    The octets are what one call leaves on the heap.
    """
    tunnel = replay.tunnel
    tunnel._sadb.remove(tunnel._sadb.sending.spi_in)
    tunnel._sadb.add(loop_sa(*suite[1:]))
    own = tunnel.stack.source_for(bytes(4))
    sock = tunnel.stack.udp(_PORT)
    data = (bytes(range(250)) * 6)[:length]
    got = bytearray(length)
    found = [1 << 29] * 4
    for _ in range(ROUNDS):
        gc.collect()
        _least(found, 0, _send, tunnel, sock, data, (own, _PORT))
        n = tunnel.tx_end - tunnel.tx_pos
        replay.rx[:n] = tunnel.tx[tunnel.tx_pos : tunnel.tx_end]
        _least(found, 1, _receive, tunnel, sock, replay.rx, n, got)
        if got != data:
            raise ValueError("%s: other octets came out" % suite[0])
    sock.close()
    free = least(nothing)
    none = [1 << 29] * 4
    for _ in range(2):
        _least(none, 0, _no_send, None, None, None, None)
        _least(none, 1, _no_receive, None, None, None, None, None)
    return (found[0] - free, found[1] - free), (found[2] - none[2], found[3] - none[3])


def _least(found, way, call, *args):
    """Ticks of one call at `found[way]`, octets that it leaves at `found[way + 2]`, where they are fewer than before."""
    before = gc.mem_alloc()
    ticks = once(call, *args)
    found[way + 2] = min(found[way + 2], gc.mem_alloc() - before)
    found[way] = min(found[way], ticks)


def _no_send(tunnel, sock, data, to):
    """What measuring leaves: `nothing` takes any arguments, and makes a tuple of them."""


def _no_receive(tunnel, sock, buf, n, got):
    """The same with as many arguments as `_receive`."""


def _send(tunnel, sock, data, to):
    sock.sendto(data, to)
    if tunnel.poll() != TRANSMIT:
        raise ValueError("nothing goes out")


def _receive(tunnel, sock, buf, n, got):
    tunnel.receive(buf, n, 0)
    if tunnel.poll() != DELIVER:
        raise ValueError("nothing comes in: %s" % tunnel.drops.as_dict())
    tunnel.stack.receive(tunnel.rx, tunnel.rx_pos, tunnel.rx_end)
    sock.recv_into(got)


def main(folder, tls=True):
    """Print all figures; `folder` has the certificate and the key of the TLS server."""
    if tls:  # first, while the heap is fresh: mbedtls allocates there
        tls_pair.main(folder, LENGTH)
    backend.use("board")
    gc.collect()
    handshake()
    gc.collect()
    replay = open_tunnel()
    for suite in SUITES:
        try:
            backend.prepare(suite[1], suite[3], suite[4])
        except CryptoError as e:
            tell(path=suite[0], not_run=str(e))
            continue
        for octets in (LENGTH, SHORT):
            ticks, garbage = path(replay, suite, octets)
            tell(path=suite[0], octets=octets, ticks=ticks, garbage=garbage)
