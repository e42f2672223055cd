"""Put a firmware file on a board: esptool for ESP32 chips, the boot drive or picotool for RP2 chips.

Rules: the file says for which chip it is, the board is asked what it is, and nothing is written when they differ.
Start reading at `flash`.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from ipsec_board import facts, image, link, ports
from ipsec_board.errors import BoardError, BoardFailure, BoardLost
from ipsec_board.show import Show

_DRIVE_WAIT_S = 15
_BOARD_IDS = {"RPI-RP2": "RP2040", "RP2350": "RP2350"}  # "Board-ID" in INFO_UF2.TXT of the boot ROM
_ESPTOOL = (sys.executable, "-m", "esptool")


def flash(path: Path, port: str | None, drive: Path | None, show: Show, erase: bool = False) -> None:
    """Write the firmware. `drive` is the RP2 boot drive when it is not found by itself. Raises BoardError.

    The board's files stay, unless `erase` says that an ESP32's whole flash is to be erased before.
    """
    firmware = image.read(path)
    show.line(f"{path.name}: firmware for {firmware.chip}")
    if erase and firmware.kind != "esp":
        raise BoardError("--erase is for ESP32 boards", "for RP2 write Raspberry Pi's flash_nuke.uf2 first")
    if firmware.kind == "esp":
        _flash_esp(firmware, ports.choose(port), show, erase)
    else:
        _flash_rp2(firmware, port, drive, show)


def _flash_esp(firmware: image.Image, port: str, show: Show, erase: bool) -> None:
    running = _running_chip(port)
    if running:
        image.require(firmware, running)  # without the boot ROM, which other boards would be asked for in vain
    image.require(firmware, _esp_chip(port))
    chip = firmware.chip.lower()
    if erase:
        show.warn(f"{port}: the whole flash is erased, with all files, the configuration and its secret among them")
    show.line(f"writing at {firmware.offset:#x} over {port}{'' if erase else '; files on the board stay'}")
    how = ["--erase-all"] if erase else []
    _esptool(port, "--chip", chip, "--baud", "460800", "write-flash", *how, hex(firmware.offset), str(firmware.path))
    show.good("written and verified; the board restarts")


def _running_chip(port: str) -> str:
    """The chip by what MicroPython on the board says, or by whose USB port it is; "" when neither tells."""
    if ports.is_rp2(port):
        return "RP2"
    with contextlib.suppress(BoardError), link.connect(port, reset=False, patience=3) as board:
        return facts.read(board).chip
    return ""


def _esp_chip(port: str) -> str:
    """Ask the chip's boot ROM what it is."""
    said = _esptool(port, "--after", "no-reset", "chip-id", quiet=True)
    found = re.search(r"(?:Chip type:|Detecting chip type\.*)\s+(ESP32(?:-?[A-Z]\d+)?)", said)
    if not found:
        raise BoardError(f"{port}: esptool does not say which chip this is", "hold BOOT while pressing reset, then try again")
    return found.group(1).replace("-", "")


def _esptool(port: str, *arguments: str, quiet: bool = False) -> str:
    argv = [*_ESPTOOL, "--port", port, *arguments]
    done = subprocess.run(argv, stdout=subprocess.PIPE if quiet else None, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        last = (done.stdout or "").strip().splitlines()[-1:]
        raise BoardError(
            f"{port}: esptool failed{': ' + last[0] if last else ''}",
            "hold BOOT while pressing reset and try again; close other programs that use the port",
        )
    return done.stdout or ""


def _flash_rp2(firmware: image.Image, port: str | None, drive: Path | None, show: Show) -> None:
    if drive is None and not boot_drives():
        _check_running(firmware, port)
        _to_bootloader(port, show)
        drive = _wait_for_drive(firmware, show)
        if drive is None:
            return
    drive = drive or boot_drives()[0]
    image.require(firmware, drive_chip(drive))
    _copy(firmware.path, drive, show)
    show.good("written; the board restarts")


def _check_running(firmware: image.Image, port: str | None) -> None:
    """Refuse before the running board is sent into its boot ROM."""
    if ports.is_esp(ports.choose(port)):
        image.require(firmware, "ESP32")
    with link.connect(port, reset=False) as board:
        image.require(firmware, facts.read(board).chip)


def _to_bootloader(port: str | None, show: Show) -> None:
    show.line("asking the board to enter its boot ROM")
    with link.connect(port, reset=False) as board, contextlib.suppress(BoardLost, BoardFailure):
        board.run("import machine\nmachine.bootloader()", timeout=2)


def _wait_for_drive(firmware: image.Image, show: Show) -> Path | None:
    """The boot drive once it appears; None when picotool has done the work."""
    end = time.monotonic() + _DRIVE_WAIT_S
    while time.monotonic() < end:
        found = boot_drives()
        if found:
            return found[0]
        time.sleep(0.3)
    if shutil.which("picotool"):
        show.line("no drive is mounted; using picotool")
        if subprocess.run(["picotool", "load", "-v", "-x", str(firmware.path)]).returncode == 0:
            show.good("written and verified; the board restarts")
            return None
    raise BoardError(
        "the board's boot drive did not appear",
        "hold BOOTSEL while plugging in, then name the drive with --drive; or install picotool",
    )


def boot_drives() -> list[Path]:
    """Mounted drives of RP2 boot ROMs: those with INFO_UF2.TXT."""
    return [p for p in _mounts() if (p / "INFO_UF2.TXT").is_file()]


def _mounts() -> list[Path]:
    if os.name == "nt":
        return [Path(f"{letter}:/") for letter in "DEFGHIJKLMNOPQRSTUVWXYZ"]
    if sys.platform == "darwin":
        return sorted(Path("/Volumes").glob("*"))
    try:
        lines = Path("/proc/mounts").read_text().splitlines()
    except OSError:
        return []
    return [Path(line.split()[1].replace("\\040", " ")) for line in lines if line.split()[2] == "vfat"]


def drive_chip(drive: Path) -> str:
    """The chip behind a boot drive. Raises BoardError when the folder is none."""
    try:
        text = (drive / "INFO_UF2.TXT").read_text()
    except OSError as e:
        raise BoardError(f"{drive} is not a boot drive: it has no INFO_UF2.TXT", "hold BOOTSEL while plugging in") from e
    found = re.search(r"^Board-ID:\s*(\S+)", text, re.MULTILINE)
    return _BOARD_IDS.get(found.group(1), "") if found else ""


def _copy(path: Path, drive: Path, show: Show) -> None:
    size = path.stat().st_size
    try:
        with show.progress(path.name, size) as advance, open(path, "rb") as source, open(drive / path.name, "wb") as out:
            while chunk := source.read(65536):
                out.write(chunk)
                out.flush()
                advance(len(chunk))
    except OSError as e:
        raise BoardError(f"writing to {drive} failed ({e.strerror})", "plug the board in again with BOOTSEL held") from e
