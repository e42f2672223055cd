"""A mosquitto behind strongSwan, and somebody there who listens to it.

Start reading at `Broker`.
"""

import json
import shutil
import subprocess
import time
from pathlib import Path

from host_tests.conftest import require
from host_tests.interop.gateway import Gateway
from host_tests.interop.spaces import stop


class Broker:
    """mosquitto in the gateway's namespace, at every address there: 1883, and with a certificate 8883 for TLS."""

    def __init__(self, gw: Gateway, folder: Path, certificate: Path | None = None, key: Path | None = None) -> None:
        program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
        require(program is not None, "mosquitto is not installed: apt-get install mosquitto")
        self._program = str(program)
        require(shutil.which("mosquitto_sub") is not None, "mosquitto_sub is not installed: apt-get install mosquitto-clients")
        self._gw, self._folder = gw, folder
        lines = ["listener 1883", "allow_anonymous true", "user root", "persistence true", f"persistence_location {folder}/"]
        if certificate:
            lines += ["listener 8883", f"certfile {certificate}", f"keyfile {key}"]
        (folder / "mosquitto.conf").write_text("\n".join(lines) + "\n")
        self._ears: subprocess.Popen | None = None
        self.start()

    def start(self) -> None:
        """Start it, again after `stop`."""
        with (self._folder / "mosquitto.txt").open("a") as output:
            argv = [self._program, "-c", str(self._folder / "mosquitto.conf")]
            self._process = self._gw.gateway.start(argv, stdout=output, stderr=output)
        time.sleep(0.5)

    def stop(self) -> None:
        """End it; it keeps on disk what subscribers have not got."""
        stop(self._process)

    def listen(self, topic: str) -> None:
        """Have all messages of a topic written down, by a subscriber that misses nothing when the broker restarts."""
        argv = ["mosquitto_sub", "-h", "127.0.0.1", "-q", "1", "-c", "-i", "ears", "-v", "-t", topic]
        with (self._folder / "heard.txt").open("w") as output:
            self._ears = self._gw.gateway.start(argv, stdout=output, stderr=subprocess.DEVNULL)
        time.sleep(0.5)

    def heard(self) -> list[tuple[str, str]]:
        """`(topic, message)` of all that came."""
        return [tuple(line.split(" ", 1)) for line in (self._folder / "heard.txt").read_text().splitlines()]  # type: ignore[misc]

    def readings(self, topic: str) -> list[dict]:
        """The readings that came."""
        return [json.loads(message) for at, message in self.heard() if at == topic + "/readings"]

    def say(self, topic: str, message: str) -> None:
        """Publish."""
        self._gw.gateway.run(["mosquitto_pub", "-h", "127.0.0.1", "-q", "1", "-t", topic, "-m", message])

    def close(self) -> None:
        """End all."""
        if self._ears:
            stop(self._ears, 1)
        stop(self._process, 1)
