"""A checked configuration in the form that `ipsec.prepared` reads, so that a board needs neither parser nor checker.

Start reading at `dump`.
"""

from ipsec.auth_options import OPTIONS
from ipsec.config import Config

FORM = 2  # of the file, as in lib/ipsec/prepared.py; another number for what older boards cannot read


def dump(config: Config) -> dict:
    """What the file holds: options as JSON has them, texts behind "=", octets as hexadecimal digits behind "#"."""
    without = {"psk_file", "key", "credentials"}  # a board reads its key from the file of it
    without |= {"cert_file", "ca_file"}  # what they hold is in the file
    without |= {"ppk_file"} if config.ppk_id else {name for name in OPTIONS if name.startswith("ppk")}
    without |= {"nt_hash_file"} if config.auth == "eap" else {"eap_identity", "nt_hash", "nt_hash_file"}
    if config.auth == "psk" and not config.remote_auth:
        without |= {"key_file", "gateway_key", "cert", "ca", "certreq", "remote_auth", "clock", "provisioned"}
    values = {name: _written(value) for name, value in vars(config).items() if name not in without}
    return {"prepared": FORM, **values}


def _written(value: object) -> object:
    if isinstance(value, (list, tuple)):
        return [_written(v) for v in value]
    if isinstance(value, (bytes, bytearray)):
        return "#" + value.hex()
    return "=" + value if isinstance(value, str) else value
