"""Run a file of cases with the board backend: `micropython host_tests/vectors/replay.py LIB UNIT FILE`.

A case that fails is printed with its name; the last line counts, and tells the field machine that key exchanges ran in. On an
emulated board a program calls `main`. Start reading there.
"""

import gc
import sys


def main(path: str) -> int:
    """Check each line of a file; the number of those that failed."""
    from cases import check
    from ipsec.crypto import board
    from ipsec.crypto.groups import machine

    passed = failed = 0
    with open(path) as lines:
        for line in lines:
            try:
                check(board, line)
                passed += 1
            except Exception as e:  # a failing case must not hide the next
                failed += 1
                print("FAIL %s: %s: %s" % (line.split(" ", 1)[0], type(e).__name__, e))
            gc.collect()
    print("%d passed, %d failed, field machine %s" % (passed, failed, machine.KERNEL))
    return failed


if __name__ == "__main__":
    sys.path[:0] = sys.argv[1:3]
    sys.exit(1 if main(sys.argv[3]) else 0)
