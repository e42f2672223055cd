"""Azure VPN Gateway: PowerShell for a route-based connection with an IPsec/IKE policy of its own.

Azure is built for sites: over a connection of this kind it assigns no addresses, and a policy holds one suite.
Start reading at `write`.
"""

import functools
import re

from cryptography.x509.oid import NameOID

from ipsec_board.gateway import checks, clouds, ends, methods, selectors
from ipsec_board.gateway import vocabulary as v
from ipsec_board.gateway.checks import together
from ipsec_board.gateway.fleet import Fleet
from ipsec_board.gateway.plan import Plan, PlanError
from ipsec_board.gateway.text import GatewayFile, Sheet, lifetime_s, placeholder

_POLICY = 'Azure VPN Gateway documentation", "Configure custom IPsec/IKE connection policies for S2S VPN and VNet-to-VNet'
_CERT = 'Azure VPN Gateway documentation", "Configure a site-to-site VPN gateway certificate authentication connection'
_PS = "Azure PowerShell reference, Az.Network"
_MAIN_MODE_S = 28800  # Azure's lifetime of IKE SAs, which cannot be changed
_WORDS = v.Vocabulary(
    vendor="Azure",
    ike_encr={v.CBC128: "AES128", v.CBC192: "AES192", v.CBC256: "AES256"},
    esp_encr={
        v.CBC128: "AES128", v.CBC192: "AES192", v.CBC256: "AES256", v.GCM128: "GCMAES128", v.GCM192: "GCMAES192",
        v.GCM256: "GCMAES256",
    },
    integ={v.SHA256: "SHA256", v.SHA384: "SHA384"},
    esp_integ={v.SHA256: "SHA256"},
    prf={v.PRF256: "SHA256", v.PRF384: "SHA384"},
    group={v.ECP256: "ECP256", v.ECP384: "ECP384", v.MODP2048: "DHGroup14"},
    esn=False,
)


def write(fleet: Fleet, show_secret: bool = False) -> list[GatewayFile]:
    """`<name>-<device>.ps1` for each device; resource group, location and gateway are variables at its head. Raises PlanError."""
    devices = together(*(functools.partial(_device, fleet, plan, show_secret) for plan in fleet.devices))
    return [*ends.files(fleet, show_secret), *devices]


def _device(fleet: Fleet, plan: Plan, show_secret: bool) -> GatewayFile:
    (ike, ike_out), (esp, esp_out), *_ = together(
        lambda: _WORDS.ike(plan),
        lambda: _WORDS.esp(plan),
        lambda: selectors.check(plan, "Azure", instead="let a network security group tell protocols and ports apart"),
        lambda: lifetime_s(plan, _MAIN_MODE_S),
        lambda: clouds.check_addresses(plan, "Azure", "over a site-to-site connection"),
        lambda: clouds.check_identity(plan, "Azure", "needs the device's public address"),
        lambda: _check_psk(plan),
    )
    n, prefixes = f"{plan.name}-{plan.device_name}", ", ".join(f"'{p}'" for p in plan.inside_hosts)
    with_psk = plan.config.auth == "psk"
    psk = plan.config.psk.decode() if show_secret and with_psk else placeholder(plan)
    sheet = Sheet("#", f"Azure VPN Gateway for device {plan.config.local_id}").left_out(ike_out, esp_out)
    if len(ike) > 1 or len(esp) > 1:
        sheet.note("A policy holds one suite: the first of the device's that Azure has is taken.")
    sheet.put("$group = 'RESOURCE-GROUP'; $location = 'LOCATION'; $gateway = 'VNET-GATEWAY'")
    sheet.source(_PS, "New-AzLocalNetworkGateway")
    sheet.put(f"$site = New-AzLocalNetworkGateway -Name '{n}' -ResourceGroupName $group -Location $location `")
    sheet.put(f"    -GatewayIpAddress '{plan.site['peer_address']}' -AddressPrefix {prefixes}")
    sheet.source(_POLICY, f'"Supported algorithms and key strengths"; {_PS}, New-AzIpsecPolicy')
    sheet.note("A policy needs a gateway of another SKU than Basic.")
    sheet.note("Azure's portal offers AES-GCM for IKE too, this cmdlet refuses it: Azure/azure-powershell, issue 28945.")
    integ = esp[0].integ or esp[0].encr  # with AES-GCM both fields name the same algorithm
    sheet.put(f"$policy = New-AzIpsecPolicy -IkeEncryption {ike[0].encr} -IkeIntegrity {ike[0].prf} -DhGroup {ike[0].group} `")
    sheet.put(f"    -IpsecEncryption {esp[0].encr} -IpsecIntegrity {integ} -PfsGroup None `")
    sheet.put(f"    -SALifeTimeSeconds {lifetime_s(plan, _MAIN_MODE_S)}")
    sheet.source(_PS, "New-AzVirtualNetworkGatewayConnection; Azure SDK for .NET, VirtualNetworkGatewayConnectionMode")
    sheet.note("Not confirmed: how Azure compares the device's identity.")
    sheet.note("Azure's side of the selectors is the virtual network's address space, in which these must lie:", *plan.protected)
    if not with_psk:
        _certificates(sheet, fleet, plan)
    sheet.put("$vnet = Get-AzVirtualNetworkGateway -Name $gateway -ResourceGroupName $group")
    sheet.put(f"New-AzVirtualNetworkGatewayConnection -Name '{n}' -ResourceGroupName $group -Location $location `")
    sheet.put("    -VirtualNetworkGateway1 $vnet -LocalNetworkGateway2 $site -ConnectionType IPsec -ConnectionProtocol IKEv2 `")
    sheet.put("    -ConnectionMode ResponderOnly -UsePolicyBasedTrafficSelectors $true `")
    proof = f"-SharedKey '{psk}'" if with_psk else "-AuthenticationType Certificate -CertificateAuthentication $auth"
    sheet.put(f"    -IpsecPolicies $policy {proof}")
    sheet.note("Not confirmed: Azure identifies itself by its public address.", "Make that the device's gateway and remote_id.")
    return GatewayFile(f"{n}.ps1", sheet.text, secret=show_secret and with_psk)


def _certificates(sheet: Sheet, fleet: Fleet, plan: Plan) -> None:
    """What Azure shows of itself, from its Key Vault, and what it trusts of the device."""
    sheet.source(_CERT, f"PowerShell; {_PS}, New-AzVirtualNetworkGatewayCertificateAuthentication")
    sheet.note("Not confirmed: ECDSA certificates; a chain that is the root alone; the identity that Azure compares and shows.")
    methods.explain(sheet, fleet)
    sheet.note("Import the gateway's as PKCS #12 into a Key Vault which a user-assigned identity of the VPN gateway may read.")
    assert plan.certificates
    chain = [*plan.certificates.chain[1:], *([plan.certificates.root] if plan.certificates.root else [])]
    texts = ", ".join(f"'{methods.base64_lines(c)}'" for c in dict.fromkeys(chain)) or "'THE-AUTHORITY-IN-BASE64'"
    names = plan.certificates.chain[0].subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    sheet.put("$auth = New-AzVirtualNetworkGatewayCertificateAuthentication `")
    sheet.put(f"    -OutboundAuthCertificate 'https://VAULT.vault.azure.net/certificates/{methods.own_name(fleet)}/VERSION' `")
    subject = str(names[0].value) if names else plan.config.local_id
    sheet.put(f"    -InboundAuthCertificateSubjectName '{subject}' `")
    sheet.put(f"    -InboundAuthCertificateChain @({texts})")


def _check_psk(plan: Plan) -> None:
    if plan.config.auth != "psk":
        return
    # Azure's VPN Gateway FAQ: printable ASCII without space, - and ~; a ' would end PowerShell's string; 128 is not confirmed
    if not re.fullmatch(rb"[\x21-\x26\x28-\x2c\x2e-\x7d]{1,128}", plan.config.psk):
        raise PlanError(
            f"{plan.path}: Azure takes a PSK of printable characters without space, - and ~, here up to 128 and without '",
            checks.as_text(plan.secret_file, plan.path),
        )
