"""Runs a firmware under QEMU, with the REPL on a pty and the board's network on QEMU's user network.

Start reading at `launch`.
"""

import os
import re
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tools.emulator.base import Board, EmulatorError, MissingTool, Options
from tools.emulator.qemu import romfs

if TYPE_CHECKING:
    from tools.emulator.qemu import QemuTarget

HEAP_MIN, HEAP_MAX = 32768, 1048576
STACK_MAX = 49152

_START_S = 20
_ROM_ADDR = {"arm": 0x21000000, "riscv32": 0x81000000}  # as in usermod/board/board.h
_SIZES_ADDR = {"arm": 0x21F00000, "riscv32": 0x81F00000}
_TICKS_HZ = {"arm": 25_000_000, "riscv32": 10_000_000}


class QemuBoard(Board):
    """A board that can also tell executed instructions, when it was started with `icount`."""

    def __init__(self, target: "QemuTarget", options: Options, process: subprocess.Popen, port: str,
                 scratch: tempfile.TemporaryDirectory):
        super().__init__(target, options, process, port)
        self.ticks_hz = _TICKS_HZ[target.system]
        self._scratch = scratch
        # While nobody has the pty open QEMU looks at it once a second only; so hold it open.
        self._pty: int | None = os.open(port, os.O_RDWR | os.O_NOCTTY)

    def instructions(self, ticks: int) -> float:
        """Instructions executed during a difference of `time.ticks_cpu()`."""
        if self.options.icount is None:
            raise EmulatorError("the board was not started with icount")
        return ticks * 1e9 / self.ticks_hz / 2**self.options.icount

    def stop(self) -> None:
        super().stop()
        if self._pty is not None:
            os.close(self._pty)
            self._pty = None
            self._scratch.cleanup()


def launch(target: "QemuTarget", options: Options) -> QemuBoard:
    """Start QEMU. Raises EmulatorError with its words when it does not come up."""
    if not HEAP_MIN <= options.heap <= HEAP_MAX or options.heap % 16:
        raise EmulatorError(f"a heap of {options.heap} octets: {HEAP_MIN} to {HEAP_MAX}, a multiple of 16")
    if not 0 <= options.stack <= STACK_MAX:
        raise EmulatorError(f"a stack of {options.stack} octets: at most {STACK_MAX}")
    if options.segment and (options.rom or not 0 < options.segment <= romfs.MAX_LEN):
        raise EmulatorError(f"a segment of {options.segment} octets: at most {romfs.MAX_LEN}, and without a folder for /rom")
    scratch = tempfile.TemporaryDirectory(prefix="emulator-")
    folder = Path(scratch.name)
    log = folder / "qemu.log"
    argv = [*options.prefix, *command(target, options, folder)]
    try:
        with open(log, "wb") as out:
            process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, cwd=folder)
    except FileNotFoundError as e:
        scratch.cleanup()
        raise MissingTool(f"{e.filename} is missing; `python -m tools.emulator setup` installs it") from e
    try:
        return QemuBoard(target, options, process, _port(process, log), scratch)
    except BaseException:
        process.kill()
        process.wait()
        scratch.cleanup()
        raise


def command(target: "QemuTarget", options: Options, folder: Path) -> list[str]:
    """QEMU's command line; `folder` takes the ROM image."""
    argv = [f"qemu-system-{target.system}", "-nographic", "-monitor", "null", "-semihosting", "-serial", "pty",
            "-kernel", str(options.firmware)]
    forwards = "".join(f",hostfwd=udp:127.0.0.1:{host}-:{guest}" for host, guest in options.forwards)
    argv += ["-netdev", f"user,id=n0{forwards}"]
    if target.system == "arm":
        argv += ["-machine", "mps2-an385", "-net", "nic,model=lan9118,netdev=n0"]
    else:
        argv += ["-machine", "virt", "-bios", "none", "-global", "virtio-mmio.force-legacy=false",
                 "-device", "virtio-net-device,netdev=n0"]
    sizes = options.stack << 32 | options.heap
    where = _SIZES_ADDR[target.system]
    argv += ["-device", f"loader,addr={where:#x},data={sizes:#x},data-len=8"]
    if options.segment:
        argv += ["-device", f"loader,addr={where + 8:#x},data={options.segment:#x},data-len=4"]
    if options.code_apart:
        argv += ["-device", f"loader,addr={where + 12:#x},data=1,data-len=4"]
    if options.icount is not None:
        argv += ["-icount", f"shift={options.icount}"]
    if options.capture:
        argv += ["-object", f"filter-dump,id=f0,netdev=n0,file={options.capture.resolve()}"]
    if options.rom:
        image = romfs.write(options.rom, folder / "rom.img")
        argv += ["-device", f"loader,file={image},addr={_ROM_ADDR[target.system]:#x},force-raw=on"]
    return argv + list(options.extra)


def _port(process: subprocess.Popen, log: Path) -> str:
    """The pty that QEMU has opened, from its output."""
    end = time.monotonic() + _START_S
    said = ""
    while time.monotonic() < end:
        ended = process.poll() is not None
        said = log.read_text(errors="replace")
        found = re.search(r"redirected to (/dev/pts/\d+)", said)
        if found:
            return found.group(1)
        if ended:
            raise EmulatorError(f"QEMU ended with status {process.returncode}:\n{said}")
        time.sleep(0.01)
    raise EmulatorError(f"QEMU opened no pty within {_START_S} s:\n{said}")
