"""House rules that a machine can check in lib/ipsec: layers, sizes, what MicroPython has not got (docs/architecture.md)."""

import ast
import importlib
import pkgutil
from pathlib import Path

import pytest

from tools import kernels

LIB = Path(__file__).resolve().parents[1] / "lib"
FILES = sorted((LIB / "ipsec").rglob("*.py"))
BOTTOM = ("errors", "event", "address", "offer", "suite", "suite_names", "forms", "key_forms", "auth_options", "way_options",
          "more_options", "option_texts", "options", "config", "micro")  # fmt: skip
# layer: what it may import of ours besides itself
ALLOWED = {
    "errors": (),
    "event": (),
    "address": (),
    "kernel": (),
    "copying": (),
    "micro": ("copying", "kernel", "native"),
    "path": ("micro",),
    "texts": ("address", "errors", "ike"),
    "status": (),
    "upkeep": ("micro",),
    "suite": (),
    "offer": ("suite",),
    "suite_names": ("errors", "offer", "suite"),
    "forms": ("errors", "address"),
    "key_forms": ("errors",),
    "auth_options": ("errors", "micro", "key_forms"),
    "way_options": ("errors",),
    "more_options": ("errors", "option_texts"),
    "where": ("address", "event", "micro", "texts"),
    "attempts": ("beside", "esp", "event", "texts", "where"),
    "beside": ("errors", "event", "ike", "micro", "path"),
    "option_texts": ("errors",),
    "options": ("errors", "address", "micro", "suite", "suite_names", "forms", "key_forms", "auth_options", "way_options",
                "more_options", "option_texts"),  # fmt: skip
    "config": ("micro", "offer", "suite", "options"),
    "prepared": ("errors", "suite", "auth_options"),
    "crypto": ("errors", "micro"),
    "esp": BOTTOM + ("crypto",),
    "ike": BOTTOM + ("crypto",),
    "inet": ("errors", "address", "micro", "native"),
    "tunnel": BOTTOM + ("crypto", "esp", "ike", "inet", "path", "upkeep", "status", "attempts", "texts"),
    "drive": BOTTOM + ("crypto", "esp", "ike", "inet", "path", "upkeep", "attempts", "texts", "tunnel", "status"),
    "": BOTTOM + ("drive",),
}
IO_MODULES = {"socket", "select", "time", "os", "asyncio", "machine", "network"}
# the host's backend is not for devices; a board's backend reports the platform
ABSENT_ON_BOARDS = {"dataclasses", "typing", "enum", "abc", "functools", "contextlib", "hmac", "logging", "itertools", "secrets"}
GENERATORS = [f"tools.kernels.{module.name}" for module in pkgutil.iter_modules(kernels.__path__) if module.name != "emit"]
GENERATED = {Path(path).name for name in GENERATORS for path in importlib.import_module(name).FILES}
MAX_LINES = 400
MAX_FUNCTION_LINES = 40


def tree(path):
    return ast.parse(path.read_text())


def layer_of(path):
    part = path.relative_to(LIB / "ipsec").parts[0].removesuffix(".py")
    return "" if part == "__init__" else part


def imports(path):
    """Dotted names of everything that a file imports, wherever it does so, by a statement or by `__import__`."""
    nodes = list(ast.walk(tree(path)))
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
    if any(isinstance(node, ast.Call) and getattr(node.func, "id", "") == "__import__" for node in nodes):
        yield from named_modules(nodes)


def named_modules(nodes):
    """Modules of ours whose names, with or without the package's, are words of a text in a file that calls `__import__`."""
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for word in node.value.split():
                name = word if word.split(".")[0] == "ipsec" else "ipsec." + word
                place = LIB / name.replace(".", "/")
                exists = place.with_suffix(".py").exists() or (place / "__init__.py").exists()
                if not name.endswith(".") and name.replace(".", "").isidentifier() and exists:
                    yield name


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(LIB)))
def test_imports_point_downwards(path):
    layer = layer_of(path)
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "ipsec" and name != "ipsec.__version__":
            assert len(parts) > 1, f"{layer} imports the whole package"
            assert parts[1] in ALLOWED[layer] or parts[1] == layer, f"{layer or 'the package'} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(LIB)))
def test_only_drivers_do_input_and_output(path):
    if layer_of(path) in ("drive", "prepared") or path.stem in ("host", "board"):
        return  # the backends have a source of randomness
    assert not {name.split(".")[0] for name in imports(path)} & IO_MODULES


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(LIB)))
def test_the_subset_of_python_that_boards_have(path):
    if path.stem in ("host", "host_dh"):
        return
    assert not {name.split(".")[0] for name in imports(path)} & ABSENT_ON_BOARDS
    for node in ast.walk(tree(path)):
        where = f"{path.relative_to(LIB)}:{getattr(node, 'lineno', 0)}"
        assert not isinstance(node, ast.Assert), f"{where}: -O strips assert"
        assert not isinstance(node, ast.Match), f"{where}: MicroPython has no match statement"
        if isinstance(node, ast.Raise):
            assert node.cause is None, f"{where}: MicroPython warns of exception chaining"
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, f"{where}: catches everything"
            assert getattr(node.type, "id", "") not in ("Exception", "BaseException"), f"{where}: catches everything"
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert not node.args.posonlyargs, f"{where}: MicroPython has no positional-only arguments"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(LIB)))
def test_files_and_functions_stay_small(path):
    if path.name in GENERATED:
        return
    assert path.read_text().count("\n") <= MAX_LINES
    for node in ast.walk(tree(path)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and not is_kernel(node):
            lines = node.end_lineno - node.lineno + 1
            assert lines <= MAX_FUNCTION_LINES, f"{path.relative_to(LIB)}:{node.lineno} {node.name} has {lines} lines"


def is_kernel(node):
    """Viper kernels keep everything in one function, because a call costs more than the work."""
    return any("viper" in ast.unparse(d) for d in node.decorator_list)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(LIB)))
def test_every_module_says_what_it_is_for(path):
    if path.stat().st_size:
        assert ast.get_docstring(tree(path)), "a module begins with its purpose"


def test_private_constants_are_not_imported():
    for path in FILES:
        for name in imports(path):
            last = name.split(".")[-1]
            is_private = last.startswith("_") and last != "__version__"
            assert not (name.startswith("ipsec") and is_private), f"{path}: {name} does not exist on MicroPython"


MAX_IMPORT_DEPTH = 2


def top_level_imports(name):
    """Modules of ours that are imported as soon as a module is."""
    path = LIB / (name.replace(".", "/") + ".py")
    for node in tree(path).body if path.exists() else ():
        if isinstance(node, ast.ImportFrom) and node.module.startswith("ipsec"):
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if (LIB / (inner.replace(".", "/") + ".py")).exists() else node.module


def import_depth(name, loaded):
    """How many imports stand inside each other when this module is imported; notes what is loaded then."""
    if name in loaded:
        return 0
    loaded.add(name)
    return 1 + max([import_depth(inner, loaded) for inner in top_level_imports(name)], default=0)


def test_imports_do_not_nest_deeply():
    """A board compiles source files on its stack of 8 KiB: drive/__init__.py imports bottom up, and its list must be complete."""
    base = tree(LIB / "ipsec/drive/__init__.py")
    [order] = [n.value.value.split() for n in base.body if isinstance(n, ast.Assign) and n.targets[0].id == "_BASE"]
    loaded = {"ipsec", "ipsec.drive", "ipsec.micro", "ipsec.kernel"}
    for name in ["ipsec." + n for n in order]:
        assert import_depth(name, loaded) <= MAX_IMPORT_DEPTH, name
