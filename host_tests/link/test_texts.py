"""Texts in a file on the board, or on the host with codes on the board: what is shown is what would have been said anyway."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

from host_tests.link.test_link import MICROPYTHON
from ipsec_board.linker import build, filed, texts, trace
from ipsec_board.paths import LIBRARY
from tools.link import report
from tools.link.check import UNIT_TESTS

# Errors of all sorts, nested and joined ones among them; each on a line of its own
SAYS = """
import sys
sys.path[:0] = [{lib!r}, {unit!r}]
import transcript, scripted
from ipsec.config import Config, load
good = dict(scripted.OPTIONS)
for name, value in (
    ("prot", 1), ("dpds", 1), ("mtu", "x"), ("mtu", 99999), ("reconnect", 3), ("psk", "hex:zz"), ("psk", 5), ("auth", "eap"),
    ("ike_proposals", []), ("ike_proposals", ["aes128ccm16"]), ("esp_proposals", ["aes128-sha1"]), ("remote_ts", ["10.0.0.1/8"]),
    ("remote_ts", ["x/y"]), ("inner_address", "fe80::z"), ("replay_window", 65), ("gateway", ""), ("virtual_ip", ["ipv5"]),
):
    try:
        Config(**dict(good, **{{name: value}}))
    except Exception as e:
        print(type(e).__name__, e)
for path in ("nowhere.json",):
    try:
        load(path)
    except Exception as e:
        print(e)
warned = scripted.Player(scripted.make_tunnel(psk="short"))
print(warned.events)
player = scripted.Player(scripted.make_tunnel(dpd_s=0))
player.receive(transcript.INIT_IN)
player.receive(transcript.AUTH_IN[:-1] + b"x")
for _ in range(40):
    player.tick(2000)
print(player.events)
"""


def said(folder: Path, where: str, packed: bool = False) -> str:
    # Frozen code takes its kernels from the firmware, which this interpreter is built without
    linked = report.joined("aes128ccm16", "x64", viper=where == "memory", texts=where, packed=packed)
    build.write(linked, "x64", folder / where)
    script = SAYS.format(lib=str(folder / where), unit=str(UNIT_TESTS))
    done = subprocess.run([MICROPYTHON, "-X", "heapsize=2m", "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_words_come_back(tmp_path: Path) -> None:
    plain, coded = said(tmp_path, "memory"), said(tmp_path, "host")
    assert len(plain.splitlines()) >= 20 and len(coded) < 0.8 * len(plain)
    assert len(re.findall("<[0-9a-f]{6}[|>]", coded)) > 20 and "whole number" not in coded
    assert texts.expand(coded) == plain
    translator = trace.Translator()
    fed = b"".join(translator.feed(coded.encode()[i : i + 5]) for i in range(0, len(coded.encode()), 5))
    assert fed.decode() == plain


@pytest.mark.slow
def test_the_file_has_the_words(tmp_path: Path) -> None:
    assert said(tmp_path, "device") == said(tmp_path, "memory")
    words = "is not an IPv4 or IPv6 address"
    assert words in (tmp_path / "device" / filed.FILE).read_text()
    assert not [path for path in (tmp_path / "device").rglob("*.mpy") if words.encode() in path.read_bytes()]


@pytest.mark.slow
def test_a_deflated_file_has_them_too(tmp_path: Path) -> None:
    assert said(tmp_path, "device", packed=True) == said(tmp_path, "memory")
    assert b"address" not in (tmp_path / "device" / filed.FILE).read_bytes()


@pytest.mark.slow
def test_without_the_file_errors_say_numbers_and_values(tmp_path: Path) -> None:
    linked = report.joined("aes128ccm16", "x64")
    build.write(linked, "x64", tmp_path)
    (tmp_path / filed.FILE).unlink()
    script = "import sys; sys.path[:0] = [%r]\nfrom ipsec.config import Config\n" % str(tmp_path)
    script += "try: Config(mtu='x')\nexcept Exception as e: print(type(e), e)"
    done = subprocess.run([MICROPYTHON, "-X", "heapsize=2m", "-c", script], capture_output=True, text=True)
    assert re.match(r"<class 'ConfigError'> .*<text \d+ \(.*'x'.*\)>", done.stdout), done.stdout + done.stderr


@pytest.mark.slow
def test_files_get_smaller() -> None:
    linked = [report.joined("aes128ccm16", "armv6m", texts=t) for t in ("memory", "host", "device")]
    files = [report.joined_files(found, "armv6m", ("ipsec._options",)) for found in linked]
    octets = [sum(len(data) for path, data in f.items() if path != filed.FILE) for f in files]
    assert max(octets[1:]) < octets[0] - 900  # although what is frozen is one file, which needs fewer names


def test_what_is_filed() -> None:
    source = """
WORDS = "words that are computed at import"
class A:
    text = "words that a class has, as well"
    def f(self, x, y, text="words of a default value"):
        raise ValueError("%d octets and %r are wrong" % (x, y))
    def g(self, x):
        if x == "words that somebody compares":
            return "words alone, without a value"
        text = "words whose value comes later: %d"
        return text % x, "short one"
@micropython.viper
def k(x):
    return "words in machine code, which stay"
"""
    tree = ast.parse(source)
    filer = filed.Filer()
    filer.run(tree.body)
    first, second = filer.text.splitlines()
    assert (first, second) == ("%d octets and %r are wrong", "words alone, without a value")
    made = ast.unparse(tree)
    assert "_text(0, x, y)" in made and f"_text({len(first) + 1})" in made
    assert made.count("words") == 6
    lines = ast.parse(source)
    liner = filed.Liner()
    liner.run(lines.body)
    assert liner.text == filer.text and ast.unparse(lines) == made.replace(f"_text({len(first) + 1})", "_text(1)")
    assert made == ast.unparse(ast.parse(made))


def test_what_stays_on_the_computer_is_called_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("%d octets and %r are wrong", "words alone, without a value", "%-4s in hexadecimal: %02x", "words that a class has")
    monkeypatch.setattr(texts, "table", lambda: {texts.code(t): t for t in words})
    source = """
class A:
    text = "words that a class has"
    def f(self, x, y):
        raise ValueError("%d octets and %r are wrong" % (x, y))
    def g(self, x):
        return "words alone, without a value", "%-4s in hexadecimal: %02x" % (x, x)
"""
    tree = ast.parse(source)
    coder, shortener = filed.Coder(), texts.Shortener()
    coder.run(tree.body)
    shortener.run([tree])
    scope: dict = {}
    exec(compile(ast.fix_missing_locations(ast.Module([*ast.parse(filed.CODER).body, *tree.body], [])), "texts", "exec"), scope)
    assert set(coder.texts) == set(words[:3]) and "octets" not in ast.unparse(tree)
    a = scope["A"]()
    with pytest.raises(ValueError, match="<") as error:
        a.f(3, "it")
    assert texts.expand(str(error.value)) == "3 octets and 'it' are wrong"
    assert [texts.expand(t) for t in a.g(10)] == [words[1], words[2] % (10, 10)]


def test_every_text_has_a_code_of_its_own() -> None:
    count = sum(path.read_text().count(" ") for path in (LIBRARY / "ipsec").rglob("*.py"))
    assert 150 < len(texts.table()) < count
    codes = {texts.code(t) for t in texts.table().values()}
    assert len(codes) == len(texts.table())


@pytest.mark.parametrize("line", ["a < b > c", "<none|x>", "<class 'Uplink'>", "<a0b1c2", "", "<ffffff|1|2>"])
def test_other_lines_stay(line: str) -> None:
    assert texts.expand(line) == line
    assert texts.expand_all([line, 5, {"k": line}, None]) == [line, 5, {"k": line}, None]


def test_zeros_do_not_stop_the_tool() -> None:
    assert texts.expand("\x005\x00") == "5"


def test_a_value_that_looks_like_a_code_does_not_break_the_line() -> None:
    text = "unknown option %r; did you mean %r?"
    coded = texts.short(text) % ("x", "a|b>")
    assert texts.expand(coded) == coded  # not readable, but nothing is lost
    assert texts.expand(texts.short(text) % ("x", "ab") + " rest") == text % ("x", "ab") + " rest"
