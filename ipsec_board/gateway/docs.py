"""The pages of docs/gateways/: for every kind of gateway a provisioning file and the configuration written from it.

    python -m ipsec_board.gateway.docs            bring the pages up to date

Start reading at `page`.
"""

import re
import sys
import tempfile
from pathlib import Path

from ipsec_board import gateway
from ipsec_board.gateway import initial
from ipsec_board.gateway import plan as plans
from ipsec_board.paths import REPOSITORY

FOLDER = REPOSITORY / "docs" / "gateways"
_READ = (
    "The settings were compared with the documents that the text names, as far as stored copies of them could be read;\n"
    "what was not found there is marked `Not confirmed`. No such gateway has loaded this text."
)
_SEEN = {
    "strongswan": "A test loads it into a real strongSwan, and a device delivers readings through it.",
    "libreswan": "A test loads it into a real pluto, and two devices bring up their tunnels (no ESP: it is the kernel's).",
}


def page(kind: str) -> str:
    """The page of one kind of gateway."""
    text = _example(kind)
    begun = f"The provisioning file of the device, as `ipsec-board provision --init sensor-7.toml --for {kind}` begins it:"
    parts = [f"# {gateway.GATEWAYS[kind][1]}\n", f"{_SEEN.get(kind, _READ)}\n", f"{begun}\n", f"```toml\n{text}```\n"]
    parts.append(f"`ipsec-board gateway {kind} sensor-7.toml` writes:\n")
    for file in _write(kind, text):
        parts.append(f"`{file.name}`\n\n```\n{file.text.strip()}\n```\n")
    return "\n".join(parts)


def _example(kind: str) -> str:
    """What `provision --init` writes for this kind, without the options that keep their defaults and without [device]."""
    wanted = [line for line in initial.text("sensor-7", kind).splitlines() if not line.startswith("#")]
    tables = re.split("\n{2,}", "\n".join(wanted).strip())
    text = "\n\n".join(t for t in tables if not t.startswith("[device]")).replace('name = "uplink"', 'name = "fleet" ')
    return text + ("\n" if kind in initial.CLOUD else '\npool = "10.20.0.0/24"\ndns = ["10.10.0.1"]\n')


def _write(kind: str, text: str) -> list[gateway.GatewayFile]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sensor-7.toml"
        path.write_text(text)
        plans.make_secret(path.with_suffix(".psk"), text=kind in initial.TEXT)
        return gateway.write(kind, plans.load(path))


def stale() -> list[str]:
    """Kinds whose page is missing or outdated."""
    paths = {kind: FOLDER / f"{kind}.md" for kind in gateway.GATEWAYS}
    return [kind for kind, path in paths.items() if not path.is_file() or path.read_text() != page(kind)]


def main() -> int:
    """Bring the pages up to date and name those that changed."""
    for kind in stale():
        (FOLDER / f"{kind}.md").write_text(page(kind))
        print(f"updated {kind}.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
