"""Instructions of a packet's way through the tunnel, layer by layer, emulated: `python -m tools.bench.layers [BOARD]`.

The heap of the board is worn: full of small holes, as after weeks of work. Start reading at `measure`.
"""

import sys
from pathlib import Path

from tools import emulator

DEVICE = Path(__file__).with_name("device") / "layers.py"
ABOUT = {
    "out": "UdpSocket.transmit to TRANSMIT",
    "out_whole": "sendto and the driver's drain",
    "write": "inner packet alone",
    "encap": "ESP alone, outbound",
    "seal": "cipher alone, outbound",
    "take": "datagram to DELIVER",
    "deliver": "DELIVER to the socket's queue",
    "read": "recv_into",
    "take_whole": "datagram to the queue, by the driver's drain",
    "decap": "ESP alone, inbound",
    "open": "cipher alone, inbound",
}


def measure(name: str) -> dict[tuple[str, int], int]:
    """Instructions by (step, octets of the inner packet), AES-CCM-16, the library frozen. Raises EmulatorError."""
    found = {}
    with emulator.start(name, frozen=True, icount=3) as board:
        for line in board.run(DEVICE, timeout=300).splitlines():
            selector, step, octets, ticks = line.split()
            if selector == "net":
                found[step, int(octets)] = round(board.instructions(int(ticks)))  # type: ignore[attr-defined]
    return found


def main(names: list[str]) -> int:
    """Print a table for each board."""
    for name in names or ["qemu-m0plus"]:
        found = measure(name)
        sizes = sorted({octets for _, octets in found})
        print(f"{name}, instructions{'':25}" + "".join(f"{n:>10}" for n in sizes))
        for step, text in ABOUT.items():
            print(f"{text:46}" + "".join(f"{found[step, n]:10}" for n in sizes))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
