"""The reference responder: an independent IKEv2 gateway with ESP in UDP (RFC 7296, 4303, 3948), for tests and the demo.

It imports nothing of lib/ipsec, so that agreement between the two means something.
Start reading at `gateway.Responder`.
"""

from .gateway import Responder
from .options import Options

__all__ = ["Options", "Responder"]
