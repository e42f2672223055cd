"""libreswan: a connection and its secret (ipsec.conf(5), ipsec.secrets(5)).

Start reading at `write`.
"""

from tools.gateway import vocabulary as v
from tools.gateway.plan import Plan
from tools.gateway.text import GatewayFile, identity, placeholder, pool_range

WORDS = v.Vocabulary(
    vendor="libreswan",
    ike_encr={
        v.CBC128: "aes128", v.CBC256: "aes256", v.GCM128: "aes_gcm128", v.GCM256: "aes_gcm256", v.CHACHA: "chacha20_poly1305",
    },
    esp_encr={
        v.CBC128: "aes128", v.CBC256: "aes256", v.GCM128: "aes_gcm128", v.GCM256: "aes_gcm256", v.CCM128: "aes_ccm128",
        v.CCM256: "aes_ccm256", v.CCM8_128: "aes_ccm_a_128", v.CCM8_256: "aes_ccm_a_256", v.CHACHA: "chacha20_poly1305",
    },
    integ={v.SHA256: "sha2_256", v.SHA384: "sha2_384", v.SHA512: "sha2_512"},
    prf={v.PRF256: "sha2_256", v.PRF384: "sha2_384", v.PRF512: "sha2_512"},
    group={v.X25519: "dh31", v.ECP256: "dh19", v.MODP2048: "dh14"},
    suggestion=("aes128gcm16-prfsha256-x25519", "aes128ccm16"),
)  # fmt: skip


def write(plan: Plan, show_secret: bool = False) -> list[GatewayFile]:
    """`<name>.conf` and `<name>.secrets` for /etc/ipsec.d. Raises PlanError."""
    secret = f"0x{plan.config.psk.hex()}" if show_secret else f'"{placeholder(plan)}"'
    note = f"# The secret of device {plan.config.local_id}; keep this file readable by root alone (mode 600).\n"
    line = f"{_id(plan.config.remote_id)} {_id(plan.config.local_id)} : PSK {secret}\n"
    return [
        GatewayFile(f"{plan.name}.conf", _connection(plan)),
        GatewayFile(f"{plan.name}.secrets", note + line, secret=show_secret),
    ]


def _connection(plan: Plan) -> str:
    ike, ike_out = WORDS.ike(plan)
    esp, esp_out = WORDS.esp(plan)
    # An IKE suite names its PRF; with AES-CBC the integrity algorithm is the PRF's hash (ipsec.conf(5), ike=)
    ike_text = ",".join(f"{s.encr}-{s.prf}-{s.group}" for s in ike)
    esp_text = ",".join("-".join(v.unique((s.encr, s.integ))) for s in esp)
    esn = sorted({s.esn for s in esp})
    lines = [
        f"# Device {plan.config.local_id}; settings are those of ipsec.conf(5).",
        f"# Put this file and {plan.name}.secrets into /etc/ipsec.d, then: ipsec restart",
        *(f"# libreswan has no {name}: left out" for name in (*ike_out, *esp_out)),
        f"conn {plan.name}",
        "    keyexchange=ikev2",
        "    authby=secret",
        "    auto=add",
        f"    left={plan.site['address'] or '%defaultroute'}",
        f"    leftid={_id(plan.config.remote_id)}",
        f"    {_subnets('left', plan.protected)}",
        "    right=%any",
        f"    rightid={_id(plan.config.local_id)}",
        *_right(plan),
        f"    ike={ike_text}",
        f"    esp={esp_text}",
        f"    esn={'either' if len(esn) == 2 else 'yes' if esn[0] else 'no'}",
        "    # always ESP in UDP: the device has no raw IP sockets",
        "    encapsulation=yes",
        "    # the device offers no key exchange group for Child SAs",
        "    pfs=no",
        "    # the device makes the tunnel anew itself",
        "    rekey=no",
        f"    ikelifetime={_lifetime(plan)}s",
        f"    salifetime={_lifetime(plan)}s",
        "    # remove devices that vanished",
        f"    dpddelay={max(30, plan.config.dpd_s)}s",
        "    retransmit-timeout=60s",
    ]
    return "\n".join(lines) + "\n"


def _right(plan: Plan) -> list[str]:
    if not plan.pools:
        return [f"    {_subnets('right', plan.inside_hosts)}"]
    ranges = ",".join("-".join(pool_range(p)) for p in plan.pools)
    dns = [f'    modecfgdns="{" ".join(plan.site["dns"])}"'] if plan.site["dns"] else []
    return [f"    rightaddresspool={ranges}", *dns, "    narrowing=yes"]


def _subnets(side: str, prefixes: list[str]) -> str:
    return f"{side}subnet={prefixes[0]}" if len(prefixes) == 1 else f"{side}subnets={{{','.join(prefixes)}}}"


def _lifetime(plan: Plan) -> int:
    return plan.config.lifetime_s + plan.config.lifetime_s // 10 + 60


def _id(text: str) -> str:
    kind, value = identity(text)
    if kind == "address":
        return value
    if kind == "keyid":
        return f"@#0x{value}"
    return value if kind == "email" else f"@{value}"
