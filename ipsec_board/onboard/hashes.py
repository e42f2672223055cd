# Prints the files under FOLDERS with the beginning of their SHA-256, as JSON. Runs on the board.
import gc
import hashlib
import json
import os

_buf = bytearray(512)
_view = memoryview(_buf)


def _hash(path):
    h = hashlib.sha256()
    with open(path, "rb") as f:
        while True:
            n = f.readinto(_buf)
            if not n:
                break
            h.update(_view[:n])
    return "".join("%02x" % b for b in h.digest()[:10])


def _tell(path):
    """One member of the object, printed at once: the whole of it would want a piece of heap that a used one has not got."""
    global _comma
    print(_comma + json.dumps(path) + ":" + json.dumps(_hash(path)), end="")
    _comma = ","


def _walk(folder):
    try:
        entries = list(os.ilistdir(folder))
    except OSError:
        return
    for entry in entries:
        path = folder + "/" + entry[0]
        if entry[1] & 0x4000:
            if entry[0] not in (".", ".."):
                _walk(path)
        else:
            _tell(path)


gc.collect()
_comma = "{"
for _f in FOLDERS:  # noqa: F821
    _walk(_f)
for _f in FILES:  # noqa: F821
    try:
        _tell(_f)
    except OSError:
        pass
print("{}" if _comma == "{" else "}")
