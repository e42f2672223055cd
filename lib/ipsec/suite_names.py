"""Names of algorithms, as administrators write them and gateways' documentation has them, to proposals and back.

An IKE proposal is `ENCR[-INTEG][-PRF]-KE`, an ESP proposal `ENCR[-INTEG][-KE][-esn]`, with several words of a kind where the
gateway shall choose: `aes128ccm16-prfsha256-x25519`, `aes256-aes128-sha256-ecp256-modp2048`, `chacha20poly1305-esn`.

Rules: letter case, blanks and a `!` at the end do not count; libreswan's `aes_gcm256-sha2_256;dh19` is understood. AEAD takes no
integrity algorithm, AES-CBC needs one. Without a `prf...` word the PRF is the hash of the integrity algorithm, which is there for
nothing else with AEAD, as strongSwan and libreswan take it. A group in an ESP proposal (PFS) is for rekeying, as the first Child
SA has none (RFC 7296 1.2). Start reading at `parse_ike_proposal`.
"""

from ipsec.errors import ConfigError
from ipsec.offer import suites
from ipsec.suite import EspSuite, IkeSuite, Proposal

_CHACHA = "chacha20poly1305"
_BITS = ("128", "192", "256")
_ICVS = {"ccm": {8: 14, 12: 15, 16: 16}, "gcm": {8: 18, 12: 19, 16: 20}}  # octets of the ICV: ENCR transform ID
_IIVS = {"ccm8": 29, "gcm16": 30}  # ESP only: the IV is the sequence number (RFC 8750)
_ICV_WORDS = {"": 16, "16": 16, "128": 16, "12": 12, "96": 12, "8": 8, "64": 8}
_HASHES = {"sha256": 0, "sha384": 1, "sha512": 2, "sha2": 0, "sha2_256": 0, "sha2_384": 1, "sha2_512": 2}
_GROUPS = {"x25519": 31, "ecp256": 19, "ecp384": 20, "ecp521": 21, "modp2048": 14, "modp3072": 15, "modp4096": 16}
_ALIASES = {"curve25519": "x25519", "secp256r1": "ecp256", "secp384r1": "ecp384", "secp521r1": "ecp521"}
_WEAK: tuple = ("des", "3des", "null", "md5", "sha", "sha1", "aesxcbc", "modp768", "modp1024", "modp1536")
_WEAK += ("prfmd5", "prfsha", "prfsha1", "dh1", "dh2", "dh5", "group1", "group2", "group5")
_CBC = 12

_KNOWN = "aes128gcm16, aes128ccm16, %s, aes128 (or 192, 256; ICVs of 8, 12, 16)" % _CHACHA
_KNOWN_IIV = "aes128gcm16iiv, aes128ccm8iiv, %siiv" % _CHACHA
_KNOWN_INTEG = "sha256, sha384, sha512"
_KNOWN_PRF = "prfsha256, prfsha384, prfsha512"


def parse_ike(name: str) -> IkeSuite:
    """The IKE suite of this name.

    Raises ConfigError.
    """
    return only(parse_ike_proposal(name), name)


def parse_esp(name: str) -> EspSuite:
    """The ESP suite of this name.

    Raises ConfigError.
    """
    return only(parse_esp_proposal(name), name)


def parse_ike_proposal(name: str) -> Proposal:
    """The IKE proposal of this name.

    Raises ConfigError.
    """
    ciphers, integs, prfs, kes, rest = _sort(name, False)
    lacks = "" if prfs or integs else "-prfsha256"
    if not kes:
        lacks += "-ecp256"
    if lacks:
        what = "no PRF" if kes else "no key exchange group" if prfs or integs else "neither PRF nor key exchange group"
        raise ConfigError("IKE suite %r has %s: write '%s%s', for one" % (name, what, name.strip().rstrip("!"), lacks))
    if not prfs:
        prfs = [integ - 7 for integ in integs]  # HMAC_SHA2_256_128 is 12, PRF_HMAC_SHA2_256 is 5, and so on
        if ciphers[0][0] != _CBC:
            integs = []
    return Proposal(ciphers, integs, prfs, kes, ())


def parse_esp_proposal(name: str) -> Proposal:
    """The ESP proposal of this name.

    Raises ConfigError.
    """
    ciphers, integs, prfs, kes, rest = _sort(name, True)
    esns = [1 if word == "esn" else 0 for word in rest]
    if prfs:
        raise ConfigError("ESP suite %r: ESP has no PRF; remove the word" % name)
    return Proposal(ciphers, integs, (), kes, esns or [0])


def parse_offer(texts, parse) -> list:
    """The proposals of a list whose texts may hold several, separated by commas."""
    return [parse(part) for text in texts for part in text.split(",") if part.strip() or "," not in text]


def only(proposal: Proposal, name: str):
    """The suite of a proposal that has only one.

    Raises ConfigError.
    """
    found = suites([proposal])
    if len(found) > 1:
        raise ConfigError("suite %r: %d combinations; name one algorithm of each kind" % (name, len(found)))
    return found[0]


def cipher_name(encr: int, key_bits: int, integ: int) -> str:
    """The words for the cipher of a suite, such as `aes128-sha256`."""
    if integ:
        return "aes%d-%s" % (key_bits, ("sha256", "sha384", "sha512")[integ - 12])
    if encr in (28, 31):
        return _CHACHA + ("iiv" if encr == 31 else "")
    for mode, icvs in _ICVS.items():
        for icv, number in icvs.items():
            if number == encr:
                return "aes%d%s%d" % (key_bits, mode, icv)
    for word, number in _IIVS.items():
        if number == encr:
            return "aes%d%siiv" % (key_bits, word)
    return "aes%d" % key_bits if encr == _CBC else "encryption %d" % encr


def group_name(group: int) -> str:
    """The word for a key exchange group."""
    for word, number in _GROUPS.items():
        if number == group:
            return word
    return "group %d" % group


def describe(offer) -> str:
    """An offer in the words that the options take."""
    parts = []
    for ciphers, integs, prfs, kes, esns in offer:
        words = [cipher_name(encr, key_bits, 0) for encr, key_bits in ciphers]
        words += [("sha256", "sha384", "sha512")[integ - 12] for integ in integs]
        words += [("prfsha256", "prfsha384", "prfsha512")[prf - 5] for prf in prfs]
        words += [group_name(ke) for ke in kes]
        parts.append("-".join(words + ["esn"] * (1 in esns)))
    return ", ".join(parts)


def _sort(name: str, esp: bool) -> tuple:
    """The numbers of a name's words by kind, and the words `esn` and `noesn`.

    Raises ConfigError.
    """
    text = "".join(name.split()).lower()
    text = (text[:-1] if text.endswith("!") else text).replace("chacha20-poly1305", _CHACHA).replace("chacha20_poly1305", _CHACHA)
    words = text.replace(";", "-").replace("+", "-").split("-")
    ciphers: list = []
    integs: list = []
    prfs: list = []
    kes: list = []
    rest: list = []
    for word in words:
        cipher = _cipher(word, esp)
        if cipher:
            kind, value = ciphers, cipher
        elif word in _HASHES:
            kind, value = integs, 12 + _HASHES[word]
        elif word.startswith("prf") and word[3:] in _HASHES:
            kind, value = prfs, 5 + _HASHES[word[3:]]
        elif _group(word):
            kind, value = kes, _group(word)
        elif esp and word in ("esn", "noesn"):
            kind, value = rest, word
        elif word in ("null", "none") and ciphers and ciphers[0][0] != _CBC:
            continue  # the integrity algorithm that an AEAD has not
        else:
            raise ConfigError("suite %r: %s" % (name, _reason(word, ciphers, esp)))
        if value not in kind:
            kind.append(value)
    if not ciphers:
        raise ConfigError("suite %r: it names no encryption algorithm; known are %s" % (name, _KNOWN))
    _check_kinds(name, ciphers, integs, esp or prfs)
    return ciphers, integs, prfs, kes, rest


def _check_kinds(name, ciphers, integs, is_aead_alone):
    cbc = [encr for encr, _ in ciphers if encr == _CBC]
    if cbc and len(cbc) < len(ciphers):
        raise ConfigError("suite %r: AEAD and AES-CBC in one proposal; write two (RFC 7296 3.3)" % name)
    if cbc and not integs:
        text = "suite %r: AES-CBC needs an integrity algorithm, one of %s: write '%s-sha256', for one"
        raise ConfigError(text % (name, _KNOWN_INTEG, name.strip().rstrip("!")))
    if integs and not cbc and is_aead_alone:
        word = ("sha256", "sha384", "sha512")[integs[0] - 12]
        raise ConfigError("suite %r: an AEAD takes no integrity algorithm; remove %r" % (name, word))


def _cipher(word: str, esp: bool):
    """The pair for an encryption word, or None."""
    iiv = word.endswith("iiv") and esp
    if iiv:
        word = word[:-3]
    if word in (_CHACHA, "chachapoly", "chacha20", "chacha20poly1305256"):
        return (31 if iiv else 28), 0
    if not word.startswith("aes"):
        return None
    key, mode, icv = _split_aes(word[3:].replace("_", ""))
    if key not in _BITS:
        return None
    bits = int(key)
    if mode not in _ICVS:
        return (_CBC, bits) if not iiv and mode in ("", "cbc") and not icv else None
    if icv not in _ICV_WORDS:
        return None
    n = _ICV_WORDS[icv]
    if iiv:
        number = _IIVS.get("%s%d" % (mode, n))
        return (number, bits) if number else None
    return _ICVS[mode][n], bits


def _split_aes(text: str) -> tuple:
    """`128gcm16`, or libreswan's `gcm128` and `gcmc128`, as key length, mode, ICV."""
    key = text[:3]
    for mode in ("ccm", "gcm", "cbc"):
        if text[3:].startswith(mode):
            return key, mode, text[6:]
        if key == mode:
            icv = text[3:-3]
            return text[-3:], mode, {"a": "8", "b": "12", "c": "16"}.get(icv, icv)
    return key, text[3:], ""


def _group(word: str) -> int:
    """The number of a group's name, such as `ecp256`, `dh19` or `group19`; 0 if it is none."""
    word = _ALIASES.get(word, word)
    if word in _GROUPS:
        return _GROUPS[word]
    for prefix in ("dhgroup", "dh", "group"):
        digits = word[len(prefix) :]
        if word.startswith(prefix) and digits in ("14", "15", "16", "19", "20", "21", "31"):
            return int(digits)
    return 0


def _reason(word: str, ciphers, esp: bool) -> str:
    """Why a word is refused, and what to write."""
    if word in _WEAK:
        return "%r is too weak to be supported; take %s, %s and %s" % (word, "aes256", "sha256", "modp2048 or better")
    if word.endswith("iiv") and not esp:
        return "%r is for ESP only (RFC 8750)" % word
    if word.endswith("iiv"):
        return "%r is unknown; with an implicit IV there are %s" % (word, _KNOWN_IIV)
    if not ciphers:
        return "%r is not an encryption algorithm; known are %s" % (word, _KNOWN)
    known = ", ".join([_KNOWN_INTEG, _KNOWN_PRF] + sorted(_GROUPS))
    return "%r is not an algorithm that we know; known are %s" % (word, known)
