"""What a tunnel lives through in the field, against real gateways: one table of what was measured and what is wanted.

    python -m host_tests.interop.field [--default] [--keep FILE] [SCENARIO ...]     measure, by words of the names; default: all
    python -m host_tests.interop.field --page FILE                                  write docs/field.md of what was kept

A device on MicroPython's unix port sends readings of 40 octets, 20 a second, with FAST options (see `staying.py`). All scenarios
take three quarters of an hour. Start reading at `scenarios`.
"""

import argparse
import collections
import functools
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from host_tests.interop import spaces, staying, test_fragments, weather
from host_tests.interop.gateway import Gateway, device_options, gateway, start_device
from host_tests.interop.install import print_progress
from host_tests.interop.libreswan import Libreswan, libreswan_root
from host_tests.interop.link import NEAR, bad_link
from host_tests.interop.test_rekey import Stream, stream
from host_tests.responder import Responder
from host_tests.responder.iana import Exchange
from host_tests.responder.payloads import Payload, notify_payload
from host_tests.system.harness import PSK, Client

DOCS = Path(__file__).parents[2] / "docs" / "field.md"
_GCM = {"ike_proposals": ["aes128gcm16-prfsha256-x25519"], "esp_proposals": ["aes128gcm16"]}  # of the pluto
_HEAD = """# A tunnel in the field

Written by `python -m host_tests.interop.field`: MicroPython's unix port against strongSwan (where it says so libreswan, or the
reference responder) in network namespaces. Readings of 40 octets, 20 a second. FAST is `dpd_s` 1, `retransmit_ms` 250, 4 tries,
`reconnect_ms` 100; `default` is without any option. Times are the longest without an answer, less the time for which
nothing could pass. A row that missed was measured again, as the machine has two cores and they may be busy: see tries.

"""


class Scenario(NamedTuple):
    """`run` returns what was measured, and whether that is what is `wanted`."""

    wanted: str
    run: Callable[[], tuple[str, bool]]


def scenarios(default: bool = False) -> dict[str, Scenario]:
    """All of them by name; with `default` those of `staying.py` that are measured without options."""
    if default:
        return _staying(True)
    found = {name: _new_keys(row) for name, row in weather.ROWS.items()}
    found |= {name: _handshake(options) for name, options in weather.HANDSHAKES.items()}
    found |= _staying(False)
    odd = "second Child SA, unknown exchange, unknown critical payload, unknown notify"
    found[odd] = Scenario("0 lost, no DOWN", _odd_requests)
    for size, pieces in ((200, 6), (576, 2)):
        found[f"the gateway's IKE messages in pieces of {size} octets"] = Scenario(
            f"0 lost, no DOWN, {pieces} pieces or more", functools.partial(_pieces, size, pieces)
        )
    found["path of 600 octets that drops IP fragments"] = Scenario("0 lost, no DOWN, our request in pieces", _small_path)
    for who in ("the gateway", "the device"):
        found[f"libreswan: {who} rekeys both, liveness, Delete"] = Scenario(
            "rekeys, no DOWN before the Delete", functools.partial(_libreswan, who)
        )
    return found


def _new_keys(row: weather.Row) -> Scenario:
    wanted = [f"{row.acked:.0%} acked" if row.acked < 1 else "0 lost", "no DOWN"]
    wanted += [f"gap <= {row.gap_ms} ms"] if row.gap_ms else []
    wanted += [f"{row.crossings} crossings"] if row.crossings else []

    def run() -> tuple[str, bool]:
        figures = weather.measure(row)
        sent, acked = figures["sent"], figures["acked"]
        text = f"{sent - acked} of {sent} lost" if row.acked == 1 else f"{acked / sent:.0%} of {sent} acked"
        text += f", {', '.join(figures['events']) or 'no event'}, gap {figures['gap_ms']} ms"
        text += ", new keys {} Child and {} IKE".format(*figures["rekeys"])
        text += f", {figures['crossings']} crossings" if row.crossings else ""
        return text, not weather.faults(row, figures)

    return Scenario(", ".join(wanted), run)


def _handshake(options: dict) -> Scenario:
    def run() -> tuple[str, bool]:
        took = weather.handshakes(options)
        good = [one for one in took if one is not None] or [float("nan")]
        text = f"median {statistics.median(good):.2f} s, worst {max(good):.2f} s, {took.count(None)} of {len(took)} failed"
        return text, not weather.handshake_faults(took)

    return Scenario("median <= 2 s, worst <= 15 s, none fails", run)


def _staying(default: bool) -> dict[str, Scenario]:
    found = {}
    for name, row in staying.ROWS.items():
        for mobike in (True, False) if "NAT" in name else (True,):
            options = {**({} if default else staying.FAST), **({} if mobike else {"mobike": False})}
            name += "" if mobike else " without MOBIKE"
            found[name + (" (default)" if default else "")] = _gap(row, row.default_s if default else row.fast_s, options)
    return found


def _gap(row: staying.Row, limit_s: float, options: dict) -> Scenario:
    def run() -> tuple[str, bool]:
        gap_s, events, _ = staying.measure(row, options, max(15, limit_s + 5))
        good = gap_s <= limit_s and (row.down or not any(event.startswith("down") for event in events))
        return f"{gap_s:.2f} s, {', '.join(events) or 'no event'}", good

    return Scenario(f"<= {limit_s:g} s" + ("" if row.down else ", no DOWN"), run)


def _told(device: Stream, count: str, good: bool = True) -> tuple[str, bool]:
    """The same words for a stream of readings that must lose nothing."""
    figures = device.figures
    lost = figures["sent"] - figures["acked"]
    text = f"{lost} of {figures['sent']} lost, {', '.join(figures['events']) or 'no event'}, gap {figures['gap_ms']} ms, {count}"
    return text, good and lost == 0 and not figures["events"]


def _odd_requests() -> tuple[str, bool]:
    """Of the reference responder, as no real gateway can be made to ask for these."""
    with Responder(psk=PSK) as gw, Client(gw) as client:
        client.connect()
        done = client.readings(5)
        for pending in (
            gw.create_child(),
            gw.request(240, []),
            gw.request(Exchange.INFORMATIONAL, [Payload(49, b"?", critical=True)]),
            gw.request(Exchange.INFORMATIONAL, [notify_payload(16383, b"?"), notify_payload(65535, b"?")]),
        ):
            client.answer(pending)
            done += client.readings(5)
        downs = [cause for kind, cause in client.story if kind != "up"]
    return f"{25 - done} of 25 lost, {', '.join(downs) or 'no event'}, 4 answers (reference responder)", done == 25 and not downs


def _pieces(size: int, pieces: int) -> tuple[str, bool]:
    esp = "aes128gcm16-x25519"
    with gateway(settings={"fragment_size": size}, esp_proposals=[esp], **test_fragments.WIDE) as gw:
        ours = {"esp_proposals": [esp], "child_lifetime_packets": 30, "natt_keepalive_s": 1, **test_fragments.OURS}
        with stream(gw, **ours) as device:
            _rekey_both(gw)
            gw.swan.wait_log("closing CHILD_SA", count=3)
        most = max(n for n in range(9) if n == 0 or f"into {n} fragments" in gw.swan.log())
    return _told(device, f"up to {most} pieces", most >= pieces)


def _small_path() -> tuple[str, bool]:
    with gateway(settings={"fragment_size": 576}, **test_fragments.WIDE) as gw, bad_link(gw, mtu=600):
        with stream(gw, gateway=NEAR, retransmit_ms=250, esp_proposals=None, **test_fragments.OURS) as device:
            _rekey_both(gw)
            time.sleep(1.2)
        cut = gw.swan.log().count("EF(1/2)")
    return _told(device, f"{cut} messages in pieces", cut > 0)


def _rekey_both(gw: Gateway) -> None:
    gw.swan.rekey(child="net")
    gw.swan.wait_log("rekeyed CHILD_SA")
    gw.swan.rekey(ike="rw")
    gw.swan.wait_log("rekeyed between")


def _libreswan(who: str) -> tuple[str, bool]:
    """Three rekeys of each kind, a second without a reading (pluto and device then check each other), and a Delete."""
    ours = {"child_lifetime_s": 10, "lifetime_s": 13} if who == "the device" else {}
    with spaces.Network(libreswan_root(print_progress)) as network:
        pluto = Libreswan(network.gateway)
        config = network.work / "device.json"
        config.write_text(json.dumps({**device_options(), "reconnect": False, "dpd_s": 1, **_GCM, **ours}))
        device = start_device(network.client, ["micropython", "host_tests/interop/device.py", config, "serve"])
        try:
            assert device.stdout and device.stdout.readline() == "up 10.20.0.1\n", pluto.log()[-3000:]
            if ours:
                pluto.wait_count("responder rekeyed", 3, timeout_s=35)
            for count in range(0 if ours else 3):
                for verb in ("--rekey-child", "--rekey-ike"):
                    pluto.whack(verb, "--asynchronous", "--name", "rw")
                    pluto.wait_count("initiator rekeyed", 2 * count + (1 if verb == "--rekey-child" else 2))
            time.sleep(2.5)
            is_up = device.poll() is None
            rekeys = pluto.log().count("responder rekeyed" if ours else "initiator rekeyed")
            pluto.close()
            said = device.communicate(timeout=10)[0].splitlines()
        finally:
            spaces.stop(device, 0)
    return f"{rekeys} rekeys, {'no event' if is_up else 'DOWN'}, then {', '.join(said)}", is_up and said == ["closed"]


def page(kept: Path) -> str:
    """What was measured, the latest of each scenario and how often that was, as a page."""
    kept_rows = [json.loads(line) for line in kept.read_text().splitlines()]
    tries = collections.Counter(row["scenario"] for row in kept_rows)
    rows = {row["scenario"]: row for row in kept_rows}
    lines = ["| scenario | measured | wanted | | tries |", "| --- | --- | --- | --- | ---: |"]
    lines += [
        "| {scenario} | {measured} | {wanted} | {verdict} | {tries} |".format(tries=tries[name], **row)
        for name, row in rows.items()
    ]
    return _HEAD + "\n".join(lines) + "\n"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--default", action="store_true", help="the scenarios of staying.py without any option")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="append each result to this file, a line of JSON each")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write docs/field.md of what was kept, and measure nothing")
    parser.add_argument("--list", action="store_true", help="names and what is wanted, and measure nothing")
    parser.add_argument("words", nargs="*", metavar="SCENARIO", help="words of their names")
    args = parser.parse_args(argv)
    if args.page:
        DOCS.write_text(page(args.page))
        return 0
    missed = 0
    for name, scenario in scenarios(args.default).items():
        if args.words and not any(word in name for word in args.words):
            continue
        if args.list:
            print(f"{name:46} wanted: {scenario.wanted}")
            continue
        try:
            measured, good = scenario.run()
        except (AssertionError, RuntimeError, OSError, TimeoutError) as error:
            measured, good = f"{type(error).__name__}: {' '.join(str(error).split())[-300:]}", False
        missed += not good
        row = {"scenario": name, "measured": measured, "wanted": scenario.wanted, "verdict": "met" if good else "missed"}
        print("{scenario:46} {verdict:6}  {measured}  (wanted: {wanted})".format(**row), flush=True)
        if args.keep:
            with args.keep.open("a") as out:
                out.write(json.dumps(row) + "\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
