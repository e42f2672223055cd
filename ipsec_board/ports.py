"""Which serial port: the one the user named, or the only board there is.

Start reading at `choose`.
"""

import os
from pathlib import Path

from serial.tools import list_ports

from ipsec_board.errors import BoardError

_ESPRESSIF, _RASPBERRY, _MICROPYTHON = 0x303A, 0x2E8A, 0xF055
_BRIDGES = (0x10C4, 0x1A86, 0x0403)  # CP210x, CH34x, FTDI: the USB-to-serial chips on boards
_VENDORS = (_ESPRESSIF, _RASPBERRY, _MICROPYTHON, *_BRIDGES)


def candidates() -> list:
    """The USB serial ports that may be boards, sorted by name (objects of pyserial's `list_ports`)."""
    return sorted((p for p in list_ports.comports() if p.vid in _VENDORS), key=lambda p: p.device)


def choose(port: str | None) -> str:
    """The port to use. Raises BoardError when there is none, or more than one to choose from."""
    if port:
        return port
    found = [p.device for p in candidates()]
    if not found:
        raise BoardError("no board found", "plug one in with a USB cable that carries data, or name its port with --port")
    if len(found) > 1:
        raise BoardError(f"{len(found)} boards found: {', '.join(found)}", "name one of them with --port")
    return found[0]


def is_rp2(port: str) -> bool:
    """Whether the port is the USB device of an RP2 chip."""
    return _vendor(port) == _RASPBERRY


def is_esp(port: str) -> bool:
    """Whether the port is the USB device of an ESP32 chip."""
    return _vendor(port) == _ESPRESSIF


def _vendor(port: str) -> int | None:
    return next((p.vid for p in list_ports.comports() if p.device == port), None)


def explain_refusal(port: str) -> BoardError:
    """Why a port could not be opened."""
    if "://" in port:
        return BoardError(f"{port} does not answer", "check that the emulator or the serial server is running")
    if not Path(port).exists():
        return BoardError(f"there is no port {port}", "see `ipsec-board list` for the boards that are there")
    if not os.access(port, os.R_OK | os.W_OK):
        return BoardError(f"no permission for {port}", "add yourself to the port's group (dialout) and log in again")
    return BoardError(f"{port} is in use by another program", "close the terminal, editor or monitor that has it open")
