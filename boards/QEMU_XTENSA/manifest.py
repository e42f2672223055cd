# ruff: noqa: F821
# The firmware with the library inside: `python -m tools.emulator build NAME --frozen`.
include("../../tools/emulator/qemu/manifest.py")
package("ipsec", base_path="../../lib")
# The kernels in C where they are built into the firmware, else without effect
package("ipsec", base_path="../../firmware/natmod/frozen")
