"""The asyncio driver sleeps until something comes or is due: answers are quick, and silence costs nothing."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from host_tests.responder import Responder
from host_tests.system.harness import PSK, ROOT, interpreter, options


def measure(which: str, folder: Path) -> tuple[int, int, bool]:
    """What pace_device.py prints."""
    with Responder(psk=PSK) as gw:
        path = folder / "ipsec.json"
        path.write_text(json.dumps(options(gw)))
        env = dict(os.environ, PYTHONPATH=str(ROOT / "lib"), MICROPYPATH=str(ROOT / "lib") + ":.frozen")
        command = [*interpreter(which, "512k"), str(Path(__file__).with_name("pace_device.py")), str(path)]
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    trip_us, polled, in_time = json.loads(done.stdout.splitlines()[-1])
    return trip_us, polled, in_time


@pytest.mark.parametrize("which", ["micropython", "cpython"])
def test_nothing_is_polled(which, tmp_path):
    trips = []
    for _ in range(5):  # the machine may be busy
        trip_us, polled, in_time = measure(which, tmp_path)
        trips.append(trip_us)
        print(f"{which}: UDP echo {trip_us} us, {polled} wake-ups for nothing in two seconds")
        assert polled <= 4, "at most two wake-ups a second for nothing, from alarms that were set before"
        if in_time and trip_us < 5000:
            return
    raise AssertionError(f"medians of {trips} us")
