"""The unit tests on joined files: their texts get the short names of attributes, as everything in the files has.

Start reading at `prepare`.
"""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

from ipsec_board import slices
from ipsec_board.linker import build
from ipsec_board.linker.kept import link_once
from ipsec_board.linker.link import Linked, Options
from ipsec_board.paths import REPOSITORY

UNIT_TESTS = REPOSITORY / "host_tests" / "unit"
# Tests that set names of a module and expect its functions to see it, or look for files of modules: no program does that
INSIDE = (
    "test_sha512.test_kernel_and_long_integers_agree",
    "test_suites.test_board_tells_what_is_installed_without_loading_it",
    "test_suites.test_names_are_not_kept_on_a_board",
    "test_crypto_backend.test_use",
    "test_esp.test_tables_are_small_where_the_heap_is_nearly_full",
    "test_ppk.test_child_keys_have_it_in",
    "test_rank.test_what_invalidates_them",
    "test_auth_cert.test_the_leaf_is_remembered",
    "test_small_promises.test_udp_alone_is_delivered_with_the_heap_locked",
    "test_memory.test_a_udp_socket_takes_room_for_one_packet_where_two_do_not_fit",
    "test_x25519.test_where_the_table_finds_no_room_the_ladder_makes_the_key_pair",
    "test_p256.test_where_the_table_finds_no_room_the_ladder_makes_the_key_pair",
    "test_beside.test_room_is_what_is_free_after_a_collection",
    "test_beside.test_without_room_it_is_not_begun",
    "test_driving.test_what_only_new_keys_need_goes_before_a_handshake_where_the_heap_is_short",
    "test_upkeep.test_a_clock_that_nobody_asks_for_days_goes_on",
)
# Tests that compare kernels in viper with those in plain Python, neither of which is there beside the native module
TWINS = ("test_crypto_kernels", "test_esp_kernel", "test_ghash8k", "test_inet_octets")
RUN = """
import sys
sys.path[:0] = [{lib!r}, {tests!r}]
import run
sys.path.insert(0, {lib!r})  # `run` puts its own first
plain = run.run_test
run.run_test = lambda name, call, counts: name in {inside!r} or plain(name, call, counts)
sys.exit(1 if run.main({names!r}) else 0)
"""


def prepare(folder: Path, arch: str, viper: bool = False, in_place: bool = False, packed: bool = False) -> Linked:
    """Joined files of the whole library in `folder`/lib, the tests in `folder`/tests."""
    programs = tuple(p.read_text() for p in sorted(UNIT_TESTS.glob("*.py")))
    linked = link_once(Options(arch, extra=("plain",), whole=True, viper=viper, programs=programs, packed=packed))
    shutil.rmtree(folder, ignore_errors=True)
    build.write(linked, arch, folder / "lib", in_place)
    shutil.copytree(UNIT_TESTS, folder / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    modules = {*slices.needed(None, arch, ("plain",), viper), *slices.unreached()}
    for name in TWINS if linked.kernels else ():
        (folder / "tests" / f"{name}.py").unlink()
    for path in (folder / "tests").glob("*.py"):
        path.write_text(renamed(path.read_text(), linked, modules))
    return linked


def renamed(text: str, linked: Linked, modules: set[str]) -> str:
    """The text of a program with the short names of attributes; `modules` keep their names."""
    tree = ast.parse(text)
    return ast.unparse(_Renamer(linked.attributes, _modules(tree, modules)).visit(tree))


def run(folder: Path, names: list[str]) -> subprocess.CompletedProcess:
    """Run prepared tests on the unix port."""
    text = RUN.format(tests=str(folder / "tests"), lib=str(folder / "lib"), inside=INSIDE, names=names)
    argv = [str(Path(sys.executable).with_name("micropython")), "-X", "heapsize=8m", "-c", text]
    return subprocess.run(argv, capture_output=True, text=True)


def _modules(tree: ast.Module, modules: set[str]) -> set[str]:
    """Names by which a test knows modules; theirs stay."""
    found: set[str] = set()
    for n in ast.walk(tree):
        if isinstance(n, ast.Import):
            found.update((a.asname or a.name).split(".")[0] for a in n.names)
        elif isinstance(n, ast.ImportFrom):
            found.update(a.asname or a.name for a in n.names if f"{n.module}.{a.name}" in modules)
    return found


class _Renamer(ast.NodeTransformer):
    def __init__(self, attributes: dict[str, str], modules: set[str]):
        self._attributes = attributes
        self._modules = modules

    def _new(self, name: str) -> str:
        return self._attributes.get(name, name)

    def visit_Attribute(self, n: ast.Attribute) -> ast.expr:
        self.generic_visit(n)
        if not (isinstance(n.value, ast.Name) and n.value.id in self._modules):
            n.attr = self._new(n.attr)
        return n

    def visit_ClassDef(self, n: ast.ClassDef) -> ast.ClassDef:
        self.generic_visit(n)
        for x in n.body:
            if isinstance(x, (ast.FunctionDef, ast.AsyncFunctionDef)):
                x.name = self._new(x.name)
            elif isinstance(x, ast.Assign):
                for t in x.targets:
                    if isinstance(t, ast.Name):
                        t.id = self._new(t.id)
        return n

    def visit_For(self, n: ast.For) -> ast.For:
        self.generic_visit(n)
        for x in n.iter.elts if isinstance(n.iter, ast.Tuple) else ():
            if isinstance(x, ast.Constant) and isinstance(x.value, str):
                x.value = self._new(x.value)  # for `getattr`
        return n

    def visit_Call(self, n: ast.Call) -> ast.expr:
        self.generic_visit(n)
        if (
            isinstance(n.func, ast.Name)
            and n.func.id in ("getattr", "hasattr", "setattr")
            and isinstance(n.args[1], ast.Constant)
        ):
            n.args[1].value = self._new(str(n.args[1].value))
        return n
