"""How long a tunnel is of no use when its gateway, its network or its address changes: a table, against strongSwan.

    python -m host_tests.interop.staying [--default] [--no-mobike] [ROW ...]

A device on MicroPython's unix port sends 20 readings a second; what counts is the longest time without an answer that begins
after the event, less the time for which nothing could pass. FAST is `dpd_s` 1, `retransmit_ms` 250, 4 tries, `reconnect_ms` 100.
Start reading at `ROWS`.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from host_tests.interop import spaces
from host_tests.interop.gateway import Gateway, gateway
from host_tests.interop.strongswan import StrongSwan

FAST = {"dpd_s": 1, "retransmit_ms": 250, "retransmit_tries": 4, "reconnect_ms": 100}
_DEVICE = "host_tests/interop/staying_device.py"
_BEFORE_S = 7.0  # a tunnel that lived shorter counts as a failure
_OTHER = "10.9.1.9"  # another address of the same charon, as another gateway
_BOTH = {"local_addrs": [spaces.GATEWAY, _OTHER]}
_CUT = "table inet cut {\n chain input { type filter hook input priority 0; udp dport { 500, 4500 } drop; }\n}\n"


@dataclass
class Row:
    """`act` makes it happen; it takes `away_s`, for which nothing can pass; the gap that is left is at most `fast_s`."""

    act: Callable[[Gateway], None]
    away_s: float
    fast_s: float
    default_s: float = 0.0
    down: bool = True  # whether a DOWN event is allowed
    nat: bool = False
    sleep_s: int = 0
    options: dict = field(default_factory=dict)  # of the device
    policy: dict = field(default_factory=dict)  # of the gateway


def _killed(gw: Gateway) -> None:
    name = gw.swan
    spaces.stop(name.process, 0)
    time.sleep(2)
    gw.swan = StrongSwan(gw.gateway, name="again")
    gw.swan.load_psk(**gw.policy)  # type: ignore[attr-defined]


def _late(gw: Gateway) -> None:
    """No gateway for a while; what counts begins when there is one."""
    start = time.monotonic()
    spaces.stop(gw.swan.process, 0)
    time.sleep(15)
    gw.swan = StrongSwan(gw.gateway, name="late")
    gw.swan.load_psk(**gw.policy)  # type: ignore[attr-defined]
    gw.away_s = time.monotonic() - start  # type: ignore[attr-defined]


def _first_dies(gw: Gateway) -> None:
    cut = _CUT.replace("udp dport", f"ip daddr {spaces.GATEWAY} udp dport")
    gw.gateway.run(["nft", "-f", "-"], in_root=True, input=cut)


def _redirected(gw: Gateway) -> None:
    gw.swan.redirect(_OTHER, ike="rw")


def _silent(seconds: float) -> Callable[[Gateway], None]:
    def act(gw: Gateway) -> None:
        gw.gateway.run(["nft", "-f", "-"], in_root=True, input=_CUT)
        time.sleep(seconds)
        gw.gateway.run(["nft", "delete", "table", "inet", "cut"], in_root=True)

    return act


def _link_down(gw: Gateway) -> None:
    gw.client.ip("link set eth0 down")
    time.sleep(20)
    gw.client.ip("link set eth0 up")


def _rebind(gw: Gateway) -> None:
    gw.network.rebind_nat()


def _address(gw: Gateway) -> None:
    gw.client.ip(f"addr del {spaces.CLIENT}/24 dev eth0", "addr add 10.9.1.77/24 dev eth0")


def _delete_child(gw: Gateway) -> None:
    gw.swan.terminate(child="net", force="yes")


def _delete_ike(gw: Gateway) -> None:
    gw.swan.terminate(ike="rw", force="yes")


ROWS = {
    "gateway killed, back in 2 s": Row(_killed, 0, 3, 20),
    "silent 20 s": Row(_silent(20), 20, 1, 3),
    "silent 90 s": Row(_silent(90), 90, 3, 4),
    "link down 20 s": Row(_link_down, 20, 1, 3),
    "NAT rebinding": Row(_rebind, 0, 1, 15, down=False, nat=True),
    "our address changes": Row(_address, 0, 0.5, 0.5, down=False),
    "Delete of Child SA": Row(_delete_child, 0, 0.3, 0.3),
    "Delete of IKE SA": Row(_delete_ike, 0, 0.3, 0.3),
    "redirect": Row(_redirected, 0, 1, 1, policy=_BOTH),
    "second gateway of a list": Row(_first_dies, 0, 8, 45, policy=_BOTH, options={"gateway": [spaces.GATEWAY, _OTHER]}),
    "gateway that appears late": Row(_late, 15, 2, 3),
    "program sleeps 45 s": Row(lambda gw: time.sleep(45), 45, 3, 3, sleep_s=45),
}


def measure(row: Row, options: dict, settle_s: float = 25, **policy) -> tuple[float, list[str], str]:
    """The gap in seconds, the DOWN and FAILED events, and the device's status.

    The device goes on for `settle_s` after the time for which nothing can pass.
    """
    after_s = row.away_s + settle_s
    policy = {**policy, **row.policy}
    with gateway(nat=row.nat, **policy) as gw:
        gw.policy = policy  # type: ignore[attr-defined]
        gw.away_s = row.away_s  # type: ignore[attr-defined]
        if row.policy:
            gw.gateway.ip(f"addr add {_OTHER}/24 dev eth0")
        argv: list = ["micropython", _DEVICE, gw.write_config(**options, **row.options), str(int(_BEFORE_S + after_s))]
        argv += [str(int(_BEFORE_S)), str(row.sleep_s)] if row.sleep_s else []
        device = gw.start_device(argv)
        assert device.stdout
        first = device.stdout.readline()
        assert first == "up\n", first + device.stdout.read()
        start = time.monotonic()
        time.sleep(_BEFORE_S)
        began_ms = (time.monotonic() - start) * 1000
        if not row.sleep_s:
            row.act(gw)
        lines = device.stdout.read().splitlines()
        away_s = gw.away_s  # type: ignore[attr-defined]
    acks = [int(line.split()[1]) for line in lines if line.startswith("ack")]
    acks += [int(_BEFORE_S + after_s) * 1000] * bool(acks)  # its end, which ends a gap, too
    events = [line for line in lines if line.split()[0] in ("down", "failed", "warning") and line != "down closed"]
    status = "".join(line for line in lines if line.startswith("status"))
    if not status:
        raise AssertionError("the device ended: " + "\n".join(lines[-12:]))
    points = [at for at in acks if at > began_ms - 300]
    if not points:
        return float("inf"), events, status
    gap_ms = max(b - a for a, b in zip(points, points[1:], strict=False))
    return max(0.0, gap_ms / 1000 - away_s), events, status


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--default", action="store_true", help="the options as they are without any, instead of FAST")
    parser.add_argument("--no-mobike", action="store_true", help="the device does not offer MOBIKE")
    parser.add_argument("rows", nargs="*", metavar="ROW", help="words of the rows to measure; default: all")
    args = parser.parse_args()
    options = {**({} if args.default else FAST), "mobike": not args.no_mobike}
    failed = 0
    for name, row in ROWS.items():
        if args.rows and not any(word in name for word in args.rows):
            continue
        gap_s, events, status = measure(row, options, max(25, row.default_s + 5))
        limit = row.default_s if args.default else row.fast_s
        good = gap_s <= limit and (row.down or not any(event.startswith("down") for event in events))
        failed += not good
        verdict = "ok" if good else "MISSED"
        print(f"{name:30} {gap_s:7.2f} s  wanted {limit:5.1f} s  {verdict:6}  {', '.join(events) or 'no event'}", flush=True)
        print(f"{'':30} {status}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
