# What every firmware of the emulated Pico has; boards/RP2040JS/manifest.py adds lib/ipsec.
freeze("$(PORT_DIR)/modules", "rp2.py")
freeze("$(BOARD_DIR)/modules")
include("$(MPY_DIR)/extmod/asyncio")
