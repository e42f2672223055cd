"""Where the device program runs: MicroPython's unix port, CPython, or an emulated board.

Each runtime is a function `run(gateway, job, folder)` that yields the program's lines. Start reading at `select`.
"""

import json
import shutil
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
DEVICE = Path(__file__).with_name("device.py")
HEAP_SIZE = "384k"  # of 64-bit objects, which take twice a board's
TIMEOUT_S = 60
BOARD_TIMEOUT_S = 180


def select(runtime: str, board: str):
    """The function that runs the device program."""
    if board:
        return lambda gateway, job, folder: _run_board(board, gateway, job, folder)
    return {"micropython": _run_micropython, "cpython": _run_cpython}[runtime]


def _run_micropython(gateway, job, folder):
    micropython = Path(sys.executable).with_name("micropython")
    yield from _run_process([micropython, "-X", "heapsize=" + HEAP_SIZE], gateway, job, folder)


def _run_cpython(gateway, job, folder):
    yield from _run_process([sys.executable], gateway, job, folder)


def _run_process(interpreter, gateway, job, folder):
    config = folder / "demo.json"
    config.write_text(json.dumps(job))
    environment = {"MICROPYPATH": f"{REPOSITORY}/lib", "PYTHONPATH": f"{REPOSITORY}/lib"}
    yield from gateway.run_device([*interpreter, DEVICE, config], environment, TIMEOUT_S)


def _run_board(board, gateway, job, folder):
    """The library is frozen into the firmware; program and configuration come on a read-only disk."""
    from tools import emulator

    rom = folder / "rom"
    shutil.rmtree(rom, ignore_errors=True)
    rom.mkdir()
    prefix = gateway.board_prefix()
    if not prefix:
        job["tunnel"]["gateway"] = emulator.target(board).gateway
    (rom / "demo.json").write_text(json.dumps(job))
    with emulator.start(board, frozen=True, rom=rom, prefix=prefix, progress=_progress) as device:
        yield from device.lines(["run", str(DEVICE)], timeout=BOARD_TIMEOUT_S)


def _progress(text):
    print("  " + text, file=sys.stderr)
