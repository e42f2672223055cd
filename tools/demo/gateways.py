"""The gateways of the demo, with one face: `tunnel` options for the device, `run_device`, `counters`, `files`.

Start reading at `ReferenceGateway`.
"""

import os
import secrets
import subprocess
import threading
from pathlib import Path

DEVICE_ID = "device.example"
GATEWAY_ID = "gw.example"
# The leanest profile: one suite, which most gateways must be told to accept
PROFILE = {
    "ike_proposals": ["aes128ccm16-prfsha256-x25519"],
    "esp_proposals": ["aes128ccm16"],
    "remote_ts": ["10.10.0.0/24"],
}
COLLECTOR = ["10.10.0.1", 5000]
_KEY_TABLES = ("ikev2_decryption_table", "esp_sa")


def select(name: str):
    """The gateway's class."""
    if name == "strongswan":
        from tools.demo.strongswan import StrongSwanGateway

        return StrongSwanGateway
    return ReferenceGateway


class KeyFiles:
    """Wireshark's key tables, written from the key log of the device; SECRETS of this one run."""

    def __init__(self, folder: Path):
        self.folder = folder / "wireshark"
        self.folder.mkdir()

    def add(self, table: str, line: str) -> None:
        if table in _KEY_TABLES:
            with (self.folder / table).open("a") as f:
                f.write(line + "\n")


class ReferenceGateway:
    """The responder of host_tests, in this process, on free ports of the loopback."""

    name = "the reference responder"

    def __init__(self, folder: Path, report):
        from host_tests.responder.gateway import Responder

        psk = secrets.token_hex(32)
        self.pcap = folder / "demo.pcap"
        self._responder = Responder(psk=bytes.fromhex(psk), local_id=GATEWAY_ID, remote_id=DEVICE_ID, pcap=str(self.pcap))
        self._responder.start()
        self.tunnel = {
            "gateway": "127.0.0.1",
            "port": self._responder.port,
            "natt_port": self._responder.natt_port,
            "local_id": DEVICE_ID,
            "remote_id": GATEWAY_ID,
            "psk": "hex:" + psk,
            **PROFILE,
        }

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self._responder.stop()

    def board_prefix(self) -> tuple:
        """What is put before an emulator's command so that it reaches the gateway: nothing, both use the loopback."""
        return ()

    def run_device(self, argv, environment, timeout_s):
        """Yield the lines of the device program."""
        process = subprocess.Popen(
            argv, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        yield from lines_of(process, timeout_s)

    def counters(self) -> dict:
        """What the gateway has seen."""
        counters = self._responder.counters
        readings = sum(1 for e in self._responder.events if e["event"] == "reading")
        return {"readings": readings, "ESP packets in": counters["in.esp"], "ESP packets out": counters["out.esp"]}


def lines_of(process, timeout_s: float):
    """The lines of a process, which is killed when it takes too long."""
    timer = threading.Timer(timeout_s, process.kill)
    timer.start()
    try:
        yield from process.stdout
        process.wait()
    finally:
        timer.cancel()
        process.kill()
        process.wait()
