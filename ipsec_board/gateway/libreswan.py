"""libreswan: a connection and its secret (ipsec.conf(5), ipsec.secrets(5)).

Start reading at `write`.
"""

import base64

from cryptography import x509
from ipsec.errors import AuthError
from ipsec.ike.auth import keys, read_keys

from ipsec_board.gateway import certificates, ends, further, selectors
from ipsec_board.gateway import vocabulary as v
from ipsec_board.gateway.checks import together
from ipsec_board.gateway.fleet import Fleet
from ipsec_board.gateway.plan import Plan, PlanError
from ipsec_board.gateway.selectors import Selector
from ipsec_board.gateway.text import GatewayFile, identity, placeholder, pool_range

WORDS = v.Vocabulary(
    vendor="libreswan",
    ike_encr={
        v.CBC128: "aes128", v.CBC192: "aes192", v.CBC256: "aes256", v.GCM128: "aes_gcm128", v.GCM192: "aes_gcm192",
        v.GCM256: "aes_gcm256", v.GCM12_128: "aes_gcm_b_128", v.GCM12_256: "aes_gcm_b_256", v.GCM8_128: "aes_gcm_a_128",
        v.GCM8_256: "aes_gcm_a_256", v.CHACHA: "chacha20_poly1305",
    },
    esp_encr={
        v.CBC128: "aes128", v.CBC192: "aes192", v.CBC256: "aes256", v.GCM128: "aes_gcm128", v.GCM192: "aes_gcm192",
        v.GCM256: "aes_gcm256", v.GCM12_128: "aes_gcm_b_128", v.GCM12_256: "aes_gcm_b_256", v.GCM8_128: "aes_gcm_a_128",
        v.GCM8_256: "aes_gcm_a_256", v.CCM128: "aes_ccm128",
        v.CCM256: "aes_ccm256", v.CCM8_128: "aes_ccm_a_128", v.CCM8_256: "aes_ccm_a_256", v.CHACHA: "chacha20_poly1305",
    },
    integ={v.SHA256: "sha2_256", v.SHA384: "sha2_384", v.SHA512: "sha2_512"},
    prf={v.PRF256: "sha2_256", v.PRF384: "sha2_384", v.PRF512: "sha2_512"},
    group={
        v.X25519: "dh31", v.ECP256: "dh19", v.ECP384: "dh20", v.ECP521: "dh21", v.MODP2048: "dh14", v.MODP3072: "dh15",
        v.MODP4096: "dh16",
    },
    suggestion=("aes128gcm16-prfsha256-x25519", "aes128ccm16"),
)  # fmt: skip


def write(fleet: Fleet, show_secret: bool = False) -> list[GatewayFile]:
    """`<name>.conf`, and for each device `<name>-<device>.secrets`, for /etc/ipsec.d; certificates of the ends that have some.

    Raises PlanError.
    """
    secrets = [
        GatewayFile(f"{plan.name}-{plan.device_name}.secrets", _secret(plan, show_secret), secret=show_secret)
        for plan in fleet.devices
        if "psk" in _methods(fleet) or fleet.first.config.ppk_id
    ]
    others = [file for file in ends.files(fleet, show_secret) if not file.name.endswith(".pub")]  # those stand in the connection
    return [GatewayFile(f"{fleet.name}.conf", _connection(fleet), shared=not fleet.exact), *others, *secrets]


def _secret(plan: Plan, show: bool) -> str:
    config = plan.config
    ids = f"{_id(plan.gateway_id)} {_id(config.local_id)}"
    text = f"# The secret of device {config.local_id}; keep this file readable by root alone (mode 600).\n"
    if config.psk:
        text += f"{ids} : PSK " + (f"0x{config.psk.hex()}" if show else f'"{placeholder(plan)}"') + "\n"
    if config.ppk_id:
        value = f"0x{config.ppk.hex()}" if show else f'"<the PPK of {plan.path.name}>"'
        text += f'{ids} : PPKS "{further.ppk_name(config, "libreswan")}" {value}\n'
    return text


def _connection(fleet: Fleet) -> str:
    (_, ike_out), (_, esp_out), right, *_ = together(
        lambda: WORDS.ike(fleet),
        lambda: WORDS.esp(fleet),
        lambda: _right(fleet),
        lambda: selectors.check(fleet, "libreswan", ipv4=False, several=True),
    )
    has_secret = "psk" in _methods(fleet) or fleet.first.config.ppk_id
    also = " and those with the secrets" if has_secret else ""
    lines = [
        f"# For {fleet.title}; settings are those of ipsec.conf(5).",
        f"# Put this file{also} into /etc/ipsec.d, then: ipsec restart",
        *_nss(fleet),
        *(f"# libreswan has no {name}: left out" for name in (*ike_out, *esp_out)),
        f"conn {fleet.name}",
        *_settings(fleet, fleet.theirs, right),
        *_more(fleet),
        *_network(fleet),
    ]
    return "\n".join(lines) + "\n"


def _settings(fleet: Fleet, theirs: list[Selector], right: list[str]) -> list[str]:
    """What stands in a connection: the networks behind the gateway are `theirs`, the device's side is `right`."""
    ike, esp = WORDS.ike(fleet)[0], WORDS.esp(fleet)[0]
    # An IKE suite names its PRF; with AES-CBC the integrity algorithm is the PRF's hash (ipsec.conf(5), ike=)
    ike_text = ",".join(v.unique(f"{s.encr}-{s.prf}-{s.group}" for s in ike))
    esp_text = ",".join(v.unique("-".join(v.unique((s.encr, s.integ))) for s in esp))
    esn = sorted({s.esn for s in esp})
    return [
        "    keyexchange=ikev2",
        *_authby(fleet),
        *_ppk(fleet),
        "    auto=add",
        f"    left={fleet.site['address'] or '%defaultroute'}",
        f"    leftid={_id(fleet.gateway_id)}",
        f"    leftsubnet={_subnet(theirs)}",
        "    right=%any",
        *_rightid(fleet),
        *right,
        f"    ike={ike_text}",
        f"    esp={esp_text}",
        f"    esn={'either' if len(esn) == 2 else 'yes' if esn[0] else 'no'}",
        "    # always ESP in UDP: the device has no raw IP sockets",
        "    encapsulation=yes",
        *_mobike(fleet),
        *_tcp(fleet),
        "    # no group in esp_proposals: the device offers no key exchange for Child SAs",
        "    pfs=no",
        "    # the device renews the keys itself",
        "    rekey=no",
        f"    ikelifetime={_lifetime(fleet)}s",
        f"    salifetime={_lifetime(fleet)}s",
        "    # remove devices that vanished",
        f"    dpddelay={max(30, fleet.config.dpd_s)}s",
        "    retransmit-timeout=60s",
    ]


def _methods(fleet: Fleet) -> tuple[str, str]:
    return fleet.gateway_auth, fleet.device_auth


def _authby(fleet: Fleet) -> list[str]:
    """How both ends prove themselves. Raises PlanError for keys that libreswan has not."""
    if _methods(fleet) == ("psk", "psk"):
        return ["    authby=secret"]
    words = [_word(fleet, end) for end in ("gateway", "device")]
    lines = [f"    authby={words[0]}"] if words[0] == words[1] else [f"    leftauth={words[0]}", f"    rightauth={words[1]}"]
    if "rsa-sha2" in words and "ecdsa" in words:
        lines = ["    authby=rsa-sha2,ecdsa"]
    for end, side, method in zip(("gateway", "device"), ("left", "right"), _methods(fleet), strict=True):
        if method == "cert":
            lines += _left_certificate(fleet) if side == "left" else [_rightca(fleet)]
        elif method == "key":
            if end == "gateway":
                lines.append("    # the gateway's own key, which must be in its NSS database: ipsec showhostkey --list")
            lines.append(f"    {side}ecdsakey={_point(_raw_key(fleet, end))}")
    return lines


def _raw_key(fleet: Fleet, end: str) -> keys.PublicKey:
    if end == "gateway":
        return read_keys.load_public(fleet.first.config.gateway_key)
    found = fleet.first.keys
    assert found and found.public
    return found.public


def _word(fleet: Fleet, end: str) -> str:
    """libreswan's word for how an end proves itself. Raises PlanError."""
    method = fleet.gateway_auth if end == "gateway" else fleet.device_auth
    if method == "psk":
        return "secret"
    if method == "key":
        kinds = {_raw_key(fleet, end).kind}
    elif end == "gateway":
        kinds = {_kind(c) for c in ends.gateway_chain(fleet)[:1]}
    else:
        kinds = {_kind(c) for plan in fleet.devices if plan.certificates for c in plan.certificates.chain[:1]}
    for kind in kinds:
        if kind == keys.ED25519 or method == "key" and kind != keys.P256:
            what = "raw keys on P-256" if method == "key" else "certificates of P-256, P-384 and RSA keys"
            text = f"libreswan takes {what}, but the {end}'s is {keys.NAMES[kind]}"
            how = "ipsec newhostkey --keytype ecdsa" if end == "gateway" else "ipsec-board provision --new-key p256"
            raise PlanError(text, f"make another there: {how}")
    return "rsa-sha2" if keys.RSA in kinds else "ecdsa"


def _kind(c: x509.Certificate) -> int:
    octets = certificates.spki(c)
    try:
        return keys.parse_spki(octets, 0, len(octets)).kind
    except AuthError as e:
        raise PlanError(f"{certificates.name_of(c)}: {e}", "have a certificate issued for another key") from e


def _left_certificate(fleet: Fleet) -> list[str]:
    return [f"    leftcert={fleet.name}-gateway", "    leftsendcert=always"]


def _rightca(fleet: Fleet) -> str:
    """The subject of the devices' authority, as libreswan reads it; it takes one for a connection."""
    roots = ends.device_roots(fleet)
    return f'    rightca="{certificates.name_of(roots[0])}"' if len(roots) == 1 else "    rightca=%any"


def _nss(fleet: Fleet) -> list[str]:
    """What brings certificates into NSS's database, where pluto looks for them."""
    lines, name = [], fleet.name
    if fleet.gateway_auth == "cert":
        issuers = [ends.issuer_name(fleet, i) for i in range(len(ends.issuers(fleet)))]
        own = f"{name}-gateway.key" if fleet.issued else "its private key"
        if not ends.gateway_chain(fleet):
            lines.append(f"# Import the gateway's key and certificate into NSS before that, under the name {name}-gateway.")
        else:
            more = "".join(f" -certfile {i}" for i in issuers)
            lines += [
                f"# Before that, of {name}-gateway.crt and {own}:",
                f"#   openssl pkcs12 -export -name {name}-gateway -inkey {name}-gateway.key -in {name}-gateway.crt{more}"
                " -out g.p12",
                "#   ipsec import g.p12; rm g.p12",
            ]
    if fleet.device_auth == "cert":
        lines.append("# And the authority of the devices' certificates, so that pluto trusts it:")
        roots = [ends.root_name(fleet, i) for i in range(len(ends.device_roots(fleet)))]
        nss = "certutil -A -d sql:/var/lib/ipsec/nss -t CT,,"
        lines += [f"#   {nss} -n {root.removesuffix('.crt')} -i {root}" for root in roots or ["THE-AUTHORITY.crt"]]
    return lines


def _mobike(fleet: Fleet) -> list[str]:
    """pluto is silent about MOBIKE unless it is told."""
    about = "    # a device whose address changes keeps its tunnel (RFC 4555)"
    return [about, "    mobike=yes"] if fleet.mobike else ["    mobike=no"]


def _tcp(fleet: Fleet) -> list[str]:
    """IKE and ESP in TCP (RFC 9329); the port is opened for all connections at once."""
    if not fleet.tcp:
        return []
    port = fleet.first.config.tcp_port
    about = f"    # in TCP, too: needs listen-tcp=yes in `config setup` of ipsec.conf, and TCP {port} let in and led to port 4500"
    return [about, f"    enable-tcp={'yes' if fleet.tcp == 'always' else 'fallback'}", "    tcp-remoteport=4500"]


def _ppk(fleet: Fleet) -> list[str]:
    config = fleet.first.config
    return [f"    ppk={'insist' if config.ppk_required else 'yes'}"] if config.ppk_id else []


def _point(key: keys.PublicKey) -> str:
    """X and Y in base64, as `ipsec showhostkey` prints them."""
    return "0s" + base64.b64encode(key.data).decode()


def _rightid(fleet: Fleet) -> list[str]:
    if fleet.exact:
        return [f"    rightid={_id(fleet.first.config.local_id)}"]
    if fleet.device_auth == "cert":
        return ["    # whoever has a certificate of that authority; the name in it is who it is", "    rightid=%fromcert"]
    return [
        "    # whoever has a secret: pluto looks for the one of the device's identity, so keep none without identities",
        "    rightid=%any",
    ]


def _network(fleet: Fleet) -> list[str]:
    hosts = ", ".join(fleet.inside_hosts)
    return [
        "# What else this machine needs, once:",
        "#   firewall: let UDP 500 and 4500 in (firewalld: firewall-cmd --permanent --add-service=ipsec)",
        "#   forwarding: sysctl -w net.ipv4.ip_forward=1 (and net.ipv6.conf.all.forwarding=1), and in /etc/sysctl.d;",
        "#     net.ipv4.conf.all.rp_filter=0 or 2, since what leaves the tunnel came in by another interface",
        f"#   a firewall that drops by default: let what is between {', '.join(fleet.protected)} and {hosts} through",
        f"#   routes: the hosts behind this gateway must reach {hosts} by way of it, unless it masquerades them",
    ]


def _right(fleet: Fleet) -> list[str]:
    if not fleet.pools:
        return [f"    rightsubnet={_subnet(fleet.own)}"]
    if fleet.first.behind:
        raise PlanError(
            f"libreswan assigns addresses or takes networks behind a device, not both; local_ts has {fleet.first.behind[0].text}",
            "set virtual_ip = [], and inner_address to an address of the device in local_ts",
        )
    if not all(s.is_plain for s in fleet.own):
        text = f"libreswan with a pool takes no protocol on the device's side, as {fleet.own[0].text} of local_ts wants"
        raise PlanError(text, "write protocol and port into remote_ts instead")
    ranges = ",".join("-".join(pool_range(p)) for p in fleet.pools)
    dns = [f'    modecfgdns="{" ".join(fleet.site["dns"])}"'] if fleet.site["dns"] else []
    return [f"    rightaddresspool={ranges}", *dns, "    narrowing=yes"]


def _more(fleet: Fleet) -> list[str]:
    """A connection for each further Child SA: pluto takes the one whose networks are asked for. Raises PlanError."""
    lines = []
    for n, (ours, theirs) in enumerate(fleet.more, 1):
        if fleet.pools and not all(s.is_plain for s in ours):
            text = f"libreswan with a pool takes no protocol on the device's side, as {ours[0].text} of more_ts, set {n}, wants"
            raise PlanError(text, "write protocol and port into its remote_ts instead")
        right = [f"    rightsubnet={_subnet(ours)}"] if ours and not fleet.pools else _right(fleet)
        lines += [
            f"# Set {n} of more_ts, a Child SA of its own under the same IKE SA: all but the networks must be as above.",
            f"conn {fleet.name}-more{n}",
            *(line for line in _settings(fleet, theirs, right) if not line.startswith("    #")),
        ]
    return lines


def _subnet(found: list[Selector]) -> str:
    """All selectors of one Child SA: `leftsubnets` would make a Child SA of each."""
    return ",".join(s.prefix + ("" if s.is_plain else f"/{s.name}" + (f"/{s.ports}" if s.has_ports else "")) for s in found)


def _lifetime(fleet: Fleet) -> int:
    return fleet.config.lifetime_s + fleet.config.lifetime_s // 10 + 60


def _id(text: str) -> str:
    kind, value = identity(text)
    if kind == "address":
        return value
    if kind == "keyid":
        return f"@#0x{value}"
    if kind == "dn":
        return f"@~{value}"
    return value if kind == "email" else f"@{value}"
