"""What the blocking sockets share: the time-out, and the face that MicroPython's C code (`select.poll`, `ssl`) sees of them.

Start reading at `Pollable`.
"""

import io
import sys

if sys.implementation.name == "micropython" and hasattr(io, "IOBase"):
    _CBase = io.IOBase  # C code sees our `readinto`, `write` and `ioctl`, if it is the first base
else:

    class _CBase:  # type: ignore[no-redef]
        """CPython's `ssl` takes real sockets only: use `ssl.MemoryBIO` there."""


_EAGAIN = 11
_EINVAL = 22
_ETIMEDOUT = 110

# What C code asks of `ioctl` (MicroPython's py/stream.h)
_POLL = 3
_CLOSE = 4
_POLL_RD = 1
_POLL_WR = 4
_POLL_ERR = 8
_POLL_HUP = 16
_POLL_NVAL = 32


class Pollable(_CBase):
    """A socket inside the tunnel that waits; its class says when `is_readable` and `is_writable`, and what `_check_usable`."""

    _timeout_ms = None
    _ahead = b""  # received, and not yet asked for

    def settimeout(self, seconds) -> None:
        """How long a call waits for the peer: seconds, 0 for not at all, None for ever. Raises ValueError."""
        if seconds is not None and seconds < 0:
            raise ValueError("a time-out of %s s: give 0 for not at all, None for ever" % seconds)
        self._timeout_ms = None if seconds is None else int(seconds * 1000)

    def setblocking(self, flag) -> None:
        """`settimeout(None)` or `settimeout(0)`."""
        self.settimeout(None if flag else 0)

    def setsockopt(self, *args) -> None:
        """Takes every option and does nothing: none makes a difference inside the tunnel."""

    def makefile(self, *args, **kwargs):
        """The socket itself, as in MicroPython."""
        return self

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def ioctl(self, request: int, arg: int) -> int:
        """What MicroPython's C code wants to know: which of the events `arg` have happened, for `select.poll`."""
        if request == _POLL:
            return self._events() & (arg | _POLL_ERR | _POLL_HUP | _POLL_NVAL)
        if request == _CLOSE:
            self.close()
            return 0
        return -_EINVAL

    def _events(self):
        if self._closed:  # type: ignore[attr-defined]
            return _POLL_NVAL
        try:
            self._uplink.poll(0)  # type: ignore[attr-defined]
            events = _POLL_RD if self._ahead or self.is_readable() else 0  # type: ignore[attr-defined]
            return events | self._trouble() | (_POLL_WR if self.is_writable() else 0)  # type: ignore[attr-defined]
        except OSError:
            return _POLL_ERR

    def _trouble(self):
        """The events of an error that nobody has been told yet."""
        return _POLL_ERR if getattr(self._inner, "error", 0) else 0  # type: ignore[attr-defined]

    def _wait(self, ready, done: int = 0) -> bool:
        """Serve the tunnel until the condition holds; False when we do not wait. Raises OSError ETIMEDOUT, if not `done`."""
        self._check_usable()  # type: ignore[attr-defined]
        if self._uplink.wait_until(ready, self._timeout_ms):  # type: ignore[attr-defined]
            return True
        if self._timeout_ms == 0 or done:
            return False
        raise OSError(_ETIMEDOUT, "the peer is silent")

    def _must(self, ready) -> None:
        """The same, and raises OSError EAGAIN when we do not wait."""
        if not self._wait(ready):
            raise OSError(_EAGAIN, "nothing can be done now")
