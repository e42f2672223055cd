"""How deep the stack is used, C kernels included: in a handshake, and in the gateway's rekey with key exchange.

The stack below the present frame is filled with a pattern, and the lowest octet that has another one afterwards is the deepest
that was used. Modules are loaded before, with more stack than a board has. Start reading at `main`.
"""

import gc

import ipsec.ike.sa  # noqa: F401
import ipsec.ike.selector  # noqa: F401 - the deepest first
import ipsec.tunnel  # noqa: F401
import rekeys
import replay
from counting import tell
from ipsec.crypto import backend
from micropython import stack_use
from uctypes import bytearray_at

_LEFT = 512  # octets below the present frame that stay as they are: what fills them has a frame, too
_DEEP = 16384
_PATTERN = b"\xa5" * 64


def deepest(top, call):
    """Octets between `top`, where the stack begins, and the lowest one that `call` has changed."""
    low = top - _DEEP
    n = (_DEEP - stack_use() - _LEFT) & -64
    seen = bytearray_at(low, n)
    gc.collect()
    for i in range(0, n, 64):
        seen[i : i + 64] = _PATTERN
    call()
    for i in range(n):
        if seen[i] != 0xA5:
            return _DEEP - i
    return _DEEP - n


def handshake():
    """As a driver does it, and the end."""
    player = replay.Replay()
    for name in replay.STEPS:
        player.step(name)


def main(top):
    """Rows: what was done, how deep the stack was used, and how much of it was in use before: a program's own."""
    backend.use("board")
    handshake()  # loads what is loaded on the way
    tell(what="handshake", deepest=deepest(top, handshake), before=stack_use())
    talks = [rekeys.Counted() for _ in range(2)]
    rekeys.child_by_gateway(talks[0], 1)
    tell(what="rekey", deepest=deepest(top, lambda: rekeys.child_by_gateway(talks[1], 1)), before=stack_use())
    rekeys.check(talks[1])
