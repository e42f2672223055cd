"""The linker: what it joins behaves as before, and what it cannot prove it refuses."""

import ast
import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from ipsec_board import mpy, native, slices
from ipsec_board.linker import build, filed, fold, kept, names, order, reach, trace
from ipsec_board.linker.fold import LinkError
from ipsec_board.linker.link import Linked, Options, link
from ipsec_board.linker.program import Program
from ipsec_board.paths import FIRMWARE, LIBRARY
from tools.link import check, report

UNLOAD = """
import gc, sys
sys.path[:0] = [{lib!r}]
from ipsec.crypto import backend
def modes():
    return [m for m in sys.modules if m.startswith("ipsec.crypto.modes._")]
def used():
    gc.collect()
    gc.collect()
    return gc.mem_alloc()
backend.prepare(20, 0)
backend.unload()
before = used()
backend.prepare(16, 0)
backend.prepare(20, 0)
print(modes())
backend.unload()
print(modes())
print(used() - before)
"""
MICROPYTHON = str(Path(sys.executable).with_name("micropython"))
HANDSHAKE = """
import sys
sys.path[:0] = [{lib!r}, {unit!r}]
import transcript, scripted
player = scripted.Player(scripted.make_tunnel())
assert player.last() == transcript.INIT_OUT
player.receive(transcript.INIT_IN)
assert player.last() == transcript.AUTH_OUT
player.receive(transcript.AUTH_IN)
assert player.tunnel.is_up
player.send_udp(b"21.5")
loaded = sorted(m for m in sys.modules if m.startswith("ipsec._"))
kept = [m for m in sys.modules if "comb" in m or "selftest" in m or "icmp" in m]
from ipsec.config import Config, load
from ipsec.errors import ConfigError, ConnectError, CryptoError, LocalError
from ipsec.event import DOWN, UP, Event
from ipsec.drive.sync import Uplink
from ipsec.micro import lock_heap
import ipsec
print(loaded, player.events[-1].kind == UP, ipsec.__version__, ipsec.connect, issubclass(ConnectError, LocalError))
print(sorted(n for n in dir(Uplink) if n[0] != "_"))
print(kept)
"""


def micropython(script: str) -> str:
    done = subprocess.run([MICROPYTHON, "-X", "heapsize=2m", "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> tuple[Linked, Path]:
    """Joined files of a device with AES-CCM, for the unix port."""
    folder = tmp_path_factory.mktemp("joined")
    linked = report.joined("aes128ccm16", "x64")
    build.write(linked, "x64", folder)
    return linked, folder


def test_the_recorded_tunnel_comes_up(device: tuple[Linked, Path]) -> None:
    linked, folder = device
    out = micropython(HANDSHAKE.format(lib=str(folder), unit=str(check.UNIT_TESTS))).splitlines()
    files = [f"ipsec._{name}" for name in ("core", "data", "drive", "ike", "start", "wire")]
    assert out[0].startswith(f"{files} True 0."), out[0]
    for verb in ("connect", "close", "socket", "poll", "resolve", "connect_tcp", "ping", "counters", "is_up", "address", "stack"):
        assert f"'{verb}'" in out[1]
    assert out[2] == "[]", "what has done its work, or has none, takes no memory"


def test_names_that_are_used_most_come_first() -> None:
    many = "\n".join(f"def f{i}(a):\n    return a.x{i}" for i in range(100))
    many += "\ndef g(a):\n    return a.often + a.often + a.often"
    [loop] = order.head(ast.parse(many))
    text = ast.unparse(loop)
    assert text.startswith("while 1:\n    break\n    ") and text.count(".") == 125
    assert text.split("break")[1].split(".")[1] in ("a", "often") and ".often" in text[:60]
    assert order.head(ast.parse("def f(a):\n    return a.x")) == []


def test_what_stands_behind_a_return_goes() -> None:
    source = "def f(a):\n    if a:\n        raise ValueError\n        f(a)\n    return 1 if 'native' else f(a)\n    f(a)\n"
    source += "def g():\n    return\n    yield"
    made = ast.unparse(reach.Inliner({}).visit(ast.parse(source)))
    assert made.count("f(a)") == 1 and "return 1\n" in made and "yield" in made


def test_octets_that_are_written_out_are_a_constant() -> None:
    source = "A = bytes((1, 2, 255))\ndef f(n):\n    return bytes((0, n)), bytes((1, 256)), bytes(3), bytes((4,))\n"
    made = ast.unparse(fold.Folder("m", lambda _: None, lambda *_: None, 2**31).fold(ast.parse(source)))
    assert "A = b'\\x01\\x02\\xff'" in made and "bytes((0, n)), bytes((1, 256)), bytes(3), b'\\x04'" in made


def test_joined_files_are_smaller(device: tuple[Linked, Path]) -> None:
    linked, _ = device
    plain, joined = report.plain_files(linked, "x64"), report.joined_files(linked, "x64")
    assert 10000 < len(joined.pop(filed.FILE)) < 20000, "all texts"
    assert sum(map(len, joined.values())) < 0.8 * sum(map(len, plain.values()))
    parts = ("__init__", "_core", "_data", "_wire", "_ike", "_start", "_drive", "drive/sync", "native")
    assert set(joined) == {f"ipsec/{name}.mpy" for name in parts}
    assert any(n.startswith("ipsec.options.decode") for n in linked.dropped) is False
    assert "ipsec.crypto.backend.use" in linked.dropped


def test_no_name_of_a_secret_kind_is_guessed(device: tuple[Linked, Path]) -> None:
    """Options of a configuration and names that texts spell stay."""
    linked, _ = device
    assert not {"psk", "encr", "key_bits", "packets_out", "kind", "cause", "text", "sendto"} & set(linked.attributes)


_SOME = ["test_config", "test_esp", "test_inet_tcp", "test_transcript"]
# What differs in packed files: texts are inflated when they are told, and files that are loaded late when they are wanted
_TELLING = [*_SOME, "test_remedies", "test_suites", "test_auth_cert", "test_auth_key", "test_eap", "test_redirect", "test_rekey"]


@pytest.mark.parametrize("options, names", [
    pytest.param({}, _SOME, id="some"),
    pytest.param({}, [], id="all", marks=pytest.mark.slow),
    pytest.param({"viper": True}, [], id="all with viper", marks=pytest.mark.slow),
    pytest.param({"packed": True}, _TELLING, id="packed", marks=pytest.mark.slow),
])  # fmt: skip
def test_unit_tests_pass_on_joined_files(tmp_path: Path, options: dict, names: list[str]) -> None:
    check.prepare(tmp_path, "x64", **options)
    done = check.run(tmp_path, names)
    last = done.stdout.splitlines()[-1]
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    assert int(last.split()[0]) > (80 if names else 250) and " 0 failed" in last


@pytest.mark.slow
@pytest.mark.parametrize("viper", [False, True])
def test_kernels_are_those_in_c_unless_viper_is_wanted(viper: bool) -> None:
    """P-384 has none in C."""
    linked = link(Options("armv6m", viper=viper))
    made = build.files(linked, "armv6m")
    assert (native.MODULE in made) != viper
    modules = {name for names in linked.modules.values() for name in names}
    holders = {name for name in modules if b"\n@micropython.viper\n" in slices.source_of(name)}
    assert "ipsec.crypto.kernels.field384" in holders and (len(holders) > 5) == viper and (len(holders) == 1) != viper
    assert ("ipsec.copying" in modules) == viper


def test_names_in_c_are_kept() -> None:
    texts = "".join(p.read_text() for p in (FIRMWARE / "natmod").glob("*.[ch]"))
    assert set(native.NAMES) == set(re.findall(r"MP_QSTR_([a-zA-Z]\w+)", texts)) - {"bytearray", "module"}


def test_what_a_status_tells_has_its_name(device: tuple[Linked, Path]) -> None:
    told = set(re.findall(r"self\.([a-z]\w*) = ", slices.source_of("ipsec.status").decode()))
    assert len(told) > 10 and not told & set(device[0].attributes)


def test_classes_that_packets_meet_keep_their_tables(device: tuple[Linked, Path]) -> None:
    """A full table is slower to look up, so only the others give up two names for a smaller one."""
    data, ike = device[0].texts["ipsec/_data"], device[0].texts["ipsec/_ike"]
    assert "del __qualname__" not in data
    assert ike.count("del __qualname__, __module__") == len(re.findall("^class ", ike, re.MULTILINE)) > 1


def test_what_is_there_is_told(device: tuple[Linked, Path]) -> None:
    told = device[0].texts["ipsec/crypto/present"]
    assert told == "NAMES = ('modes/ccm', 'groups/x25519')\n"


@pytest.mark.slow
def test_suites_that_were_only_measured_are_let_go(tmp_path: Path) -> None:
    measured = report.config("aes128gcm16", suite_order="measured")
    build.write(link(Options("x64", measured, ("ccm",))), "x64", tmp_path)
    said = micropython(UNLOAD.format(lib=str(tmp_path))).splitlines()
    assert len(said) == 3 and "ccm" in said[0] and "gcm" in said[0] and said[1] == "[]", said
    assert int(said[2]) < 1000  # octets that stay


def test_attributes_of_all_foreign_modules_stay() -> None:
    """An attribute that is also a foreign object's, such as `verify_mode` of a TLS context, is never renamed."""
    host = {"cryptography", "hmac"}  # of modules that no device has
    for source in LIBRARY.rglob("*.py"):
        if source in [LIBRARY / slices.path_of(name) for name in slices.APART]:
            continue
        for n in ast.walk(ast.parse(source.read_text())):
            is_from = isinstance(n, ast.ImportFrom)
            found = [n.module] if is_from else [a.name for a in n.names] if isinstance(n, ast.Import) else []
            outside = {str(m).split(".")[0] for m in found} - {"ipsec", "micropython", "cryptolib", "typing"} - host
            assert outside <= set(names._OUTSIDE), source
    assert {"verify_mode", "load_cert_chain"} <= names._foreign()


def test_traces_name_the_sources(device: tuple[Linked, Path]) -> None:
    linked, folder = device
    start = f"import sys\nsys.path[:0] = [{str(folder)!r}]\n"
    script = start + "from ipsec.config import Config\nConfig(gateway='g', local_id='a', mtu=1)\n"
    done = subprocess.run([MICROPYTHON, "-c", script], capture_output=True, text=True)
    said = done.stdout + done.stderr
    assert "_check_kind" not in said
    translator = trace.Translator()
    text = "\n".join(map(translator.line, said.splitlines()))
    assert 'File "ipsec/options.py:' in text and ", in _check_kind\n" in text and "in __init__ of one of" in text
    fed, translator = b"", trace.Translator()
    for i in range(0, len(said), 7):
        fed += translator.feed(said[i : i + 7].encode())
    assert fed.decode().rstrip() == text.rstrip()
    assert text.rstrip().endswith("option mtu: 1 is not a whole number from 280 to 1500")


@pytest.mark.slow
def test_what_was_joined_before_is_not_joined_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless options or a source have changed, or what was kept is cut."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    made: list[Options] = []

    def count(options: Options) -> Linked:
        made.append(options)
        return Linked(ident=f"{len(made)}", kernels=tmp_path, texts={"a": "b"}, functions={"a": {"b": ["c"]}})

    monkeypatch.setattr(kept, "link", count)
    mine, other = (Options("x64", report.config("aes128ccm16", mtu=mtu)) for mtu in (1000, 1200))
    assert kept.link_once(mine) == kept.link_once(mine) == kept.link_once(other) and made == [mine]
    for changed in (Options("armv6m", mine.config), Options("x64", mine.config, prepared=True), Options("x64")):
        assert kept.link_once(changed).ident == str(len(made))
    file = next((tmp_path / "ipsec-uplink/link/joined").glob("*.json"))
    file.write_text(file.read_text()[:-9])
    before = len(made)
    for options in (mine, Options("armv6m", mine.config), Options("x64", mine.config, prepared=True), Options("x64")):
        kept.link_once(options)
    assert len(made) == before + 1
    shutil.copytree(slices.LIBRARY / "ipsec", tmp_path / "lib/ipsec")
    monkeypatch.setattr(slices, "LIBRARY", tmp_path / "lib")
    kept.link_once(mine)
    (tmp_path / "lib/ipsec/event.py").write_text("")
    kept.link_once(mine)
    assert len(made) == before + 3


# Small libraries, to see what is refused and what is kept


def joined(folder: Path, monkeypatch: pytest.MonkeyPatch, programs: tuple[str, ...] = (), **modules: str) -> Linked:
    """Join a library of these modules; `main` is imported by every tunnel, `programs` look inside."""
    for name, text in {"__init__": "", "main": "", **modules}.items():
        (folder / "ipsec").mkdir(exist_ok=True)
        (folder / "ipsec" / f"{name}.py").write_text(textwrap.dedent(text))
    names = ["ipsec", *(f"ipsec.{m}" for m in modules)]
    monkeypatch.setattr(slices, "LIBRARY", folder)
    monkeypatch.setattr(slices, "needed", lambda *a: names)
    monkeypatch.setattr("ipsec_board.linker.parts._ALWAYS", ("ipsec.main",))
    monkeypatch.setattr("ipsec_board.linker.link._PROGRAMS", {"ipsec.main": ("main",)})
    monkeypatch.setattr("ipsec_board.linker.link._STUBS", ("ipsec.main",))
    Program._defines.cache_clear()
    return link(Options("x64", programs=programs))


def result(linked: Linked, folder: Path) -> str:
    build.write(linked, "x64", folder / "out")
    return micropython(
        f"import sys\nsys.path[:0] = [{str(folder / 'out')!r}]\nfrom ipsec.main import main\nprint(main())"
    ).strip()


@pytest.mark.parametrize(
    ("modules", "refusal"),
    [
        ({"main": "from ipsec.a import x\n", "a": "x = 1\ndef f():\n    global x\n    x = 2\n"}, "is changed by a function"),
        ({"main": "import ipsec.a\ndef main():\n    return globals()\n", "a": ""}, "globals() shows names"),
        ({"main": "from ipsec.b import x\n"}, "ipsec.b is needed but is not installed"),
        ({"main": "from ipsec import a\ndef main():\n    return a.y\n", "a": "x = 1\n"}, "has no y"),
        ({"main": "from ipsec import a\na.x = 2\n", "a": "x = 1\n"}, "is set from outside"),
        ({"main": "from ipsec import a\n", "a": "from ipsec import main\n"}, "imports must point downwards"),
        ({"main": "def main(n):\n    return __import__('ipsec.' + n).x\n"}, "__import__ of a name"),
    ],
)
def test_refused(modules: dict[str, str], refusal: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LinkError) as e:
        joined(tmp_path, monkeypatch, **modules)
    assert refusal in str(e.value)


@pytest.mark.parametrize(
    ("modules", "says"),
    [
        # a local of the name of another module's global
        ({"main": "from ipsec import a\ndef main():\n    f = 3\n    return a.f() + f\n", "a": "def f():\n    return 4\n"}, "7"),
        # a name that is counted up by a function of its module
        (
            {
                "main": "from ipsec import a\ndef main():\n    a.up()\n    return a.n\n",
                "a": "n = 5\ndef up():\n    global n\n    n += 1\n",
            },
            "6",
        ),
        # a module as a value, with an attribute by a text
        (
            {
                "main": "from ipsec import a\ndef main():\n    name = 'sha%d' % 3\n    return getattr(a, name)() + give(a)\n"
                "def give(m):\n    return m.f()\n",
                "a": "def sha3():\n    return 1\ndef f():\n    return 10\n",
            },
            "11",
        ),
        # set from outside in a function
        (
            {
                "main": "from ipsec import a\ndef main():\n    a.n = 9\n    return a.get()\n",
                "a": "n = 5\ndef get():\n    return n\n",
            },
            "9",
        ),
        # what is absent raises where the sources would
        (
            {
                "main": "def main():\n    try:\n        from ipsec import gone\n    except ImportError:\n        return 'no'\n"
                "    return gone\n",
            },
            "no",
        ),
        # names of arguments that a call spells; members by text; a member that only a base knows
        (
            {
                "main": "from ipsec.a import B\ndef main():\n    return B(width=2).area(height=3) + getattr(B, 'k')\n",
                "a": "class A:\n    def area(self, height):\n        return self._w * height\n"
                "class B(A):\n    k = 1\n    def __init__(self, width):\n        self._w = width\n",
            },
            "7",
        ),
        # members of a class whose text reads names of the module, which get short names, too
        (
            {
                "main": "from ipsec import a, b\ndef main():\n    return give(a) + give(b) + b.C()._sum()\n"
                "def give(m):\n    m._count = 1\n    return m.f() + m.g() + m.NUMBER\n",
                "a": "NUMBER = len('1234567890')\ndef f():\n    return 1\ndef g():\n    return 2\n",
                "b": "NUMBER = len('12345678901')\ndef f():\n    return 100\ndef g():\n    return 200\n"
                "class C:\n    _one = f()\n    _two = g()\n    _three = _one + _two\n    _other = property(f)\n"
                "    def _sum(self, n=f()):\n        return self._one + self._two + self._three + n\n",
            },
            "1024",
        ),
        # members that have the name of what they are made of
        (
            {
                "main": "from ipsec.a import C\ndef main():\n    return C().f() + C.g(1) + C.h(C())\n",
                "a": "def f(self):\n    return 10\ndef g(n):\n    return n\nh = f\nclass C:\n    f = f\n    g = staticmethod(g)\n"
                "    def h(self, h=h):\n        return 100 + h(self)\n",
            },
            "121",
        ),
        # a lazy module stays apart until its function runs
        (
            {
                "main": "import sys\ndef main():\n    before = 'ipsec._late' in sys.modules\n    from ipsec import late\n"
                "    return before, late.f(), 'ipsec._late' in sys.modules\n",
                "late": "def f():\n    return 'late'\n",
            },
            "(False, 'late', True)",
        ),
    ],
)
def test_joined_behaves_as_before(modules: dict[str, str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert result(joined(tmp_path, monkeypatch, **modules), tmp_path) == says


def test_what_nobody_calls_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "class C:\n    def used(self):\n        return 1\n    def unused(self):\n        return 2\n"
    text += "def dead():\n    return dead()\n"
    linked = joined(tmp_path, monkeypatch, main="from ipsec.a import C\ndef main():\n    return C().used()\n", a=text)
    assert set(linked.dropped) == {"ipsec.a.C.unused", "ipsec.a.dead"}
    assert result(linked, tmp_path) == "1"


def test_files_have_the_same_short_names_for_things_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a file takes from another is not called like anything of its own, nor like a member of a class that reads it."""
    number = "def one(n):\n    return n + 1\ndef two(n):\n    return one(n) * 5 + one(n) * 5\n"
    number += "class C:\n    def __init__(self):\n        self.x = 3\n"
    late = "from ipsec.a import C, two\ndef mine(n):\n    return two(n) + C().x\ndef other(n):\n    return mine(n) + 1\n"
    late += "class D:\n    two = two\n    def y(self):\n        return D.two(1)\n"
    late += "def f():\n    return other(4) + D().y() + two(0) + mine(0) - mine(0) + other(0) - other(0)\n"
    main = "from ipsec.a import two\ndef main():\n    from ipsec import late\n    return late.f(), two(0)\n"
    linked = joined(tmp_path, monkeypatch, main=main, a=number, late=late)
    assert result(linked, tmp_path) == "(84, 10)"
    trees = [ast.parse(linked.texts[path]) for path in ("ipsec/_core", "ipsec/_late")]
    first, second = ({n.name for n in tree.body if isinstance(n, (ast.FunctionDef, ast.ClassDef))} for tree in trees)
    imported = {a.name for n in ast.walk(trees[1]) if isinstance(n, ast.ImportFrom) for a in n.names}
    assert first & second and imported and not second & imported


def test_a_class_that_reads_a_name_has_no_member_called_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "IN_EVERY_FIRMWARE", [])  # so that the first member and the first name could have one
    text = "def two(n):\n    return n * 2\nclass D:\n    x = 5\n    y = two\n"
    text += "def main():\n    return D().x + D().x + D().x + two(1) + two(2) + two(3) + two(4) + D.y(9)\n"
    linked = joined(tmp_path, monkeypatch, main=text)
    assert len(linked.attributes["x"]) == 2 and result(linked, tmp_path) == "53"


def test_names_that_every_firmware_has_are_not_spelled_in_the_files() -> None:
    found = mpy.compile_source("".join(f"x.{n}\n" for n in names.IN_EVERY_FIRMWARE).encode(), "x.py", "armv6m")
    assert not [n for n in names.IN_EVERY_FIRMWARE if len(n) > 2 and n.encode() in found]
    assert b"a_name" in mpy.compile_source(b"x.a_name", "x.py", "armv6m")


def test_an_attribute_of_the_programs_own_keeps_its_name(device: tuple[Linked, Path]) -> None:
    linked, _ = device
    file = "ipsec/_core"
    found = [(f, short, n) for f, fields in linked.fields[file].items() for short, n in fields.items() if f]
    function, short, [name] = next(x for x in found if x[1] in names.IN_EVERY_FIRMWARE and len(x[2]) == 1)
    said = f"AttributeError: 'C' object has no attribute '{short}'"
    translator = trace.Translator()
    translator.line(f'  File "{linked.ident}/{file}.py", line 1, in {function}')
    assert translator.line(said) == said.replace(f"'{short}'", f"'{name}'")
    translator.line('  File "main.py", line 7, in f')
    assert translator.line(said) == said


def test_an_attribute_is_looked_for_in_the_function_of_the_trace(device: tuple[Linked, Path]) -> None:
    """Many are called the same; few that one function uses are."""
    linked, _ = device
    fields = [(len(n), n) for found in linked.fields.values() for f, named in found.items() for n in named.values() if f]
    assert sum(n == 1 for n, _ in fields) > 0.9 * len(fields)
    assert all(linked.attributes[a] == linked.attributes[n[0]] for _, n in fields for a in n)
    functions = linked.fields["ipsec/_ike"]
    function, short, both = next((f, s, n) for f, named in functions.items() for s, n in named.items() if f and len(n) == 2)
    translator = trace.Translator()
    translator.line(f'  File "{linked.ident}/ipsec/_ike.py", line 1, in {function}')
    said = f"AttributeError: no attribute '{short}'"
    assert translator.line(said) == f"AttributeError: no attribute '{both[0]}' or '{both[1]}'"
    translator.line(f'  File "{linked.ident}/ipsec/_ike.py", line 1, in <module>')
    assert translator.line(said) == said or " or " in translator.line(said), "of the whole file, unless that is too many"


def test_what_a_program_names_is_there_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "class Kept:\n    def __init__(self):\n        self.field = 3\n    def method(self):\n        return 1\n"
    text += "    def other(self):\n        return 4\ndef called():\n    return 2\ndef nobody():\n    return 5\n"
    program = "from ipsec.inner import Kept as K\nfrom ipsec import inner\nprint(K().method(), inner.called(), K().field)"
    main = "from ipsec import inner\ndef main():\n    return 0\n"
    linked = joined(tmp_path, monkeypatch, (program,), main=main, inner=text)
    assert set(linked.dropped) == {"ipsec.inner.Kept.other", "ipsec.inner.nobody"}
    build.write(linked, "x64", tmp_path / "out")
    short = check.renamed(program, linked, {"ipsec", "ipsec.inner"})
    assert "field" not in short and ".called()" in short
    assert micropython(f"import sys\nsys.path[:0] = [{str(tmp_path / 'out')!r}]\n{short}").strip() == "1 2 3"


@pytest.mark.slow
def test_values_of_two_names_are_no_tuple():
    """MicroPython allocates one for `a, b = (x, y)`, which the packet path must not."""
    text = "\n".join(report.joined("aes128ccm16", "armv6m").texts.values())
    assert not re.search(r"^\s+\S+, \S+ = \([^()]*\)$", text, re.MULTILINE)
    assert re.search(r"^\s+\S+, \S+ = [^(), ]+, [^(), ]+$", text, re.MULTILINE)


SEEDED = """
from ipsec_board.linker.link import Options, link
from tools.link import report
print(link(Options("armv6m", report.config("aes128gcm16"))).ident)
"""


@pytest.mark.slow
def test_the_same_is_joined_to_the_same_files() -> None:
    """The order of a set is another one in each process, and must not matter: installations are compared by their octets."""
    said = set()
    for seed in ("1", "2"):
        argv, env = [sys.executable, "-c", SEEDED], {**os.environ, "PYTHONHASHSEED": seed}
        said.add(subprocess.run(argv, env=env, capture_output=True, text=True, check=True).stdout)
    assert len(said) == 1
