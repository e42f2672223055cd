"""mip: the indexes are current, and mpremote installs them from the checkout, as sources and as .mpy files."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from host_tests.board_tool.conftest import tool
from ipsec_board import link, native, packages, slices


def mip(board, index) -> str:
    argv = [sys.executable, "-m", "mpremote", "connect", board.port, "mip", "install", str(index)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_indexes_are_current():
    assert packages.stale() == [], "give `ipsec-board packages`"
    assert tool("packages", "--check").status == 0


def test_an_outdated_index_is_found_and_mended(tmp_path, monkeypatch):
    monkeypatch.setattr(slices, "LIBRARY", tmp_path)
    (tmp_path / "ipsec").mkdir()
    (tmp_path / "ipsec" / "__init__.py").write_text("")
    (tmp_path / "package.json").write_text("{}")
    (tmp_path / "package-gone.json").write_text("{}")
    assert packages.stale() == ["package-gone.json", "package.json"]
    assert tool("packages", "--check").status == 1
    packages.update()
    assert packages.stale() == [] and not (tmp_path / "package-gone.json").exists()


def test_every_module_for_boards_is_in_an_index():
    listed = {url for text in packages.indexes().values() for _, url in json.loads(text)["urls"]}
    modules = slices.needed(None, "", slices.SLICES)
    assert listed == {slices.path_of(m).as_posix() for m in modules}
    compiled = {url for text in packages.indexes("x64").values() for _, url in json.loads(text)["urls"]}
    files = {slices.path_of(m).with_suffix(".mpy").as_posix() for m in modules if not slices.is_replaced(m)}
    assert compiled == files | {native.MODULE}
    compiled = {url for text in packages.indexes("xtensa").values() for _, url in json.loads(text)["urls"]}  # no C for ESP8266
    assert compiled == {slices.path_of(m).with_suffix(".mpy").as_posix() for m in modules}


def test_mip_installs_the_sources_from_the_checkout(board):
    assert "ipsec/tunnel.py" in mip(board, slices.LIBRARY / "package.json")
    with link.connect(board.port) as b:
        program = "import ipsec.drive.sync, ipsec.crypto.modes.ccm, ipsec.crypto.groups.x25519\nprint('loaded')"
        assert b.run(program).strip() == "loaded"


def test_mip_installs_compiled_packages(board, tmp_path):
    said = tool("packages", "--arch", "x64", "--out", tmp_path / "x64")
    assert said.status == 0, said.err
    mip(board, tmp_path / "x64" / "package.json")
    mip(board, tmp_path / "x64" / "package-chacha.json")
    with link.connect(board.port) as b:
        names = b.script("hashes", timeout=60, FOLDERS=["/lib"], FILES=[])
        assert "/lib/ipsec/crypto/modes/chapoly.mpy" in names and not [n for n in names if n.endswith(".py")]
        b.run("from ipsec.crypto import backend\nbackend.self_test(12, 12)", timeout=60)
        assert "C kernels" in b.run("print(backend.report())", timeout=60)


@pytest.mark.parametrize("arguments", [("--arch", "armv6m")])
def test_arch_wants_a_folder(arguments):
    said = tool("packages", *arguments)
    assert said.status == 1 and "--out" in said.err


_README_PROGRAM = """
import sys
sys.path[:] = ['.frozen', %r]
from ipsec.config import Config
from ipsec.errors import ConfigError
from ipsec.drive.sync import Uplink
options = dict(gateway="127.0.0.1", local_id="device-17.example.org", remote_id="vpn.example.org",
               psk="x" * 32, remote_ts=["10.10.0.0/24"], retransmit_ms=50, retransmit_tries=1, reconnect=False)
uplink = Uplink(Config(**options))
uplink._begin()
print("IKE_SA_INIT" if uplink.tunnel._ikes.lead.window.active else "nothing")
uplink.close()
try:
    Uplink(Config(**options), keylog=print)
except ConfigError as e:
    print(e)
"""


@pytest.mark.parametrize("arch", ["", "x64"], ids=["sources", "compiled"])
def test_the_default_package_alone_runs_the_configuration_of_the_readme(tmp_path, arch):
    """And what it has not is refused before the first packet, with the remedy."""
    source = slices.LIBRARY
    if arch:
        source = tmp_path / "lib"
        packages.build(arch, source)
    for _, url in json.loads(packages.indexes(arch)["package.json"])["urls"]:
        target = tmp_path / "board" / url
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((source / url).read_bytes())
    program = _README_PROGRAM % str(tmp_path / "board")
    argv = [str(Path(sys.executable).with_name("micropython")), "-X", "heapsize=2m", "-c", program]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    first, second = done.stdout.splitlines()
    assert first == "IKE_SA_INIT" and "keylog" in second and "install it" in second


def test_every_gate_is_a_module_that_is_there():
    for name, part in slices.SLICES.items():
        for gate in part.gates:
            assert slices.source_of(gate), (name, gate)
