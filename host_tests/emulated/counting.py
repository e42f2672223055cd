"""Scripts that count instructions on an emulated board, with kernels in viper or as native module.

A script prints lines of a word and a number, among them `kernel-viper` or `kernel-native`. Start reading at `counted`.
"""

import re
import shutil

from ipsec_board import native
from ipsec_board.paths import LIBRARY
from tools import emulator
from tools.emulator.stage import stage

ICOUNT = 9  # 512 ns an instruction: the count of P-256 fits into ticks_diff
TICKS = {"qemu-m0plus": 12.8, "qemu-m3": 12.8, "qemu-rv32": 5.12}  # of time.ticks_cpu() an instruction


def counted(script: str, name: str, kernel: str, folder) -> dict[str, list[int]]:
    """What a script prints: for each word the numbers behind it. `folder` is empty."""
    march = emulator.target(name).march
    rom = stage(folder, {"lib": LIBRARY}, march)
    if kernel == "native":
        shutil.copy(native.path(march), rom / "lib" / native.MODULE)
    path = folder / "script.py"
    path.write_text(script)
    with emulator.start(name, rom=rom, icount=ICOUNT) as board:
        output = board.run(path, timeout=300)
    found: dict[str, list[int]] = {}
    for word, number in re.findall(r"^(\S+) (-?\d+)$", output, re.MULTILINE):
        found.setdefault(word, []).append(int(number))
    assert f"kernel-{kernel}" in found, output
    return found
