"""What is wrong with the table [site], the gateway's side: every reason at once, each with a line to paste.

Start reading at `check`.
"""

import difflib
import ipaddress
import re
from collections.abc import Iterator, Mapping

from ipsec import options as library
from ipsec.address import is_address
from ipsec.option_texts import shown

from ipsec_board.gateway import meant, typed_names, typed_networks
from ipsec_board.gateway.checks import SITE, Reasons, moved
from ipsec_board.gateway.remedies import converted, line
from ipsec_board.gateway.typed_text import plain

_EXAMPLES: dict[str, object] = {
    "dns": ["10.10.0.1"], "address": "198.51.100.1", "peer_address": "203.0.113.7", "interface": "eth0", "inside": "eth1",
}  # fmt: skip


def check(given: Mapping[str, object], reasons: Reasons) -> dict:
    """The gateway's settings, with defaults for those that are missing or wrong."""
    checked = {name: default for name, (default, _) in SITE.items()}
    for name, value in given.items():
        if name not in SITE:
            elsewhere = name in library._OPTIONS
            near = difflib.get_close_matches(name, SITE, 1)
            remedy = f"did you mean: {moved(name, near[0], value)}" if near else f"known are {', '.join(SITE)}"
            remedy = "write it under [tunnel]: " + moved(name, name, value) if elsewhere else remedy
            reasons.add(f"unknown option {name!r}", remedy)
            continue
        why = _against(name, value)
        if why:
            reasons.add(f"{name} = {shown('', value)}{why}", _remedy(name, value))
        else:
            checked[name] = value
    return checked


def _against(name: str, value) -> str:
    """Why a setting is wrong, as it stands behind its value; "" for a right one."""
    default = SITE[name][0]
    texts = [text for text in (value if isinstance(value, list) else [value]) if isinstance(text, str)]
    if type(value) is not type(default) or not all(text.isprintable() for text in texts):
        return f" is not right: it is {SITE[name][1]}"
    if name == "name" and not re.fullmatch(r"[A-Za-z0-9_-]+", value):
        return ": it may have letters, digits, - and _"
    if name in ("pool", "pool6"):
        return _against_pool(6 if name == "pool6" else 4, value)
    if name in ("dns", "address", "peer_address"):
        for text in value if name == "dns" else [value] if value else []:
            if not isinstance(text, str) or not is_address(text):
                return f": {text!r} is not an IP address"
    if name in ("interface", "inside") and (not re.fullmatch(r"[\w./:-]*", value, re.ASCII) or value.lower() in meant.ANYBODY):
        return " is no interface name"
    if name == "number" and not 0 <= value <= 16000:
        return " is not a number from 1 to 16000"
    return ""


def _against_pool(version: int, value: str) -> str:
    try:
        net = ipaddress.ip_network(value)
    except ValueError as e:
        return f": {e}"
    if net.version != version:
        return f" is not an IPv{version} network"
    return "" if "/" in value else " is one address, not a network"


def _remedy(name: str, value: object) -> str:
    """A line to paste: what the value means, or an example."""
    if meant.word(value) in meant.NOBODY | meant.ANYBODY and name != "name":
        return f"remove the line {name} = ..."
    for found in _guesses(name, value):
        if found not in ("", [], None) and found != value and not _against(name, found):
            return line(name, found)
    return f"such as: {line(name, _EXAMPLES.get(name, SITE[name][0]))}"


def _guesses(name: str, value: object) -> Iterator[object]:
    text = plain(value[0] if isinstance(value, list) and len(value) == 1 else value).strip()
    if name == "name":
        yield re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-")
    elif name in ("address", "peer_address"):
        yield next((found["gateway"] for found in typed_names.gateways(text.removesuffix("/32"))), "")
    elif name == "dns":
        texts = value if isinstance(value, list) else re.split(r"[,;\s]+", text)
        yield [plain(one).strip().removesuffix("/32") for one in texts if plain(one).strip()]
    elif name in ("pool", "pool6"):
        yield _pool(text)
    elif name in ("interface", "inside"):
        inner = re.search(r"\(([\w./:-]+)\)", text)
        yield inner[1] if inner else text
    elif name == "number":
        yield converted(value, "int", (0, 16000))
    else:
        yield text


def _pool(text: str) -> str:
    """The smallest network that holds what a text names; of an address that looks like a network, that."""
    found = next(typed_networks.selectors(text), [])
    nets = [ipaddress.ip_network(meant.network_of(one)) for one in found if "[" not in one] if isinstance(found, list) else []
    if not nets or len({net.version for net in nets}) > 1:
        return ""
    whole = nets[0]
    while not all(net.subnet_of(whole) for net in nets):  # type: ignore[arg-type]
        whole = whole.supernet()
    return str(whole)
