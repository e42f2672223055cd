"""Authentication with X.509 certificates, and by different methods at the two ends (RFC 7296 2.15, 3.6, 3.7, RFC 4945).

```
 request   IDi, IDr, [CERT] ..., CERTREQ, AUTH       CERTREQ = 4 | SHA-1 of each authority's SubjectPublicKeyInfo
 response  IDr, CERT ..., AUTH                       the first CERT has the key of AUTH
```

Rules
- A gateway sends certificates only when asked, so CERTREQ goes out wherever we have authorities; no URL is ever fetched.
- At most 6 CERT payloads are read; what is malformed behind the first is passed over, whatever is of another encoding too.
- A leaf whose path was checked is remembered by its hash: a reconnect costs what a raw key costs, until something in it ends.

Start reading at `Certs.verify`.
"""

from binascii import a2b_base64, unhexlify

from ipsec.errors import AuthError, ConfigError
from ipsec.ike.auth import keys
from ipsec.ike.auth.key import Signatures
from ipsec.ike.auth.path import Moment, check_leaf, check_path, verify
from ipsec.ike.auth.x509 import Certificate, refuse
from ipsec.micro import const

_CERT = const(37)
_CERTREQ = const(38)
_X509 = const(4)  # encoding: X.509 Certificate - Signature
_MAX_CERTIFICATES = const(6)
_MAX_ANCHORS = const(3)
_MAX_OURS = const(4)
_BEGIN = "-----BEGIN CERTIFICATE-----"


def load_cert(config):
    """The method of a configuration in which one end has a certificate, or the ends have different methods.

    Raises ConfigError.
    """
    if config.credentials is None:
        config.credentials = Credentials(config)
        config.cert = config.ca = ""  # they are octets now
    return Certs(config, config.credentials)


class Credentials:
    """What a configuration says about both ends, parsed once; and the leaf that was seen last."""

    def __init__(self, config):
        theirs = config.remote_auth or config.auth
        self.ours = keys.load_private(config.key) if config.auth in ("key", "cert") else None
        self.chain = _own_chain(config, self.ours) if config.auth == "cert" else ()
        self.pinned = None
        self.anchors = []
        self.request = b""
        self.leaf = b""  # the hash of its certificate and the identity it was checked for
        self.leaf_until = b""
        self.leaf_key = None
        if theirs != "psk":
            if config.gateway_key:
                self.pinned = load_pinned(config.gateway_key)
                self.pinned.arithmetic()
            else:
                self._add_anchors(config)
        day = config.provisioned.replace("-", "").encode()
        self.moment = Moment(day + b"000000" if day else b"")  # without a clock
        if config.clock and not config.utc:
            raise ConfigError("option clock: %r, but nothing gives the time: set `utc` of the configuration" % config.clock)

    def _add_anchors(self, config):
        found = decode(config.ca, "ca_file")
        if not 1 <= len(found) <= _MAX_ANCHORS:
            raise ConfigError("option ca_file: it holds %d certificates; give 1 to %d authorities" % (len(found), _MAX_ANCHORS))
        self.request = b"\x04" + unhexlify(config.certreq)
        for octets in found:
            c = _own(octets, "ca_file")
            if not c.may_issue():
                raise ConfigError("option ca_file: it holds a certificate that is no authority's; give that as gateway_key")
            if c.constrained:
                raise ConfigError("option ca_file: an authority has name constraints, which are not checked; give another one")
            try:
                keys.parse_spki(octets, c.spki_at, c.spki_to).arithmetic()
            except AuthError as e:
                raise ConfigError("option ca_file: %s" % e)
            self.anchors.append(c)
            if not config.certreq:
                self.request += _sha1(memoryview(octets)[c.spki_at : c.spki_to])
        if config.certreq and len(self.request) != 1 + 20 * len(found):
            raise ConfigError("option certreq: it does not name the authorities of ca_file: remove it, or provision again")

    def wants_sha384(self) -> bool:
        """Whether an authority or the pinned key is of P-384: then the gateway's own key may be, too."""
        if self.pinned:
            return self.pinned.kind == keys.P384
        return any(keys.parse_spki(c.buf, c.spki_at, c.spki_to).kind == keys.P384 for c in self.anchors)


def decode(text, option) -> list:
    """The octets of the certificates in PEM; or of one in hexadecimal behind `0x`. Raises ConfigError."""
    found = []
    try:
        if text[:2] == "0x":
            return [unhexlify(text[2:].strip())]
        at = text.find(_BEGIN)
        while at >= 0:
            end = text.find("-----END", at)
            found.append(a2b_base64(text[at + len(_BEGIN) : end]))
            at = text.find(_BEGIN, end) if end >= 0 else -1
    except ValueError:
        raise ConfigError("option %s: malformed hexadecimal, or base64 in PEM: copy it again, whole" % option)
    return found


def _sha1(octets) -> bytes:
    """SHA-1, by which CERTREQ names authorities; where the firmware has none, the gateway has to guess."""
    try:
        from hashlib import sha1
    except ImportError:
        return b""
    return sha1(octets).digest()


def _own(octets, option):
    try:
        return Certificate(octets, 0, len(octets))
    except AuthError as e:
        raise ConfigError("option %s: a certificate is of no use here: %s" % (option, e))


def _own_chain(config, ours):
    chain = decode(config.cert, "cert_file")
    if not 1 <= len(chain) <= _MAX_OURS:
        raise ConfigError("option cert_file: it holds %d certificates; give ours and its issuers, 4 at the most" % len(chain))
    c = _own(chain[0], "cert_file")
    if bytes(chain[0][c.spki_at : c.spki_to]) != keys.spki(ours.public):
        raise ConfigError("option cert_file: its first certificate is not for the key in key_file; put ours first, or renew it")
    return chain


def load_pinned(text):
    """The public key of the option gateway_key, which may hold a certificate here."""
    if _BEGIN not in text:
        return keys.load_public(text)
    octets = decode(text, "gateway_key")[0]
    c = _own(octets, "gateway_key")
    try:
        return keys.parse_spki(octets, c.spki_at, c.spki_to)
    except AuthError as e:
        raise ConfigError("option gateway_key: %s" % e)


class Certs(Signatures):
    """One or both ends by a certificate; or each by another method."""

    source = "its certificate"

    def __init__(self, config, credentials):
        super().__init__(credentials.ours)
        self._credentials = credentials
        self._now = config.utc if config.clock else None
        self._psk = None
        if config.psk:
            from ipsec.ike.auth.psk import Psk

            self._psk = Psk(config.psk)
        self._has_psk = config.auth != "psk" and config.remote_auth == "psk"  # the gateway
        if credentials.pinned:
            self.source = "gateway_key"

    def hashes(self) -> bytes:
        """Hash algorithms of signatures in AUTH; SHA-384 where the gateway may have a P-384 key."""
        found = super().hashes()
        return found + b"\x00\x03" if self._credentials.wants_sha384() else found

    def agree(self, m) -> None:
        """Choose the method that we sign by. Raises PeerError."""
        if self._ours:
            super().agree(m)

    def write(self, sa, b, octets) -> None:
        """Append our certificates, what we ask for, and our AUTH payload."""
        for certificate in self._credentials.chain:
            b.simple(_CERT, b"\x04", certificate)
        self.write_request(b)
        if self._ours:
            super().write(sa, b, octets)
        else:
            self._psk.write(sa, b, octets)

    def write_request(self, b) -> None:
        """Append CERTREQ, if there are authorities."""
        if self._credentials.request:
            b.simple(_CERTREQ, self._credentials.request)

    def verify(self, sa, m, id_r, octets) -> None:
        """Check the peer's certificates and its AUTH payload.

        Raises AuthError, PeerError.
        """
        if self._has_psk:
            return self._psk.verify(sa, m, id_r, octets)
        try:
            key = self._credentials.pinned or self._key_of(m, id_r)
            self.check(key, m, octets)
        except ImportError as e:
            raise AuthError("what the gateway's certificate needs is not installed (%s): install it with --with" % e)

    def _key_of(self, m, id_r):
        """The public key of the gateway's certificate, whose path leads to one of our authorities. Raises AuthError."""
        from ipsec.crypto.sign import hashes

        known = self._credentials
        moment = self._moment()
        pos, end = _first(m)
        octets = hashes.digest(32, id_r, memoryview(m.buf)[pos:end])
        if octets == known.leaf and (not moment.now or moment.now <= known.leaf_until):
            return known.leaf_key
        certificates, broken = _others(m, Certificate(m.buf, pos, end))
        leaf = certificates[0]
        check_leaf(leaf, id_r, moment)
        try:
            path = check_path(certificates, known.anchors, moment, verify)
        except AuthError as e:
            raise AuthError("%s (passed over: %s)" % (e, broken)) if broken else e
        key = keys.parse_spki(leaf.buf, leaf.spki_at, leaf.spki_to)
        known.leaf_until = min([c.until() for c in path])
        known.leaf_key = key
        known.leaf = octets
        return key

    def _moment(self):
        if not self._now:
            return self._credentials.moment
        return Moment(self._now(), True)


def _first(m) -> tuple:
    """Where the gateway's own certificate lies. Raises AuthError."""
    others = False
    for kind, pos, end in m.payloads:
        if kind == _CERT and end > pos:
            if m.buf[pos] == _X509:
                return pos + 1, end
            others = True
    return refuse("encoding" if others else "none")


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
