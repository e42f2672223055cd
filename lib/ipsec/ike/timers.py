"""Retransmission of one request with back-off (RFC 7296 2.1, 2.4).

Rule: time is a rising count of milliseconds that the caller brings. Start reading at `Retransmission`.
"""


class Retransmission:
    """When the outstanding request is due again; waits double with each attempt."""

    def __init__(self, first_ms: int, tries: int, now: int):
        self.wait_ms = first_ms
        self.left = tries - 1
        self.deadline = now + first_ms

    def next(self, now: int) -> bool:
        """Plan the wait after one more attempt; False when no attempt is left."""
        if self.left <= 0:
            return False
        self.left -= 1
        self.wait_ms *= 2
        self.deadline = now + self.wait_ms
        return True

    def hurry(self, now: int, wait_ms: int) -> None:
        """Allow one more attempt only, soon: an unauthenticated answer has said that there is little hope."""
        self.left = min(self.left, 1)
        self.wait_ms = min(self.wait_ms, wait_ms)
        self.deadline = min(self.deadline, now + wait_ms)
