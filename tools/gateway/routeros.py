"""MikroTik RouterOS 7: commands for an IKEv2 responder.

The manual's page on IPsec says that its IKE has no AES-GCM, and lists neither AES-CCM nor group 31.

Start reading at `write`.
"""

from tools.gateway import vocabulary as v
from tools.gateway.plan import Plan, PlanError
from tools.gateway.text import GatewayFile, Sheet, lifetime_s, pool_range, printable_identity, secret_hex

_DOC = "RouterOS manual, IPsec (manual.mikrotik.com/docs/virtual-private-networks/ipsec)"
_SERVER = '"Site to Site GRE tunnel over IPsec (IKEv2) using DNS", server'
_WARRIOR = '"Road Warrior setup using IKEv2", server and split tunnel configuration'
_ELSEWHERE = "not in the manual's examples, but in the Terraform provider for RouterOS"
_CBC = {v.CBC128: "aes-128", v.CBC256: "aes-256"}
_WORDS = v.Vocabulary(
    vendor="RouterOS",
    ike_encr=_CBC,
    esp_encr={v.CBC128: "aes-128-cbc", v.CBC256: "aes-256-cbc", v.GCM128: "aes-128-gcm", v.GCM256: "aes-256-gcm"},
    integ={v.SHA256: "sha256", v.SHA512: "sha512"},
    prf={v.PRF256: "sha256", v.PRF512: "sha512"},
    group={v.ECP256: "ecp256", v.MODP2048: "modp2048"},
    esn=False,
)


def write(plan: Plan, show_secret: bool = False) -> list[GatewayFile]:
    """`<name>.rsc`, to be imported. Raises PlanError."""
    ike, ike_out = _WORDS.ike(plan)
    esp, esp_out = _WORDS.esp(plan)
    if any(p.version == 6 for p in map(_network, plan.pools)):
        raise PlanError("RouterOS assigns IPv4 addresses only", "take ipv6 out of virtual_ip")
    n = plan.name
    sheet = Sheet("#", f"RouterOS 7: IKEv2 responder for device {plan.config.local_id}").left_out(ike_out, esp_out)
    sheet.note(f"Load with: /import {n}.rsc")
    sheet.source(_DOC, _SERVER)
    sheet.note(f"Not confirmed: hash-algorithm, auth-algorithms=sha256, nat-traversal, dpd-interval, lifetime ({_ELSEWHERE})")
    sheet.note("Nothing was found that makes RouterOS encapsulate always: it follows the device's NAT detection.").put(
        f"/ip ipsec profile add name={n} enc-algorithm={_join(s.encr for s in ike)} hash-algorithm={ike[0].integ}"
        f" dh-group={_join(s.group for s in ike)} nat-traversal=yes dpd-interval={max(30, plan.config.dpd_s)}s"
        f" lifetime={lifetime_s(plan)}s"
    )
    auth = _join(s.integ for s in esp) or "null"
    sheet.put(
        f"/ip ipsec proposal add name={n} enc-algorithms={_join(s.encr for s in esp)} auth-algorithms={auth}"
        f" pfs-group=none lifetime={lifetime_s(plan)}s"
    )
    mode = _mode_config(plan, sheet)
    sheet.source(_DOC, _SERVER).put(f"/ip ipsec policy group add name={n}")
    sheet.put(
        *(
            f"/ip ipsec policy add template=yes group={n} src-address={src} dst-address={dst} proposal={n}"
            for src in plan.protected
            for dst in plan.inside_hosts
        )
    )
    local = f" local-address={plan.site['address']}" if plan.site["address"] else ""
    sheet.note("One peer listens for all devices: leave it out for a further one and name the first in its identity.")
    sheet.put(f"/ip ipsec peer add name={n}{local} exchange-mode=ike2 passive=yes profile={n}")
    sheet.note(f"Not confirmed: auth-method=pre-shared-key, my-id, remote-id, match-by, secret after 0x ({_ELSEWHERE})").put(
        f'/ip ipsec identity add peer={n} auth-method=pre-shared-key secret="{_secret(plan, show_secret)}"'
        f" my-id={_id(plan.config.remote_id)} remote-id={_id(plan.config.local_id)} match-by=remote-id{mode}"
        f" policy-template-group={n} generate-policy=port-strict"
    )
    return [GatewayFile(f"{n}.rsc", sheet.text, secret=show_secret)]


def _mode_config(plan: Plan, sheet: Sheet) -> str:
    if not plan.pools:
        return ""
    first, last = pool_range(plan.pools[0])
    dns = f" system-dns=no static-dns={','.join(plan.site['dns'])}" if plan.site["dns"] else " system-dns=no"
    sheet.source(_DOC, _WARRIOR)
    sheet.put(
        f"/ip pool add name={plan.name} ranges={first}-{last}",
        f"/ip ipsec mode-config add name={plan.name} responder=yes address-pool={plan.name} address-prefix-length=32"
        f" split-include={','.join(plan.protected)}{dns}",
    )
    return f" mode-config={plan.name}"


def _network(text: str):
    import ipaddress

    return ipaddress.ip_network(text)


def _join(words) -> str:
    return ",".join(v.unique(words))


def _secret(plan: Plan, show: bool) -> str:
    return "0x" + secret_hex(plan, True) if show else secret_hex(plan, False)


def _id(text: str) -> str:
    kind, value = printable_identity(text)
    words = {"address": "address", "fqdn": "fqdn", "email": "user-fqdn", "keyid": "key-id"}
    return f"{words[kind]}:{value}"
