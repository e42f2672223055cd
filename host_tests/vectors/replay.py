"""Run a file of cases on MicroPython: `micropython host_tests/vectors/replay.py FILE`; the last line counts."""

import sys

HERE = __file__.rsplit("/", 1)[0] if "/" in __file__ else "."
sys.path.insert(0, HERE + "/../../lib")
sys.path.insert(0, HERE)

from cases import check  # noqa: E402
from ipsec.crypto import board  # noqa: E402


def main(path: str) -> int:
    """Check each line; print the failing ones."""
    passed = failed = 0
    with open(path) as lines:
        for line in lines:
            try:
                check(board, line)
                passed += 1
            except Exception as e:  # a failing case must not hide the next
                failed += 1
                print("FAIL %s: %s %s" % (line.strip(), type(e).__name__, e))
    print("%d passed, %d failed" % (passed, failed))
    return failed


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1]) else 0)
