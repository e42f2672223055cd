"""Answers that nobody has asked for: one at a time, and ten in five seconds at the most (RFC 1812 4.3.2.8, RFC 4443 2.4 f).

Start reading at `Limited.tick`.
"""

from ipsec.micro import const, since

_MOST = const(10)
_WHILE_MS = const(5000)


class Limited:
    """One of the stack's timers while an answer is due: `note` what it is to say, and `_answer` sends that."""

    deadline = None

    def __init__(self, stack):
        self._stack = stack
        self._due: tuple | None = None
        self._count = 0
        self._since: int | None = None

    def note(self, *what) -> None:
        """An answer is due, which the next `tick` sends."""
        self._due = what
        self._stack.timers.append(self)

    def tick(self, now: int) -> bool:
        """Answer; True when a packet left."""
        self._stack.timers.remove(self)
        due, self._due = self._due, None
        if self._since is None or since(self._since, now) >= _WHILE_MS:
            self._since = now
            self._count = 0
        self._count += 1
        if self._count > _MOST:
            return False
        code = self._answer(*due)  # type: ignore[attr-defined]
        return code == 0 or self._stack.count(code) == 0
