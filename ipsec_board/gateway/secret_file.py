"""A new file for a secret: its owner alone can read it, and it never takes the place of another. Start reading at `write`."""

import os
from pathlib import Path

from ipsec_board.gateway.checks import PlanError


def write(path: Path, text: str, option: str) -> None:
    """Write the file that `option` names. Raises PlanError when it exists or cannot be written."""
    try:
        create(path, text)
    except FileExistsError as e:
        keep = f"to use it, give the command without --new-{option.removesuffix('_file').replace('_', '-')}"
        remedy = f"{keep}; or remove it first when it is not needed"
        raise PlanError(f"{path} exists: it may be in use by a device", remedy) from e
    except OSError as e:
        raise PlanError(f"{path} cannot be written ({e.strerror})", f"give {option} a path in an existing folder") from e


def create(path: Path, text: str) -> None:
    """The file alone. Raises OSError."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as f:
        f.write(text)
