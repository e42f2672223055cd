"""The unit tests again, on real MicroPython (the unix port): the same files, one process a file."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from host_tests.conftest import count_tests

UNIT = Path(__file__).with_name("unit")
MICROPYTHON = Path(sys.executable).with_name("micropython")
LAST_LINE = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$")


@pytest.mark.parametrize("name", sorted(p.stem for p in UNIT.glob("test_*.py")))
def test_unit_tests_on_micropython(name, request):
    done = subprocess.run([MICROPYTHON, "-X", "heapsize=8m", UNIT / "run.py", name], capture_output=True, text=True, timeout=120)
    output = done.stdout + done.stderr
    last = LAST_LINE.match(output.strip().splitlines()[-1])
    assert last, output
    passed, failed, skipped = map(int, last.groups())
    count_tests(request.config, "MicroPython, unix port", passed, failed, skipped)
    assert done.returncode == failed == 0 < passed, output
