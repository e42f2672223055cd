"""A small authority of one's own, for whoever has none: a folder with `ca.key`, `ca.crt`, and what it issued for gateways.

It issues for keys that boards have made, and makes keys for gateways. There is no revocation and no list: to shut a device out,
take its connection from the gateway, or make another authority. Start reading at `Authority`.
"""

import datetime
import ipaddress
import os
import re
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID as Purpose
from ipsec import forms
from ipsec.ike.identity import encode

from ipsec_board.gateway import certificates, secret_file
from ipsec_board.gateway.plan import PlanError

_YEARS = {"ca": 30, "device": 10, "gateway": 10}
_BEGUN = datetime.timedelta(days=1)  # ago: clocks differ
_MAX_CN = 64  # RFC 5280, ub-common-name
_DN = 9
_ATTRIBUTES = {
    "CN": x509.NameOID.COMMON_NAME, "SERIALNUMBER": x509.NameOID.SERIAL_NUMBER, "C": x509.NameOID.COUNTRY_NAME,
    "L": x509.NameOID.LOCALITY_NAME, "ST": x509.NameOID.STATE_OR_PROVINCE_NAME, "STREET": x509.NameOID.STREET_ADDRESS,
    "O": x509.NameOID.ORGANIZATION_NAME, "OU": x509.NameOID.ORGANIZATIONAL_UNIT_NAME, "T": x509.NameOID.TITLE,
    "DC": x509.NameOID.DOMAIN_COMPONENT, "UID": x509.NameOID.USER_ID, "E": x509.NameOID.EMAIL_ADDRESS,
}  # fmt: skip
_PURPOSES = {
    "device": [Purpose.CLIENT_AUTH, Purpose.IPSEC_IKE],
    "gateway": [Purpose.SERVER_AUTH, Purpose.IPSEC_IKE],
}


def subject_of(identity: str) -> tuple[x509.Name, x509.GeneralName | None]:
    """Subject and subjectAltName of a certificate for an identity as `local_id` has it; a DN needs no other name.

    Raises PlanError.
    """
    kind, data = encode(identity)[0], encode(identity)[4:]
    if kind == _DN:
        return _name(identity, data), None
    text = identity
    if kind in (1, 5):
        name: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(data))
    elif kind in (2, 3):
        text = data.decode()
        name = x509.DNSName(text) if kind == 2 else x509.RFC822Name(text)
    else:
        raise PlanError(f"no certificate can hold the key ID {identity!r}", "take a host name, a mail address or an IP address")
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text[:_MAX_CN])]), name


def _name(identity: str, der: bytes) -> x509.Name:
    names = {forms._OIDS[short]: oid for short, oid in _ATTRIBUTES.items()}
    try:
        found = x509.Name([x509.NameAttribute(names[oid], value) for oid, value in forms._parse_dn(der)])
        if found.public_bytes() == der:
            return found
    except (ValueError, KeyError, IndexError):
        pass
    raise PlanError(
        f"the desk cannot write {identity!r} as the subject of a certificate", "take a host name, or another authority"
    )


class Authority:
    """The authority in a folder; `certificate` is its own."""

    def __init__(self, folder: Path, key, certificate: x509.Certificate):
        self.folder, self.certificate, self._key = folder, certificate, key

    @classmethod
    def open(cls, folder: Path) -> tuple["Authority", bool]:
        """The authority in a folder, and whether it was made just now. Raises PlanError."""
        own, place = folder / "ca.key", folder / "ca.crt"
        if own.exists() and place.exists():
            return cls._load(folder, own, place), False
        if own.exists() or place.exists():
            missing = place if own.exists() else own
            raise PlanError(f"{missing} is not there, though its other half is", "restore it, or name a new folder with --ca")
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"ipsec-board {os.urandom(4).hex()}")])
        made = cls(folder, key, None)  # type: ignore[arg-type]
        builder = made._builder(name, name, key.public_key(), "ca")
        builder = builder.add_extension(x509.BasicConstraints(True, 0), critical=True)
        made.certificate = made._sign(builder.add_extension(_usage("ca"), critical=True))
        try:
            folder.mkdir(parents=True, exist_ok=True)
            secret_file.create(own, pem(key))
            place.write_text(certificates.text([made.certificate]))
        except OSError as e:
            raise PlanError(f"{folder} cannot be written ({e.strerror})", "name a folder of yours with --ca") from e
        return made, True

    @classmethod
    def _load(cls, folder: Path, own: Path, place: Path) -> "Authority":
        try:
            key = load_pem_private_key(own.read_bytes(), None)
            [certificate] = x509.load_pem_x509_certificates(place.read_bytes())
        except (OSError, ValueError, TypeError) as e:
            raise PlanError(
                f"{own} and {place} are no authority's key and certificate ({e})", "restore them, or name a new folder"
            ) from e
        made = cls(folder, key, certificate)
        if certificates.spki(certificate) != _spki(key) or not certificates.is_authority(certificate):
            raise PlanError(
                f"{place} is not the certificate of an authority with the key {own}", "restore them, or name a new folder"
            )
        if certificate.not_valid_after_utc <= datetime.datetime.now(datetime.UTC):
            raise PlanError(f"{place} has ended", "name a new folder with --ca, and provision the devices again")
        return made

    def issue(self, identity: str, public, kind: str = "device") -> x509.Certificate:
        """A certificate of the kind "device" or "gateway" for a public key. Raises PlanError."""
        subject, other = subject_of(identity)
        builder = self._builder(subject, self.certificate.subject, public, kind)
        builder = builder.add_extension(x509.BasicConstraints(False, None), critical=True)
        builder = builder.add_extension(_usage(kind), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage(_PURPOSES[kind]), critical=False)
        if other is not None:
            builder = builder.add_extension(x509.SubjectAlternativeName([other]), critical=False)
        above = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        return self._sign(builder.add_extension(above, critical=False))

    def gateway(self, identity: str) -> tuple[str, str]:
        """Private key and certificate of the gateway with this identity, PEM; made once. Raises PlanError."""
        stem = "gateway-" + (re.sub(r"[^a-z0-9]+", "-", identity.lower()).strip("-") or "gateway")
        own, place = self.folder / f"{stem}.key", self.folder / f"{stem}.crt"
        if own.exists() and place.exists():
            return own.read_text(), place.read_text()
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = certificates.text([self.issue(identity, key.public_key(), "gateway")])
        try:
            own.unlink(missing_ok=True)
            secret_file.create(own, pem(key))
            place.write_text(certificate)
        except OSError as e:
            raise PlanError(f"{self.folder} cannot be written ({e.strerror})", "name a folder of yours with --ca") from e
        return pem(key), certificate

    def _builder(self, subject: x509.Name, issuer: x509.Name, public, kind: str) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        end = now + datetime.timedelta(days=365 * _YEARS[kind])
        if kind != "ca":
            end = min(end, self.certificate.not_valid_after_utc)
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public)
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - _BEGUN).not_valid_after(end)
        return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)

    def _sign(self, builder: x509.CertificateBuilder) -> x509.Certificate:
        return builder.sign(self._key, None if isinstance(self._key, ed25519.Ed25519PrivateKey) else hashes.SHA256())


def _usage(kind: str) -> x509.KeyUsage:
    ca = kind == "ca"
    return x509.KeyUsage(not ca, False, False, False, False, ca, ca, False, False)


def _spki(key) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def pem(key) -> str:
    """PKCS #8 in PEM."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
