"""The names in the files: unique, and short where no program can see them.

A name costs a board its octets and a dozen more for each file that has it. Kept are the names that programs use, those that
other libraries' objects may have, and those that a text spells. Start reading at `shorten`.
"""

import ast
import builtins
import collections
import importlib
import itertools
import keyword
import string
from collections.abc import Iterable, Iterator

from ipsec_board.linker.fold import BUILTINS, argument_nodes, is_machine_code
from ipsec_board.linker.program import Binding, Program
from ipsec_board.linker.reach import Unit

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
        yield from ast.walk(unit.statement)


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


def shorten(program: Program, units: list[Unit], kept: set[str], roots: set[Binding], fixed: set[Binding]) -> dict[str, str]:
    """Short names for bindings, arguments and attributes; returns the attributes' old names to the new.

    Bindings in `roots` keep their arguments, those in `fixed` their names.
    """
    nodes = list(_walk(units))
    keywords = {k.arg for n in nodes if isinstance(n, ast.Call) for k in n.keywords if k.arg}
    for n in nodes:
        if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef)):
            _shorten_arguments(n, keywords, n.name in kept or getattr(n, "binding", None) in roots)
    used: collections.Counter = collections.Counter()
    for n in nodes:
        if isinstance(n, ast.Name) and getattr(n, "binding", None) is not None and n.binding.owner:  # type: ignore[attr-defined]
            used[n.binding] += 1  # type: ignore[attr-defined]
    outside = {n.id for n in nodes if isinstance(n, ast.Name) and getattr(n, "binding", None) is None}
    taken = _local_finals(nodes) | outside
    pool = _fresh(taken)
    functions = {getattr(n, "binding", None) for n in nodes if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))}
    again: tuple[list[str], list[str]] = ([], [])
    for binding in [b for b, _ in used.most_common() if b not in fixed]:
        binding.final = next(pool)
        again[binding in functions].append(binding.final)
    return _share(nodes, _attributes(nodes, kept), again, pool)


def _share(
    nodes: list[ast.AST], attributes: list[str], again: tuple[list[str], list[str]], pool: Iterator[str]
) -> dict[str, str]:
    """Attributes have a name space of their own, so names serve once more; not a function's for a method, due to traces."""
    methods = {
        f.name
        for n in nodes
        if isinstance(n, ast.ClassDef)
        for f in n.body
        if isinstance(f, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    read = _read_by_classes(nodes)
    names = [iter([x for x in again[i] if x not in read]) for i in (True, False)]
    return {a: next(names[a in methods], "") or next(pool) for a in attributes}


def _read_by_classes(nodes: list[ast.AST]) -> set[str]:
    """Names of modules that the text of a class reads itself: a member of that name would be found before."""
    found: set[str] = set()
    for c in nodes:
        for s in c.body if isinstance(c, ast.ClassDef) else ():
            tops: list[ast.AST] = [s]
            if isinstance(s, (ast.FunctionDef, ast.AsyncFunctionDef)):
                tops = [*s.decorator_list, *s.args.defaults]
            for top in tops:
                found.update(b.final for x in ast.walk(top) if (b := getattr(x, "binding", None)) is not None)
    return found


def _local_finals(nodes: list[ast.AST]) -> set[str]:
    return {b.final for n in nodes if hasattr(n, "scope") and not n.scope.is_class for b in n.scope.names.values()}


def _shorten_arguments(n: ast.FunctionDef | ast.AsyncFunctionDef, keywords: set[str], is_face: bool) -> None:
    """Arguments by their place, unless a call names them; MicroPython keeps the names of arguments, not of other locals."""
    if is_face or is_machine_code(n):  # type: ignore[arg-type]
        return
    taken = set(_ARGUMENTS) & {x.id for x in ast.walk(n) if isinstance(x, ast.Name)}
    taken |= {a.arg for x in ast.walk(n) if isinstance(x, ast.arguments) for a in argument_nodes(x)}
    free = (a for a in _ARGUMENTS if a not in taken)
    for a in argument_nodes(n.args):
        if a.arg not in keywords and a.arg != "self":
            a.binding.final = next(free, a.arg)  # type: ignore[attr-defined]


def _attributes(nodes: list[ast.AST], kept: set[str]) -> list[str]:
    """Attributes that only our objects have and that no text spells, most used first."""
    count: collections.Counter = collections.Counter()
    ours, texts = set(), set()
    for n in nodes:
        if isinstance(n, ast.Attribute):
            count[n.attr] += 1
            if isinstance(n.ctx, ast.Store):
                ours.add(n.attr)
        elif isinstance(n, ast.ClassDef):
            ours.update(_members(n))
        elif isinstance(n, ast.Constant) and isinstance(n.value, str):
            texts.update(n.value.replace(",", " ").split())
    private = ours - texts - kept - _foreign()
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
            for x in ast.walk(s):
                if isinstance(x, ast.Name) and (
                    own is None and isinstance(x.ctx, ast.Store) or own and getattr(x, "binding", None) in own.values()
                ):
                    x.id = attributes.get(x.id, x.id)
