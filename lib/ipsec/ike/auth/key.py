"""Authentication by signatures with raw public keys, each end's known to the other beforehand (RFC 7296 2.15, RFC 7427).

```
 method 14  AUTH = length of AlgorithmIdentifier (1 octet) | AlgorithmIdentifier | signature over <SignedOctets>
 method 9   AUTH = r | s    (RFC 4754: ECDSA with SHA-256 on P-256; method 10: with SHA-384 on P-384)
 method 1   AUTH = RSASSA-PKCS1-v1_5; with SHA-256 here, never with SHA-1
```

Rules
- Method 14 needs SIGNATURE_HASH_ALGORITHMS of both ends; to a gateway that sends none a P-256 key signs by method 9.
- Neither end sends a certificate: the peer's key is in our configuration, whatever else it sends.

Start reading at `Signatures.verify`.
"""

from ipsec.errors import AuthError, ConfigError, PeerError
from ipsec.ike import iana, payload
from ipsec.ike.auth import keys
from ipsec.micro import const, forget

_RSA = const(1)
_ECDSA_256 = const(9)
_ECDSA_384 = const(10)
_SIGNATURE = const(14)
_SIGNATURE_HASH_ALGORITHMS = const(16431)
_AUTHENTICATION_FAILED = const(24)
# What a method other than 14 signs with, as `keys.parse_algorithm` gives it
_CLASSIC = {_RSA: (keys.RSA, 32, 0), _ECDSA_256: (keys.ECDSA, 32, 0), _ECDSA_384: (keys.ECDSA, 48, 0)}


def load_key(config):
    """The method `key`; the keys are parsed once for a configuration.

    Raises ConfigError.
    """
    if config.credentials is None:
        from ipsec.ike.auth.read_keys import load_private, load_public

        ours = load_private(config.key)
        theirs = load_public(config.gateway_key)
        if theirs.kind == ours.kind and theirs.data == ours.public.data:
            raise ConfigError("option gateway_key: it is the public key of our own key_file; give the gateway's")
        theirs.arithmetic()
        config.credentials = ours, theirs
        config.key = ""
        forget("ipsec.ike.auth.read_keys")
    return Key(*config.credentials)


class Signatures:
    """Our signature, by a private key of ours; what is the gateway's is looked at by who derives from this."""

    source = "gateway_key"  # of the peer's public key, for texts

    def __init__(self, ours):
        self._ours = ours
        self._method = _SIGNATURE

    def hashes(self) -> bytes:
        """Hash algorithms that we can verify signatures with, two octets each (RFC 7427 4)."""
        return b"\x00\x02\x00\x05"

    def begin_init(self, b) -> None:
        """Announce the signatures that we can verify."""
        b.notify(_SIGNATURE_HASH_ALGORITHMS, self.hashes())

    def agree(self, m) -> None:
        """Choose the method that we sign by from what the gateway says that it can verify.

        Raises PeerError when it cannot verify ours.
        """
        found = payload.notify_data(m, _SIGNATURE_HASH_ALGORITHMS)
        self._method = _SIGNATURE
        if found is None and self._ours.kind == keys.P256:
            self._method = _ECDSA_256
            return
        wanted = 5 if self._ours.kind == keys.ED25519 else 2
        for i in range(0, len(found or b"") - 1, 2):
            if found[i] << 8 | found[i + 1] == wanted:
                return
        from ipsec.ike.auth import remedies

        raise PeerError(remedies.no_hash(wanted, found), _AUTHENTICATION_FAILED)

    def write(self, sa, b, octets) -> None:
        """Append our AUTH payload."""
        ours = self._ours
        signature = ours.sign(sa.random, *octets)
        if self._method == _SIGNATURE:
            if ours.kind == keys.P256:
                signature = keys.der_signature(signature)
            signature = bytes((len(ours.identifier),)) + ours.identifier + signature
        payload.write_auth(b, self._method, signature)

    def check(self, key, m, octets) -> None:
        """Check the peer's AUTH payload by its public key.

        Raises AuthError, PeerError.
        """
        method, data = payload.parse_auth(m.need(iana.AUTH, "AUTH"))
        try:
            algorithm, signature = _split(key, method, data, self.source)
        except AuthError as e:
            raise AuthError("the gateway's AUTH proves nothing: %s" % e)
        if not key.verify(algorithm, signature, *octets):
            from ipsec.ike.auth import remedies

            raise AuthError(remedies.wrong_signature(key, signature, self.source, method))


def _split(key, method, data, source) -> tuple:
    """`(algorithm, signature)` of an AUTH payload, the signature as `PublicKey.verify` takes it. Raises AuthError."""
    at = 0
    if method == _SIGNATURE:
        at = 1 + data[0] if data else 1
        if at > len(data):
            raise AuthError("it is cut short, in its AlgorithmIdentifier")
        algorithm = keys.parse_algorithm(data, 1, at)
    elif method in _CLASSIC:
        algorithm = _CLASSIC[method]
    else:
        from ipsec.ike.auth import remedies

        raise AuthError(remedies.other_method(method, source))
    try:
        key.check(algorithm)
    except AuthError as e:
        from ipsec.ike.auth import remedies

        raise AuthError("%s: %s" % (e, remedies.other_key(source)))
    if at == len(data):
        raise AuthError("it holds no signature: somebody is in the gateway's place, or its key is missing there")
    return algorithm, key.signature(data[at:]) if method == _SIGNATURE else data


class Key(Signatures):
    """Raw public keys at both ends."""

    def __init__(self, ours, theirs):
        super().__init__(ours)
        self._theirs = theirs

    def hashes(self) -> bytes:
        """Of SHA-384, and the module that has it, a gateway with a P-384 key has need."""
        return b"\x00\x02\x00\x03" if self._theirs.kind == keys.P384 else super().hashes()

    def verify(self, sa, m, id_r, octets) -> None:
        """Check the peer's AUTH payload.

        Raises AuthError, PeerError.
        """
        self.check(self._theirs, m, octets)
