"""Writes docs/simulator.md: `python -m host_tests.simulator.report RUNS.jsonl ...`, files with what the simulator has printed.

Start reading at `main`.
"""

import argparse
import json
import sys
from collections import Counter
from pathlib import Path

from host_tests.simulator.simulation import PROFILES, Profile

DOCS = Path(__file__).parents[2] / "docs" / "simulator.md"
_HEAD = """# Runs of the simulator

Written by `python -m host_tests.simulator.report`, of what `python -m host_tests.simulator` has printed. Devices of this library
and the reference responder on a virtual network, in virtual time; each run is a seed, which reproduces it. No run may raise, wait
for nothing, stay down while all is well, lose a reading without a name, or grow by more than a kilobyte. With `--seamless` no
DOWN and no change of address may come that the world has not caused. A run that breaks one of these is `broken`.
"""


def total(runs: list[dict], name: str) -> Counter:
    """The counts of all runs under a name."""
    return sum((Counter(run[name]) for run in runs), Counter())


def world(profile: Profile) -> str:
    """What happens in it, in words."""
    w, day = profile.weather, []
    for name in ("cuts", "reboots", "rebindings", "moves", "roams"):
        if rate := getattr(profile, name):
            day.append(f"{rate:g} {name}")
    text = f"{w.loss:.0%} loss, {w.duplicate:.0%} doubled, {w.reorder:.0%} late, {w.latency_s * 1000:g} ms each way; "
    text += "the gateway rekeys Child and IKE SA each {:g} to {:g} s, ".format(*profile.rekey_s)
    text += "its NAT forgets after {:g} to {:g} s".format(*profile.nat_timeout_s)
    return text + (f"; a day has {', '.join(day)}" if day else "")


def section(title: str, runs: list[dict], broken: list[dict]) -> list[str]:
    """One table."""
    profile = runs[0]["profile"]
    days = sum(run["days"] for run in runs)
    happened, events, lost, gateway = (total(runs, name) for name in ("happened", "events", "lost", "gateway"))
    downs = sum(count for name, count in events.items() if name.startswith("down"))
    link = sum(count for name, count in lost.items() if name.startswith("link"))
    longest = max(run["outage longest s"] for run in runs)
    seeds = min(run["seed"] for run in runs), max(run["seed"] for run in runs)
    command = f"--seed {seeds[0]} --runs {seeds[1] - seeds[0] + 1} --days {runs[0]['days']:g} --profile {profile}"
    rows = [
        ("run by", f"`python -m host_tests.simulator {command}{' --board' * bool(runs[0].get('board'))}`"),
        ("seeds", f"{seeds[0]} to {seeds[1]}"),
        ("days", f"{days:g}"),
        ("broken", ", ".join(str(run["seed"]) for run in broken) or "none"),
        ("readings", f"{sum(run['readings'] for run in runs):,}"),
        ("delivered", f"{sum(run['delivered'] for run in runs):,}"),
        ("lost by the link", f"{link:,}"),
        *((f"lost: {name}", f"{count:,}") for name, count in lost.most_common() if not name.startswith("link")),
        ("new IKE SAs, Child SAs", f"{gateway['ike_up']:,}, {gateway['child_up']:,}"),
        ("NAT rebindings", f"{sum(run['NAT rebindings'] for run in runs):,}"),
        *((f"happened: {name}", f"{count:,}") for name, count in sorted(happened.items())),
        ("DOWN events", f"{downs:,}"),
        ("longest outage", f"{longest:g} s"),
    ]
    if any(run.get("footprints") for run in runs):
        heap = runs[0]["footprints"][0]
        rows.append(("octets in use after each month", ", ".join(f"{octets:,}" for octets in heap)))
    lines = [f"## {title}", "", f"Profile `{profile}`: {world(PROFILES[profile])}.", "", "| what | how much |", "| --- | ---: |"]
    return [*lines, *(f"| {name} | {value} |" for name, value in rows), ""]


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path, metavar="RUNS.jsonl")
    parser.add_argument("--out", type=Path, default=DOCS)
    args = parser.parse_args(argv)
    lines = [_HEAD]
    for path in args.files:
        found = [json.loads(line) for line in path.read_text().splitlines()]
        runs = [run for run in found if "broken" not in run]
        if not runs:
            parser.error(f"{path}: no run that was good; it wants the standard output of python -m host_tests.simulator")
        board = " on MicroPython" if any(run.get("board") for run in runs) else ""
        days = sum(run["days"] for run in runs)
        lines += section(
            f"{days:g} days of {len(runs)} device{'s' * (len(runs) > 1)}{board}", runs, [r for r in found if "broken" in r]
        )
    args.out.write_text("\n".join(lines).rstrip() + "\n")
    print(args.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
