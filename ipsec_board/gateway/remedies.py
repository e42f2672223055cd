"""Lines to paste in place of what was refused; each has been given to the library before it is shown.

What people type into an option of a tunnel is guessed at, from the most likely meaning to an example; the first guess that passes
is the remedy. Start reading at `find`.
"""

import datetime
import difflib
import ipaddress
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from ipsec import options as library
from ipsec.address import is_address

from ipsec_board.gateway import suites

_ANY_PORT = ("", "0", "any", "*", "0-65535", "1-65535")
Lines = dict[str, object]  # options that are right together

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
_WORDS = {"tcp": ("fallback", "always"), "auth": ("psk", "key", "cert", "eap"), "remote_auth": ("psk", "key", "cert"),
          "suite_order": ("fixed", "measured"), "clock": ("rtc",)}  # fmt: skip
_SYNONYMS = {"yes": "fallback", "true": "fallback", "on": "fallback", "secret": "psk", "preshared": "psk", "pubkey": "key",
             "rsasig": "cert", "x509": "cert", "certificate": "cert", "ntp": "rtc", "system": "rtc", "eap-mschapv2": "eap",
             "mschapv2": "eap", "rsa": "cert", "eap-tls": "cert",
             "pre-share": "psk", "pre-shared-key": "psk", "authby=secret": "psk"}  # fmt: skip
_HOST_PORT = re.compile(r"(?:\w+://)?(?:[^/@\s]*@)?(?P<host>\[[0-9A-Fa-f:.]+\]|[^/:\s\[\]]+)(?::(?P<port>\d{1,5}))?(?:/.*)?")
_UNITS = {"ms": 1, "s": 1000, "sec": 1000, "seconds": 1000, "m": 60000, "min": 60000, "minutes": 60000, "h": 3600000,
          "hours": 3600000, "d": 86400000, "days": 86400000}  # fmt: skip
_PREFIXES = {"host": "fqdn", "hostname": "fqdn", "domain": "fqdn", "name": "fqdn", "ip": "", "address": "", "ipaddr": "",
             "id": "", "key-id": "keyid", "key_id": "keyid", "der_asn1_dn": "dn", "asn1": "dn", "subject": "dn",
             "user-fqdn": "email", "ufqdn": "email", "mail": "email", "u_fqdn": "email", "user-at-hostname": "email",
             "distinguished-name": "dn"}  # fmt: skip
_PORTS = {"http": 80, "https": 443, "mqtt": 1883, "mqtts": 8883, "secure-mqtt": 8883, "coap": 5683, "coaps": 5684, "dns": 53,
          "domain": 53, "ntp": 123, "ssh": 22, "syslog": 514, "snmp": 161, "tftp": 69, "modbus": 502, "amqp": 5672, "amqps": 5671,
          "telnet": 23, "ftp": 21, "smtp": 25, "ldap": 389, "ldaps": 636, "opc-ua": 4840, "influx": 8086}  # fmt: skip
_UDP = ("coap", "coaps", "dns", "domain", "ntp", "syslog", "snmp", "tftp")
_PROTOCOLS = {"igmp": "2", "gre": "47", "esp": "50", "ah": "51", "ospf": "89", "ipv6-icmp": "icmpv6", "icmp6": "icmpv6",
              "all": "any", "ip": "any", "*": "any"}  # fmt: skip
# Wildcards, two mail addresses, numbers, addresses of IPv6 or what was meant as one, octets
# `identity local fqdn NAME` (IOS XE), `local-identity hostname NAME` (Junos), `my-id=fqdn:NAME` (RouterOS)
_KINDS = "fqdn|hostname|domain|address|inet6?|ipv[46]|email|mail|user-fqdn|user_fqdn|ufqdn|user-at-hostname|key-id|keyid|key_id"
_IN_A_LINE = re.compile(rf"(?:.*[\s=])?({_KINDS})[\s:]+([^\s=]+)", re.IGNORECASE)
_NO_NAME = re.compile(r"[%*]|@.*@|^\[?[\d.:/]+\]?$|^[\da-f]*:[\da-f:]*:[\da-f:.]*$|^(?:keyid|dn|asn1dn):|^@[~#\[]")
_ATTRIBUTE = r"(?:CN|SERIALNUMBER|C|L|ST|STREET|O|OU|T|DC|UID|E|EMAILADDRESS|EMAIL|S|SN)\s*="


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
    return "; ".join(line(name, value) for name, value in found.items())


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
    if name == "gateway":
        yield from _gateways(value)
        return
    if name in ("ike_proposals", "esp_proposals"):
        yield {name: suites.translated(value, name == "esp_proposals")[:8]}
        return
    many: Iterable[object]
    if spec[1] == "int":
        many = _numbers(name, value, spec[2], spec[3])
    elif spec[1] == "bool":
        many = (converted(value, "bool", ()),)
    elif name in ("local_id", "remote_id", "eap_identity"):
        many = _identities(value)
    elif name in ("remote_ts", "local_ts"):
        many = _selectors(value)
        if name == "remote_ts" and value == ["0.0.0.0/0"]:
            many = [["::/0"]]
    elif name in _WORDS:
        many = _words(name, value)
    elif name == "more_ts":
        many = [_sets(value)]
    else:
        many = _others(name, value)
    yield from ({name: one} for one in many if one is not None and one not in ("", []))
    if name in ("remote_ts", "local_ts"):
        yield {"virtual_ip": ["ipv4", "ipv6"]}


def converted(value: object, kind: str, limits: tuple) -> object:
    """The same in the wanted kind, where it can be guessed."""
    if kind == "int":
        return next(_numbers("", value, *limits), None)
    if kind == "bool":
        words = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
        return words.get(_text(value).strip().lower())
    if kind == "list":
        texts = [t for t in re.split(r"[,\s]+", value) if t] if isinstance(value, str) else value
        return [network(t) for t in texts] if isinstance(texts, list) else None
    if kind == "str" and isinstance(value, str):
        return value.strip()
    return None


def network(text: object) -> object:
    """A prefix without the host's bits; anything else as it is."""
    try:
        return str(ipaddress.ip_network(_text(text).strip(), strict=False)) if "/" in _text(text) else text
    except ValueError:
        return text


def _text(value: object) -> str:
    """A value as text, if it is a short one."""
    if isinstance(value, int) and abs(value) >= 2**64:
        return ""
    return str(value)[:600] if isinstance(value, (str, int, float)) else ""


def _numbers(name: str, value: object, lowest: int, highest: int) -> Iterator[int]:
    text = _text(value).replace("_", "").strip().lower()
    if lowest == 0 and (value is False or text in ("off", "no", "none", "never", "disable", "disabled", "false")):
        yield 0
    if isinstance(value, bool):
        return
    found = re.fullmatch(r"([+-]?\d{1,18}(?:\.\d{1,9})?(?:e\d{1,2})?)\s*([a-z]*)", text)
    if not found and not isinstance(value, int):
        return
    number = float(found[1]) if found else float(highest if value > 0 else lowest)  # type: ignore[operator]
    unit = _UNITS.get(found[2]) if found and found[2] else None
    if unit and name.endswith(("_ms", "_s")):
        number *= unit / (1 if name.endswith("_ms") else 1000)
    best = min(max(int(number), lowest), highest)
    if name.endswith("port") and best != int(number):
        return  # the nearest port is none that anybody means
    if name == "replay_window":
        yield min((32, 64, 128, 256, 512, 1024), key=lambda n: abs(n - best))
    if name == "gcm_table_kb":
        yield 2 if best < 6 else 8
    if name in ("tcp_room", "udp_room") and 0 < best < 256:
        yield 256
    yield best


def _words(name: str, value: object) -> Iterator[str]:
    text = _text(value).strip().strip("\"'").lower()
    if text in _SYNONYMS:
        yield _SYNONYMS[text]
    if text in _WORDS[name]:
        yield text
    yield from difflib.get_close_matches(text, _WORDS[name], 1)


def _others(name: str, value: object) -> Iterator[object]:
    if name == "virtual_ip":
        given = value if isinstance(value, list) else re.split(r"[,\s]+", _text(value))
        found = ["ipv6" if re.search("6|:", _text(v)) else "ipv4" for v in given if re.search("[46:]|^0[.]0[.]0[.]0$", _text(v))]
        yield list(dict.fromkeys(found))
    elif name == "provisioned":
        if isinstance(value, datetime.date):
            yield value.isoformat()[:10]
        found3 = re.findall(r"\d+", _text(value))[:3]
        if len(found3) == 3:
            yield "-".join(f"{int(part):02d}" for part in (found3 if len(found3[0]) == 4 else found3[::-1]))
    elif name == "inner_address":
        yield _text(value).strip().partition("/")[0]
    elif name == "dns_domains":
        given = value if isinstance(value, list) else re.split(r"[,;\s]+", _text(value))
        yield [_ascii(re.sub(r"^(?:\w+://)?[*.]+|/.*$", "", _text(v).strip())).strip(".") for v in given if _text(v).strip()][:8]
    elif isinstance(value, str):
        yield re.sub(r"[\x00-\x1f]", "", value).strip()


def _ascii(text: str) -> str:
    """A name in its ASCII form, where it has one."""
    try:
        return text if text.isascii() else text.encode("idna").decode()
    except UnicodeError:
        return text


def _bare(text: str) -> str:
    """Without what comes along when something is copied."""
    return re.sub(r"[\x00-\x1f\u200b-\u200f\u202a-\u202e\ufeff\ud800-\udfff]", "", text).strip().strip("\"'`<>,; ")


def _gateways(value: object) -> Iterator[Lines]:
    """A host and nothing else, or a list of such: what people paste are URLs, and hosts with a port."""
    if isinstance(value, (list, tuple)):
        found = [host for one in value if isinstance(one, str) for host in _hosts(one)]
        hosts = list(dict.fromkeys(host for host, _ in found if host))[:8]
        if hosts:
            yield {"gateway": hosts if len(hosts) > 1 else hosts[0]}
        return
    if not isinstance(value, str):
        return
    found = _hosts(value)
    if len(found) == 1 and found[0][0]:
        host, port = found[0]
        yield {"gateway": host, **({"port": port, "natt_port": port} if port else {})}
        yield {"gateway": host}
    elif len(found) > 1 and all("." in host or ":" in host for host, _ in found):
        yield {"gateway": list(dict.fromkeys(host for host, _ in found))}


def _hosts(text: str) -> list[tuple[str, int]]:
    """Hosts of a text, with a port that is not IKE's own."""
    made = []
    for part in re.split(r"[,;\s]+", _bare(text)):
        if is_address(part):
            made.append((part, 0))
            continue
        if re.fullmatch(r"[\d.]+/\d+", part) or not part:
            continue
        found = _HOST_PORT.fullmatch(_ascii(_bare(part)))
        if found:
            port = int(found["port"] or 0)
            is_other = port and "://" not in part and port not in (500, 4500) and port < 65536
            made.append((found["host"].strip("[].*"), port if is_other else 0))
    return made


def _identities(value: object) -> Iterator[object]:
    if isinstance(value, (list, tuple)):
        yield [next((text for text in _identity(one) if _is_identity(text)), "") for one in value if isinstance(one, str)]
        return
    for text in _identity(value) if isinstance(value, str) else ():
        if _is_identity(text):
            yield text


def _is_identity(text: str) -> bool:
    try:
        library._check_ids(_Ids(text))
    except library.ConfigError:
        return False
    return True


class _Ids:
    """What `_check_ids` looks at."""

    def __init__(self, text: str):
        self.local_id, self.remote_id = text, "x"
        self.remote_ids: list[str] = []
        self.warnings: list[str] = []


def _identity(text: str) -> Iterator[str]:
    bare = _bare(text)
    yield bare
    found = _IN_A_LINE.fullmatch(bare)
    if found and re.search(r"[\s=]", bare):
        kind = _PREFIXES.get(found[1].lower(), found[1].lower())
        yield found[2] if kind in ("", "inet", "inet6") else f"{kind}:{found[2]}"
        yield found[2]
    prefix, _, rest = (part.strip() for part in bare.partition(":"))
    prefix = prefix.lower()
    if rest and prefix in _PREFIXES:
        yield f"{_PREFIXES[prefix]}:{rest}".lstrip(":")
    if prefix in ("fqdn", "dns") and "@" in rest:
        yield f"email:{rest}"
    if prefix in ("email", "rfc822", "userfqdn", "user_fqdn") and "@" not in rest:
        yield rest
    if prefix == "keyid" and len(rest) > 2:
        yield f'keyid:"{rest}"'
    if bare.startswith("@["):
        yield f"keyid:{bare[2:].rstrip(']')}"
    if "=" in bare or prefix in ("dn", "asn1dn"):
        yield from _distinguished(bare if "=" in bare else f"CN={rest}")
    elif not _NO_NAME.search(bare.lower()):
        yield from _name(bare)
    elif re.fullmatch(r"\[[\da-f:.]+\](?::\d+)?|[\d.]+:\d+|[\d.]+/32", bare.lower()):
        yield re.sub(r"\]?:\d+$|/32$", "", bare).strip("[]") if "." in bare or "]:" in bare else bare.strip("[]")
    elif re.fullmatch(r"[\d.]+", bare):
        yield f"fqdn:{bare}"


def _distinguished(text: str) -> Iterator[str]:
    """A distinguished name with its parts between commas, then without those that nobody knows."""
    parts = re.sub(rf"\s*[/;,+ ]\s*(?={_ATTRIBUTE})", ", ", text.lstrip("/"), flags=re.IGNORECASE).strip(' ,;"')
    yield parts
    yield parts.replace('"', "").rstrip("\\")
    kept = [part for part in parts.split(", ") if re.match(_ATTRIBUTE, part, re.IGNORECASE)]
    yield ", ".join(part for part in kept if not re.fullmatch(r"C\s*=\s*(?!..$).*|[^=]*=\s*", part, re.IGNORECASE))


def _name(bare: str) -> Iterator[str]:
    """A host name or mail address, of a URL, with a port, or not in ASCII."""
    if "@" in bare:
        name, _, host = bare.partition("@")
        yield f"{name}@{_ascii(host)}" if name else _ascii(host)
    found = _HOST_PORT.fullmatch(bare)
    if found:
        yield _ascii(found["host"].strip("[]").rstrip("."))
    yield re.sub(r"[^A-Za-z0-9._@-]+", "-", _ascii(bare)).strip("-")


def _sets(value: object) -> list[dict]:
    """Sets of selectors for further Child SAs; a list of networks is one."""
    given = value if isinstance(value, list) and not any(isinstance(one, str) for one in value) else [value]
    made = []
    for one in given[:4]:
        texts = one if isinstance(one, dict) else {"remote_ts": one}
        found = {str(name).replace("-", "_"): next(_selectors(text), []) for name, text in texts.items()}
        made.append({name: found[name] for name in ("remote_ts", "local_ts") if found.get(name)})
    return [one for one in made if one]


def _selectors(value: object) -> Iterator[object]:
    texts = value if isinstance(value, (list, tuple)) else [value]
    made = [t for one in texts if isinstance(one, str) for t in _selector(one)]
    yield list(dict.fromkeys(made))[:8]
    for is_family in (lambda t: ":" not in t.partition("[")[0], lambda t: ":" in t.partition("[")[0]):
        yield [t for t in dict.fromkeys(made) if is_family(t)][:8]


def _selector(text: str) -> list[str]:
    """A prefix, or several, with protocol and ports in the library's form; empty when no prefix is found."""
    bare = _bare(text)
    if bare.lower() in ("any", "all", "*", "0/0", "0.0.0.0", "default"):
        return ["0.0.0.0/0"]
    if bare == "::":
        return ["::/0"]
    span = re.fullmatch(r"([\da-fA-F.:]+)\s*-\s*([\da-fA-F.:]+)", bare)
    if span:
        try:
            ends = ipaddress.ip_address(span[1]), ipaddress.ip_address(span[2])
            return [str(net) for net in ipaddress.summarize_address_range(*ends)]  # type: ignore[type-var]
        except (ValueError, TypeError):
            return []
    masked = re.fullmatch(r"([\d.]+)[\s/]+(\d+\.\d+\.\d+\.\d+)", bare)
    if masked:
        bare = f"{masked[1]}/{masked[2]}"
    commas = [t for t in re.split(r"[,;\s]+", bare) if t]
    if len(commas) > 1 and all(_net(t) for t in commas):
        return [_net(t) for t in commas]
    for cut in range(len(bare), 0, -1):  # the longest beginning that is a network
        if not re.match(r"$|[\s\[\],%:]|/[a-z]", bare[cut:].lower()):
            continue
        net = _net(bare[:cut].rstrip(" ,[:/%"))
        if net:
            return [net + rest for rest in _protocol(bare[cut:].strip(" ,[]:/%"))]
    return []


def _net(text: str) -> str:
    parts = text.strip().split("/")
    if re.fullmatch(r"\d+(?:\.\d+){0,2}", parts[0]) and len(parts) == 2:  # 10.0/16
        parts[0] += ".0" * (3 - parts[0].count("."))
    if parts[0].isdigit():
        return ""
    try:
        return str(ipaddress.ip_network("/".join(parts), strict=False)) if len(parts) > 1 else str(ipaddress.ip_address(parts[0]))
    except ValueError:
        return ""


def _protocol(text: str) -> list[str]:
    """`[tcp/8883]` of what stands behind a prefix, an empty text where that is nothing; none for what would only be left out."""
    words = [w for w in re.split(r"[/:\s]+", text.lower()) if w]
    if not words:
        return [""]
    name, ports = words[0], words[1:]
    if name in _PORTS and not ports:
        name, ports = "udp" if name in _UDP else "tcp", [name]
    name = _PROTOCOLS.get(name, name)
    if name not in ("any", "tcp", "udp", "sctp", "6", "17", "132"):
        return [f"[{name}]"] if name in ("icmp", "icmpv6") or name.isdigit() and int(name) < 256 else []
    joined = "-".join(ports) if len(ports) == 2 else ",".join(ports)
    made = []
    for one in joined.split(","):
        ends = [str(_PORTS.get(p, p)) for p in (one.split("-") if one not in _PORTS else [one])]
        if all(p.isdigit() and 0 < int(p) < 65536 for p in ends) and len(ends) < 3:
            made.append(f"[{name}/{'-'.join(sorted(ends, key=int))}]")
    return made or ([f"[{name}]"] if joined in _ANY_PORT else [])
