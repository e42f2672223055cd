"""Cisco IOS XE: FlexVPN server with a dynamic virtual tunnel interface.

Start reading at `write`.
"""

from tools.gateway import vocabulary as v
from tools.gateway.plan import Plan, PlanError
from tools.gateway.text import GatewayFile, Sheet, identity, lifetime_s, mask, pool_range, secret_hex

_FLEX = "FlexVPN and Internet Key Exchange Version 2 Configuration Guide, Cisco IOS XE"
_SEC = "Cisco IOS Security Command Reference"
_WORDS = v.Vocabulary(
    vendor="IOS XE",
    ike_encr={v.CBC128: "aes-cbc-128", v.CBC256: "aes-cbc-256", v.GCM128: "aes-gcm-128", v.GCM256: "aes-gcm-256"},
    esp_encr={v.CBC128: "esp-aes 128", v.CBC256: "esp-aes 256", v.GCM128: "esp-gcm 128", v.GCM256: "esp-gcm 256"},
    integ={v.SHA256: "sha256", v.SHA384: "sha384", v.SHA512: "sha512"},
    prf={v.PRF256: "sha256", v.PRF384: "sha384", v.PRF512: "sha512"},
    group={v.ECP256: "19", v.MODP2048: "14"},
    esn=False,
    suggestion=("aes128gcm16-prfsha256-ecp256", "aes128gcm16"),
)


def write(plan: Plan, show_secret: bool = False) -> list[GatewayFile]:
    """`<name>.ios`, to be pasted in configuration mode. Raises PlanError."""
    ike, ike_out = _WORDS.ike(plan)
    esp, esp_out = _WORDS.esp(plan)
    if any(":" in p for p in plan.pools):
        raise PlanError("this text for IOS XE assigns IPv4 addresses only", "take ipv6 out of virtual_ip")
    n = plan.name
    sheet = Sheet("!", f"IOS XE: FlexVPN server for device {plan.config.local_id}").left_out(ike_out, esp_out)
    _ike(sheet, plan, ike, show_secret)
    _profile(sheet, plan)
    sheet.source(_SEC, "crypto ipsec transform-set, crypto ipsec profile")
    for i, s in enumerate(esp):
        integ = f" esp-{s.integ}-hmac" if s.integ else ""
        sheet.put(f"crypto ipsec transform-set {n}-{i} {s.encr}{integ}", " mode tunnel")
    sheet.put(f"crypto ipsec profile {n}", f" set transform-set {' '.join(f'{n}-{i}' for i in range(len(esp)))}")
    sheet.put(f" set security-association lifetime seconds {lifetime_s(plan)}", f" set ikev2-profile {n}")
    sheet.source(_FLEX, 'chapter "Configuring the FlexVPN Server", virtual-template interface')
    sheet.put("interface Virtual-Template7 type tunnel", f" ip unnumbered {plan.site['inside'] or 'Loopback0'}")
    sheet.put(f" tunnel source {plan.site['interface'] or 'GigabitEthernet1'}", " tunnel mode ipsec ipv4")
    sheet.put(f" tunnel protection ipsec profile {n}", "end")
    return [GatewayFile(f"{n}.ios", sheet.text, secret=show_secret)]


def _ike(sheet: Sheet, plan: Plan, ike: list[v.IkeWords], show: bool) -> None:
    n = plan.name
    sheet.source(_FLEX, 'chapter "Configuring Internet Key Exchange Version 2", IKEv2 proposal and policy')
    for i, s in enumerate(ike):
        sheet.put(f"crypto ikev2 proposal {n}-{i}", f" encryption {s.encr}")
        sheet.put(f" prf {s.prf}" if s.aead else f" integrity {s.integ}", f" group {s.group}")
    sheet.put(f"crypto ikev2 policy {n}", *(f" proposal {n}-{i}" for i in range(len(ike))))
    sheet.source(_FLEX, 'chapter "Configuring Internet Key Exchange Version 2", IKEv2 keyring')
    sheet.put(f"crypto ikev2 keyring {n}", f" peer {n}", "  address 0.0.0.0 0.0.0.0")
    sheet.put(f"  identity {_id(plan.config.local_id)}", f"  pre-shared-key hex {secret_hex(plan, show)}")


def _profile(sheet: Sheet, plan: Plan) -> None:
    n = plan.name
    if plan.pools:
        first, last = pool_range(plan.pools[0])
        sheet.source(_FLEX, 'chapter "Configuring the FlexVPN Server", IKEv2 authorization policy')
        sheet.put("aaa new-model", f"aaa authorization network {n} local", f"ip local pool {n} {first} {last}")
        sheet.put(f"ip access-list standard {n}", *(f" permit {_wildcard(p)}" for p in plan.protected))
        sheet.put(f"crypto ikev2 authorization policy {n}", f" pool {n}", " netmask 255.255.255.255")
        sheet.put(*([f" dns {' '.join(plan.site['dns'][:2])}"] if plan.site["dns"] else []), f" route set access-list {n}")
    sheet.source(_FLEX, 'chapter "Configuring Internet Key Exchange Version 2", IKEv2 profile')
    sheet.put(f"crypto ikev2 profile {n}", f" match identity remote {_id(plan.config.local_id)}")
    sheet.put(f" identity local {_id(plan.config.remote_id)}", " authentication remote pre-share")
    sheet.put(" authentication local pre-share", f" keyring local {n}", f" lifetime {lifetime_s(plan)}")
    sheet.put(f" dpd {max(30, plan.config.dpd_s)} 5 periodic", " nat keepalive 20")
    sheet.put(*([f" aaa authorization group psk list {n} {n}"] if plan.pools else []), " virtual-template 7")


def _wildcard(prefix: str) -> str:
    network, dotted = mask(prefix)
    return "any" if dotted == "0.0.0.0" else f"{network} {'.'.join(str(255 - int(x)) for x in dotted.split('.'))}"



def _id(text: str) -> str:
    kind, value = identity(text)
    words = {"address": "address", "fqdn": "fqdn", "email": "email", "keyid": "key-id"}
    return f"{words[kind]} {value}"
