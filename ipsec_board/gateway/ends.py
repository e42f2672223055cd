"""Keys and certificates of both ends, as files for a gateway.

Start reading at `files`.
"""

import dataclasses

from cryptography import x509
from ipsec.ike.auth.read_keys import load_public

from ipsec_board.gateway import certificates, raw_keys
from ipsec_board.gateway.authority import Authority
from ipsec_board.gateway.fleet import Fleet
from ipsec_board.gateway.text import GatewayFile


def with_gateway(fleet: Fleet, issuer: Authority) -> Fleet:
    """The same with a certificate for the gateway, if the devices trust this authority and it has no other one.

    Raises PlanError.
    """
    found = fleet.first.certificates
    if fleet.gateway_auth != "cert" or found is None or found.gateway or issuer.certificate not in found.anchors:
        return fleet
    return dataclasses.replace(fleet, issued=issuer.gateway(fleet.gateway_id))


def gateway_chain(fleet: Fleet) -> list[x509.Certificate]:
    """The gateway's certificate and those of its issuers; empty where the desk does not know them."""
    if fleet.issued:
        return x509.load_pem_x509_certificates(fleet.issued[1].encode())
    found = fleet.first.certificates
    return list(found.gateway) if found else []


def device_roots(fleet: Fleet) -> list[x509.Certificate]:
    """The authorities that the devices' certificates lead to; empty where the desk knows not all of them."""
    found = [plan.certificates.root if plan.certificates else None for plan in fleet.devices]
    return [] if None in found else list(dict.fromkeys(root for root in found if root))


def files(fleet: Fleet, show_secret: bool) -> list[GatewayFile]:
    """Public keys, certificates and, where it was made here, the gateway's private key."""
    found, keys = [], fleet.first.keys
    if fleet.gateway_auth == "key":
        pinned = load_public(fleet.first.config.gateway_key)
        found.append(GatewayFile(f"{fleet.name}-gateway.pub", raw_keys.pem(pinned)))
    if fleet.device_auth == "key" and keys and keys.public:
        found.append(GatewayFile(f"{fleet.name}-device.pub", raw_keys.pem(keys.public)))
    if fleet.gateway_auth == "cert":
        chain = gateway_chain(fleet)
        if chain:
            found.append(GatewayFile(f"{fleet.name}-gateway.crt", certificates.text(chain[:1])))
        if fleet.issued and show_secret:
            found.append(GatewayFile(f"{fleet.name}-gateway.key", fleet.issued[0], secret=True))
        found += [GatewayFile(issuer_name(fleet, i), certificates.text([c])) for i, c in enumerate(issuers(fleet))]
    if fleet.device_auth == "cert":
        roots = device_roots(fleet)
        found += [GatewayFile(root_name(fleet, i), certificates.text([c])) for i, c in enumerate(roots)]
    return found


def issuers(fleet: Fleet) -> list[x509.Certificate]:
    """What the gateway sends besides its own certificate: those between it and the root."""
    return [c for c in gateway_chain(fleet)[1:] if not certificates.is_issued_by(c, c)]


def issuer_name(fleet: Fleet, number: int) -> str:
    """File of one of `issuers`."""
    return f"{fleet.name}-issuer{number or ''}.crt"


def root_name(fleet: Fleet, number: int) -> str:
    """File of one of `device_roots`."""
    return f"{fleet.name}-device-ca{number or ''}.crt"
