"""Fortinet FortiOS: dial-up IKEv2 gateway with mode configuration.

Start reading at `write`.
"""

import functools

from cryptography.x509.oid import NameOID

from ipsec_board.gateway import checks, ends, methods, selectors
from ipsec_board.gateway import vocabulary as v
from ipsec_board.gateway.checks import together
from ipsec_board.gateway.fleet import Fleet
from ipsec_board.gateway.plan import Plan, PlanError
from ipsec_board.gateway.selectors import Selector
from ipsec_board.gateway.text import GatewayFile, Sheet, lifetime_s, mask, placeholder, pool_range, printable_identity, secret_hex

_CLI = "FortiOS CLI Reference"
_ADMIN4 = "FortiGate Version 4.0 MR1 Administration Guide"
_HUB = 'Fortinet Community, "FortiGate Hub with multiple IPSec Dial-up phase1"'
_NAMES = 'Fortinet Community, "IPsec VPN phase1-interface name characters"'
_NAME_LEN = 11  # leaves room for _ and three hexadecimal digits: 4096 devices
_ANSIBLE = "Fortinet's Ansible collection fortinet.fortios"
_TIP = 'Fortinet Community, "How to configure psksecret starting with 0x"'
_ENCR = {
    v.CBC128: "aes128", v.CBC192: "aes192", v.CBC256: "aes256",
    v.GCM128: "aes128gcm", v.GCM256: "aes256gcm", v.CHACHA: "chacha20poly1305",
}  # fmt: skip
_WORDS = v.Vocabulary(
    vendor="FortiOS",
    ike_encr=_ENCR,
    esp_encr=_ENCR,
    integ={v.SHA256: "sha256", v.SHA384: "sha384", v.SHA512: "sha512"},
    prf={v.PRF256: "prfsha256", v.PRF384: "prfsha384", v.PRF512: "prfsha512"},
    group={v.X25519: "31", v.ECP256: "19", v.ECP384: "20", v.ECP521: "21", v.MODP2048: "14", v.MODP3072: "15", v.MODP4096: "16"},
    esn=False,
    suggestion=("aes128gcm16-prfsha256-x25519", "aes128gcm16"),
)


def write(fleet: Fleet, show_secret: bool = False) -> list[GatewayFile]:
    """`<name>.fortios` and, for more than one device, `<name>-<device>.fortios`; to be pasted into the CLI. Raises PlanError.

    FortiOS chooses among dial-up gateways before it knows the peer's identity, so all devices share one.
    """
    (ike, ike_out), (esp, esp_out), *_ = together(
        lambda: _WORDS.ike(fleet),
        lambda: _WORDS.esp(fleet),
        lambda: _check_pools(fleet),
        lambda: selectors.check(fleet, "FortiOS"),
        lambda: lifetime_s(fleet),
        lambda: fleet.short(_NAME_LEN),
        *(functools.partial(_check_key, fleet, plan) for plan in fleet.devices),
    )
    n, alone = fleet.short(_NAME_LEN), len(fleet.devices) == 1
    who = f"device {fleet.first.config.local_id}" if alone else fleet.title
    sheet = Sheet("#", f"FortiOS: dial-up IKEv2 gateway for {who}").left_out(ike_out, esp_out)
    sheet.note("Leave lines such as this one out when you paste the text.")
    if alone:
        sheet.note("For more devices give all their files in one command: with IKEv2 FortiOS chooses the gateway before it knows",
                   f"who asks ({_HUB}), so there is one for all, with a user for each.")
    _certificates(sheet, fleet)
    _addresses(sheet, fleet, n)
    _phase1(sheet, fleet, n, ike, show_secret and alone)
    _phase2(sheet, fleet, n, esp)
    sheet.note("Firewall policies between the tunnel's interface and the networks inside are yours to write.")
    devices = [] if alone and fleet.device_auth != "eap" else [_user(fleet, n, plan, show_secret) for plan in fleet.devices]
    holds_key = show_secret and alone and bool(fleet.first.config.psk)
    return [GatewayFile(f"{n}.fortios", sheet.text, secret=holds_key, shared=True), *ends.files(fleet, show_secret), *devices]


def _check_key(fleet: Fleet, plan: Plan) -> None:
    if len(fleet.devices) > 1 and fleet.device_auth == "psk" and not plan.config.psk.isalnum():
        raise PlanError(
            f"{plan.path}: FortiOS takes the keys of several devices as passwords, so as text",
            checks.as_text(plan.secret_file, plan.path),
        )


def _check_pools(fleet: Fleet) -> None:
    if any(":" in p for p in fleet.pools):
        raise PlanError("this text for FortiOS assigns IPv4 addresses only", "take ipv6 out of virtual_ip")


def _account(n: str, plan: Plan) -> GatewayFile:
    """A device as an account of EAP-MSCHAPv2."""
    sheet = Sheet("#", f"FortiOS: device {plan.config.local_id} of {n}")
    sheet.source(_CLI, "config user local")
    sheet.note("The password is the one of which nt_hash_file holds the hash; the desk does not know it.")
    user = plan.config.eap_identity
    sheet.put("config user local", f'    edit "{user}"', "        set type password", '        set passwd "<the password>"')
    sheet.put("    next", "end")
    sheet.unconfirmed("append for this group (device groups have it); if refused, `set member` with the names of all devices")
    sheet.put("config user group", f'    edit "{n}"', f'        append member "{user}"', "    next", "end")
    return GatewayFile(f"{plan.name}-{plan.device_name}.fortios", sheet.text)


def _peer(n: str, fleet: Fleet, plan: Plan) -> GatewayFile:
    """A device as a holder of a certificate."""
    sheet = Sheet("#", f"FortiOS: device {plan.config.local_id} of {n}")
    _peer_entry(sheet, fleet, plan)
    sheet.unconfirmed("append for this group (device groups have it); if refused, `set member` with the names of all devices")
    sheet.put("config user peergrp", f'    edit "{n}"', f'        append member "{plan.device_name}"', "    next", "end")
    return GatewayFile(f"{plan.name}-{plan.device_name}.fortios", sheet.text)


def _peer_entry(sheet: Sheet, fleet: Fleet, plan: Plan) -> None:
    sheet.source(_CLI, "config user peer: ca, cn, cn-type, subject")
    sheet.note("Not confirmed: that FortiOS compares what it finds here in the certificate, not the identity of IKE")
    sheet.put("config user peer", f'    edit "{plan.device_name}"', f'        set ca "{methods.root_names(fleet)[0]}"')
    chain = plan.certificates.chain if plan.certificates else ()
    names = chain[0].subject.get_attributes_for_oid(NameOID.COMMON_NAME) if chain else []
    cn = str(names[0].value) if names else plan.config.local_id
    sheet.put(f'        set cn "{cn}"', "        set cn-type string", "    next", "end")


def _certificates(sheet: Sheet, fleet: Fleet) -> None:
    """Authorities into the gateway by its CLI; its own certificate is imported as PKCS #12."""
    if fleet.gateway_auth != "cert":
        return
    sheet.source(_CLI, "config vpn certificate ca, local; execute vpn certificate local import")
    sheet.note("Not confirmed: PEM in quotes over several lines; that FortiOS signs by SHA-2 (RFC 7427)")
    methods.explain(sheet, fleet)
    own = methods.own_name(fleet)
    sheet.note(f"Import the gateway's own under System > Certificates, or by the CLI, under the name {own}.")
    if fleet.device_auth == "cert":
        roots = ends.device_roots(fleet)
        texts = [methods.pem(c) for c in roots] or ["<the text of that authority's certificate in PEM>"]
        sheet.put("config vpn certificate ca")
        for name, text in zip(methods.root_names(fleet), texts, strict=True):
            sheet.put(f'    edit "{name}"', f'        set ca "{text}"', "    next")
        sheet.put("end")


def _user(fleet: Fleet, n: str, plan: Plan, show: bool) -> GatewayFile:
    """A device as a user: its identity is the name, its key the password; or its certificate, or its account."""
    if fleet.device_auth == "eap":
        return _account(n, plan)
    if fleet.device_auth == "cert":
        return _peer(n, fleet, plan)
    sheet = Sheet("#", f"FortiOS: device {plan.config.local_id} of {n}")
    sheet.source(_ADMIN4, '"SSL VPN user group": the user name is the peer ID, the password the pre-shared key')
    sheet.note("Not confirmed: that the password is the key with IKEv2, too, and how long it may be.")
    psk = plan.config.psk.decode() if show else placeholder(plan)
    user = printable_identity(plan.config.local_id)[1]
    sheet.source(_CLI, "config user local")
    sheet.put("config user local", f'    edit "{user}"', "        set type password", f'        set passwd "{psk}"')
    sheet.put("    next", "end")
    sheet.unconfirmed("append for this group (device groups have it); if refused, `set member` with the names of all devices")
    sheet.put("config user group", f'    edit "{n}"', f'        append member "{user}"', "    next", "end")
    return GatewayFile(f"{plan.name}-{plan.device_name}.fortios", sheet.text, secret=show)


def _addresses(sheet: Sheet, fleet: Fleet, n: str) -> None:
    sheet.source(_CLI, "config firewall addrgrp")
    sheet.note("Not confirmed: config firewall address, set subnet")
    names = [f"{n}-net{i}" for i in range(len(fleet.protected))]
    sheet.put("config firewall address")
    for name, prefix in zip(names, fleet.protected, strict=True):
        sheet.put(f'    edit "{name}"', f"        set subnet {' '.join(mask(prefix))}", "    next")
    sheet.put("end", "config firewall addrgrp", f'    edit "{n}-nets"')
    sheet.put("        set member " + " ".join(f'"{n}"' for n in names), "    next", "end")


def _phase1(sheet: Sheet, fleet: Fleet, n: str, ike: list[v.IkeWords], show: bool) -> None:
    proposals = " ".join(v.unique(f"{s.encr}-{s.prf if s.aead else s.integ}" for s in ike))
    kind, local = printable_identity(fleet.gateway_id)
    if len(fleet.devices) > 1 or fleet.device_auth == "eap":
        group = "peergrp" if fleet.device_auth == "cert" else "group"
        sheet.unconfirmed("an empty group, which the texts of the devices fill")
        sheet.put(f"config user {group}", f'    edit "{n}"', "    next", "end")
    elif fleet.device_auth == "cert":
        _peer_entry(sheet, fleet, fleet.first)
    sheet.source(_CLI, f"config vpn ipsec phase1-interface; {_ANSIBLE}, fortios_vpn_ipsec_phase1_interface: values")
    sheet.note(f"The name's length: {_NAMES}: the number of a dial-up tunnel follows it within 15 characters.")
    sheet.put("config vpn ipsec phase1-interface", f'    edit "{n}"', "        set type dynamic")
    sheet.put(f'        set interface "{fleet.site["interface"] or "wan1"}"', "        set ike-version 2")
    _peers(sheet, fleet, n, show)
    sheet.put(f'        set localid "{local}"', f"        set localid-type {_LOCALID[kind]}", "        set net-device disable")
    sheet.put(f"        set proposal {proposals}", f"        set dhgrp {' '.join(v.unique(s.group for s in ike))}")
    sheet.put(f"        set keylife {lifetime_s(fleet)}", "        set dpd on-idle", "        set nattraversal forced")
    sheet.put(*(_mode_config(fleet, n) if fleet.pools else []), "    next", "end")


def _peers(sheet: Sheet, fleet: Fleet, n: str, show: bool) -> None:
    if fleet.gateway_auth == "cert":
        sheet.put("        set authmethod signature", f'        set certificate "{methods.own_name(fleet)}"')
        if fleet.device_auth == "eap":
            sheet.put("        set peertype any", "        set eap enable", "        set eap-identity send-request")
            sheet.put(f'        set authusrgrp "{n}"')
        elif len(fleet.devices) > 1:
            sheet.put("        set peertype peergrp", f'        set peergrp "{n}"')
        else:
            sheet.put("        set peertype peer", f'        set peer "{fleet.first.device_name}"')
        return
    if len(fleet.devices) > 1:
        sheet.note("peertype dialup with usrgrp and ike-version 2 stands in configurations that others have published;",
                   "not confirmed: that FortiOS then takes each user's password for the key.")
        sheet.put("        set peertype dialup", f'        set usrgrp "{n}"')
        return
    plan = fleet.first
    secret = ("0x" if show else "") + secret_hex(plan, show)
    sheet.note(f"The secret after 0x: {_TIP}.")
    sheet.note("Not confirmed: how long a secret may be; that peerid compares the value alone, whatever the identity's type")
    sheet.put("        set peertype one", f'        set peerid "{printable_identity(plan.config.local_id)[1]}"')
    sheet.put(f'        set psksecret "{secret}"')


_LOCALID = {"address": "address", "fqdn": "fqdn", "email": "user-fqdn", "keyid": "keyid"}


def _mode_config(fleet: Fleet, n: str) -> list[str]:
    first, last = pool_range(fleet.pools[0])
    lines = ["set mode-cfg enable", f"set ipv4-start-ip {first}", f"set ipv4-end-ip {last}", "set ipv4-netmask 255.255.255.255"]
    lines.append(f'set ipv4-split-include "{n}-nets"')
    if fleet.site["dns"]:
        lines += ["set dns-mode manual", *(f"set ipv4-dns-server{i} {d}" for i, d in enumerate(fleet.site["dns"][:3], 1))]
    return ["        " + line for line in lines]


def _phase2(sheet: Sheet, fleet: Fleet, n: str, esp: list[v.EspWords]) -> None:
    proposals = " ".join(v.unique("-".join(v.unique((s.encr, s.integ))) for s in esp))
    sheet.source(_CLI, f"config vpn ipsec phase2-interface; {_ANSIBLE}, fortios_vpn_ipsec_phase2_interface: values")
    sheet.put("config vpn ipsec phase2-interface")
    for i, lines in enumerate(_quick_modes(fleet, n)):
        sheet.put(f'    edit "{n}{f"-{i}" if i else ""}"', f'        set phase1name "{n}"')
        sheet.put(f"        set proposal {proposals}", "        set pfs disable")
        sheet.put(f"        set keylifeseconds {lifetime_s(fleet)}", *(f"        {line}" for line in lines), "    next")
    sheet.put("end")


def _quick_modes(fleet: Fleet, n: str) -> list[list[str]]:
    """The selectors: one phase 2 for each pair, but the networks of plain ones are joined in a group."""
    own = fleet.own if fleet.has_local_ts or not fleet.pools else [Selector("0.0.0.0/0")]
    found = []
    if all(s.is_plain for s in fleet.theirs):
        source = ["set src-addr-type name", f'set src-name "{n}-nets"']
        pairs = [(source, Selector("0.0.0.0/0", s.protocol), s) for s in own]
    else:
        pairs = [([f"set src-subnet {' '.join(mask(a.prefix))}"], a, b) for a, b in selectors.pairs(fleet.theirs, own)]
    for source, a, b in pairs:
        lines = list(source)
        if b.prefix != "0.0.0.0/0":
            lines.append(f"set dst-subnet {' '.join(mask(b.prefix))}")
        lines += [f"set protocol {a.protocol}"] if a.protocol else []
        lines += [f"set {word} {s.low}" for word, s in (("src-port", a), ("dst-port", b)) if s.has_ports]
        found.append(lines)
    return found
