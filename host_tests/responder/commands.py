"""What the program can be told while it runs, one line a command. Start reading at `COMMANDS`."""

from collections.abc import Callable

from . import fault_library, fault_menu, fault_pieces, fault_signatures
from .relay import RandomLink, Relay

FAULTS: dict[str, Callable] = {
    **fault_library.CATALOG, **fault_menu.MENU, **fault_pieces.PIECES, **fault_signatures.SIGNATURES
}


def random_link(text: str) -> RandomLink:
    """The fault that `loss=0.3,delay_s=0.2,seed=7` describes. Raises ValueError."""
    given: dict = {}
    for part in text.split(","):
        name, _, value = part.partition("=")
        if name not in ("seed", "loss", "duplicate", "reorder", "delay_s", "jitter_s", "mtu"):
            raise ValueError("%r is no property of a link: seed, loss, duplicate, reorder, delay_s, jitter_s, mtu" % name)
        given[name] = int(value) if name in ("seed", "mtu") else float(value)
    return RandomLink(**given)


def _counters(console) -> None:
    gw = console.gw
    children = [{"spi_in": c.spi_in.hex(), **c.counters} for sa in gw.sas for c in sa.children]
    gw.journal.add("counters", gateway=dict(gw.counters), children=children)


def _relay(console) -> Relay:
    if console.relay is None:
        raise ValueError("there is no relay: start the program with --relay")
    return console.relay


def _block(console, blocked: bool) -> None:
    _relay(console).blocked = blocked


# word: what it does with the console and the words behind it
COMMANDS: dict[str, Callable] = {
    "ping": lambda c, address: c.gw.journal.add("pong", seconds=round(c.gw.ping(address), 6)),
    "dpd": lambda c: c.gw.dpd(),
    "rekey-child": lambda c, group="0": c.gw.rekey_child(group=int(group)),
    "rekey-ike": lambda c: c.gw.rekey_ike(),
    "create-child": lambda c, group="0": c.gw.create_child(group=int(group)),
    "delete-child": lambda c, copies="1": c.gw.delete_child(copies=int(copies)),
    "delete-ike": lambda c: c.gw.delete_ike(),
    "exchange": lambda c, kind: c.gw.request(int(kind), []),
    "redirect": lambda c, target: c.gw.redirect(target),
    "forget": lambda c: c.gw.forget(),
    "fault": lambda c, name: c.gw.faults.add(FAULTS[name]()),
    "link": lambda c, text: c.gw.faults.add(random_link(text)),
    "clear": lambda c: c.gw.faults.clear(),
    "rebind": lambda c, host="": _relay(c).rebind(host),
    "block": lambda c: _block(c, True),
    "unblock": lambda c: _block(c, False),
    "counters": _counters,
}


class Console:
    """Runs commands on a gateway and on the relay before it, if there is one."""

    def __init__(self, gw, relay: Relay | None = None):
        self.gw, self.relay = gw, relay

    def run(self, line: str) -> bool:
        """One line; False for `quit`. What is wrong with it becomes an event."""
        word, *rest = line.split() or [""]
        if word == "quit":
            return False
        try:
            if word and word not in COMMANDS:
                raise ValueError("unknown command %r; known are %s, quit" % (line, ", ".join(COMMANDS)))
            if word:
                COMMANDS[word](self, *rest)
        except (LookupError, TimeoutError, ValueError, TypeError, OSError) as error:
            self.gw.journal.add("error", text=str(error) or type(error).__name__)
        return True
