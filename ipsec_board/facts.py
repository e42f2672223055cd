"""What a board is: firmware, chip, architecture of its native code, heap, and the modules it has.

Start reading at `read`.
"""

import re
from dataclasses import dataclass

from ipsec_board.errors import BoardError
from ipsec_board.link import Link

# sys.implementation._mpy bits 10 to 13 (py/persistentcode.h)
ARCHITECTURES = (
    "", "x86", "x64", "armv6", "armv6m", "armv7m", "armv7em", "armv7emsp", "armv7emdp", "xtensa", "xtensawin", "rv32imc",
    "rv64imc",
)  # fmt: skip
OLDEST = (1, 25, 0)  # what the tests run; before 1.22 the module names and the .mpy version differ
_NEEDED = {"cryptolib": "AES", "hashlib": "SHA-256", "socket": "UDP"}
_WANTED = ("cryptolib", "hashlib", "socket", "network", "machine", "asyncio", "select", "time", "ssl", "tls", "esp32", "deflate")
_CHIPS = ("ESP32S2", "ESP32S3", "ESP32C2", "ESP32C3", "ESP32C5", "ESP32C6", "ESP32H2", "ESP32P4", "ESP32", "RP2040", "RP2350")


@dataclass(frozen=True)
class Facts:
    """The answer of onboard/facts.py."""

    version: tuple[int, ...]
    machine: str
    platform: str
    mpy: int
    heap: int  # octets
    free: int  # octets
    uid: str
    path: list[str]
    space: tuple[int, int, int] | None  # file system at the target: octets in all, octets free, octets a block
    modules: dict[str, bool]
    rom: int = 0  # octets of a ROMFS segment, 0 where the firmware has none
    mapped: bool = False  # whether the flash of the file system is mapped into memory, so that bytecode can run there

    @property
    def chip(self) -> str:
        """The chip's name as in the machine text, "" when it is none we know."""
        text = re.sub(r"[-_ ]", "", self.machine.upper())
        return next((c for c in _CHIPS if c in text), "")

    @property
    def arch(self) -> str:
        """mpy-cross's name of the native architecture; "" when the firmware cannot load native code."""
        number = self.mpy >> 10 & 0x0F
        return ARCHITECTURES[number] if number < len(ARCHITECTURES) else ""

    @property
    def mpy_version(self) -> str:
        """Version of the .mpy format, as `6.3`; "" when the firmware loads no .mpy files."""
        return f"{self.mpy & 0xFF}.{self.mpy >> 8 & 3}" if self.mpy else ""

    @property
    def firmware(self) -> str:
        """Version of MicroPython as text."""
        return ".".join(map(str, self.version))

    @property
    def library_folder(self) -> str:
        """Where libraries go: the first writable */lib of sys.path."""
        return next((p for p in self.path if p.endswith("lib") and not p.startswith("/rom")), "/lib")


def read(link: Link, target: str = "/") -> Facts:
    """Ask the board. `target` is the folder whose free space is wanted."""
    answer = link.script("facts", TARGET=target, MODULES=_WANTED)
    answer["version"] = tuple(answer["version"])
    return Facts(**answer)


def check(facts: Facts) -> None:
    """Raise BoardError when lib/ cannot run on this firmware."""
    if facts.version < OLDEST:
        raise BoardError(
            f"the firmware is MicroPython {facts.firmware}, older than {'.'.join(map(str, OLDEST))}",
            "flash a newer one with `ipsec-board flash`",
        )
    missing = [f"{name} ({what})" for name, what in _NEEDED.items() if not facts.modules.get(name)]
    if missing:
        raise BoardError(
            f"the firmware has no {', no '.join(missing)}",
            "flash the stock firmware of a board with a network, such as ESP32_GENERIC or RPI_PICO_W",
        )
