"""Where the library and the application template are: beside this package in a checkout, inside of it once installed.

Importing this module makes `import ipsec` find the checkout's lib/, whatever else is installed.
"""

import importlib.util
import sys
from pathlib import Path

_HERE = Path(__file__).resolve().parent
REPOSITORY = _HERE.parent
IS_CHECKOUT = (REPOSITORY / "lib" / "ipsec" / "config.py").is_file()


def _library() -> Path:
    """The folder that holds the package `ipsec` with its sources."""
    if IS_CHECKOUT:
        return REPOSITORY / "lib"
    found = importlib.util.find_spec("ipsec")
    if found is None or found.origin is None:
        raise ImportError("the package ipsec is missing: install ipsec-uplink again")
    return Path(found.origin).parents[1]


if IS_CHECKOUT and str(REPOSITORY / "lib") not in sys.path:
    sys.path.insert(0, str(REPOSITORY / "lib"))
LIBRARY = _library()
FIRMWARE = (REPOSITORY if IS_CHECKOUT else _HERE) / "firmware"
