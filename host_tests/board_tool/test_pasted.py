"""What administrators paste from the documents of strongSwan, libreswan, IOS XE, Junos, FortiOS, pfSense, OPNsense, RouterOS, AWS
and Azure: pasted.json has the value and the remedy, "" where it is taken. No remedy may become worse.
"""

import json
import re
import tomllib
from pathlib import Path

import pytest

from host_tests.board_tool.test_typed import ask

PASTED: dict[str, list] = json.loads(Path(__file__).with_name("pasted.json").read_text())
_SAYS = re.compile(r"^(?:such as: |remove the line for the built-in list, or write )")


def pasted(options: dict, remedy: str) -> dict:
    """The options with the lines of a remedy in place of what they had."""
    found: dict = {}
    for part in re.split(r"; (?=\w+ = )", _SAYS.sub("", remedy)):
        gone = re.fullmatch(r"remove the line (\w+) = \.\.\.", part)
        found |= {gone[1]: None} if gone else tomllib.loads(part)
    return {name: value for name, value in {**options, **found}.items() if value is not None}


@pytest.mark.parametrize("option", PASTED)
def test_what_is_pasted_works_or_gets_the_line_to_write(option):
    worse = []
    for value, wanted in PASTED[option]:
        remedy = "; ".join(remedy for _, remedy in ask(**{option: value}))
        if remedy != wanted:
            worse.append((value, wanted, remedy))
        elif remedy and option not in ("auth", "remote_auth"):  # other methods want files, too
            assert ask(**pasted({option: value}, remedy)) == [], (value, remedy)
    assert not worse


def test_there_are_many():
    assert sum(map(len, PASTED.values())) > 800
