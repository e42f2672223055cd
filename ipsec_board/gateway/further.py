"""Secrets beside the one that a device authenticates itself by: a post-quantum pre-shared key (RFC 8784).

Start reading at `read`.
"""

from pathlib import Path

from ipsec import auth_options
from ipsec.errors import ConfigError
from ipsec.ike.auth.ppk import shown

from ipsec_board.gateway.checks import STAND_IN_PSK, PlanError, Reasons

FILES = {"ppk_file": "ppk"}  # options that name files, and those that hold what is in them


def read(path: Path, options: dict, reasons: Reasons) -> tuple[dict, tuple[Path, ...]]:
    """What the files hold, as options in place of those that name them, and where they are; a stand-in where one is missing."""
    given: dict = {}
    files = []
    for name, secret in FILES.items():
        value, file = options.pop(secret, None), options.pop(name, None)
        if value and not file:
            given[secret] = value
            files.append(path)
        if not file:
            continue
        place = path.parent / str(file)
        if value:
            reasons.add(f"both {secret} and {name} are given", f"keep {name} and remove {secret}")
        given[secret] = STAND_IN_PSK
        if not place.is_file():
            reasons.add(f"{name} {place} is not there", f"make one: ipsec-board provision --new-{secret} {path}")
            continue
        try:
            given[secret] = auth_options.read_secret(str(path), str(file), name)
            files.append(place)
        except ConfigError as e:
            reasons.add(str(e), f"make another: ipsec-board provision --new-{secret} {path}")
    return given, tuple(files)


def ppk_name(config, vendor: str) -> str:
    """The name of a configuration's PPK, for gateways that have it as text. Raises PlanError."""
    name = shown(config.ppk_id)
    if name.startswith("hex:") or '"' in name:
        text = f"{vendor} takes a ppk_id of letters and digits, not {name}"
        raise PlanError(text, 'give the key such a name: ppk_id = "sensor-7"')
    return name
