# ruff: noqa: F821
# Stock firmware with the library inside; README.md tells how to build it.
include("$(PORT_DIR)/boards/manifest.py")
package("ipsec", base_path="../../lib")
# The kernels in C where they are built into the firmware, else without effect
package("ipsec", base_path="../../firmware/natmod/frozen")
