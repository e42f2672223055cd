"""Fuzzing of a client in each of its states, with the keys of the gateway known.

    python -m host_tests.fuzz [--messages 1000000] [--seed 1] [--state init|auth|up|rekey|closing] [--write]
    python -m host_tests.fuzz --certificates 1000000 [--seed 1] [--write]

Every message must leave the client well: nothing is raised, a message that nobody has authenticated changes nothing (before keys
it may end one attempt) and takes little memory, each gets few answers and few events. A failure prints the seed and the message.
With `--certificates` mutated certificates are judged instead, see certificates.py. `--write` puts the figures into
docs/fuzz.md. Start reading at `fuzz`.
"""

import argparse
import sys
import time
import tracemalloc
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "lib"), str(ROOT / "host_tests/unit")]

from rich.progress import Progress  # noqa: E402

from host_tests.fuzz import certificates  # noqa: E402
from host_tests.fuzz.messages import STATES, Client, Source  # noqa: E402

FIGURES = ROOT / "docs/fuzz.md"
_MARK = "## Certificates"
_MOST_SENT = 2  # an answer, and a Delete when it ends the tunnel
_MOST_EVENTS = 2  # beside warnings
_MOST_WARNINGS = 4  # of an answer that is cut: selectors of both sides, subnets, an address
_MOST_MEMORY = 12 * 1024  # CPython's objects are large; that a board needs 2 KB at the most, host_tests/unit/test_memory.py shows
_MOST_SAS = 8  # ESP SAs at the same time, whatever a gateway asks for
_SAMPLE = 1000  # one message in so many is measured
_FRESH = 64  # messages for one client, unless it ends before


class Broken(Exception):
    """A promise was broken; the text says by which message."""


def fuzz(state: str, messages: int, seed: int, progress=lambda n: None) -> dict:
    """Feed so many messages to clients in a state; figures. Raises Broken."""
    source = Source(state, seed)
    figures = {"messages": 0, "proved": 0, "clients": 0, "ended": 0, "worst memory": 0}
    client, used = None, _FRESH
    for n in range(messages):
        if client is None or used >= _FRESH or client.player.tunnel._ikes.lead is None:
            client, used = Client(state), 0
            figures["clients"] += 1
        used += 1
        is_proved = state != "init" and source.random.random() < 0.5 and client.player.tunnel._ikes.lead.keys is not None
        message = source.proved(client) if is_proved else source.unproved()
        try:
            _feed(client, message, is_proved, state, figures, n % _SAMPLE == 0)
            if source.random.random() < 0.02:
                client.player.tick(source.random.choice((1, 200, 1000, 11000)))
        except Exception as e:
            raise Broken(f"state {state}, seed {seed}, message {n}: {type(e).__name__}: {e}\n{message.hex()}") from e
        figures["messages"] += 1
        figures["proved"] += is_proved
        figures["ended"] += client.player.tunnel.is_closed
        if n % 1000 == 0:
            progress(n)
    return figures


def _feed(client: Client, message: bytes, is_proved: bool, state: str, figures: dict, measured: bool) -> None:
    player = client.player
    before = client.observed()
    if measured and not is_proved:
        _measure(client, message, figures)
    else:
        player.receive(message)
    after = client.observed()
    assert after[5] - before[5] <= _MOST_SENT, "too many answers"
    told = player.events[before[3] :]
    warnings = sum(event.kind == "warning" for event in told)
    assert len(told) - warnings <= _MOST_EVENTS and warnings <= _MOST_WARNINGS, "too many events"
    assert not (player.tunnel.is_up and player.tunnel.is_closed), "up and closed"
    assert player.tunnel.is_up == (player.tunnel._sadb.sending is not None), "up without an SA that sends"
    assert len(player.tunnel._sadb.all) <= _MOST_SAS, "too many ESP SAs"
    if not is_proved and state == "init":
        assert not player.tunnel.is_up and player.events == [], "told something before anybody is authenticated"
    elif not is_proved:
        assert after[:5] == before[:5], "changed by a message that nobody has authenticated"


def _measure(client: Client, message: bytes, figures: dict) -> None:
    """What receiving takes at the most, in octets of CPython's heap; a response that is taken for good makes keys: left out."""
    player = client.player
    before = client.observed()[0]
    buf = bytearray(message)
    tracemalloc.start()
    player.tunnel.receive(buf, len(buf), player.now)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    if client.observed()[0] == before:
        figures["worst memory"] = max(figures["worst memory"], peak)
        assert peak <= _MOST_MEMORY, f"{peak} octets"
    player.drain()


_HEAD = [
    "# Fuzzing", "",
    "Written by `python -m host_tests.fuzz --write`, whose docstring says what is promised. No promise was broken.", "",
    "| state | seed | messages | with the right keys | clients | tunnels ended | most memory, CPython | seconds |",
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
]  # fmt: skip


def write(state: str, f: dict, seed: int, seconds: float) -> None:
    """One row; those of the other states stay."""
    rows = {line.split()[1]: line for line in FIGURES.read_text().splitlines() if line.count("|") == 9}
    row = [seed, f["messages"], f["proved"], f["clients"], f["ended"], f["worst memory"], int(seconds)]
    rows[state] = f"| {state} | " + " | ".join(f"{n:,}" for n in row) + " |"
    _keep("\n".join(_HEAD + [rows[s] for s in STATES if s in rows]) + "\n", 0)


def write_certificates(figures: dict, seed: int, seconds: float) -> None:
    lines = [_MARK, "", "Written by `python -m host_tests.fuzz --certificates 1000000 --write`;"]
    lines += ["one certificate of each chain is mutated."]
    lines += [f"Seed {seed}, {seconds:.0f} s in all. Nothing but the named errors was raised.", ""]
    lines += ["| chains | all certificates read | path found | most checks of signatures | most memory, CPython |"]
    lines += ["| ---: | ---: | ---: | ---: | ---: |", "| " + " | ".join(f"{n:,}" for n in figures.values()) + " |"]
    _keep("\n".join(lines) + "\n", 1)


def _keep(text: str, part: int) -> None:
    """Replace one of the two parts of the page of figures, messages and certificates."""
    before, mark, behind = FIGURES.read_text().partition(_MARK)
    parts = [before.rstrip() + "\n", mark + behind]
    parts[part] = text
    FIGURES.write_text("\n".join(p for p in parts if p))


def fuzz_certificates(count: int, seed: int, is_written: bool) -> int:
    begun = time.monotonic()
    try:
        with Progress() as progress:
            task = progress.add_task("certificates", total=count)
            figures = certificates.fuzz(count, seed, lambda n: progress.update(task, completed=n))
    except AssertionError as e:
        print(e, file=sys.stderr)
        return 1
    print(", ".join(f"{name} {n:,}" for name, n in figures.items()))
    if is_written:
        write_certificates(figures, seed, time.monotonic() - begun)
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=1_000_000, help="in each state")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--state", choices=STATES)
    parser.add_argument("--certificates", type=int, default=0, help="so many chains with a mutated certificate, and no messages")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    if args.certificates:
        return fuzz_certificates(args.certificates, args.seed, args.write)
    for state in [args.state] if args.state else STATES:
        begun = time.monotonic()
        try:
            with Progress(auto_refresh=False) as progress:  # a thread of its own would be measured with the library
                task = progress.add_task(state, total=args.messages)
                figures = fuzz(state, args.messages, args.seed, lambda n, t=task: progress.update(t, completed=n, refresh=True))
                progress.update(task, completed=args.messages, refresh=True)
        except Broken as e:
            print(e, file=sys.stderr)
            return 1
        print(state, ", ".join(f"{name} {n:,}" for name, n in figures.items()), flush=True)
        if args.write:
            write(state, figures, args.seed, time.monotonic() - begun)
    return 0


if __name__ == "__main__":
    sys.exit(main())
