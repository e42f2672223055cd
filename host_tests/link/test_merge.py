"""A function that is called at one place is put there where that is the same, and nowhere else."""

import textwrap
from pathlib import Path

import pytest

from host_tests.link.test_link import device, joined, result  # noqa: F401 - a fixture
from ipsec_board.linker import trace
from ipsec_board.linker.link import Linked

LOG = "log = []\ndef note(x):\n    log.append(x)\n    return x\n"


def made(text: str, folder: Path, monkeypatch: pytest.MonkeyPatch, programs: tuple[str, ...] = ()) -> tuple[str, list[str]]:
    """What `main` says, and the functions whose texts are in others."""
    linked = joined(folder, monkeypatch, programs, main=LOG + textwrap.dedent(text))
    places = [p.split(" ")[1] for found in linked.functions["ipsec/_core"].values() for p in found]
    return result(linked, folder), [name for p in places for name in p.split("+")[1:]]


@pytest.mark.parametrize(("text", "says", "merged"), [
    pytest.param("""
        def add(a, b):
            return a + b * 2
        def main():
            x = 3
            return [add(x, 4), x]
    """, "[11, 3]", ["add"], id="an expression"),
    pytest.param("""
        def add(a, b):
            return a + b
        def main():
            return add(note(1), 4), log
    """, "(5, [1])", ["add"], id="an argument that is computed first anyway"),
    pytest.param("""
        def add(a, b):
            return note(2) + a
        def main():
            return add(note(1), 4), log
    """, "(3, [1, 2])", [], id="an argument that would be computed later"),
    pytest.param("""
        def twice(a):
            return a + a
        def main():
            return twice(note(1)), log
    """, "(2, [1])", [], id="an argument that would be computed twice"),
    pytest.param("""
        def either(a, b):
            return 5 if a else b
        def main():
            return either(1, note(2)), log
    """, "(5, [2])", [], id="an argument that would not be computed"),
    pytest.param("""
        def three(a):
            b = a + 1
            if b > 3:
                return "many"
            for c in range(b):
                if c == 2:
                    return c
            try:
                return [][b]
            except IndexError as e:
                b = str(type(e))[8:18]
            return b
        def main():
            b = 2
            return (call(b), call(0), call(7))
        def call(c):
            if c:
                b = c
                return three(b)
            return three_more(note(c))
        def three_more(a):
            b = a
            if b:
                return 1
    """, "(2, None, 'many')", ["note", "three", "three_more"], id="a text whose result is handed on"),
    pytest.param("""
        def one(a, out):
            if a > 2:
                return
            b = a
            out.append(b)
        def main():
            out = []
            for n in (1, 5):
                call(n, out)
            return out
        def call(n, out):
            if n:
                out.append("n")
                one(n + 1, out)
    """, "['n', 2, 'n']", ["one"], id="the last thing that is done, called in a loop"),
    pytest.param("""
        def one(a, out):
            if a > 2:
                return
            out.append(a)
        def main():
            out = []
            for n in (1, 5):
                one(n, out)
                out.append("n")
            return out
    """, "[1, 'n', 'n']", [], id="return amid what is done"),
    pytest.param("""
        def one(a):
            b = [a]
            b.append(a)
            return b
        def main():
            b = 7
            c = one(b)
            return c, b
    """, "([7, 7], 7)", ["one"], id="its own names are others"),
    pytest.param("""
        def one(a):
            b = [a]
            raise ValueError(b)
        def main():
            try:
                one(4)
            except ValueError as e:
                return e.args
    """, "([4],)", [], id="names would be kept while an error is handled"),
    pytest.param("""
        class A:
            def _one(self, n):
                self.n = n
                return self.n + 1
        class B(A):
            def two(self):
                return self._one(6)
        def main():
            return B().two()
    """, "7", ["_one"], id="a method of a base"),
    pytest.param("""
        class A:
            def two(self):
                return self._one(6)
            def _one(self, n):
                return n
        class B(A):
            def _one(self, n):
                return n + 1
        def main():
            return A().two(), B().two()
    """, "(6, 7)", [], id="a method that a class has in another way"),
    pytest.param("""
        class A:
            def two(self, other):
                return other._one(6)
            def _one(self, n):
                return self, n
        def main():
            a, b = A(), A()
            return a.two(b)[0] is b
    """, "True", [], id="a method of another object"),
    pytest.param("""
        class A:
            def two(self, n):
                self = A()
                self._one(n)
                return self.n
            def _one(self, n):
                self.n = n
        def main():
            return A().two(3)
    """, "3", [], id="a method of an object that is called self"),
    pytest.param("""
        n = 1
        def one(a):
            return note(a) + n
        def main():
            global n
            n = 2
            return one(n)
    """, "4", ["one"], id="a name of the module that changes"),
    pytest.param("""
        n = 1
        def up():
            global n
            n = 5
            return 0
        def one(a):
            return up() + a + up()
        def main():
            return one(n)
    """, "1", ["one"], id="a name of the module that changes while it is called"),
    pytest.param("""
        def one(a):
            return a + 1
        def main():
            return [one(n) for n in (1, 2)]
    """, "[2, 3]", [], id="called in a comprehension"),
    pytest.param("""
        def one(a):
            return lambda: a
        def main():
            return [f() for f in [one(3)]]
    """, "[3]", [], id="a function inside"),
    pytest.param("""
        def one(a, b=2):
            return a + b
        def two(*a):
            return a
        def three(a):
            yield a
        def main():
            return one(1), two(1), list(three(1)), one_word("one")
        def one_word(text):
            return text
    """, "(3, (1,), [1], 'one')", ["one_word"], id="arguments that are not plain, a generator"),
    pytest.param("""
        def fact(n):
            return 1 if n < 2 else n * fact(n - 1)
        def main():
            return fact(4)
    """, "24", [], id="called by itself"),
    pytest.param("""
        def one(out):
            out[0] = 1
            return 5
        def main():
            out = [0, 0]
            out[out[0]] = one(out)
            return out
    """, "[1, 5]", ["one"], id="where a result goes is computed after it"),
])  # fmt: skip
def test_behaves_as_before(text: str, says: str, merged: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said, found = made(text, tmp_path, monkeypatch)
    assert said == says
    assert sorted(found) == sorted(merged)


def test_what_a_program_or_a_text_names_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "def one(a):\n    return a\ndef main():\n    return one(3)\n"
    assert made(text, tmp_path, monkeypatch, ("from ipsec.main import one",)) == ("3", [])
    assert made(text + "TEXT = ['one two'][0:]\n", tmp_path, monkeypatch) == ("3", ["one"])  # nobody reads it
    assert made(text.replace("one(3)", "one(3), 'one two'"), tmp_path, monkeypatch) == ("(3, 'one two')", [])


def test_a_trace_names_what_is_in_a_function(device: tuple[Linked, Path]) -> None:  # noqa: F811
    linked, _ = device
    found = [(short, p) for short, places in linked.functions["ipsec/_ike"].items() for p in places if "+" in p]
    assert found
    short, place = found[0]
    line = trace.Translator().line(f'  File "{linked.ident}/ipsec/_ike.py", line 1, in {short}')
    assert place.split(" ")[1] in line
