"""Names of algorithm suites, as administrators write them, to IANA transform numbers (RFC 7296 3.3.2).

An IKE suite is `ENCR[-INTEG]-PRF-KE`, an ESP suite `ENCR[-INTEG][-esn]`, in lower case:
`aes128ccm16-prfsha256-x25519`, `aes256-sha256-prfsha256-ecp256`, `chacha20poly1305-esn`.

Rules: AEAD takes no integrity algorithm, AES-CBC needs one. Without a `prf...` word the PRF is the hash of the integrity
algorithm. Start reading at `parse_ike`.
"""

from collections import namedtuple

from ipsec.errors import ConfigError

IkeSuite = namedtuple("IkeSuite", ("encr", "key_bits", "integ", "prf", "ke"))  # IANA transform IDs; `integ` is 0 with AEAD
EspSuite = namedtuple("EspSuite", ("encr", "key_bits", "integ", "esn"))  # `esn` is 1 for extended sequence numbers

# word: (ENCR transform ID, key length in bits or 0 when the algorithm has only one)
_ENCR = {
    "aes128ccm16": (16, 128),
    "aes256ccm16": (16, 256),
    "aes128ccm8": (14, 128),
    "aes256ccm8": (14, 256),
    "aes128gcm16": (20, 128),
    "aes256gcm16": (20, 256),
    "chacha20poly1305": (28, 0),
    "aes128": (12, 128),
    "aes256": (12, 256),
}
# ESP only: the IV is the sequence number (RFC 8750)
_ENCR_IIV = {
    "aes128ccm8iiv": (29, 128),
    "aes256ccm8iiv": (29, 256),
    "aes128gcm16iiv": (30, 128),
    "aes256gcm16iiv": (30, 256),
    "chacha20poly1305iiv": (31, 0),
}
_INTEG = {"sha256": 12, "sha384": 13, "sha512": 14}
_PRF = {"prfsha256": 5, "prfsha384": 6, "prfsha512": 7}
_KE = {"x25519": 31, "ecp256": 19, "modp2048": 14}
_CBC = 12


def parse_ike(name: str) -> IkeSuite:
    """The IKE suite of this name.

    Raises ConfigError.
    """
    words = name.split("-")
    encr, key_bits = _take(words, _ENCR, name, "an encryption algorithm")
    integ = _take_integ(words, encr, name)
    if words and words[0] in _PRF:
        prf = _PRF[words.pop(0)]
    elif integ:
        prf = integ - 7  # HMAC_SHA2_256_128 is 12, PRF_HMAC_SHA2_256 is 5, and so on
    else:
        raise ConfigError("IKE suite %r has no PRF: add one of %s" % (name, _known(_PRF)))
    ke = _take(words, _KE, name, "a key exchange group")
    _check_end(words, name)
    return IkeSuite(encr, key_bits, integ, prf, ke)


def parse_esp(name: str) -> EspSuite:
    """The ESP suite of this name.

    Raises ConfigError.
    """
    words = name.split("-")
    if words[0] in _ENCR_IIV:
        encr, key_bits = _ENCR_IIV[words.pop(0)]
    else:
        encr, key_bits = _take(words, _ENCR, name, "an encryption algorithm")
    integ = _take_integ(words, encr, name)
    esn = 0
    if words and words[0] == "esn":
        esn = 1
        words.pop(0)
    _check_end(words, name)
    return EspSuite(encr, key_bits, integ, esn)


def prepare(config, crypto) -> None:
    """Refuse at once what a backend cannot do, and load the rest while the stack is not deep yet; raises CryptoError."""
    for s in config.ike_proposals:
        crypto.sizes(s.encr, s.key_bits, s.integ)
        crypto.prf_len(s.prf)
        crypto.prepare_dh(s.ke)
        crypto.prepare(s.encr, s.integ)
    for s in config.esp_proposals:
        crypto.sizes(s.encr, s.key_bits, s.integ)
        crypto.prepare(s.encr, s.integ, config.large_tables)


def cipher_name(encr: int, key_bits: int, integ: int) -> str:
    """The words for the cipher of a suite, such as `aes128-sha256`."""
    tables = (_ENCR, (encr, key_bits)), (_ENCR_IIV, (encr, key_bits)), (_INTEG, integ)
    return "-".join([word for table, value in tables for word in table if table[word] == value])


def _known(table) -> str:
    return ", ".join(sorted(table))


def _take(words, table, name, what):
    if not words or words[0] not in table:
        got = repr(words[0]) if words else "nothing"
        raise ConfigError("suite %r: %s is not %s; known are %s" % (name, got, what, _known(table)))
    return table[words.pop(0)]


def _take_integ(words, encr, name) -> int:
    if encr == _CBC:
        return _take(words, _INTEG, name, "an integrity algorithm, which AES-CBC needs")
    if words and words[0] in _INTEG:
        raise ConfigError("suite %r: an AEAD takes no integrity algorithm; remove %r" % (name, words[0]))
    return 0


def _check_end(words, name):
    if words:
        raise ConfigError("suite %r: %r is left over at the end; remove it" % (name, "-".join(words)))
