"""The groups: making a key pair, and the shared secret, with the field machine's kernel that is there.

Start reading at `main`.
"""

import gc

from counting import once, tell
from ipsec.crypto import backend
from ipsec.crypto.groups import machine

GROUPS = ((31, "X25519"), (19, "P-256"))


def main():
    """Print all figures."""
    backend.use("board")
    for group, name in GROUPS:
        backend.prepare_dh(group)
        made = []
        gc.collect()
        making = once(lambda: made.append(backend.new_dh(group, lambda n: bytes(range(1, n + 1)))))  # noqa: B023
        peer = backend.new_dh(group, lambda n: bytes(range(2, n + 2)))
        gc.collect()
        agreeing = once(made[0].shared, peer.public)
        if made[0].shared(peer.public) != peer.shared(made[0].public):
            raise ValueError("%s: the two ends do not agree" % name)
        tell(group=name, kernel=machine.KERNEL, make=making, agree=agreeing)
