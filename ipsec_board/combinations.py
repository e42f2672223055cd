"""Options of a command line that would do nothing: they are refused, with what to give instead, before anything is done.

Start reading at `check`.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass

from ipsec_board.errors import BoardError

Args = argparse.Namespace


@dataclass(frozen=True)
class Rule:
    """Of these options, as their names in the namespace, none does anything where `when` is true."""

    options: tuple[str, ...]
    when: Callable[[Args], bool]
    why: str
    remedy: str = "leave {} out"


_OF_BOARD = ("port", "no_reset")
_MAKING = ("new_psk", "new_ppk", "new_nt_hash", "text", "new_key", "ca")
_PROVISION = (*_MAKING, "gateway", "prepared", "check", "insecure", *_OF_BOARD)
_RULES: dict[str, tuple[Rule, ...]] = {
    "provision": (
        Rule(("auth", "remote_auth", "kind", "fleet"), lambda a: not a.init, "{} is for --init, which writes a first file",
             "leave {} out: the provisioning file says how both ends prove themselves"),
        Rule((*_PROVISION, "source", "password_file"), lambda a: a.init, "--init writes a first file, and does nothing else",
             "leave {} out; give it once the file is filled in"),
        Rule(_PROVISION, lambda a: bool(a.source), "--import takes a file apart, and does nothing else",
             "leave {} out; give it afterwards"),
        Rule(("text",), lambda a: not a.new_psk, "--text says how --new-psk writes the key that it makes",
             "give --new-psk, too, or leave {} out"),
        Rule(("password_file",), lambda a: not a.source, "--password-file is for the file of --import",
             "give --import FILE, too, or leave {} out"),
        Rule(("new_key", "gateway", "prepared", *_OF_BOARD), lambda a: a.check, "--check touches no board",
             "leave {} out, or --check"),
        Rule(("new_key", "no_reset"), lambda a: len(a.file) > 1, "several files are for several boards",
             "leave {} out, or provision one board at a time"),
        Rule(("gateway",), lambda a: len(a.file) > 1, "the gateway's side is printed behind one file",
             "leave {} out; ipsec-board gateway KIND FILE ... writes that of several"),
    ),
    "install": (
        Rule(("insecure",), lambda a: not a.config, "--insecure is for the secret of --config",
             "give --config FILE, too, or leave {} out"),
        Rule(("extra",), lambda a: not a.config, "without --config everything is installed",
             "give --config FILE, too, or leave {} out"),
        Rule(("viper", "plain"), lambda a: a.source, "--source means one file for each module, with kernels in viper"),
    ),
    "flash": (Rule(("port",), lambda a: a.drive is not None, "--drive says where the file goes"),),
    "bench": (Rule(("peer",), lambda a: not a.tunnel, "--peer is for --tunnel", "give --tunnel SECONDS, too, or leave {} out"),),
    "gateway": (Rule(("replace",), lambda a: a.out is None, "--replace is for what --out writes",
                     "give --out FOLDER, too, or leave {} out"),),
    "fleet": (
        Rule(("first",), lambda a: a.csv is not None, "--first is for --count: the list of --csv has the names"),
        Rule(("replace",), lambda a: not a.gateway, "--replace is for what --gateway writes",
             "give --gateway KIND, too, or leave {} out"),
    ),
    "packages": (
        Rule(("check",), lambda a: bool(a.arch), "--arch compiles, --check only looks", "give one of them"),
        Rule(("out",), lambda a: not a.arch, "--out is the folder of --arch", "give --arch ARCH, too, or leave {} out"),
    ),
}  # fmt: skip
_NAMES = {"provision source": "--import", "provision kind": "--for", "install extra": "--with"}


def check(args: Args) -> None:
    """Refuse options that do nothing beside the others. Raises BoardError."""
    name = args.parser.prog.split()[-1]
    for rule in _RULES.get(name, ()):
        given = [_NAMES.get(f"{name} {o}", "--" + o.replace("_", "-")) for o in rule.options if _is_given(args, o)]
        if given and rule.when(args):
            one = " and ".join(given)
            does = "does" if len(given) == 1 else "do"
            raise BoardError(f"{one} {does} nothing here: {rule.why.format(one)}", rule.remedy.format(one))


def _is_given(args: Args, option: str) -> bool:
    value = getattr(args, option)
    return value not in (None, False, "", [])
