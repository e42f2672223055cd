"""Further secrets: a post-quantum pre-shared key beside others (RFC 8784), and the NT hash of EAP-MSCHAPv2.

Start reading at `read`.
"""

from pathlib import Path

from ipsec import auth_options
from ipsec.crypto.md4 import md4
from ipsec.errors import ConfigError
from ipsec.ike.auth.ppk import shown

from ipsec_board.gateway import secret_file
from ipsec_board.gateway.checks import STAND_IN, TO_BE_MADE, PlanError, Reasons, another_secret

FILES = {"ppk_file": "ppk", "nt_hash_file": "nt_hash"}  # options that name files, and those that hold what is in them


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
        given[secret] = STAND_IN[secret]
        if place.is_dir():
            reasons.add(f"{name} {place} is a folder", another_secret(secret, place, path))
            continue
        if not place.is_file():
            reasons.add(f"{name} {place} is not there", f"{TO_BE_MADE}{secret.replace('_', '-')} {path}")
            continue
        try:
            given[secret] = auth_options.read_secret(str(path), str(file), name)
            files.append(place)
        except ConfigError as e:
            reasons.add(str(e), another_secret(secret, place, path))
    return given, tuple(files)


def make_nt_hash(path: Path, password: str) -> None:
    """Write the NT hash of a password, readable by its owner alone. Raises PlanError when the file exists."""
    if not password:
        raise PlanError("the password is empty", "give the one of the account at the gateway")
    secret_file.write(path, f"hex:{md4(password.encode('utf-16-le')).hex()}\n", "nt_hash_file")


def ppk_name(config, vendor: str) -> str:
    """The name of a configuration's PPK, for gateways that have it as text. Raises PlanError."""
    name = shown(config.ppk_id)
    if name.startswith("hex:") or '"' in name:
        text = f"{vendor} takes a ppk_id of letters and digits, not {name}"
        raise PlanError(text, 'give the key such a name: ppk_id = "sensor-7"')
    return name
