"""Attributes that no object has both of have the same short name, and nothing else changes."""

import ast
import re
import textwrap
from pathlib import Path

import pytest

from host_tests.link.test_link import joined, result
from ipsec_board import slices
from ipsec_board.linker import link, names, parts, share
from ipsec_board.paths import LIBRARY

TWO = """
class A:
    def __init__(self):
        self.one = 1
        self.two = 2
    def sum_a(self):
        return self.one + self.two
class B(Base):
    def __init__(self):
        self.three = 30
        self.four = 40
    def sum_b(self):
        return self.three + self.four + self.base
"""
BASE = "class Base:\n    base = 100\n    def __init__(self):\n        self.other = 5\n"
MAIN = "def main():\n    return A().sum_a() + B().sum_b()\n"


def shorts(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str, says: str, programs: tuple[str, ...] = ()) -> dict[str, str]:
    """The short names of a library of this text, which says the same joined."""
    monkeypatch.setattr(names, "IN_EVERY_FIRMWARE", [])
    linked = joined(folder, monkeypatch, programs, main=text)
    assert result(linked, folder) == says
    return linked.attributes


def test_fields_of_two_classes_share_their_names(tmp_path, monkeypatch):
    found = shorts(tmp_path, monkeypatch, BASE + TWO + MAIN, "173")
    assert {found["one"], found["two"]} & {found["three"], found["four"], found["base"]}
    assert len({found[n] for n in ("three", "four", "base", "sum_b")}) == 4, "one object has them all"
    assert found["sum_a"] != found["sum_b"], "traces name a method by its file and short name"


FILL = "    def fill(self):\n        self.late = 4\n        return self.late\n"


@pytest.mark.parametrize(("more", "name"), [
    pytest.param("""
        def more():
            b = B()
            b.one = 4
            return b.one
    """, "one", id="stored from outside"),
    pytest.param("""
        def more():
            return A.fill(B())
    """, "late", id="a method given another object"),
    pytest.param("""
        class C:
            go = A.fill
        def more():
            return C().go()
    """, "late", id="a method in another class"),
    pytest.param("""
        class C:
            def __init__(self):
                self.last = B()
            def __getattr__(self, name):
                return getattr(self.last, name)
        def more():
            return C().three - 26
    """, "last", id="a class that answers for another"),
    pytest.param("""
        def more():
            try:
                return B().two
            except AttributeError:
                return 4
    """, "two", id="asked whether it is there"),
    pytest.param("""
        def base():
            return B
        Unknown = base()
        class C(Unknown):
            def set(self):
                self.last = 4
                return self.last + self.sum_b() - 170
        def more():
            return C().set()
    """, "last", id="a base that is not known"),
    pytest.param("""
        def fill(self):
            self.last = 4
            return self.last
        class C:
            fill = fill
        def more():
            return C().fill()
    """, "last", id="a function as a method"),
    pytest.param("""
        class C:
            def set(self):
                self = B()
                self.last = 4
                return self.last + self.sum_b() - 170
        def more():
            return C().set()
    """, "last", id="another object called self"),
])  # fmt: skip
def test_what_may_meet_does_not(more: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    two = TWO.replace("    def sum_a", FILL + "    def sum_a")
    main = "def main():\n    return A().sum_a() + B().sum_b() + more()\n"
    found = shorts(tmp_path, monkeypatch, BASE + two + textwrap.dedent(more) + main, "177")
    assert [n for n in found if found[n] == found[name]] == [name]


def test_what_programs_give_objects_is_shared_with_nothing(tmp_path, monkeypatch):
    program = "from ipsec.main import main\nclass Fake:\n    def three(self):\n        pass\nf = Fake()\nf.one = 1\n"
    found = shorts(tmp_path, monkeypatch, BASE + TWO + MAIN, "173", (program,))
    for name in ("one", "three"):
        assert [n for n in found if found[n] == found[name]] == [name]


def test_what_a_packet_meets_is_in_the_sources():
    for module, methods in parts._PACKETS.items():
        defined = {n.name for n in ast.walk(ast.parse(slices.source_of(module))) if isinstance(n, ast.FunctionDef)}
        assert set(methods.split()) <= defined, module


def test_no_class_of_the_library_is_made_otherwise():
    """The linker sees what objects have by statements alone."""
    for source in LIBRARY.rglob("*.py"):
        if source in [LIBRARY / slices.path_of(name) for name in slices.APART]:
            continue
        for n in ast.walk(ast.parse(source.read_text())):
            assert not (isinstance(n, ast.Attribute) and n.attr in ("__dict__", "__class__")), source
            is_type = isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id == "type" and len(n.args) > 1
            assert not is_type, source
    assert share._ASKS[0] == "__getattr__"


def test_what_the_architecture_names_of_tunnel_and_stack_stays():
    """A driver or a stack of somebody else, written by that page, works with joined files."""
    page = (Path(__file__).parents[2] / "docs/architecture.md").read_text()
    contract = page[page.index("## The contract of the core") : page.index("## The control path")]
    named = set(re.findall(r"(?:tunnel|stack)\.(?!py\b)([a-z_]+)", page)) | set(re.findall(r"`([a-z_]+)\(", contract))
    assert len(named) > 20 and named <= set(link._CORE_FACE)
