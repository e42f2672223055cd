"""The hardest rows of `weather.py`, of which `python -m host_tests.interop.weather` measures all."""

import pytest

from host_tests.interop import weather

pytestmark = [pytest.mark.interop, pytest.mark.slow, pytest.mark.usefixtures("root")]


@pytest.mark.parametrize("name", ["400 ms, we rekey with PFS", "30 % loss, both rekey", "reordering, both rekey"])
def test_new_keys(name):
    figures = weather.measure(weather.ROWS[name])
    assert not weather.faults(weather.ROWS[name], figures), figures


@pytest.mark.parametrize("name", weather.HANDSHAKES)
def test_handshakes_with_30_percent_loss(name):
    took = weather.handshakes(weather.HANDSHAKES[name])
    assert not weather.handshake_faults(took), took
