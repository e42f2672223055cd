"""What all host tests share: the rule about missing tools, and the counts of tests that ran on other interpreters."""

import os

import pytest

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
