"""The demo's other gateway: a real strongSwan in network namespaces of its own.

Start reading at `StrongSwanGateway`.
"""

import os
import shutil
from pathlib import Path

from host_tests.interop.gateway import device_environment, gateway, program
from tools.demo.gateways import COLLECTOR, PROFILE, lines_of


class StrongSwanGateway:
    """The scene of the interop tests, with a device in its client namespace; the face is that of `ReferenceGateway`."""

    name = "strongSwan in a network namespace"

    def __init__(self, folder: Path, report):
        self.pcap = folder / "demo.pcap"
        self._scene = gateway(report=lambda text, done: report(f"{text} {done:.0%}") if done in (0, 1) else None)

    def __enter__(self):
        self._gateway = self._scene.__enter__()
        self.name = "strongSwan " + self._gateway.swan.session().version()["version"].decode()
        self.tunnel = self._gateway.options(**PROFILE)
        assert list(self._gateway.collector) == COLLECTOR
        return self

    def __exit__(self, *exc):
        shutil.copy(self._gateway.pcap, self.pcap)
        return self._scene.__exit__(*exc)

    def board_prefix(self) -> tuple:
        """An emulator runs in the client's namespace, from where it reaches the gateway."""
        return tuple(self._gateway.client._enter(mounts=False))

    def run_device(self, argv, environment, timeout_s):
        """Yield the lines of the device program."""
        environment = {**os.environ, **device_environment(), **environment}
        process = self._gateway.start_device([program(str(argv[0])), *argv[1:]], env=environment)
        yield from lines_of(process, timeout_s)

    def counters(self) -> dict:
        """What charon has counted inside its CHILD_SAs, and what the collector has received."""
        return {"readings": len(self._gateway.readings()), **self._gateway.counters()}
