"""A provisioning file: one device's tunnel, its firmware settings and the gateway's side, in TOML or JSON.

    [tunnel]                         options of ipsec.config.Config, checked by it
    gateway = "vpn.example.net"
    local_id = "sensor-7.example.net"
    psk_file = "sensor-7.psk"        beside this file; readable by its owner alone
    remote_ts = ["10.10.0.0/24"]

    [device]                         settings of firmware/main.py, checked by firmware/uplink/settings.py
    [site]                           what only the gateway's configuration needs, see `checks.SITE`

With `auth = "key"` and `gateway_key` in place of `psk_file` both ends have raw public keys, see `raw_keys.py`; with
`auth = "cert"` and `ca_file` certificates, see `certificates.py`. `ppk_id` and `ppk_file` add a key against quantum computers,
`auth = "eap"` has a name and the hash of a password, see `further.py`.

Rules: everything is checked when the file is read; the pre-shared key appears in no message, and neither it nor [device], where
the WiFi password is, in a repr; `device_config` alone gives the key away. Start reading at `load`.
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

from ipsec_board.gateway import checks, credentials, further, meant, secret_file, selectors, settings, site
from ipsec_board.gateway.certificates import Certificates
from ipsec_board.gateway.checks import PlanError
from ipsec_board.gateway.raw_keys import RawKeys
from ipsec_board.gateway.selectors import Selector
from ipsec_board.gateway.settings import CheckDevice

KEY_FILE = "ipsec.key"  # on the board, beside ipsec.json
_SECRET_LEN = 32


@dataclass(frozen=True)
class Plan:
    """A checked provisioning file."""

    path: Path
    tunnel: dict  # the options as written, without keys and certificates
    device: dict = field(repr=False)  # the WiFi password is in it
    site: dict
    config: Config = field(repr=False)
    secret_file: Path
    readable: bool  # others than the owner can read the secret's file
    keys: RawKeys | None = field(default=None, repr=False)  # the device's own, with auth "key" and "cert"
    further: tuple[Path, ...] = ()  # files of other secrets, see further.py
    certificates: Certificates | None = None

    @property
    def exposed(self) -> list[Path]:
        """Files of secrets that others than their owner can read."""
        return [self.secret_file] * self.readable + [path for path in self.further if readable_by_others(path)]

    @property
    def warnings(self) -> list[str]:
        """What is legal and unwise, or not what was meant."""
        return [*meant.warnings(self.tunnel), *settings.warnings(self.device), *self._host_warnings()]

    def _host_warnings(self) -> list[str]:
        host = str(self.device.get("publish_host", ""))
        if is_address(host):
            single = str(ipaddress.ip_network(host))
            behind = [s for theirs in (self.theirs, *(more for _, more in self.more)) for s in theirs]
            if any(Selector(single).lies_in(s.prefix) for s in behind):
                return []
            return [f"publish_host {host} is in none of the networks of remote_ts: nothing can be sent to it"]
        if re.fullmatch(r"[\d.]+:\d+|\[.*\]:\d+|\w+://.*", host):
            return [f"publish_host {host!r} is neither an address nor a name: give it alone: {settings.host_lines(self.device)}"]
        return []

    @property
    def name(self) -> str:
        """Name of the connection on the gateway."""
        return self.site["name"]

    @property
    def device_name(self) -> str:
        """A name for files and sections, from the device's identity."""
        return re.sub(r"[^a-z0-9]+", "-", self.config.local_id.lower()).strip("-") or "device"

    @property
    def gateway_id(self) -> str:
        """The gateway's identity; its name or address where the device takes any (`%any`), so that it has one."""
        return self.config.gateway if self.config.remote_id == "%any" else self.config.remote_id

    @property
    def theirs(self) -> list[Selector]:
        """What is to be reached behind the gateway."""
        return selectors.of_options(self.config.remote_ts)

    @property
    def more(self) -> list[tuple[list[Selector], list[Selector]]]:
        """The device's side, empty for `own`, and the gateway's of each further Child SA."""
        return [(selectors.of_options(ours), selectors.of_options(theirs)) for ours, theirs in self.config.more_ts]

    @property
    def protected(self) -> list[str]:
        """The prefixes behind the gateway, as text."""
        return selectors.prefixes(self.theirs)

    @property
    def own(self) -> list[Selector]:
        """What the gateway sees as the device's side: `local_ts`, or the pools, or the one address that the device brings."""
        if self.config.local_ts:
            return selectors.of_options(self.config.local_ts)
        return [Selector(p) for p in self.pools or [str(ipaddress.ip_network(self.tunnel["inner_address"]))]]

    @property
    def own_option(self) -> str:
        """The option that says so."""
        return "local_ts" if self.config.local_ts else "virtual_ip" if self.pools else "inner_address"

    @property
    def behind(self) -> list[Selector]:
        """What of it comes from no pool, so that it is this device's alone."""
        return [s for s in self.own if not any(s.lies_in(p) for p in self.pools)]

    @property
    def has_raw_key(self) -> bool:
        """Whether the gateway must know this very device's key."""
        return self.config.auth == "key"

    @property
    def pools(self) -> list[str]:
        """The prefixes from which the gateway assigns addresses; empty when the device brings its own."""
        names = {"ipv4": "pool", "ipv6": "pool6"}
        return [self.site[names[family]] for family in self.config.virtual_ip]

    @property
    def inside_hosts(self) -> list[str]:
        """The prefixes of the device's side, as text."""
        return selectors.prefixes(self.own)

    def device_config(self) -> dict:
        """What is written to the device's ipsec.json; holds the secret, if that is a PSK."""
        secrets = {name: getattr(self.config, name) for name in ("psk", *further.FILES.values())}
        others = {name: "hex:" + value.hex() for name, value in secrets.items() if value}
        if self.keys:
            others["key_file"] = KEY_FILE
        given = {name: getattr(self.config, name) for name in ("gateway_key", "cert", "ca", "certreq", "provisioned")}
        return {**self.tunnel, **others, **{name: value for name, value in given.items() if value}}


def load(path: Path, check_device: CheckDevice | None = None) -> Plan:
    """Read and check a provisioning file. `check_device` looks at the table [device] and knows its options' names.

    Raises PlanError; its `reasons` are all that is wrong, each with its remedy.
    """
    return _checked(path, _read(path), check_device)


def check_text(text: str, path: Path, check_device: CheckDevice | None = None) -> None:
    """Check what a provisioning file is going to hold, but for the files of secrets that are still to be made.

    Raises PlanError.
    """
    try:
        _checked(path, parse(text, path), check_device)
    except PlanError as e:
        found = [reason for reason in e.reasons if not reason[1].startswith(checks.TO_BE_MADE)]
        if found:
            raise PlanError.of(found) from e


def _checked(path: Path, tables: dict, check_device: CheckDevice | None) -> Plan:
    found: list[tuple[str, str]] = []
    whole = checks.Reasons(str(path))
    checks.tables(tables, whole)
    found += whole.found
    options = dict(tables.get("tunnel", {}))
    reasons = checks.Reasons(f"{path}, table [tunnel]")
    checks.file_names(options, reasons)
    known = credentials.read(path, options, tables.get("site", {}), reasons)
    more, files = further.read(path, options, reasons)
    known.given.update(more)
    checks.forget_refused(reasons)
    for name in credentials.NAMES:
        options.pop(name, None)
    checked = checks.tunnel({**options, **known.given}, reasons, check_device.known if check_device else ())
    found += reasons.found
    device = dict(tables.get("device", {}))
    if check_device and device:
        reasons = checks.Reasons(f"{path}, table [device]")
        settings.check(device, check_device, reasons)
        found += reasons.found
    reasons = checks.Reasons(f"{path}, table [site]")
    checked_site = site.check(tables.get("site", {}), reasons)
    found += reasons.found
    if found or checked is None:
        raise PlanError.of(found)
    readable = known.is_secret and readable_by_others(known.secret_file)
    return Plan(path, options, device, checked_site, checked, known.secret_file, readable, known.keys, files, known.certificates)


def names_certificates(path: Path) -> bool:
    """Whether a provisioning file says that an end has a certificate, or cannot be read: that is told by `load`."""
    try:
        tunnel = _read(path).get("tunnel", {})
    except PlanError:
        return True
    files = {"cert_file", "cert", "ca_file", "ca"}
    return not files.isdisjoint(tunnel) or "cert" in (tunnel.get("auth"), tunnel.get("remote_auth"))


def secret_path(path: Path, option: str = "psk_file") -> Path | None:
    """Where the provisioning file says its secret is, whether or not it is there; None when it has no such option.

    Raises PlanError.
    """
    options = {option: _read(path).get("tunnel", {}).get(option)}
    if not options[option]:
        return None
    reasons = checks.Reasons(f"{path}, table [tunnel]")
    checks.file_names(options, reasons)
    if reasons.found:
        raise PlanError.of(reasons.found)
    return path.parent / options[option]


def make_secret(path: Path, text: bool = False, option: str = "psk_file") -> None:
    """Write a new PSK of 32 random octets, readable by its owner alone. Raises PlanError when the file exists.

    `text` writes the octets' 64 hexadecimal digits as the PSK itself, for gateways that take no octets.
    """
    digits = secrets.token_hex(_SECRET_LEN)
    while text and digits[0] == "0":  # AWS refuses a leading zero
        digits = secrets.token_hex(_SECRET_LEN)
    secret_file.write(path, ("" if text else "hex:") + digits + "\n", option)


def readable_by_others(path: Path) -> bool:
    """Whether group or world can read the file (always False where the system has no such bits)."""
    return os.name == "posix" and bool(path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))


def _read(path: Path) -> dict:
    try:
        return parse(path.read_text(encoding="utf-8-sig"), path)
    except OSError as e:
        new = path / "device.toml" if path.is_dir() else path.with_suffix(".toml")
        raise PlanError(
            f"provisioning file {path} cannot be read ({e.strerror})",
            f"name a .toml or .json file, or write one with `ipsec-board provision --init {new}`",
        ) from e
    except UnicodeDecodeError as e:
        raise PlanError(f"provisioning file {path} is not text in UTF-8", "save it in UTF-8, or name another file") from e


def parse(text: str, path: Path) -> dict:
    """The tables of a provisioning file's text; `path` tells TOML from JSON. Raises PlanError."""
    try:
        tables = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except ValueError as e:  # both decoders' errors
        kind = "JSON" if path.suffix == ".json" else "TOML"
        hint = '; a text stands in quotes, a list in brackets: remote_ts = ["10.10.0.0/24"]' if kind == "TOML" else ""
        raise PlanError(f"provisioning file {path} is not {kind}: {e}", "correct the place it names" + hint) from e
    except RecursionError as e:
        raise PlanError(f"provisioning file {path}: lists or tables in each other, too deep", "no option needs such") from e
    if not isinstance(tables, dict) or not all(isinstance(t, dict) for t in tables.values()):
        where = '"tunnel": {"tunnel": {...}}' if path.suffix == ".json" else "[tunnel]"
        raise PlanError(f"provisioning file {path} must consist of tables", f"put the options under {where}")
    for name in [n for n in tables if n not in checks.TABLES and n.lower() in checks.TABLES and n.lower() not in tables]:
        raise PlanError(f"{path}: unknown table [{_printable(name)}]", f"did you mean [{name.lower()}]?")
    what = "holds half of a surrogate pair (\\ud8..), which is no character"
    halves = [
        (f"{path}, table [{_printable(table)}]: option {_printable(name)} {what}", "write the character itself")
        for table, options in tables.items()
        for name, value in options.items()
        if not _is_text([table, name, value])
    ]
    if halves:
        raise PlanError.of(halves)
    return tables


def _is_text(value: object) -> bool:
    """Whether all characters of a value are some."""
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        return False
    return True


def _printable(text: str) -> str:
    return text.encode("ascii", "backslashreplace").decode()
