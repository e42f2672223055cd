"""What all host tests share: the rule about missing tools."""

import os

import pytest


def require(condition: object, reason: str) -> None:
    """Skip the test for `reason` unless `condition` holds; under CI=true that is a failure, for there nothing may lack.

    `reason` names what is missing and the command that repairs it.
    """
    if condition:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
