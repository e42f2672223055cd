"""Options of authentication by other means than a pre-shared key; loaded only with one of them.

What the keys hold is looked at by `ipsec.ike.auth.load`. Start reading at `check`.
"""

from binascii import hexlify

from ipsec.errors import ConfigError

_METHODS = ("psk", "key")
_FORMS = "PEM, or '0s' and base64, as `pki --pub` or `ipsec showhostkey` print it"


def check(c) -> None:
    """Whether all that a method needs is there.

    Raises ConfigError.
    """
    if c.auth not in _METHODS:
        raise ConfigError("option auth: %r is not supported; use %s" % (c.auth, " or ".join(["%r" % m for m in _METHODS])))
    if c.psk:
        raise ConfigError("option psk: auth is %r, which has no use for it: remove it, or set auth = 'psk'" % c.auth)
    if not c.key:
        raise ConfigError("option key_file is required with auth %r: `ipsec-board provision` has the board make a key" % c.auth)
    if not c.gateway_key:
        raise ConfigError("option gateway_key is required with auth 'key': the gateway's public key, %s" % _FORMS)


def read_key(config_path: str, name: str) -> str:
    """What the file of a private key holds, as the option `key` takes it: PEM as it is, other octets in hexadecimal.

    Raises ConfigError.
    """
    folder = config_path.rsplit("/", 1)[0] + "/" if "/" in config_path else ""
    path = name if name.startswith("/") else folder + name
    try:
        with open(path, "rb") as f:
            octets = f.read()
    except OSError as e:
        raise ConfigError("option key_file: %r cannot be read (%s): provision the device, which makes a key" % (path, e))
    if octets[:5] == b"-----":
        return octets.decode()
    return "0x" + hexlify(octets).decode()
