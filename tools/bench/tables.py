"""The figures as tables, for the terminal and for docs/figures.md. Nothing of the host's speed is in them.

Start reading at `all_tables`.
"""

from dataclasses import dataclass, field

from tools.bench.aims import INSTALLED, M0PLUS, QEMU, at, handshake_ratio, path_ratio, suite_ratio, tls_client, verdicts
from tools.bench.runner import UNIX, VARIANTS

COMMAND = "make bench"
README_BEGIN = "<!-- written by make bench -->"
README_END = "<!-- until here -->"
IN_README = (
    "joined files of a PSK tunnel, packed",
    "smallest heap for a tunnel and 100 packets, joined files",
    "peak heap of the PSK handshake above the library, frozen",
    "smallest heap for a tunnel and 100 packets, joined files frozen",
    "AES-GCM-16, ESP of 1400 octets, to C AES-CBC, native",
    "AES-CCM-16, ESP of 64 octets",
    "X25519, native",
    "PSK handshake to C TLS client handshake, as installed",
    "1400 octets out of the tunnel's socket (GCM) to C TLS record",
)
_LIBRARY = {"stock": "a file for each module, viper", INSTALLED: "as installed"}
_NOTE = "As installed: joined files and the native module, as `ipsec-board install` puts them on a board."
_IN_C = "Firmware of qemu-m0plus, qemu-m3 and qemu-rv32 has the kernels in C, too, the others' viper."
_WAYS = {"py+gc": "from source files", "mpy+gc": "from .mpy files", "frozen": "frozen into the firmware"}


@dataclass
class Table:
    """Rows of text; the first columns, `left` of them, are words."""

    title: str
    header: list[str]
    rows: list[list[str]] = field(default_factory=list)
    note: str = ""
    left: int = 1


def number(value: float | None, unit: str = "") -> str:
    """A figure for people: ratios with two digits, counts in thousands or millions."""
    if value is None:
        return "not run"
    if unit == "instructions":
        return f"{value / 1e6:.2f} M" if value >= 1e6 else f"{value / 1e3:.1f} k"
    return f"{value:,.0f}" if unit == "octets" else f"{value:.2f}"


def all_tables(results: dict) -> list[Table]:
    """Every table that has rows."""
    boards = results.get("boards", {})
    makers = (heap_table, peak_table, joined_table, flash_table, handshake_table, rekeys_table, tls_handshake_table,
              packets_table, small_packets_table, tls_table, groups_table, unix_table, missing_table)
    tables = [aims_table(results), *(make(boards) for make in makers)]
    return [table for table in tables if table.rows]


def aims_table(results: dict) -> Table:
    """Aims against what was measured."""
    table = Table("Aims", ["aim", "board", "measured", "at most", "result"], left=2)
    for verdict in verdicts(results):
        aim = verdict.aim
        if verdict.value is None and verdict.board not in results.get("boards", {}):
            continue
        measured, limit = number(verdict.value, aim.unit), number(aim.limit, aim.unit)
        table.rows.append([aim.text, verdict.board, measured, limit, verdict.text])
    return table


def heap_table(boards: dict) -> Table:
    """Free octets by size of the heap."""
    table = Table("Free heap, octets", ["board", "after", "64 KiB", "128 KiB", "192 KiB"], left=2)
    table.note = ("`import ipsec.drive.sync`, the blocking driver with all it needs before it knows its configuration; with "
                  "an early `gc.threshold` while loading, as firmware/ sets it. \"No room\" means MemoryError.")
    sizes = ("65536", "131072", "196608")
    for name, figures in boards.items():
        heap = figures.get("heap", {})
        if "import" not in heap:
            continue
        rows = {"boot": heap["import"]["boot"]}
        rows |= {f"import {text}": heap["import"]["ways"].get(way, {}).get("free", {}) for way, text in _WAYS.items()}
        rows["100 packets through a tunnel, frozen"] = heap.get("tunnel", {})
        for text, free in rows.items():
            table.rows.append([name, text, *(_free(free, size) for size in sizes)])
    return table


def _free(free: dict, size: str) -> str:
    if size not in free:
        return "-"
    return "no room" if free[size] is None else number(free[size], "octets")


def peak_table(boards: dict) -> Table:
    """What the handshake takes."""
    table = Table("Heap of a PSK tunnel, library frozen, octets",
                  ["board", "library", "peak of the handshake", "tunnel up", "smallest heap", "64 KiB without gc.threshold"])
    table.note = ("Library: all modules that a PSK device loads until its tunnel is up. Peak and tunnel come on top. "
                  "Smallest: in steps of 4 KiB, with which a tunnel comes up and 100 packets are answered. " + _IN_C)
    for name, figures in boards_with(boards, "heap", "frozen"):
        heap = figures["heap"]
        frozen = heap["frozen"]
        octets = [frozen["library"] - frozen["boot"], frozen["peak"], frozen["up"], heap.get("least")]
        fits = {True: "passes", False: "no room"}.get(heap.get("fits_without_threshold"), "not run")
        table.rows.append([name, *(number(n, "octets") for n in octets), fits])
    return table


def joined_table(boards: dict) -> Table:
    """Joined files."""
    table = Table("Joined files for a pre-shared key and AES-GCM, as `install` lays them, octets",
                  ["board", "way", "files", "heap after import", "smallest heap"], left=2)
    table.note = ("Files: those that a tunnel loads, native module and texts included. Smallest: in steps of 4 KiB, with which a "
                  "tunnel comes up and 100 packets are answered. Frozen: into firmware that has the kernels in C, too.")
    for name, figures in boards_with(boards, "joined"):
        for way, row in figures["joined"].items():
            if isinstance(row, dict):
                octets = [number(row[part], "octets") if part in row else "-" for part in ("octets", "heap", "least")]
                table.rows.append([name, way, *octets])
    return table


def flash_table(boards: dict) -> Table:
    """Octets of flash, and instructions of loading."""
    table = Table("Flash, octets, and import, instructions", ["board", "PSK profile, .mpy", "library, .mpy", "library, frozen",
                                                              "import from source", "from .mpy", "frozen", "as installed"])
    table.note = (f"Frozen: what the firmware grows by with the whole library. {_IN_C} Import: the blocking driver, from files "
                  "on the board's file system or from the firmware; as installed, from joined files, all that is loaded until a "
                  "tunnel with a pre-shared key is up.")
    for name, figures in boards_with(boards, "flash", "psk_mpy"):
        octets = [number(figures["flash"][part], "octets") for part in ("psk_mpy", "all_mpy", "all_frozen")]
        counts = [number(at(figures, "loading", way), "instructions") for way in ("py", "mpy", "frozen", INSTALLED)]
        table.rows.append([name, *octets, *counts])
    return table


def boards_with(boards: dict, *path: str):
    """The boards that have figures at a path."""
    return [(name, figures) for name, figures in boards.items() if at(figures, *path)]


def sessions(boards: dict):
    """(board, variant, its figures, the session's) of every handshake that was counted on a board."""
    for name, figures in boards.items():
        for variant in _LIBRARY:
            run = at(figures, "session", variant)
            if name != UNIX and at(run, "handshake"):
                yield name, variant, figures, run


def handshake_table(boards: dict) -> Table:
    """Instructions of the handshake, step by step."""
    table = Table("PSK handshake of the device, instructions",
                  ["board", "library", "start", "INIT response", "AUTH response", "close", "total", "X25519", "first time"],
                  left=2)
    table.note = ("A recorded exchange, played on the board: the key exchange, all messages, all Python. X25519: its share of "
                  "the total. First time: with the imports that happen on the way. " + _NOTE)
    for name, variant, _, run in sessions(boards):
        ours = run["handshake"]
        counts = [number(n, "instructions") for n in (*ours["steps"].values(), ours["total"])]
        share = f"{ours['x25519'] / ours['total']:.0%}"
        first = number(at(run, "first", "total"), "instructions")
        table.rows.append([name, _LIBRARY[variant], *counts, share, first])
    return table


def rekeys_table(boards: dict) -> Table:
    """New keys beside the handshake."""
    table = Table("New keys, to the PSK handshake", ["board", "library", "what", "instructions", "ratio", "peak"], left=3)
    table.note = ("Instructions of the device's part, with the Delete of what was replaced; code is loaded already. Peak: octets "
                  "of heap above those in use while the tunnel is up.")
    for name, variant, figures, run in sessions(boards):
        for what, found in (at(figures, "rekeys", variant) or {}).items():
            if isinstance(found, dict):
                ratio = number(found["total"] / run["handshake"]["total"])
                counts = number(found["total"], "instructions"), ratio, number(found["peak"], "octets")
                table.rows.append([name, _LIBRARY[variant], what, *counts])
    return table


def tls_handshake_table(boards: dict) -> Table:
    """The handshake beside that of TLS."""
    table = Table("PSK handshake to the client's share of a handshake of the firmware's own C TLS, in one run",
                  ["board", "library", "PSK", "TLS client", "ratio", "TLS client that verifies", "ratio"], left=2)
    table.note = ("Instructions. TLS 1.2, ECDHE-ECDSA, P-256, AES-128-GCM, both ends on the board with a pipe in memory between "
                  "them; the second one verifies the server's certificate with its authority's. mbedtls blinds at random, so its "
                  "counts vary by a tenth; the least of several stands here.")
    for name, variant, figures, run in sessions(boards):
        row = [name, _LIBRARY[variant], number(run["handshake"]["total"], "instructions")]
        for kind in ("unverified", "verified"):
            row += [number(tls_client(figures, kind), "instructions"), number(handshake_ratio(variant, kind)(figures))]
        table.rows.append(row)
    return table


def packets_table(boards: dict) -> Table:
    """Ratios of 1400 octets."""
    table = Table("1400 octets to one C AES-128-CBC call over 1408 octets",
                  ["board", "suite", "kernels", "cipher", "ESP", "socket, out", "socket, in"], left=3)
    table.note = ("Cipher: the keyed object alone. ESP: with header, padding, selectors and replay window. Both are the mean of "
                  "sealing and opening. Socket: from `sendto` of the socket inside to the UDP datagram, and from a datagram to "
                  "`recv_into`; with native kernels by joined files, as installed.")
    for name, figures in boards.items():
        for variant in VARIANTS:
            for suite in at(figures, "packets", variant, "suites") or {}:
                if name == UNIX:
                    continue
                base = at(figures, "packets", variant, "c", "aes-cbc")
                path = at(figures, "session", INSTALLED if variant == "native" else variant, "paths", suite)
                ways = [n / base for n in path] if isinstance(path, list) else [None, None]
                ratios = [suite_ratio(suite, variant, layer)(figures) for layer in ("cipher", "esp")]
                kernels = "native" if variant == "native" else "viper"
                table.rows.append([name, suite, kernels, *(number(n) for n in [*ratios, *ways])])
    return table


def small_packets_table(boards: dict) -> Table:
    """Instructions of 64 octets."""
    table = Table("64 octets, instructions", ["board", "suite", "seal", "open", "encap", "decap"], left=2)
    for name, figures in boards.items():
        for suite, layers in (at(figures, "packets", "stock", "suites") or {}).items():
            if name != UNIX and "esp" in layers:
                counts = layers["cipher"]["64"] + layers["esp"]["64"]
                table.rows.append([name, suite, *(number(n, "instructions") for n in counts)])
    return table


def tls_table(boards: dict) -> Table:
    """The data path beside the record layer."""
    table = Table("1400 octets through the tunnel's socket to the same through the firmware's C TLS records",
                  ["board", "suite", "out", "in", "instructions out", "in", "TLS write", "TLS read"], left=2)
    table.note = "Below 1 the tunnel is faster. TLS: AES-128-GCM, without socket and pipe, in the same run."
    for name, figures in boards.items():
        if name == UNIX or not at(figures, "session", "stock", "records"):
            continue
        run = figures["session"]["stock"]
        for suite, path in run["paths"].items():
            if isinstance(path, list):
                ratios = [number(path_ratio(suite, way)(figures)) for way in (0, 1)]
                table.rows.append([name, suite, *ratios, *(number(n, "instructions") for n in path + run["records"])])
    return table


def groups_table(boards: dict) -> Table:
    """Key exchange."""
    table = Table("Key exchange, instructions", ["board", "group", "field kernel", "key pair", "shared secret"], left=3)
    for name, figures in boards.items():
        for variant in VARIANTS:
            found = at(figures, "groups", variant) or {}
            for group, counts in found.items():
                if isinstance(counts, dict):
                    parts = (counts["make"], counts["agree"])
                    table.rows.append([name, group, found["kernel"], *(number(n, "instructions") for n in parts)])
    return table


def unix_table(boards: dict) -> Table:
    """Ratios on the host's MicroPython."""
    figures = boards.get(UNIX, {})
    table = Table("MicroPython for the PC (64-bit words), ratios within one run", ["what", "ratio"])
    table.note = "They say nothing about boards, and vary with the load of the machine."
    for suite in at(figures, "packets", "stock", "suites") or {}:
        for layer, text in (("cipher", "cipher"), ("esp", "ESP")):
            ratio = suite_ratio(suite, "stock", layer)(figures)
            table.rows.append([f"{suite}, 1400 octets, {text}, to C AES-CBC", number(ratio)])
    for way, text in ((0, "out of"), (1, "into")):
        ratio = path_ratio("AES-GCM-16", way)(figures)
        if ratio:
            table.rows.append([f"1400 octets {text} the tunnel's socket (GCM) to a C TLS record", number(ratio)])
    if handshake_ratio("stock")(figures):
        table.rows.append(["PSK handshake to C TLS client handshake", number(handshake_ratio("stock")(figures))])
    return table


def missing_table(boards: dict) -> Table:
    """What could not be run, and why."""
    table = Table("Not run", ["board", "section", "reason"], left=3)
    for name, figures in boards.items():
        for section, found in figures.items():
            variants = {"": found} if "not_run" in found else found
            for variant, part in variants.items():
                if isinstance(part, dict) and "not_run" in part:
                    table.rows.append([name, f"{section} {variant}".strip(), part["not_run"]])
        if name not in (*QEMU, UNIX) and "heap" in figures:
            table.rows.append([name, "instructions", "this emulator counts none"])
    return table


def markdown(results: dict) -> str:
    """docs/figures.md."""
    lines = ["# Figures", "", f"Made by `{COMMAND}`; edit nothing here. Boards are emulated: real MicroPython firmware, the real "
             "instruction set, executed instructions counted exactly (QEMU `-icount`). How long an instruction takes depends on "
             "the chip, its flash and its cache, and is not known here.", "",
             "![What was measured against what was aimed at](figures.svg)", ""]
    for table in all_tables({**results, "boards": {n: f for n, f in results["boards"].items() if n != UNIX}}):
        lines += [f"## {table.title}", "", *_markdown_rows(table), ""]
        if table.note:
            lines += [table.note, ""]
    return "\n".join(lines)


def readme(text: str, results: dict) -> str:
    """README.md with a few figures of one board, between the marks, as they are measured now; docs/figures.md has all."""
    before, rest = text.split(README_BEGIN)
    _, after = rest.split(README_END)
    table = aims_table(results)
    table.rows = [row for row in table.rows if row[1] == M0PLUS and row[0] in IN_README]
    lines = ["", *_markdown_rows(table), ""]
    return before + README_BEGIN + "\n" + "\n".join(lines) + README_END + after


def _markdown_rows(table: Table) -> list[str]:
    rule = ["---" if i < table.left else "---:" for i in range(len(table.header))]
    rows = [table.header, rule, *table.rows]
    return ["| " + " | ".join(cell.replace("|", "/") for cell in row) + " |" for row in rows]
