"""Joined files that lie deflated (`ipsec_board.linker.pack`), and what inflates them on a board (lib/ipsec/drive/packed.py)."""

import ast
import random
import re
import zlib
from pathlib import Path

import pytest

from host_tests.link.test_link import HANDSHAKE, micropython
from ipsec_board import mpy, native, slices
from ipsec_board.linker import build, filed, pack, parts
from ipsec_board.paths import LIBRARY
from tools.link import check, report

OCTETS = bytes(range(256)) * 3 + b"a module" * 700
# As a board does it; each line is a file: what is read, or the error
READ = """
import sys
sys.path[:0] = [{lib!r}]
import packed
for _ in range(2):  # as when the package is forgotten and imported again
    point = packed.mount({folder!r})
for name in {names!r}:
    try:
        with open(point + "/" + name) as f:
            print(len(f.read()))
    except (ImportError, OSError) as e:
        print(type(e).__name__, e)
"""


# An import of a file that is there, with so little heap left
SHORT = """
import gc, sys
sys.path[:0] = [{lib!r}]
import packed
sys.path[:0] = [packed.mount({folder!r})]
def left(octets):
    gc.collect()
    kept = None
    for n in (4096, 256, 32):
        while gc.mem_free() > octets + n:
            try:
                kept = [kept, bytearray(n)]
            except MemoryError:
                break
    try:
        import some_module
        return "there"
    except Exception as e:
        return type(e).__name__
    finally:
        kept = None
        sys.modules.pop("some_module", None)
print(*[left(n) for n in range(0, 16384, 64)])
"""


def read(folder: Path, names: list[str]) -> list[str]:
    """What the unix port gets from packed files of a folder."""
    return micropython(READ.format(lib=str(LIBRARY / "ipsec/drive"), folder=str(folder), names=names)).splitlines()


def test_a_file_has_its_window_a_stream_and_its_checksum():
    [whole] = re.findall(r"^_WHOLE = const\((\w+)\)", slices.source_of(slices.PACKED).decode(), re.MULTILINE)
    for octets in (b"", b"x", OCTETS):
        data = pack.deflated(octets)
        assert zlib.decompress(data[1:-4], -data[0]) == octets
        assert zlib.crc32(data) == int(whole, 16)


def test_what_gains_nothing_stays_as_it_was():
    small, noise, large = b"M" + bytes(1000), b"M" + random.Random(1).randbytes(4000), b"M" + bytes(4000)
    assert pack.packed(small) == small and pack.packed(noise) == noise
    assert pack.packed(large) == pack.deflated(large) and len(pack.deflated(large)) < 50


def test_a_board_reads_what_was_packed(tmp_path):
    files = {"a": pack.deflated(OCTETS), "b": pack.deflated(b""), "c": pack.packed(b"M" + bytes(5000)), "d": b"M" + bytes(99)}
    for name, octets in files.items():
        (tmp_path / name).write_bytes(octets)
    assert read(tmp_path, ["a", "b", "c", "d", "e"]) == [str(len(OCTETS)), "0", "5001", "100", "OSError [Errno 2] ENOENT"]


def test_no_room_for_an_import_is_no_missing_file(tmp_path):
    """An import asks a file system with `stat`, and takes what that raises for a file that is not there."""
    module = mpy.compile_source(b"x = 1\n" * 400, "some_module.py", "x64")
    (tmp_path / "some_module.mpy").write_bytes(pack.packed(module))
    found = micropython(SHORT.format(lib=str(LIBRARY / "ipsec/drive"), folder=str(tmp_path))).split()
    assert set(found) == {"MemoryError", "there"} and found[0] == "MemoryError", found


def test_every_damage_is_told(tmp_path):
    """Cut anywhere, and any bit another one: nothing is inflated then, as no import looks at a stream's errors."""
    data = pack.deflated(b"a module, a module, another module")
    made = [data[:n] for n in range(len(data))]
    made += [data[:n] + bytes([data[n] ^ 1 << bit]) + data[n + 1 :] for n in range(len(data)) for bit in range(8)]
    made += [data + b"x", OCTETS]
    for n, octets in enumerate(made):
        (tmp_path / str(n)).write_bytes(octets)
    names = [str(n) for n in range(len(made))]
    assert read(tmp_path, names) == [f"ImportError {tmp_path}/{n} is damaged: install again" for n in names]


def test_the_packages_own_file_keeps_its_names():
    text = "def connect(config, log=None):\n    return NoneType(config)\n\ndef NoneType(a):\n    return ArithmeticError\n"
    made = pack.with_opener(text)
    assert made.startswith(text)
    own = {n.name for n in ast.walk(ast.parse(made[len(text) :])) if isinstance(n, (ast.ClassDef, ast.FunctionDef))}
    assert {"mount", "umount", "stat", "ilistdir", "open"} < own and not {"_Inflated", "NoneType", "ArithmeticError"} & own
    assert made.endswith("__path__ = mount(__path__)\ndel mount\n")


@pytest.mark.slow
def test_a_tunnel_comes_up_from_files_of_the_same_names_that_are_smaller(tmp_path):
    linked, plain = report.joined("aes128ccm16", "x64", packed=True), report.joined("aes128ccm16", "x64")
    files, others = build.files(linked, "x64"), build.files(plain, "x64")
    assert files.keys() == others.keys() >= {filed.FILE, native.MODULE} and linked.packed and not plain.packed
    assert files == build.files(linked, "x64", in_place=True), "what is packed is not in place"
    deflated = {path for path, data in files.items() if data[:1] != b"M"}
    assert deflated > {slices.compiled(part) for part in parts.ALWAYS - {parts.TOP}} | {filed.FILE, native.MODULE}
    assert sum(map(len, files.values())) < 0.75 * sum(map(len, others.values()))
    build.write(linked, "x64", tmp_path)
    assert " True 0." in micropython(HANDSHAKE.format(lib=str(tmp_path), unit=str(check.UNIT_TESTS)))
