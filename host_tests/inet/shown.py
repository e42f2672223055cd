"""What is promised of sockets inside the tunnel, measured: `python -m host_tests.inet.shown [PART ...]`.

Runs as root on Linux; some parts need strongSwan, mosquitto or QEMU. Without PART all, which takes half an hour:

  pace       TCP against this machine's kernel: round trips and losses
  path       an outer MTU of 1280 and 600: how long octets stand still, and what the event names
  torture    10,000 connections that leave nothing behind, 1,000,000 segments that raise nothing
  drivers    what a UDP echo and TCP execute on an emulated Cortex-M0+, blocking and by asyncio
  ram        octets of a socket beyond its rooms
  template   the application against mosquitto: the broker, the gateway, the network go away
  packages   packages from the index, on MicroPython's unix port and on the emulated board

Prints a line for each promise, and exits with 1 when one is not kept. Start reading at `main`.
"""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterator

from tools.bench import paces, sections
from tools.emulator.base import REPOSITORY

_BOARD = "qemu-m0plus"
_PACES = (
    ("down,50,0,8192", 140),
    ("down,150,0,8192", 45),
    ("down,50,5,8192", 60),
    ("up,50,5,8192", 40),
)  # KB a second at the least
_STILL_S = 3
_TRIES = 3
_UDP, _TCP = 1024, 1229  # octets
_ALONE = ("unshare", "--net")
_PACKAGES = ("host_tests/interop/test_packages.py", "host_tests/interop/test_packages_torn.py",
             "host_tests/emulated/test_packages_on_board.py")  # fmt: skip

Row = tuple[str, str, str, bool | None]  # what, measured, promised, whether it is kept (None: of interest only)


def output(*command: str, timeout: float = 1800) -> str:
    """What a command of ours prints; its error, too, when it fails."""
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=timeout)
    return done.stdout if not done.returncode else done.stdout + done.stderr


def module(*arguments: str, alone: bool = False) -> str:
    """What a Python module prints, perhaps in a network of its own."""
    return output(*(_ALONE if alone else ()), sys.executable, "-m", *arguments)


def rows(said: str) -> list[dict]:
    """The lines of JSON in what a command says. Raises ValueError with all of it when there is none."""
    found = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    if not found:
        raise ValueError(said)
    return found


def pace() -> Iterator[Row]:
    """TCP against Linux; the best of three, as the machine may be busy."""
    for case, least in _PACES:
        way, trip, loss, room = case.split(",")
        best = 0.0
        for _ in range(_TRIES):
            best = max([best] + [row["kb_s"] for row in rows(module("host_tests.inet.pace", "--json", case, alone=True))])
            if best >= least:
                break
        yield f"TCP {way}, {trip} ms, {loss} % lost, tcp_room {room}", f"{best} KB/s", f"at least {least}", best >= least


def path() -> Iterator[Row]:
    """Outer MTUs."""
    for row in rows(module("host_tests.inet.small_path", "--json", "1280", "600", alone=True)):
        longest, told = max(row["silences_s"]), " ".join(row["told"])
        kept = longest <= _STILL_S and f"set mtu to {row['mtu']}" in told
        yield f"outer MTU {row['path']}", f"{longest} s still, told: mtu {row['mtu']}", f"{_STILL_S} s, and the value", kept


def torture() -> Iterator[Row]:
    """Connections and segments."""
    said = module("host_tests.inet.torture", "--connections", "10000", "--segments", "1000000")
    lines = [line for line in said.splitlines() if line.strip()] or ["nothing"]
    kept = "Traceback" not in said
    for line in lines if kept else lines[-1:]:
        yield "torture", line.strip(), "nothing left, nothing raised", kept


def drivers() -> Iterator[Row]:
    """Instructions on the board."""
    found = paces.measure(_BOARD)
    for driver in ("blocking", "asyncio"):
        ms = found[driver, "echo", ""] / paces.MS
        n = found[driver, "echo", ""]
        yield f"UDP echo, {driver}, RP2040", f"{n:,} instructions, {ms:.1f} ms", "2 ms", ms <= paces.AIM_MS
    least = found["asyncio alone", "echo", ""] + found["socket alone", "echo", ""]
    yield "of which MicroPython's asyncio, ESP, IP and UDP", f"{least:,} instructions, {least / paces.MS:.1f} ms", "", None
    for how in ("readinto", "read"):
        more = found["asyncio", "tcp", how] / found["blocking", "tcp", how] - 1
        yield f"TCP by asyncio above blocking, {how}", f"{more:.0%}", "at most 20 %", more <= 0.2
    said = output(sys.executable, "-m", "pytest", "-q", "-s", "--reruns", "0", "host_tests/system/test_pace.py")
    for which, us, polled in re.findall(r"(\w+): UDP echo (\d+) us, (\d+) wake-ups", said):
        kept = int(us) <= 2000 and int(polled) <= 4
        yield f"UDP echo, asyncio, {which} on loopback", f"{us} us, {polled} wake-ups in 2 s", "2,000 us, 4 wake-ups", kept


def ram() -> Iterator[Row]:
    """Octets of heap, as in docs/figures.md."""
    found = sections.measure(_BOARD, "sockets", None)
    for name, value in found.items():
        most = _UDP if name.startswith("udp") else _TCP
        yield f"heap beyond its rooms: {name}", f"{value} octets", f"at most {most}", isinstance(value, int) and value <= most


def tests(name: str, *files: str) -> Iterator[Row]:
    """A line for each test."""
    said = output(sys.executable, "-m", "pytest", "-q", "-rA", "--durations=0", *files)
    for result, test in sorted(set(re.findall(r"^(PASSED|FAILED|ERROR|SKIPPED) (\S*::\S+)", said, re.M))):
        yield f"{name}: {test.split('::')[1]}", result.lower(), "passed", result == "PASSED"


def template() -> Iterator[Row]:
    """The application."""
    return tests("template", "host_tests/interop/test_template.py")


def packages() -> Iterator[Row]:
    """Packages from the index."""
    return tests("package", *_PACKAGES)


PARTS = {part.__name__: part for part in (pace, path, torture, drivers, ram, template, packages)}


def main(argv: list[str] | None = None) -> int:
    """1 when a promise is not kept."""
    parser = argparse.ArgumentParser(prog="python -m host_tests.inet.shown", description="Promises of sockets, measured.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parts = parser.parse_args(argv).parts or list(PARTS)
    if unknown := set(parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}: choose from {', '.join(PARTS)}")
    broken = 0
    for part in parts:
        for what, measured, promised, kept in PARTS[part]():
            broken += kept is False
            word = "" if kept is None else "kept" if kept else "NOT KEPT"
            print(f"{what:58} {measured:40} {promised:32} {word}".rstrip(), flush=True)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
