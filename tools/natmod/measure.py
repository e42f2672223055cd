"""`python -m tools.natmod.measure [BOARD ...]`: what kernels in C gain, in executed instructions on emulated boards.

Prints the table of firmware/natmod/README.md: an agreement of X25519 and of P-256 in millions, a block of GHASH, ChaCha20 and
Poly1305, in viper and in C. Start reading at `measure`.
"""

import argparse
import re
import shutil
import sys
import tempfile
from pathlib import Path

from tools import emulator
from tools.emulator.base import REPOSITORY, EmulatorError
from tools.emulator.stage import stage
from tools.natmod import build

BOARDS = {"qemu-m0plus": "Cortex-M0+", "qemu-m3": "Cortex-M3", "qemu-rv32": "RV32IMC"}
FORMS = {"viper": "viper", "viper8k": "viper, GHASH table of 8 KB", "C": "C",
         "small": "C, GHASH table of 256 octets"}
COLUMNS = {"x25519": "X25519", "p256": "P-256", "ghash": "GHASH 16 octets", "chacha": "ChaCha20 64 octets",
           "poly": "Poly1305 16 octets"}
_ICOUNT = 9  # 512 ns an instruction: the board's microseconds tell single instructions, and do not wrap
_MORE = 32  # blocks of the longer of two calls; their difference leaves out what a call costs

SCRIPT = """
import gc, time
from ipsec import native
from ipsec.crypto.groups import machine, p256, x25519
from ipsec.crypto.modes import gcm
from ipsec.crypto.kernels import chacha20, field, ghash, ghash8k, poly1305

def us(call, *args):
    gc.collect()
    before = time.ticks_us()
    call(*args)
    return time.ticks_diff(time.ticks_us(), before)

def blocks(form, name, call):
    call(1)
    print(form, name, us(call, 1 + {more}) - us(call, 1))

def agreement(form, name, pair):
    print(form, name, us(pair.shared, pair.public))

t, z, w, d, p = bytearray(8192), bytearray(24), bytearray(64), bytearray(2200), bytearray(128)
ghash8k.ghash_table(t, bytes(range(16)), z)
blocks("viper8k", "ghash", lambda n: ghash8k.ghash(0, 0, t, z, d, 0, n))
ghash.ghash_table(t, bytes(range(16)), z)
for form, kernels, kernel in (("viper", (ghash, chacha20, poly1305), field), ("C", (native,) * 3, native)):
    blocks(form, "ghash", lambda n: kernels[0].ghash(0, 0, t, z, d, 0, n))
    blocks(form, "chacha", lambda n: kernels[1].chacha(w, 0, w, d, n))
    blocks(form, "poly", lambda n: kernels[2].poly(p, 0, d, n))
    machine.field = kernel
    machine.native = x25519.native = p256.native = native if form == "C" else None
    agreement(form, "x25519", x25519.X25519(lambda n: bytes(range(n))))
    agreement(form, "p256", p256.P256(lambda n: bytes(range(n))))

def sealed(large, n):
    sealer = gcm.Sealer(20, bytes(20), large)
    return us(sealer.seal, d, 0, 8, 16 + 16 * n, None)

# no kernel takes it alone: what messages cost more by it
longer = (sealed(None, 1 + {more}) - sealed(None, 1)) - (sealed(False, 1 + {more}) - sealed(False, 1))
call = lambda n: native.ghash(0, 0, t, z, d, 0, n)
print("small", "ghash", us(call, 1 + {more}) - us(call, 1) + longer)
"""


def measure(name: str, progress=lambda _text: None) -> dict[tuple[str, str], float]:
    """Executed instructions by (form, column of the table): of an agreement, or of one block.

    Raises MissingTool or EmulatorError.
    """
    march = getattr(emulator.target(name), "march")  # noqa: B009
    native = build(march, progress, inner=True)
    with tempfile.TemporaryDirectory(prefix="natmod-") as folder:
        rom = stage(Path(folder), {"lib": REPOSITORY / "lib"}, march)
        shutil.copy(native, rom / "lib/ipsec")
        with emulator.start(name, rom=rom, icount=_ICOUNT) as board:
            output = board.exec(SCRIPT.replace("{more}", str(_MORE)), timeout=400)
    found = re.findall(rf"^({'|'.join(FORMS)}) (\w+) (\d+)$", output, re.MULTILINE)
    if len(found) != 2 + 2 * len(COLUMNS):
        raise EmulatorError(f"{name}: not all was measured:\n{output}")
    return {(form, what): int(us) * 1000 / 2**_ICOUNT / (1 if what in ("x25519", "p256") else _MORE) for form, what, us in found}


def row(label: str, form: str, found: dict[tuple[str, str], float]) -> str:
    """One line of the table."""
    cells = [_cell(what, found.get((form, what))) for what in COLUMNS]
    return f"| {label}, {FORMS[form]} | " + " | ".join(cells) + " |"


def _cell(what: str, count: float | None) -> str:
    if count is None:
        return ""
    return f"{count / 1e6:.2f}" if what in ("x25519", "p256") else f"{count:,.0f}"


def main() -> int:
    """Exit status 1 when a board could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m tools.natmod.measure", description="What kernels in C gain.")
    parser.add_argument("board", nargs="*", choices=[*BOARDS, []], help="emulated boards (default: all three)")
    args = parser.parse_args()
    print("| | " + " | ".join(COLUMNS.values()) + " |\n|---|" + "---:|" * len(COLUMNS))
    for name in args.board or BOARDS:
        try:
            found = measure(name, progress=lambda text: print(text, file=sys.stderr))
        except EmulatorError as e:
            print(f"{name}: {e}", file=sys.stderr)
            return 1
        for form in FORMS:
            print(row(BOARDS[name], form, found), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
