"""The names in the files: unique where they meet, and short where no program can see them.

A name costs a board its octets and a dozen more, however often it is used, so attributes and what files keep for themselves are
called the same, and some attributes like what every firmware has in flash. Kept are the names that programs use, those that
other libraries' objects may have, and those that a text spells. Start reading at `shorten`.
"""

import ast
import builtins
import collections
import importlib
import itertools
import keyword
import string
from collections.abc import Container, Iterable, Iterator, Sequence

from ipsec_board.linker.fold import BUILTINS, argument_nodes, is_machine_code
from ipsec_board.linker.parts import ALWAYS, DATA, Parts
from ipsec_board.linker.program import Binding, Program
from ipsec_board.linker.reach import Unit
from ipsec_board.linker.share import Kinship
from ipsec_board.linker.walk import walk

_OUTSIDE = (
    "array",
    "asyncio",
    "binascii",
    "gc",
    "hashlib",
    "io",
    "json",
    "os",
    "select",
    "socket",
    "ssl",
    "struct",
    "sys",
    "time",
    "collections",
)
# Attributes of MicroPython's modules and objects that CPython's do not have
_MICROPYTHON = """heap_lock heap_unlock viper native const schedule ticks_ms ticks_us ticks_diff ticks_add ticks_cpu
 sleep_ms sleep_us ipoll ioctl readinto write read recv send threshold mem_free mem_alloc print_exception aes encrypt decrypt
 cryptolib network wait_for_ms core lock unlock""".split()
_ARGUMENTS = tuple(string.ascii_lowercase)
# Names that .mpy files spell as a number (py/makeqstrdata.py, static_qstr_list), without those that C asks an object for
IN_EVERY_FIRMWARE = """ArithmeticError AssertionError AttributeError BaseException EOFError Ellipsis GeneratorExit
 IndentationError IndexError KeyError KeyboardInterrupt LookupError NameError NoneType NotImplementedError OverflowError
 StopIteration SyntaxError SystemExit TypeError ZeroDivisionError append bool builtins bytecode callable chr classmethod
 clear const count dict dir divmod endswith eval exec extend format globals hash id index insert isalpha isdigit islower
 isspace issubclass isupper items iter join keys locals lower lstrip main map object ord pop popitem pow print range
 remove repr reverse rfind rindex round rsplit rstrip sep set setattr setdefault sort sorted split staticmethod step
 stop sum type upper values zip""".split()


def _foreign() -> set[str]:
    """Names of attributes that objects of other libraries may have."""
    found = set(_MICROPYTHON)
    things: list[object] = [getattr(builtins, n) for n in dir(builtins)]
    for name in _OUTSIDE:
        module = importlib.import_module(name)
        found.update(dir(module))
        things += [getattr(module, n) for n in dir(module)]
    for thing in things:
        if isinstance(thing, type) or not callable(thing):
            found.update(dir(thing))
    return found


def _letters(length: int) -> Iterator[str]:
    for first in string.ascii_letters:
        for rest in itertools.product(string.ascii_letters + string.digits, repeat=length - 1):
            yield first + "".join(rest)


def _fresh(taken: set[str]) -> Iterator[str]:
    for name in itertools.chain(_letters(2), _letters(3)):
        if name not in taken and not keyword.iskeyword(name) and name not in BUILTINS:
            yield name


def _walk(units: Iterable[Unit]) -> Iterator[ast.AST]:
    for unit in units:
        yield from walk(unit.statement)


def make_unique(program: Program, units: list[Unit], fixed: set[Binding]) -> None:
    """Names as they are, with the module's name behind those that would meet another and are not `fixed`."""
    local = _local_names(units)
    count = collections.Counter(name for m in program.modules.values() for name in m.names)
    for module in program.modules.values():
        for binding in (*module.names.values(), *([module.face] if module.face else [])):
            if binding not in fixed and (count[binding.name] > 1 or binding.name in local or binding.name in BUILTINS):
                binding.final = binding.name + "__" + module.name.removeprefix("ipsec.").replace(".", "_")


def _local_names(units: Iterable[Unit]) -> set[str]:
    found = set()
    for n in _walk(units):
        if hasattr(n, "scope") and not n.scope.is_class:
            found.update(n.scope.names)
    return found


def shorten(
    program: Program,
    units: list[Unit],
    kept: set[str],
    roots: set[Binding],
    fixed: set[Binding],
    parts: Parts,
    faces: Container[str],
    programs: Sequence[str] = (),
) -> dict[str, str]:
    """Short names for bindings, arguments and attributes; returns the attributes' old names to the new.

    Bindings in `roots` keep their arguments, and so do methods of `kept` names in the modules `faces`; those in `fixed` keep
    their names. `programs` are texts that look inside.
    """
    nodes = list(_walk(units))
    texts = [n for text in programs for n in walk(ast.parse(text))]
    keywords = {k.arg for n in (*nodes, *texts) if isinstance(n, ast.Call) for k in n.keywords if k.arg}
    for unit in units:
        is_open = unit.module.name in faces
        for n in walk(unit.statement):
            if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef)):
                _shorten_arguments(n, keywords, is_open and n.name in kept or getattr(n, "binding", None) in roots)
    outside = {n.id for n in nodes if isinstance(n, ast.Name) and getattr(n, "binding", None) is None}
    there = {n.attr for n in nodes if isinstance(n, ast.Attribute)} | {x for n in nodes for x in _bound_by_class(n)}
    taken = _local_finals(nodes) | outside | there | {b.name for b in fixed}
    meant = there | spelled(nodes)
    free = [n for n in IN_EVERY_FIRMWARE if n not in meant]
    pool = _Pool(itertools.chain((n for n in free if n not in taken | BUILTINS), _fresh(taken)))
    attributes = _name_attributes(_attributes(nodes, kept), units, parts, free, pool, Kinship(units, parts, programs))
    short = {part: {attributes.get(m, m) for m in found} for part, found in _methods(units, parts).items()}
    _name_bindings(units, parts, fixed, short, pool, set(attributes.values()), _read_by_classes(nodes))
    return attributes


class _Pool:
    """Short names in their order, to be looked through again and again."""

    def __init__(self, names: Iterator[str]):
        self._names = names
        self._made: list[str] = []

    def __iter__(self) -> Iterator[str]:
        for i in itertools.count():
            if i == len(self._made):
                self._made.append(next(self._names))
            yield self._made[i]


def _name_attributes(
    found: list[str], units: list[Unit], parts: Parts, free: list[str], pool: _Pool, kinship: Kinship
) -> dict[str, str]:
    """A name for each attribute, those of the files that every tunnel loads first; the same for many that never meet.

    What every firmware has in flash goes first, where nothing in the program is called so.
    """
    loaded = [u.statement for u in units if parts.of[u.module.name] in ALWAYS]
    early = {n.attr for s in loaded for n in walk(s) if isinstance(n, ast.Attribute)}
    groups = {a: {i for i, names in enumerate(kinship.groups) if a in names} for a in found}
    taken: dict[str, set[int] | None] = {}  # by short name: the groups that have it, None where one attribute has it alone
    made = {}
    for a in sorted(found, key=lambda a: a not in early):
        alone = a in kinship.alone or not groups[a]
        for name in itertools.chain(free, pool):
            there = taken.get(name, set())
            if name not in taken if alone else there is not None and not there & groups[a]:
                taken[name] = None if alone else {*there, *groups[a]}  # type: ignore[misc]
                made[a] = name
                break
    return made


def _name_bindings(
    units: list[Unit],
    parts: Parts,
    fixed: set[Binding],
    methods: dict[str, set[str]],
    pool: _Pool,
    attributes: set[str],
    read: set[Binding],
) -> None:
    """Names of modules: the same ones again in each file, and those of attributes, which have a name space of their own.

    A function is not called like a method of its file, due to traces. What the data path uses is not called like an attribute:
    the interpreter remembers by a name alone where it was found last, and two that are called the same are then looked up at
    each use.
    """
    used: collections.Counter = collections.Counter()
    seen: dict[Binding, set[str]] = {}
    functions = set()
    for unit in units:
        for n in walk(unit.statement):
            binding = getattr(n, "binding", None)
            if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef)):
                functions.add(binding)
            if isinstance(n, ast.Name) and binding is not None and binding.owner and binding not in fixed:
                used[binding] += 1
                seen.setdefault(binding, {parts.of[binding.owner.name]}).add(parts.of[unit.module.name])
    taken: dict[str, set[str]] = {part: set() for part in parts.modules}
    for binding, _ in used.most_common():
        is_outside = binding.target and binding.target[0] == "outside"  # all files share one name of it
        here = set(parts.modules) if is_outside else seen[binding]
        never = set().union(*(taken[p] for p in here), attributes if binding in read or DATA in here else ())
        if binding in functions:
            never |= methods.get(parts.of[binding.owner.name], set())
        binding.final = next(name for name in pool if name not in never)
        for part in here:
            taken[part].add(binding.final)


def _methods(units: list[Unit], parts: Parts) -> dict[str, set[str]]:
    """The methods that each file has."""
    found: dict[str, set[str]] = {}
    for unit in units:
        for c in walk(unit.statement):
            for f in c.body if isinstance(c, ast.ClassDef) else ():
                if isinstance(f, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    found.setdefault(parts.of[unit.module.name], set()).add(f.name)
    return found


def _bound_by_class(n: ast.AST) -> Iterable[str]:
    if not isinstance(n, ast.ClassDef):
        return ()
    return [*_members(n), *(f.name for f in n.body if isinstance(f, (ast.FunctionDef, ast.AsyncFunctionDef)))]


def spelled(nodes: Iterable[ast.AST]) -> set[str]:
    """Words of texts, which may be names for `getattr`."""
    texts = (n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str))
    return {word for text in texts for word in text.replace(",", " ").split()}


def _read_by_classes(nodes: list[ast.AST]) -> set[Binding]:
    """What the text of a class reads itself: a member of that name would be found before."""
    found: set[Binding] = set()
    for c in nodes:
        for s in c.body if isinstance(c, ast.ClassDef) else ():
            tops: list[ast.AST] = [s]
            if isinstance(s, (ast.FunctionDef, ast.AsyncFunctionDef)):
                tops = [*s.decorator_list, *s.args.defaults]
            for top in tops:
                found.update(b for x in walk(top) if (b := getattr(x, "binding", None)) is not None)
    return found


def _local_finals(nodes: list[ast.AST]) -> set[str]:
    return {b.final for n in nodes if hasattr(n, "scope") and not n.scope.is_class for b in n.scope.names.values()}


def _shorten_arguments(n: ast.FunctionDef | ast.AsyncFunctionDef, keywords: set[str], is_face: bool) -> None:
    """Arguments by their place, unless a call names them; MicroPython keeps the names of arguments, not of other locals."""
    if is_face or is_machine_code(n):  # type: ignore[arg-type]
        return
    taken = set(_ARGUMENTS) & {x.id for x in walk(n) if isinstance(x, ast.Name)}
    taken |= {a.arg for x in walk(n) if isinstance(x, ast.arguments) for a in argument_nodes(x)}
    free = (a for a in _ARGUMENTS if a not in taken)
    for a in argument_nodes(n.args):
        if a.arg not in keywords and a.arg != "self":
            a.binding.final = next(free, a.arg)  # type: ignore[attr-defined]


def _attributes(nodes: list[ast.AST], kept: set[str]) -> list[str]:
    """Attributes that only our objects have and that no text spells, most used first."""
    count: collections.Counter = collections.Counter()
    ours = set()
    for n in nodes:
        if isinstance(n, ast.Attribute):
            count[n.attr] += 1
            if isinstance(n.ctx, ast.Store):
                ours.add(n.attr)
        elif isinstance(n, ast.ClassDef):
            ours.update(_members(n))
    private = ours - spelled(nodes) - kept - _foreign()
    return [name for name, _ in count.most_common() if name in private and not name.startswith("__")]


def _members(n: ast.ClassDef) -> Iterable[str]:
    """Names that a class binds; the classes that stand for modules have no scope, as they are not of the sources."""
    scope = getattr(n, "scope", None)
    targets = [t for s in n.body if isinstance(s, ast.Assign) for t in s.targets]
    return scope.names if scope else [t.id for t in targets if isinstance(t, ast.Name)]


def apply(units: list[Unit], attributes: dict[str, str]) -> None:
    """Write the final names into the trees."""
    for n in list(_walk(units)):
        binding = getattr(n, "binding", None)
        if isinstance(n, ast.Name) and binding is not None:
            n.id = binding.final
        elif isinstance(n, ast.arg) and binding is not None:
            n.arg = binding.final
        elif isinstance(n, ast.alias) and binding is not None and binding.owner is not None:
            n.asname = None if binding.final == n.name else binding.final
        elif isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            if binding is not None and binding.owner is not None:
                n.name = binding.final
        elif isinstance(n, ast.Attribute):
            n.attr = attributes.get(n.attr, n.attr)
    for n in list(_walk(units)):
        if isinstance(n, ast.ClassDef):
            _rename_members(n, attributes)


def _rename_members(n: ast.ClassDef, attributes: dict[str, str]) -> None:
    own = n.scope.names if hasattr(n, "scope") else None  # type: ignore[attr-defined]
    for s in n.body:
        if isinstance(s, (ast.FunctionDef, ast.AsyncFunctionDef)):
            s.name = attributes.get(s.name, s.name)
        elif isinstance(s, ast.Assign):
            for x in walk(s):
                if isinstance(x, ast.Name) and (
                    own is None and isinstance(x.ctx, ast.Store) or own and getattr(x, "binding", None) in own.values()
                ):
                    x.id = attributes.get(x.id, x.id)
