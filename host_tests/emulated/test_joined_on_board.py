"""Joined files (`ipsec_board.linker`) on an emulated Cortex-M0+: the unit tests, and the heap that a tunnel needs."""

import re

import pytest

from host_tests.conftest import count_tests
from host_tests.emulated import in_flash
from host_tests.emulated.conftest import build
from host_tests.emulated.test_unit_on_board import MODULES, ROOM, TIMEOUT_S
from ipsec_board.linker import build as joined_files
from ipsec_board.linker.link import link
from tools import emulator
from tools.bench import certified, runner, sections
from tools.emulator import memory
from tools.emulator.stage import stage
from tools.link import check, report

NAME = "qemu-m0plus"
LEAST_KB = 140  # a tunnel and 100 packets, from files and the native module; plain ones need more
FROZEN = 48 * 1024  # the same, joined files frozen into the firmware
CERTIFIED_KB = {"joined": 128, "joined and frozen": 64}  # with certificates; the aims are 128 and 64

pytestmark = pytest.mark.emulated


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """A function that gives a board with joined files, whose bytecode runs from flash, and the unit tests that fit them."""
    build(NAME)
    march = emulator.target(NAME).march
    folder = tmp_path_factory.mktemp("joined")
    check.prepare(folder, march, in_place=True)
    stage(folder, {"unit": folder / "tests"}, march)
    boards: list[emulator.Board] = []

    def running() -> emulator.Board:
        if not boards or boards[-1].process.poll() is not None:
            boards.append(emulator.start(NAME, rom=folder, **ROOM))
            boards[-1].exec(memory._INSTALL)
        return boards[-1]

    yield running
    for board in boards:
        board.stop()


def test_what_was_loaded_runs_from_flash(loaded):
    code = "import sys; sys.path[:] = ['/lib']; import ipsec.drive.sync" + in_flash.PROGRAM
    kept, moved = in_flash.counted(loaded().exec(code))
    assert moved > 500 and kept < moved / 20


@pytest.mark.parametrize("module", [m for m in MODULES if m not in check.TWINS])
def test_module_passes_on_joined_files(loaded, module, request):
    skip = f"plain = run.run_test\nrun.run_test = lambda name, *more: name in {check.INSIDE!r} or plain(name, *more)"
    program = f"import sys; sys.path[:] = ['/lib', '/rom/unit', '.frozen']; import run\n{skip}\nrun.main(['{module}'])"
    output = loaded().exec(program, timeout=TIMEOUT_S)
    summary = re.search(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", output, re.MULTILINE)
    assert summary, output
    passed, failed, skipped = map(int, summary.groups())
    count_tests(request.config, "joined", passed, failed, skipped)
    assert not failed, output


def test_a_tunnel_comes_up_where_plain_files_find_no_room():
    build(NAME)
    march = emulator.target(NAME).march
    linked = report.joined("aes128ccm16", march)
    assert report.least_heap(report.joined_files(linked, march, report.NAMES), march, NAME, (LEAST_KB,)) == LEAST_KB
    assert report.least_heap(report.plain_files(linked, march, report.PLAIN_NAMES), march, NAME, (LEAST_KB,)) is None


def test_packed_files_take_no_more_heap():
    build(NAME)
    march = emulator.target(NAME).march
    linked = report.joined("aes128ccm16", march, packed=True)
    assert report.least_heap(report.joined_files(linked, march, report.NAMES), march, NAME, (LEAST_KB,)) == LEAST_KB


def test_a_tunnel_fits_in_48_kib_with_joined_files_frozen(tmp_path):
    build(NAME)
    joined_files.write_sources(link(report.frozen(emulator.target(NAME).march, report.config("aes128ccm16"))), tmp_path)
    with runner.prepared(NAME, library="frozen") as running:
        for threshold in (4096, -1):
            free = sections.try_traffic(running, FROZEN, threshold, tmp_path)
            assert free is not None and free > 2000


@pytest.mark.parametrize("way", CERTIFIED_KB)
def test_a_tunnel_by_certificates_fits(way):
    build(NAME)
    with certified._installed(NAME, way) as (running, frozen, gateway):
        free = certified.try_traffic(running, CERTIFIED_KB[way], frozen, gateway)
    assert free is not None and free > 2000
