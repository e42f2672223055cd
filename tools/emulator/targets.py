"""The kinds of emulated boards by name.

Start reading at `target`.
"""

import importlib

from tools.emulator.base import EmulatorError, Target

# name: module with a function target(name) -> Target; modules are imported when first asked for
_MODULES = {
    "qemu-m0plus": "tools.emulator.qemu",
    "qemu-m3": "tools.emulator.qemu",
    "qemu-rv32": "tools.emulator.qemu",
    "qemu-xtensa": "tools.emulator.xtensa",
    "rp2040js": "tools.emulator.rp2",
}
NAMES = tuple(_MODULES)


def target(name: str) -> Target:
    """The target of this name. Raises EmulatorError for an unknown one."""
    if name not in _MODULES:
        raise EmulatorError(f"no emulated board {name!r}; there are {', '.join(NAMES)}")
    return importlib.import_module(_MODULES[name]).target(name)
