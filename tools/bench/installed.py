"""The library as `ipsec-board install` puts it on a board: joined files and the native module beside them.

What a program of `device/` names inside is kept for it, its text gets the short names of attributes; nothing else differs from an
installation. Start reading at `lay`.
"""

import ast
from pathlib import Path

from ipsec.config import Config

from ipsec_board import slices
from ipsec_board.linker import build
from ipsec_board.linker.kept import link_once
from ipsec_board.linker.link import Options
from tools.emulator.stage import compile_mpy
from tools.link import check

_CIPHERS = ("aes128gcm16", "aes128ccm16")
_IKE = [f"{cipher}-prfsha256-x25519" for cipher in _CIPHERS]
_LARGE = ("chacha", "cbc", "sha512", "gcm8k")  # whose packets are measured, too; each is a file that other tunnels do not load
# The slices of a program's device beside those of a pre-shared key
_EXTRA = {"session": _LARGE, "raw_keys": ("key", "ecdsa", "ed25519", "sha512"), "by_certificates": ("key", "cert", "ecdsa",
          "ed25519", "sha512"), "by_rsa": ("key", "cert", "ecdsa", "ed25519", "rsa", "sha512")}  # fmt: skip


def config() -> Config:
    """A device with a pre-shared key, AES-GCM and AES-CCM."""
    return Config(gateway="gw.example", local_id="device.example", psk="hex:" + "5a" * 32, ike_proposals=_IKE,
                  esp_proposals=list(_CIPHERS))  # fmt: skip


def lay(folder: Path, march: str, program: str = "", sources: Path | None = None) -> None:
    """The files in `folder`/lib, and with a program that it and what it imports of `sources` in `folder`/bench."""
    texts = _with_imports(program, sources) if sources else {}
    options = Options(march, config(), _EXTRA.get(program, ()), programs=tuple(texts.values()))
    linked = link_once(options)
    build.write(linked, march, folder / "lib", in_place=program == "import_cost")  # others load from ROMFS, which is in place
    modules = {*slices.needed(None, march), *slices.unreached()}
    for name, text in texts.items():
        short = folder / f"{name}.py"
        short.write_text(check.renamed(text, linked, modules))
        (folder / "bench").mkdir(exist_ok=True)
        compile_mpy(short, folder / "bench" / f"{name}.mpy", march, short.name)
        short.unlink()


def _with_imports(program: str, sources: Path) -> dict[str, str]:
    """The texts of a program and of what it imports of the same folder, by name."""
    found: dict[str, str] = {}
    waiting = [program]
    while waiting:
        name = waiting.pop()
        path = sources / f"{name}.py"
        if name in found or not path.is_file():
            continue
        found[name] = path.read_text()
        for n in ast.walk(ast.parse(found[name])):
            waiting += [a.name for a in n.names] if isinstance(n, ast.Import) else []
            waiting += [n.module] if isinstance(n, ast.ImportFrom) and n.module else []
    return dict(sorted(found.items()))
