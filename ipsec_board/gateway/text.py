"""Text of gateway configurations: files, cited settings, identities and secrets in the vendors' forms.

Start reading at `Sheet`.
"""

import ipaddress
from dataclasses import dataclass

from ipsec.address import format_address
from ipsec.ike.identity import encode

from ipsec_board.gateway.fleet import Fleet
from ipsec_board.gateway.plan import Plan, PlanError


@dataclass(frozen=True)
class GatewayFile:
    """A file for a gateway; one with `secret` holds a PSK and is written for its owner alone.

    `shared`: it serves all devices of a connection; it is not overwritten with another text unasked.
    """

    name: str
    text: str
    secret: bool = False
    shared: bool = False


class Sheet:
    """Lines of configuration under headings that name the document each setting comes from."""

    def __init__(self, comment: str, title: str):
        self._comment = comment
        self._lines = [f"{comment} {title}"]
        self._source = ""

    def note(self, *lines: str) -> "Sheet":
        """Comment lines."""
        self._lines += [f"{self._comment} {line}".rstrip() for line in lines]
        return self

    def source(self, document: str, part: str) -> "Sheet":
        """The settings that follow are described there."""
        source = f'Source: "{document}", {part}'
        if source != self._source:
            self._lines += ["", f"{self._comment} {source}"]
            self._source = source
        return self

    def unconfirmed(self, what: str) -> "Sheet":
        """The settings that follow, or this part of them, were found in no document of the vendor."""
        self._lines += ["", f"{self._comment} Not confirmed: {what}"]
        self._source = ""
        return self

    def put(self, *lines: str) -> "Sheet":
        """Lines of configuration."""
        self._lines += lines
        return self

    def left_out(self, ike: list[str], esp: list[str]) -> "Sheet":
        """Say which of the device's suites this gateway has not."""
        names = [*ike, *esp]
        if names:
            self.note(f"Not known to this gateway and left out: {', '.join(names)}")
        return self

    @property
    def text(self) -> str:
        """The finished sheet."""
        return "\n".join(self._lines) + "\n"


def identity(text: str) -> tuple[str, str]:
    """Kind and value of an identity, as the library reads it: "address", "fqdn" or "email" with text, "keyid" or "dn" with
    hexadecimal digits, those of a distinguished name in DER.
    """
    body = encode(text)
    kind = {1: "address", 2: "fqdn", 3: "email", 5: "address", 9: "dn", 11: "keyid"}[body[0]]
    if kind == "address":
        return kind, format_address(body[4:])
    return kind, body[4:].hex() if kind in ("keyid", "dn") else body[4:].decode()


def printable_identity(text: str) -> tuple[str, str]:
    """The same for gateways that take a key id as text, not in digits, and a distinguished name only with a certificate.

    Raises PlanError for what they do not take.
    """
    kind, value = identity(text)
    if kind == "dn":
        remedy = "take a host name, a mail address or a key id; strongSwan and libreswan take a distinguished name"
        raise PlanError(f"this gateway is not known to take a distinguished name with a pre-shared key: {text!r}", remedy)
    if kind != "keyid":
        return kind, value
    octets = bytes.fromhex(value)
    if not octets.isalnum():
        raise PlanError(f"this gateway takes a key id of letters and digits, not {text!r}", "write such a key id, or a host name")
    return kind, octets.decode()


def placeholder(plan: Plan) -> str:
    """What stands for the secret where it must not appear."""
    return f"<the PSK in {plan.secret_file.name}>"


def plural(n: int, word: str) -> str:
    """`1 file`, `2 files`."""
    return f"{n} {word}{'' if n == 1 else 's'}"


def secret_hex(plan: Plan, show: bool) -> str:
    """The PSK as hexadecimal digits, or the placeholder."""
    return plan.config.psk.hex() if show else placeholder(plan)


_LOWEST_LIFETIME_S = 300  # Azure's lowest; FortiOS takes 120


def lifetime_s(plan: Plan | Fleet, highest: int = 86400) -> int:
    """A lifetime for the gateway that the device's own runs out well before, since gateways rekey some time before the end.

    Raises PlanError when the gateway's highest is too low for that.
    """
    own = plan.config.lifetime_s
    if own * 3 // 2 > highest:
        raise PlanError(
            f"the gateway's lifetimes end at {highest} s, too near to the device's {own} s",
            f"set lifetime_s = {highest * 2 // 3} or lower in [tunnel]",
        )
    return max(_LOWEST_LIFETIME_S, own * 3 // 2)


def pool_range(prefix: str) -> tuple[str, str]:
    """First and last address for devices; the first host address is left to the gateway."""
    net = ipaddress.ip_network(prefix)
    last = net[-2] if net.version == 4 else net[-1]
    return str(net[2]), str(last)


def mask(prefix: str) -> tuple[str, str]:
    """Network address and dotted mask of an IPv4 prefix."""
    net = ipaddress.ip_network(prefix, strict=False)
    return str(net.network_address), str(net.netmask)
