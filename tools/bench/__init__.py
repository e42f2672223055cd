"""The figures: what the library costs in instructions and octets, measured by running it on emulated boards.

`device/` runs on MicroPython, `runner.py` starts it, `sections.py` asks for the figures, `aims.py` compares them with what was
aimed at, `tables.py` and `plot.py` show them. Start reading at `__main__.py`.
"""
