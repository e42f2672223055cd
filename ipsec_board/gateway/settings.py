"""What is wrong with the table [device], the application's settings: every reason at once, each with a line to paste.

The rules are the firmware's own (`firmware/uplink/settings.py`), and some that it has no room for. Start reading at `check`.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol

from ipsec import options as library

from ipsec_board.gateway import foreign, typed_names, typed_networks, typed_values
from ipsec_board.gateway.checks import SITE, Reasons, moved
from ipsec_board.gateway.remedies import line, lines
from ipsec_board.gateway.typed_text import plain

_EXAMPLES = {"publish_host": "10.10.0.1", "wifi_ssid": "my-network", "mqtt_topic": "plant/device-17", "wifi_country": "DE",
             "hostname": "device-17", "led": "LED"}  # fmt: skip
_WORDS = {"network": ("wifi", "ethernet", "none"), "publish_by": ("udp", "mqtt")}
_SYNONYMS = {"wlan": "wifi", "wi-fi": "wifi", "wlan0": "wifi", "sta": "wifi", "wireless": "wifi", "lan": "ethernet",
             "eth": "ethernet", "eth0": "ethernet", "wired": "ethernet", "cable": "ethernet", "off": "none", "no": "none",
             "": "none", "mqtts": "mqtt", "mqtt3": "mqtt", "mqtt5": "mqtt", "mqttv5": "mqtt", "umqtt": "mqtt", "broker": "mqtt",
             "udp4": "udp", "socket": "udp", "datagram": "udp"}  # fmt: skip
_LONGEST_HOST_NAME = 32  # MicroPython's network.hostname


class CheckDevice(Protocol):
    """Who knows the options of the table [device]: their names and kinds, and a class that raises ValueError for wrong ones."""

    known: Mapping[str, tuple]
    check: Callable[..., object]


def check(given: Mapping[str, object], device: CheckDevice, reasons: Reasons) -> None:
    """Tell each fault once; what is refused is replaced by what its remedy says, so that all of them are right together."""
    options = dict(given)
    for name in [n for n in options if n not in device.known]:
        reasons.add(f"unknown option {name!r}", _meant(name, options.pop(name), device))
    for _ in range(len(options) + 4):
        text = _ask(options, device)
        if not text:
            return
        name = _culprit(text)
        found = _find(name, options, device, text)
        reasons.add(text, _remedy(name, found))
        if not found and name not in options:
            return
        options = _with(options, found or {name: None})


def _remedy(name: str, found: dict) -> str:
    if found:
        return ("such as: " if found == {name: _EXAMPLES.get(name)} else "") + lines(found)
    return f"remove the line {name} = ..." if name else "correct this option"


def _with(options: Mapping[str, object], found: Mapping[str, object]) -> dict:
    return {name: value for name, value in {**options, **found}.items() if value is not None}


def _ask(options: Mapping[str, object], device: CheckDevice) -> str:
    """What the firmware and the desk say against these options; "" for nothing."""
    try:
        device.check(**options)
    except ValueError as e:
        return str(e)
    country, host = options.get("wifi_country", ""), str(options.get("hostname", ""))
    if country and not re.fullmatch("[A-Z]{2}", str(country)):
        return f"setting wifi_country: {country!r} is not two capital letters (ISO 3166)"
    if host and (not re.fullmatch("[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?", host) or len(host) > _LONGEST_HOST_NAME):
        return f"setting hostname: {host[:40]!r} is not a name of at most {_LONGEST_HOST_NAME} letters, digits and -"
    return ""


def _culprit(text: str) -> str:
    found = re.search(r"setting (\w+)", text)
    return found[1] if found else ""


def _find(name: str, options: Mapping[str, object], device: CheckDevice, text: str) -> dict:
    """What to write in place of a value that was refused; empty where nothing is known."""
    if name not in device.known:
        return {}
    for found in _guesses(name, options, device.known[name]):
        still = _ask(_with(options, found), device)
        if _with(options, found) != options and still != text and _culprit(still) not in found:
            return found
    return {}


def _guesses(name: str, options: Mapping[str, object], spec: tuple) -> Iterator[dict]:
    value = options.get(name, spec[0])
    if name == "mqtt_timeout_s" and isinstance(options.get("watchdog_s"), int) and value in range(1, 61):
        yield {name: (int(options["watchdog_s"]) - 1) // 2}  # type: ignore[call-overload]
        yield {"watchdog_s": 8, name: 3}
    if spec[1] == "int":
        port = typed_networks.port(plain(value)) if name.endswith("port") else 0
        yield from ({name: one} for one in ([port] if port else []))
        yield from ({name: one} for one in typed_values.numbers(name, value, *spec[2:]))
    else:
        yield from ({name: one} for one in _texts(name, value) if one)
    yield {name: _EXAMPLES[name]} if name in _EXAMPLES else {name: spec[0]}


def _texts(name: str, value: object) -> Iterator[str]:
    if isinstance(value, (list, tuple)) and len(value) == 1:
        value = value[0]
    text = plain(value).strip()
    if name in _WORDS:
        yield _SYNONYMS.get(text.lower().removesuffix("://"), "")
        yield from typed_values.words(text, _WORDS[name])
    elif name == "mqtt_topic":
        yield re.sub(r"/?[#+]", "", text).strip("/")
    elif name == "wifi_country":
        yield text.upper() if len(text) == 2 else ""
    elif name == "hostname":
        yield re.sub(r"[^A-Za-z0-9]+", "-", text.partition(".")[0])[:_LONGEST_HOST_NAME].strip("-")
    elif not isinstance(value, bool) and "password" not in name:
        yield text


def _meant(name: str, value: object, device: CheckDevice) -> str:
    """The remedy for an option that is not known: where it belongs, or what was meant."""
    word = re.sub(r"[^a-z0-9]", "", name.lower())
    for table, others in (("tunnel", library._OPTIONS), ("site", SITE)):
        if name in others:
            return f"write it under [{table}]: {moved(name, name, value)}"
    near = [foreign.SETTINGS[word]] if word in foreign.SETTINGS else difflib.get_close_matches(name.lower(), device.known, 1)
    if not near:
        return f"known are {', '.join(device.known)}"
    new, probe = near[0], {"publish_host": _EXAMPLES["publish_host"]}
    text = _ask({**probe, new: value}, device)
    found = _find(new, {**probe, new: value}, device, text) if _culprit(text) == new else {}
    return f"did you mean: {moved(name, new, found.get(new, value))}"


def warnings(device: Mapping[str, object]) -> list[str]:
    """Options that do nothing beside the others."""
    found = []
    by, network = device.get("publish_by", "udp"), device.get("network", "none")
    idle = [name for name in device if name.startswith("mqtt_") or name == "ring"] if by != "mqtt" else []
    if idle:
        found.append(f'{_list(idle)} nothing with publish_by = "{by}": write publish_by = "mqtt" for a broker, or leave it out')
    if by == "mqtt" and "publish_port" in device:
        found.append(f"publish_port does nothing with MQTT: write {line('mqtt_port', device['publish_port'])}, or leave it out")
    idle = [name for name in device if name.startswith("wifi_")] if network != "wifi" else []
    if idle:
        found.append(f'{_list(idle)} nothing with network = "{network}": write network = "wifi", or leave it out')
    return found


def _list(names: Iterable[str]) -> str:
    several = list(names)
    return ", ".join(several) + (" does" if len(several) == 1 else " do")


def host_lines(device: Mapping[str, object]) -> str:
    """What to write where `publish_host` is a URL, or has a port."""
    for found in typed_names.gateways(device.get("publish_host", "")):
        host, ports = found["gateway"], re.findall(r":(\d{1,5})(?:/|$)", str(device["publish_host"]))
        option = "mqtt_port" if device.get("publish_by") == "mqtt" else "publish_port"
        if isinstance(host, str):
            return lines({"publish_host": host, **({option: int(ports[0])} if ports else {})})
    return ""
