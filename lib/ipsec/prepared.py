"""The options of a tunnel from a file that was checked at the desk: what a board has in place of `options.py`.

`ipsec-board provision --prepared` writes such a file, `ipsec-board install --prepared` puts this module where `ipsec.options` is.
In the file, which `ipsec_board/prepare.py` writes, a text begins with "=", and octets are "#" and hexadecimal digits.
Start reading at `read`.
"""

from binascii import unhexlify

from ipsec.errors import ConfigError
from ipsec.suite import Proposal

_FORM = 2  # of the file; another number is another version's


def fill(c, options) -> None:
    """Give a `Config` all its attributes; nothing is checked here."""
    c.remote_auth = c.clock = ""  # which a file for a pre-shared key does not have
    c.gateways = c.remote_ids = c.dns_domains = c.more_ts = ()  # nor one of an older version these
    c.redirect = c.childless = False
    c.tcp = ""
    for name in options:
        setattr(c, name, options[name])


def read(path: str) -> dict:
    """The options in a prepared configuration file.

    Raises ConfigError.
    """
    import json

    try:
        with open(path) as f:
            values = json.load(f)
    except (OSError, ValueError) as e:
        raise ConfigError("configuration file %r cannot be read (%s): provision the device" % (path, e))
    if not isinstance(values, dict) or values.pop("prepared", 0) != _FORM:
        raise ConfigError("configuration file %r is not prepared for this library: give `provision --prepared`" % path)
    options = {name: _value(values[name]) for name in values}
    for name in ("ike_offer", "esp_offer"):
        options[name] = [Proposal([tuple(c) for c in p[0]], *p[1:]) for p in options[name]]
    if options.get("key_file"):
        from ipsec.auth_options import read_file

        options["key"] = read_file(path, options["key_file"], "key_file")
    return options


def _value(v):
    if isinstance(v, list):
        return [_value(x) for x in v]
    if isinstance(v, str):
        return unhexlify(v[1:]) if v[0] == "#" else v[1:]
    return v
