"""Juniper Junos on SRX Series: set commands; the gateway is told `version v2-only`, whatever its default is.

Start reading at `write`.
"""

from ipsec_board.gateway import ends, methods, selectors
from ipsec_board.gateway import vocabulary as v
from ipsec_board.gateway.checks import together
from ipsec_board.gateway.fleet import Fleet, numbered
from ipsec_board.gateway.plan import Plan, PlanError
from ipsec_board.gateway.selectors import Selector
from ipsec_board.gateway.text import GatewayFile, Sheet, lifetime_s, pool_range, printable_identity, secret_hex

_CLI = "Junos CLI Reference"
_HIERARCHY = "Junos 12.1X47, Security Configuration Statement Hierarchy"
_PKI = "Junos PKI User Guide"
_GUIDE = "Junos IPsec VPN User Guide"
_FIRST_UNIT = 7  # of st0
_NAME_LEN = 29  # a policy's or proposal's name has at most 32 characters, and proposals are numbered
_ENCR = {
    v.CBC128: "aes-128-cbc", v.CBC192: "aes-192-cbc", v.CBC256: "aes-256-cbc",
    v.GCM128: "aes-128-gcm", v.GCM256: "aes-256-gcm",
}
_WORDS = v.Vocabulary(
    vendor="Junos",
    ike_encr=_ENCR,
    esp_encr=_ENCR,
    integ={v.SHA256: "sha-256", v.SHA384: "sha-384", v.SHA512: "sha-512"},
    prf={v.PRF256: "sha-256", v.PRF384: "sha-384", v.PRF512: "sha-512"},
    group={
        v.ECP256: "group19", v.ECP384: "group20", v.ECP521: "group21", v.MODP2048: "group14", v.MODP3072: "group15",
        v.MODP4096: "group16",
    },
    esn=False,
)
_ESP_INTEG = {"sha-256": "hmac-sha-256-128", "sha-384": "hmac-sha-384", "sha-512": "hmac-sha-512"}


def write(fleet: Fleet, show_secret: bool = False) -> list[GatewayFile]:
    """`<name>.set`, and for each device `<name>-<device>.set`, to be loaded with `load set`. Raises PlanError."""
    (ike, ike_out), (esp, esp_out), *_ = together(
        lambda: _WORDS.ike(fleet),
        lambda: _WORDS.esp(fleet),
        lambda: _check_pools(fleet),
        lambda: selectors.check(fleet, "Junos", ranges=True),
        lambda: lifetime_s(fleet),
        lambda: fleet.short(_NAME_LEN),
        lambda: numbered(fleet.devices),
    )
    n = fleet.short(_NAME_LEN)
    sheet = Sheet("#", f"Junos, SRX Series: IKEv2 for {fleet.title}").left_out(ike_out, esp_out)
    sheet.note(f"Load with: load set {n}.set, then the file of each device; then commit")
    sheet.note("Not confirmed: that load set skips lines such as these.")
    _certificates(sheet, fleet)
    _phase1(sheet, fleet, n, ike)
    _phase2(sheet, fleet, n, esp)
    devices = [_device(fleet, n, number, plan, show_secret) for number, plan in numbered(fleet.devices)]
    return [GatewayFile(f"{n}.set", sheet.text, shared=not fleet.exact), *ends.files(fleet, show_secret), *devices]


def _check_pools(fleet: Fleet) -> None:
    if any(":" in p for p in fleet.pools):
        raise PlanError("this text for Junos assigns IPv4 addresses only", "take ipv6 out of virtual_ip")


def _certificates(sheet: Sheet, fleet: Fleet) -> None:
    """Profiles of authorities; certificates are loaded by commands of the operational mode."""
    if fleet.device_auth != "cert":
        return
    sheet.source(_PKI, '"Load CA and Local Certificates Manually"; "Digital Certificates"')
    sheet.note("Not confirmed: the wording of ca-profile and of the commands; that Junos signs by SHA-2 (RFC 7427)")
    methods.explain(sheet, fleet)
    own = methods.own_name(fleet)
    for name in methods.root_names(fleet):
        profile = f"set security pki ca-profile {name}"
        sheet.put(f"{profile} ca-identity {name}", f"{profile} revocation-check disable")
    sheet.note("In operational mode, with the files in /var/tmp:")
    sheet.note(*(f"  request security pki ca-certificate load ca-profile {name} filename /var/tmp/{name}.crt"
                 for name in methods.root_names(fleet)))  # fmt: skip
    load = f"request security pki local-certificate load certificate-id {own}"
    sheet.note(f"  {load} filename /var/tmp/{own}.crt key /var/tmp/{own}.key")


def _phase1(sheet: Sheet, fleet: Fleet, n: str, ike: list[v.IkeWords]) -> None:
    sheet.source(_CLI, "proposal (Security IKE)")
    sheet.note("Not confirmed: the highest lifetime; that with AES-GCM the authentication algorithm names the PRF")
    how = "pre-shared-keys"
    if fleet.device_auth == "cert":
        how = methods.gateway_word(fleet, "ecdsa-signatures-256", "rsa-signatures")
        if how != methods.device_word(fleet, "ecdsa-signatures-256", "rsa-signatures"):
            text = "Junos has one kind of signatures for both ends: the device's certificate is for P-256, the gateway's for RSA"
            raise PlanError(text, "give the gateway a certificate on P-256, too; `--ca` issues one")
    for i, s in enumerate(ike):
        base = f"set security ike proposal {n}-{i}"
        sheet.put(f"{base} authentication-method {how}", f"{base} dh-group {s.group}")
        # with AES-GCM the authentication algorithm is the PRF's hash
        sheet.put(f"{base} authentication-algorithm {s.integ or s.prf}", f"{base} encryption-algorithm {s.encr}")
        sheet.put(f"{base} lifetime-seconds {lifetime_s(fleet)}")
    if not fleet.pools:
        return
    first, last = pool_range(fleet.pools[0])
    pool = f"set access address-assignment pool {n} family inet"
    sheet.source(_CLI, "pool (Address-Assignment Pools)")
    sheet.put(f"{pool} network {fleet.pools[0]}", f"{pool} range devices low {first} high {last}")
    sheet.source(_CLI, "authentication-order (Access Profile), option none: Junos 20.3R1 or newer")
    sheet.note("Not confirmed: with a PSK (the document speaks of peers with certificates)")
    sheet.put(f"set access profile {n} authentication-order none")
    sheet.unconfirmed("the wording of these; other people's configurations have it")
    sheet.put(f"set access profile {n} address-assignment pool {n}")
    sheet.put(*(f"{pool} xauth-attributes primary-dns {dns}/32" for dns in fleet.site["dns"][:1]))


def _phase2(sheet: Sheet, fleet: Fleet, n: str, esp: list[v.EspWords]) -> None:
    sheet.source(_CLI, "manual (Security IPsec): algorithms; Junos 13.2, [edit security ipsec] Hierarchy Level: proposal, policy")
    if {s.integ for s in esp} & {"sha-384", "sha-512"}:
        sheet.note("Not confirmed: hmac-sha-384, hmac-sha-512")
    for i, s in enumerate(esp):
        base = f"set security ipsec proposal {n}-{i}"
        sheet.put(f"{base} protocol esp", f"{base} encryption-algorithm {s.encr}")
        sheet.put(*([f"{base} authentication-algorithm {_ESP_INTEG[s.integ]}"] if s.integ else []))
        sheet.put(f"{base} lifetime-seconds {lifetime_s(fleet)}")
    sheet.put(f"set security ipsec policy {n} proposals [ {' '.join(f'{n}-{i}' for i in range(len(esp)))} ]")
    sheet.unconfirmed("the wording of the zones' settings; other people's configurations have it")
    outside = fleet.site["interface"] or "ge-0/0/0.0"
    sheet.put(f"set security zones security-zone untrust interfaces {outside} host-inbound-traffic system-services ike")
    sheet.note("Policies from zone vpn to the zone behind the gateway are yours to write.")


def _device(fleet: Fleet, n: str, number: int, plan: Plan, show: bool) -> GatewayFile:
    """A policy with the key, a gateway with the identity, and a VPN on a unit of st0, since Junos binds one key to a policy."""
    own = f"{n[: _NAME_LEN - 6]}-d{number}"
    unit = _FIRST_UNIT + number - 1
    sheet = Sheet("#", f"Junos, SRX Series: device {plan.config.local_id} of {n}")
    sheet.note(f"Its name {own} and its interface st0.{unit} come from [site] number, or from its place among the files given.")
    sheet.source(_CLI, "policy (Security IKE)")
    sheet.put(f"set security ike policy {own} proposals [ {' '.join(f'{n}-{i}' for i in range(len(_WORDS.ike(fleet)[0])))} ]")
    if fleet.device_auth == "cert":
        policy = f"set security ike policy {own} certificate"
        sheet.put(f"{policy} local-certificate {methods.own_name(fleet)}")
        sheet.put(*(f"{policy} trusted-ca ca-profile {name}" for name in methods.root_names(fleet)))
        sheet.put(f"{policy} peer-certificate-type x509-signature")
    else:
        sheet.put(f'set security ike policy {own} pre-shared-key hexadecimal "{secret_hex(plan, show)}"')
    gw = f"set security ike gateway {own}"
    sheet.source(_HIERARCHY, "[edit security ike]: gateway")
    if "key-id" in _id(plan.config.local_id) + _id(plan.gateway_id):
        sheet.note("Not confirmed: key-id as an identity")
    sheet.note("Nothing was found that makes Junos encapsulate always: it follows the device's NAT detection.")
    sheet.put(f"{gw} ike-policy {own}", f"{gw} version v2-only", f"{gw} dynamic {_id(plan.config.local_id)}")
    sheet.put(f"{gw} local-identity {_id(plan.gateway_id)}")
    sheet.put(f"{gw} external-interface {plan.site['interface'] or 'ge-0/0/0.0'}")
    sheet.put(f"{gw} dead-peer-detection always-send interval {min(60, max(30, fleet.config.dpd_s))} threshold 3")
    if fleet.pools:
        sheet.source(_CLI, 'authentication-order (Access Profile): "the aaa profile in IKE gateway hierarchy"')
        sheet.put(f"{gw} aaa access-profile {n}")
    sheet.source(_GUIDE, '"Traffic Selectors in Route-Based VPNs"; Junos 13.2, [edit security ipsec] Hierarchy Level: vpn')
    if fleet.pools:
        sheet.note("Not confirmed: traffic selectors together with assigned addresses; one report had to use proxy-identity")
    vpn = f"set security ipsec vpn {own}"
    sheet.put(f"set interfaces st0 unit {unit} family inet", f"{vpn} bind-interface st0.{unit}", f"{vpn} ike gateway {own}")
    sheet.put(f"{vpn} ike ipsec-policy {n}")
    _selectors(sheet, vpn, selectors.pairs(plan.theirs, plan.own))
    sheet.unconfirmed("the wording of the zones' settings; other people's configurations have it")
    sheet.put(f"set security zones security-zone vpn interfaces st0.{unit}")
    return GatewayFile(f"{plan.name}-{plan.device_name}.set", sheet.text, secret=show and bool(plan.config.psk))


def _selectors(sheet: Sheet, vpn: str, pairs: list[tuple[Selector, Selector]]) -> None:
    """A traffic selector for each pair; one with protocol or ports is a term of it."""
    for i, (local, remote) in enumerate(pairs):
        if local.is_plain and remote.is_plain:
            sheet.put(f"{vpn} traffic-selector ts{i} local-ip {local.prefix} remote-ip {remote.prefix}")
    terms = [(i, pair) for i, pair in enumerate(pairs) if not (pair[0].is_plain and pair[1].is_plain)]
    if terms:
        sheet.unconfirmed("term, which needs Junos 21.1R1 or newer with the package junos-ike; that local is the source")
    for i, (local, remote) in terms:
        term = f"{vpn} traffic-selector ts{i} term t0"
        sheet.put(f"{term} local-ip {local.prefix} remote-ip {remote.prefix}")
        if local.protocol:
            sheet.put(f"{term} protocol {local.name if local.protocol in (1, 6, 17) else local.protocol}")
        for word, s in (("source-port", local), ("destination-port", remote)):
            if s.has_ports:
                sheet.put(f"{term} {word} {s.low}-{s.high}")


def _id(text: str) -> str:
    kind, value = printable_identity(text)
    words = {"address": "inet", "fqdn": "hostname", "email": "user-at-hostname", "keyid": "key-id"}
    return f'{words[kind]} "{value}"' if kind == "email" else f"{words[kind]} {value}"
