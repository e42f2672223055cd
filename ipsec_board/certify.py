"""Certificates for boards: a request that the board signs, an authority of one's own, files of others taken apart.

Rules: a private key made on a board is never read from it; what was issued for another key is not used. Start reading at `place`.
"""

import datetime
import getpass
import os
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    load_der_private_key,
    load_pem_private_key,
    load_pem_public_key,
    pkcs12,
)
from ipsec.ike.auth import keys
from ipsec.ike.auth.keys import PublicKey

from ipsec_board.errors import BoardError
from ipsec_board.gateway import authority, certificates, key_files, raw_keys, secret_file
from ipsec_board.gateway import plan as plans
from ipsec_board.gateway.authority import Authority
from ipsec_board.gateway.plan import KEY_FILE, Plan, PlanError
from ipsec_board.link import Link
from ipsec_board.show import Show

_RENEW = datetime.timedelta(days=90)  # before the end, when the authority is at hand anyway


def open_authority(folder: Path, show: Show) -> Authority:
    """The authority in a folder, which is made where there is none. Raises BoardError."""
    try:
        found, made = Authority.open(folder)
    except PlanError as e:
        raise BoardError.of(e) from e
    if made:
        show.good(f"{folder}: a new authority; keep ca.key safe: whoever has it can be every device and the gateway")
    if plans.readable_by_others(folder / "ca.key"):
        show.warn(f"{folder / 'ca.key'} can be read by others: chmod 600 {folder / 'ca.key'}")
    return found


def place(board: Link, plan: Plan, public: PublicKey, issuer: Authority | None, show: Show) -> bool:
    """Whether the device's certificate is there for its key; else it is issued, or a request for one is written.

    Raises BoardError.
    """
    found = plan.certificates
    assert found and found.place
    usable = bool(found.chain) and certificates.spki(found.chain[0]) == raw_keys.spki(public)
    if usable and not (issuer and _is_to_be_renewed(found.chain[0], issuer)):
        return True
    if found.chain and not usable:
        show.warn(f"{found.place} is for another key than the board has")
    if issuer is None:
        _request(board, plan, public, found.place, show)
        return False
    try:
        made = issuer.issue(plan.config.local_id, load_pem_public_key(raw_keys.pem(public).encode()))
    except PlanError as e:
        raise BoardError.of(e) from e
    _write(found.place, certificates.text([made]))
    show.good(f"{found.place}: issued by {issuer.folder} for {plan.config.local_id}, until {made.not_valid_after_utc.date()}")
    return True


def _is_to_be_renewed(c: x509.Certificate, issuer: Authority) -> bool:
    is_ours = certificates.is_issued_by(c, issuer.certificate)
    return is_ours and c.not_valid_after_utc <= datetime.datetime.now(datetime.UTC) + _RENEW


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text)
    except OSError as e:
        raise BoardError(f"{path} cannot be written ({e.strerror})", "give cert_file a path in a folder of yours") from e


def _request(board: Link, plan: Plan, public: PublicKey, wanted: Path, show: Show) -> None:
    """Write the request for a certificate (PKCS #10, RFC 2986), which the board has signed."""
    try:
        info = _request_info(plan.config.local_id, public)
    except PlanError as e:
        raise BoardError.of(e) from e
    answer = board.script("sign", timeout=120, PLACE=KEY_FILE, OCTETS=info.hex())
    if answer["error"]:
        raise BoardError(answer["error"], f"give `ipsec-board install --config {plan.path}`, then provision again")
    signature = b"\0" + bytes.fromhex(answer["signature"])
    der = raw_keys._der(0x30, info + keys.IDENTIFIERS[public.kind] + raw_keys._der(3, signature))
    request = x509.load_der_x509_csr(der)
    if not request.is_signature_valid:
        raise BoardError("the board's signature is not that of its key", "give `ipsec-board doctor`, and report this")
    path = plan.path.with_suffix(".csr")
    pem = request.public_bytes(Encoding.PEM).decode()
    _write(path, pem)
    show.good(f"{path}: a request for {plan.config.local_id}, signed by the board:")
    show.line(pem.rstrip())
    then = f"put its answer with the issuers' certificates into {wanted}, and give this command again"
    show.warn(f"not provisioned yet: have your authority sign {path}, {then}")


def _request_info(identity: str, public: PublicKey) -> bytes:
    """CertificationRequestInfo for a key that is not here: one for another key, with this one in its place."""
    subject, other = authority.subject_of(identity)
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    builder = builder.add_extension(authority._usage("device"), critical=True)
    if other is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName([other]), critical=False)
    is_ed25519 = public.kind == keys.ED25519
    key = ed25519.Ed25519PrivateKey.generate() if is_ed25519 else ec.generate_private_key(ec.SECP256R1())
    request = builder.sign(key, None if is_ed25519 else hashes.SHA256())
    return request.tbs_certrequest_bytes.replace(authority._spki(key), raw_keys.spki(public))


# Files of others


def take_apart(source: Path, path: Path, password_file: Path | None, show: Show) -> None:
    """Write what PKCS #12, or an encrypted key, holds beside a provisioning file. Raises BoardError."""
    key, found = _open(source, password_file)
    if key is not None and not isinstance(key, (ed25519.Ed25519PrivateKey, ec.EllipticCurvePrivateKey)):
        text = f"{source} holds an RSA key: signing with it takes a board seconds, and a device needs Ed25519 or P-256"
        raise BoardError(text, f"leave it: {certificates.REQUEST.format(path)}")
    lines = []
    if key is not None:
        lines.append(_keep(path.with_suffix(".key"), authority.pem(key), "key_file", show, secret=True))
    ours = [c for c in found if key is not None and certificates.spki(c) == authority._spki(key)]
    roots = [c for c in found if certificates.is_issued_by(c, c) and c not in ours]
    chain = ours + [c for c in found if c not in ours and c not in roots]
    if ours:
        lines.append(_keep(path.with_suffix(".crt"), certificates.text(chain), "cert_file", show))
    if roots:
        lines.append(_keep(path.with_suffix(".ca.crt"), certificates.text(roots), "ca_file", show))
    text = path.read_text() if path.exists() else ""
    if any(line not in text for line in lines):
        auth = 'auth = "cert"' if found or 'auth = "cert"' in text else 'auth = "key"'
        show.line(f"write into [tunnel] of {path}:")
        for line in [auth, *lines]:
            if line not in text:
                show.line(f"  {line}")


def _keep(place: Path, text: str, option: str, show: Show, secret: bool = False) -> str:
    """Write a file that is not there yet; the line that names it."""
    try:
        if secret:
            secret_file.create(place, text)
        else:
            with open(place, "x") as f:
                f.write(text)
    except FileExistsError as e:
        raise BoardError(f"{place} exists: it may be in use", "remove it first when it is not needed") from e
    except OSError as e:
        raise BoardError(f"{place} cannot be written ({e.strerror})", "give the provisioning file a folder of yours") from e
    show.good(f"{place}: written{', readable by you alone' if secret else ''}")
    return f'{option} = "{place.name}"'


def _open(source: Path, password_file: Path | None) -> tuple:
    """Private key or None, and certificates, the key's own first."""
    try:
        octets = key_files.plain(source.read_bytes())
        given = key_files.plain(password_file.read_bytes()).rstrip(b"\r\n") if password_file else None
    except OSError as e:
        raise BoardError(f"{e.filename} cannot be read ({e.strerror})", "name a file in PKCS #12, or a private key") from e
    for password in [given] if given is not None else [None, b"", *_asked(source)]:
        try:
            return _decode(octets, password)
        except TypeError:  # a password is needed, or there is none to open
            continue
        except ValueError:
            continue
    remedy = (
        "give its password in a file: --password-file FILE"
        if given is None
        else "correct the password; the form is PKCS #12 or PKCS #8"
    )
    raise BoardError(f"{source} cannot be opened", remedy)


def _asked(source: Path):
    """The password of a person, where there is one."""
    if sys.stdin.isatty() and "PYTEST_CURRENT_TEST" not in os.environ:
        yield getpass.getpass(f"Password of {source}: ").encode()


def _decode(octets: bytes, password: bytes | None) -> tuple:
    if b"-----BEGIN" in octets:
        found = x509.load_pem_x509_certificates(octets) if b"BEGIN CERTIFICATE-----" in octets else []
        return load_pem_private_key(octets, password or None), found
    if certificates.is_pkcs12(octets):
        key, own, others = pkcs12.load_key_and_certificates(octets, password)
        return key, [c for c in (own, *others) if c]
    return load_der_private_key(octets, password or None), []
