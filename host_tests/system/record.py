"""Record host_tests/unit/transcript.py: `python -m host_tests.system.record`.

A scripted client talks to the reference responder, over real sockets; what both sent becomes the transcript that the unit
tests play on every interpreter. Start reading at `record`.
"""

import socket
import sys
from pathlib import Path

from host_tests.responder.gateway import Responder

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "lib"), str(ROOT / "host_tests" / "unit")]
READING = b'{"n": 1}'
HEADER = '''"""A real exchange with the reference responder, written by `python -m host_tests.system.record`.

Names ending in _OUT were sent by the client of `scripted.py`, names ending in _IN came from the gateway; datagrams on the port
of NAT traversal, those of IKE with the non-ESP marker.
"""

from binascii import unhexlify as _hex

'''


class Wire:
    """The client's socket; collects what passes under a name."""

    def __init__(self, gateway):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(3)
        self.ports = {15500: gateway.port, 15501: gateway.natt_port}
        self.lines = []

    def out(self, name, sent):
        port, octets = sent
        self.socket.sendto(octets, ("127.0.0.1", self.ports[port]))
        self.keep(name, octets)

    def take(self, name):
        octets = self.socket.recv(4096)
        self.keep(name, octets)
        return octets

    def keep(self, name, octets):
        text = octets.hex()
        chunks = [text[i : i + 120] for i in range(0, len(text), 120)]
        self.lines.append(f"{name} = _hex(\n" + "".join(f'    "{c}"\n' for c in chunks) + ")\n")


def record() -> str:
    """The text of transcript.py."""
    from scripted import OPTIONS, Player, make_tunnel

    psk = bytes.fromhex(OPTIONS["psk"][4:])
    with Responder(psk=psk, local_id=OPTIONS["remote_id"], remote_id=OPTIONS["local_id"]) as gw:
        wire = Wire(gw)
        player = Player(make_tunnel())
        for name in ("INIT", "AUTH"):
            wire.out(name + "_OUT", player.sent[-1])
            player.receive(wire.take(name + "_IN"))
        gw.dpd()
        player.receive(wire.take("LIVENESS_IN"))
        wire.out("LIVENESS_OUT", player.sent[-1])
        player.send_udp(READING)
        wire.out("READING_OUT", player.sent[-1])
        player.receive(wire.take("ACK_IN"))
        gw.notify(16400)  # a status notify without a meaning for us: another request, not for liveness
        player.receive(wire.take("NOTIFY_IN"))
        wire.out("NOTIFY_OUT", player.sent[-1])
        player.close()
        wire.out("DELETE_OUT", player.sent[-1])
        player.receive(wire.take("DELETE_IN"))
        wire.socket.close()
    return HEADER + "".join(wire.lines)


if __name__ == "__main__":
    (ROOT / "host_tests" / "unit" / "transcript.py").write_text(record())
