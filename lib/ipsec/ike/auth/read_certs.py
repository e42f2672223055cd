"""What a configuration holds for certificates: our chain, the gateway's authorities or its pinned key.

A board forgets this once it has read them. Start reading at `read`.
"""

from binascii import a2b_base64, unhexlify

from ipsec.errors import AuthError, ConfigError
from ipsec.ike.auth.keys import P384, parse_spki
from ipsec.ike.auth.read_keys import load_private, load_public, spki
from ipsec.ike.auth.x509 import Certificate
from ipsec.micro import const

_MAX_ANCHORS = const(3)
_MAX_OURS = const(4)
_BEGIN = "-----BEGIN CERTIFICATE-----"


def read(known, config) -> None:
    """Fill the `Credentials`.

    Raises ConfigError.
    """
    if config.auth in ("key", "cert"):
        known.ours = load_private(config.key)
    if config.auth == "cert":
        known.chain = _own_chain(config, known.ours)
    if (config.remote_auth or config.auth) != "psk":
        if config.gateway_key:
            known.pinned = load_pinned(config.gateway_key)
            known.pinned.arithmetic()
            known.wants_sha384 = known.pinned.kind == P384
        else:
            _read_anchors(known, config)
    if config.provisioned:
        known.day = config.provisioned.replace("-", "").encode() + b"000000"
    if config.clock and not config.utc:
        raise ConfigError("option clock: %r, but nothing gives the time: set `utc` of the configuration" % config.clock)


def _read_anchors(known, config):
    """The authorities, of which one of P-384 may have signed a key of P-384."""
    found = decode(config.ca, "ca_file")
    if not 1 <= len(found) <= _MAX_ANCHORS:
        raise ConfigError("option ca_file: it holds %d certificates; give 1 to %d authorities" % (len(found), _MAX_ANCHORS))
    request = b"\x04" + unhexlify(config.certreq)
    for octets in found:
        c = _own(octets, "ca_file")
        if not c.may_issue():
            raise ConfigError("option ca_file: it holds a certificate that is no authority's; give that as gateway_key")
        if c.constrained:
            raise ConfigError("option ca_file: an authority has name constraints, which are not checked; give another one")
        try:
            key = parse_spki(octets, c.spki_at, c.spki_to)
            key.arithmetic()
        except AuthError as e:
            raise ConfigError("option ca_file: %s" % e)
        known.wants_sha384 = known.wants_sha384 or key.kind == P384
        if not config.certreq:
            request += _sha1(memoryview(octets)[c.spki_at : c.spki_to])
    if config.certreq and len(request) != 1 + 20 * len(found):
        raise ConfigError("option certreq: it does not name the authorities of ca_file: remove it, or provision again")
    known.anchors, known.request = found, request


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
    if bytes(chain[0][c.spki_at : c.spki_to]) != spki(ours.public):
        raise ConfigError("option cert_file: its first certificate is not for the key in key_file; put ours first, or renew it")
    return chain


def load_pinned(text):
    """The public key of the option gateway_key, which may hold a certificate here."""
    if _BEGIN not in text:
        return load_public(text)
    octets = decode(text, "gateway_key")[0]
    c = _own(octets, "gateway_key")
    try:
        return parse_spki(octets, c.spki_at, c.spki_to)
    except AuthError as e:
        raise ConfigError("option gateway_key: %s" % e)
