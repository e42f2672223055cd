"""Options of authentication by other means than a pre-shared key; loaded only with one of them.

What the keys hold is looked at by `ipsec.ike.auth.load`. Start reading at `check`.
"""

from binascii import hexlify, unhexlify

from ipsec.errors import ConfigError
from ipsec.micro import forget

# As in config.py, whose table they join when a configuration has one of them: (default, kind)
OPTIONS = {
    # A key against quantum computers, beside any `auth` (RFC 8784)
    "ppk_id": ("", "str"),  # the name of a post-quantum pre-shared key that the gateway has, too; text, or "hex:..."
    "ppk_file": ("", "str"),  # the file that holds it, beside the configuration
    "ppk": ("", "str"),  # or the key itself, in the forms of `psk`; 32 octets or more
    "ppk_required": (True, "bool"),  # no tunnel without it; false for the time until the gateway has it
    # With auth "eap": EAP-MSCHAPv2 behind a gateway that has proved itself by `gateway_key` or `ca_file`
    "eap_identity": ("", "str"),  # our name in the gateway's accounts; default: `local_id`
    "nt_hash_file": ("", "str"),  # the file of the NT hash, MD4 of the password in UTF-16, beside the configuration
    "nt_hash": ("", "str"),  # or "hex:" and its 32 digits
    # With ca_file
    "certreq": ("", "str"),  # SHA-1 of each authority's public key, as `provision` writes it; default: reckoned on the device
}

_MIN_PPK_LEN = 32  # RFC 8784 6
_MAX_PPK_ID_LEN = 64
_MAX_EAP_LEN = 128
_NT_HASH_LEN = 16
_METHODS = ("psk", "key", "cert")
_FORMS = "PEM, or '0s' and base64, as `pki --pub` or `ipsec showhostkey` print it"


def check(c) -> None:
    """Whether all that the methods of both ends need is there.

    Raises ConfigError.
    """
    for name in ("auth", "remote_auth"):
        value = getattr(c, name)
        known = _METHODS + ("eap",) if name == "auth" else _METHODS
        if value not in known and (value or name == "auth"):
            raise ConfigError("option %s: %r is not supported; use %s" % (name, value, " or ".join(["%r" % m for m in known])))
    check_dates(c)
    _check_ppk(c)
    _check_eap(c)
    theirs = c.remote_auth or c.auth
    if theirs == c.auth:
        c.remote_auth = ""
    if c.psk and "psk" not in (c.auth, theirs):
        raise ConfigError("option psk: auth is %r, which has no use for it: remove it, or set auth = 'psk'" % c.auth)
    if c.auth in ("key", "cert") and not c.key:
        raise ConfigError("option key_file is required with auth %r: `ipsec-board provision` has the board make a key" % c.auth)
    if c.key and c.auth not in ("key", "cert"):
        raise ConfigError("option key_file: auth is %r, which has no use for it: remove it, or set auth = 'key'" % c.auth)
    if c.auth == "cert" and not c.cert:
        raise ConfigError("option cert_file is required with auth 'cert': our certificate, and those of its issuers")
    if c.cert and c.auth != "cert":
        raise ConfigError("option cert_file: auth is %r, which has no use for it: remove it, or set auth = 'cert'" % c.auth)
    _check_gateway(c, theirs)


def check_dates(c) -> None:
    """What certificates are checked with, also where there are none.

    Raises ConfigError.
    """
    if len(c.certreq) % 40 or c.certreq.strip("0123456789abcdef"):
        raise ConfigError("option certreq: %r is not 40 digits for each authority: remove it, or provision again" % c.certreq)
    if c.clock not in ("", "rtc"):
        raise ConfigError(
            "option clock: %r is not known: use 'rtc' where the system's clock is right, else leave it out" % c.clock
        )
    if c.provisioned and not _is_day(c.provisioned):
        raise ConfigError("option provisioned: %r is not a day such as '2026-11-28'" % c.provisioned)


def _check_ppk(c):
    """The post-quantum pre-shared key, whose name becomes octets, too."""
    if not c.ppk_id and not c.ppk:
        return
    if not c.ppk_id:
        raise ConfigError("option ppk_id is required with ppk_file: the name that the gateway knows the key by")
    if not c.ppk:
        raise ConfigError("option ppk_file is required with ppk_id: `ipsec-board provision --new-ppk` makes a key")
    c.ppk_id = _name(c.ppk_id)
    c.ppk = decode_secret("ppk", c.ppk)
    if len(c.ppk) < _MIN_PPK_LEN:
        text = "option ppk has %d octets, fewer than %d: quantum computers may find it; use 32 random octets or more"
        c.warnings.append(text % (len(c.ppk), _MIN_PPK_LEN))


def _check_eap(c):
    """Our name and the NT hash; the gateway's own method is by key or certificate."""
    if c.auth != "eap":
        if c.eap_identity or c.nt_hash:
            name = "eap_identity" if c.eap_identity else "nt_hash_file"
            raise ConfigError("option %s: auth is %r, which has no use for it: remove it, or set auth = 'eap'" % (name, c.auth))
        return
    if not c.nt_hash:
        raise ConfigError("option nt_hash_file is required with auth 'eap': `ipsec-board provision --new-nt-hash` makes it")
    c.nt_hash = decode_secret("nt_hash", c.nt_hash)
    if len(c.nt_hash) != _NT_HASH_LEN:
        text = "option nt_hash: it has %d octets, not 16: `ipsec-board provision --new-nt-hash` makes it of the password"
        raise ConfigError(text % len(c.nt_hash))
    c.eap_identity = c.eap_identity or c.local_id
    if not 1 <= len(c.eap_identity.encode()) <= _MAX_EAP_LEN:
        raise ConfigError("option eap_identity: it is longer than %d octets" % _MAX_EAP_LEN)
    if not c.ca and not c.gateway_key:
        text = "option ca_file is required with auth 'eap': an authority of the gateway's certificate; or a gateway_key"
        raise ConfigError(text)
    if not c.remote_auth:
        c.remote_auth = "cert" if c.ca or "BEGIN CERTIFICATE" in c.gateway_key else "key"
    if c.remote_auth == "psk":
        raise ConfigError("option remote_auth: a gateway proves itself by 'key' or 'cert' where the device does by EAP")


def _name(text) -> bytes:
    """The octets of ppk_id: text, or digits behind `hex:`."""
    octets = text.encode()
    if text.startswith("hex:"):
        try:
            octets = unhexlify(text[4:])
        except ValueError:
            raise ConfigError("option ppk_id: what follows 'hex:' is not pairs of hexadecimal digits")
    if not 1 <= len(octets) <= _MAX_PPK_ID_LEN:
        raise ConfigError("option ppk_id: it has %d octets; give a name of 1 to %d" % (len(octets), _MAX_PPK_ID_LEN))
    return octets


def decode_secret(option, text) -> bytes:
    """The octets of a secret in the forms of the option psk. Raises ConfigError, whose text does not hold it."""
    from ipsec.key_forms import decode_key

    try:
        return decode_key(text)
    except ConfigError as e:
        raise ConfigError(_of(option, e))
    finally:
        forget("ipsec.key_forms")


def _of(option, error) -> str:
    """What is wrong with a PSK, said of another secret."""
    text = str(error)
    for before in ("option ", "into "):
        text = text.replace(before + "psk", before + option)
    return text.replace("--new-psk", "--new-" + option.replace("_", "-"))


def _check_gateway(c, theirs):
    """What we know the gateway by."""
    if theirs == "key" and not c.gateway_key:
        raise ConfigError("option gateway_key is required with auth 'key': the gateway's public key, %s" % _FORMS)
    for name, unused in (("gateway_key", c.gateway_key and theirs == "psk"), ("ca_file", c.ca and theirs != "cert")):
        if unused:
            raise ConfigError("option %s: the gateway's method is %r, which has no use for it: remove it" % (name, theirs))
    if theirs != "cert":
        return
    if not c.gateway_key and not c.ca:
        raise ConfigError("option ca_file is required with auth 'cert': the authority that the gateway's certificate comes from")
    if c.gateway_key and c.ca:
        raise ConfigError("option ca_file: gateway_key tells already which certificate the gateway has: remove one of them")
    if c.ca:
        _check_ca(c)


def _check_ca(c):
    if c.remote_id == "%any":
        text = (
            "option remote_id: with ca_file and '%any' whoever has a certificate of that authority could be the gateway: name it"
        )
        raise ConfigError(text)
    if c.remote_id.startswith(("keyid:", "@#")):
        raise ConfigError("option remote_id: no certificate holds a key ID; give the gateway's host name, address or subject")
    day = c.provisioned
    if c.clock != "rtc":
        text = "no clock is trusted, and the gateway's certificate is taken %s; give clock = 'rtc' where there is one"
        since = "unless it had ended on %s, when this was provisioned" % day if day else "whatever its dates are: set provisioned"
        c.warnings.append(text % since)


def _is_day(text) -> bool:
    """Whether this is `YYYY-MM-DD`."""
    digits = text[:4] + text[5:7] + text[8:]
    if len(text) != 10 or text[4] != "-" or text[7] != "-" or not all("0" <= c <= "9" for c in digits):
        return False
    return "01" <= text[5:7] <= "12" and "01" <= text[8:] <= "31"


def read_files(config_path: str, options: dict) -> None:
    """Put what the files of keys and certificates hold in place of their names.

    Raises ConfigError.
    """
    for name in ("key_file", "cert_file", "ca_file", "ppk_file", "nt_hash_file"):
        if options.get(name) and isinstance(options[name], str):  # else options.py says so
            read = read_secret if name in ("ppk_file", "nt_hash_file") else read_file
            options[name[:-5]] = read(config_path, options.pop(name), name)


def read_secret(config_path: str, name: str, option: str) -> str:
    """What the file of a secret holds, in a form of `decode_secret`.

    Raises ConfigError.
    """
    from ipsec.key_forms import read_key

    octets, path = _read(config_path, name, option)
    try:
        return read_key(octets, path)
    except ConfigError as e:
        raise ConfigError(_of(option[:-5], e))
    finally:
        forget("ipsec.key_forms")


def read_file(config_path: str, name: str, option: str) -> str:
    """What a file of a key or certificates holds: PEM as it is, other octets in hexadecimal.

    Raises ConfigError.
    """
    octets, path = _read(config_path, name, option)
    if b"-----BEGIN" in octets:
        try:
            return octets.decode()
        except UnicodeError:
            raise ConfigError("option %s: %r is PEM, and something else: give a file of nothing but PEM" % (option, path))
    return "0x" + hexlify(octets).decode()


def _read(config_path, name, option) -> tuple:
    """The octets of a file beside the configuration, and its path. Raises ConfigError."""
    folder = config_path.rsplit("/", 1)[0] + "/" if "/" in config_path else ""
    path = name if name.startswith("/") else folder + name
    try:
        with open(path, "rb") as f:
            return f.read(), path
    except (OSError, ValueError) as e:  # the latter for a path that no file can have
        remedy = "provision the device, which makes a key" if option == "key_file" else "give its path, or provision the device"
        raise ConfigError("option %s: %r cannot be read (%s): %s" % (option, path, e, remedy))
