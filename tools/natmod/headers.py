"""The headers that the native module includes: products written out column by column, and assembler for Cortex-M0+.

gcc does not unroll loops of two changing bounds. `python -m tools.natmod.headers FOLDER` writes them there. Start reading at
`texts`.
"""

import sys
from pathlib import Path

from tools.natmod import thumb_chacha, thumb_field, thumb_ghash, thumb_poly

_LIMBS = 20
_HALF = 10


def texts() -> dict[str, str]:
    """The text of each header by its name."""
    field = _function("products", "word *restrict t, const word *a, const word *b", _products())
    field += _function("multiply", "word *restrict t, const word *a, const word *b", _multiply())
    field += _function("square", "word *restrict t, const word *a", _square())
    poly = _function("poly_multiply", "word *restrict t, const word *h, const word *r", _poly())
    loops = "\n".join(module.header() for module in (thumb_ghash, thumb_chacha, thumb_poly))
    return {"columns.h": _either(thumb_field.header(), field), "poly_columns.h": _either(loops, poly)}


def _either(assembler: str, portable: str) -> str:
    return f"#ifdef __ARM_ARCH_6M__\n#define ASSEMBLER\n\n{assembler}\n#else\n\n{portable}#endif\n"


def _function(name: str, arguments: str, lines: list[str]) -> str:
    body = "\n".join(f"    {line}" for line in lines)
    return f"static __attribute__((noinline)) void {name}({arguments}) {{\n{body}\n}}\n\n"


def _pairs(k: int, limbs: int = _LIMBS) -> list[tuple[int, int]]:
    return [(i, k - i) for i in range(max(0, k - limbs + 1), min(k, limbs - 1) + 1)]


def _products() -> list[str]:
    """Half of a number times half of one, added: a fourth of the code of the whole product, for a tenth of its time."""
    return [f"t[{k}] += " + " + ".join(f"a[{i}] * b[{j}]" for i, j in _pairs(k, _HALF)) + ";" for k in range(2 * _HALF - 1)]


def _multiply() -> list[str]:
    return [
        f"for (int i = 0; i < {2 * _LIMBS}; i++) {{", "    t[i] = 0;", "}",
        *(f"products(t + {i + j}, a + {i}, b + {j});" for i in (0, _HALF) for j in (0, _HALF)),
    ]  # fmt: skip


def _square() -> list[str]:
    lines = []
    for k in range(2 * _LIMBS - 1):
        twice = " + ".join(f"a[{i}] * a[{j}]" for i, j in _pairs(k) if i < j)
        terms = [f"(({twice}) << 1)"] * bool(twice) + [f"a[{k // 2}] * a[{k // 2}]"] * (k % 2 == 0)
        lines.append(f"t[{k}] = " + " + ".join(terms) + ";")
    return lines


def _poly() -> list[str]:
    """Ten limbs modulo 2^130 - 5: r[10:20] is 5r, for what comes back."""
    terms = [[f"h[{i}] * r[{k - i if i <= k else 20 + k - i}]" for i in range(10)] for k in range(10)]
    return [f"t[{k}] = " + " + ".join(terms[k]) + ";" for k in range(10)]


def main(folder: Path) -> None:
    """Write the headers where they are missing or old, as builds of firmware want it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts().items():
        path = folder / name
        if not path.is_file() or path.read_text() != text:
            path.write_text(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
