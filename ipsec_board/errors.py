"""What goes wrong with boards, files and configurations: one class, whose text says what is wrong and what to do.

Start reading at `BoardError`.
"""

from ipsec_board.linker.trace import translate


class BoardError(Exception):
    """Something the user can fix; `remedy` is what to do. The command line prints both and ends with status 1."""

    def __init__(self, text: str, remedy: str = ""):
        super().__init__(text)
        self.remedy = remedy
        self.reasons = [(text, remedy)]  # each is printed with its remedy

    @classmethod
    def of(cls, error) -> "BoardError":
        """The same about a provisioning file (`ipsec_board.gateway.plan.PlanError`)."""
        return cls.about(error.reasons)

    @classmethod
    def about(cls, reasons: list[tuple[str, str]]) -> "BoardError":
        """One error for all of these texts and remedies."""
        made = cls("; ".join(text for text, _ in reasons), "; ".join(dict.fromkeys(remedy for _, remedy in reasons if remedy)))
        made.reasons = reasons
        return made


class BoardLost(BoardError):
    """The board stopped answering in the middle of a command: reset, unplugged, or its program hangs."""


class BoardFailure(BoardError):
    """A statement on the board ended with an exception; `trace` is what it printed."""

    def __init__(self, text: str, trace: str, remedy: str = ""):
        super().__init__(translate(text), remedy)
        self.trace = translate(trace)

    @property
    def last_line(self) -> str:
        """The line that names the exception."""
        lines = self.trace.strip().splitlines()
        return lines[-1] if lines else ""
