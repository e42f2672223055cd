"""Provisioning files and keys for many devices at once, from a template and a list of devices.

    ipsec-board fleet sensor.toml --csv devices.csv --out fleet --gateway strongswan
    ipsec-board fleet sensor.toml --count 100 --out fleet

The template is a provisioning file in which `$name` stands for the device's name and `$column` for a column of the CSV file
(`$n` for its number); each device gets a key of its own. Rules: everything is checked before anything is written; an existing
key is never replaced, so the command can be given again when the list has grown. Start reading at `make`.
"""

import re
import string
import time
from collections.abc import Sequence
from pathlib import Path

from ipsec_board import facts, link, ports, provision
from ipsec_board.devices import Row
from ipsec_board.errors import BoardError, BoardLost
from ipsec_board.gateway import checks, fleet
from ipsec_board.gateway import plan as plans
from ipsec_board.gateway.authority import Authority
from ipsec_board.gateway.plan import Plan, PlanError
from ipsec_board.show import Show

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_UNSAFE = re.compile(r'["\'\\\x00-\x1f\x7f]')  # would end a text of TOML or JSON


def make(template: Path, rows: Sequence[Row], out: Path, show: Show, text: bool = False) -> list[Path]:
    """Write a provisioning file and, where it is missing, a key for each device; the files' paths. Raises BoardError.

    `text` makes keys of letters and digits, for gateways that take no octets.
    """
    texts = _texts(template, rows)
    _check_keys(template, texts, out)
    _check_room(template, texts, out)
    _check_place(template, texts, out)
    _check_texts({out / f"{name}{template.suffix}": content for name, content in texts.items()}, out)
    made = changed = keys = 0
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, content in texts.items():
            path = out / f"{name}{template.suffix}"
            before = path.read_text() if path.exists() else None
            made, changed = made + (before is None), changed + (before not in (None, content))
            if before != content:
                path.write_text(content)
            keys += _make_key(path, text)
    except (OSError, UnicodeDecodeError) as e:
        why = e.strerror if isinstance(e, OSError) else "a file of that name there is not text"
        raise BoardError(f"{out} cannot be written ({why})", "name a folder of yours with --out") from e
    show.good(
        f"{out}: {len(texts)} devices: {made} new, {changed} changed, {len(texts) - made - changed} as they were; {keys} new keys"
    )
    return [out / f"{name}{template.suffix}" for name in texts]


def provision_boards(plans: Sequence[Plan], show: Show, patience_s: float = 600, issuer: Authority | None = None) -> None:
    """Give each device's configuration to a board of its own, in order, as the boards are plugged in. Raises BoardError."""
    done: set[str] = set()  # what is a board's own: its chip's number, or its port
    seen: set[str] = set()  # ports whose boards have been looked at, while they stay plugged in
    for plan in plans:
        show.line(f"{plan.path}: waiting for a board; {len(plans) - len(done)} to go")
        end = time.monotonic() + patience_s
        while not _provision_next(plan, done, seen, show, issuer):
            if time.monotonic() > end:
                raise BoardError(f"{plan.path}: no further board came", "give this file and those behind it again")
            time.sleep(1)
    show.good(f"{len(done)} boards provisioned")


def _provision_next(plan: Plan, done: set[str], seen: set[str], show: Show, issuer: Authority | None) -> bool:
    """Whether a board that has not been provisioned is there; it is then."""
    present = [p.device for p in ports.candidates()]
    seen.intersection_update(present)
    for port in present:
        if port in seen:
            continue
        try:
            with link.connect(port) as board:
                own = facts.read(board).uid or port
                if own not in done:
                    show.line(f"{port}: board {own}")
                    provision.provision(board, plan, show, issuer=issuer)
        except BoardLost as e:
            show.warn(str(e))  # it is being plugged in, or out
            continue
        seen.add(port)
        if own not in done:
            done.add(own)
            return True
    return False


def _texts(template: Path, rows: Sequence[Row]) -> dict[str, str]:
    """Each device's name and the text of its provisioning file."""
    try:
        source = string.Template(template.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as e:
        why = e.strerror if isinstance(e, OSError) else "it is not text in UTF-8"
        raise BoardError(f"template {template} cannot be read ({why})", "name a provisioning file with $name in it") from e
    texts: dict[str, str] = {}
    places: dict[str, str] = {}
    for number, row in enumerate(rows, 1):
        name, where = row.name, f"{row.where}: {row.name!r}"
        if not _NAME.fullmatch(name):
            raise BoardError(f"{where}: this name becomes that of files", "use letters, digits, . _ and -, 63 at most")
        other = places.setdefault(name.lower(), row.where)
        if other != row.where:
            raise BoardError(f"{where}: there is a device of this name already, at {other}", "give each device a name of its own")
        for column, value in row.values.items():
            if _UNSAFE.search(value):
                raise BoardError(f"{where}: {column} = {value!r} cannot stand in such a file", "remove quotes and the like")
        texts[name] = _filled(template, source, {"n": str(number), **row.values})
    return texts


def _filled(template: Path, source: string.Template, values: dict[str, str]) -> str:
    try:
        return source.substitute(values)
    except KeyError as e:
        known = ", ".join(f"${column}" for column in values)
        raise BoardError(f"{template}: ${e.args[0]} is no column of the list", f"there are {known}; $$ gives a $") from e
    except ValueError as e:
        raise BoardError(f"{template}: {e}", "write $$ for a $ that stands for itself") from e


def _check_keys(template: Path, texts: dict[str, str], out: Path) -> None:
    """Every device needs an identity and a key file of its own, or the gateway cannot tell them apart."""
    owners: dict[tuple[str, str], str] = {}
    for name, content in texts.items():
        try:
            tunnel = plans.parse(content, out / f"{name}{template.suffix}").get("tunnel", {})
        except PlanError as e:
            raise BoardError.of(e) from e
        files = {"key": (), "cert": (), "eap": ("nt_hash_file",)}
        for option in ("local_id", *files.get(str(tunnel.get("auth")), ("psk_file",))):
            value = tunnel.get(option)
            if not isinstance(value, str) or not value:
                raise BoardError(f"{template}: [tunnel] has no {option}", f'add {option} = "$name{_ENDINGS[option]}"')
            other = owners.setdefault((option, value.lower()), name)
            if other != name:
                raise BoardError(
                    f"{template}: {other} and {name} get the same {option}, {value!r}",
                    f'make it depend on the device: {option} = "$name{_ENDINGS[option]}"',
                )


def _check_place(template: Path, texts: dict[str, str], out: Path) -> None:
    """No file that is made may take the place of the template, nor of one that is no device's."""
    if out.exists() and not out.is_dir():
        raise BoardError(f"--out {out} is a file", "name a folder for the files of the devices: --out fleet")
    for name in texts:
        path = out / f"{name}{template.suffix}"
        if path.exists() and path.samefile(template):
            text = f"the file of device {name} would take the place of the template {template}"
            raise BoardError(text, "name another folder: --out fleet")
        if path.is_dir():
            raise BoardError(f"{path} is a folder", "remove it, or name another folder: --out fleet")


def _check_texts(texts: dict[Path, str], out: Path) -> None:
    """What the files are going to hold; their folder is there meanwhile, since they may name files by way of it."""
    made = [folder for folder in (out, *out.parents) if not folder.exists()]
    try:
        out.mkdir(parents=True, exist_ok=True)
        provision.check_texts(texts)
    except BoardError:
        for folder in made:
            folder.rmdir()
        raise
    except OSError as e:
        raise BoardError(f"{out} cannot be written ({e.strerror})", "name a folder of yours with --out") from e


def _check_room(template: Path, texts: dict[str, str], out: Path) -> None:
    """Whether the pools have an address for each device."""
    counts: dict[str, int] = {}
    for name, content in texts.items():
        tables = plans.parse(content, out / f"{name}{template.suffix}")
        families = tables.get("tunnel", {}).get("virtual_ip", ["ipv4"])
        for family, option in (("ipv4", "pool"), ("ipv6", "pool6")):
            prefix = tables.get("site", {}).get(option, checks.SITE[option][0])
            if isinstance(families, list) and family in families and isinstance(prefix, str):
                counts[prefix] = counts.get(prefix, 0) + 1
    try:
        for prefix, count in counts.items():
            fleet.check_room(prefix, count)
    except PlanError as e:
        raise BoardError.of(e) from e
    except ValueError:
        return  # no prefix at all: told when the files are read


_ENDINGS = {"local_id": ".example.net", "psk_file": ".psk", "nt_hash_file": ".nt"}


def _make_key(path: Path, text: bool) -> int:
    """Make the files of keys that are named and not there; how many."""
    made = 0
    try:
        for option in ("psk_file", "ppk_file"):
            place = plans.secret_path(path, option)
            if place and not place.exists():
                plans.make_secret(place, text and option == "psk_file", option)
                made += 1
    except PlanError as e:
        raise BoardError.of(e) from e
    return made
