"""MikroTik RouterOS 7: commands for an IKEv2 responder.

The manual's page on IPsec says that its IKE has no AES-GCM, and lists neither AES-CCM nor group 31.

Start reading at `write`.
"""

import dataclasses

from ipsec_board.gateway import ends, methods, selectors
from ipsec_board.gateway import vocabulary as v
from ipsec_board.gateway.checks import together
from ipsec_board.gateway.fleet import Fleet
from ipsec_board.gateway.plan import Plan, PlanError
from ipsec_board.gateway.selectors import Selector
from ipsec_board.gateway.text import GatewayFile, Sheet, lifetime_s, pool_range, printable_identity, secret_hex

_DOC = "RouterOS manual, IPsec (manual.mikrotik.com/docs/virtual-private-networks/ipsec)"
_SERVER = '"Site to Site GRE tunnel over IPsec (IKEv2) using DNS", server'
_WARRIOR = '"Road Warrior setup using IKEv2", server and split tunnel configuration'
_ELSEWHERE = "not in the manual's examples, but in the Terraform provider for RouterOS"
_CBC = {v.CBC128: "aes-128", v.CBC192: "aes-192", v.CBC256: "aes-256"}
_WORDS = v.Vocabulary(
    vendor="RouterOS",
    ike_encr=_CBC,
    esp_encr={
        v.CBC128: "aes-128-cbc", v.CBC192: "aes-192-cbc", v.CBC256: "aes-256-cbc",
        v.GCM128: "aes-128-gcm", v.GCM256: "aes-256-gcm",
    },
    integ={v.SHA256: "sha256", v.SHA512: "sha512"},
    prf={v.PRF256: "sha256", v.PRF512: "sha512"},
    group={
        v.ECP256: "ecp256", v.ECP384: "ecp384", v.ECP521: "ecp521", v.MODP2048: "modp2048", v.MODP3072: "modp3072",
        v.MODP4096: "modp4096",
    },
    esn=False,
)


def write(fleet: Fleet, show_secret: bool = False) -> list[GatewayFile]:
    """`<name>.rsc`, and for each device `<name>-<device>.rsc`, to be imported in this order. Raises PlanError."""
    (ike, ike_out), (esp, esp_out), *_ = together(
        lambda: _with_one_hash(fleet),
        lambda: _WORDS.esp(fleet),
        lambda: _check_pools(fleet),
        lambda: selectors.check(fleet, "RouterOS", ranges=True),
        lambda: lifetime_s(fleet),
    )
    pairs = selectors.pairs(fleet.theirs, fleet.own)
    n = fleet.name
    sheet = Sheet("#", f"RouterOS 7: IKEv2 responder for {fleet.title}").left_out(ike_out, esp_out)
    sheet.note(f"Load with: /import {n}.rsc; then the file of each device")
    sheet.source(_DOC, _SERVER)
    sheet.note(f"Not confirmed: hash-algorithm, auth-algorithms=sha256, nat-traversal, dpd-interval, lifetime ({_ELSEWHERE})")
    sheet.note("Nothing was found that makes RouterOS encapsulate always: it follows the device's NAT detection.").put(
        f"/ip ipsec profile add name={n} enc-algorithm={_join(s.encr for s in ike)} hash-algorithm={ike[0].integ}"
        f" dh-group={_join(s.group for s in ike)} nat-traversal=yes dpd-interval={max(30, fleet.config.dpd_s)}s"
        f" lifetime={lifetime_s(fleet)}s"
    )
    auth = _join(s.integ for s in esp) or "null"
    sheet.put(
        f"/ip ipsec proposal add name={n} enc-algorithms={_join(s.encr for s in esp)} auth-algorithms={auth}"
        f" pfs-group=none lifetime={lifetime_s(fleet)}s"
    )
    _mode_config(fleet, sheet)
    sheet.source(_DOC, _SERVER).put(f"/ip ipsec policy group add name={n}")
    if any(a.has_ports or b.has_ports for a, b in pairs):
        sheet.note("A template compares the protocol, not the ports: those are in the firewall's rules below.")
    templates = (
        f"/ip ipsec policy add template=yes group={n} src-address={a.prefix} dst-address={b.prefix}{_protocol(a)} proposal={n}"
        for a, b in pairs
    )
    sheet.put(*dict.fromkeys(templates))
    local = f" local-address={fleet.site['address']}" if fleet.site["address"] else ""
    sheet.note("One peer listens for all devices; when another of yours does already, name that one in the devices' identities.")
    sheet.put(f"/ip ipsec peer add name={n}{local} exchange-mode=ike2 passive=yes profile={n}")
    _network(fleet, sheet, pairs)
    _certificates(fleet, sheet)
    devices = [_device(fleet, plan, show_secret) for plan in fleet.devices]
    return [GatewayFile(f"{n}.rsc", sheet.text, shared=not fleet.exact), *ends.files(fleet, show_secret), *devices]


def _check_pools(fleet: Fleet) -> None:
    if any(":" in p for p in fleet.pools):
        raise PlanError("RouterOS assigns IPv4 addresses only", "take ipv6 out of virtual_ip")


def _certificates(fleet: Fleet, sheet: Sheet) -> None:
    """Certificates of both ends, and the one identity that all accounts of EAP share."""
    if fleet.gateway_auth != "cert":
        return
    n, own = fleet.name, methods.own_name(fleet)
    sheet.unconfirmed("certificate import with name= and passphrase=; that RouterOS signs by ECDSA, and by SHA-2 (RFC 7427)")
    methods.explain(sheet, fleet)
    sheet.note("Upload them before: they are imported from the files of the router.")
    files = [f"{own}.crt", f"{own}.key"] + [f"{root}.crt" for root in methods.root_names(fleet) if fleet.device_auth == "cert"]
    sheet.put(*(f'/certificate import file-name={f} name={f.rsplit(".", 1)[0]} passphrase=""' for f in files))
    if fleet.device_auth == "eap":
        sheet.source(_DOC, '"Road Warrior setup using IKEv2 with EAP-MSCHAPv2 authentication handled by User Manager"')
        sheet.note("User Manager, a package of its own, has the accounts; RADIUS-SECRET is a word that you make up.")
        sheet.put("/radius add address=127.0.0.1 secret=RADIUS-SECRET service=ipsec", "/user-manager set enabled=yes")
        sheet.put(f"/user-manager router add address=127.0.0.1 name={n} shared-secret=RADIUS-SECRET")
        mode = f" mode-config={n}" if fleet.pools else ""
        sheet.put(
            f"/ip ipsec identity add peer={n} auth-method=eap-radius certificate={own} my-id={_id(fleet.gateway_id)}{mode}"
            f" policy-template-group={n} generate-policy=port-strict"
        )


def _device(fleet: Fleet, plan: Plan, show: bool) -> GatewayFile:
    n, mode = fleet.name, f" mode-config={fleet.name}" if fleet.pools else ""
    sheet = Sheet("#", f"RouterOS 7: device {plan.config.local_id} of {n}")
    if fleet.device_auth == "eap":
        sheet.source(_DOC, '"Road Warrior setup using IKEv2 with EAP-MSCHAPv2 authentication handled by User Manager"')
        sheet.note("The password is the one of which nt_hash_file holds the hash; the desk does not know it.")
        sheet.put(f'/user-manager user add name="{plan.config.eap_identity}" password="<the password>"')
        return GatewayFile(f"{plan.name}-{plan.device_name}.rsc", sheet.text)
    if fleet.device_auth == "cert":
        sheet.source(_DOC, '"Road Warrior setup using IKEv2 with RSA authentication", identity configuration')
        sheet.note(f"Not confirmed: my-id, remote-id, match-by ({_ELSEWHERE})").put(
            f"/ip ipsec identity add peer={n} auth-method=digital-signature certificate={methods.own_name(fleet)}"
            f" my-id={_id(plan.gateway_id)} remote-id={_id(plan.config.local_id)} match-by=remote-id{mode}"
            f" policy-template-group={n} generate-policy=port-strict"
        )
        return GatewayFile(f"{plan.name}-{plan.device_name}.rsc", sheet.text)
    sheet.source(_DOC, _SERVER)
    sheet.note(f"Not confirmed: auth-method=pre-shared-key, my-id, remote-id, match-by, secret after 0x ({_ELSEWHERE})").put(
        f'/ip ipsec identity add peer={n} auth-method=pre-shared-key secret="{_secret(plan, show)}"'
        f" my-id={_id(plan.gateway_id)} remote-id={_id(plan.config.local_id)} match-by=remote-id{mode}"
        f" policy-template-group={n} generate-policy=port-strict"
    )
    return GatewayFile(f"{plan.name}-{plan.device_name}.rsc", sheet.text, secret=show)


def _with_one_hash(fleet: Fleet) -> tuple[list[v.IkeWords], list[str]]:
    """The IKE suites with the one hash that a profile has: the first that every device has a suite with. Raises PlanError."""
    wanted, _ = _WORDS.ike(fleet)
    why = None
    for word in v.unique(s.integ for s in wanted):
        numbers = [number for number, name in _WORDS.integ.items() if name == word]
        words = dataclasses.replace(_WORDS, integ=dict.fromkeys(numbers, word), vendor=f"a profile of RouterOS with {word}")
        try:
            return words.ike(fleet)
        except PlanError as e:
            why = why or e
    assert why
    raise why


def _protocol(s: Selector) -> str:
    return f" protocol={s.name}" if s.protocol else ""


def _rules(pairs: list[tuple[Selector, Selector]]) -> list[str]:
    """What the firewall lets through, inward and outward; where protocol or ports are told, nothing else of the devices."""
    chain = "/ip firewall filter add chain=forward ipsec-policy="
    if all(a.is_plain and b.is_plain for a, b in pairs):
        return [f"{chain}in,ipsec action=accept", f"{chain}out,ipsec action=accept"]
    rules = []
    for a, b in pairs:
        inward, outward = _ports("src", b) + _ports("dst", a), _ports("src", a) + _ports("dst", b)
        rules.append(f"{chain}in,ipsec src-address={b.prefix} dst-address={a.prefix}{_protocol(a)}{inward} action=accept")
        rules.append(f"{chain}out,ipsec src-address={a.prefix} dst-address={b.prefix}{_protocol(a)}{outward} action=accept")
    return [*dict.fromkeys(rules), *dict.fromkeys(f"{chain}in,ipsec src-address={b.prefix} action=drop" for _, b in pairs)]


def _ports(side: str, s: Selector) -> str:
    return f" {side}-port={s.ports}" if s.has_ports else ""


def _network(fleet: Fleet, sheet: Sheet, pairs: list[tuple[Selector, Selector]]) -> None:
    """What the firewall of RouterOS drops or changes by default."""
    sheet.source("RouterOS 7", 'the default configuration: "defconf: accept in ipsec policy", "accept out ipsec policy"')
    sheet.note("Not confirmed: the rules for UDP 500 and 4500 and for srcnat; other people's configurations have them.")
    sheet.note("Move these rules before the rules of yours that drop, masquerade or fasttrack: new ones stand last.")
    sheet.put("/ip firewall filter add chain=input protocol=udp dst-port=500,4500 action=accept")
    sheet.put(*_rules(pairs))
    sheet.put(*(
        f"/ip firewall nat add chain=srcnat src-address={src} dst-address={dst} action=accept"
        for src in fleet.protected if src != "0.0.0.0/0"
        for dst in fleet.inside_hosts
    ))  # fmt: skip
    sheet.note(f"Hosts behind this router that use another one need a route to {', '.join(fleet.inside_hosts)} by way of it.")


def _mode_config(fleet: Fleet, sheet: Sheet) -> None:
    if not fleet.pools:
        return
    first, last = pool_range(fleet.pools[0])
    dns = f" system-dns=no static-dns={','.join(fleet.site['dns'])}" if fleet.site["dns"] else " system-dns=no"
    sheet.source(_DOC, _WARRIOR)
    sheet.put(
        f"/ip pool add name={fleet.name} ranges={first}-{last}",
        f"/ip ipsec mode-config add name={fleet.name} responder=yes address-pool={fleet.name} address-prefix-length=32"
        f" split-include={','.join(fleet.protected)}{dns}",
    )


def _join(words) -> str:
    return ",".join(v.unique(words))


def _secret(plan: Plan, show: bool) -> str:
    return "0x" + secret_hex(plan, True) if show else secret_hex(plan, False)


def _id(text: str) -> str:
    kind, value = printable_identity(text)
    words = {"address": "address", "fqdn": "fqdn", "email": "user-fqdn", "keyid": "key-id"}
    return f"{words[kind]}:{value}"
