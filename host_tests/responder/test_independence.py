"""The responder shares no code with the library, or their agreement would mean nothing."""

import ast
import sys
from pathlib import Path

OURS = sorted(Path(__file__).parent.glob("*.py"))


def imported(path: Path) -> set[str]:
    """Top-level names of the modules that a file imports, "." for its own package."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.add("." if node.level else (node.module or "").split(".")[0])
    return names


def test_nothing_of_the_library_is_imported():
    assert len(OURS) > 25
    assert [path.name for path in OURS if "ipsec" in imported(path)] == []


def test_the_program_needs_only_cryptography_and_scapy():
    """Tests may use more; scapy writes captures and answers for a DNS server, no part of IKE or ESP."""
    allowed = set(sys.stdlib_module_names) | {".", "cryptography", "scapy"}
    program = [path for path in OURS if not path.name.startswith("test_")]
    assert {path.name: imported(path) - allowed for path in program if imported(path) - allowed} == {}


def test_files_are_short():
    assert [path.name for path in OURS if len(path.read_text().splitlines()) > 400 and "test_" not in path.name] == []
