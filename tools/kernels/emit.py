"""What the generators share: where a kernel goes, and whether the file in the tree is what its generator makes.

`python -m tools.kernels.<name>` writes the file anew. Start reading at `write`.
"""

from pathlib import Path

CRYPTO = Path(__file__).resolve().parents[2] / "lib" / "ipsec" / "crypto" / "kernels"


def write(name: str, source: str) -> None:
    """Write the kernel file and say so."""
    path = CRYPTO / name
    path.write_text(source)
    print(f"{path.name}: {len(source)} octets")


def is_current(name: str, source: str) -> bool:
    """Whether the file in the tree is what the generator makes."""
    return (CRYPTO / name).read_text() == source
