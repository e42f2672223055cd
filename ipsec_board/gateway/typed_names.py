"""What is typed in place of a gateway's name or an identity: URLs, ports, other products' prefixes, distinguished names.

Start reading at `gateways` and `identities`.
"""

import re
from collections.abc import Iterator

from ipsec import options as library
from ipsec.address import is_address

from ipsec_board.gateway import meant
from ipsec_board.gateway.typed_text import cleaned, in_ascii

_HOST_PORT = re.compile(r"(?:\w+://)?(?:[^/@\s]*@)?(?P<host>\[[0-9A-Fa-f:.]+\]|[^/:\s\[\]]+)(?::(?P<port>\d{1,5}))?(?:/.*)?")
_PREFIXES = {"host": "fqdn", "hostname": "fqdn", "domain": "fqdn", "name": "fqdn", "ip": "", "address": "", "ipaddr": "",
             "id": "", "key-id": "keyid", "key_id": "keyid", "der_asn1_dn": "dn", "asn1": "dn", "subject": "dn",
             "user-fqdn": "email", "ufqdn": "email", "mail": "email", "u_fqdn": "email", "user-at-hostname": "email",
             "distinguished-name": "dn"}  # fmt: skip
# `identity local fqdn NAME` (IOS XE), `local-identity hostname NAME` (Junos), `my-id=fqdn:NAME` (RouterOS)
_KINDS = "fqdn|hostname|domain|address|inet6?|ipv[46]|email|mail|user-fqdn|user_fqdn|ufqdn|user-at-hostname|key-id|keyid|key_id"
_IN_A_LINE = re.compile(rf"(?:.*[\s=])?({_KINDS})[\s:]+([^\s=]+)", re.IGNORECASE)
# Wildcards, two mail addresses, numbers, addresses of IPv6 or what was meant as one, octets
_NO_NAME = re.compile(r"[%*]|@.*@|^\[?[\d.:/]+\]?$|^[\da-f]*:[\da-f:]*:[\da-f:.]*$|^(?:keyid|dn|asn1dn):|^@[~#\[]")
_LABEL = re.compile(
    r"^(?:set\s+)?(?:match identity remote|identity (?:local|remote)|peertype|"
    r"(?:left|right|local|remote|peer|my)[_-]?id(?:entity)?|id)(?:\s*=\s*|\s+)",
    re.IGNORECASE,
)
# Fields of pfSense and OPNsense
_FIELD = re.compile(r"((?:User )?(?:ASN\.1 )?Distinguished name(?: \([^)]*\))?|Key ?ID(?: tag)?|(?:My |Peer )?IP address|"
                    r"(?:Fully|User) qualified domain name)\s*[,:]\s*(\S.*)", re.IGNORECASE)  # fmt: skip
_ATTRIBUTE = r"(?:CN|SERIALNUMBER|C|L|ST|STREET|O|OU|T|DC|UID|E|EMAILADDRESS|EMAIL|S|SN)\s*="


def gateways(value: object) -> Iterator[dict[str, object]]:
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
    for part in re.split(r"[,;\s]+", cleaned(text)):
        if is_address(part):
            made.append((part, 0))
            continue
        if re.fullmatch(r"[\d.]+/\d+", part) or not part:
            continue
        found = _HOST_PORT.fullmatch(in_ascii(cleaned(part)))
        if found:
            port = int(found["port"] or 0)
            is_other = port and "://" not in part and port not in (500, 4500) and port < 65536
            made.append((found["host"].strip("[].*"), port if is_other else 0))
    return made


def identities(value: object) -> Iterator[object]:
    """Identities that a text, or a list of them, may mean."""
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
    bare = cleaned(text)
    yield bare
    plain = _without_label(bare)
    if plain != bare:
        yield from _identity(plain)
        return
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
    if rest.startswith("#"):
        yield f"keyid:0x{rest[1:]}" if prefix == "keyid" else _text_of(prefix, rest[1:])
    if prefix == "keyid" and len(rest) > 2:
        yield f'keyid:"{rest}"'
    if bare.startswith("@["):
        yield f"keyid:{bare[2:].rstrip(']')}"
    if "=" in bare or prefix in ("dn", "asn1dn"):
        yield from _distinguished(bare if "=" in bare else f"CN={rest}") if not rest.startswith("#") else [f"@~{rest[1:]}"]
    elif not _NO_NAME.search(bare.lower()):
        yield from _name(bare)
    elif re.fullmatch(r"\[[\da-f:.]+\](?::\d+)?|[\d.]+:\d+|[\d.]+/32", bare.lower()):
        yield re.sub(r"\]?:\d+$|/32$", "", bare).strip("[]") if "." in bare or "]:" in bare else bare.strip("[]")
    elif re.fullmatch(r"[\d.]+", bare) and not is_address(bare):
        yield f"fqdn:{bare}"


def is_anybody(value: object) -> bool:
    """Whether a value says that anybody will do: "any", or a line of another product with that."""
    if meant.word(value) in meant.ANYBODY:
        return True
    return isinstance(value, str) and _without_label(cleaned(value)).lower() in meant.ANYBODY


def _text_of(prefix: str, digits: str) -> str:
    """A name that strongSwan has as `fqdn:#` and the digits of its octets."""
    try:
        return f"{prefix}:{bytes.fromhex(digits).decode('ascii')}"
    except ValueError:
        return ""


def _without_label(text: str) -> str:
    """What stands behind `leftid=`, `set peerid`, `match identity remote`, `KeyID tag,`, `ID_FQDN:` and the like."""
    wire = re.fullmatch(r"ID_([A-Z0-9_]+?)(?:_ADDR)?\s*[:\s]\s*(\S.*)", text)
    if wire:
        kind = {"KEY_ID": "keyid:", "RFC822": "email:", "USER_FQDN": "email:", "FQDN": "fqdn:"}.get(wire[1], "")
        return kind + wire[2]
    field = _FIELD.fullmatch(text)
    if field:
        return ("keyid:" if field[1].lower().startswith("key") else "") + field[2]
    rest = _LABEL.sub("", text, count=1).strip().strip("\"'")
    address = re.fullmatch(r"(?:address\s+)?([\d.]+)\s+255\.255\.255\.255", rest)
    if address:
        return address[1]
    return re.sub(r"^address\s+(?=0\.0\.0\.0$)", "", rest) or text


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
        yield f"{name}@{in_ascii(host)}" if name else in_ascii(host)
    found = _HOST_PORT.fullmatch(bare)
    if found:
        yield in_ascii(found["host"].strip("[]").rstrip("."))
    if ":" not in bare and len(bare.split()) < 3:
        yield re.sub(r"[^A-Za-z0-9._@-]+", "-", in_ascii(bare)).strip("-")
