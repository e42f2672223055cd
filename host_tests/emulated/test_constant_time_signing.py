"""What signing does with a secret takes the same number of instructions for every secret: combs, products modulo the order.

The heap is locked while instructions are counted, as looking for room on it takes a time that depends on what lies there.
"""

import pytest

from host_tests.emulated import counting
from host_tests.emulated.counting import TICKS

SCALARS = 40
KINDS = ("ed25519", "p256", "modular", "nonce", "columns", "comb-25519", "comb-256", "inverse", "control")
IN_C = ("comb-25519", "comb-256", "inverse")  # whole, as one call each

pytestmark = pytest.mark.emulated

SCRIPT = """
import gc, os, time
from micropython import heap_lock, heap_unlock
from ipsec.crypto.kernels import comb256, comb25519
from ipsec.crypto.sign import base25519, comb, ecdsa, field, modular
from ipsec.crypto.sign.p256 import CURVE as p256
from ipsec.micro import native

other = bytes(range(1, 33))

def count(call, k):
    gc.collect()
    now, difference = time.ticks_cpu, time.ticks_diff  # looked up here, as the cache may have lost them
    heap_lock()
    call(other)  # fills the interpreter's look-up cache, whatever came before
    before = now()
    call(k)
    n = difference(now(), before)
    heap_unlock()
    return n

f25519, f256 = field.field_25519(), field.field_p256()
b25519, b256 = comb.Comb(comb25519.TABLE, 3, True), comb.Comb(comb256.TABLE, 2, True)
ecdsa._prepare(f256, p256)
program = ecdsa._NEGATE + ecdsa.ADD

codes, signs = bytearray(64), bytearray(32)

def spread(k):
    for i in range(32):
        codes[i] = k[i] & 15
        codes[i + 32] = k[i] >> 4

def columns_25519(k):
    spread(k)
    for column in range(31, 24, -1):
        f25519.run(base25519.DOUBLE)
        base25519.add_column(f25519, b25519, codes, column)

def columns_256(k):
    spread(k)
    for column in range(31, 24, -1):
        f256.run(ecdsa.DOUBLE)
        for high in (0, 1):
            f256.choose(program, b256.entry(f256, 3, codes, column, high))

def columns(k):
    comb._sort(codes, signs, k, p256.N)

m = modular.Modulus(p256.N, 10)
products = b"\\x00\\x02\\x01\\x00\\x01\\x03\\x02\\x02\\x02\\x03\\x03\\x02\\x00\\x03\\x03\\x01"

def product(k):
    m.load(1, k)
    m.run(products, 9)

def comb_25519(k):
    native.comb(f25519.w, 608, comb25519.PROGRAM, comb25519.TABLE, k, None)

def comb_256(k):
    native.comb(f256.w, 0, comb256.PROGRAM, comb256.TABLE, k, None)

def inverse(k):
    m.load(1, k)
    native.modular_powers(m.w, windows, 1, 2, m.limbs, m.factor)

windows = p256.WINDOWS

def nonce(k):
    ecdsa._in_range(k, 0, p256.N)

def control(k):
    n = 0
    while k[0] >> n:
        n += 1

calls = ("ed25519", columns_25519), ("p256", columns_256), ("columns", columns), ("modular", product), ("nonce", nonce)
calls += (("control", control),)
if native:
    calls += ("comb-25519", comb_25519), ("comb-256", comb_256), ("inverse", inverse)
edge = bytes(32), b"\\xff" * 32, b"\\x55" * 32, bytes(31) + b"\\x01", p256.N
i, k, name, call = -2, b"", "", None  # all names are there, and two rounds fill the interpreter's look-up cache
while i < {scalars}:
    k = os.urandom(32)  # each time, so that the look-up cache has seen the same names
    k = edge[i] if 0 <= i < 5 else k
    base25519.start(f25519)
    f256.load(0, b"\\x05" * 32)
    f256.load(1, b"\\x06" * 32)
    f256.load(2, b"\\x07" * 32)
    for name, call in calls:
        print(name if i >= 0 else "#", count(call, k))
    i += 1
print("kernel-" + field.machine.KERNEL, 1)
"""


@pytest.fixture(scope="module", params=["viper", "native"])
def counted(request, name, tmp_path_factory):
    """What the script printed: for each word the numbers behind it."""
    return counting.counted(SCRIPT.replace("{scalars}", str(SCALARS)), name, request.param, tmp_path_factory.mktemp("rom"))


@pytest.mark.parametrize("kind", KINDS)
def test_every_secret_takes_the_same_instructions(name, counted, kind):
    if kind in IN_C and kind not in counted and "kernel-viper" in counted:
        pytest.skip("these are in C")
    counts = counted[kind]
    assert len(counts) == SCALARS
    if kind == "nonce":
        counts = counts[5:]  # one out of range, as the first are, is thrown away and may take another time
    spread = (max(counts) - min(counts)) / TICKS[name]
    print(f"{kind}: {max(counts) / TICKS[name]:.0f} instructions, {spread:.0f} between secrets")
    if kind == "control":
        assert spread > 100, "a loop that depends on the secret is not seen"
    else:
        assert spread < 1
