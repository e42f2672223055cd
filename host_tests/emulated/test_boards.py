"""The descriptions in boards/: complete, true to their schema, and consistent with the emulator and the compiler."""

import json
from pathlib import Path

import pytest

from tools import emulator
from tools.emulator.base import REPOSITORY
from tools.emulator.stage import stage

FOLDERS = sorted(path for path in (REPOSITORY / "boards").iterdir() if path.is_dir())
REAL = {"ESP32_GENERIC", "ESP32_GENERIC_S3", "ESP32_GENERIC_C3", "ESP32_GENERIC_C6", "RPI_PICO_W", "RPI_PICO2_W"}
EMULATED = {"QEMU_M0PLUS", "QEMU_M3", "QEMU_RV32", "RP2040JS"}
SCHEMA = json.loads((REPOSITORY / "boards/schema.json").read_text())
TYPES = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool, "null": type(None)}

each_board = pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)


def errors(value: object, schema: dict, where: str = "board") -> list[str]:
    """What is wrong with a value; knows the words of JSON Schema that boards/schema.json uses."""
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(isinstance(value, TYPES[kind]) and isinstance(value, bool) == (kind == "boolean") for kind in kinds):
        return [f"{where}: {value!r} is not {' or '.join(kinds)}"]
    found = []
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{where}: {value!r} is none of {schema['enum']}")
    if isinstance(value, int) and value < schema.get("minimum", value):
        found.append(f"{where}: {value} is less than {schema['minimum']}")
    if isinstance(value, list):
        found += [e for i, item in enumerate(value) for e in errors(item, schema["items"], f"{where}[{i}]")]
    if isinstance(value, dict):
        found += [f"{where}: {key} is missing" for key in schema["required"] if key not in value]
        found += [f"{where}: {key} is unknown" for key in value if key not in schema["properties"]]
        found += [e for key, part in schema["properties"].items() if key in value
                  for e in errors(value[key], part, f"{where}.{key}")]
    return found


def describe(folder: Path) -> dict:
    return json.loads((folder / "board.json").read_text())


def test_every_promised_board_has_a_folder():
    assert {folder.name for folder in FOLDERS} >= REAL | EMULATED


@each_board
def test_description_follows_the_schema(folder):
    assert errors(describe(folder), SCHEMA) == []
    assert describe(folder)["name"] == folder.name


@pytest.mark.parametrize("change, text", [
    ({"chip": None}, "board.chip: None is not string"),
    ({"colour": "green"}, "board: colour is unknown"),
    ({"mpy_arch": "z80"}, "'z80' is none of"),
    ({"free_heap": {"octets": True, "source": "measured", "note": ""}}, "octets: True is not integer or null"),
    ({"free_heap": {"octets": 0, "source": "measured", "note": ""}}, "0 is less than 1"),
    ({"link": {"kind": "WiFi"}}, "board.link: up is missing"),
    ({"suites": [7]}, "board.suites[0]: 7 is not string"),
])
def test_checker_finds_mistakes(change, text):
    found = errors({**describe(FOLDERS[0]), **change}, SCHEMA)
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
    assert [(name, (folder / base).resolve()) for name, base in frozen] == [("ipsec", REPOSITORY / "lib")]
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
