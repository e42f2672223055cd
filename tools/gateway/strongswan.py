"""strongSwan: a connection and its secret for swanctl (swanctl.conf(5)).

Start reading at `write`.
"""

from tools.gateway import vocabulary as v
from tools.gateway.plan import Plan
from tools.gateway.text import GatewayFile, identity, placeholder

WORDS = v.Vocabulary(
    vendor="strongSwan",
    ike_encr={
        v.CBC128: "aes128", v.CBC256: "aes256", v.GCM128: "aes128gcm16", v.GCM256: "aes256gcm16", v.CCM128: "aes128ccm16",
        v.CCM256: "aes256ccm16", v.CCM8_128: "aes128ccm8", v.CCM8_256: "aes256ccm8", v.CHACHA: "chacha20poly1305",
    },
    esp_encr={
        v.CBC128: "aes128", v.CBC256: "aes256", v.GCM128: "aes128gcm16", v.GCM256: "aes256gcm16", v.CCM128: "aes128ccm16",
        v.CCM256: "aes256ccm16", v.CCM8_128: "aes128ccm8", v.CCM8_256: "aes256ccm8", v.CHACHA: "chacha20poly1305",
    },
    integ={v.SHA256: "sha256", v.SHA384: "sha384", v.SHA512: "sha512"},
    prf={v.PRF256: "prfsha256", v.PRF384: "prfsha384", v.PRF512: "prfsha512"},
    group={v.X25519: "curve25519", v.ECP256: "ecp256", v.MODP2048: "modp2048"},
)  # fmt: skip


def write(plan: Plan, show_secret: bool = False) -> list[GatewayFile]:
    """`<name>.conf` and `<name>.secrets.conf` for /etc/swanctl/conf.d. Raises PlanError."""
    return [
        GatewayFile(f"{plan.name}.conf", _connection(plan)),
        GatewayFile(f"{plan.name}.secrets.conf", _secret(plan, show_secret), secret=show_secret),
    ]


def _connection(plan: Plan) -> str:
    ike, ike_out = WORDS.ike(plan)
    esp, esp_out = WORDS.esp(plan)
    ike_text = ",".join("-".join(v.unique((s.encr, s.integ, s.prf, s.group))) for s in ike)
    esp_text = ",".join("-".join(v.unique((s.encr, s.integ, "esn" if s.esn else ""))) for s in esp)
    left_out = [f"# strongSwan has no {name}: left out" for name in (*ike_out, *esp_out)]
    pools = [f"{plan.name}-pool{n or ''}" for n in range(len(plan.pools))]
    local_addrs = [f"        local_addrs = {plan.site['address']}"] if plan.site["address"] else []
    lines = [
        f"# Device {plan.config.local_id}; settings are those of swanctl.conf(5).",
        f"# Put this file and {plan.name}.secrets.conf into /etc/swanctl/conf.d, then: swanctl --load-all",
        *left_out,
        "connections {",
        f"    {plan.name} {{",
        "        version = 2",
        *local_addrs,
        "        remote_addrs = %any",
        f"        proposals = {ike_text}",
        *([f"        pools = {', '.join(pools)}"] if pools else []),
        "        encap = yes            # always ESP in UDP: the device has no raw IP sockets",
        "        mobike = no            # the device does not announce it (RFC 4555)",
        "        fragmentation = yes    # accepted when the device announces it (RFC 7383)",
        f"        dpd_delay = {max(30, plan.config.dpd_s)}s        # remove devices that vanished",
        "        rekey_time = 0s        # the device makes the tunnel anew itself",
        f"        over_time = {plan.config.lifetime_s // 10 + 60}s",
        "        unique = replace       # a device that lost power comes back at once",
        "        local {",
        "            auth = psk",
        f"            id = {_id(plan.config.remote_id)}",
        "        }",
        "        remote {",
        "            auth = psk",
        f"            id = {_id(plan.config.local_id)}",
        "        }",
        "        children {",
        f"            {plan.name} {{",
        f"                esp_proposals = {esp_text}",
        f"                local_ts = {', '.join(plan.protected)}",
        f"                remote_ts = {'dynamic' if pools else ', '.join(plan.inside_hosts)}",
        "                rekey_time = 0s",
        f"                life_time = {plan.config.lifetime_s + plan.config.lifetime_s // 10 + 60}s",
        "                start_action = none",
        "                dpd_action = clear",
        "            }",
        "        }",
        "    }",
        "}",
    ]
    return "\n".join(lines + _pools(plan, pools)) + "\n"


def _pools(plan: Plan, names: list[str]) -> list[str]:
    if not names:
        return []
    lines = ["pools {"]
    for name, prefix in zip(names, plan.pools, strict=True):
        dns = [d for d in plan.site["dns"] if (":" in d) == (":" in prefix)]
        lines += [f"    {name} {{", f"        addrs = {prefix}", *([f"        dns = {', '.join(dns)}"] if dns else []), "    }"]
    return [*lines, "}"]


def _secret(plan: Plan, show: bool) -> str:
    value = "0x" + plan.config.psk.hex() if show else f'"{placeholder(plan)}"'
    return "\n".join([
        f"# The secret of device {plan.config.local_id}; keep this file readable by root alone (mode 600).",
        "secrets {",
        f"    ike-{plan.name} {{",
        f"        id-device = {_id(plan.config.local_id)}",
        f"        id-gateway = {_id(plan.config.remote_id)}",
        f"        secret = {value}",
        "    }",
        "}",
        "",
    ])  # fmt: skip


def _id(text: str) -> str:
    """An identity with its type, so that strongSwan does not guess it from the form."""
    kind, value = identity(text)
    if kind == "address":
        return value
    if kind == "keyid":
        return f'"keyid:#{value}"'
    return f'"{kind}:{value}"'
