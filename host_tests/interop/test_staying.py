"""The table of `staying.py`: how long a tunnel is of no use when its gateway, its network or its address changes."""

import pytest

from host_tests.interop import staying

pytestmark = [pytest.mark.interop, pytest.mark.slow, pytest.mark.usefixtures("root")]

_DEFAULT = ("gateway killed, back in 2 s", "NAT rebinding", "our address changes", "program sleeps 45 s")


def _check(name: str, options: dict, is_default: bool = False) -> None:
    row = staying.ROWS[name]
    limit_s = row.default_s if is_default else row.fast_s
    gap_s, events, status = staying.measure(row, options, limit_s + 4)
    assert gap_s <= limit_s, (gap_s, events, status)
    assert row.down or not any(event.startswith("down") for event in events), (events, status)


@pytest.mark.parametrize("name", [name for name in staying.ROWS if name != "silent 90 s"])
def test_with_fast_options(name):
    _check(name, staying.FAST)


@pytest.mark.parametrize("name", _DEFAULT)
def test_with_the_options_as_they_are(name):
    _check(name, {}, is_default=True)


@pytest.mark.parametrize("options", [staying.FAST, {}], ids=["fast", "default"])
def test_nat_rebinding_without_mobike(options):
    _check("NAT rebinding", {**options, "mobike": False}, is_default=not options)
