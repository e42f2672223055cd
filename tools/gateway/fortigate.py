"""Fortinet FortiOS: dial-up IKEv2 gateway with mode configuration.

Start reading at `write`.
"""

from tools.gateway import vocabulary as v
from tools.gateway.plan import Plan, PlanError
from tools.gateway.text import GatewayFile, Sheet, lifetime_s, mask, pool_range, printable_identity, secret_hex

_CLI = "FortiOS CLI Reference"
_GUIDE = "FortiOS Administration Guide"
_ANSIBLE = "Fortinet's Ansible collection fortinet.fortios"
_TIP = 'Fortinet Community, "How to configure psksecret starting with 0x"'
_ENCR = {
    v.CBC128: "aes128", v.CBC256: "aes256", v.GCM128: "aes128gcm", v.GCM256: "aes256gcm", v.CHACHA: "chacha20poly1305",
}  # fmt: skip
_WORDS = v.Vocabulary(
    vendor="FortiOS",
    ike_encr=_ENCR,
    esp_encr=_ENCR,
    integ={v.SHA256: "sha256", v.SHA384: "sha384", v.SHA512: "sha512"},
    prf={v.PRF256: "prfsha256", v.PRF384: "prfsha384", v.PRF512: "prfsha512"},
    group={v.X25519: "31", v.ECP256: "19", v.MODP2048: "14"},
    esn=False,
    suggestion=("aes128gcm16-prfsha256-x25519", "aes128gcm16"),
)


def write(plan: Plan, show_secret: bool = False) -> list[GatewayFile]:
    """`<name>.fortios`, to be pasted into the CLI. Raises PlanError."""
    ike, ike_out = _WORDS.ike(plan)
    esp, esp_out = _WORDS.esp(plan)
    if len(plan.name) > 15:
        raise PlanError(f"FortiOS takes at most 15 characters as the tunnel's name, not {plan.name!r}", "shorten [site] name")
    if any(":" in p for p in plan.pools):
        raise PlanError("this text for FortiOS assigns IPv4 addresses only", "take ipv6 out of virtual_ip")
    sheet = Sheet("#", f"FortiOS: dial-up IKEv2 gateway for device {plan.config.local_id}").left_out(ike_out, esp_out)
    sheet.note("Leave lines such as these out when you paste the text.")
    _addresses(sheet, plan)
    _phase1(sheet, plan, ike, show_secret)
    _phase2(sheet, plan, esp)
    sheet.note("Firewall policies between the tunnel's interface and the networks inside are yours to write.")
    return [GatewayFile(f"{plan.name}.fortios", sheet.text, secret=show_secret)]


def _addresses(sheet: Sheet, plan: Plan) -> None:
    sheet.source(_CLI, "config firewall addrgrp")
    sheet.note("Not confirmed: config firewall address, set subnet")
    names = [f"{plan.name}-net{i}" for i in range(len(plan.protected))]
    sheet.put("config firewall address")
    for name, prefix in zip(names, plan.protected, strict=True):
        sheet.put(f'    edit "{name}"', f"        set subnet {' '.join(mask(prefix))}", "    next")
    sheet.put("end", "config firewall addrgrp", f'    edit "{plan.name}-nets"')
    sheet.put("        set member " + " ".join(f'"{n}"' for n in names), "    next", "end")


def _phase1(sheet: Sheet, plan: Plan, ike: list[v.IkeWords], show: bool) -> None:
    proposals = " ".join(v.unique(f"{s.encr}-{s.prf if s.aead else s.integ}" for s in ike))
    kind, local = printable_identity(plan.config.remote_id)
    secret = ("0x" if show else "") + secret_hex(plan, show)
    sheet.source(_CLI, f"config vpn ipsec phase1-interface; {_ANSIBLE}, fortios_vpn_ipsec_phase1_interface: values")
    sheet.note(f'The name\'s length: {_GUIDE}, "Phase 1 configuration". The secret after 0x: {_TIP}.')
    sheet.note("Not confirmed: how long a secret may be; that peerid compares the value alone, whatever the identity's type")
    sheet.put("config vpn ipsec phase1-interface", f'    edit "{plan.name}"', "        set type dynamic")
    sheet.put(f'        set interface "{plan.site["interface"] or "wan1"}"', "        set ike-version 2")
    sheet.put("        set peertype one", f'        set peerid "{printable_identity(plan.config.local_id)[1]}"')
    sheet.put(f'        set localid "{local}"', f"        set localid-type {_LOCALID[kind]}", "        set net-device disable")
    sheet.put(f"        set proposal {proposals}", f"        set dhgrp {' '.join(v.unique(s.group for s in ike))}")
    sheet.put(f"        set keylife {lifetime_s(plan)}", "        set dpd on-idle", "        set nattraversal forced")
    sheet.put(*(_mode_config(plan) if plan.pools else []), f'        set psksecret "{secret}"', "    next", "end")


_LOCALID = {"address": "address", "fqdn": "fqdn", "email": "user-fqdn", "keyid": "keyid"}


def _mode_config(plan: Plan) -> list[str]:
    first, last = pool_range(plan.pools[0])
    lines = ["set mode-cfg enable", f"set ipv4-start-ip {first}", f"set ipv4-end-ip {last}", "set ipv4-netmask 255.255.255.255"]
    lines.append(f'set ipv4-split-include "{plan.name}-nets"')
    if plan.site["dns"]:
        lines += ["set dns-mode manual", *(f"set ipv4-dns-server{i} {d}" for i, d in enumerate(plan.site["dns"][:3], 1))]
    return ["        " + line for line in lines]


def _phase2(sheet: Sheet, plan: Plan, esp: list[v.EspWords]) -> None:
    proposals = " ".join(v.unique("-".join(v.unique((s.encr, s.integ))) for s in esp))
    sheet.source(_CLI, f"config vpn ipsec phase2-interface; {_ANSIBLE}, fortios_vpn_ipsec_phase2_interface: values")
    sheet.put("config vpn ipsec phase2-interface", f'    edit "{plan.name}"', f'        set phase1name "{plan.name}"')
    sheet.put(f"        set proposal {proposals}", "        set pfs disable", f"        set keylifeseconds {lifetime_s(plan)}")
    sheet.put("        set src-addr-type name", f'        set src-name "{plan.name}-nets"')
    if not plan.pools:
        sheet.put(f"        set dst-subnet {' '.join(mask(plan.inside_hosts[0]))}")
    sheet.put("    next", "end")

