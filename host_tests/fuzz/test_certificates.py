"""A few thousand mutated certificates; `python -m host_tests.fuzz --certificates 1000000` takes more."""

import pytest

from host_tests.fuzz import certificates


def test_mutated_certificates():
    figures = certificates.fuzz(4000, 20)
    assert figures["certificates"] == 4000 and 200 < figures["read"] < 3900 and figures["paths"] > 20
    assert 0 < figures["most checks"] <= certificates.MOST_CHECKS


def test_what_raises_something_else_is_found(monkeypatch):
    monkeypatch.setattr(certificates, "check_leaf", lambda *_: [][0])
    with pytest.raises(AssertionError, match="IndexError"):
        certificates.fuzz(200, 1)
