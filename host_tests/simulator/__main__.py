"""`python -m host_tests.simulator --seed N --days D`: one run, or `--runs K` with seeds from N on; figures as JSON.

A run that breaks prints its last events, the seed, and the command that shows it again.
"""

import argparse
import json
import sys
import time

from .simulation import PROFILES, Broken, Simulation


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser("python -m host_tests.simulator", description="Devices and gateways in virtual time.")
    parser.add_argument("--seed", type=int, default=1, help="of the first run")
    parser.add_argument("--runs", type=int, default=1, metavar="K", help="so many runs, with seeds one after the other")
    parser.add_argument("--days", type=float, default=1.0, metavar="D", help="how long each run lasts")
    parser.add_argument("--profile", default="field", choices=sorted(PROFILES), help="what happens to the devices")
    parser.add_argument("--devices", type=int, default=1, metavar="N")
    parser.add_argument("--seamless", action="store_true", help="a DOWN or a loss that nothing outside explains breaks the run")
    parser.add_argument("--board", action="store_true", help="the tunnels run on MicroPython, in processes of their own")
    parser.add_argument("--trace", action="store_true", help="print everything that happens")
    args = parser.parse_args(argv)
    broken = 0
    for seed in range(args.seed, args.seed + args.runs):
        began = time.monotonic()
        try:
            run = Simulation(seed, args.days, args.profile, args.devices, args.trace, args.board).run()
            if args.seamless:
                run.check_seamless()
            figures = {**run.figures(), "took s": round(time.monotonic() - began, 1)}
        except Broken as error:
            broken += 1
            figures = {"seed": seed, "days": args.days, "profile": args.profile, "broken": str(error)}
            print("BROKEN: %s" % error, file=sys.stderr, flush=True)
        print(json.dumps(figures), flush=True)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
