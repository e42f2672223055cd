"""Gateway configurations that match a device, written from its provisioning file.

    plan = ipsec_board.gateway.plan.load(Path("sensor-7.toml"))
    for file in write("strongswan", [plan, ...]):
        print(file.text)

strongSwan and libreswan get complete files; the other vendors' text names the document in which a setting was looked up,
or says that it is not confirmed.
Start reading at `write`.
"""

import functools
import importlib
import os
from collections.abc import Sequence
from pathlib import Path

from ipsec_board import paths  # noqa: F401 - makes `import ipsec` work for the modules below
from ipsec_board.gateway import ends, methods
from ipsec_board.gateway.authority import Authority
from ipsec_board.gateway.checks import together
from ipsec_board.gateway.fleet import fleets
from ipsec_board.gateway.plan import Plan, PlanError
from ipsec_board.gateway.text import GatewayFile

# name: (module with write(plan, show_secret) -> list of GatewayFile, what it is)
GATEWAYS = {
    "strongswan": ("ipsec_board.gateway.strongswan", "strongSwan, swanctl.conf"),
    "libreswan": ("ipsec_board.gateway.libreswan", "libreswan, ipsec.conf"),
    "routeros": ("ipsec_board.gateway.routeros", "MikroTik RouterOS 7"),
    "iosxe": ("ipsec_board.gateway.iosxe", "Cisco IOS XE, FlexVPN"),
    "junos": ("ipsec_board.gateway.junos", "Juniper Junos, SRX Series"),
    "fortigate": ("ipsec_board.gateway.fortigate", "Fortinet FortiOS"),
    "pfsense": ("ipsec_board.gateway.pfsense", "pfSense"),
    "aws": ("ipsec_board.gateway.aws", "AWS Site-to-Site VPN"),
    "azure": ("ipsec_board.gateway.azure", "Azure VPN Gateway"),
}


def write(
    name: str, plans: Plan | Sequence[Plan], show_secret: bool = False, issuer: Authority | None = None
) -> list[GatewayFile]:
    """The files for this kind of gateway and one device or more; without `show_secret` placeholders stand for the PSKs.

    `issuer` issues the gateway's certificate, where the devices trust that authority and the gateway has none yet. Raises
    PlanError when the gateway has nothing in common with a device, or misses something it needs.
    """
    if name not in GATEWAYS:
        raise PlanError(f"no gateway {name!r}", f"there are {', '.join(GATEWAYS)}")
    module = importlib.import_module(GATEWAYS[name][0])
    found = fleets([plans] if isinstance(plans, Plan) else plans)
    together(*(functools.partial(methods.check, name, GATEWAYS[name][1], fleet) for fleet in found))
    if issuer:
        found = [ends.with_gateway(fleet, issuer) for fleet in found]
    written = together(*(functools.partial(module.write, fleet, show_secret) for fleet in found))
    return [file for files in written for file in files]


def save(files: list[GatewayFile], folder: Path, replace: bool = False) -> list[Path]:
    """Write the files into a folder; those with a secret get mode 600 before anything is in them.

    Raises PlanError, and writes nothing, when one of them holds something else for other devices, unless `replace`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not replace:
        for file in files:
            _check_replacing(folder / file.name, file)
    written = []
    for file in files:
        path = folder / file.name
        path.unlink(missing_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if file.secret else 0o644)
        with os.fdopen(handle, "w") as f:
            f.write(file.text)
        written.append(path)
    return written


def _check_replacing(path: Path, file: GatewayFile) -> None:
    try:
        before = path.read_text()
    except OSError:
        return
    except UnicodeDecodeError:
        before = ""
    is_for_others = before.splitlines()[:1] != file.text.splitlines()[:1]
    if before != file.text and (file.shared or is_for_others):
        raise PlanError(
            f"{path} was written for other devices, or for other settings: nothing was written",
            "give the files of all devices in one command, with --replace; or take another [site] name for this device",
        )
