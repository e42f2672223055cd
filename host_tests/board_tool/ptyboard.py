"""A board made of MicroPython's unix port: a serial port (pty), a flash file system of its own, and soft resets.

The interpreter runs on one pty, mpremote opens another, and a thread carries octets between them. The root is a littlefs in
a file of the host, so that it survives resets and can be as small as a test wants. What a real board does at a soft reset
(say so, forget all modules, stay at the raw prompt) is done by starting the interpreter anew.
Start reading at `PtyBoard`.
"""

import contextlib
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import termios
import threading
import time
import tty
from pathlib import Path

_CHUNK = 4096  # octets that are carried at once
_BOOT = '''
import sys, vfs
class _Flash:
    def __init__(self, path):
        self.f = open(path, "rb+")
        self.n = self.f.seek(0, 2) // 512
    def readblocks(self, n, buf, off=0):
        self.f.seek(n * 512 + off)
        self.f.readinto(buf)
    def writeblocks(self, n, buf, off=0):
        self.f.seek(n * 512 + off)
        self.f.write(buf)
    def ioctl(self, op, arg):
        if op == 3:
            self.f.flush()
        return {4: self.n, 5: 512}.get(op, 0)
_flash = _Flash(FLASH)
if FORMAT:
    vfs.VfsLfs2.mkfs(_flash)
_fs = vfs.VfsLfs2(_flash)
vfs.umount("/")
vfs.mount(_fs, "/")
sys.path[:] = ["", ".frozen", "/lib"]
if MISSING:
    import builtins
    def _import(name, *more, _real=builtins.__import__):
        if name in MISSING:
            raise ImportError("no module named '%s'" % name)
        return _real(name, *more)
    builtins.__import__ = _import
'''


class PtyBoard:
    """A running board; `port` is what mpremote's `connect` takes. `flash` is the size of its file system in octets.

    `missing` names modules that its firmware lacks.
    `spawn` starts the interpreter as subprocess.Popen does, perhaps in a network namespace.
    """

    def __init__(self, folder: Path, *, flash: int = 1 << 20, heap: str = "4M", missing: tuple[str, ...] = (),
                 spawn=subprocess.Popen):
        self._folder = folder
        self._argv = [str(_interpreter()), "-X", f"heapsize={heap}", "-i"]
        self._spawn = spawn
        self._missing = missing
        self._flash = folder / "flash.img"
        self._flash.write_bytes(b"\xff" * flash)
        self._host, self._slave = _pair()
        self.port = os.ttyname(self._slave)
        self.cut_after: int | None = None  # the board dies after so many more octets from the host
        self._stopping = False
        self._process: subprocess.Popen | None = None
        self._start(True)
        self._thread = threading.Thread(target=self._relay, daemon=True)
        self._thread.start()

    def __enter__(self) -> "PtyBoard":
        return self

    def __exit__(self, *_exc) -> None:
        self.stop()

    def stop(self) -> None:
        """End the interpreter and give the ptys back; the thread first, which may be starting another interpreter."""
        self._stopping = True
        if self._process and self._process.poll() is None:
            self._process.kill()  # the thread sees that its pty is gone
        self._thread.join(5)
        self._end()
        for handle in (self._host, self._slave):
            with contextlib.suppress(OSError):
                os.close(handle)

    def _start(self, empty: bool) -> None:
        boot = self._folder / "boot.py"
        boot.write_text(f"FLASH = {str(self._flash)!r}\nFORMAT = {empty}\nMISSING = {self._missing!r}\n{_BOOT}")
        self._board, slave = _pair()
        env = {**os.environ, "HOME": str(self._folder)}  # its prompt keeps a history there
        self._process = self._spawn([*self._argv, str(boot)], stdin=slave, stdout=slave, stderr=slave, env=env)
        os.close(slave)
        self._read_until(b">>> ")
        self._said = b">>> "
        self._running = False

    def _end(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.kill()
        if self._process:
            self._process.wait()
        with contextlib.suppress(OSError):
            os.close(self._board)

    def _read_until(self, end: bytes) -> None:
        said, limit = b"", time.monotonic() + 30
        while not said.endswith(end):
            if not select.select([self._board], [], [], max(0, limit - time.monotonic()))[0]:
                raise RuntimeError(f"the interpreter did not start: {said!r}")
            said += os.read(self._board, 4096)

    def _relay(self) -> None:
        while not self._stopping:
            try:
                ready = select.select([self._host, self._board], [], [], 0.2)[0]
                if self._board in ready:
                    self._from_board()
                if self._host in ready:
                    self._from_host(os.read(self._host, 4096))
            except OSError:
                if not self._stopping:
                    self._reset()

    def _from_board(self) -> None:
        data = os.read(self._board, _CHUNK)
        said = self._said + data
        # The raw prompt comes once a program has ended, perhaps with half of a banner behind it: a signal that meets the
        # interpreter at a prompt ends it
        if b"\x04>" in said or said.endswith(b">>> "):
            self._running = False
        self._said = said[-8:]
        os.write(self._host, data)

    def _from_host(self, data: bytes) -> None:
        if self.cut_after is not None:
            self.cut_after -= len(data)
            if self.cut_after < 0:
                self.cut_after = None
                self._process.kill()
                self._process.wait()
                raise OSError("the board was cut off")
        if b"\x03" in data and self._running:
            data = self._interrupt(data)
        if b"\x04" in data:
            self._running, self._said = True, b""  # the end of a program's text
        os.write(self._board, data)

    def _interrupt(self, data: bytes) -> bytes:
        """Ctrl-C is a signal for a program that runs, and an octet like others for the prompt."""
        while self._running and (not self._said or self._said.endswith(b"\x04")) and select.select([self._board], [], [], 2)[0]:
            self._from_board()  # the program has ended, its prompt is on the way; or it has said nothing yet
        if not self._running:
            return data
        self._wait_until_it_sleeps()
        self._process.send_signal(signal.SIGINT)
        return data.replace(b"\x03", b"")

    def _wait_until_it_sleeps(self) -> None:
        """For a while: the unix port raises KeyboardInterrupt wherever it is, and dies of it in the midst of a collection."""
        stat = Path(f"/proc/{self._process.pid}/stat")
        limit = time.monotonic() + 1
        while time.monotonic() < limit and stat.read_text().rpartition(")")[2].split()[0] != "S":
            time.sleep(0.002)

    def _reset(self) -> None:
        """The interpreter has ended: at a soft reset (Ctrl-D) with status 0, which a board announces; else silently."""
        soft = self._process.wait() == 0
        self._end()
        self._start(False)
        if soft:
            os.write(self._host, b"OK\r\nMPY: soft reboot\r\n")
            os.write(self._board, b"\x01")


def _pair() -> tuple[int, int]:
    master, slave = pty.openpty()
    tty.setraw(slave, termios.TCSANOW)
    return master, slave


def _interpreter() -> Path:
    beside = Path(sys.executable).parent / "micropython"
    found = beside if beside.exists() else shutil.which("micropython")
    if not found:
        raise FileNotFoundError("micropython is not installed: `make` puts it into .venv")
    return Path(found)
