"""What is typed in place of networks: words of gateways' documents, masks, ranges, ports by name, as prefixes and selectors.

Start reading at `selectors`.
"""

import ipaddress
import itertools
import re
from collections.abc import Iterator

from ipsec_board.gateway.typed_text import cleaned, plain

_ANY_PORT = ("", "0", "any", "*", "0-65535", "1-65535")
_PORTS = {"http": 80, "https": 443, "mqtt": 1883, "mqtts": 8883, "secure-mqtt": 8883, "coap": 5683, "coaps": 5684, "dns": 53,
          "domain": 53, "ntp": 123, "ssh": 22, "syslog": 514, "snmp": 161, "tftp": 69, "modbus": 502, "amqp": 5672, "amqps": 5671,
          "telnet": 23, "ftp": 21, "smtp": 25, "ldap": 389, "ldaps": 636, "opc-ua": 4840, "influx": 8086}  # fmt: skip
_UDP = ("coap", "coaps", "dns", "domain", "ntp", "syslog", "snmp", "tftp")
_PROTOCOLS = {"igmp": "2", "gre": "47", "esp": "50", "ah": "51", "ospf": "89", "ipv6-icmp": "icmpv6", "icmp6": "icmpv6",
              "all": "any", "ip": "any", "*": "any"}  # fmt: skip
# What stands for our own address on our side of a policy
OWN = ("%any", "%priv", "%no", "self", "me", "host", "own", "myip", "my ip", "%self", "%host", "virtual", "%virtual", "local",
        "%any4", "%any6")  # fmt: skip
# `dst-subnet`, `remote-ip`, `rightsubnet=`, `Network,`, `host` in front of a network
_LABEL = re.compile(r"^\s*(?:set\s+)?(?:[a-z]\w*[ _-])*?(?:(?:sub)?nets?|network|host|address|addr|ip|prefix|right|left|"
                    r"(?:local|remote)_ts|(?:right|left)subnets?)\s*[=,:\s]\s*(?=[\d{%:a-f])", re.IGNORECASE)  # fmt: skip
_ANYWHERE = ("any", "all", "*", "%any", "%any4", "any4", "any-ipv4", "0/0", "0.0.0.0", "default", "%default", "anywhere",
             "internet", "dynamic", "%dynamic", "0.0.0.0/0.0.0.0", "everything", "0.0.0.0-255.255.255.255", "auto", "0.0.0.0/32",
             "%all", "%v4:0.0.0.0/0", "default-route", "any ip", "ipv4", "none", "0")  # fmt: skip
_ANYWHERE6 = ("::", "any6", "any-ipv6", "%any6", "0::/0", "0::0/0", "::0/0", "ipv6", "::/128", "any-6")


def port(name: str) -> int:
    """The usual port of a service, by its name; 0 for others."""
    return _PORTS.get(name.strip().lower(), 0)


def network(text: object) -> object:
    """A prefix without the host's bits; anything else as it is."""
    try:
        return str(ipaddress.ip_network(plain(text).strip(), strict=False)) if "/" in plain(text) else text
    except ValueError:
        return text


def sets(value: object) -> list[dict]:
    """Sets of selectors for further Child SAs; a list of networks is one."""
    given = value if isinstance(value, list) and not any(isinstance(one, str) for one in value) else [value]
    made = []
    for one in given[:4]:
        texts = one if isinstance(one, dict) else {"remote_ts": one}
        found = {str(name).replace("-", "_"): next(selectors(text), []) for name, text in texts.items()}
        made.append({name: found[name] for name in ("remote_ts", "local_ts") if found.get(name)})
    return [one for one in made if one]


def some_sets(value: object) -> list[list[dict]]:
    """All those sets, then fewer of them, those that reach the most addresses first."""
    made = sets(value)
    some = [list(one) for n in range(len(made), 0, -1) for one in itertools.combinations(made, n)]
    return sorted(some, key=lambda one: (-len(one), _room(one)))


def _room(sets: list[dict]) -> int:
    """Smaller for sets that reach more addresses."""
    nets = [ipaddress.ip_network(t.partition("[")[0], strict=False) for one in sets for t in one.get("remote_ts", ())]
    return -sum(net.num_addresses for net in nets)


def selectors(value: object) -> Iterator[object]:
    """Lists of selectors that a value may mean: all that is found in it, then those of one family."""
    texts = value if isinstance(value, (list, tuple)) else [value]
    parts = [part for one in texts if isinstance(one, str) for part in re.split(r"[\r\n]+", one.strip())]
    made = [t for one in parts for t in _selector(_LABEL.sub("", one).strip("{} "))]
    yield list(dict.fromkeys(made))[:8]
    for is_family in (lambda t: ":" not in t.partition("[")[0], lambda t: ":" in t.partition("[")[0]):
        yield [t for t in dict.fromkeys(made) if is_family(t)][:8]


def _selector(text: str) -> list[str]:
    """A prefix, or several, with protocol and ports in the library's form; empty when no prefix is found."""
    bare = cleaned(text)
    if bare.lower() in _ANYWHERE:
        return ["0.0.0.0/0"]
    if bare.lower() in _ANYWHERE6:
        return ["::/0"]
    bare = re.sub(r"^%v[46]:|^!", "", bare)
    span = re.fullmatch(r"([\da-fA-F.:]+)\s*-\s*([\da-fA-F.:]+)", bare)
    if span:
        try:
            ends = ipaddress.ip_address(span[1]), ipaddress.ip_address(span[2])
            return [str(net) for net in ipaddress.summarize_address_range(*ends)]  # type: ignore[type-var]
        except (ValueError, TypeError):
            return []
    stars = re.fullmatch(r"(\d+(?:\.\d+){0,2})((?:\.\*)+)", bare)
    if stars:
        known = stars[1].split(".")
        return [".".join([*known, *["0"] * (4 - len(known))]) + f"/{8 * len(known)}"]
    bare = bare.replace("%any", "any") if "[" in bare else bare
    masked = re.fullmatch(r"([\d.]+)[\s/]+(\d+\.\d+\.\d+\.\d+)", bare)
    if masked:
        bare = f"{masked[1]}/{masked[2]}"
    commas = [t for t in re.split(r"[,;\s]+", bare) if t]
    if len(commas) > 1 and all(_net(t) for t in commas):
        return [_net(t) for t in commas]
    if _net(bare):
        return [_net(bare)]
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
    words = [w for w in re.split(r"[/:\s]+", text.lower()) if w and w != "0"]
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
