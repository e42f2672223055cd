"""The ladders of X25519 and P-256 take the same number of instructions for every scalar and point, and not too many.

The emulator counts instructions: with `icount` the board's clock is that count, to the last instruction.
"""

import pytest

from host_tests.emulated import counting
from host_tests.emulated.counting import TICKS

pytestmark = pytest.mark.emulated

# The most that a whole agreement may take, in millions of instructions.
BUDGET = {
    "viper": {"x25519": 15.5, "p256": 26.0},
    "native": {"x25519": 4.5, "p256": 8.7},
}

SCALARS = 103  # three extreme ones, the others random

SCRIPT = """
import gc, os, time
from ipsec.crypto.groups import machine, p256, weierstrass, x25519

print("kernel-" + machine.KERNEL, 1)

def count(fold, program, scalar, bit, numbers):
    m = machine.Machine(fold)
    for slot in range(4):
        m.load(slot, numbers[32 * slot:32 * slot + 32])
    w, n, run, now = m.w, len(program) >> 2, machine.field.run, time.ticks_cpu
    gc.collect()
    before = now()
    run(w, 0, w, program, n, fold, scalar, bit)
    return time.ticks_diff(now(), before)

count(608, b"", bytes(33), 0, bytes(128))  # the first calls fill the interpreter's look-up cache
edge = [(bytes(33), bytes(128)), (b"\\xff" * 33, b"\\xff" * 31 + b"\\x7f" + bytes(96)), (b"\\x55" * 33, os.urandom(128))]
for i in range({scalars}):
    scalar, numbers = edge[i] if i < len(edge) else (os.urandom(33), os.urandom(128))
    print("x25519", count(608, x25519._STEP, scalar, 254, numbers))
    print("p256", count(0, weierstrass._STEP, scalar, 255, numbers))

def whole(name, pair, public):
    gc.collect()
    before = time.ticks_us()
    pair.shared(public)
    print("whole-" + name, time.ticks_diff(time.ticks_us(), before))

a = x25519.X25519(lambda n: scalar[:32])
whole("x25519", a, a.public)
a = p256.P256(lambda n: scalar[:32])
whole("p256", a, a.public)
"""


@pytest.fixture(scope="module", params=BUDGET)
def kernel(request):
    """Which field machine."""
    return request.param


@pytest.fixture(scope="module")
def counted(name, kernel, tmp_path_factory):
    """What the script printed: for each word the numbers behind it."""
    return counting.counted(SCRIPT.replace("{scalars}", str(SCALARS)), name, kernel, tmp_path_factory.mktemp("rom"))


@pytest.mark.parametrize("curve", ["x25519", "p256"])
def test_every_scalar_takes_the_same_instructions(name, counted, curve):
    assert len(counted[curve]) == SCALARS
    spread = max(counted[curve]) - min(counted[curve])
    assert spread < TICKS[name], f"{spread / TICKS[name]:.0f} instructions between scalars"


@pytest.mark.parametrize("curve", ["x25519", "p256"])
def test_an_agreement_stays_within_its_budget(kernel, counted, curve):
    millions = counted[f"whole-{curve}"][0] * 1000 / 2**counting.ICOUNT / 1e6
    print(f"{kernel} {curve}: {millions:.2f} M instructions")
    assert 1 < millions < BUDGET[kernel][curve]
