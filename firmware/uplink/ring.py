"""Readings that wait to be delivered: a bounded ring, the oldest gives way and is counted; and numbers that outlive a reset.

Start reading at `Ring`.
"""


class Ring:
    """At most `size` readings, oldest first."""

    def __init__(self, size: int):
        self.dropped = 0
        self._size = size
        self._items: list = []

    def __len__(self):
        return len(self._items)

    def put(self, item) -> None:
        """Take a reading; when there is no room the oldest is dropped and counted."""
        if len(self._items) >= self._size:
            self._items.pop(0)
            self.dropped += 1
        self._items.append(item)

    @property
    def first(self):
        """The oldest reading."""
        return self._items[0]

    def pop(self, item) -> None:
        """Let go of a reading that was delivered, unless it has given way meanwhile."""
        if self._items and self._items[0] is item:
            self._items.pop(0)


def count_start(path: str) -> int:
    """How often the program has started, this time included: with it, numbers that begin again at 1 stay different.

    It is kept in a file; where none can be written it is random.
    """
    import os

    try:
        try:
            with open(path) as f:
                starts = int(f.read()) + 1
        except (OSError, ValueError):
            starts = 1
        with open(path + ".new", "w") as f:
            f.write(str(starts))
        os.rename(path + ".new", path)  # a reset in the midst of it leaves the old one
        return starts
    except OSError:
        return int.from_bytes(os.urandom(4), "big") & 0x3FFFFFFF
