"""What a tunnel tells its program: one `Event` for every change and every failure.

Start reading at `Event`.
"""

UP = "up"  # packets can pass
DOWN = "down"  # a tunnel that was up has ended
FAILED = "failed"  # an attempt ended before the tunnel was up
WARNING = "warning"  # nothing has changed, but somebody should know


class Event:
    """`kind` is one of the above, `cause` a short word for programs, `text` names the cause and the remedy for people."""

    def __init__(self, kind: str, cause: str, text: str):
        self.kind = kind
        self.cause = cause
        self.text = text

    def __repr__(self):
        return "%s (%s): %s" % (self.kind, self.cause, self.text)
