"""A device whose tunnel runs on MicroPython, in a process of its own that is told the time and every datagram.

It is what `device.Device` is; `footprint` is MicroPython's heap in use. Start reading at `BoardDevice._call`.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from ipsec.address import format_address, parse_address

from .device import Device, Happening

_AGENT = Path(__file__).with_name("board_agent.py")
_LIBRARY = Path(__file__).parents[2] / "lib"
_NEVER = 0xFFFFFFFF
_HEAP = "512k"  # objects have twice the size that they have on a board


class BoardDevice(Device):
    """`attachment` is a `Network` or a `Nat`; `fate(tag, text)` learns what becomes of each reading."""

    settled_after_s = 7 * 86400.0  # all code that this device ever needs is loaded by then

    def _make_tunnel(self, options: dict) -> None:
        self._gateway = options["gateway"]
        self._up, self._closed, self._moves = False, True, 0
        self._wait_ms = _NEVER
        with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as file:
            json.dump(options, file)
        beside = Path(sys.executable).parent / "micropython"
        argv = [str(beside) if beside.is_file() else "micropython", "-X", "heapsize=" + _HEAP, str(_AGENT)]
        environment = {**os.environ, "MICROPYPATH": f"{_LIBRARY}:.frozen"}
        seed = str(self.world.rng.randrange(1 << 30))
        pipe = subprocess.PIPE
        self._process = subprocess.Popen([*argv, seed, file.name], stdin=pipe, stdout=pipe, env=environment)
        self._options = file.name

    @property
    def is_up(self) -> bool:
        return self._up

    @property
    def is_closed(self) -> bool:
        return self._closed

    @property
    def moves(self) -> int:
        return self._moves

    def shut(self) -> None:
        """End the process."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(10)
        os.unlink(self._options)

    # The process

    def _call(self, verb: str, octets: bytes = b"") -> int:
        """Have something done, then all that the core wants: what leaves is sent, what happens is told; the answer to `M`."""
        assert self._process.stdin
        head = verb.encode() + self.now_ms().to_bytes(4, "big") + len(octets).to_bytes(2, "big")
        self._process.stdin.write(head + octets)
        self._process.stdin.flush()
        found, resolve = 0, False
        while True:
            kind, data = self._record()
            if kind == b"P":
                addr, message = data[2:6], data[6:]
                gateway = format_address(addr), int.from_bytes(data[:2], "big")
                self._attachment.send((self.host, self._port), gateway, message, self._tag)
            elif kind == b"E":
                self._tell(Happening(*data.decode().split(" ", 2)))
            elif kind == b"I":
                self._acknowledged(data)
            elif kind == b"X":
                self._fate(self._tag, "device: " + data.decode())
            elif kind == b"M":
                found = int.from_bytes(data, "big")
            resolve = resolve or kind == b"R"
            if kind == b"W":
                self._wait_ms = int.from_bytes(data[:4], "big")
                self._up, self._closed, self._moves = bool(data[4]), bool(data[5]), int.from_bytes(data[6:], "big")
                break
        if resolve:
            self._find_gateway()
        self._wake_later()
        return found

    def _record(self) -> tuple[bytes, bytes]:
        assert self._process.stdout
        head = self._process.stdout.read(3)
        size = int.from_bytes(head[1:], "big")
        data = self._process.stdout.read(size)
        if len(head) != 3 or len(data) != size or head[:1] not in b"PEIXMRW":
            raise AssertionError("%s: MicroPython has ended: %r" % (self.name, head + data))
        return head[:1], data

    # What a driver does

    def start(self) -> None:
        self._call("A")

    def _find_gateway(self) -> None:
        if not self.can_resolve:
            self._call("U", b"no name server")
            return
        self._port = self.world.rng.randrange(49152, 65536)
        self._call("C", parse_address(self._gateway))

    def _take(self, src, dst, data: bytes, tag: object) -> None:
        if dst == (self.host, self._port):
            self._call("D", data)

    def _waits_ms(self) -> list[int]:
        return [] if self._wait_ms == _NEVER else [self._wait_ms]

    def _tick(self) -> None:
        self._call("T")

    def _moved(self) -> None:
        self._call("V")

    # What its program does, and what is measured

    def _send_to(self, collector: bytes, data: bytes) -> None:
        self._call("S", collector + data)

    def footprint(self) -> int:
        return self._call("M")
