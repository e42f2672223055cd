# ruff: noqa: F821
# Frozen into the firmware of every QEMU board: what stock firmware has, less the drivers of hardware.
freeze("modules")
include("$(MPY_DIR)/extmod/asyncio")
