# Gives the staged files their names and removes what is no longer wanted. Runs on the board.
import json
import os

for _old, _new in RENAMES:  # noqa: F821
    os.rename(_old, _new)
for _path in REMOVALS:  # noqa: F821
    os.remove(_path)
if hasattr(os, "sync"):
    os.sync()
print(json.dumps({"renamed": len(RENAMES), "removed": len(REMOVALS)}))  # noqa: F821
