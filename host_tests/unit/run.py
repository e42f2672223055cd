"""Run unit test files on MicroPython (or CPython): `micropython host_tests/unit/run.py [test_name ...]`.

Every module-level function `test_*` is a test; the last line is `N passed, N failed, N skipped`.
"""

import gc
import os
import sys

HERE = __file__.rsplit("/", 1)[0] if "/" in __file__ else "."
for _dir in (HERE + "/../../lib", HERE):
    sys.path.insert(0, _dir)

from support import Skip  # noqa: E402


def modules():
    """The names of the test modules beside this file."""
    return sorted(f[:-3] for f in os.listdir(HERE) if f.startswith("test_") and f.endswith(".py"))


def run_module(name, counts):
    """Run the tests of one module; a module that cannot be imported is one failure."""
    try:
        module = __import__(name)
    except Skip as e:
        counts[2] += 1
        print("SKIP %s: %s" % (name, e))
        return
    for test in sorted(dir(module)):
        call = getattr(module, test)
        if test.startswith("test_") and callable(call):
            run_test(name + "." + test, call, counts)
    sys.modules.pop(name, None)
    gc.collect()


def run_test(name, call, counts):
    """Run one test and count what became of it."""
    try:
        call()
        counts[0] += 1
    except Skip as e:
        counts[2] += 1
        print("SKIP %s: %s" % (name, e))
    except Exception as e:  # the runner must survive any failure of a test
        counts[1] += 1
        print("FAIL %s" % name)
        if hasattr(sys, "print_exception"):
            sys.print_exception(e)
        else:
            import traceback

            traceback.print_exc()


def main(names):
    counts = [0, 0, 0]
    for name in names or modules():
        try:
            run_module(name, counts)
        except Exception as e:
            counts[1] += 1
            print("FAIL %s: %s: %s" % (name, type(e).__name__, e))
    print("%d passed, %d failed, %d skipped" % tuple(counts))
    return counts[1]


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1:]) else 0)
