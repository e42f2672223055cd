"""The firmware's own TLS 1.2 (mbedtls, ECDHE-ECDSA, AES-128-GCM): both ends on one board, a pipe in memory between them.

What the pipe costs is taken off, so the figures are those of C. Start reading at `main`.
"""

import gc
import io

import tls
from counting import diff, now, tell

CIPHER = "TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256"
_TURNS = 40
_RUNS = 2


class Pipe:
    """One direction: a run of octets, and the ticks that moving them took."""

    ticks = 0

    def __init__(self):
        self.buf = bytearray(4096)
        self.start = self.end = 0


class Port(io.IOBase):
    """One end: a stream that never blocks."""

    def __init__(self, inward, outward):
        self.inward = inward
        self.outward = outward

    def readinto(self, buf):
        """Octets taken, or None when there is none."""
        begun = now()
        pipe = self.inward
        n = min(len(buf), pipe.end - pipe.start)
        if n:
            buf[:n] = memoryview(pipe.buf)[pipe.start : pipe.start + n]
            pipe.start += n
        if pipe.start == pipe.end:
            pipe.start = pipe.end = 0
        Pipe.ticks += diff(now(), begun)
        return n or None

    def write(self, data):
        """All octets."""
        begun = now()
        pipe = self.outward
        pipe.buf[pipe.end : pipe.end + len(data)] = data
        pipe.end += len(data)
        Pipe.ticks += diff(now(), begun)
        return len(data)

    def ioctl(self, _request, _arg):
        """Nothing to say."""
        return 0


class Share:
    """Adds up what one end costs."""

    def __init__(self):
        self.ticks = 0

    def spend(self, call, *args):
        """The call's result; EAGAIN counts as None."""
        Pipe.ticks = 0
        begun = now()
        try:
            return call(*args)
        except OSError as e:
            if e.args[0] != 11:
                raise
        finally:
            self.ticks += diff(now(), begun) - Pipe.ticks


def pair(certificate, key, authority):
    """`(client, server, client's ticks, server's ticks)` after a handshake; without `authority` nothing is verified."""
    one, two = Pipe(), Pipe()
    ours, theirs = Share(), Share()
    far = tls.SSLContext(tls.PROTOCOL_TLS_SERVER)
    far.load_cert_chain(certificate, key)
    near = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    near.set_ciphers([CIPHER])
    near.verify_mode = tls.CERT_NONE
    if authority:
        near.verify_mode = tls.CERT_REQUIRED
        near.load_verify_locations(authority)
    server = theirs.spend(lambda: far.wrap_socket(Port(one, two), server_side=True, do_handshake_on_connect=False))
    client = ours.spend(
        lambda: near.wrap_socket(Port(two, one), server_hostname="gw.example", do_handshake_on_connect=False)
    )
    buf = bytearray(16)
    met = None
    for _ in range(_TURNS):
        met = met or ours.spend(client.write, b"hello")
        if theirs.spend(server.readinto, buf):
            break
    else:
        raise ValueError("TLS: no handshake")
    ours_only = ours.ticks
    server.write(b"done")  # tickets and the like are behind us when this has arrived
    client.readinto(buf)
    return client, server, ours_only, theirs.ticks


def records(client, server, n):
    """`(write, read)` ticks of the client for n octets in one record."""
    data, got = bytes(n), bytearray(n)
    writing = reading = 1 << 29
    for _ in range(_RUNS):
        gc.collect()
        share = Share()
        share.spend(client.write, data)
        writing = min(writing, share.ticks)
        if server.readinto(got) != n or server.write(data) != n:
            raise ValueError("TLS: not one record")
        gc.collect()
        share = Share()
        if share.spend(client.readinto, got) != n:
            raise ValueError("TLS: not one record")
        reading = min(reading, share.ticks)
    return writing, reading


def main(folder, n):
    """Print all figures."""
    with open(folder + "/certificate.der", "rb") as f:
        certificate = f.read()
    with open(folder + "/key.der", "rb") as f:
        key = f.read()
    with open(folder + "/authority.der", "rb") as f:
        authority = f.read()
    for verify, runs in ((False, 3), (True, 2)):
        clients, servers = [], []
        for _ in range(runs):
            client = server = None
            gc.collect()
            before = gc.mem_alloc()
            client, server, ours, theirs = pair(certificate, key, authority if verify else None)
            clients.append(ours)
            servers.append(theirs)
            gc.collect()
            heap = gc.mem_alloc() - before
        tell(tls=CIPHER, verify=verify, client=clients, server=servers, heap=heap)
    tell(tls_record=n, ticks=records(client, server, n))
