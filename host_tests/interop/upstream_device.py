"""One side of a test of MicroPython's own, `tests/multi_net` or `tests/extmod`, through the tunnel or beside it:

    upstream_device.py CONFIG.json|- TEST.py INSTANCE PEER   (INSTANCE "" for a test of one side; "-" for no tunnel)

The test sees the tunnel's `socket`, as it is captured; nothing in it is changed but the address of the host itself.
Start reading at `main`.
"""

import asyncio
import sys

OWN = "127.0.0.1"


class multitest:  # noqa: N801 (the name that the tests use)
    """What `run-multitests.py` gives to both sides."""

    address = OWN

    @staticmethod
    def skip():
        print("SKIP")
        raise SystemExit

    @staticmethod
    def next():
        print("NEXT")
        flush()

    @staticmethod
    def broadcast(message):
        print("BROADCAST", message)
        flush()

    @staticmethod
    def wait(message):
        while sys.stdin.readline().rstrip() != "BROADCAST " + message:
            pass

    @staticmethod
    def globals(**names):
        for name in names:
            print("SET", name)

    @staticmethod
    def get_network_ip():
        return multitest.address

    @staticmethod
    def output_metric(data):
        print("OUTPUT_METRIC", data)


def flush():
    if hasattr(sys.stdout, "flush"):
        sys.stdout.flush()


def main(config, path, instance, peer):
    uplink = None
    with open(path) as f:
        source = f.read()
    if config != "-":
        import ipsec

        if "asyncio" in source:
            uplink = asyncio.run(ipsec.connect_async(config, capture=True))  # MicroPython's loop goes on in the next `run`
        else:
            uplink = ipsec.connect(config, capture=True)  # type: ignore[assignment]
        multitest.address = uplink.address  # type: ignore[union-attr]
        source = source.replace(OWN, multitest.address)
    names = {"__name__": "__main__", "multitest": multitest, "IP": peer}
    try:
        exec(source, names)
        if instance:
            names["instance" + instance]()
    finally:
        flush()
        if uplink:
            done = uplink.close()
            if "asyncio" in source:
                asyncio.run(done)


main(*sys.argv[1:])
