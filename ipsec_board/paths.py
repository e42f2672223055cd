"""Where the repository is; importing this module makes `import ipsec` find lib/."""

import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
LIBRARY = REPOSITORY / "lib"
FIRMWARE = REPOSITORY / "firmware"

if str(LIBRARY) not in sys.path:
    sys.path.insert(0, str(LIBRARY))
