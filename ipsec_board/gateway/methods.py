"""How a vendor's gateway takes certificates and EAP: which methods it has, which words for their keys, which files go there.

Rules: what a vendor cannot do is refused with what to use instead; no vendor but strongSwan and libreswan is known to take raw
public keys or Ed25519. Start reading at `check`.
"""

import functools

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from ipsec_board.gateway import certificates, ends
from ipsec_board.gateway.checks import together
from ipsec_board.gateway.fleet import Fleet
from ipsec_board.gateway.plan import Plan, PlanError
from ipsec_board.gateway.text import Sheet

_PSK, _CERT, _MIXED = ("psk", "psk"), ("cert", "cert"), ("psk", "cert")
# What each kind of gateway has, as (the device's method, the gateway's); None: all
_KNOWN: dict[str, tuple | None] = {
    "strongswan": None,
    "libreswan": None,
    "routeros": (_PSK, _CERT, ("eap", "cert")),
    "iosxe": (_PSK, _CERT, _MIXED, ("cert", "psk"), ("eap", "cert")),
    "junos": (_PSK, _CERT),
    "fortigate": (_PSK, _CERT, ("eap", "cert")),
    "pfsense": (_PSK, _CERT, ("eap", "cert")),
    "aws": (_PSK, _CERT),
    "azure": (_PSK, _CERT),
}
_INSTEAD = {
    "key": 'use auth = "cert" with this gateway (`ipsec-board provision --ca ca` makes an authority for it), or auth = "psk"',
    "eap": 'use auth = "cert" with this gateway, or auth = "psk"; strongSwan, RouterOS, IOS XE, FortiOS and pfSense have it',
    "mixed": "leave out remote_auth, so that both ends do it the same way; strongSwan, libreswan and IOS XE have different ones",
}


def check(kind: str, vendor: str, fleet: Fleet) -> None:
    """Whether this kind of gateway takes how both ends prove themselves, and whether that is known. Raises PlanError."""
    methods, is_foreign = (fleet.device_auth, fleet.gateway_auth), _KNOWN[kind] is not None
    if fleet.first.config.ppk_id and is_foreign:
        text = f"{vendor}: nothing is written for post-quantum pre-shared keys (RFC 8784)"
        raise PlanError(text, "remove ppk_id for the text of the rest, and add the key there by that vendor's document")
    check_pair(kind, vendor, methods)
    together(*(functools.partial(_check_device, kind, fleet, plan) for plan in fleet.devices))
    if is_foreign and "cert" in methods:
        _check_keys(vendor, fleet)


def check_pair(kind: str, vendor: str, methods: tuple[str, str]) -> None:
    """Whether this kind of gateway takes this method of a device beside that one of its own. Raises PlanError."""
    known = _KNOWN[kind]
    if methods[0] == "eap" and kind == "libreswan":
        text = f"{vendor} has EAP-TLS alone, no EAP-MSCHAPv2, as far as is known"
        raise PlanError(text, _INSTEAD["eap"])
    if known is not None and methods not in known:
        if methods == ("eap", "key"):
            text = f"{vendor} takes EAP-MSCHAPv2 behind a certificate of its own, not behind a raw public key, as far as is known"
            raise PlanError(text, "name the authority of the gateway's certificate as ca_file in place of gateway_key")
        if "key" in methods:
            raise PlanError(f"{vendor} takes no raw public keys as far as is known", _INSTEAD["key"])
        if methods[0] == "eap":
            raise PlanError(f"{vendor} has no EAP-MSCHAPv2 for such a tunnel as far as is known", _INSTEAD["eap"])
        text = f'{vendor}: nothing is written for a device with "{methods[0]}" and a gateway with "{methods[1]}"'
        raise PlanError(text, _INSTEAD["mixed"])


def _check_device(kind: str, fleet: Fleet, plan: Plan) -> None:
    if plan.has_raw_key and plan.keys and plan.keys.public is None:
        remedy = f"provision the board first: `ipsec-board provision {plan.path}` has it make a key"
        raise PlanError(f"{plan.path}: the device's public key is not known yet", remedy)
    # AWS wants its own authority to issue the device's certificate: the text tells how
    if fleet.device_auth == "cert" and kind != "aws" and not (plan.certificates and plan.certificates.chain):
        remedy = f"provision the board first: `ipsec-board provision {plan.path}`, with --ca or your authority's answer"
        raise PlanError(f"{plan.path}: the device's certificate is not there yet", remedy)


def _check_keys(vendor: str, fleet: Fleet) -> None:
    found = [("the gateway's", c) for c in ends.gateway_chain(fleet)[:1] if fleet.gateway_auth == "cert"]
    if fleet.device_auth == "cert":
        found += [(f"{p.path}: the device's", c) for p in fleet.devices if p.certificates for c in p.certificates.chain[:1]]
    for whose, c in found:
        if word(c, "ecdsa", "rsa", "") == "":
            text = f"{whose} certificate is for an Ed25519 key, which {vendor} is not known to take"
            raise PlanError(text, "have one issued for a P-256 key: ipsec-board provision --new-key p256")


def word(c: x509.Certificate, ecdsa: str, of_rsa: str, other: str = "") -> str:
    """What a vendor calls signatures by this certificate's key."""
    key = c.public_key()
    return of_rsa if isinstance(key, rsa.RSAPublicKey) else ecdsa if hasattr(key, "curve") else other


def gateway_word(fleet: Fleet, ecdsa: str, of_rsa: str) -> str:
    """The same for the gateway's; ECDSA, which is what to take, where none is known."""
    chain = ends.gateway_chain(fleet)
    return word(chain[0], ecdsa, of_rsa) if chain else ecdsa


def device_word(fleet: Fleet, ecdsa: str, of_rsa: str) -> str:
    """The same for the devices'."""
    chains = [p.certificates.chain for p in fleet.devices if p.certificates and p.certificates.chain]
    return word(chains[0][0], ecdsa, of_rsa) if chains else ecdsa


def own_name(fleet: Fleet) -> str:
    """What the gateway's certificate is called there, and its file without the ending."""
    return f"{fleet.name}-gateway"


def root_names(fleet: Fleet) -> list[str]:
    """The same for the authorities of the devices' certificates; one stands for those that the desk does not know."""
    return [ends.root_name(fleet, i).removesuffix(".crt") for i in range(len(ends.device_roots(fleet)))] or [
        f"{fleet.name}-device-ca"
    ]


def explain(sheet: Sheet, fleet: Fleet) -> None:
    """Which files go to the gateway, and what its certificate must be like."""
    own = own_name(fleet)
    if fleet.gateway_auth == "cert":
        issuers = [ends.issuer_name(fleet, i) for i in range(len(ends.issuers(fleet)))]
        if fleet.issued:
            more = "".join(f" -certfile {i}" for i in issuers)
            sheet.note(f"{own}.crt and {own}.key are the gateway's, written beside this file; as PKCS #12:")
            sheet.note(f"  openssl pkcs12 -export -inkey {own}.key -in {own}.crt{more} -out {own}.p12")
        elif ends.gateway_chain(fleet):
            sheet.note(f"{', '.join([own + '.crt', *issuers])}: the gateway's certificate; its private key is yours to keep.")
        else:
            sheet.note(f"{own}: the gateway's certificate, which the desk does not know, with {fleet.gateway_id} as")
            sheet.note("subjectAltName, digitalSignature in its keyUsage, on P-256 or P-384: many gateways sign by RSA over")
            sheet.note("SHA-1, which the device refuses. gateway_cert in [site] has it checked; --ca issues one.")
    if fleet.device_auth == "cert":
        known = ends.device_roots(fleet)
        files = ", ".join(f"{name}.crt" for name in root_names(fleet))
        sheet.note(f"{files}: the authority of the devices' certificates" + ("." if known else ", which the desk does not know."))


def base64_lines(c: x509.Certificate) -> str:
    """The certificate's octets in base64 on one line, without PEM's own lines."""
    return "".join(certificates.text([c]).split("-----")[2].split())


def pem(c: x509.Certificate) -> str:
    """The certificate in PEM, without the last end of a line."""
    return c.public_bytes(Encoding.PEM).decode().strip()
