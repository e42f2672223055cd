# Firmware of the emulated Pico with lib/ipsec frozen into it.
include("../../tools/emulator/rp2/firmware/manifest.py")
package("ipsec", base_path="../../lib")
# The kernels in C where they are built into the firmware, else without effect
package("ipsec", base_path="../../firmware/natmod/frozen")
