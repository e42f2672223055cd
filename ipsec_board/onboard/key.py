# Makes this board's private key unless it has one of this kind, or takes a staged one; tells its public key. Runs on the board.
import json
import os


def _public():
    """SubjectPublicKeyInfo of the key that is there, in hexadecimal; "" for none of this kind."""
    from ipsec.drive import key
    from ipsec.errors import ConfigError

    try:
        found = key.public(PLACE)  # noqa: F821
    except ConfigError:
        return ""
    return "".join("%02x" % b for b in found)


_made = False
_error = _found = ""
try:
    if STAGED:  # noqa: F821
        os.rename(STAGED, PLACE)  # noqa: F821
    _found = _public()
    if not STAGED and (FRESH or len(_found) != (88 if KIND == 1 else 182)):  # noqa: F821
        from ipsec.drive import key

        key.create(PLACE, KIND)  # noqa: F821
        _made = True
        _found = _public()
    if hasattr(os, "sync"):
        os.sync()
except ImportError as e:
    _error = "the library on the board has no keys (%s)" % e
print(json.dumps({"public": _found, "made": _made, "error": _error}))
