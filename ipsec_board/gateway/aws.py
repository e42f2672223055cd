"""AWS Site-to-Site VPN: options of the connection and the commands of the AWS CLI.

AWS is built for sites: it assigns no addresses, and with a PSK it wants the peer's fixed public address as identity.
Start reading at `write`.
"""

import functools
import json
import re

from ipsec_board.gateway import checks, clouds, selectors
from ipsec_board.gateway import vocabulary as v
from ipsec_board.gateway.checks import together
from ipsec_board.gateway.fleet import Fleet
from ipsec_board.gateway.plan import Plan, PlanError
from ipsec_board.gateway.text import GatewayFile, Sheet, lifetime_s, placeholder

_TUNNEL = 'AWS Site-to-Site VPN User Guide", "Tunnel options for your Site-to-Site VPN connection'
_CGW = 'AWS Site-to-Site VPN User Guide", "Customer gateway options for your Site-to-Site VPN connection'
_AUTH = 'AWS Site-to-Site VPN User Guide", "Site-to-Site VPN tunnel authentication options'
_API = "Amazon EC2 API Reference"
_ENCR = {v.CBC128: "AES128", v.CBC256: "AES256", v.GCM128: "AES128-GCM-16", v.GCM256: "AES256-GCM-16"}
_WORDS = v.Vocabulary(
    vendor="AWS",
    ike_encr=_ENCR,
    esp_encr=_ENCR,
    integ={v.SHA256: "SHA2-256", v.SHA384: "SHA2-384", v.SHA512: "SHA2-512"},
    prf={v.PRF256: "SHA2-256", v.PRF384: "SHA2-384", v.PRF512: "SHA2-512"},
    group={v.ECP256: "19", v.ECP384: "20", v.ECP521: "21", v.MODP2048: "14", v.MODP3072: "15", v.MODP4096: "16"},
    esn=False,
)
_PHASE2_S = 3600  # the highest that AWS takes; it rekeys up to 1080 s earlier (margin 540 s, fuzz 100 %)
_PSK = re.compile(rb"[A-Za-z1-9._][A-Za-z0-9._]{7,63}")


def write(fleet: Fleet, show_secret: bool = False) -> list[GatewayFile]:
    """For each device `<name>-<device>-options.json` for the AWS CLI, and `.txt` with the commands. Raises PlanError."""
    written = together(*(functools.partial(_device, plan, show_secret) for plan in fleet.devices))
    return [file for files in written for file in files]


def _device(plan: Plan, show_secret: bool) -> list[GatewayFile]:
    theirs, own, (ike, ike_out), (esp, esp_out), *_ = together(
        lambda: selectors.single(plan.protected, "remote_ts", "AWS"),
        lambda: selectors.single(plan.inside_hosts, plan.own_option, "AWS"),
        lambda: _WORDS.ike(plan),
        lambda: _WORDS.esp(plan),
        lambda: selectors.check(plan, "AWS", instead="let a security group or a network ACL tell protocols and ports apart"),
        lambda: lifetime_s(plan, _PHASE2_S),
        lambda: clouds.check_addresses(plan, "AWS", "inside"),
        lambda: _check_key(plan),
    )
    n = f"{plan.name}-{plan.device_name}"
    options = {
        "StaticRoutesOnly": True,
        "LocalIpv4NetworkCidr": own,  # AWS calls the customer's side local
        "RemoteIpv4NetworkCidr": theirs,
        "TunnelOptions": [_tunnel(plan, ike, esp, show_secret)],
    }
    sheet = Sheet("#", f"AWS Site-to-Site VPN for device {plan.config.local_id}").left_out(ike_out, esp_out)
    sheet.note("vgw-ID is your virtual private gateway, cgw-ID what the first command prints.")
    if plan.config.auth == "cert":
        _certificates(sheet, plan)
    else:
        sheet.source(_CGW, f"address and ASN; {_API}, CreateCustomerGateway")
        sheet.note("The address must be static, with NAT the NAT device's; an ASN is wanted even without BGP.")
        sheet.note("Not confirmed: the AWS CLI's own pages; its options are spelled after the API's parameters.")
        sheet.put(f"aws ec2 create-customer-gateway --type ipsec.1 --ip-address {plan.site['peer_address']} --bgp-asn 65000")
    sheet.source(_API, "CreateVpnConnection, VpnConnectionOptionsSpecification")
    sheet.put("aws ec2 create-vpn-connection --type ipsec.1 --customer-gateway-id cgw-ID --vpn-gateway-id vgw-ID \\")
    sheet.put(f"    --options file://{n}-options.json")
    sheet.source(_API, "CreateVpnConnectionRoute")
    sheet.put(f"aws ec2 create-vpn-connection-route --vpn-connection-id vpn-ID --destination-cidr-block {own}")
    sheet.source(_TUNNEL, f"and {_API}, VpnTunnelOptionsSpecification: all of the options file, the PSK's characters")
    sheet.note("Not confirmed: that one entry in TunnelOptions is enough (AWS makes two tunnels, the device uses the first);")
    sheet.note("that with AES-GCM the integrity algorithm of phase 1 is the PRF; how AWS compares the device's identity.")
    sheet.note("Not confirmed: AWS identifies itself by the tunnel's outside address.")
    sheet.note("Make that address the device's gateway and remote_id.")
    text = json.dumps(options, indent=2) + "\n"
    holds_key = show_secret and bool(plan.config.psk)
    return [GatewayFile(f"{n}-options.json", text, secret=holds_key), GatewayFile(f"{n}.txt", sheet.text)]


def _certificates(sheet: Sheet, plan: Plan) -> None:
    """AWS signs with a private certificate of its own, and trusts the devices of one authority in AWS Private CA."""
    sheet.source(_AUTH, f'"Private certificate from AWS Private CA"; {_API}, CreateCustomerGateway')
    sheet.note("Not confirmed: the AWS CLI's own pages; which identity AWS wants and shows; its signatures' hash.")
    sheet.note("An authority in AWS Private CA issues for the device: `ipsec-board provision` has the board sign a request,")
    request = plan.path.with_suffix(".csr").name
    sheet.note(f"{request}; put its answer, with the authority's certificate, into cert_file.")
    sheet.note("CA-ARN is that authority, CERTIFICATE-ARN a private certificate of it in ACM, which the customer gateway names:")
    sheet.note("any certificate of that authority is taken from the device. ca_file is what AWS's own certificate comes from.")
    sheet.put(f"aws acm-pca issue-certificate --certificate-authority-arn CA-ARN --csr fileb://{request} \\")
    sheet.put("    --signing-algorithm SHA256WITHECDSA --validity Value=365,Type=DAYS")
    sheet.put("aws ec2 create-customer-gateway --type ipsec.1 --certificate-arn CERTIFICATE-ARN --bgp-asn 65000")


def _tunnel(plan: Plan, ike: list[v.IkeWords], esp: list[v.EspWords], show: bool) -> dict:
    def values(words) -> list[dict]:
        return [{"Value": w} for w in v.unique(words)]

    psk = {"PreSharedKey": plan.config.psk.decode() if show else placeholder(plan)} if plan.config.auth == "psk" else {}
    return {
        "IKEVersions": [{"Value": "ikev2"}],
        **psk,
        "Phase1EncryptionAlgorithms": values(s.encr for s in ike),
        "Phase1IntegrityAlgorithms": values(s.prf for s in ike),
        "Phase1DHGroupNumbers": [{"Value": int(g)} for g in v.unique(s.group for s in ike)],
        "Phase2EncryptionAlgorithms": values(s.encr for s in esp),
        "Phase2IntegrityAlgorithms": values([s.integ or "SHA2-256" for s in esp]),
        "Phase1LifetimeSeconds": 28800,
        "Phase2LifetimeSeconds": _PHASE2_S,
        "DPDTimeoutSeconds": max(30, plan.config.dpd_s),
        "DPDTimeoutAction": "clear",
        "StartupAction": "add",
    }


def _check_key(plan: Plan) -> None:
    if plan.config.auth != "psk":
        return
    together(
        lambda: clouds.check_identity(plan, "AWS", "with a PSK needs the device's public address"),
        lambda: _check_psk(plan),
    )


def _check_psk(plan: Plan) -> None:
    if not _PSK.fullmatch(plan.config.psk):
        raise PlanError(
            f"{plan.path}: AWS takes a PSK of 8 to 64 letters, digits, . and _ that does not begin with 0",
            checks.as_text(plan.secret_file, plan.path),
        )
