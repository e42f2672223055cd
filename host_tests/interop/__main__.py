"""A strongSwan gateway to play with: `python -m host_tests.interop [options] [-- PROGRAM ARGUMENT...]`.

Runs the program where a device stands, with the word CONFIG among its arguments replaced by the path of a configuration
that fits; without a program it waits for Ctrl-C. `--save FOLDER` keeps the capture, the log and Wireshark's key tables.

    python -m host_tests.interop -- micropython host_tests/interop/device.py CONFIG 5
"""

import argparse
import json
import sys
from pathlib import Path

from host_tests.interop.gateway import Gateway, gateway
from host_tests.interop.install import Missing, print_progress


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m host_tests.interop", description=__doc__.splitlines()[0])
    parser.add_argument("--suite", default="", help="Debian suite that strongSwan is taken from")
    parser.add_argument("--nat", action="store_true", help="put a masquerading router between")
    parser.add_argument("--ike", action="append", metavar="PROPOSAL", help="IKE proposal, again for more")
    parser.add_argument("--esp", action="append", metavar="PROPOSAL", help="ESP proposal, again for more")
    parser.add_argument("--save", type=Path, metavar="FOLDER", help="keep capture, log and keys there")
    parser.add_argument("--timeout", type=float, default=60, metavar="S", help="for the program (default: 60 s)")
    parser.add_argument("program", nargs="*", help="what to run where the device stands")
    return parser.parse_args()


def run_program(scene: Gateway, words: list[str], timeout_s: float) -> int:
    config = str(scene.write_config())
    device = scene.run_device([config if word == "CONFIG" else word for word in words], timeout_s)
    print("\n".join(device.lines))
    print("-- readings:", json.dumps([entry.get("reading") for entry in scene.readings()]))
    print("-- counters:", json.dumps(scene.counters()))
    if device.status is None:
        print(f"-- killed after {timeout_s:.0f} s")
    return device.status or 0


def wait_for_interrupt(scene: Gateway) -> int:
    enter = f"nsenter {' '.join(scene.network.user_flags)} --net --target {scene.client.pid}"
    print(f"gateway {scene.address}, configuration {scene.write_config()}, log {scene.swan.work / 'charon.log'}")
    print(f"run a program where a device stands: {enter} PROGRAM; Ctrl-C ends this")
    try:
        scene.swan.process.wait()
    except KeyboardInterrupt:
        return 0
    print(scene.swan.log_tail(), file=sys.stderr)
    return 1


def main() -> int:
    args = parse_args()
    proposals = {"proposals": args.ike, "esp_proposals": args.esp}
    options = {name: value for name, value in proposals.items() if value}
    try:
        with gateway(suite=args.suite, nat=args.nat, report=print_progress, **options) as scene:
            status = run_program(scene, args.program, args.timeout) if args.program else wait_for_interrupt(scene)
            if args.save:
                print("-- kept in", scene.save(args.save))
            return status
    except Missing as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
