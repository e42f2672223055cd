"""Which file a module goes into: core, data path, IKE and driver are loaded by every tunnel, the rest when it is first used.

A module that only functions import, and that not every tunnel needs, stays apart together with what only it leads to; so a
device still pays for what it uses. Start reading at `divide`.
"""

import ast

from ipsec_board.linker.fold import LinkError
from ipsec_board.linker.program import Program, imported_anywhere, imported_at_once

CORE, DATA, WIRE, IKE, START, DRIVE, TOP = (
    "ipsec._core", "ipsec._data", "ipsec._wire", "ipsec._ike", "ipsec._start", "ipsec._drive", "ipsec"
)  # fmt: skip
_ORDER = (CORE, DATA, WIRE, IKE, START, DRIVE)
ALWAYS = frozenset((TOP, *_ORDER))
# While it loads a file a board holds what later goes, so that of IKE is three: messages, IKE SAs, the first exchanges
_MESSAGES = "iana selector config_payload auth keymat wire message payload exchange answer"
_FIRST = "auth.psk proposal child identity natt establish"
_ALONE = {
    "ipsec.ike": WIRE,
    **{f"ipsec.ike.{name}": WIRE for name in _MESSAGES.split()},
    **{f"ipsec.ike.{name}": START for name in _FIRST.split()},
}
_LAYERS = (
    ("ipsec.esp", DATA),
    ("ipsec.inet", DATA),
    ("ipsec.ike", IKE),
    ("ipsec.drive", DRIVE),
    ("ipsec.tunnel", DRIVE),
    ("ipsec.attempts", DRIVE),
    ("ipsec.upkeep", DRIVE),
)  # fmt: skip; all else is core
# Imported by functions, but by those of every tunnel
_ALWAYS = ("ipsec.drive.base", "ipsec.crypto.backend", "ipsec.crypto.board", "ipsec.ike.establish",
           "ipsec.ike.auth", "ipsec.ike.auth.psk", "ipsec.ike.answer", "ipsec.crypto.kernels.field")  # fmt: skip
FACES = ("ipsec.drive.sync", "ipsec.drive.aio")  # programs import these, and of a device's programs one uses one
# What packets meet beside the data path: methods of a module, or all of it
_PACKETS = {
    "ipsec.crypto.hmac": "", "ipsec.crypto.modes.aead": "", "ipsec.crypto.modes.cbc": "", "ipsec.crypto.modes.gcm": "",
    "ipsec.tunnel": "receive _receive_esp send deliver poll deadline",
    "ipsec.drive.base": "serve _go_on _drain_core wait_ms", "ipsec.drive.clock": "now_ms",
    "ipsec.drive.udp": "send receive_into _take _take_piece wait take_error", "ipsec.drive.sync": "poll wait_until _step",
}  # fmt: skip


class Parts:
    """`of` gives the part of each module, `modules` the modules of each part in the order of their statements."""

    def __init__(self) -> None:
        self.of: dict[str, str] = {}
        self.modules: dict[str, list[str]] = {}
        self.below: dict[str, set[str]] = {}  # parts that are surely loaded when this one is

    def hot(self, module: str, statement: ast.stmt) -> list[ast.stmt]:
        """What of a module's statement each packet meets: nothing, all of it, or methods of a class."""
        methods = "" if self.of[module] == DATA else _PACKETS.get(module)
        if methods == "":
            return [statement]
        body = statement.body if methods and isinstance(statement, ast.ClassDef) else []
        return [s for s in body if isinstance(s, ast.FunctionDef) and methods and s.name in methods.split()]

    def place(self, part: str, names: list[str]) -> None:
        """Put modules into a part."""
        for name in names:
            self.of[name] = part
        self.modules[part] = names


def divide(program: Program, always: tuple[str, ...] = (), frozen: bool = False) -> Parts:
    """Share the modules out. `always` names modules that the configuration makes every tunnel load.

    `frozen`: what every tunnel loads is one part, as code takes no heap then, but each name that a file has from another does.
    """
    order = _sorted(program)
    eager = _closure(program, [m for m in (*_ALWAYS, *always) if m in program.modules])
    eager.discard("ipsec")
    parts = Parts()
    parts.place(TOP, ["ipsec"])
    for part in _ORDER:
        parts.place(part, [m for m in order if m in eager and (CORE if frozen else _layer(m)) == part])
    for lead, names in _clusters(program, [m for m in order if m not in eager and m != "ipsec"]).items():
        parts.place(lead, names)
    _find_below(program, parts)
    return parts


def _layer(module: str) -> str:
    found = (part for prefix, part in _LAYERS if module == prefix or module.startswith(prefix + "."))
    return _ALONE.get(module) or next(found, CORE)


def _sorted(program: Program) -> list[str]:
    """All modules, each behind those that it imports at once, and if possible behind those that its functions import."""
    done: list[str] = []
    busy: list[str] = []

    def add(name: str) -> None:
        if name in done or name in busy:
            return
        busy.append(name)
        at_once = imported_at_once(program.modules[name])
        for wanted in at_once:
            if wanted in program.modules:
                add(wanted)
        for wanted in imported_anywhere(program.modules[name]):
            if wanted in program.modules and not _closure(program, [wanted]) & set(busy):
                add(wanted)
        busy.pop()
        done.append(name)

    for name in program.modules:
        add(name)
    return done


def _closure(program: Program, roots: list[str]) -> set[str]:
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name in program.modules and name not in found:
            found.add(name)
            waiting += imported_at_once(program.modules[name])
            waiting.append(name.rpartition(".")[0])  # a package's own text runs before its modules'
    return found


def _clusters(program: Program, lazy: list[str]) -> dict[str, list[str]]:
    """Modules that the same doors lead to, together; a door is what a function imports, or nobody at once."""
    inner = {w for m in lazy for w in imported_at_once(program.modules[m]) if w != m}
    later = {w for text in program.modules.values() for w in set(imported_anywhere(text)) - set(imported_at_once(text))}
    doors = [m for m in lazy if m not in inner or m in later]
    reach = {d: _closure(program, [d]) for d in doors}
    keys: dict[tuple[str, ...], list[str]] = {}
    for m in lazy:
        keys.setdefault(tuple(d for d in doors if m in reach[d]), []).append(m)
    found: dict[str, list[str]] = {}
    for key, names in keys.items():
        lead = key[0] if len(key) == 1 else names[-1]
        package, _, last = lead.rpartition(".")
        if not package.startswith("ipsec.crypto"):  # by whose names `board.unload` knows what to let go
            package = "ipsec"
        name = lead if lead in FACES else f"{package}._{last}"
        if name in found or name in _ORDER:
            name = "ipsec.__" + lead.removeprefix("ipsec.").replace(".", "_")
        found[name] = names
    return found


def _find_below(program: Program, parts: Parts) -> None:
    direct = {}
    for part, names in parts.modules.items():
        wanted = {w for m in names for w in imported_at_once(program.modules[m])}
        direct[part] = {parts.of[w] for w in wanted if w in parts.of} - {part, TOP}
    for part in direct:
        below: set[str] = set()
        waiting = list(direct[part])
        while waiting:
            other = waiting.pop()
            if other not in below:
                below.add(other)
                waiting += direct[other]
        if part in below:
            raise LinkError(f"files import each other in a circle: {part}, {', '.join(sorted(below))}")
        parts.below[part] = below if part == TOP else below | {TOP}  # a package's text runs before its modules'
