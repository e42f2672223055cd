"""libreswan: a connection and its secret (ipsec.conf(5), ipsec.secrets(5)).

Start reading at `write`.
"""

import base64

from ipsec.ike.auth import keys

from ipsec_board.gateway import further
from ipsec_board.gateway import vocabulary as v
from ipsec_board.gateway.fleet import Fleet
from ipsec_board.gateway.plan import Plan, PlanError
from ipsec_board.gateway.text import GatewayFile, identity, placeholder, pool_range

WORDS = v.Vocabulary(
    vendor="libreswan",
    ike_encr={
        v.CBC128: "aes128", v.CBC192: "aes192", v.CBC256: "aes256", v.GCM128: "aes_gcm128", v.GCM192: "aes_gcm192",
        v.GCM256: "aes_gcm256", v.GCM12_128: "aes_gcm_b_128", v.GCM12_256: "aes_gcm_b_256", v.GCM8_128: "aes_gcm_a_128",
        v.GCM8_256: "aes_gcm_a_256", v.CHACHA: "chacha20_poly1305",
    },
    esp_encr={
        v.CBC128: "aes128", v.CBC192: "aes192", v.CBC256: "aes256", v.GCM128: "aes_gcm128", v.GCM192: "aes_gcm192",
        v.GCM256: "aes_gcm256", v.GCM12_128: "aes_gcm_b_128", v.GCM12_256: "aes_gcm_b_256", v.GCM8_128: "aes_gcm_a_128",
        v.GCM8_256: "aes_gcm_a_256", v.CCM128: "aes_ccm128",
        v.CCM256: "aes_ccm256", v.CCM8_128: "aes_ccm_a_128", v.CCM8_256: "aes_ccm_a_256", v.CHACHA: "chacha20_poly1305",
    },
    integ={v.SHA256: "sha2_256", v.SHA384: "sha2_384", v.SHA512: "sha2_512"},
    prf={v.PRF256: "sha2_256", v.PRF384: "sha2_384", v.PRF512: "sha2_512"},
    group={
        v.X25519: "dh31", v.ECP256: "dh19", v.ECP384: "dh20", v.ECP521: "dh21", v.MODP2048: "dh14", v.MODP3072: "dh15",
        v.MODP4096: "dh16",
    },
    suggestion=("aes128gcm16-prfsha256-x25519", "aes128ccm16"),
)  # fmt: skip


def write(fleet: Fleet, show_secret: bool = False) -> list[GatewayFile]:
    """`<name>.conf`, and for each device `<name>-<device>.secrets`, for /etc/ipsec.d. Raises PlanError."""
    if fleet.first.keys and not fleet.first.config.ppk_id:
        return [GatewayFile(f"{fleet.name}.conf", _connection(fleet), shared=not fleet.exact)]
    secrets = [
        GatewayFile(f"{plan.name}-{plan.device_name}.secrets", _secret(plan, show_secret), secret=show_secret)
        for plan in fleet.devices
    ]
    return [GatewayFile(f"{fleet.name}.conf", _connection(fleet), shared=not fleet.exact), *secrets]


def _secret(plan: Plan, show: bool) -> str:
    config = plan.config
    ids = f"{_id(plan.gateway_id)} {_id(config.local_id)}"
    text = f"# The secret of device {config.local_id}; keep this file readable by root alone (mode 600).\n"
    if config.psk:
        text += f"{ids} : PSK " + (f"0x{config.psk.hex()}" if show else f'"{placeholder(plan)}"') + "\n"
    if config.ppk_id:
        value = f"0x{config.ppk.hex()}" if show else f'"<the PPK of {plan.path.name}>"'
        text += f'{ids} : PPKS "{further.ppk_name(config, "libreswan")}" {value}\n'
    return text


def _connection(fleet: Fleet) -> str:
    ike, ike_out = WORDS.ike(fleet)
    esp, esp_out = WORDS.esp(fleet)
    # An IKE suite names its PRF; with AES-CBC the integrity algorithm is the PRF's hash (ipsec.conf(5), ike=)
    ike_text = ",".join(v.unique(f"{s.encr}-{s.prf}-{s.group}" for s in ike))
    esp_text = ",".join(v.unique("-".join(v.unique((s.encr, s.integ))) for s in esp))
    esn = sorted({s.esn for s in esp})
    also = "" if fleet.first.keys and not fleet.first.config.ppk_id else " and those with the secrets"
    lines = [
        f"# For {fleet.title}; settings are those of ipsec.conf(5).",
        f"# Put this file{also} into /etc/ipsec.d, then: ipsec restart",
        *(f"# libreswan has no {name}: left out" for name in (*ike_out, *esp_out)),
        f"conn {fleet.name}",
        "    keyexchange=ikev2",
        *_authby(fleet),
        *_ppk(fleet),
        "    auto=add",
        f"    left={fleet.site['address'] or '%defaultroute'}",
        f"    leftid={_id(fleet.gateway_id)}",
        f"    {_subnets('left', fleet.protected)}",
        "    right=%any",
        *_rightid(fleet),
        *_right(fleet),
        f"    ike={ike_text}",
        f"    esp={esp_text}",
        f"    esn={'either' if len(esn) == 2 else 'yes' if esn[0] else 'no'}",
        "    # always ESP in UDP: the device has no raw IP sockets",
        "    encapsulation=yes",
        "    # the device offers no key exchange group for Child SAs",
        "    pfs=no",
        "    # the device makes the tunnel again itself",
        "    rekey=no",
        f"    ikelifetime={_lifetime(fleet)}s",
        f"    salifetime={_lifetime(fleet)}s",
        "    # remove devices that vanished",
        f"    dpddelay={max(30, fleet.config.dpd_s)}s",
        "    retransmit-timeout=60s",
        *_network(fleet),
    ]
    return "\n".join(lines) + "\n"


def _authby(fleet: Fleet) -> list[str]:
    found = fleet.first.keys
    if not found:
        return ["    authby=secret"]
    assert found.public
    for end, key in (("gateway", found.gateway), ("device", found.public)):
        if key.kind != keys.P256:
            text = f"libreswan takes raw keys on P-256, but the {end}'s is {keys.NAMES[key.kind]}"
            how = "ipsec newhostkey --keytype ecdsa" if end == "gateway" else "ipsec-board provision --new-key p256"
            raise PlanError(text, f"make another there: {how}")
    return [
        "    authby=ecdsa",
        "    # the gateway's own key, which must be in its NSS database: ipsec showhostkey --list",
        f"    leftecdsakey={_point(found.gateway)}",
        f"    rightecdsakey={_point(found.public)}",
    ]


def _ppk(fleet: Fleet) -> list[str]:
    config = fleet.first.config
    return [f"    ppk={'insist' if config.ppk_required else 'yes'}"] if config.ppk_id else []


def _point(key: keys.PublicKey) -> str:
    """X and Y in base64, as `ipsec showhostkey` prints them."""
    return "0s" + base64.b64encode(key.data).decode()


def _rightid(fleet: Fleet) -> list[str]:
    if fleet.exact:
        return [f"    rightid={_id(fleet.first.config.local_id)}"]
    return [
        "    # whoever has a secret: pluto looks for the one of the device's identity, so keep none without identities",
        "    rightid=%any",
    ]


def _network(fleet: Fleet) -> list[str]:
    hosts = ", ".join(fleet.inside_hosts)
    return [
        "# What else this machine needs, once:",
        "#   firewall: let UDP 500 and 4500 in (firewalld: firewall-cmd --permanent --add-service=ipsec)",
        "#   forwarding: sysctl -w net.ipv4.ip_forward=1 (and net.ipv6.conf.all.forwarding=1), and in /etc/sysctl.d;",
        "#     net.ipv4.conf.all.rp_filter=0 or 2, since what leaves the tunnel came in by another interface",
        f"#   a firewall that drops by default: let what is between {', '.join(fleet.protected)} and {hosts} through",
        f"#   routes: the hosts behind this gateway must reach {hosts} by way of it, unless it masquerades them",
    ]


def _right(fleet: Fleet) -> list[str]:
    if not fleet.pools:
        return [f"    {_subnets('right', fleet.inside_hosts)}"]
    ranges = ",".join("-".join(pool_range(p)) for p in fleet.pools)
    dns = [f'    modecfgdns="{" ".join(fleet.site["dns"])}"'] if fleet.site["dns"] else []
    return [f"    rightaddresspool={ranges}", *dns, "    narrowing=yes"]


def _subnets(side: str, prefixes: list[str]) -> str:
    return f"{side}subnet={prefixes[0]}" if len(prefixes) == 1 else f"{side}subnets={{{','.join(prefixes)}}}"


def _lifetime(fleet: Fleet) -> int:
    return fleet.config.lifetime_s + fleet.config.lifetime_s // 10 + 60


def _id(text: str) -> str:
    kind, value = identity(text)
    if kind == "address":
        return value
    if kind == "keyid":
        return f"@#0x{value}"
    if kind == "dn":
        return f"@~{value}"
    return value if kind == "email" else f"@{value}"
