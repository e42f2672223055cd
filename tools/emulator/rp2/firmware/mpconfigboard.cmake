# The emulated Pico: a stock Pico with lwIP and PPP, 4 MiB of flash and no wireless chip.
set(PICO_BOARD "pico")
set(PICO_PLATFORM "rp2040")
set(MICROPY_PY_LWIP ON)
add_compile_definitions(PICO_FLASH_SIZE_BYTES=4194304)
