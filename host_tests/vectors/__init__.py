"""Published test vectors against both crypto backends, on CPython and on MicroPython."""
