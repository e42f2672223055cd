"""What all host tests share: the rule about missing tools, and the counts of tests that ran on other interpreters."""

import os
from pathlib import Path

import pytest

# Where devices, gateways and boards run as processes that live by the clock: with CPUs that others use too, one stands still
# for a second now and then. Such a test may try again, and the summary names it (RERUN); RERUNS=0 shows what fails at once.
CLOCKED = ("board_tool", "emulated", "inet", "interop", "link", "responder", "system")
RERUNS = int(os.environ.get("RERUNS", "2"))

_COUNTS = pytest.StashKey[dict[str, list[int]]]()


def require(condition: object, reason: str) -> None:
    """Skip the test for `reason` unless `condition` holds; under CI=true that is a failure, for there nothing may lack.

    `reason` names what is missing and the command that repairs it.
    """
    if condition:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def count_tests(config: pytest.Config, where: str, passed: int, failed: int, skipped: int) -> None:
    """Add to the counts of an interpreter or board, which are printed at the end."""
    total = config.stash.setdefault(_COUNTS, {}).setdefault(where, [0, 0, 0])
    for i, n in enumerate((passed, failed, skipped)):
        total[i] += n


def pytest_collection_modifyitems(items):
    """Tests that live by the clock may try again."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here) and item.path.relative_to(here).parts[0] in CLOCKED:
            item.add_marker(pytest.mark.flaky(reruns=RERUNS))


def pytest_sessionfinish(session):
    """A worker of pytest-xdist hands its counts over."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["counts"] = session.config.stash.get(_COUNTS, {})


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error):
    """The one who started the workers adds them up."""
    for where, (passed, failed, skipped) in getattr(node, "workeroutput", {}).get("counts", {}).items():
        count_tests(node.config, where, passed, failed, skipped)


def pytest_terminal_summary(terminalreporter, config):
    """One line for each place where unit tests ran besides this CPython."""
    for where, (passed, failed, skipped) in sorted(config.stash.get(_COUNTS, {}).items()):
        terminalreporter.write_line(f"unit tests on {where}: {passed} passed, {failed} failed, {skipped} skipped")
