"""A bad link between a device and its gateway, made by `agent_link.py`. Start reading at `bad_link`."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator

from host_tests.interop.gateway import Gateway
from host_tests.interop.spaces import stop

NEAR = "127.0.0.1"  # what the device takes for its gateway


class Link:
    """`change` makes another weather, as `agent_link.py` describes it; `taken` and `lost` are packets, known after its end."""

    def __init__(self, process: subprocess.Popen):
        self.process = process
        self.taken = self.lost = 0

    def change(self, **weather) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(weather) + "\n")
        self.process.stdin.flush()


@contextlib.contextmanager
def bad_link(gw: Gateway, **weather) -> Iterator[Link]:
    """A device that takes `NEAR` for the gateway reaches it over this link."""
    argv = [sys.executable, "-I", "host_tests/interop/agent_link.py", gw.address, json.dumps(weather)]
    process = gw.client.start(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout and process.stdin and process.stdout.readline() == "ready\n"
        link = Link(process)
        yield link
        process.stdin.close()
        link.taken, link.lost = map(int, process.stdout.readline().split())
    finally:
        stop(process)
