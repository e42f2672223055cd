"""Command lines that are not understood: what is wrong, and what was probably meant.

Rules: a mistyped subcommand, option or choice draws "did you mean"; nothing is done then. Start reading at `Parser`.
"""

import argparse
import difflib
import math
import re
from collections.abc import Callable, Iterable, Sequence

from ipsec_board.errors import BoardError

_CHOICE = re.compile(r"invalid choice: '?(.*?)'? \(choose from")

_ALSO = {
    "mikrotik": "routeros", "cisco": "iosxe", "ios": "iosxe", "flexvpn": "iosxe", "juniper": "junos", "srx": "junos",
    "fortinet": "fortigate", "fortios": "fortigate", "swanctl": "strongswan", "charon": "strongswan", "pluto": "libreswan",
    "openswan": "libreswan", "init": "provision", "setup": "provision", "config": "provision", "check": "provision",
    "help": "-h", "version": "--version",
}  # fmt: skip


class UsageError(BoardError):
    """A command line that is not understood."""


class Parser(argparse.ArgumentParser):
    """As argparse has it, but what is wrong is raised as UsageError, with what was meant."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self._given: list[str] = []  # what it was last asked to read

    def parse_args(self, args: Sequence[str] | None = None, namespace=None):  # type: ignore[override]
        """As argparse does; options that are left over are looked for among those of the subcommand."""
        found, rest = self.parse_known_args(args, namespace)
        if rest:
            parser = getattr(found, "parser", self)
            raise UsageError(f"not understood: {' '.join(rest)}", parser.remedy(rest))
        return found

    def parse_known_args(self, args: Sequence[str] | None = None, namespace=None):  # type: ignore[override]
        """As argparse does."""
        self._given = list(args or ())
        return super().parse_known_args(args, namespace)

    def error(self, message: str):
        """Raise UsageError."""
        wrong = _CHOICE.search(message)
        if wrong:
            choices = self._choices(message)
            what = "subcommand" if "SUBCOMMAND" in message else message.split(":")[0].removeprefix("argument ")
            remedy = _meant([wrong[1]], choices) or f"there are {', '.join(choices)}"
            raise UsageError(f"there is no {what} {wrong[1]!r}", remedy)
        unknown = [word for word in self._given if word.startswith("--") and not self._is_known(word)]
        if "SUBCOMMAND" in message:
            there = f"there are {', '.join(self._choices(message))}; {self.prog} -h says more"
            raise UsageError("a subcommand is missing", _meant(unknown, self._option_string_actions) or there)
        raise UsageError(f"{self.prog}: {message}", self.remedy(unknown))

    def remedy(self, unknown: Sequence[str]) -> str:
        """What was meant by these, or where help is."""
        return _meant(unknown, self._option_string_actions) or f"{self.prog} -h tells what it takes"

    def _is_known(self, word: str) -> bool:
        name = word.split("=")[0]
        return any(known.startswith(name) for known in self._option_string_actions)

    def _choices(self, message: str) -> list[str]:
        """Those of the argument that a message is about, or the subcommands."""
        about = message.split(":")[0].removeprefix("argument ")
        for action in self._actions:
            if action.choices is not None and argparse._get_action_name(action) == about:
                return list(action.choices)
        subs = [a for a in self._actions if isinstance(a, argparse._SubParsersAction)]
        return list(subs[0].choices) if subs else []


def _meant(unknown: Iterable[str], known: Iterable[str]) -> str:
    """`did you mean --check`, for each that is near to something."""
    options = list(known)
    found = []
    for word in unknown:
        name, equals, value = word.partition("=") if word.startswith("-") else (word, "", "")
        name = name.lower().replace("_", "-") if name.startswith("--") else name.lower()
        also = _ALSO.get(name, "")
        near = [also] if also.startswith("-") or also in options else [option for option in options if option == "-" + name]
        near = near or difflib.get_close_matches(name, options, 1)
        if near:
            found.append(near[0] + equals + value)
    return f"did you mean {' '.join(dict.fromkeys(found))}?" if found else ""


def number(kind: type, low: float, high: float) -> Callable[[str], float]:
    """A type of arguments: a number from `low` to `high`."""

    def read(text: str) -> float:
        try:
            value = kind(text)
        except (ValueError, OverflowError):
            value = math.nan
        if not low <= value <= high:
            word = "a whole number" if kind is int else "a number"
            raise argparse.ArgumentTypeError(f"{text!r} is not {word} from {low} to {high}")
        return value

    return read
