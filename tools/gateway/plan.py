"""A provisioning file: one device's tunnel, its firmware settings and the gateway's side, in TOML or JSON.

    [tunnel]                         options of ipsec.config.Config, checked by it
    gateway = "vpn.example.net"
    local_id = "sensor-7.example.net"
    psk_file = "sensor-7.psk"        beside this file; readable by its owner alone
    remote_ts = ["10.10.0.0/24"]

    [device]                         settings of firmware/main.py, checked by firmware/settings.py
    [site]                           what only the gateway's configuration needs, see `_SITE`

Rules: everything is checked when the file is read; the secret appears in no message and no repr. Start reading at `load`.
"""

import ipaddress
import json
import os
import re
import secrets
import stat
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from ipsec.address import is_address
from ipsec.config import Config
from ipsec.errors import ConfigError

# name: (default, meaning)
_SITE = {
    "name": ("uplink", "name of the connection on the gateway: letters, digits, - and _"),
    "pool": ("10.20.0.0/24", "IPv4 addresses that the gateway assigns to devices"),
    "pool6": ("fd20::/112", "IPv6 addresses that the gateway assigns to devices"),
    "dns": ([], "name servers inside, for the devices"),
    "interface": ("", "the gateway's outside interface, where its configuration needs one"),
    "inside": ("", "the gateway's inside interface, where its configuration needs one"),
    "address": ("", "the gateway's outside address, where its configuration needs one"),
    "peer_address": ("", "the device's public address, for gateways that cannot do without"),
    "number": (0, "a number of the device's own, for gateways that want one (Junos); 0: its place among the files given"),
}
_TABLES = ("tunnel", "device", "site")
_SECRET_LEN = 32


class PlanError(Exception):
    """A provisioning file that cannot be used; `remedy` says what to do."""

    def __init__(self, text: str, remedy: str = ""):
        super().__init__(text)
        self.remedy = remedy


@dataclass(frozen=True)
class Plan:
    """A checked provisioning file."""

    path: Path
    tunnel: dict  # the options as written, without psk and psk_file
    device: dict
    site: dict
    config: Config = field(repr=False)
    secret_file: Path
    readable: bool  # others than the owner can read the secret's file

    @property
    def name(self) -> str:
        """Name of the connection on the gateway."""
        return self.site["name"]

    @property
    def device_name(self) -> str:
        """A name for files and sections, from the device's identity."""
        return re.sub(r"[^a-z0-9]+", "-", self.config.local_id.lower()).strip("-") or "device"

    @property
    def protected(self) -> list[str]:
        """The prefixes behind the gateway, as text."""
        return list(self.tunnel.get("remote_ts", ["0.0.0.0/0"]))

    @property
    def pools(self) -> list[str]:
        """The prefixes from which the gateway assigns addresses; empty when the device brings its own."""
        names = {"ipv4": "pool", "ipv6": "pool6"}
        return [self.site[names[family]] for family in self.config.virtual_ip]

    @property
    def inside_hosts(self) -> list[str]:
        """What the gateway sees as the device's side: the pools, or the one address the device brings."""
        if self.pools:
            return self.pools
        return [str(ipaddress.ip_network(self.tunnel["inner_address"]))]

    def device_config(self) -> dict:
        """What is written to the device's ipsec.json; holds the secret."""
        return {**self.tunnel, "psk": "hex:" + self.config.psk.hex()}


def load(path: Path) -> Plan:
    """Read and check a provisioning file. Raises PlanError."""
    tables = _read(path)
    unknown = sorted(set(tables) - set(_TABLES))
    if unknown:
        raise PlanError(f"{path}: unknown table [{unknown[0]}]", f"use the tables {', '.join(_TABLES)}")
    options = dict(tables.get("tunnel", {}))
    secret_file = _secret_file(path, options)
    checked = _config(path, options, secret_file)
    for name in ("psk", "psk_file"):
        options.pop(name, None)
    site = _site(path, tables.get("site", {}))
    return Plan(path, options, dict(tables.get("device", {})), site, checked, secret_file, readable_by_others(secret_file))


def secret_path(path: Path) -> Path | None:
    """Where the provisioning file says its secret is, whether or not it is there; None when it has no psk_file."""
    name = _read(path).get("tunnel", {}).get("psk_file")
    return path.parent / name if name else None


def make_secret(path: Path, text: bool = False) -> None:
    """Write a new PSK of 32 random octets, readable by its owner alone. Raises PlanError when the file exists.

    `text` writes the octets' 64 hexadecimal digits as the PSK itself, for gateways that take no octets.
    """
    digits = secrets.token_hex(_SECRET_LEN)
    while text and digits[0] == "0":  # AWS refuses a leading zero
        digits = secrets.token_hex(_SECRET_LEN)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as e:
        raise PlanError(f"{path} exists: it may be in use by a device", "remove it first when it is not needed") from e
    except OSError as e:
        raise PlanError(f"{path} cannot be written ({e.strerror})", "give psk_file a path in an existing folder") from e
    with os.fdopen(handle, "w") as f:
        f.write(("" if text else "hex:") + digits + "\n")


def readable_by_others(path: Path) -> bool:
    """Whether group or world can read the file (always False where the system has no such bits)."""
    return os.name == "posix" and bool(path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))


def _read(path: Path) -> dict:
    try:
        return parse(path.read_text(encoding="utf-8-sig"), path)
    except OSError as e:
        raise PlanError(
            f"provisioning file {path} cannot be read ({e.strerror})",
            f"name a .toml or .json file, or write one with `provision --init {path}`",
        ) from e
    except UnicodeDecodeError as e:
        raise PlanError(f"provisioning file {path} is not in UTF-8", "save it in UTF-8") from e


def parse(text: str, path: Path) -> dict:
    """The tables of a provisioning file's text; `path` tells TOML from JSON. Raises PlanError."""
    try:
        tables = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except ValueError as e:  # both decoders' errors
        kind = "JSON" if path.suffix == ".json" else "TOML"
        raise PlanError(f"provisioning file {path} is not {kind}: {e}", "correct the place it names") from e
    if not isinstance(tables, dict) or not all(isinstance(t, dict) for t in tables.values()):
        raise PlanError(f"provisioning file {path} must consist of tables", "put the options under [tunnel]")
    return tables


def _secret_file(path: Path, options: dict) -> Path:
    if "psk_file" not in options:
        return path
    found = path.parent / str(options["psk_file"])
    if "psk" in options:
        raise PlanError(f"{path}: both psk and psk_file are given", "keep psk_file and remove psk")
    if not found.is_file():
        raise PlanError(f"{path}: psk_file {found} is not there", "make one with `provision --new-psk`")
    return found


def _config(path: Path, options: dict, secret_file: Path) -> Config:
    given = dict(options)
    if given.pop("psk_file", None):
        given["psk"] = secret_file.read_text().strip()
    try:
        return Config(**given)
    except ConfigError as e:
        raise PlanError(f"{path}, table [tunnel]: {e}", "mend this option") from e


def _site(path: Path, given: dict) -> dict:
    site = {name: default for name, (default, _) in _SITE.items()}
    for name, value in given.items():
        if name not in _SITE:
            raise PlanError(f"{path}, table [site]: unknown option {name!r}", f"known are {', '.join(_SITE)}")
        if type(value) is not type(site[name]):
            raise PlanError(f"{path}, table [site]: {name} = {value!r} is not {_SITE[name][1]}", "mend this option")
        site[name] = value
    _check_site(path, site)
    return site


def _check_site(path: Path, site: dict) -> None:
    if not site["name"].replace("-", "").replace("_", "").isalnum() or not site["name"].isascii():
        raise PlanError(f"{path}, table [site]: name = {site['name']!r}", "use letters, digits, - and _")
    try:
        for name, version in (("pool", 4), ("pool6", 6)):
            if ipaddress.ip_network(site[name]).version != version:
                raise ValueError(f"{site[name]!r} is not an IPv{version} network")
    except ValueError as e:
        raise PlanError(f"{path}, table [site]: {name}: {e}", "name a network such as 10.20.0.0/24") from e
    for text in [*site["dns"], *(site[n] for n in ("address", "peer_address") if site[n])]:
        if not isinstance(text, str) or not is_address(text):
            raise PlanError(f"{path}, table [site]: {text!r} is not an IP address", "mend this option")
    for name in ("interface", "inside"):
        if not all(c.isalnum() or c in "._/:-" for c in site[name]):
            raise PlanError(f"{path}, table [site]: {name} = {site[name]!r} is no interface name", "mend this option")
