# Firmware of the emulated Pico with lib/ipsec frozen into it.
include("../../tools/emulator/rp2/firmware/manifest.py")
package("ipsec", base_path="../../lib")
