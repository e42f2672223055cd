"""Virtual time: what happens when, in one order for each seed. Start reading at `World.run`."""

import heapq
import itertools
from collections import deque
from collections.abc import Callable
from random import Random

_MOST_AT_ONCE = 20000  # events without any time passing: somebody asks to be woken "now" for ever


class Stuck(AssertionError):
    """Time does not pass any more."""


class World:
    """A clock in seconds, a queue of what is to come, and the one source of chance.

    `notes` keeps the last things noted, for the report of a failure; with `trace` each is printed, too.
    """

    def __init__(self, seed: int, trace: bool = False):
        self.now = 0.0
        self.rng = Random(seed)
        self.notes: deque[str] = deque(maxlen=60)
        self.trace = trace
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def after(self, delay_s: float, function: Callable[[], None]) -> None:
        """Calls it so much later."""
        heapq.heappush(self._queue, (self.now + delay_s, next(self._order), function))

    def run(self, until_s: float) -> None:
        """Lets everything happen up to that moment. Raises whatever is raised, and Stuck."""
        at_once = 0
        while self._queue and self._queue[0][0] <= until_s:
            at, _, function = heapq.heappop(self._queue)
            at_once = at_once + 1 if at == self.now else 0
            if at_once > _MOST_AT_ONCE:
                raise Stuck("%d events at the same moment" % at_once)
            self.now = at
            function()
        self.now = until_s

    def note(self, text: str) -> None:
        day, left = divmod(self.now, 86400)
        hours, left = divmod(left, 3600)
        line = "day %d %02d:%02d:%06.3f  %s" % (day, hours, left // 60, left % 60, text)
        self.notes.append(line)
        if self.trace:
            print(line, flush=True)
