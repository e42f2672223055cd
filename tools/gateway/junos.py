"""Juniper Junos on SRX Series: set commands; the gateway is told `version v2-only`, since Junos defaults to IKEv1.

Start reading at `write`.
"""

from tools.gateway import vocabulary as v
from tools.gateway.plan import Plan, PlanError
from tools.gateway.text import GatewayFile, Sheet, identity, lifetime_s, pool_range, secret_hex

_CLI = "Junos CLI Reference"
_GUIDE = "Junos IPsec VPN User Guide"
_ENCR = {v.CBC128: "aes-128-cbc", v.CBC256: "aes-256-cbc", v.GCM128: "aes-128-gcm", v.GCM256: "aes-256-gcm"}
_WORDS = v.Vocabulary(
    vendor="Junos",
    ike_encr=_ENCR,
    esp_encr=_ENCR,
    integ={v.SHA256: "sha-256", v.SHA384: "sha-384", v.SHA512: "sha-512"},
    prf={v.PRF256: "sha-256", v.PRF384: "sha-384", v.PRF512: "sha-512"},
    group={v.ECP256: "group19", v.MODP2048: "group14"},
    esn=False,
)
_ESP_INTEG = {"sha-256": "hmac-sha-256-128", "sha-384": "hmac-sha-384", "sha-512": "hmac-sha-512"}


def write(plan: Plan, show_secret: bool = False) -> list[GatewayFile]:
    """`<name>.set`, to be loaded with `load set`. Raises PlanError."""
    ike, ike_out = _WORDS.ike(plan)
    esp, esp_out = _WORDS.esp(plan)
    if any(":" in p for p in plan.pools):
        raise PlanError("this text for Junos assigns IPv4 addresses only", "take ipv6 out of virtual_ip")
    sheet = Sheet("#", f"Junos, SRX Series: IKEv2 gateway for device {plan.config.local_id}").left_out(ike_out, esp_out)
    sheet.note(f"Load with: load set {plan.name}.set; then commit")
    _phase1(sheet, plan, ike, show_secret)
    _gateway(sheet, plan)
    _phase2(sheet, plan, esp)
    return [GatewayFile(f"{plan.name}.set", sheet.text, secret=show_secret)]


def _phase1(sheet: Sheet, plan: Plan, ike: list[v.IkeWords], show: bool) -> None:
    n = plan.name
    sheet.source(_CLI, "proposal (Security IKE)")
    for i, s in enumerate(ike):
        base = f"set security ike proposal {n}-{i}"
        sheet.put(f"{base} authentication-method pre-shared-keys", f"{base} dh-group {s.group}")
        # with AES-GCM the authentication algorithm is the PRF's hash
        sheet.put(f"{base} authentication-algorithm {s.integ or s.prf}", f"{base} encryption-algorithm {s.encr}")
        sheet.put(f"{base} lifetime-seconds {lifetime_s(plan)}")
    sheet.source(_CLI, "policy (Security IKE)")
    sheet.put(f"set security ike policy {n} proposals [ {' '.join(f'{n}-{i}' for i in range(len(ike)))} ]")
    sheet.put(f'set security ike policy {n} pre-shared-key hexadecimal "{secret_hex(plan, show)}"')


def _gateway(sheet: Sheet, plan: Plan) -> None:
    gw = f"set security ike gateway {plan.name}"
    sheet.source(_CLI, "gateway (Security IKE), statements dynamic, version, local-identity, dead-peer-detection")
    sheet.put(f"{gw} ike-policy {plan.name}", f"{gw} version v2-only", f"{gw} dynamic {_id(plan.config.local_id)}")
    sheet.put(f"{gw} local-identity {_id(plan.config.remote_id)}")
    sheet.put(f"{gw} external-interface {plan.site['interface'] or 'ge-0/0/0.0'}")
    sheet.put(f"{gw} dead-peer-detection always-send interval {min(60, max(30, plan.config.dpd_s))} threshold 3")
    if not plan.pools:
        return
    first, last = pool_range(plan.pools[0])
    pool = f"set access address-assignment pool {plan.name} family inet"
    sheet.source(_CLI, "authentication-order (Access Profile), option none: Junos 20.3R1 or newer")
    sheet.put(f"{pool} network {plan.pools[0]}", f"{pool} range devices low {first} high {last}")
    for dns in plan.site["dns"][:1]:
        sheet.put(f"{pool} xauth-attributes primary-dns {dns}/32")
    sheet.put(f"set access profile {plan.name} authentication-order none")
    sheet.put(f"set access profile {plan.name} address-assignment pool {plan.name}", f"{gw} aaa access-profile {plan.name}")


def _phase2(sheet: Sheet, plan: Plan, esp: list[v.EspWords]) -> None:
    n = plan.name
    sheet.source(_CLI, "proposal (Security IPsec), policy (Security IPsec)")
    for i, s in enumerate(esp):
        base = f"set security ipsec proposal {n}-{i}"
        sheet.put(f"{base} protocol esp", f"{base} encryption-algorithm {s.encr}")
        sheet.put(*([f"{base} authentication-algorithm {_ESP_INTEG[s.integ]}"] if s.integ else []))
        sheet.put(f"{base} lifetime-seconds {lifetime_s(plan)}")
    sheet.put(f"set security ipsec policy {n} proposals [ {' '.join(f'{n}-{i}' for i in range(len(esp)))} ]")
    sheet.source(_CLI, "vpn (Security IPsec), statements bind-interface, ike, traffic-selector")
    vpn = f"set security ipsec vpn {n}"
    sheet.put("set interfaces st0 unit 7 family inet", f"{vpn} bind-interface st0.7", f"{vpn} ike gateway {n}")
    sheet.put(f"{vpn} ike ipsec-policy {n}")
    pairs = [(a, b) for a in plan.protected for b in plan.inside_hosts]
    for i, (local, remote) in enumerate(pairs):
        sheet.put(f"{vpn} traffic-selector ts{i} local-ip {local} remote-ip {remote}")
    sheet.source(_GUIDE, "route-based VPN: security zones")
    sheet.put("set security zones security-zone vpn interfaces st0.7")
    outside = plan.site["interface"] or "ge-0/0/0.0"
    sheet.put(f"set security zones security-zone untrust interfaces {outside} host-inbound-traffic system-services ike")
    sheet.note("Policies from zone vpn to the zone behind the gateway are yours to write.")



def _id(text: str) -> str:
    kind, value = identity(text)
    words = {"address": "inet", "fqdn": "hostname", "email": "user-at-hostname", "keyid": "key-id"}
    return f'{words[kind]} "{value}"' if kind == "email" else f"{words[kind]} {value}"
