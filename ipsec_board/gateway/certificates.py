"""Certificates at the desk: the device's own with its issuers, the authorities of the gateway's, perhaps the gateway's own.

Files hold PEM, DER or PKCS #7; certificates in any order. Signatures are checked by `cryptography`, everything else about the
gateway's side by the library's own rules, so that what the desk accepts the device accepts, too.
Start reading at `read`.
"""

import datetime
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, pkcs7
from ipsec.errors import AuthError, ConfigError
from ipsec.ike.auth import cert, read_certs
from ipsec.ike.auth.path import Moment, check_leaf, check_path
from ipsec.ike.auth.x509 import Certificate
from ipsec.ike.identity import encode

from ipsec_board.gateway import key_files
from ipsec_board.gateway.checks import Reasons, line

_MOST_OURS = 4  # certificates that a device sends
_SOON = datetime.timedelta(days=30)
_BEGIN = b"-----BEGIN "
REQUEST = "`ipsec-board provision {0}` has the board sign a request for one; with --ca DIR the desk issues it"


@dataclass(frozen=True)
class Certificates:
    """What is known: `chain` is the device's certificate and its issuers', `anchors` whom the gateway's may come from, `gateway`
    its own and the issuers of that; each empty for none. `place` is the file of the chain, None without auth "cert".
    """

    chain: tuple[x509.Certificate, ...] = ()
    root: x509.Certificate | None = None  # of the chain, where it is known
    anchors: tuple[x509.Certificate, ...] = ()
    gateway: tuple[x509.Certificate, ...] = ()
    place: Path | None = None
    warnings: tuple[str, ...] = ()

    @property
    def request(self) -> str:
        """What CERTREQ names: SHA-1 of each authority's SubjectPublicKeyInfo (RFC 7296 3.7), as digits."""
        return "".join(hashlib.sha1(spki(c)).hexdigest() for c in self.anchors)


def read(
    path: Path, options: dict, methods: tuple[str, str], given_file: object, public: bytes, reasons: Reasons
) -> Certificates:
    """The certificates that a provisioning file names; what is wrong goes to `reasons`.

    `methods` are the device's and the gateway's, `given_file` is [site] gateway_cert; `public` the device's SubjectPublicKeyInfo,
    empty where it is not known yet.
    """
    anchors, gateway, warnings = [], [], list[str]()
    auth, theirs = methods
    if theirs == "cert":
        if not options.get("gateway_key"):
            anchors = _anchors(path, options, reasons, warnings)
        if given_file:
            gateway = _gateway(path, str(given_file), anchors, options, reasons, warnings)
    chain: list[x509.Certificate] = []
    root, place = None, None
    if auth == "cert":
        place = path.parent / str(options.get("cert_file") or path.with_suffix(".crt").name)
        found = (
            _load(place, "cert_file", reasons)
            if place.is_file() or options.get("key_file")
            else _inline(options, "cert", reasons)
        )
        if found:
            chain, root = _own(place, found, anchors, public, options, reasons, warnings, path)
    return Certificates(tuple(chain), root, tuple(anchors), tuple(gateway), place, tuple(warnings))


def text(certificates: Sequence[x509.Certificate]) -> str:
    """PEM of them all."""
    return "".join(c.public_bytes(Encoding.PEM).decode() for c in certificates)


def spki(c: x509.Certificate) -> bytes:
    """SubjectPublicKeyInfo of a certificate's key."""
    return c.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def name_of(c: x509.Certificate) -> str:
    """Its subject, for texts."""
    return c.subject.rfc4514_string() or "a certificate without a name"


def is_authority(c: x509.Certificate) -> bool:
    """Whether it may issue others."""
    return _extension(c, x509.BasicConstraints, lambda e: e.ca, False)


def _extension(c: x509.Certificate, kind, value, default):
    try:
        return value(c.extensions.get_extension_for_class(kind).value)
    except x509.ExtensionNotFound:
        return default
    except ValueError:  # two of them, or no DER: the library says so where it is the gateway's
        return default


def _inline(options: dict, name: str, reasons: Reasons) -> list[x509.Certificate]:
    """What an option itself holds, PEM or `0x`."""
    value = options.get(name)
    if not isinstance(value, str) or not value:
        return []
    try:
        return [x509.load_der_x509_certificate(octets) for octets in read_certs.decode(value, f"{name}_file")]
    except (ConfigError, ValueError) as e:
        reasons.add(str(e), f'better: {name}_file = "FILE.crt"')
        return []


def _load(place: Path, option: str, reasons: Reasons) -> list[x509.Certificate]:
    """The certificates in a file; empty when there are none, which `reasons` tell."""
    try:
        octets = place.read_bytes()
    except OSError as e:
        reasons.add(
            f"{option} {place} cannot be read ({e.strerror})", line(option, "FILE.crt") + ": a file in PEM, DER or PKCS #7"
        )
        return []
    except ValueError:  # a NUL in it
        reasons.add(f"{option} is no name of a file", line(option, "FILE.crt"))
        return []
    try:
        found = _decode(octets)
    except ValueError:
        reasons.add(f"{option} {place} {_foreign(octets)}", _foreign_remedy(octets, place, option))
        return []
    if not found:
        reasons.add(f"{option} {place} holds no certificate", _foreign_remedy(octets, place, option))
    return found


def _decode(octets: bytes) -> list[x509.Certificate]:
    octets = key_files.plain(octets)
    if b"-----BEGIN PKCS7-----" in octets:
        return pkcs7.load_pem_pkcs7_certificates(octets)
    if b"-----BEGIN TRUSTED CERTIFICATE-----" in octets or b"-----BEGIN X509 CERTIFICATE-----" in octets:
        octets = octets.replace(b" TRUSTED ", b" ").replace(b" X509 ", b" ")
    if _BEGIN in octets:
        return x509.load_pem_x509_certificates(octets) if b"BEGIN CERTIFICATE-----" in octets else []
    try:
        return [x509.load_der_x509_certificate(octets)]
    except ValueError:
        return pkcs7.load_der_pkcs7_certificates(octets)


def is_pkcs12(octets: bytes) -> bool:
    """Whether these are the octets of PKCS #12: a SEQUENCE that begins with version 3."""
    return octets[:1] == b"\x30" and b"\x02\x01\x03" in octets[2:8]


def _foreign(octets: bytes) -> str:
    if is_pkcs12(octets):
        return "is PKCS #12"
    return key_files.damage(octets) or "is damaged, or none in PEM, DER or PKCS #7"


def _foreign_remedy(octets: bytes, place: Path, option: str) -> str:
    if is_pkcs12(octets):
        return f"take it apart once: ipsec-board provision --import {place} FILE.toml"
    if b"PRIVATE KEY-----" in octets:
        return f"{place} is a private key: {line('key_file', place.name)}"
    if b"BEGIN CERTIFICATE REQUEST" in octets:
        return f"{place} is a request: have your authority sign it, and name what comes back"
    return f"copy it again, whole; {line(option, 'FILE.crt')}"


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _day(when: datetime.datetime) -> str:
    return when.date().isoformat()


def _anchors(path: Path, options: dict, reasons: Reasons, warnings: list[str]) -> list[x509.Certificate]:
    if not options.get("ca_file"):
        found = _inline(options, "ca", reasons)
        if not found and not options.get("ca"):
            make = f"the authority of the gateway's certificate, or a new one: `ipsec-board provision --ca ca {path}`"
            reasons.add("no ca_file is given", f"{line('ca_file', 'ca/ca.crt')}: {make}")
        if not found:
            return []
    else:
        place = path.parent / str(options["ca_file"])
        if not place.is_file():
            folder = place.parent if place.name == "ca.crt" else path.parent / "ca"
            named = "" if place.name == "ca.crt" else f", and then {line('ca_file', 'ca/ca.crt')} names it"
            make = f"`ipsec-board provision --ca {folder} {path}` makes one{named}"
            reasons.add(f"ca_file {place} is not there", f"name the file of the authority of the gateway's certificate; {make}")
            return []
        found = _load(place, "ca_file", reasons)
        if not found:
            return []
    found = list(dict.fromkeys(found))
    try:
        cert.load_credentials(_question(ca=text(found)))
    except ConfigError as e:
        reasons.add(str(e), _anchor_remedy(found))
        return []
    for c in found:
        if c.not_valid_after_utc <= _now():
            reasons.add(
                f"ca_file: {name_of(c)} has ended on {_day(c.not_valid_after_utc)}", "give the authority's new certificate"
            )
        elif c.not_valid_after_utc <= _now() + _SOON:
            warnings.append(f"ca_file: {name_of(c)} ends on {_day(c.not_valid_after_utc)}: no gateway is taken after that")
    return found


def _question(**options: str) -> SimpleNamespace:
    """A configuration that holds what the library is asked about, and nothing else."""
    empty = {"auth": "psk", "remote_auth": "cert", "key": "", "cert": "", "ca": "", "certreq": "", "gateway_key": "",
             "provisioned": "", "clock": "", "utc": None, "credentials": None}  # fmt: skip
    return SimpleNamespace(**{**empty, **options})


def _anchor_remedy(found: list[x509.Certificate]) -> str:
    if not any(map(is_authority, found)):
        return f"{line('gateway_key', 'FILE')} in place of ca_file trusts that one certificate"
    return "leave only the authorities in it that the gateway's certificate comes from"


def _gateway(
    path: Path, name: str, anchors: list[x509.Certificate], options: dict, reasons: Reasons, warnings: list[str]
) -> list[x509.Certificate]:
    """The gateway's own certificate, judged as the device will judge it."""
    place = path.parent / name
    found = _load(place, "[site] gateway_cert", reasons)
    identity = str(options.get("remote_id") or options.get("gateway"))
    if not found or not anchors or identity == "%any":  # which is told elsewhere
        return found
    parsed = []
    try:
        parsed = [Certificate(octets, 0, len(octets)) for octets in (c.public_bytes(Encoding.DER) for c in found)]
        moment = Moment(_now().strftime("%Y%m%d%H%M%S").encode(), True)
        check_leaf(parsed[0], encode(identity), moment)
        known = [Certificate(octets, 0, len(octets)) for octets in (c.public_bytes(Encoding.DER) for c in anchors)]
        check_path(parsed, known, moment, _is_issued)
    except AuthError as e:
        what = str(e) if parsed else f"a certificate is of no use to the device: {e}"
        reasons.add(
            f"[site] gateway_cert {place}: {what}", "the device would refuse this gateway: correct its certificate, or ca_file"
        )
    except ConfigError:
        pass  # of remote_id, which is told elsewhere
    if found[0].not_valid_after_utc <= _now() + _SOON:
        warnings.append(f"[site] gateway_cert {place} ends on {_day(found[0].not_valid_after_utc)}: renew it at the gateway")
    return found


def _is_issued(issuer: Certificate, c: Certificate) -> bool:
    one, other = (x509.load_der_x509_certificate(bytes(x.buf)) for x in (c, issuer))
    return is_issued_by(one, other)


def is_issued_by(c: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether the issuer has the name, and its key made the signature."""
    try:
        c.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _own(
    place: Path,
    found: list[x509.Certificate],
    anchors: list[x509.Certificate],
    public: bytes,
    options: dict,
    reasons: Reasons,
    warnings: list[str],
    path: Path,
) -> tuple[list[x509.Certificate], x509.Certificate | None]:
    """The device's certificate and those of its issuers in order, and their root where it is known."""
    what = f"cert_file {place}"
    fits = [c for c in found if spki(c) == public] if public else [c for c in found if not is_authority(c)] or found
    if not fits:
        remedy = f"remove {place}: " + REQUEST.format(path)
        reasons.add(f"{what} has no certificate for the device's key", remedy)
        return [], None
    leaf = max(fits, key=lambda c: c.not_valid_after_utc)
    before = len(reasons.found)
    _check_own(what, leaf, path, options, reasons, warnings)
    chain, root = [leaf], None
    others = [c for c in dict.fromkeys([*found, *anchors]) if c != leaf]
    while len(reasons.found) == before:
        last = chain[-1]
        if is_issued_by(last, last):
            root = last
            break
        named = [c for c in others if c.subject == last.issuer and c not in chain]
        good = [c for c in named if is_issued_by(last, c)]
        if named and not good:
            reasons.add(f"{what}: {name_of(last)} names {name_of(named[0])} as its issuer, whose key did not sign it",
                        "put the issuer's own certificate into it; one of the same name is there")  # fmt: skip
        elif not good:
            warnings.append(
                f"{what}: the issuer of {name_of(last)}, {last.issuer.rfc4514_string()}, is not in it: the gateway must have that"
            )
            break
        elif not is_authority(good[0]):
            reasons.add(f"{what}: {name_of(good[0])} issued {name_of(last)}, but is no authority", "have an authority issue it")
        else:
            chain.append(good[0])
    sent = [c for c in chain if c is not root] or chain[:1]  # a gateway has the root, or takes it from nobody
    if len(sent) > _MOST_OURS:
        reasons.add(
            f"{what}: {len(sent)} certificates up to the root; {_MOST_OURS} can be sent", "have a higher authority issue it"
        )
    return sent, root


def _check_own(what: str, leaf: x509.Certificate, path: Path, options: dict, reasons: Reasons, warnings: list[str]) -> None:
    """What any gateway will look at."""
    key = leaf.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        reasons.add(f"{what} is for an RSA key: signing with it takes a board seconds, and a device needs Ed25519 or P-256",
                    REQUEST.format(path))  # fmt: skip
        return
    if not isinstance(key, ed25519.Ed25519PublicKey) and not (
        isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name == "secp256r1"
    ):
        reasons.add(f"{what} is for a key that is neither Ed25519 nor P-256", REQUEST.format(path))
        return
    octets = leaf.public_bytes(Encoding.DER)
    try:
        parsed = Certificate(octets, 0, len(octets))
        if not parsed.is_named(encode(str(options.get("local_id")))):
            reasons.add(f"{what} is for {_names(leaf)}, not for local_id {options.get('local_id')!r}", _name_remedy(leaf))
        if not parsed.may_sign():
            reasons.add(f"{what}: its keyUsage has no digitalSignature", "have one issued that has it")
    except AuthError as e:
        reasons.add(f"{what} cannot be used: {e}", "have another one issued")
    except ConfigError:
        pass  # of local_id, which is told elsewhere
    end, begin = leaf.not_valid_after_utc, leaf.not_valid_before_utc
    if end <= _now():
        reasons.add(f"{what} has ended on {_day(end)}", f"remove {what.removeprefix('cert_file ')}: " + REQUEST.format(path))
    elif end <= _now() + _SOON:
        warnings.append(f"{what} ends on {_day(end)}: renew it")
    if begin > _now():
        warnings.append(f"{what} is not valid before {_day(begin)}: no gateway takes it until then")


def _names(c: x509.Certificate) -> str:
    found = _extension(c, x509.SubjectAlternativeName, list, [])
    return (
        ", ".join(repr(str(n.value)) for n in found if hasattr(n, "value"))
        or f"the subject {name_of(c)!r}, without a subjectAltName"
    )


def _name_remedy(c: x509.Certificate) -> str:
    """A line to paste, where the certificate has a name that can be one."""
    names = _extension(c, x509.SubjectAlternativeName, list, [])
    for n in names:
        if isinstance(n, (x509.DNSName, x509.RFC822Name, x509.IPAddress)) and "*" not in str(n.value):
            return line("local_id", str(n.value))
    return f"have one issued with local_id as subjectAltName; or {line('local_id', 'dn:' + ', '.join(_rdns(c)))}"


def _rdns(c: x509.Certificate) -> list[str]:
    return [a.rfc4514_string() for a in c.subject]
