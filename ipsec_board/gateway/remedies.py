"""Lines to paste in place of what was refused; each has been given to the library before it is shown.

What people type into an option of a tunnel is guessed at, from the most likely meaning to an example; the first guess that passes
is the remedy. Start reading at `find`.
"""

import ipaddress
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from ipsec import options as library

from ipsec_board.gateway import meant, suites, typed_names, typed_networks, typed_values
from ipsec_board.gateway.typed_text import in_ascii, plain

_WORDS = {"tcp": ("fallback", "always"), "auth": ("psk", "key", "cert", "eap"), "remote_auth": ("psk", "key", "cert"),
          "suite_order": ("fixed", "measured"), "clock": ("rtc",)}  # fmt: skip
_USUAL = ("auto", "automatic", "default", "%default", "inherit", "unset", "undefined", "same")
_YES = ("true", "yes", "on", "1", "enable", "enabled", "accept", "allow", "force", "prefer", "always", "restart", "start", "trap",
        "%forever")  # fmt: skip
_NO = ("false", "no", "off", "0", "disable", "disabled", "never", "none")
Lines = dict[str, object]  # options that are right together; None: without the option

EXAMPLES: dict[str, list] = {
    "gateway": ["vpn.example.net"], "local_id": ["sensor-7.example.net"], "remote_id": ["vpn.example.net"],
    "remote_ts": [["10.10.0.0/24"], ["fd10::/64"]], "local_ts": [["192.168.5.0/24"], ["fd05::/64"]],
    "more_ts": [[{"remote_ts": ["10.30.0.0/16"]}]],
    "inner_address": ["10.20.0.7", "fd20::7"], "ppk_id": ["sensor-7"], "eap_identity": ["sensor-7"], "clock": ["rtc"],
    "provisioned": ["2026-11-28"], "dns_domains": [["inside.example"]], "tcp": ["fallback"], "auth": ["psk"],
    "suite_order": ["measured"], "virtual_ip": [["ipv4"]],
    "psk_file": ["sensor-7.psk"], "key_file": ["sensor-7.key"], "cert_file": ["sensor-7.crt"], "ca_file": ["ca.crt"],
    "ppk_file": ["sensor-7.ppk"], "nt_hash_file": ["sensor-7.nt"],
    "ike_proposals": [["aes128ccm16-prfsha256-x25519", "aes128gcm16-prfsha256-x25519"]],
    "esp_proposals": [["aes128ccm16", "aes128gcm16"]],
}  # fmt: skip


def line(name: str, value: object) -> str:
    """An option as it stands in TOML."""
    try:
        text = _toml(value)
        text.encode()
    except (TypeError, ValueError, RecursionError):  # a date, what is no number, lists in lists in lists
        text = "..."
    return f"{name} = {text if len(text) < 2000 else '...'}"


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name if re.fullmatch('[A-Za-z0-9_-]+', name) else json.dumps(name)} = {_toml(one)}"
                               for name, one in value.items()) + "}"  # fmt: skip
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def lines(found: Lines) -> str:
    """Several of them."""
    return "; ".join(f"remove the line {name} = ..." if value is None else line(name, value) for name, value in found.items())


def with_lines(options: Mapping, found: Lines) -> dict:
    """Options with these in place of what they had."""
    return {name: value for name, value in {**options, **found}.items() if value is not None}


def find(name: str, value: object, options: Mapping, passes: Callable[[Lines, bool], bool]) -> tuple[Lines, bool] | None:
    """What to write in place of a value that was refused, and whether that is only an example; None when nothing passes.

    `options` are the others. A guess that makes all of them right goes before one that only moves the fault elsewhere.
    """
    spec = library._OPTIONS.get(name)
    if spec is None:
        return None
    tried: list[tuple[Lines, bool]] = []
    for guesses, is_example in ((guess(name, value), False), (_examples(name, spec, value, options), True)):
        for found in guesses:
            if (found, False) in tried or found == {name: value} and type(found[name]) is type(value):
                continue
            if passes(found, name not in ("auth", "remote_auth")):  # a method needs files of its own
                return found, is_example
            tried.append((found, is_example))
    return next((one for one in tried if passes(one[0], False)), None)


def _examples(name: str, spec: tuple, value: object, options: Mapping) -> Iterator[Lines]:
    if name == "inner_address":
        for text in options.get("local_ts") or ():
            yield {name: str(ipaddress.ip_network(text.partition("[")[0]).network_address + 1)}
    if name == "gateway" and isinstance(value, str) and not value.strip("0123456789.") and "." in value:
        yield {name: "198.51.100.1"}
    for example in EXAMPLES.get(name, []):
        yield {name: example}
    if spec[0] not in ("", []):
        yield {name: spec[0]}


def guess(name: str, value: object) -> Iterator[Lines]:
    """What the value may mean, the most likely first."""
    spec: tuple = library._OPTIONS[name]
    yield from _by_word(name, value)
    if name == "gateway":
        yield from typed_names.gateways(value)
        return
    if name in ("ike_proposals", "esp_proposals"):
        yield {name: suites.translated(value, name == "esp_proposals")[:8]}
        return
    many: Iterable[object]
    if spec[1] == "int":
        many = typed_values.numbers(name, value, spec[2], spec[3])
    elif spec[1] == "bool":
        many = (converted(value, "bool", ()),)
    elif name in ("local_id", "remote_id", "eap_identity"):
        many = typed_names.identities(value)
    elif name in ("remote_ts", "local_ts"):
        many = typed_networks.selectors(value)
        if name == "remote_ts" and value == ["0.0.0.0/0"]:
            many = [["::/0"]]
    elif name in _WORDS:
        many = typed_values.words(plain(value), _WORDS[name])
    elif name == "more_ts":
        many = typed_networks.some_sets(value)
    else:
        many = _others(name, value)
    yield from ({name: one} for one in many if one is not None and one not in ("", []))
    if name in ("remote_ts", "local_ts"):
        yield {"virtual_ip": ["ipv4", "ipv6"]}
        yield from ({name: one, "virtual_ip": ["ipv4", "ipv6"]} for one in typed_networks.selectors(value) if one)
    if name == "more_ts" and typed_networks.sets(value):
        yield {name: None}


def _by_word(name: str, value: object) -> Iterator[Lines]:
    """What is meant by "any", "none", "default" and the like in place of a value."""
    if name == "remote_id" and typed_names.is_anybody(value):
        yield {name: "%any"}
        yield {name: None}  # where that is too much
    if name == "remote_id" and isinstance(value, (list, tuple)) and any(meant.word(one) in meant.WORDS for one in value):
        yield {name: None}
    if name == "gateway" and isinstance(value, (list, tuple)):
        yield from typed_names.gateways([one for one in value if meant.word(one) not in meant.WORDS])
    if name in ("ike_proposals", "esp_proposals"):
        return  # their remedy says so in any case
    if library._OPTIONS[name][1] == "bool" and converted(value, "bool", ()) is not None:
        return
    if name == "virtual_ip" and (value is False or meant.word(value) in _NO):
        yield {name: [], "inner_address": EXAMPLES["inner_address"][0]}
    spec: tuple = library._OPTIONS[name]
    is_off = spec[1] == "int" and (spec[2] == 0 or name in typed_values.LIFETIMES) and meant.word(value) not in _USUAL
    if meant.word(value) in meant.NOBODY and name != "remote_ts" and not is_off or value is False and name == "tcp":
        yield {name: None}
    if name == "dns_domains" and meant.word(value) in meant.ANYBODY:
        yield {name: None}
    if name == "local_ts" and (meant.word(value) in typed_networks.OWN or re.match(r"v(?:host|net):|%v[46]:", meant.word(value))):
        yield {name: None}
    if name == "provisioned" and meant.word(value) in ("today", "now", "yesterday"):
        yield {name: meant.today().isoformat()}


def converted(value: object, kind: str, limits: tuple) -> object:
    """The same in the wanted kind, where it can be guessed."""
    if kind == "int":
        return next(typed_values.numbers("", value, *limits), None)
    if kind == "bool":
        word = plain(value).rpartition("=")[2].strip().lower()
        return True if word in _YES else False if word in _NO else None
    if kind == "list":
        texts = [t for t in re.split(r"[,\s]+", value) if t] if isinstance(value, str) else value
        return [typed_networks.network(t) for t in texts] if isinstance(texts, list) else None
    if kind == "str" and isinstance(value, str):
        return value.strip()
    return None


def _others(name: str, value: object) -> Iterator[object]:
    if name == "virtual_ip":
        given = value if isinstance(value, list) else re.split(r"[,\s]+", plain(value))
        found = ["ipv6" if re.search("6|:", plain(v)) else "ipv4" for v in given if re.search("[46:]|^[0-9.]+$|inet", plain(v))]
        yield list(dict.fromkeys(found))
        if found == ["ipv6"] or meant.word(value) in ("both", "dual", "all"):
            yield ["ipv4", "ipv6"]
    elif name == "provisioned":
        yield from typed_values.days(value)
    elif name == "inner_address":
        yield re.split(r"[/\s]", plain(value).strip())[0]
    elif name == "dns_domains":
        given = value if isinstance(value, list) else re.split(r"[,;\s]+", plain(value))
        texts = [plain(v).strip() for v in given]
        yield [in_ascii(re.sub(r"^(?:\w+://)?[~*.]*|/.*$", "", text)).strip(".") for text in texts if text][:8]
    elif isinstance(value, str):
        yield re.sub(r"[\x00-\x1f]", "", value).strip()


