"""The bench: what it shows comes from what it measured, and a short run on an emulated board measures something plausible."""

import copy
import json
import os
import re
import xml.etree.ElementTree as ElementTree

import pytest

from host_tests.conftest import require
from tools import emulator
from tools.bench import __main__ as bench
from tools.bench import aims, compare, plot, runner, sections, tables
from tools.emulator.base import REPOSITORY

BOARD = "qemu-m0plus"
PAIR = [1_000_000, 2_000_000]
RESULTS = {
    "boards": {
        BOARD: {
            "packets": {
                "stock": {
                    "c": {"aes-cbc": 500_000},
                    "suites": {"AES-CCM-16": {"cipher": {"64": [31_000, 32_000], "1400": PAIR},
                                              "esp": {"64": [45_000, 55_000], "1400": [1_150_000, 1_150_000]}}},
                },
                "native": {"not_run": "no compiler"},
            },
            "groups": {"stock": {"X25519": {"make": 20_000_000, "agree": 38_000_000}, "kernel": "viper"}},
            "session": {
                "stock": {
                    "handshake": {"steps": {"start": 10_000_000, "INIT response": 11_000_000, "AUTH response": 3_000_000,
                                            "close": 1_000_000}, "total": 25_000_000, "x25519": 20_000_000, "kernel": "viper"},
                    "first": {"total": 26_000_000},
                    "paths": {"AES-GCM-16": [300_000, 400_000]},
                    "tls": {"unverified": {"client": [110_000_000, 100_000_000]}, "verified": {"client": [125_000_000]}},
                    "records": [600_000, 500_000],
                },
            },
            "joined": {"texts on the device": {"octets": 90_000, "heap": 90_000, "least": 130_000},
                       "texts on the device, packed": {"octets": 60_000}, "frozen": {"least": 61_440}},
            "flash": {"psk_mpy": 40_000, "all_mpy": 90_000, "all_frozen": 80_000},
            "loading": {"py": 270_000_000, "mpy": 70_000_000, "frozen": 5_000_000},
            "heap": {
                "import": {"boot": {"65536": 62_000}, "ways": {"frozen": {"free": {"65536": 41_000}},
                                                               "py+gc": {"free": {"65536": None}}}},
                "frozen": {"boot": 5_000, "library": 34_000, "peak": 11_111, "up": 9_999},
                "tunnel": {"65536": 17_000}, "least": 61_440, "fits_without_threshold": False,
            },
        },
    },
}


def processor_s() -> float:
    """Seconds of processor time, children included: what a machine with nothing else to do would need at the most."""
    return sum(os.times()[:4])


CHANGES: list[tuple[list, object, bool]] = [
    (["groups", "stock", "X25519", "make"], 20_300_000, False),
    (["groups", "stock", "X25519", "make"], 20_500_000, True),
    (["groups", "stock", "X25519", "make"], 1, False),
    (["packets", "stock", "suites", "AES-CCM-16", "esp", "64"], [45_000, 57_000], True),
    (["session", "stock", "handshake"], {"not_run": "no compiler"}, False),
    (["session", "stock", "handshake"], {"not_run": "it is broken", "failed": "it is broken"}, True),
    (["session", "stock", "records"], [700_000, 700_000], False),
    (["heap", "least"], 65_536, True),
    (["heap", "tunnel", "65536"], 16_900, False),
    (["heap", "tunnel", "65536"], 16_000, True),
    (["heap", "tunnel", "65536"], 18_000, False),
    (["heap", "tunnel", "65536"], None, True),
    (["heap"], {}, True),
]


@pytest.mark.parametrize("path, value, is_worse", CHANGES)
def test_what_is_worse_than_the_committed_figures(path, value, is_worse):
    results = copy.deepcopy(RESULTS)
    place: dict = results["boards"][BOARD]
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    found = compare.worse(RESULTS, results)
    assert bool(found) == is_worse and all("/".join(path) in rise.name for rise in found)
    assert not compare.worse(results, {"boards": {}}) and not compare.worse(results, {"boards": {BOARD: {}}})


def verdict(text: str, results: dict = RESULTS) -> aims.Verdict:
    """The verdict on the first aim that begins so."""
    return next(v for v in aims.verdicts(results) if v.aim.text.startswith(text))


def changed(*path, value) -> dict:
    """The results with another figure at a path."""
    results = copy.deepcopy(RESULTS)
    place = results
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return results


def test_the_same_figures_give_the_same_page():
    read_back = json.loads(json.dumps(RESULTS))
    assert tables.markdown(read_back) == tables.markdown(RESULTS)
    assert plot.svg(read_back) == plot.svg(RESULTS)


@pytest.mark.parametrize("path, value, row", [
    (("boards", BOARD, "joined", "texts on the device, packed", "octets"), 65_331,
     f"| joined files of a PSK tunnel, packed | {BOARD} | 65,331 | 59,392 | missed by 10 % |"),
    (("boards", BOARD, "joined", "texts on the device", "octets"), 88_417,
     f"| {BOARD} | texts on the device | 88,417 | 90,000 | 130,000 |"),
    (("boards", BOARD, "joined", "frozen", "least"), 57_344, f"| {BOARD} | frozen | - | - | 57,344 |"),
    (("boards", BOARD, "heap", "frozen", "peak"), 12_345, "29,000 | 12,345 | 9,999 | 61,440 | no room |"),
    (("boards", BOARD, "packets", "stock", "c", "aes-cbc"), 1_000_000, "| AES-CCM-16 | viper | 1.50 | 1.15 | not run |"),
    (("boards", BOARD, "session", "stock", "records"), [300_000, 800_000], "| AES-GCM-16 | 1.00 | 0.50 | 300.0 k |"),
    (("boards", BOARD, "heap", "tunnel", "65536"), None, "100 packets through a tunnel, frozen | no room |"),
])
def test_another_figure_gives_another_row(path, value, row):
    assert row not in tables.markdown(RESULTS)
    assert row in tables.markdown(changed(*path, value=value))


def test_aims_are_met_missed_or_not_run():
    assert (verdict("AES-CCM-16, ESP of 1400").value, verdict("AES-CCM-16, ESP of 1400").text) == (2.3, "met")
    assert verdict("AES-CCM-16, ESP of 64").text == "missed by 67 %"
    assert verdict("X25519, viper").text == "missed by 100 %"
    assert verdict("X25519, native").text == "not run"
    assert aims.handshake_ratio("stock")(RESULTS["boards"][BOARD]) == 0.25
    assert verdict("1400 octets into").value == 0.8


def test_what_shall_be_none_is_missed_by_one_octet():
    aim = aims.Aim("garbage", 0, "octets", lambda figures: figures["n"])
    assert aims.Verdict(aim, BOARD, 0).text == "met"
    assert aims.Verdict(aim, BOARD, 16).text.startswith("missed")
    assert aims.Verdict(aim, BOARD, None).text == "not run"


def test_what_was_not_run_is_shown_with_the_reason():
    assert f"| {BOARD} | packets native | no compiler |" in tables.markdown(RESULTS)


def test_plot_has_a_bar_for_every_measured_aim():
    root = ElementTree.fromstring(plot.svg(RESULTS))
    bars = root.findall("{*}rect")[1:]
    measured = [v for v in aims.verdicts(RESULTS) if v.value is not None]
    assert len(bars) == len(measured) > 5
    widths = [float(bar.get("width", 0)) for bar in bars]
    assert widths == pytest.approx([min(v.share, 2) * 240 for v in measured], abs=0.1)


def test_page_in_the_tree_has_every_aim():
    page = (REPOSITORY / "docs/figures.md").read_text()
    plotted = (REPOSITORY / "docs/figures.svg").read_text()
    for found in aims.verdicts({}):
        row = re.search(rf"^\| {re.escape(found.aim.text)} \| {found.board} \| (.+?) \|", page, re.MULTILINE)
        assert row, f"docs/figures.md has no {found.aim.text} on {found.board}: run {tables.COMMAND}"
        assert row.group(1) == "not run" or f"{found.aim.text}, {found.board}" in plotted


def test_sections_that_were_measured_again_replace_what_was_known():
    found = {"boards": {BOARD: {"session": {"installed": {"handshake": {"total": 1}}}}}}
    both = bench.merged(copy.deepcopy(RESULTS), found)["boards"][BOARD]
    assert both["session"] == {"installed": {"handshake": {"total": 1}}}
    assert both["flash"] == RESULTS["boards"][BOARD]["flash"]


@pytest.mark.emulated
def test_handshake_is_measured_on_joined_files():
    try:
        emulator.build(BOARD)
        with runner.prepared(BOARD, aims.INSTALLED, program="early") as running:
            names = {path.name for path in (running.folder / "lib/ipsec").iterdir()}
            found = sections.early(BOARD, aims.INSTALLED)
    except emulator.MissingTool as e:
        require(False, str(e))
    assert {"_core.mpy", "_data.mpy", "_ike.mpy", "_drive.mpy", "native.mpy"} < names and "upkeep.mpy" not in names
    assert 5e6 < found["-1"] < found["4096"] < 20e6


@pytest.mark.emulated
def test_short_run_measures_something_plausible(tmp_path):
    try:
        emulator.build(BOARD)
    except emulator.MissingTool as e:
        require(False, str(e))
    file = tmp_path / "bench.json"
    begun = processor_s()
    assert bench.main(["--quick", "--board", BOARD, "--json", str(file)]) == 0
    assert processor_s() - begun < 60
    figures = json.loads(file.read_text())["boards"][BOARD]
    c = figures["packets"]["stock"]["c"]
    two_passes = (c["aes-cbc"] + c["aes-ecb"]) / c["aes-cbc"]
    assert 1.8 < two_passes < 2.1
    assert two_passes < aims.suite_ratio("AES-CCM-16", layer="cipher")(figures) < two_passes + 0.6
    assert 5e6 < figures["groups"]["stock"]["X25519"]["agree"] < 25e6


def test_readme_tables_are_replaced_between_their_marks():
    text = f"before {tables.README_BEGIN} old {tables.README_END} after"
    once = tables.readme(text, RESULTS)
    assert "old" not in once and once.startswith("before ") and once.endswith(" after")
    assert tables.readme(once, RESULTS) == once
    assert "| AES-CCM-16, ESP of 64 octets | qemu-m0plus |" in once and len(once.splitlines()) <= 14
    readme = (REPOSITORY / "README.md").read_text()
    assert "joined files of a PSK tunnel" in readme.split(tables.README_BEGIN)[1].split(tables.README_END)[0]
