"""One strongSwan gateway, the network behind it, and a place for a device: the whole scene of an interop test.

    with gateway() as gw:
        done = gw.run_device(["micropython", "main.py", gw.write_config()])
        print(gw.readings(), gw.counters())

Start reading at `Gateway`.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from host_tests.interop import capture, keys, spaces, strongswan
from host_tests.interop.agent_services import COLLECTOR_PORT, ECHO_PORT
from host_tests.interop.install import Report, strongswan_root
from host_tests.interop.spaces import INSIDE, INSIDE6, Network, Space
from host_tests.interop.strongswan import StrongSwan

REPOSITORY = Path(__file__).resolve().parents[2]
_SERVICES = Path(__file__).with_name("agent_services.py")


class DeviceRun(NamedTuple):
    """What a device's program did: its exit status, None if the time was up, and the lines it printed."""

    status: int | None
    lines: list[str]


class Gateway:
    """A running scene. `client` and `gateway` are its namespaces, `swan` its charon, `work` a folder of its own.

    address    the gateway's outer address, 10.9.1.1; IKE at `port`, NAT traversal at `natt_port`
    collector  (address, port) behind the tunnel that answers readings with b"ack <n>"
    echo       (address, port) behind the tunnel that echoes UDP
    pcap       the capture of the device's uplink, from the start
    """

    address = spaces.GATEWAY
    port = 500
    natt_port = 4500
    collector = (INSIDE, COLLECTOR_PORT)
    echo = (INSIDE, ECHO_PORT)

    def __init__(self, root: Path, *, nat: bool = False, settings: dict | None = None) -> None:
        self.network = Network(root, nat=nat)
        self._devices: list[subprocess.Popen] = []
        try:
            self.client, self.gateway, self.work = self.network.client, self.network.gateway, self.network.work
            self.capture = capture.Capture(self.client, self.work / "uplink.pcap")
            self.swan = StrongSwan(self.gateway, settings=settings)
            self._start_services()
        except BaseException:
            self.network.close()
            raise

    @property
    def pcap(self) -> Path:
        """The capture of the device's uplink, complete up to a moment ago."""
        return self.capture.path

    # --- the device

    def options(self, **changes) -> dict:
        """The options of a device's configuration that fit `load_psk` as it is, with `changes`; None leaves one out."""
        return {name: value for name, value in {**device_options(), **changes}.items() if value is not None}

    def write_config(self, name: str = "device.json", **changes) -> Path:
        """Write `options(**changes)` as a JSON file into the work folder."""
        path = self.work / name
        path.write_text(json.dumps(self.options(**changes), indent=2) + "\n")
        return path

    def start_device(self, argv: Sequence[str | Path], **popen) -> subprocess.Popen:
        """Start a device's program in the client's namespace, stdout and stderr in one text pipe; ended by `close`."""
        device = start_device(self.client, argv, **popen)
        self._devices.append(device)
        return device

    def run_device(self, argv: Sequence[str | Path], timeout_s: float = 30, **popen) -> DeviceRun:
        """Run a device's program to its end, or kill it after `timeout_s`."""
        device = self.start_device(argv, **popen)
        try:
            output, _ = device.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            spaces.stop(device, 0)
            return DeviceRun(None, device.communicate()[0].splitlines())
        return DeviceRun(device.returncode, output.splitlines())

    # --- what came through

    def readings(self) -> list[dict]:
        """What the collector received, in order: {"from", "port", "reading"} or {"from", "port", "refused", "data"}."""
        return [json.loads(line) for line in (self.work / "services.txt").read_text().splitlines()[1:]]

    def counters(self) -> dict[str, int]:
        """Inner octets and packets by charon's account, of closed CHILD_SAs too; keys as of `StrongSwan.counters`."""
        return self.swan.counters()

    def keys(self) -> tuple[list[keys.IkeKeys], list[keys.EspKeys]]:
        """All keys of the tunnels so far, from charon's log."""
        ike, esp = keys.read_log(self.swan.log())
        return keys.name_rekeyed(ike, capture.ike_spis(self.pcap)), esp

    def decrypt(self) -> tuple[list, list[bytes]]:
        """(inner packets as scapy's, ESP packets that did not open) of the capture so far."""
        return capture.decrypt(self.pcap, self.keys()[1])

    def save(self, folder: Path) -> Path:
        """Keep the capture, the log and Wireshark's tables in `folder`, and return it."""
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.pcap, folder)
        keys.write_wireshark(folder, *self.keys())
        self.swan.save(folder / "charon")
        return folder

    def close(self) -> None:
        """End the device, the gateway and the network; `work` goes too."""
        for device in self._devices:
            spaces.stop(device, 1)
            if device.stdout:
                device.stdout.close()
        self.swan.close()
        self.capture.close()
        spaces.stop(self._services)
        self.network.close()

    def _start_services(self) -> None:
        with (self.work / "services.txt").open("w") as output:
            argv: list[str | Path] = [sys.executable, "-I", _SERVICES, INSIDE, INSIDE6]
            self._services = self.gateway.start(argv, stdout=output)
        wait_for_line(self._services, self.work / "services.txt", "ready")


@contextmanager
def gateway(
    *, suite: str = "", nat: bool = False, settings: dict | None = None, report: Report | None = None, **options
) -> Iterator[Gateway]:
    """A scene whose gateway awaits a device with a pre-shared key; the options are `StrongSwan.load_psk`'s.

    Makes the strongSwan root if it is not in the cache yet, telling `report` about it. Raises Missing with the remedy
    when the machine does not allow it.
    """
    spaces.check_machine()
    scene = Gateway(strongswan_root(suite, report), nat=nat, settings=settings)
    try:
        scene.swan.load_psk(**options)
        yield scene
    finally:
        scene.close()


def device_options() -> dict:
    """A device's configuration for the gateways of this package, with their first proposals."""
    return {
        "gateway": spaces.GATEWAY,
        "local_id": strongswan.CLIENT_ID,
        "remote_id": strongswan.GATEWAY_ID,
        "psk": strongswan.PSK,
        "ike_proposals": strongswan.IKE_PROPOSALS[:1],
        "esp_proposals": strongswan.ESP_PROPOSALS[:1],
        "remote_ts": ["10.10.0.0/24"],
    }


def start_device(space: Space, argv: Sequence[str | Path], **popen) -> subprocess.Popen:
    """Start a device's program in a namespace: found beside this Python, with the library on its search path."""
    environment = {**os.environ, **device_environment(), **popen.pop("env", {})}
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "cwd": REPOSITORY, **popen}
    command: list[str | Path] = [program(argv[0]), *argv[1:]]
    return space.start(command, env=environment, **options)


def program(name: str | Path) -> str:
    """The path of a program: beside this Python (a virtual environment that is not activated), or found as usual."""
    beside = Path(sys.executable).parent / name
    return str(beside) if beside.is_file() else shutil.which(name) or str(name)


def device_environment() -> dict[str, str]:
    """Search paths for both interpreters: the library as it lies in the checkout."""
    library = str(REPOSITORY / "lib")
    return {"PYTHONPATH": library, "MICROPYPATH": f"{library}:.frozen", "PYTHONUNBUFFERED": "1"}


def wait_for_line(process: subprocess.Popen, path: Path, line: str, timeout_s: float = 10) -> None:
    """Wait until the output file of a process begins with `line`. Raises RuntimeError."""
    end = time.monotonic() + timeout_s
    while not path.read_text().startswith(line):
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"{process.args!r} did not start")
        time.sleep(0.005)
