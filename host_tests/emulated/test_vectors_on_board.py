"""Wycheproof, NIST and RFC vectors, and messages that the `cryptography` package judges, on emulated 32-bit boards.

The library is compiled to .mpy files with its viper kernels. Nothing is left out of the cases that host_tests/vectors runs
elsewhere, key exchanges included; those of P-384, which take minutes, are shared out to the boards. Of the random messages, which
CPython and the unix port exchange at every length to 1500 octets, there are here every 25th length, and every alignment at four
lengths. Start reading at `loaded`.
"""

import re
from pathlib import Path

import pytest

from host_tests.conftest import count_tests
from host_tests.emulated.conftest import BOARDS
from host_tests.vectors import exchanges, messages, sources
from tools import emulator
from tools.emulator.stage import compile_mpy, stage

REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAMS = ("cases", "replay", "agree")  # of host_tests/vectors, besides all of host_tests/unit
ROOM = {"heap": 524288, "stack": 24576, "code_apart": True}  # as in test_unit_on_board.py
TIMEOUT_S = 900  # many times what is needed, also on a busy machine
SHARED = ("wycheproof-p384",)  # every case on one of the boards
LEAST = {**sources.LEAST, **{name: least for name, (least, _) in exchanges.LEAST.items() if name not in exchanges.HOST_ONLY}}
PREPARE = "import sys; sys.path.append('/rom/tests')\n"

pytestmark = [pytest.mark.emulated, pytest.mark.filterwarnings("ignore:Diffie-Hellman over finite fields")]


@pytest.fixture(scope="module")
def cases() -> dict[str, list[str]]:
    """Case lines by source."""
    found = {**sources.all_cases(), **exchanges.all_exchanges()}
    return {source: lines for source, lines in found.items() if source not in exchanges.HOST_ONLY}


@pytest.fixture(scope="module")
def loaded(name, tmp_path_factory):
    """A function that has a board do `call`, whose `FILE` is a file of these lines; returns what it printed."""
    march = emulator.target(name).march
    parts = {"lib": REPOSITORY / "lib", "tests": REPOSITORY / "host_tests/unit"}
    rom = stage(tmp_path_factory.mktemp("rom"), parts, march)
    for program in PROGRAMS:
        source = REPOSITORY / f"host_tests/vectors/{program}.py"
        compile_mpy(source, (rom / "tests" / source.name).with_suffix(".mpy"), march, source.name)

    def do(call: str, lines: list[str]) -> str:
        (rom / "lines").write_text("\n".join(lines) + "\n")
        with emulator.start(name, rom=rom, **ROOM) as board:
            return board.exec(PREPARE + call.replace("FILE", "'/rom/lines'"), timeout=TIMEOUT_S)

    return do


@pytest.mark.parametrize("source", LEAST)
def test_vectors(loaded, name, cases, source, request):
    """Every case of the source; one that fails is named by its file and number."""
    lines = cases[source]
    assert cases.keys() == LEAST.keys() and len(lines) >= LEAST[source]
    if source in SHARED:
        lines = lines[BOARDS.index(name) :: len(BOARDS)]
    output = loaded("import replay; replay.main(FILE)", lines)
    summary = re.search(r"^(\d+) passed, (\d+) failed, field machine viper$", output, re.MULTILINE)
    assert summary, output
    passed, failed = map(int, summary.groups())
    count_tests(request.config, f"{name}, published vectors", passed, failed, 0)
    assert (passed, failed) == (len(lines), 0), output


def test_spoiled_cases_are_named(loaded):
    """What the tests above look at does tell a failure: of two cases the one with another digest."""
    good = "good#1 prf 5 0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b 4869205468657265 "
    digest = "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    output = loaded("import replay; replay.main(FILE)", [good + digest, good.replace("good", "bad") + digest[:-1] + "0"])
    assert output == "FAIL bad#1: AssertionError: another output\n1 passed, 1 failed, field machine viper\n"


MESSAGES = {
    "lengths": lambda: messages.requests(messages.MODES, range(0, 1501, 25)),  # 25 on is another alignment
    "alignments": lambda: messages.requests(messages.MODES, (1, 64, 576, 1400), alignments=16),
    "suites": lambda: messages.requests(messages.SUITES, (1, 64, 576)),
    "every bit": lambda: messages.every_bit(messages.MODES),
}


@pytest.mark.parametrize("kind", MESSAGES)
def test_package_agrees(loaded, kind):
    """Random keys and text: sealed as the package does, opened in place and apart, refused with any bit flipped."""
    lines = list(MESSAGES[kind]())
    wrong = messages.all_wrong(lines, loaded("import agree; agree.main(FILE)", lines))
    assert not wrong, "\n".join(wrong[:5])


LOCKED = """
import gc
from micropython import heap_lock, heap_unlock
from test_esp import ROOM, inner, pair

def round_trip(suite, n):
    a, b = pair(suite)
    packet = inner(28 + n)
    buf = bytearray(ROOM) + packet + bytearray(ROOM)
    gc.collect()
    heap_lock()
    try:
        end = a.encap(buf, ROOM, ROOM + 28 + n)
    finally:
        heap_unlock()
    esp = bytearray(buf[ROOM - a.head:end])
    end = len(esp)
    heap_lock()
    try:
        end = b.decap(esp, 0, end)
    finally:
        heap_unlock()
    print(suite[0], suite[3], n, esp[b.head:end] == packet)

for line in open(FILE):
    suite = tuple([int(number) for number in line.split()])
    for n in (1, 64, 576, 1400):
        round_trip(suite, n)
"""


def test_packets_pass_with_the_heap_locked(loaded):
    """ESP around UDP datagrams of 1, 64, 576 and 1400 octets, there and back, with each AEAD and both kinds of numbers."""
    suites = [(encr, 256 if encr in (28, 31) else 128, 0, esn) for encr, _ in messages.SUITES if encr != 12 for esn in (0, 1)]
    output = loaded(LOCKED, [" ".join(map(str, suite)) for suite in suites])
    assert output.splitlines() == [f"{encr} {esn} {n} True" for encr, _, _, esn in suites for n in (1, 64, 576, 1400)]
