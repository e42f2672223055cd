"""Juniper Junos on SRX Series: set commands; the gateway is told `version v2-only`, whatever its default is.

Start reading at `write`.
"""

from tools.gateway import vocabulary as v
from tools.gateway.plan import Plan, PlanError
from tools.gateway.text import GatewayFile, Sheet, lifetime_s, pool_range, printable_identity, secret_hex

_CLI = "Junos CLI Reference"
_HIERARCHY = "Junos 12.1X47, Security Configuration Statement Hierarchy"
_GUIDE = "Junos IPsec VPN User Guide"
_NAME_LEN = 29  # a policy's or proposal's name has at most 32 characters, and proposals are numbered
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
    if len(plan.name) > _NAME_LEN:
        raise PlanError(f"Junos takes at most {_NAME_LEN} characters as the name, not {plan.name!r}", "shorten [site] name")
    sheet = Sheet("#", f"Junos, SRX Series: IKEv2 gateway for device {plan.config.local_id}").left_out(ike_out, esp_out)
    sheet.note(f"Load with: load set {plan.name}.set; then commit", "Not confirmed: that load set skips lines such as these.")
    _phase1(sheet, plan, ike, show_secret)
    _gateway(sheet, plan)
    _phase2(sheet, plan, esp)
    return [GatewayFile(f"{plan.name}.set", sheet.text, secret=show_secret)]


def _phase1(sheet: Sheet, plan: Plan, ike: list[v.IkeWords], show: bool) -> None:
    n = plan.name
    sheet.source(_CLI, "proposal (Security IKE)")
    sheet.note("Not confirmed: the highest lifetime; that with AES-GCM the authentication algorithm names the PRF")
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
    sheet.source(_HIERARCHY, "[edit security ike]: gateway")
    if "key-id" in _id(plan.config.local_id) + _id(plan.config.remote_id):
        sheet.note("Not confirmed: key-id as an identity")
    sheet.note("Nothing was found that makes Junos encapsulate always: it follows the device's NAT detection.")
    sheet.put(f"{gw} ike-policy {plan.name}", f"{gw} version v2-only", f"{gw} dynamic {_id(plan.config.local_id)}")
    sheet.put(f"{gw} local-identity {_id(plan.config.remote_id)}")
    sheet.put(f"{gw} external-interface {plan.site['interface'] or 'ge-0/0/0.0'}")
    sheet.put(f"{gw} dead-peer-detection always-send interval {min(60, max(30, plan.config.dpd_s))} threshold 3")
    if not plan.pools:
        return
    first, last = pool_range(plan.pools[0])
    pool = f"set access address-assignment pool {plan.name} family inet"
    sheet.source(_CLI, "pool (Address-Assignment Pools)")
    sheet.put(f"{pool} network {plan.pools[0]}", f"{pool} range devices low {first} high {last}")
    sheet.source(_CLI, "authentication-order (Access Profile), option none: Junos 20.3R1 or newer")
    sheet.note("Not confirmed: with a PSK (the document speaks of peers with certificates)")
    sheet.put(f"set access profile {plan.name} authentication-order none")
    sheet.unconfirmed("the wording of these; other people's configurations have it")
    sheet.put(f"set access profile {plan.name} address-assignment pool {plan.name}", f"{gw} aaa access-profile {plan.name}")
    sheet.put(*(f"{pool} xauth-attributes primary-dns {dns}/32" for dns in plan.site["dns"][:1]))


def _phase2(sheet: Sheet, plan: Plan, esp: list[v.EspWords]) -> None:
    n = plan.name
    sheet.source(_CLI, "manual (Security IPsec): algorithms; Junos 13.2, [edit security ipsec] Hierarchy Level: proposal, policy")
    if {s.integ for s in esp} & {"sha-384", "sha-512"}:
        sheet.note("Not confirmed: hmac-sha-384, hmac-sha-512")
    for i, s in enumerate(esp):
        base = f"set security ipsec proposal {n}-{i}"
        sheet.put(f"{base} protocol esp", f"{base} encryption-algorithm {s.encr}")
        sheet.put(*([f"{base} authentication-algorithm {_ESP_INTEG[s.integ]}"] if s.integ else []))
        sheet.put(f"{base} lifetime-seconds {lifetime_s(plan)}")
    sheet.put(f"set security ipsec policy {n} proposals [ {' '.join(f'{n}-{i}' for i in range(len(esp)))} ]")
    sheet.source(_GUIDE, '"Traffic Selectors in Route-Based VPNs"; Junos 13.2, [edit security ipsec] Hierarchy Level: vpn')
    if plan.pools:
        sheet.note("Not confirmed: traffic selectors together with assigned addresses; one report had to use proxy-identity")
    vpn = f"set security ipsec vpn {n}"
    sheet.put("set interfaces st0 unit 7 family inet", f"{vpn} bind-interface st0.7", f"{vpn} ike gateway {n}")
    sheet.put(f"{vpn} ike ipsec-policy {n}")
    pairs = [(a, b) for a in plan.protected for b in plan.inside_hosts]
    for i, (local, remote) in enumerate(pairs):
        sheet.put(f"{vpn} traffic-selector ts{i} local-ip {local} remote-ip {remote}")
    sheet.unconfirmed("the wording of the zones' settings; other people's configurations have it")
    sheet.put("set security zones security-zone vpn interfaces st0.7")
    outside = plan.site["interface"] or "ge-0/0/0.0"
    sheet.put(f"set security zones security-zone untrust interfaces {outside} host-inbound-traffic system-services ike")
    sheet.note("Policies from zone vpn to the zone behind the gateway are yours to write.")


def _id(text: str) -> str:
    kind, value = printable_identity(text)
    words = {"address": "inet", "fqdn": "hostname", "email": "user-at-hostname", "keyid": "key-id"}
    return f'{words[kind]} "{value}"' if kind == "email" else f"{words[kind]} {value}"
