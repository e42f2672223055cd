"""A first provisioning file: what must be filled in, then every other option with its default, commented.

The options and their comments are read from the library (`ipsec.options`), the firmware and `checks.SITE`, so none is missing.
Start reading at `text`.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path

from ipsec_board import paths
from ipsec_board.gateway import checks

_REQUIRED = {
    "gateway": ("vpn.example.net", "the gateway: host name or address"),
    "local_id": ("{name}.example.net", "who we are; the gateway knows the device by it"),
    "remote_id": ("", "who the gateway says it is, when that is not its name above"),
    "psk_file": ("{name}.psk", "the key, beside this file: ipsec-board provision --new-psk makes it"),
    "remote_ts": (["10.10.0.0/24"], "the networks behind the gateway"),
}
METHODS = ("psk", "key", "cert", "eap")  # how a device can prove itself
REMOTE_METHODS = ("psk", "key", "cert")  # and how a gateway can
# In place of psk_file: how the device proves itself, and how the gateway does
_OURS: dict[str, dict[str, tuple]] = {
    "psk": {},
    "key": {"auth": ("key", "raw public keys; the board makes its own when it is provisioned")},
    "cert": {
        "auth": ("cert", "certificates; the board makes its key when it is provisioned"),
        "cert_file": ("{name}.crt", "the device's; where it is not there, the board signs a request, or --ca issues it"),
    },
    "eap": {
        "auth": ("eap", "EAP-MSCHAPv2: an account at the gateway, which is called eap_identity, or else local_id"),
        "nt_hash_file": ("{name}.nt", "of the account's password, beside this file: provision --new-nt-hash makes it"),
    },
}
_THEIRS: dict[str, dict[str, tuple]] = {
    "psk": {},
    "key": {"gateway_key": ("{above}gateway.pub", "the gateway's public key: a file, or the key itself")},
    "cert": {
        "ca_file": ("{above}ca/ca.crt", "the authority of the gateway's certificate: its file, or that of `provision --ca ca`"),
    },
}
_CLOUD = {
    "gateway": ("198.51.100.1", "the cloud gateway's address, and its identity"),
    "local_id": ("203.0.113.{number}", "our public address"),
    "psk_file": ("{name}.psk", "the key, beside this file: ipsec-board provision --new-psk --text makes it"),
    "virtual_ip": ([], "this gateway assigns no addresses"),
    "inner_address": ("10.20.0.{number}", "so the device brings its own"),
    "remote_ts": (["10.10.0.0/24"], "the networks behind the gateway"),
    "lifetime_s": (2400, "below the gateway's lifetimes"),
}
_AEAD = (["aes128ccm16-prfsha256-x25519", "aes128gcm16-prfsha256-x25519"], ["aes128ccm16", "aes128gcm16"])
_GCM = (["aes128gcm16-prfsha256-ecp256"], ["aes128gcm16"])
# What each kind of gateway has in common with a device, the fastest first: (ike_proposals, esp_proposals)
SUITES: dict[str, tuple[list[str], list[str]]] = {
    "strongswan": _AEAD,
    "libreswan": (["aes128gcm16-prfsha256-x25519"], ["aes128ccm16", "aes128gcm16"]),
    "routeros": (["aes128-sha256-ecp256"], ["aes128gcm16", "aes128-sha256"]),
    "iosxe": _GCM,
    "junos": _GCM,
    "fortigate": (["aes128gcm16-prfsha256-x25519"], ["aes128gcm16"]),
    "pfsense": (["aes128gcm16-prfsha256-x25519"], ["aes128gcm16"]),
    "aws": _GCM,
    "azure": (["aes128-sha256-ecp256"], ["aes128gcm16"]),
}
CLOUD = ("aws", "azure")
TEXT = (*CLOUD, "pfsense")  # where a key must be text
SOURCES = tuple(paths.LIBRARY / "ipsec" / name for name in ("options.py", "auth_options.py"))  # of the options of a tunnel
SECRETS = ("psk", "key", "ppk", "nt_hash")  # which belong into files
_WITHOUT = (*SECRETS, "cert", "ca", "certreq")  # what files hold, and what the desk reckons
_LINE = re.compile(r'^    "(\w+)": \(.*\),(?:  # (.*))?$', re.MULTILINE)
_HEADING = re.compile(r"^    # (.*)$", re.MULTILINE)


def text(name: str, kind: str = "", auth: str = "psk", remote_auth: str = "", fleet: bool = False) -> str:
    """A provisioning file for a device of this name, and for this kind of gateway if one is given.

    `fleet`: a template for many, in which `$name` stands for the name and `$n` for the number.
    """
    words = {"name": "$name" if fleet else name, "number": "$n" if fleet else "7", "above": "../" if fleet else ""}
    required = dict(_CLOUD if kind in CLOUD else _REQUIRED)
    usual = "cert" if auth == "eap" else auth
    theirs = remote_auth or usual
    at = list(required).index("psk_file")
    items = list(required.items())
    psk = _CLOUD["psk_file"] if kind in TEXT else _REQUIRED["psk_file"]
    between: dict[str, tuple] = {**_OURS[auth], **_THEIRS[theirs]}
    if theirs != usual:
        between["remote_auth"] = (theirs, "how the gateway proves itself")
    if "psk" in (auth, theirs):
        between = {"psk_file": psk, **between}
    required = dict([*items[:at], *between.items(), *items[at + 1 :]])
    if kind:
        ike, esp = SUITES[kind]
        required["ike_proposals"] = (ike, f"what {kind} has in common with the device")
        required["esp_proposals"] = (esp, "")
    lines = [
        f"# Device {words['name']}: its tunnel, its application and the gateway's side.",
        "# Fill in the first lines of each table; a # in front of an option means that its default, which it shows, is meant.",
        "",
        "[tunnel]",
        *(_line(option, _named(value, words), about) for option, (value, about) in required.items() if value != ""),
    ]
    if "remote_id" in required:
        lines.append("# " + _line("remote_id", required["gateway"][0], required["remote_id"][1]))
    for source in SOURCES:
        lines += ["", *options(source, {*required, *_WITHOUT})]
    lines += ["", "[device]", _line("publish_host", "10.10.0.1", "who gets the readings: an address behind the gateway")]
    lines += options(paths.FIRMWARE / "uplink" / "settings.py", {"publish_host"})
    lines += ["", "[site]", _line("name", "uplink", checks.SITE["name"][1])]
    if kind in CLOUD:
        lines.append(_line("peer_address", _named(_CLOUD["local_id"][0], words), checks.SITE["peer_address"][1]))
    left = [option for option in checks.SITE if option != "name" and not (option == "peer_address" and kind in CLOUD)]
    lines += ["# " + _line(option, *checks.SITE[option]) for option in left]
    return "\n".join(lines) + "\n"


def _named(value, words: dict[str, str]):
    return value.format(**words) if isinstance(value, str) else value


def _line(option: str, value: object, about: str) -> str:
    written = f"{option} = {json.dumps(value)}"
    return f"{written:<38}  # {about}" if about else written


def options(source: Path, without: Iterable[str] = ()) -> list[str]:
    """The options of a table `_OPTIONS` or `OPTIONS` in a source file, each with its default and its comment there."""
    namespace: dict = {}
    table = source.read_text().split("OPTIONS = {\n")[1].split("\n}\n")[0]
    exec(f"found = {{\n{table}\n}}", namespace)  # the repository's own text
    lines = []
    for text in table.splitlines():
        option, heading = _LINE.match(text), _HEADING.match(text)
        if heading:
            lines.append("# -- " + re.sub(r'\{"(\w+)": ', r"{\1 = ", heading[1]))  # TOML instead of JSON
        elif option and option[1] not in without:
            lines.append("# " + _line(option[1], namespace["found"][option[1]][0], option[2] or ""))
    while lines and lines[-1].startswith("# -- "):  # above nothing that is written
        lines.pop()
    return lines
