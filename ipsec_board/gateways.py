"""The `gateway` command and the snippet that `ipsec-board provision` prints, through ipsec_board/gateway.

Start reading at `show_gateway`.
"""

from collections.abc import Sequence
from pathlib import Path

from ipsec_board import gateway
from ipsec_board.errors import BoardError
from ipsec_board.gateway import fleet
from ipsec_board.gateway.authority import Authority
from ipsec_board.gateway.plan import Plan, PlanError
from ipsec_board.show import Show


def show_gateway(
    plans: Sequence[Plan], kind: str, folder: Path | None, show: Show, replace: bool = False, issuer: Authority | None = None
) -> None:
    """Print the configuration without the secrets, or write it with them into `folder`. Raises BoardError.

    `issuer` issues the gateway's certificate, where it has one from there.
    """
    for one, other in fleet.same_keys(plans):
        show.warn(f"{one.path} and {other.path} have the same key: each device can pose as the other; give each its own")
    for text in dict.fromkeys(text for plan in plans for text in _beside(plan, kind)):
        show.warn(text)
    try:
        files = gateway.write(kind, plans, show_secret=folder is not None, issuer=issuer)
        written = gateway.save(files, folder, replace) if folder else []
    except PlanError as e:
        raise BoardError.of(e) from e
    except OSError as e:
        raise BoardError(f"{folder} cannot be written ({e.strerror})", "name a folder of yours with --out") from e
    if folder is None:
        for file in files:
            show.line(f"--- {file.name}")
            show.line(file.text)
        show.line(f"Placeholders stand for secrets; `ipsec-board gateway {kind} --out FOLDER` writes the files with them.")
    for path, file in zip(written, files, strict=False):
        show.good(f"{path}{' (holds the secret, mode 600)' if file.secret else ''}")


def _beside(plan: Plan, kind: str) -> list[str]:
    """What a device wants of its gateway that no text says."""
    found, c = [], plan.config
    if c.tcp and kind != "libreswan":
        only = ", and such a device comes by nothing else" if c.tcp == "always" else ""
        found.append(f"tcp = {c.tcp!r}: nothing is written for IKE and ESP in TCP, port {c.tcp_port}{only}")
    usual = {"port": 500, "natt_port": 4500}
    ports = [f"{name} = {getattr(c, name)}" for name, number in usual.items() if getattr(c, name) != number]
    if ports and c.tcp != "always":
        found.append(f"{', '.join(ports)}: the text is for UDP 500 and 4500; lead the other port there")
    return found
