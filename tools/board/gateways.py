"""The `gateway` command and the snippet that `provision` prints, through tools/gateway.

Start reading at `show_gateway`.
"""

from pathlib import Path

from tools import gateway
from tools.board.errors import BoardError
from tools.board.show import Show
from tools.gateway.plan import Plan, PlanError


def show_gateway(plan: Plan, kind: str, folder: Path | None, show: Show) -> None:
    """Print the configuration without the secret, or write it with the secret into `folder`. Raises BoardError."""
    try:
        files = gateway.write(kind, plan, show_secret=folder is not None)
    except PlanError as e:
        raise BoardError(str(e), e.remedy) from e
    if folder is None:
        for file in files:
            show.line(f"--- {file.name}")
            show.line(file.text)
        show.line(f"A placeholder stands for the secret; `gateway {kind} --out FOLDER` writes the files with it.")
        return
    for path, file in zip(gateway.save(files, folder), files, strict=True):
        show.good(f"{path}{' (holds the secret, mode 600)' if file.secret else ''}")
