"""What the library takes and nobody means: refused at the desk, or taken with a warning and the line to write.

`remote_id = "any"` would be a host of that name, `remote_ts = ["10.10.0.0"]` one host, `provisioned = "2026-02-31"` no
day at all. The checks stand here and not in the library, since a board has no room for them.
Start reading at `check`.
"""

import datetime
import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence

from ipsec import more_options
from ipsec.address import is_address, is_host, parse_address
from ipsec.config import Config
from ipsec.errors import ConfigError

# Words of gateways' documents, in small letters
ANYBODY = {"any", "all", "*", "%any", "%any4", "%any6", "any4", "any6", "%anyid", "anyone", "anybody", "everyone", "everybody",
           "anything", "wildcard", "any-id", "ignore", "0.0.0.0", "::", "0.0.0.0/0", "::/0", "%"}  # fmt: skip
NOBODY = {"none", "%none", "null", "nil", "no", "off", "false", "default", "%default", "auto", "automatic", "same", "undefined",
          "undef", "unset", "n/a", "na", "-", "--", "...", "?", "empty", "blank", "nobody", "nothing", "disable", "disabled",
          "never", "not used", "unused", "unspecified", "any-ip", "dhcp", "inherit",
          "%defaultroute", "%fromcert", "%cert", "%myid", "%id", "%config", "%identity", "%group", "%opportunistic", "%dns",
          "dynamic", "%dynamic"}  # fmt: skip
# Words for a kind of identity, in place of one
_KINDS = {"fqdn", "hostname", "distinguished-name", "dn", "der-asn1-dn", "user-fqdn", "user-at-hostname", "keyid", "key-id",
          "address", "inet", "email", "ip", "ipv4", "ipv6", "ipaddr", "domain"}  # fmt: skip
WORDS = ANYBODY | NOBODY
_WRITTEN = datetime.date(2026, 11, 28)
_IDENTITIES = ("local_id", "remote_id", "eap_identity", "ppk_id")


def word(value: object) -> str:
    """A value, or the only one of a list, as such a word; "" for anything longer."""
    if isinstance(value, (list, tuple)) and len(value) == 1:
        value = value[0]
    text = value.strip().strip("\"'<>()").strip().lower() if isinstance(value, str) else ""
    return text if len(text) < 20 else ""


def check(options: Mapping, checked: Config) -> None:
    """Refuse what is legal and can only be a mistake. Raises ConfigError, which names the option as the library does."""
    for name in ("gateway", *_IDENTITIES):
        for text in _texts(options.get(name)):
            _check_word(name, text)
    if options.get("provisioned"):
        _check_day(options["provisioned"])
    _check_domains(options.get("dns_domains", ()))
    _check_sets(checked)


def _texts(value: object) -> Iterable[str]:
    return [one for one in (value if isinstance(value, (list, tuple)) else [value]) if isinstance(one, str)]


def _check_word(name: str, text: str) -> None:
    plain = text.strip().lower()
    if plain in WORDS and (name, text) != ("remote_id", "%any"):
        if name == "gateway":
            raise ConfigError(f"option gateway: {text!r} is no gateway's name or address")
        how = f"'fqdn:{text}' is a host of this name, '%any' whoever has the key" if name == "remote_id" else "it names nobody"
        raise ConfigError(f"option {name}: {text!r} would be a name like any other: {how}")
    if name == "gateway" and plain in ("localhost", "localhost.localdomain"):
        raise ConfigError(f"option gateway: {text!r} is the device itself")
    if name in ("local_id", "remote_id") and plain in _KINDS:
        raise ConfigError(f"option {name}: {text!r} is a kind of identity: write the identity itself")
    if name in ("local_id", "remote_id") and re.match("(?:fqdn|keyid|email|dns|rfc822):#", plain):
        raise ConfigError(f"option {name}: {text!r}: '#' and digits would be text here: keyid:0x... has octets in digits")
    if name in ("local_id", "remote_id") and is_address(text):
        octets = parse_address(text)
        is_loopback = text.startswith("127.") or text == "::1"  # where tests have their gateways
        if not is_loopback and not is_host(octets):
            raise ConfigError(f"option {name}: {text!r} is no host's address")


def _check_day(text: str) -> None:
    try:
        day = datetime.date.fromisoformat(text)
    except ValueError as e:
        raise ConfigError(f"option provisioned: there is no day {text!r}: {e}") from e
    if day > today() + datetime.timedelta(days=1):  # somewhere it is tomorrow already
        raise ConfigError(f"option provisioned: {text!r} is yet to come, and before it no certificate would be taken")


def today() -> datetime.date:
    """The day by the desk's clock, in UTC; not before that of this file, as clocks may be wrong."""
    return max(datetime.datetime.now(datetime.UTC).date(), _WRITTEN)


def _check_domains(domains: Iterable[str]) -> None:
    for text in domains:
        if text != "*" and text.strip().lower() in WORDS:
            raise ConfigError(f"option dns_domains: {text!r} would be a domain: leave it out for all names, or write '*'")


def _check_sets(checked: Config) -> None:
    """A Child SA for packets that another one carries already would never have any."""
    first = (checked.local_ts, checked.remote_ts)
    sets = [first, *((ours or checked.local_ts, theirs) for ours, theirs in checked.more_ts or ())]
    for at, one in enumerate(sets):
        for other_at, other in enumerate(sets):
            if not at or at == other_at or not _lies_in(one[1], other[1]) or not _same_side(one[0], other[0]):
                continue
            is_equal = _lies_in(other[1], one[1]) and _same_side(other[0], one[0])
            if is_equal and other_at > at:
                continue  # told of the later one
            what = "is the same as" if is_equal else "lies inside of"
            where = f"set {other_at}" if other_at else "the options remote_ts and local_ts"
            raise ConfigError(f"option more_ts, set {at}: it {what} {where}: take it out, its Child SA would carry nothing")


def _same_side(ours: Sequence[tuple], others: Sequence[tuple]) -> bool:
    return ours == others or bool(ours and others) and _lies_in(ours, others)


def _lies_in(selectors: Sequence[tuple], others: Sequence[tuple]) -> bool:
    return all(any(more_options._inside(s, other) for other in others) for s in selectors)


def warnings(options: Mapping) -> list[str]:
    """What may be meant, and is told with the line to write; `options` are right."""
    found = [text for name in ("remote_ts", "local_ts") for text in _list_warnings(name, name, options.get(name, ()))]
    for at, one in enumerate(options.get("more_ts", ()), 1):
        for name in ("remote_ts", "local_ts"):
            found += _list_warnings(f"more_ts, set {at}, {name}", name, one.get(name, ()))
    inner = options.get("inner_address", "")
    if inner and network_of(inner) != inner:
        first = ipaddress.ip_address(inner) + 1
        found.append(f'inner_address: {inner} looks like a network: a host there is, for one, inner_address = "{first}"')
    return found


def _list_warnings(where: str, name: str, texts: Sequence[str]) -> Iterable[str]:
    meant = [network_of(text) for text in texts]
    hosts = [text for text, net in zip(texts, meant, strict=True) if net != text]
    if hosts:
        whole = [_with_length(text) if text in hosts else text for text in texts]
        host = f", for the host {_line(name, whole)}"
        what = "is one host, though it looks like a network" if len(hosts) == 1 else "are hosts, though they look like networks"
        yield f"{where}: {', '.join(hosts)} {what}; for the network write {_line(name, meant)}{host}"
    kept = _without_contained(texts)
    if not hosts and kept != list(texts):
        yield f"{where}: networks that lie in others of the list add nothing: {_line(name, kept)}"


def _with_length(text: str) -> str:
    host, bracket, rest = text.partition("[")
    return f"{host}/{128 if ':' in host else 32}{bracket}{rest}"


def _line(name: str, texts: Sequence[str]) -> str:
    return f"{name} = [{', '.join(chr(34) + text + chr(34) for text in texts)}]"


def network_of(text: str) -> str:
    """The prefix that an address with zeros at its end looks like."""
    host, bracket, rest = text.partition("[")
    if "/" in host:
        return text
    addr = ipaddress.ip_address(host)
    octets = addr.packed
    zeros = len(octets) - len(octets.rstrip(b"\0"))
    bits = 8 * (len(octets) - zeros)
    if addr.version == 6:  # without an interface's half, or with one of zeros alone
        bits = 128 if zeros < 8 else 64 if zeros < 12 else (bits + 15) // 16 * 16
    return f"{host}/{bits}{bracket}{rest}" if bits < addr.max_prefixlen else text


def _without_contained(texts: Sequence[str]) -> list[str]:
    """The prefixes that lie in no other, each once; those with protocols stay."""
    plain = {ipaddress.ip_network(text): text for text in reversed(texts) if "[" not in text}  # the first of equal ones
    inner = {net for net in plain for other in plain if net != other and _is_part(net, other)}
    kept = {text for net, text in plain.items() if net not in inner}
    return [text for text in dict.fromkeys(texts) if "[" in text or text in kept]


def _is_part(net, other) -> bool:
    return net.version == other.version and net.subnet_of(other)
