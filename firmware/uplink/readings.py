"""What the device measures. Change `read` to publish what your sensors say. Start reading at `read`."""

import gc
import time


def read(number: int, boot: int) -> dict:
    """One reading as a dictionary that becomes JSON; `number` counts from 1, `boot` the starts of the program."""
    reading = {"n": number, "boot": boot, "uptime_s": time.ticks_ms() // 1000, "heap": gc.mem_free()}
    temperature = _temperature()
    if temperature is not None:
        reading["celsius"] = temperature
    return reading


def _temperature():
    """Of the chip, where the firmware can tell; else None."""
    try:
        import esp32

        return esp32.mcu_temperature()
    except (ImportError, AttributeError):
        return None
