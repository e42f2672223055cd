"""The pages of docs/gateways/: for every kind of gateway a provisioning file and the configuration written from it.

    python -m tools.gateway.docs            bring the pages up to date

Start reading at `page`.
"""

import sys
import tempfile
from pathlib import Path

from tools import gateway
from tools.gateway import plan as plans
from tools.gateway.paths import REPOSITORY

FOLDER = REPOSITORY / "docs" / "gateways"
_DEVICE = """[tunnel]
gateway = "vpn.example.net"
local_id = "sensor-7.example.net"
psk_file = "sensor-7.psk"
remote_ts = ["10.10.0.0/24"]
ike_proposals = [{ike}]
esp_proposals = [{esp}]

[site]
name = "fleet"
pool = "10.20.0.0/24"
dns = ["10.10.0.1"]
"""
_SITE = """[tunnel]
gateway = "198.51.100.1"              # the cloud gateway's address, and its identity
local_id = "203.0.113.7"              # our public address
psk_file = "sensor-7.psk"             # made with: provision --new-psk --text
virtual_ip = []
inner_address = "10.20.0.7"
remote_ts = ["10.10.0.0/24"]
lifetime_s = 2400                     # below the gateway's lifetimes
ike_proposals = [{ike}]
esp_proposals = [{esp}]

[site]
name = "fleet"
peer_address = "203.0.113.7"
"""
_AEAD = ('"aes128ccm16-prfsha256-x25519", "aes128gcm16-prfsha256-x25519"', '"aes128ccm16", "aes128gcm16"')
_GCM = ('"aes128gcm16-prfsha256-ecp256"', '"aes128gcm16"')
# kind: (provisioning file, its suites, what has been seen of the text)
_READ = (
    "The settings were compared with the documents that the text names, as far as stored copies of them could be read;\n"
    "what was not found there is marked `Not confirmed`. No such gateway has loaded this text."
)
_PAGES = {
    "strongswan": (_DEVICE, _AEAD, "A test loads it into a real strongSwan, and a device delivers readings through it."),
    "libreswan": (_DEVICE, ('"aes128gcm16-prfsha256-x25519"', '"aes128ccm16", "aes128gcm16"'),
                  "A test loads it into a real pluto, and two devices bring up their tunnels (no ESP: it is the kernel's)."),
    "routeros": (_DEVICE, ('"aes128-sha256-ecp256"', '"aes128gcm16", "aes128-sha256"'), _READ),
    "iosxe": (_DEVICE, _GCM, _READ),
    "junos": (_DEVICE, _GCM, _READ),
    "fortigate": (_DEVICE, ('"aes128gcm16-prfsha256-x25519"', '"aes128gcm16"'), _READ),
    "aws": (_SITE, _GCM, _READ),
    "azure": (_SITE, _GCM, _READ),
}  # fmt: skip


def page(kind: str) -> str:
    """The page of one kind of gateway."""
    text, (ike, esp), seen = _PAGES[kind]
    text = text.format(ike=ike, esp=esp)
    parts = [f"# {gateway.GATEWAYS[kind][1]}\n", f"{seen}\n", "The provisioning file of the device:\n", f"```toml\n{text}```\n"]
    parts.append(f"`python -m tools.board gateway {kind} sensor-7.toml` writes:\n")
    for file in _write(kind, text):
        parts.append(f"`{file.name}`\n\n```\n{file.text.strip()}\n```\n")
    return "\n".join(parts)


def _write(kind: str, text: str) -> list[gateway.GatewayFile]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sensor-7.toml"
        path.write_text(text)
        plans.make_secret(path.with_suffix(".psk"), text=kind in ("aws", "azure"))
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
