"""From a gateway's certificate to an authority that we trust (RFC 5280 6.1, cut down to the profile of `x509.py`).

Rules: at most 4 certificates with the anchor, at most 6 checks of signatures, whatever comes; no URL is ever fetched; dates are
looked at with a trusted clock, else nothing may have ended before the device was provisioned. What certificates come besides the
first, and in which order, does not matter; at most 6 CERT payloads are read, what is malformed behind the first, or of another
encoding, is passed over. Start reading at `find_key`.
"""

from ipsec.errors import AuthError
from ipsec.ike.auth import keys
from ipsec.ike.auth.x509 import Certificate, refuse
from ipsec.micro import const

_CERT = const(37)
_X509 = const(4)  # encoding: X.509 Certificate - Signature
_MAX_CERTIFICATES = const(6)
_MAX_PATH = const(4)
_MAX_CHECKS = const(6)


class Moment:
    """When it is: `now`, 14 digits, is certain, or only the least that it can be; empty for nothing known."""

    def __init__(self, now=b"", is_certain=False):
        self.now = now
        self.is_certain = is_certain

    def is_over(self, c) -> bool:
        """Whether a certificate has ended."""
        return self.now != b"" and c.ends_before(self.now)

    def is_early(self, c) -> bool:
        """Whether a certificate does not hold yet, as far as we know."""
        return self.is_certain and c.begins_after(self.now)


def find_key(m, pos: int, end: int, identity, anchors, now, is_certain) -> tuple:
    """The public key of the certificate at `pos` of a message's buffer, and when its path ends; `anchors` are octets.

    Raises AuthError.
    """
    moment = Moment(now, is_certain)
    certificates, broken = _others(m, Certificate(m.buf, pos, end))
    leaf = certificates[0]
    check_leaf(leaf, identity, moment)
    try:
        path = check_path(certificates, [Certificate(octets, 0, len(octets)) for octets in anchors], moment, verify)
    except AuthError as e:
        raise AuthError("%s (passed over: %s)" % (e, broken)) if broken else e
    return keys.parse_spki(leaf.buf, leaf.spki_at, leaf.spki_to), min([c.until() for c in path])


def _others(m, leaf) -> tuple:
    """The leaf and the certificates behind it, and what is wrong with one that is passed over, or None. Raises AuthError."""
    found = [leaf]
    broken = None
    count = 1
    for kind, pos, end in m.payloads:
        if kind != _CERT or end <= pos or m.buf[pos] != _X509 or pos + 1 == leaf.begin:
            continue
        count += 1
        if count > _MAX_CERTIFICATES:
            refuse("many", _MAX_CERTIFICATES)
        try:
            found.append(Certificate(m.buf, pos + 1, end))
        except AuthError as e:
            broken = e
    return found, broken


def check_leaf(leaf, identity, moment) -> None:
    """Whether a certificate can be that of the gateway with this identity, an ID payload's body.

    Raises AuthError.
    """
    if not leaf.is_named(identity):
        refuse("name", leaf, identity)
    if not leaf.may_sign():
        refuse("usage")
    if not leaf.fits:
        refuse("purpose")
    if leaf.constrained:
        refuse("constrained")
    if moment.is_over(leaf):
        refuse("over", leaf, moment)
    if moment.is_early(leaf):
        refuse("early", leaf, moment)


def check_path(certificates, anchors, moment, verify) -> list:
    """The certificates of a path from the first of those to one of the anchors, which is its last.

    `verify(issuer, certificate)` tells whether the former's key made the latter's signature. Raises AuthError.
    """
    path, tried = certificates[:1], [0]
    checks = 0
    why = "root"  # told when nothing else comes
    issuers = anchors + certificates
    while path:
        at = tried[-1]
        if at == len(issuers):
            path.pop()
            tried.pop()
            continue
        tried[-1] = at + 1
        issuer = issuers[at]
        if not path[-1].is_issued_by(issuer) or issuer in path:
            continue
        if len(path) == _MAX_PATH - (at >= len(anchors)):
            why = "long"
            continue
        wrong = _unfit(issuer, _authorities(path), moment)
        if wrong:
            why = wrong
            continue
        checks += 1
        if checks > _MAX_CHECKS:
            refuse("checks", _MAX_CHECKS)
        wrong = _unsigned(issuer, path[-1], verify)
        if wrong:
            why = wrong
            continue
        path.append(issuer)
        if at < len(anchors):
            return path
        tried.append(0)
    return refuse(why, certificates[0])


def _unsigned(issuer, c, verify) -> str:
    """Why a certificate is not the issuer's, or nothing."""
    try:
        return "" if verify(issuer, c) else "signature"
    except AuthError:
        return "kind"


def _authorities(path) -> int:
    """How many authorities are in a path, those not counted that issued themselves a new key (RFC 5280 6.1.4 l)."""
    count = 0
    for c in path[1:]:
        if not c.is_issued_by(c):
            count += 1
    return count


def _unfit(issuer, below, moment) -> str:
    """Why a certificate cannot be an issuer's, or nothing."""
    if not issuer.may_issue():
        return "authority"
    if issuer.constrained:
        return "constrained"
    if 0 <= issuer.path_len < below:
        return "depth"
    if not issuer.fits:
        return "purpose"
    if moment.is_over(issuer):
        return "authority over"
    return "authority early" if moment.is_early(issuer) else ""


def verify(issuer, c) -> bool:
    """Whether the issuer's key made a certificate's signature.

    Raises AuthError for a key or an algorithm that cannot be verified.
    """
    key = keys.parse_spki(issuer.buf, issuer.spki_at, issuer.spki_to)
    algorithm = keys.parse_algorithm(c.buf, c.algorithm_at, c.algorithm_to)
    octets = memoryview(c.buf)
    try:
        key.check(algorithm)
        signature = key.signature(octets[c.signature_at : c.signature_to])
    except AuthError:
        return False
    return key.verify(algorithm, signature, octets[c.tbs_at : c.tbs_to])
