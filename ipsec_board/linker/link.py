"""From a choice of modules to joined files.

Start reading at `link`.
"""

import ast
import functools
import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from ipsec.config import Config
from ipsec.crypto import board

from ipsec_board import native, slices
from ipsec_board.linker import emit, filed, merge, names, order, reach, texts
from ipsec_board.linker.inside import Inside
from ipsec_board.linker.join import join
from ipsec_board.linker.parts import CORE, FACES, TOP, Parts, divide
from ipsec_board.linker.program import Binding, Module, Program
from ipsec_board.linker.walk import walk
from ipsec_board.paths import FIRMWARE

# docs/architecture.md: whoever gives a tunnel another backend brings these
_CRYPTO_FACE = (
    "NAME",
    "report",
    "self_test",
    "sizes",
    "new_sealer",
    "new_opener",
    "prf_len",
    "prf",
    "new_dh",
    "dh_len",
    "prepare",
    "prepare_dh",
    "installed",
    "is_ready",
    "make_ready",
    "unload",
    "has_group",
)
_CRYPTO_OBJECTS = ("seal", "skip", "open", "wipe", "is_lean", "public", "shared")
# The same: what drivers of another make use of a tunnel, and tunnels of another make of a stack
_CORE = ("ipsec.tunnel", "ipsec.attempts", "ipsec.inet.stack", "ipsec.inet.udp")
_CORE_FACE = """start connect receive tick send moved close poll deliver take_event choose ports unresolved unopened unreachable
 no_room deadline path addr port tx tx_pos tx_end rx rx_pos rx_end where is_stream is_up is_closed config crypto counters drops
 history events stack link head mtu shrink dns domains add_address udp ping echo_requests echo_replies echoes tcp timers passed
 learn listen sendto recv_into recvfrom recv bind peer""".split()
_NATIVE = "ipsec.native"
_PRESENT = "ipsec.crypto.present"  # what is there, for `ipsec.crypto.board.installed`
# What programs on a board import: names of modules, None for all public ones that are still there
_PROGRAMS: dict[str, tuple[str, ...] | None] = {
    "ipsec": ("connect", "connect_async", "__version__"),
    "ipsec.config": ("Config", "load"),
    "ipsec.errors": None,
    "ipsec.event": None,
    "ipsec.micro": ("lock_heap",),
    "ipsec.drive.base": ("Uplink",),
    "ipsec.drive.sync": ("Uplink",),
    "ipsec.drive.aio": ("Uplink",),
    "ipsec.drive.key": ("create", "public", "sign"),
    "ipsec.drive.secured": ("secure",),
    "ipsec.crypto.backend": _CRYPTO_FACE,
    "ipsec.tunnel": ("Tunnel", "WAIT", "TRANSMIT", "DELIVER", "EVENT", "RESOLVE"),
}
_STUBS = (*_PROGRAMS, "ipsec.address", "ipsec.offer", "ipsec.suite")  # modules whose old name stays, with what is left of them
# Modules whose classes programs hold objects of: their public names stay
_OBJECTS = (
    *("ipsec." + n for n in ("config", "errors", "event", "status")),
    *("ipsec.drive." + n for n in ("base", "sync", "aio", "stream", "sync_stream", "aio_stream")),
    *("ipsec.drive." + n for n in ("datagram", "pollable", "sync_socket", "aio_socket", "socket_module")),
    *("ipsec.drive." + n for n in ("aio_server", "raw_socket")),
)
_MODES = {"ccm": "ipsec.crypto.modes.ccm", "gcm": "ipsec.crypto.modes.gcm", "chacha": "ipsec.crypto.modes.chapoly",
          "cbc": "ipsec.crypto.modes.cbc", "gcm8k": "ipsec.crypto.modes.gcm8k", "x25519": "ipsec.crypto.groups.x25519",
          "p256": "ipsec.crypto.groups.p256", "modp": "ipsec.crypto.groups.modp"}  # fmt: skip


@dataclass(frozen=True)
class Options:
    """How to join. Kernels are those of the native module if there is one for this architecture, unless `viper` is wanted.

    `whole` is for tests that look inside: all code stays, and every module has its old name too. `programs` are texts of programs
    that do so, for which only what they name is there beside what is there anyway.
    """

    arch: str
    config: Config | None = None
    extra: tuple[str, ...] = ()
    viper: bool = False
    whole: bool = False
    texts: str = "device"  # in a file beside the code; "memory": within it, as is best for frozen code; "host": on the computer
    prepared: bool = False  # the configuration is checked at the desk
    programs: tuple[str, ...] = ()
    packed: bool = False  # the files, that of texts among them, lie deflated on the board


@dataclass
class Linked:
    """The joined files: `texts` by path under the library's folder, without ending, and the map back."""

    ident: str = ""
    kernels: Path | None = None  # the native module, for which everything was decided
    texts: dict[str, str] = field(default_factory=dict)
    functions: dict[str, dict[str, list[str]]] = field(default_factory=dict)  # by file and short name
    attributes: dict[str, str] = field(default_factory=dict)  # name: short name
    # Names by file, function ("" for all of a file), short name
    fields: dict[str, dict[str, dict[str, list[str]]]] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)  # texts that are numbers on the board
    filed: str = ""  # the file of texts
    modules: dict[str, list[str]] = field(default_factory=dict)  # part: its modules
    dropped: list[str] = field(default_factory=list)
    passing: list[str] = field(default_factory=list)  # files that a board forgets once they have done their work
    packed: bool = False  # to be deflated

    def shown_as(self, path: str) -> str:
        """What traces call a file; it tells which map belongs to it."""
        return f"{self.ident}/{path}.py"


def link(options: Options) -> Linked:
    """Join. Raises LinkError for what cannot be joined safely."""
    chosen = slices.needed(options.config, options.arch, options.extra, options.viper)
    kernels = None if options.viper else native.path(options.arch, slices.small_is_enough(chosen))
    natives = {_PRESENT, _NATIVE} if kernels else {_PRESENT}
    if options.whole:
        chosen += [*slices.REPLACING.values(), *slices.unreached()]
    if not options.arch:  # the board loads no machine code
        chosen = [m for m in chosen if b"@micropython." not in slices.source_of(m)]
    program = Program(chosen, options.arch, natives, slices.REPLACING if options.prepared else {})
    parts = divide(program, always(options), options.texts == "memory")
    passing = sorted({_path(parts.of[m]) for m in _forgotten(program) if m in parts.of})
    join(program)
    reach.add_faces(program)
    values = reach.inline(program)
    for module in program.modules.values():
        module.tree = reach.Inliner(values).visit(module.tree)
    units = reach.units(program)
    for unit in _all(units):
        unit.uses -= set(values)
    inside = Inside(() if options.whole else options.programs, program.modules)
    roots = _roots(program) | _named(program, inside.names)
    kept = _kept(program) | (_of_faces(program) if options.whole else set())
    shaker = reach.Shaker(units, kept | inside.attributes, everything=options.whole)
    shaker.run(roots)
    result = Linked(kernels=kernels, dropped=reach.cut(units), modules=parts.modules, passing=passing, packed=options.packed)
    _drop_values(units, values)
    alive = _all(units)
    if options.texts == "host":
        coder, shortener = filed.Coder(), texts.Shortener()
        coder.run(u.statement for u in alive)
        shortener.run(u.statement for u in alive)
        result.messages = coder.texts + shortener.texts
    elif options.texts == "device":
        filer = filed.Liner() if options.packed else filed.Filer()
        filer.run(u.statement for u in alive if u.module.name not in filed.OFTEN)
        result.filed = filer.text
    fixed = _fixed(program)
    closed = {*kept, *inside.attributes, *merge.spelled(alive, options.programs)}
    merge.Merger(units, parts, roots | fixed, closed).run()
    alive = _all(units)
    names.make_unique(program, alive, fixed)
    attributes = names.shorten(program, alive, kept, roots, fixed, parts, (*_OBJECTS, *_CORE), options.programs)
    result.attributes = attributes
    emitter = emit.Emitter(program, parts, units)
    _note_functions(units, parts, result)
    names.apply(alive, attributes)
    named = program.modules if options.whole else inside.names
    _write(program, parts, emitter, values, options, result, {b for u in alive for b in u.binds}, named)
    return result


def always(options: Options) -> tuple[str, ...]:
    """Modes and groups that the configuration names are loaded by each tunnel; modes to be measured are let go between."""
    if options.config is None:
        return ()
    chosen = slices.chosen(options.config, options.arch, options.extra)
    loaded = [_MODES[s] for s in chosen if s in _MODES]
    if options.config.suite_order == "measured":
        loaded = ["ipsec.drive.rank", *(m for m in loaded if ".modes." not in m)]
    return tuple(loaded)


def _all(units: dict[str, list[reach.Unit]]) -> list[reach.Unit]:
    return [u for module_units in units.values() for u in module_units]


def _roots(program: Program) -> set[Binding]:
    found = set()
    for name, wanted in _PROGRAMS.items():
        module = program.modules.get(name)
        for x in (wanted or [n for n in module.names if not n.startswith("_")]) if module else ():
            meaning = program.resolve(module.names[x]) if module and x in module.names else None
            if isinstance(meaning, Binding):
                found.add(meaning)
    return found


def _named(program: Program, wanted: dict[str, set[str]]) -> set[Binding]:
    """What names of modules mean, as far as they are names of modules."""
    meanings = (program.resolve(program.modules[m].names[n]) for m in wanted for n in wanted[m] if n in program.modules[m].names)
    return {meaning for meaning in meanings if isinstance(meaning, Binding)}


def _fixed(program: Program) -> set[Binding]:
    """Names that stay as they are: of files that programs import, and of exceptions, which logs show."""
    found: set[Binding] = set()
    for name in (TOP, *FACES, "ipsec.errors"):
        names_there = program.modules[name].names if name in program.modules else {}
        found.update(b for n, b in names_there.items() if not n.startswith("_") or n == "__version__")
    return found


def _kept(program: Program) -> set[str]:
    """Attributes that programs use: public names of the classes whose objects they hold, and options of a configuration."""
    found = {*_CRYPTO_FACE, *_CRYPTO_OBJECTS, *_CORE_FACE, *Config.__annotations__, "warnings", "listed"}
    if _NATIVE in program.natives:
        found.update(native.NAMES)
    for name in _OBJECTS:
        module = program.modules.get(name)
        for c in walk(module.tree) if module else ():
            if not isinstance(c, ast.ClassDef):
                continue
            for n in walk(c):
                if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    found.add(n.name)
                elif isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store):
                    found.add(n.attr)
                elif isinstance(n, ast.Assign):
                    found.update(t.id for t in n.targets if isinstance(t, ast.Name))
    return {n for n in found if not n.startswith("_")} | _of_our_programs()


def _of_faces(program: Program) -> set[str]:
    """Names of the modules that are used as values: a test may give the module itself where the library gives its class."""
    return {n for m in program.modules.values() if m.face is not None for n in m.names if not n.startswith("_")}


@functools.cache
def _of_our_programs() -> frozenset[str]:
    """Attributes that the tool's scripts on the board and the application use, private ones among them."""
    found: set[str] = set()
    for path in (*(Path(__file__).parents[1] / "onboard").glob("*.py"), *(FIRMWARE / "uplink").glob("*.py")):
        found.update(n.attr for n in walk(ast.parse(path.read_text())) if isinstance(n, ast.Attribute))
    return frozenset(found)


def _drop_values(units: dict[str, list[reach.Unit]], values: dict[Binding, object]) -> None:
    """Statements that only give names to what now stands where it is used."""
    for name, module_units in units.items():
        if name in (TOP, *FACES):
            continue  # their files keep their names
        units[name] = [u for u in module_units if not u.binds or not all(b in values for b in u.binds)]


def _note_functions(units: dict[str, list[reach.Unit]], parts: Parts, result: Linked) -> None:
    """Which functions a short name in a trace may mean, for each file, and which attributes in them."""
    for unit in _all(units):
        path = _path(parts.of[unit.module.name])
        at = result.functions.setdefault(path, {})
        _note_fields(unit.statement, "", path, result)
        holder = unit.statement.name if isinstance(unit.statement, ast.ClassDef) else ""
        for n in walk(unit.statement):
            if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef)):
                binding = getattr(n, "binding", None)
                is_member = holder and n in unit.statement.body  # type: ignore[attr-defined]
                short = result.attributes.get(n.name, n.name) if is_member else binding.final if binding else n.name
                where = (
                    f"{slices.path_of(unit.module.name)}:{n.lineno} {holder + '.' if holder else ''}{'+'.join(merge.named(n))}"
                )
                at.setdefault(short, []).append(where)
                _note_fields(n, short, path, result)


def _note_fields(at: ast.AST, function: str, path: str, result: Linked) -> None:
    found = result.fields.setdefault(path, {}).setdefault(function, {})
    for name in sorted({n.attr for n in walk(at) if isinstance(n, ast.Attribute)} & set(result.attributes)):
        there = found.setdefault(result.attributes[name], [])
        if name not in there:
            there.append(name)


def _path(part: str) -> str:
    return "ipsec/__init__" if part == TOP else part.replace(".", "/")


def _write(
    program: Program,
    parts: Parts,
    emitter: emit.Emitter,
    values: dict[Binding, object],
    options: Options,
    result: Linked,
    alive: set[Binding],
    named: Collection[str],
) -> None:
    for part in parts.modules:
        tree = emitter.write_part(part)
        if options.texts == "memory":
            tree = emit.FromFirmware().visit(tree)
        if result.filed:
            filed.add_reader(tree, part == CORE, CORE, filed.LINE_READER if options.packed else filed.READER)
        elif result.messages:
            filed.add_reader(tree, part == CORE, CORE, filed.CODER)
        tree.body[:0] = order.head(tree)
        text = without_tuples(ast.unparse(tree)) + "\n"
        if tree.body:
            path = _path(part)
            result.texts[path] = text
    for name in dict.fromkeys((*named, *_STUBS)):
        if name in program.modules and name not in parts.modules and name not in FACES and name != "ipsec":
            found = _exports(program, program.modules[name], alive, values, name in named)
            path = slices.path_of(name).with_suffix("").as_posix()
            if found or name in named:
                result.texts[path] = emit.write_stub(program, parts, name, found)
    result.texts[_PRESENT.replace(".", "/")] = _present(program)
    digest = hashlib.sha256(repr((sorted(result.texts.items()), result.filed, options.arch)).encode())
    result.ident = digest.hexdigest()[:6]


def _forgotten(program: Program) -> set[str]:
    """Modules that `micro.forget` is called for, by a text or by a name for one."""
    found: set[str] = set()
    for module in program.modules.values():
        named = [s for s in module.tree.body if isinstance(s, ast.Assign) and isinstance(s.targets[0], ast.Name)]
        values = {s.targets[0].id: s.value for s in named}  # type: ignore[attr-defined]
        for n in walk(module.tree):
            if isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id == "forget":
                name = values.get(n.args[0].id) if isinstance(n.args[0], ast.Name) else n.args[0]
                found.update([str(name.value)] if isinstance(name, ast.Constant) else [])
    return found


def without_tuples(text: str) -> str:
    """`a, b = x, y` again, where `ast.unparse` has written `a, b = (x, y)`, for which MicroPython allocates a tuple."""
    lines = []
    for line in text.split("\n"):
        found = re.fullmatch(r"(\s*[^='\"]+, [^='\"]+ = )\((.*)\)", line)
        if found and _is_same(line, found[1] + found[2]):
            line = found[1] + found[2]
        lines.append(line)
    return "\n".join(lines)


def _is_same(line: str, other: str) -> bool:
    try:
        return ast.dump(ast.parse(line.strip())) == ast.dump(ast.parse(other.strip()))
    except SyntaxError:
        return False


def _present(program: Program) -> str:
    """The module that names the features that are there, as no files do."""
    return "NAMES = %r\n" % (tuple(n for n in board._FEATURES if "ipsec.crypto." + n.replace("/", ".") in program.joined),)


def _exports(
    program: Program, module: Module, alive: set[Binding], values: dict[Binding, object], private: bool
) -> dict[str, object]:
    """Names of a module that can still be imported from it."""
    found: dict[str, object] = {}
    for name, binding in module.names.items():
        if name.startswith("__" if private else "_") or name == "const":
            continue
        meaning = program.resolve(binding)
        if isinstance(meaning, Module):
            if meaning.face is not None and meaning.face in alive:
                found[name] = meaning.face
        elif meaning in values:
            found[name] = values[meaning]
        elif meaning in alive and (meaning.target is None or meaning.target[0] != "outside"):
            found[name] = meaning
        elif private and meaning.target and getattr(meaning.target[1], "module", "") in ("ipsec", _NATIVE):
            found[name] = meaning.target[1].module, meaning.target[2].name
    return found
