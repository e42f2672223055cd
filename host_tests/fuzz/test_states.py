"""A seeded part of `python -m host_tests.fuzz`: every state of a client under spoiled and lying messages."""

import pytest

from host_tests.fuzz.__main__ import fuzz
from host_tests.fuzz.messages import STATES

_MESSAGES = 60_000  # five seconds each


@pytest.mark.slow
@pytest.mark.parametrize("state", STATES)
def test_no_message_breaks_a_promise(state):
    figures = fuzz(state, _MESSAGES, seed=8)
    assert figures["messages"] == _MESSAGES and figures["clients"] > 900
    if state != "init":
        assert figures["proved"] > _MESSAGES // 3 and figures["ended"] > 1000
    assert figures["worst memory"] > 0
