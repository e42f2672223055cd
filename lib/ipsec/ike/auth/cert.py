"""Authentication with X.509 certificates, and by different methods at the two ends (RFC 7296 2.15, 3.6, 3.7, RFC 4945).

```
 request   IDi, IDr, [CERT] ..., CERTREQ, AUTH       CERTREQ = 4 | SHA-1 of each authority's SubjectPublicKeyInfo
 response  IDr, CERT ..., AUTH                       the first CERT has the key of AUTH
```

Rules
- A gateway sends certificates only when asked, so CERTREQ goes out wherever we have authorities; no URL is ever fetched.
- A leaf whose path was checked is remembered by its hash: a reconnect costs what a raw key costs, until something in it ends.
  What checks paths is loaded for that alone, and stays where the heap has room.

Start reading at `Certs.verify`.
"""

from ipsec.errors import AuthError
from ipsec.ike.auth.key import Signatures
from ipsec.micro import const, forget, is_short

_CERT = const(37)
_CERTREQ = const(38)
_X509 = const(4)  # encoding: X.509 Certificate - Signature


def load_cert(config):
    """The method of a configuration in which one end has a certificate, or the ends have different methods.

    Raises ConfigError.
    """
    return Certs(config, load_credentials(config))


def load_credentials(config):
    """The `Credentials` of a configuration, whose texts of keys and certificates go.

    Raises ConfigError.
    """
    if config.credentials is None:
        from ipsec.ike.auth.read_certs import read

        known = Credentials()
        read(known, config)
        config.credentials = known
        config.key = config.cert = config.ca = ""  # they are octets now
        forget("ipsec.ike.auth.read_certs")
        forget("ipsec.ike.auth.read_keys")
        if known.anchors:
            from ipsec.ike.auth import path  # noqa: F401 - now, before the heap is in pieces
        else:
            forget("ipsec.ike.auth.x509")
    return config.credentials


class Credentials:
    """What a configuration says about both ends, as `read_certs.read` found it; and the leaf that was seen last."""

    ours = None  # our private key
    chain: tuple | list = ()  # our certificate, and those of its issuers
    pinned = None  # the gateway's public key, or where there is none:
    anchors: tuple | list = ()  # the authorities' certificates
    request = b""  # what names them
    wants_sha384 = False
    day = b""  # from which on it is certainly now, 14 digits
    leaf = leaf_until = b""  # the hash of a certificate and the identity it was checked for; when its path ends
    leaf_key = None


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
        return found + b"\x00\x03" if self._credentials.wants_sha384 else found

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
        now = self._now() if self._now else known.day
        pos, end = _first(m)
        octets = hashes.digest(32, id_r, memoryview(m.buf)[pos:end])
        if octets == known.leaf and (not now or now <= known.leaf_until):
            return known.leaf_key
        from ipsec.ike.auth.path import find_key

        known.leaf_key, known.leaf_until = find_key(m, pos, end, id_r, known.anchors, now, self._now is not None)
        known.leaf = octets
        if is_short():
            forget("ipsec.ike.auth.path")  # the next time the leaf is remembered
            forget("ipsec.ike.auth.x509")
        return known.leaf_key


def _first(m) -> tuple:
    """Where the gateway's own certificate lies. Raises AuthError."""
    others = False
    for kind, pos, end in m.payloads:
        if kind == _CERT and end > pos:
            if m.buf[pos] == _X509:
                return pos + 1, end
            others = True
    from ipsec.ike.auth.refusals import text

    raise AuthError(text("encoding" if others else "none"))
