"""pfSense and OPNsense's older pages: what stands in which field of the web interface; strongSwan is underneath.

Devices with an assigned address are mobile clients, of whom there is one phase 1; others get a phase 1 of their own.
Start reading at `write`.
"""

import functools

from ipsec_board.gateway import checks, ends, methods, selectors
from ipsec_board.gateway import vocabulary as v
from ipsec_board.gateway.checks import together
from ipsec_board.gateway.fleet import Fleet
from ipsec_board.gateway.plan import Plan, PlanError
from ipsec_board.gateway.text import GatewayFile, Sheet, lifetime_s, placeholder, printable_identity

_PSK = 'pfSense documentation", "IPsec Pre-Shared Keys Tab'
_PAGE = "names and values of these fields, which change between releases: no copy of the page was read"
_ENCR = {
    v.CBC128: "AES, 128 bits", v.CBC192: "AES, 192 bits", v.CBC256: "AES, 256 bits",
    v.GCM128: "AES128-GCM, 128 bits", v.GCM192: "AES192-GCM, 128 bits", v.GCM256: "AES256-GCM, 128 bits",
    v.CHACHA: "CHACHA20-POLY1305",
}  # fmt: skip
_WORDS = v.Vocabulary(
    vendor="pfSense",
    ike_encr=_ENCR,
    esp_encr=_ENCR,
    integ={v.SHA256: "SHA256", v.SHA384: "SHA384", v.SHA512: "SHA512"},
    prf={v.PRF256: "SHA256", v.PRF384: "SHA384", v.PRF512: "SHA512"},
    group={
        v.X25519: "31 (Elliptic Curve 25519, 256 bit)", v.ECP256: "19 (nist ecp256)", v.ECP384: "20 (nist ecp384)",
        v.ECP521: "21 (nist ecp521)", v.MODP2048: "14 (2048 bit)", v.MODP3072: "15 (3072 bit)", v.MODP4096: "16 (4096 bit)",
    },
    esn=False,
    suggestion=("aes128gcm16-prfsha256-ecp256", "aes128gcm16"),
)  # fmt: skip
_METHODS = {"psk": "Mutual PSK", "cert": "Mutual Certificate", "eap": "EAP-MSChapv2"}
_ID = {
    "address": "IP address", "fqdn": "Distinguished name (FQDN)", "email": "User distinguished name (user@fqdn)",
    "keyid": "KeyID tag",
}  # fmt: skip


def write(fleet: Fleet, show_secret: bool = False) -> list[GatewayFile]:
    """`<name>.pfsense.txt`, and for each device `<name>-<device>.pfsense.txt`, to be typed in. Raises PlanError."""
    (ike, ike_out), (esp, esp_out), *_ = together(
        lambda: _WORDS.ike(fleet),
        lambda: _WORDS.esp(fleet),
        lambda: _check_pools(fleet),
        lambda: selectors.check(fleet, "pfSense", instead="let rules on Firewall > Rules > IPsec tell protocols and ports apart"),
        lambda: lifetime_s(fleet),
        *(functools.partial(_check_key, fleet, plan) for plan in fleet.devices),
    )
    sheet = Sheet("#", f"pfSense: fields of the web interface for {fleet.title}").left_out(ike_out, esp_out)
    if "cert" in (fleet.device_auth, fleet.gateway_auth):
        _certificates(sheet, fleet)
    _mobile(sheet, fleet)
    _phase1(sheet, fleet, ike)
    _phase2(sheet, fleet, esp)
    sheet.unconfirmed(_PAGE).note("UDP 500 and 4500 are let in by themselves; what may pass inside is yours to say:")
    sheet.put("Firewall > Rules > IPsec: Action Pass, Source the devices, Destination the networks behind this gateway")
    devices = [_device(fleet, plan, show_secret) for plan in fleet.devices]
    file = GatewayFile(f"{fleet.name}.pfsense.txt", sheet.text, shared=not fleet.exact)
    return [file, *ends.files(fleet, show_secret), *devices]


def _check_key(fleet: Fleet, plan: Plan) -> None:
    if fleet.device_auth == "psk" and not all(33 <= c < 127 for c in plan.config.psk):
        text = f"{plan.path}: pfSense takes a key of printable characters"
        raise PlanError(text, checks.as_text(plan.secret_file, plan.path))


def _check_pools(fleet: Fleet) -> None:
    if fleet.pools and fleet.first.behind:
        text = f"mobile clients of pfSense have no networks behind them; local_ts has {fleet.first.behind[0].text}"
        raise PlanError(text, "set virtual_ip = [], and inner_address to an address of the device in local_ts")
    if any(":" in p for p in fleet.pools):
        raise PlanError("this text for pfSense assigns IPv4 addresses only", "take ipv6 out of virtual_ip")


def _certificates(sheet: Sheet, fleet: Fleet) -> None:
    sheet.unconfirmed(_PAGE)
    methods.explain(sheet, fleet)
    sheet.put("System > Certificates > Certificates: import the gateway's, with its private key")
    if fleet.device_auth == "cert":
        sheet.put(*(f"System > Certificates > Authorities: import {name}.crt" for name in methods.root_names(fleet)))


def _mobile(sheet: Sheet, fleet: Fleet) -> None:
    if not fleet.pools:
        return
    sheet.unconfirmed(_PAGE)
    sheet.put("VPN > IPsec > Mobile Clients")
    fields = {
        "IKE Extensions": "Enable IPsec Mobile Client Support", "User Authentication": "Local Database",
        "Virtual Address Pool": fleet.pools[0], "Network List": "Provide a list of accessible networks to clients",
    }  # fmt: skip
    if fleet.site["dns"]:
        fields["DNS Servers"] = ", ".join(fleet.site["dns"])
    _fields(sheet, fields)


def _fields(sheet: Sheet, fields: dict) -> None:
    sheet.put(*(f"    {name}: {value}" for name, value in fields.items()))


def _phase1(sheet: Sheet, fleet: Fleet, ike: list[v.IkeWords]) -> None:
    kind, own = printable_identity(fleet.gateway_id)
    sheet.unconfirmed(_PAGE)
    sheet.put("VPN > IPsec > Tunnels > " + ("Create Phase 1 (of the mobile clients)" if fleet.pools else "Add P1"))
    fields = {"Key Exchange version": "IKEv2", "Interface": fleet.site["interface"] or "WAN"}
    if not fleet.pools:
        fields["Remote Gateway"] = "0.0.0.0"
    fields |= {"Authentication Method": _METHODS[fleet.device_auth], "My identifier": f"{_ID[kind]}, {own}"}
    if fleet.exact and fleet.pools:
        sheet.note("There is one phase 1 for all mobile clients: where there is one already, give this device inner_address.")
    if fleet.exact:
        peer, name = printable_identity(fleet.first.config.local_id)
        fields["Peer identifier"] = f"{_ID[peer]}, {name}"
    else:
        fields["Description"] = fleet.name
        fields["Peer identifier"] = "Any"
    if fleet.gateway_auth == "cert":
        fields["My Certificate"] = methods.own_name(fleet)
    if fleet.device_auth == "cert":
        fields["Peer Certificate Authority"] = methods.root_names(fleet)[0]
    for i, s in enumerate(ike, 1):
        hashed = f"PRF {s.prf}" if s.aead else f"Hash {s.integ}"
        fields[f"Encryption Algorithm {i}"] = f"{s.encr}; {hashed}; DH Group {s.group}"
    if any(s.aead for s in ike):
        fields["PRF Selection"] = "Enable manual Pseudo-Random Function (PRF) selection"
    fields |= {"Life Time": lifetime_s(fleet), "Child SA Start Action": "None (Responder Only)", "NAT Traversal": "Force",
               "MOBIKE": "Enable" if fleet.mobike else "Disable",
               "Dead Peer Detection": f"Enable, Delay {max(30, fleet.config.dpd_s)}"}  # fmt: skip
    _fields(sheet, fields)


def _phase2(sheet: Sheet, fleet: Fleet, esp: list[v.EspWords]) -> None:
    sheet.unconfirmed(_PAGE)
    own = [""] if fleet.pools else fleet.inside_hosts
    for theirs in fleet.protected:
        for remote in own:
            sheet.put("VPN > IPsec > Tunnels > Add P2")
            fields = {"Mode": "Tunnel IPv4", "Local Network": f"Network, {theirs}"}
            if remote:
                fields["Remote Network"] = f"Network, {remote}"
            fields |= {"Protocol": "ESP", "Encryption Algorithms": "; ".join(v.unique(s.encr for s in esp))}
            fields["Hash Algorithms"] = ", ".join(v.unique(s.integ for s in esp)) or "SHA256"
            fields |= {"PFS key group": "off", "Life Time": str(lifetime_s(fleet))}
            _fields(sheet, fields)


def _device(fleet: Fleet, plan: Plan, show: bool) -> GatewayFile:
    """A key of the tab of keys, or an account there; a certificate needs no more than its authority."""
    name = f"{plan.name}-{plan.device_name}.pfsense.txt"
    sheet = Sheet("#", f"pfSense: device {plan.config.local_id} of {fleet.name}")
    if fleet.device_auth == "cert":
        sheet.note("Its certificate is taken for the authority that issued it; to shut it out, revoke it there.")
        return GatewayFile(name, sheet.text)
    sheet.source(_PSK, "all of these")
    if fleet.pools:
        sheet.put("VPN > IPsec > Pre-Shared Keys > Add")
    if fleet.device_auth == "eap":
        sheet.note("The password is the one of which nt_hash_file holds the hash; the desk does not know it.")
        _fields(sheet, {"Identifier": plan.config.eap_identity, "Secret Type": "EAP", "Pre-Shared Key": "<the password>"})
        return GatewayFile(name, sheet.text)
    identifier = printable_identity(plan.config.local_id)[1]
    psk = plan.config.psk.decode() if show else placeholder(plan)
    if fleet.pools:
        _fields(sheet, {"Identifier": identifier, "Secret Type": "PSK", "Pre-Shared Key": psk})
    else:
        sheet.put(f"VPN > IPsec > Tunnels > {fleet.name}, phase 1")
        _fields(sheet, {"Pre-Shared Key": psk})
    return GatewayFile(name, sheet.text, secret=show)
