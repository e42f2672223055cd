"""What is wrong with a provisioning file: every reason at once, each with a line to paste.

The rules for [tunnel] are the library's own (`ipsec.options`): it is asked again without the option it has just refused, until it
has nothing more to say. Start reading at `tunnel`.
"""

import difflib
import functools
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from ipsec import auth_options
from ipsec import options as library
from ipsec.config import Config
from ipsec.errors import ConfigError

from ipsec_board.gateway import foreign, meant, remedies, suites
from ipsec_board.gateway.remedies import line
from ipsec_board.gateway.typed_text import plain

library._OPTIONS.update(auth_options.OPTIONS)  # type: ignore[arg-type]
# name: (default, meaning)
SITE: dict[str, tuple] = {
    "name": ("uplink", "name of the connection on the gateway: letters, digits, - and _"),
    "pool": ("10.20.0.0/24", "IPv4 addresses that the gateway assigns to devices"),
    "pool6": ("fd20::/112", "IPv6 addresses that the gateway assigns to devices"),
    "dns": ([], "name servers inside, for the devices"),
    "interface": ("", "the gateway's outside interface, where its configuration needs one"),
    "inside": ("", "the gateway's inside interface, where its configuration needs one"),
    "address": ("", "the gateway's outside address, where its configuration needs one"),
    "peer_address": ("", "the device's public address, for gateways that cannot do without"),
    "gateway_cert": ("", "the file of the gateway's own certificate, to be checked, and to be written for the gateway"),
    "number": (0, "a number of the device's own, for gateways that want one (Junos); 0: its place among the files given"),
}
TABLES = ("tunnel", "device", "site")
# What stands for a required option whose own value was refused, so that the others can be looked at.
_STAND_IN = {"gateway": "gateway.invalid", "local_id": "device.invalid", "psk": "x" * 32, "inner_address": "192.0.2.1",
             "key": "-", "gateway_key": "-", "cert": "-", "ca": "-", "ppk": "x" * 32, "ppk_id": "x",
             "nt_hash": "x" * 16}  # fmt: skip
STAND_IN = _STAND_IN
TO_BE_MADE = "make one: ipsec-board provision --new-"  # the remedy for the file of a secret that is not there
REFUSED = "-a name that was refused-"  # in place of a file's
STAND_IN_PSK = _STAND_IN["psk"]
_OPTION = re.compile(r"option '?(\w+)")


class PlanError(Exception):
    """A provisioning file that cannot be used; `remedy` says what to do."""

    def __init__(self, text: str, remedy: str = ""):
        super().__init__(text)
        self.remedy = remedy
        self.reasons = [(text, remedy)]

    @classmethod
    def of(cls, reasons: list[tuple[str, str]]) -> "PlanError":
        """One error for all of these."""
        error = cls("; ".join(text for text, _ in reasons), "; ".join(dict.fromkeys(remedy for _, remedy in reasons)))
        error.reasons = reasons
        return error


def together(*parts: Callable[[], object]) -> list:
    """What each of these gives, or one error for all that any of them has to say. Raises PlanError."""
    made, reasons = [], []
    for part in parts:
        try:
            made.append(part())
        except PlanError as e:
            reasons += e.reasons
    if reasons:
        raise PlanError.of(list(dict.fromkeys(reasons)))
    return made


class Reasons:
    """What has been found so far: pairs of text and remedy."""

    def __init__(self, where: str):
        self.where = where
        self.found: list[tuple[str, str]] = []

    def add(self, text: str, remedy: str) -> None:
        """One more reason; of a value without end the beginning is shown."""
        text = text if len(text) < 1000 else text[:900] + "..."
        self.found.append((_printable(f"{self.where}: {text}"), _printable(remedy)))


def _printable(text: str) -> str:
    """Without half of a surrogate pair, which JSON may have and no terminal takes."""
    return text.encode("utf-8", "backslashreplace").decode()


_SECRET = ("pass", "pwd", "secret", "psk", "ppk", "key", "hash", "token", "cred", "private")  # parts of names of secrets


def moved(old: str, new: str, value: object) -> str:
    """An option under another name; the value is left out where one of the names may stand for a secret."""
    is_secret = any(part in name.lower() for name in (old, new) for part in _SECRET) or looks_secret(value)
    return f"{new} = ..." if is_secret else line(new, value)


def looks_secret(value: object) -> bool:
    """Whether a text is a key rather than the name of a file."""
    text = value.strip().lower() if isinstance(value, str) else ""
    return text.startswith(("hex:", "base64:", "0x", "0s", "-----begin")) or "\n" in text or len(text) > 200


def file_names(options: dict, reasons: Reasons) -> None:
    """A key in place of the name of its file is never shown; a name in its place lets the other checks go on."""
    for name in [n for n in options if n.endswith("_file") and n in library._OPTIONS]:
        if looks_secret(options[name]):
            remedy = f'write it into a file and name that: {name} = "FILE"'
            reasons.add(f"{name} holds a key or a certificate, not the name of a file", remedy)
        elif is_file_name(options[name]):
            continue
        else:
            reasons.add(f"option {name}: it is not the name of a file", f"such as: {line(name, remedies.EXAMPLES[name][0])}")
        options[name] = REFUSED


def is_file_name(value: object) -> bool:
    """Whether a system can have such a file; an empty name is none at all."""
    if not isinstance(value, str) or value.strip() != value or not value.isprintable():
        return False
    parts = value.split("/")
    return not value or parts[-1] not in ("", ".", "..") and all(len(part.encode()) < 256 for part in parts)


def another_secret(secret: str, place: Path, path: Path) -> str:
    """The remedy for the file of a secret in which there is something else; a file that is there is never overwritten."""
    make = f"ipsec-board provision --new-{secret.replace('_', '-')} {path}"
    if place.is_dir():
        return f"name a file in it, and make that: {make}"
    return f"put nothing but the key into it; or remove {place}, then make another: {make}"


def as_text(psk_file: Path, path: Path) -> str:
    """The remedy for a key of octets where a gateway wants text; `--new-psk` refuses as long as its file is there."""
    if psk_file == path:  # the key stands in the provisioning file
        return f'name a file instead of it: psk_file = "{path.stem}.psk"; then ipsec-board provision --new-psk --text {path}'
    return f"remove {psk_file} when no device has its key, then make another: ipsec-board provision --new-psk --text {path}"


def forget_refused(reasons: Reasons) -> None:
    """What is said of files whose names were refused is no news."""
    reasons.found = [reason for reason in reasons.found if REFUSED not in reason[0]]


def tables(given: Mapping[str, object], reasons: Reasons) -> None:
    """Tables whose names are not known."""
    for name in sorted(set(given) - set(TABLES)):
        near = difflib.get_close_matches(name, TABLES, 1)
        remedy = f"did you mean [{near[0]}]?" if near else f"use the tables {', '.join(f'[{t}]' for t in TABLES)}"
        reasons.add(f"unknown table [{name}]", remedy)


def tunnel(given: dict, reasons: Reasons, device: Iterable[str] = ()) -> Config | None:
    """The configuration, or None when anything about it is wrong. `given` holds the secret as `psk`, if there is any.

    What is refused is replaced by what its remedy says, so that each fault is told once, and all remedies are right together.
    """
    options, before = dict(given), len(reasons.found)
    _unknown(options, reasons, device)
    checked, text = _ask(options)
    while text:
        name = _culprit(text)
        value = options.get(name, library._OPTIONS.get(name, ("",))[0])
        is_plain = name not in _UNGUESSED and "is required" not in text
        found = remedies.find(name, value, options, functools.partial(_helps, options, text)) if is_plain else None
        place = name.removesuffix("_file") if name not in options and name.removesuffix("_file") in options else name
        reasons.add(text, _by_text(place, text) or _remedy(place, value, found))
        if not _go_on(options, name, found[0] if found else {}, text):
            return None
        checked, text = _ask(options)
    return None if len(reasons.found) > before else checked


def _ask(options: dict) -> tuple[Config | None, str]:
    """What the library and the desk say to the options: a configuration, or the text of an error."""
    try:
        checked = Config(**{**USUAL, **options})
        meant.check(options, checked)
        return checked, ""
    except ConfigError as e:
        return None, str(e)


def _helps(options: dict, text: str, more: dict, wholly: bool) -> bool:
    """Whether the library has nothing against these options, in place of those it has refused with a text.

    Not `wholly`: it may have something against others.
    """
    _, still = _ask(remedies.with_lines(options, more))
    return not still or not wholly and still != text and _culprit(still) not in more


def _go_on(options: dict, name: str, found: dict, text: str) -> bool:
    """Change the options so that another error may be found; False when that is impossible."""
    ways = [remedies.with_lines(options, found)] if found and name not in ("auth", "remote_auth") else []
    if name in _STAND_IN:
        ways.append({**options, name: _STAND_IN[name]})
    names = [name, *(n for n in re.findall(r"\w+", text) if n in options and n not in ("auth", "gateway"))]
    ways += [{n: v for n, v in options.items() if n not in (gone, f"{gone.removesuffix('_file')}")} for gone in names]
    for way in ways:
        if way != options and _culprit(_ask(way)[1]) != name:
            options.clear()
            options.update(way)
            return True
    return False


def _unknown(options: dict, reasons: Reasons, device: Iterable[str]) -> None:
    elsewhere = {**dict.fromkeys(device, "device"), **dict.fromkeys(SITE, "site")}
    parts: dict[str, list[str]] = {}  # of suites, which other products have one by one
    for name, value in options.items():
        if name not in library._OPTIONS and _letters(name) in foreign.PARTS:
            parts.setdefault(foreign.PARTS[_letters(name)], []).append(f"{name} {plain(value)}")
    for name in [n for n in options if n not in library._OPTIONS]:
        value = options.pop(name)
        if name in elsewhere:
            where = f"write it under [{elsewhere[name]}]: "
            reasons.add(f"option {name!r} does not belong here", where + moved(name, name, value))
            continue
        reasons.add(f"unknown option {name!r}", _suite(name, parts) or _meant(name, value))


def _letters(name: str) -> str:
    """A name as foreign.py has it."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _suite(name: str, parts: Mapping[str, list[str]]) -> str:
    """The remedy for a part of a suite: the whole, of all the parts that there are; "" for other options."""
    option = foreign.PARTS.get(_letters(name), "")
    if not option:
        return ""
    whole = suites.translated([" ".join(parts[option])], option == "esp_proposals") or remedies.EXAMPLES[option][0]
    return f"a suite is one text: {line(option, whole)}"


def _meant(name: str, value: object) -> str:
    """The remedy for an option that is not known: what another product calls one of ours, or what is spelled nearly so."""
    word = _letters(name)
    if word in foreign.SECRETS:
        return f'write it into a file, readable by you alone, and name that: {foreign.SECRETS[word]} = "FILE"'
    if word in foreign.ALWAYS:
        return f"remove the line {name} = ...: {foreign.ALWAYS[word]}"
    names = [foreign.OPTIONS[word]] if word in foreign.OPTIONS else []
    if word.endswith("bytes") and names == ["child_lifetime_kib"] and str(value).isdigit() and "kilo" not in word:
        value = f"{value}b"
    near = names or difflib.get_close_matches(name.lower().replace("-", "_"), library._OPTIONS, 1)
    if not near:
        return f"known are {', '.join(library._OPTIONS)}"
    shown = "" if names and not looks_secret(value) else moved(name, near[0], value)
    if shown.endswith(" = ...") or near[0] in _UNGUESSED:
        return "did you mean psk?" if near == ["psk"] else f"did you mean: {shown}"
    probe = {**{n: _STAND_IN[n] for n in ("gateway", "local_id", "psk")}, near[0]: value}
    if _culprit(_ask(probe)[1]) != near[0]:
        return f"did you mean: {line(near[0], value)}"
    found = remedies.find(near[0], value, probe, lambda more, _: not _ask(remedies.with_lines(probe, more))[1])
    if found and None in found[0].values():
        return f"remove the line {name} = ..."
    if found and not found[1]:
        return f"did you mean: {remedies.lines(found[0])}"
    return f"did you mean {near[0]}?" + (f" Such as: {remedies.lines(found[0])}" if found else "")


def _culprit(text: str) -> str:
    found = _OPTION.search(text)
    return found[1] if found else ""


_UNGUESSED = ("psk", "ppk", "nt_hash", "key", "cert", "ca", "gateway_key", "certreq")


def _by_text(name: str, text: str) -> str:
    """What to write where an option is missing, or of no use."""
    if "no use for it" in text:
        return f"remove the line {name} = ..."
    if "is required" not in text or name in ("psk", "nt_hash") or name not in remedies.EXAMPLES:
        return ""
    return f"such as: {line(name, remedies.EXAMPLES[name][0])}"


def _remedy(name: str, value: object, found: tuple[dict, bool] | None) -> str:
    """A line to paste in place of the one refused."""
    if name == "nt_hash":
        return "make it of the password: ipsec-board provision --new-nt-hash FILE"
    if name in ("psk", "ppk"):
        make = f"ipsec-board provision --new-{name} FILE"
        another = f"write it as 'hex:' and pairs of digits; or remove its file and make another: {make}"
        return another if value else f"make a key: {make}"
    if name not in library._OPTIONS:
        return "correct this option"
    if found and name in ("ike_proposals", "esp_proposals"):
        return f"remove the line for the built-in list, or write {remedies.lines(found[0])}"
    if found:
        return ("such as: " if found[1] else "") + remedies.lines(found[0])
    return f"remove the line {name} = ..."


# What a gateway's side is written for where the device has no list and offers all that is installed
USUAL = {
    "ike_proposals": [
        "aes128ccm16-prfsha256-x25519", "aes128gcm16-prfsha256-x25519", "aes128gcm16-prfsha256-ecp256",
        "aes256gcm16-prfsha384-ecp256",
        "aes128-sha256-ecp256", "aes256-sha256-modp2048",
    ],
    "esp_proposals": ["aes128ccm16", "aes128gcm16", "aes256gcm16", "aes128-sha256", "aes256-sha256"],
}  # fmt: skip
