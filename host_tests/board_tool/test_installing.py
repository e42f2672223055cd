"""Installing the way people do: the wheel in a clean environment, mip over HTTP, completion, the release's contents."""

import functools
import hashlib
import http.server
import json
import os
import re
import subprocess
import sys
import threading
import venv
import zipfile
from pathlib import Path

import pytest

from host_tests.board_tool.conftest import SECRET, tool, write_plan
from host_tests.conftest import require
from ipsec_board import link, packages
from ipsec_board.paths import REPOSITORY
from tools import api, release


def test_the_api_reference_is_current():
    assert not api.is_stale(), "give `python -m tools.api`"
    page = api.PAGE.read_text()
    for heading in ("## `ipsec.connect`", "### `ping`", "### `is_up`", "## `ipsec.event.Event`", "# natt_port = 4500"):
        assert heading in page
    assert "](#" not in page


@pytest.fixture(scope="module")
def dist(tmp_path_factory) -> Path:
    """A release, for the unix port alone."""
    out = tmp_path_factory.mktemp("dist")
    release.release(out, ["x64"])
    return out


def wheel(dist: Path, name: str = "ipsec_uplink") -> Path:
    return next(dist.glob(f"{name}-*.whl"))


@pytest.mark.slow
def test_a_release_is_whole_and_its_checksums_are_right(dist, tmp_path):
    sums = dict(reversed(line.split("  ")) for line in (dist / release.SUMS).read_text().splitlines())
    found = {p.relative_to(dist).as_posix(): p for p in dist.rglob("*") if p.is_file() and p.name != release.SUMS}
    assert sums.keys() == found.keys()
    assert all(hashlib.sha256(p.read_bytes()).hexdigest() == sums[name] for name, p in found.items())
    done = subprocess.run(["sha256sum", "--check", "--quiet", release.SUMS], cwd=dist, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    for index in (*dist.glob("mip/*/package*.json"),):
        assert all((index.parent / url).is_file() for _, url in json.loads(index.read_text())["urls"]), index
    assert wheel(dist).name.split("-")[1] == packages.version()
    with pytest.raises(release.BoardError, match="is not empty"):
        release.release(dist, ["x64"])
    assert set(release.architectures()) >= {"armv6m", "armv7emsp", "rv32imc", "xtensawin"}


@pytest.mark.slow
def test_the_wheel_has_what_the_tool_needs_and_no_more(dist):
    names = zipfile.ZipFile(wheel(dist)).namelist()
    wanted = {"ipsec/py.typed", "ipsec/__init__.pyi", "ipsec_board/firmware/uplink/app.py", "ipsec_board/onboard/doctor.py"}
    assert wanted <= {*names}
    assert {n.split("/")[0].split("-")[0] for n in names} == {"ipsec", "ipsec_board", "ipsec_uplink"}
    stubs = zipfile.ZipFile(wheel(dist, "ipsec_uplink_stubs"))
    text = stubs.read("ipsec-stubs/drive/sync.pyi").decode()
    assert re.search(r"def ping\(self, host: str", text) and "Round trip of one ICMP echo" in text


@pytest.fixture(scope="module")
def clean(tmp_path_factory) -> Path:
    """A new virtual environment after `pip install .`: what it depends on comes from the package index."""
    folder = tmp_path_factory.mktemp("clean")
    venv.create(folder / "venv", with_pip=True)
    argv = [folder / "venv/bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", REPOSITORY]
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, cwd=folder)
    require("No matching distribution" not in done.stderr, f"no package index: {done.stderr.strip()[-200:]}")
    assert done.returncode == 0, done.stderr
    return folder


def run(clean: Path, *argv: object) -> subprocess.CompletedProcess:
    """A program of the clean environment, from a folder without the checkout."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    command = [str(clean / "venv/bin" / str(argv[0])), *map(str, argv[1:])]
    return subprocess.run(command, cwd=clean, env=environment, capture_output=True, text=True, timeout=120)


@pytest.mark.slow
def test_the_command_and_its_completion(clean):
    assert run(clean, "ipsec-board", "--version").stdout.strip() == f"ipsec-board {packages.version()}"
    script = run(clean, "ipsec-board", "--print-completion", "bash").stdout
    (clean / "complete.bash").write_text(script)
    ask = 'source complete.bash; COMP_WORDS=(ipsec-board ga); COMP_CWORD=1; _shtab_ipsec_board; echo "${COMPREPLY[@]}"'
    done = subprocess.run(["bash", "-c", ask], cwd=clean, capture_output=True, text=True)
    assert done.stdout.split() == ["gateway"], done.stderr


@pytest.mark.slow
def test_types(clean):
    (clean / "program.py").write_text('import ipsec\nreveal_type(ipsec.connect("x"))\nipsec.connect(7)\n')
    options = ["--python-executable", str(clean / "venv/bin/python"), "--cache-dir", str(clean / "cache")]
    argv = [sys.executable, "-m", "mypy", *options, "program.py"]
    done = subprocess.run(argv, cwd=clean, capture_output=True, text=True)
    assert 'program.py:2: note: Revealed type is "ipsec.drive.sync.Uplink"' in done.stdout, done.stdout
    assert 'program.py:3: error: Argument 1 to "connect" has incompatible type "int"' in done.stdout


@pytest.mark.slow
def test_stubs_alone_tell_an_editor_the_verbs(dist, tmp_path):
    """For MicroPython projects: the library is on the board, the types are here."""
    venv.create(tmp_path / "venv", with_pip=False)
    site = next((tmp_path / "venv").glob("lib/python*/site-packages"))
    zipfile.ZipFile(wheel(dist, "ipsec_uplink_stubs")).extractall(site)
    (tmp_path / "main.py").write_text('import ipsec\nu = ipsec.connect("x")\nreveal_type(u.resolve("y"))\nu.pong()\n')
    options = ["--python-executable", str(tmp_path / "venv/bin/python"), "--cache-dir", str(tmp_path / "cache")]
    done = subprocess.run([sys.executable, "-m", "mypy", *options, "main.py"], cwd=tmp_path, capture_output=True, text=True)
    assert 'main.py:3: note: Revealed type is "str"' in done.stdout, done.stdout
    assert '"Uplink" has no attribute "pong"' in done.stdout and "Found 1 error" in done.stdout, done.stdout


@pytest.mark.slow
def test_the_library_runs(clean):
    code = "import ipsec; from ipsec.crypto import backend; backend.self_test(20, 0); print(backend.NAME, ipsec.__file__)"
    done = run(clean, "python", "-c", code)
    assert done.stdout.startswith("host ") and "site-packages" in done.stdout, done.stderr


@pytest.mark.slow
def test_from_an_empty_folder_to_a_board(clean, board):
    """The installed tool, without the checkout: a first file, a key, the gateway's side, and the board."""
    for argv in (
        ("provision", "--init", "device.toml"), ("provision", "--new-psk", "--check", "device.toml"),
        ("gateway", "strongswan", "device.toml", "--out", "gw"), ("provision", "--port", board.port, "device.toml"),
        ("install", "--port", board.port, "--config", "device.toml", "--app"),
    ):  # fmt: skip
        done = run(clean, "ipsec-board", *argv)
        assert done.returncode == 0, (argv, done.stdout, done.stderr)
    assert (clean / "gw/uplink.conf").is_file()
    with link.connect(board.port) as b:
        assert b.run("import ipsec.drive.aio, uplink.app\nprint('loaded')").strip() == "loaded"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def server(dist):
    """The release on a web server."""
    handler = functools.partial(Quiet, directory=str(dist))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


@pytest.mark.parametrize(("kind", "ending"), [("x64", ".mpy"), ("source", ".py")])
@pytest.mark.slow
def test_mip_installs_over_http(board, server, tmp_path, kind, ending):
    argv = [sys.executable, "-m", "mpremote", "connect", board.port, "mip", "install", f"{server}/mip/{kind}/package.json"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and f"ipsec/tunnel{ending}" in done.stdout, done.stdout + done.stderr
    plan = write_plan(tmp_path)
    assert tool("provision", "--port", board.port, plan).status == 0
    with link.connect(board.port) as b:
        code = "from ipsec.drive.sync import Uplink\nu = Uplink('ipsec.json')\nprint(u.config.gateway, u.tunnel.is_up)"
        assert b.run(code, timeout=60).strip() == "127.0.0.1 False"
        names = b.script("hashes", timeout=60, FOLDERS=["/lib"], FILES=[])
    assert {Path(n).suffix for n in names} == {ending} and SECRET not in str(names)


@pytest.mark.slow
def test_the_indexes_have_the_librarys_version():
    assert packages.version() == json.loads((REPOSITORY / "lib/package.json").read_text())["version"]
