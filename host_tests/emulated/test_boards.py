"""The descriptions in boards/: complete, true to their schema, and consistent with the emulator and the compiler."""

import json
from pathlib import Path

import jsonschema
import pytest

from tools import emulator
from tools.emulator.base import REPOSITORY
from tools.emulator.frozen import inputs
from tools.emulator.stage import stage

FOLDERS = sorted(path for path in (REPOSITORY / "boards").iterdir() if path.is_dir())
REAL = {"ESP32_GENERIC", "ESP32_GENERIC_S3", "ESP32_GENERIC_C3", "ESP32_GENERIC_C6", "RPI_PICO_W", "RPI_PICO2_W"}
EMULATED = {"QEMU_M0PLUS", "QEMU_M3", "QEMU_RV32", "QEMU_XTENSA", "RP2040JS"}
SCHEMA = json.loads((REPOSITORY / "boards/schema.json").read_text())
CHECKER = jsonschema.Draft202012Validator(SCHEMA)

each_board = pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)


def errors(value: object) -> list[str]:
    """What is wrong with a description, each with the path of its place."""
    return [f"{error.json_path}: {error.message}" for error in CHECKER.iter_errors(value)]


def describe(folder: Path) -> dict:
    return json.loads((folder / "board.json").read_text())


def test_every_promised_board_has_a_folder():
    assert {folder.name for folder in FOLDERS} >= REAL | EMULATED


@each_board
def test_description_follows_the_schema(folder):
    assert errors(describe(folder)) == []
    assert describe(folder)["name"] == folder.name


@pytest.mark.parametrize("change, text", [
    ({"chip": None}, "$.chip: None is not of type 'string'"),
    ({"colour": "green"}, "'colour' was unexpected"),
    ({"mpy_arch": "z80"}, "'z80' is not one of"),
    ({"free_heap": {"octets": True, "source": "measured", "note": ""}}, "octets: True is not of type 'integer', 'null'"),
    ({"free_heap": {"octets": 0, "source": "measured", "note": ""}}, "0 is less than the minimum of 1"),
    ({"link": {"kind": "WiFi"}}, "$.link: 'up' is a required property"),
    ({"suites": [7]}, "$.suites[0]: 7 is not of type 'string'"),
])
def test_checker_finds_mistakes(change, text):
    found = errors({**describe(FOLDERS[0]), **change})
    assert len(found) == 1 and text in found[0]


@each_board
def test_figures_say_where_they_come_from(folder):
    board = describe(folder)
    heap = board["free_heap"]
    assert (heap["octets"] is None) == (heap["source"] == "unknown")
    if heap["source"] == "emulated":
        assert board["emulator"]


@each_board
def test_firmware_uses_only_units_the_chip_has(folder):
    crypto = describe(folder)["crypto_hardware"]
    assert all(crypto[unit] for unit in crypto["stock_firmware_uses"])


@each_board
def test_emulated_boards_are_known_to_the_emulator(folder):
    board = describe(folder)
    assert (board["emulator"] is not None) == (folder.name in EMULATED)
    if board["emulator"]:
        target = emulator.target(board["emulator"])
        assert target.board == folder.name
        assert target.march == board["mpy_arch"]
        assert board["flash"] == {"method": "none", "offset": None}
    else:
        assert (board["flash"]["method"] == "esptool") == bool(board["flash"]["offset"])


@each_board
def test_manifest_freezes_the_library(folder):
    frozen, included = [], []
    names = {"package": lambda name, base_path: frozen.append((name, base_path)), "include": included.append}
    exec((folder / "manifest.py").read_text(), names)
    assert [(name, (folder / base).resolve()) for name, base in frozen] == [
        ("ipsec", REPOSITORY / "lib"), ("ipsec", REPOSITORY / "firmware/natmod/frozen"),
    ]  # fmt: skip
    folders = [(folder / base / name).resolve() for name, base in frozen]
    assert [path.resolve() for path in inputs(folder / "manifest.py", True)] == [folder / "manifest.py", *folders]
    assert len(included) == 1
    assert included[0].startswith("$(PORT_DIR)/boards/") or (folder / included[0]).is_file()


@each_board
def test_readme_tells_half_a_page(folder):
    text = (folder / "README.md").read_text()
    assert text.startswith("# ") and 10 <= len(text.splitlines()) <= 60


@pytest.mark.parametrize("march", SCHEMA["properties"]["mpy_arch"]["enum"])
def test_library_compiles_for_every_architecture(march, tmp_path):
    stage(tmp_path, {"lib": REPOSITORY / "lib"}, march)
    sources = {path.relative_to(REPOSITORY / "lib").with_suffix("") for path in (REPOSITORY / "lib").rglob("*.py")}
    assert {path.relative_to(tmp_path / "lib").with_suffix("") for path in tmp_path.rglob("*.mpy")} == sources
