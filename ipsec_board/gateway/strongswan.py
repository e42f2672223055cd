"""strongSwan: a connection and its secret for swanctl (swanctl.conf(5)).

Start reading at `write`.
"""

import json
import re

from ipsec_board.gateway import ends, further
from ipsec_board.gateway import vocabulary as v
from ipsec_board.gateway.checks import together
from ipsec_board.gateway.fleet import Fleet
from ipsec_board.gateway.plan import Plan
from ipsec_board.gateway.selectors import Selector
from ipsec_board.gateway.text import GatewayFile, identity, placeholder

WORDS = v.Vocabulary(
    vendor="strongSwan",
    own_prf=True,
    pfs=True,
    ike_encr={
        v.CBC128: "aes128", v.CBC192: "aes192", v.CBC256: "aes256", v.GCM128: "aes128gcm16", v.GCM192: "aes192gcm16",
        v.GCM256: "aes256gcm16", v.GCM12_128: "aes128gcm12", v.GCM12_256: "aes256gcm12", v.GCM8_128: "aes128gcm8",
        v.GCM8_256: "aes256gcm8", v.CCM128: "aes128ccm16",
        v.CCM256: "aes256ccm16", v.CCM8_128: "aes128ccm8", v.CCM8_256: "aes256ccm8", v.CHACHA: "chacha20poly1305",
    },
    esp_encr={
        v.CBC128: "aes128", v.CBC192: "aes192", v.CBC256: "aes256", v.GCM128: "aes128gcm16", v.GCM192: "aes192gcm16",
        v.GCM256: "aes256gcm16", v.GCM12_128: "aes128gcm12", v.GCM12_256: "aes256gcm12", v.GCM8_128: "aes128gcm8",
        v.GCM8_256: "aes256gcm8", v.CCM128: "aes128ccm16",
        v.CCM256: "aes256ccm16", v.CCM8_128: "aes128ccm8", v.CCM8_256: "aes256ccm8", v.CHACHA: "chacha20poly1305",
    },
    integ={v.SHA256: "sha256", v.SHA384: "sha384", v.SHA512: "sha512"},
    prf={v.PRF256: "prfsha256", v.PRF384: "prfsha384", v.PRF512: "prfsha512"},
    group={
        v.X25519: "curve25519", v.ECP256: "ecp256", v.ECP384: "ecp384", v.ECP521: "ecp521", v.MODP2048: "modp2048",
        v.MODP3072: "modp3072", v.MODP4096: "modp4096",
    },
)  # fmt: skip


def write(fleet: Fleet, show_secret: bool = False) -> list[GatewayFile]:
    """`<name>.conf`, and for each device `<name>-<device>.secrets.conf`, for /etc/swanctl/conf.d; keys and certificates of the
    ends that have some. Raises PlanError.
    """
    secrets = [
        GatewayFile(f"{plan.name}-{plan.device_name}.secrets.conf", _secret(plan, show_secret), secret=show_secret)
        for plan in fleet.devices
        if _has_secret(fleet)
    ]
    connection = GatewayFile(f"{fleet.name}.conf", _connection(fleet), shared=not fleet.exact)
    return [connection, *ends.files(fleet, show_secret), *secrets]


def _has_secret(fleet: Fleet) -> bool:
    return bool(fleet.first.config.ppk_id) or not {"psk", "eap"}.isdisjoint((fleet.device_auth, fleet.gateway_auth))


def _connection(fleet: Fleet) -> str:
    (ike, ike_out), (esp, esp_out) = together(lambda: WORDS.ike(fleet), lambda: WORDS.esp(fleet))
    ike_text = ",".join("-".join(v.unique((s.encr, s.integ, s.prf, s.group))) for s in ike)
    groups = [*(WORDS.group[ke] for ke in v.esp_groups(fleet)), ""]  # without one, too: for devices that list none
    esp_text = ",".join("-".join(v.unique((s.encr, s.integ, group, "esn" if s.esn else ""))) for group in groups for s in esp)
    left_out = [f"# strongSwan has no {name}: left out" for name in (*ike_out, *esp_out)]
    local_addrs = [f"        local_addrs = {fleet.site['address']}"] if fleet.site["address"] else []
    lifetime_s = fleet.config.lifetime_s
    lines = [
        f"# For {fleet.title}; settings are those of swanctl.conf(5).",
        *_where(fleet),
        *left_out,
        "connections {",
        f"    {fleet.name} {{",
        "        version = 2",
        *local_addrs,
        "        remote_addrs = %any",
        f"        proposals = {ike_text}",
        *([f"        pools = {', '.join(map(pool_name, fleet.pools))}"] if fleet.pools else []),
        "        encap = yes            # always ESP in UDP: the device has no raw IP sockets",
        _mobike(fleet),
        "        fragmentation = yes    # accepted when the device announces it (RFC 7383)",
        f"        dpd_delay = {max(30, fleet.config.dpd_s)}s        # remove devices that vanished",
        "        rekey_time = 0s        # the device renews the keys itself",
        f"        over_time = {lifetime_s // 10 + 60}s",
        *_ppk(fleet),
        "        unique = replace       # a device that lost power comes back at once",
        "        local {",
        *_auth(fleet, "gateway"),
        f"            id = {_id(fleet.gateway_id)}",
        "        }",
        "        remote {",
        *_auth(fleet, "device"),
        *_remote_id(fleet),
        "        }",
        *_children(fleet, esp_text),
        "    }",
        "}",
    ]
    return "\n".join(lines + _pools(fleet) + _network(fleet)) + "\n"


def _mobike(fleet: Fleet) -> str:
    if fleet.mobike:
        return "        mobike = yes           # a device whose address changes keeps its tunnel (RFC 4555)"
    return "        mobike = no            # no device announces it (RFC 4555)"


def _children(fleet: Fleet, esp: str) -> list[str]:
    lines = ["        children {", *_child(fleet, esp, fleet.name, fleet.own, fleet.theirs)]
    for n, (own, theirs) in enumerate(fleet.more, 1):
        lines += _child(fleet, esp, f"{fleet.name}-more{n}", own or fleet.own, theirs)
    return [*lines, "        }"]


def _child(fleet: Fleet, esp: str, name: str, own: list[Selector], theirs: list[Selector]) -> list[str]:
    """One of the Child SAs that a device may make."""
    lifetime_s = fleet.config.lifetime_s
    return [
        f"            {name} {{",
        f"                esp_proposals = {esp}",
        f"                local_ts = {', '.join(s.prefix + _bracket(s) for s in theirs)}",
        f"                remote_ts = {', '.join(_device_ts(fleet, own))}",
        "                rekey_time = 0s",
        f"                life_time = {lifetime_s + lifetime_s // 10 + 60}s",
        "                start_action = none",
        "                dpd_action = clear",
        "            }",
    ]


def _device_ts(fleet: Fleet, own: list[Selector]) -> list[str]:
    """The devices' side; `dynamic` is the address that each has been given."""
    assigned = [s for s in own if any(s.lies_in(pool) or Selector(pool).lies_in(s.prefix) for pool in fleet.pools)]
    found = ["dynamic" + _bracket(s) for s in assigned]
    others = [s.prefix + _bracket(s) for s in own if not any(s.lies_in(pool) for pool in fleet.pools)]
    return list(dict.fromkeys([*found, *others]))


def _bracket(s: Selector) -> str:
    """Protocol by number, since names are looked up in /etc/protocols, and ports."""
    return "" if s.is_plain else f"[{s.protocol}{'/' + s.ports if s.has_ports else ''}]"


def _auth(fleet: Fleet, end: str) -> list[str]:
    method = fleet.gateway_auth if end == "gateway" else fleet.device_auth
    if method == "eap":
        return ["            auth = eap-mschapv2", "            eap_id = %any"]
    if method == "psk":
        return ["            auth = psk"]
    lines = ["            auth = pubkey"]
    if method == "key":
        return [*lines, f"            pubkeys = {fleet.name}-{end}.pub"]
    if end == "gateway":
        own = f"{fleet.name}-gateway.crt" if ends.gateway_chain(fleet) else "gateway.pem"
        return [*lines, f"            certs = {own}"]
    roots = [ends.root_name(fleet, i) for i in range(len(ends.device_roots(fleet)))]
    unknown = "# cacerts = the authority of the device's certificate, in /etc/swanctl/x509ca"
    return [*lines, f"            {'cacerts = ' + ', '.join(roots) if roots else unknown}"]


def _ppk(fleet: Fleet) -> list[str]:
    if not fleet.first.config.ppk_id:
        return []
    names = {plan.config.ppk_id for plan in fleet.devices}
    name = further.ppk_name(fleet.first.config, "strongSwan")
    return [
        f"        ppk_id = {name if len(names) == 1 else '%any'}",
        f"        ppk_required = {'yes' if fleet.first.config.ppk_required else 'no'}",
    ]


def _where(fleet: Fleet) -> list[str]:
    methods = (fleet.gateway_auth, fleet.device_auth)
    secrets = "and those with the secrets " if _has_secret(fleet) else ""
    if "key" not in methods and "cert" not in methods:
        return [f"# Put this file {secrets}into /etc/swanctl/conf.d, then: swanctl --load-all"]
    lines = [f"# Put this file {secrets}into /etc/swanctl/conf.d,"]
    if "key" in methods:
        lines.append("# the .pub files into /etc/swanctl/pubkey,")
    if fleet.gateway_auth == "key":
        lines.append("# the gateway's own private key, whose public key gateway_key is, into /etc/swanctl/private,")
    if fleet.gateway_auth == "cert":
        names = [f"{fleet.name}-gateway.crt", *(ends.issuer_name(fleet, i) for i in range(len(ends.issuers(fleet))))]
        known = ", ".join(names) if ends.gateway_chain(fleet) else "the gateway's certificate, gateway.pem,"
        own = f"{fleet.name}-gateway.key" if fleet.issued else "the private key of that"
        lines.append(f"# {known} into /etc/swanctl/x509, {own} into /etc/swanctl/private,")
    if fleet.device_auth == "cert":
        lines.append(f"# {'the device-ca files' if ends.device_roots(fleet) else 'that authority'} into /etc/swanctl/x509ca,")
    return [*lines, "# then: swanctl --load-all"]


def _remote_id(fleet: Fleet) -> list[str]:
    if fleet.exact:
        return [f"            id = {_id(fleet.first.config.local_id)}"]
    if fleet.device_auth == "cert":
        return [
            "            # whoever has a certificate of that authority; a line `id = ...` for each device shuts all others out",
            "            id = %any",
        ]
    return [
        "            # whoever has a secret: charon looks for the one of the device's identity, so load none without id",
        "            id = %any",
    ]


def pool_name(prefix: str) -> str:
    """The same for the same prefix, so that files written one at a time share the pool."""
    return "pool-" + re.sub(r"[.:/]", "-", prefix)


def _pools(fleet: Fleet) -> list[str]:
    if not fleet.pools:
        return []
    lines = ["pools {"]
    for prefix in fleet.pools:
        dns = [d for d in fleet.site["dns"] if (":" in d) == (":" in prefix)]
        lines += [f"    {pool_name(prefix)} {{", f"        addrs = {prefix}"]
        lines += [*([f"        dns = {', '.join(dns)}"] if dns else []), "    }"]
    return [*lines, "}"]


def _network(fleet: Fleet) -> list[str]:
    hosts = ", ".join(fleet.inside_hosts)
    return [
        "# What else this machine needs, once:",
        "#   firewall: let UDP 500 and 4500 in; nft add rule inet filter input udp dport { 500, 4500 } accept",
        "#   forwarding: sysctl -w net.ipv4.ip_forward=1 (and net.ipv6.conf.all.forwarding=1), and in /etc/sysctl.d",
        f"#   a firewall that drops by default: let what is between {', '.join(fleet.protected)} and {hosts}",
        "#     through its forward chain; `meta ipsec exists` (inward) and `rt ipsec exists` (outward) match it in nft",
        f"#   routes: the hosts behind this gateway must reach {hosts} by way of it, unless it masquerades them",
    ]


def _secret(plan: Plan, show: bool) -> str:
    config = plan.config
    lines = [
        f"# The secret of device {config.local_id}; keep this file readable by root alone (mode 600).",
        "secrets {",
    ]
    if config.psk:
        lines += [
            f"    ike-{plan.name}-{plan.device_name} {{",
            f"        id-device = {_id(config.local_id)}",
            f"        id-gateway = {_id(plan.gateway_id)}",
            "        secret = " + ("0x" + config.psk.hex() if show else f'"{placeholder(plan)}"'),
            "    }",
        ]
    if config.nt_hash:
        lines += [
            f"    ntlm-{plan.name}-{plan.device_name} {{",
            f"        id = {json.dumps(config.eap_identity)}",
            "        secret = " + ("0x" + config.nt_hash.hex() if show else f'"<the NT hash of {plan.path.name}>"'),
            "    }",
        ]
    if config.ppk_id:
        name = further.ppk_name(config, "strongSwan")
        lines += [
            f"    ppk-{plan.name}-{plan.device_name} {{",
            f'        id = "{name}"',
            "        secret = " + ("0x" + config.ppk.hex() if show else f'"<the PPK of {plan.path.name}>"'),
            "    }",
        ]
    return "\n".join([*lines, "}", ""])


def _id(text: str) -> str:
    """An identity with its type, so that strongSwan does not guess it from the form."""
    kind, value = identity(text)
    if kind == "address":
        return value
    if kind in ("keyid", "dn"):
        return f'"{"asn1dn" if kind == "dn" else kind}:#{value}"'
    return f'"{kind}:{value}"'
