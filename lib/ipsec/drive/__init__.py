"""Loads what every driver needs before the driver itself is compiled: a board that has source files needs the room for that.

Start reading at `base.py`.
"""

from ipsec.micro import Collecting

# A board compiles source files on its stack, and a chain of imports would exhaust 8 KiB of it: so bottom up, one by one.
_BASE = (
    "errors address event micro suite config esp.drop esp.state esp.sadb esp.transform "
    "inet.octets inet.checksum inet.ip inet.queue inet.udp inet.stack "
    "ike.iana ike.wire ike.message ike.payload ike.keymat ike.exchange ike.window ike.auth ike.sa "
    "ike.identity ike.natt ike.proposal ike.selector ike.auth.psk ike.child ike.establish path upkeep attempts tunnel"
)
with Collecting():
    for _name in _BASE.split():
        __import__("ipsec." + _name)
