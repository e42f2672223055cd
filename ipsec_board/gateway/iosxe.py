"""Cisco IOS XE: FlexVPN server with a dynamic virtual tunnel interface.

Start reading at `write`.
"""

from ipsec_board.gateway import ends, methods, selectors
from ipsec_board.gateway import vocabulary as v
from ipsec_board.gateway.checks import together
from ipsec_board.gateway.fleet import Fleet
from ipsec_board.gateway.plan import Plan, PlanError
from ipsec_board.gateway.selectors import Selector
from ipsec_board.gateway.text import GatewayFile, Sheet, lifetime_s, mask, placeholder, pool_range, printable_identity, secret_hex

_FLEX = "FlexVPN and Internet Key Exchange Version 2 Configuration Guide, Cisco IOS 15.2M&T"
_SERVER = "Configuring the FlexVPN Server, IOS XE 17.x (cisco.com)"
_VTI = "Security for VPNs with IPsec Configuration Guide, Cisco IOS XE Release 3S"
_PYATS = "Cisco pyATS, package genie.libs.sdk 26.9"
_TERRAFORM = "Cisco's Terraform provider for IOS XE"
_WORDS = v.Vocabulary(
    vendor="IOS XE",
    own_prf=True,
    ike_encr={
        v.CBC128: "aes-cbc-128", v.CBC192: "aes-cbc-192", v.CBC256: "aes-cbc-256",
        v.GCM128: "aes-gcm-128", v.GCM256: "aes-gcm-256",
    },
    esp_encr={
        v.CBC128: "esp-aes 128", v.CBC192: "esp-aes 192", v.CBC256: "esp-aes 256",
        v.GCM128: "esp-gcm 128", v.GCM256: "esp-gcm 256",
    },
    integ={v.SHA256: "sha256", v.SHA384: "sha384", v.SHA512: "sha512"},
    prf={v.PRF256: "sha256", v.PRF384: "sha384", v.PRF512: "sha512"},
    group={v.ECP256: "19", v.ECP384: "20", v.ECP521: "21", v.MODP2048: "14", v.MODP3072: "15", v.MODP4096: "16"},
    esn=False,
    suggestion=("aes128gcm16-prfsha256-ecp256", "aes128gcm16"),
)


def write(fleet: Fleet, show_secret: bool = False) -> list[GatewayFile]:
    """`<name>.ios`, and for each device `<name>-<device>.ios`, to be pasted in configuration mode. Raises PlanError."""
    (ike, ike_out), (esp, esp_out), *_ = together(
        lambda: _WORDS.ike(fleet),
        lambda: _WORDS.esp(fleet),
        lambda: _check_pools(fleet),
        lambda: selectors.check(fleet, "IOS XE", ranges=True),
        lambda: lifetime_s(fleet),
    )
    rules = _access(selectors.pairs(fleet.theirs, fleet.own))
    n = fleet.name
    sheet = Sheet("!", f"IOS XE: FlexVPN server for {fleet.title}").left_out(ike_out, esp_out)
    sheet.note("Paste this first, then the text of each device.")
    _ike(sheet, fleet, ike)
    _profile(sheet, fleet)
    sheet.source(_PYATS, "apis/iosxe/ipsec/configure.py: transform-set, profile; " + _TERRAFORM + ", crypto_ipsec_transform_set")
    sheet.note("Not confirmed: the key's length after a space")
    for i, s in enumerate(esp):
        integ = f" esp-{s.integ}-hmac" if s.integ else ""
        sheet.put(f"crypto ipsec transform-set {n}-{i} {s.encr}{integ}", " mode tunnel")
    sheet.put(f"crypto ipsec profile {n}", f" set transform-set {' '.join(f'{n}-{i}' for i in range(len(esp)))}")
    sheet.put(f" set security-association lifetime seconds {lifetime_s(fleet)}", f" set ikev2-profile {n}")
    if fleet.has_local_ts or rules:
        sheet.source(_VTI, "Multi-SA support: a dynamic interface accepts the selectors that the initiator proposes")
        sheet.note("Not confirmed: security-policy limit and reverse-route with IKEv2")
        limit = max(2, len(fleet.theirs) * len(fleet.own))
        sheet.put(f"crypto ipsec profile {n}", f" set security-policy limit {limit}", " reverse-route")
    if rules:
        sheet.unconfirmed("the wording of ip access-list extended and ip access-group, which are older than IKEv2")
        sheet.note("Protocol and port are the device's to ask for; this list is what the router lets through.")
        sheet.put(f"ip access-list extended {n}-in", *rules)
    sheet.source(_PYATS, f"apis/iosxe/flexvpn/configure.py: virtual template; {_SERVER}, restrictions: ip unnumbered")
    sheet.put("interface Virtual-Template7 type tunnel", f" ip unnumbered {fleet.site['inside'] or 'Loopback0'}")
    sheet.put(f" tunnel source {fleet.site['interface'] or 'GigabitEthernet1'}", " tunnel mode ipsec ipv4")
    sheet.put(*([f" ip access-group {n}-in in"] if rules else []), f" tunnel protection ipsec profile {n}", "end")
    devices = [_device(fleet, plan, show_secret) for plan in fleet.devices]
    return [GatewayFile(f"{n}.ios", sheet.text, shared=not fleet.exact), *ends.files(fleet, show_secret), *devices]


def _check_pools(fleet: Fleet) -> None:
    if any(":" in p for p in fleet.pools):
        raise PlanError("this text for IOS XE assigns IPv4 addresses only", "take ipv6 out of virtual_ip")


def _ike(sheet: Sheet, fleet: Fleet, ike: list[v.IkeWords]) -> None:
    n = fleet.name
    sheet.source(_FLEX, f"appendix on legacy VPNs: proposal, policy; {_TERRAFORM}, crypto_ikev2_proposal: algorithms")
    for i, s in enumerate(ike):
        sheet.put(f"crypto ikev2 proposal {n}-{i}", f" encryption {s.encr}")
        sheet.put(*([] if s.aead else [f" integrity {s.integ}"]), *([f" prf {s.prf}"] if s.prf != s.integ else []))
        sheet.put(f" group {s.group}")
    sheet.put(f"crypto ikev2 policy {n}", *(f" proposal {n}-{i}" for i in range(len(ike))))
    if "psk" in (fleet.device_auth, fleet.gateway_auth):
        sheet.source(_TERRAFORM, "crypto_ikev2_keyring: peer, identity, pre-shared key")
        sheet.put(f"crypto ikev2 keyring {n}")
    _certificates(sheet, fleet)


def _certificates(sheet: Sheet, fleet: Fleet) -> None:
    """Trustpoints for the certificates of both ends."""
    if "cert" not in (fleet.device_auth, fleet.gateway_auth):
        return
    sheet.source(_FLEX, "FlexVPN server: pki trustpoint; Cisco's PKI commands: enrollment terminal")
    sheet.note("Not confirmed: import of PKCS #12 from flash; that IOS XE signs by SHA-2 (RFC 7427)")
    methods.explain(sheet, fleet)
    own = methods.own_name(fleet)
    if fleet.gateway_auth == "cert":
        sheet.put(f"crypto pki trustpoint {own}", " revocation-check none")
        sheet.put(f"crypto pki import {own} pkcs12 bootflash:{own}.p12 password PASSWORD-OF-THE-FILE")
    if fleet.device_auth == "cert":
        for name in methods.root_names(fleet):
            sheet.put(f"crypto pki trustpoint {name}", " enrollment terminal pem", " revocation-check none")
            sheet.note(f"It asks for the text of {name}.crt:").put(f"crypto pki authenticate {name}")


def _authentication(sheet: Sheet, fleet: Fleet) -> None:
    """How both ends prove themselves, in the profile."""
    n, words = fleet.name, {"psk": "pre-share", "eap": "eap query-identity"}
    theirs = words.get(fleet.device_auth) or methods.device_word(fleet, "ecdsa-sig", "rsa-sig")
    ours = words.get(fleet.gateway_auth) or methods.gateway_word(fleet, "ecdsa-sig", "rsa-sig")
    sheet.put(f" identity local {_id(fleet.gateway_id)}", f" authentication remote {theirs}", f" authentication local {ours}")
    if "psk" in (fleet.device_auth, fleet.gateway_auth):
        sheet.put(f" keyring local {n}")
    if fleet.gateway_auth == "cert":
        sheet.put(f" pki trustpoint {methods.own_name(fleet)} sign")
    if fleet.device_auth == "cert":
        sheet.put(*(f" pki trustpoint {name} verify" for name in methods.root_names(fleet)))
    if fleet.device_auth == "eap":
        sheet.put(f" aaa authentication eap {n}")


def _device(fleet: Fleet, plan: Plan, show: bool) -> GatewayFile:
    n = fleet.name
    sheet = Sheet("!", f"IOS XE: device {plan.config.local_id} of {n}")
    if plan.config.psk:
        sheet.source(_TERRAFORM, "crypto_ikev2_keyring: peer, identity, pre-shared key")
        text = plan.config.psk.isalnum()
        if not text:
            without = "a secret made with `ipsec-board provision --new-psk --text` does without"
            sheet.note(f"Not confirmed: pre-shared-key hex ({without})")
        secret = _text(plan, show) if text else f"hex {secret_hex(plan, show)}"
        sheet.put(f"crypto ikev2 keyring {n}", f" peer {plan.device_name}", f"  identity {_id(plan.config.local_id)}")
        sheet.put(f"  pre-shared-key {secret}")
    if plan.config.auth == "eap":
        sheet.note(f"The RADIUS server needs an account {plan.config.eap_identity!r} with the password of nt_hash_file.")
    sheet.source(_FLEX, "appendix on legacy VPNs: identities")
    sheet.note("Not confirmed: that any of several match statements is enough")
    sheet.put(f"crypto ikev2 profile {n}", f" match identity remote {_id(plan.config.local_id)}")
    return GatewayFile(f"{plan.name}-{plan.device_name}.ios", sheet.text, secret=show and bool(plan.config.psk))


def _text(plan: Plan, show: bool) -> str:
    return plan.config.psk.decode() if show else placeholder(plan)


def _profile(sheet: Sheet, fleet: Fleet) -> None:
    n = fleet.name
    if fleet.pools:
        first, last = pool_range(fleet.pools[0])
        sheet.unconfirmed("the wording of aaa, ip local pool and ip access-list, which are older than IKEv2")
        if fleet.device_auth == "eap":
            sheet.note("A RADIUS server has the accounts, for EAP-MSCHAPv2: name it with `radius server` and `aaa group server`.")
            sheet.put(f"aaa authentication login {n} group radius")
        sheet.put("aaa new-model", f"aaa authorization network {n} local", f"ip local pool {n} {first} {last}")
        sheet.put(f"ip access-list standard {n}", *(f" permit {_wildcard(p)}" for p in fleet.protected))
        sheet.source(_PYATS, "apis/iosxe/ike/configure.py: authorization policy")
        sheet.put(f"crypto ikev2 authorization policy {n}", f" pool {n}", " netmask 255.255.255.255")
        sheet.put(*([f" dns {' '.join(fleet.site['dns'][:2])}"] if fleet.site["dns"] else []), f" route set access-list {n}")
    sheet.source(_FLEX, f"appendix on legacy VPNs: identities, authentication; {_PYATS}, apis/iosxe/ike/configure.py: the rest")
    sheet.note("`nat force-encap` exists, but is left out: the device's NAT detection already leads to ESP in UDP.")
    sheet.put(f"crypto ikev2 profile {n}")
    _authentication(sheet, fleet)
    sheet.put(f" lifetime {lifetime_s(fleet)}")
    sheet.put(f" dpd {max(30, fleet.config.dpd_s)} 5 periodic", " nat keepalive 20")
    sheet.put(*([f" aaa authorization group {fleet.device_auth} list {n} {n}"] if fleet.pools else []), " virtual-template 7")


def _wildcard(prefix: str) -> str:
    network, dotted = mask(prefix)
    return "any" if dotted == "0.0.0.0" else f"{network} {'.'.join(str(255 - int(x)) for x in dotted.split('.'))}"


def _access(pairs: list[tuple[Selector, Selector]]) -> list[str]:
    """Lines of an access list for what comes from the devices; none where all of it may pass."""
    if all(a.is_plain and b.is_plain for a, b in pairs):
        return []
    names = {0: "ip", 132: "sctp"}
    lines = [f" permit {names.get(a.protocol, a.name)} {_end(b)} {_end(a)}" for a, b in pairs]
    return list(dict.fromkeys(lines))


def _end(s: Selector) -> str:
    """One end of an access list's line: addresses, then ports."""
    network, dotted = mask(s.prefix)
    where = f"host {network}" if dotted == "255.255.255.255" else _wildcard(s.prefix)
    return where + (f" {'eq' if s.low == s.high else 'range'} {s.ports.replace('-', ' ')}" if s.has_ports else "")


def _id(text: str) -> str:
    kind, value = printable_identity(text)
    words = {"address": "address", "fqdn": "fqdn", "email": "email", "keyid": "key-id"}
    return f"{words[kind]} {value}"
