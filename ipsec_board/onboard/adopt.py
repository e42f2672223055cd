# Checks a configuration just written and puts it in the place of the previous one. Runs on the board.
import hashlib
import json
import os


def _digest(path):
    h = hashlib.sha256()
    with open(path, "rb") as f:
        while True:
            part = f.read(256)
            if not part:
                return "".join("%02x" % b for b in h.digest())
            h.update(part)


def _check():
    if _digest(STAGED) != DIGEST:  # noqa: F821
        return "what was written does not read back the same"
    if not CHECK:  # noqa: F821
        return ""
    try:
        from ipsec import config
    except ImportError:
        return ""  # the library is not installed yet; the host has checked the configuration
    from ipsec.errors import LocalError

    try:
        found = config.load(STAGED)  # noqa: F821
        if found.auth not in ("psk", "=psk"):
            _check_keys(found)
    except LocalError as e:
        return "the library on the board refuses it: %s" % e
    return ""


def _check_keys(found):
    """Whether the keys are some; joined files have no such module, and tell it when they start."""
    try:
        from ipsec.ike import auth
    except ImportError:
        return
    auth.load(found)


def _owner():
    """The identity in the configuration that is there."""
    try:
        with open(PLACE) as f:  # noqa: F821
            return json.load(f).get("local_id", "")
    except (OSError, ValueError, AttributeError):
        return ""


_before = _owner()
_error = _check()
if _error:
    os.remove(STAGED)  # noqa: F821
else:
    os.rename(STAGED, PLACE)  # noqa: F821
    if hasattr(os, "sync"):
        os.sync()
print(json.dumps({"error": _error, "before": _before}))
