"""Figures of the board at hand: known answers, time of each suite, the tunnel, and the order of suites that follows.

Start reading at `bench`.
"""

from collections.abc import Callable, Sequence

from ipsec.errors import ConfigError
from ipsec.suite_names import parse_esp, parse_ike

from ipsec_board import facts
from ipsec_board.errors import BoardError, BoardFailure
from ipsec_board.link import Link
from ipsec_board.show import Show

ESP = ("aes128ccm16", "aes128gcm16", "chacha20poly1305", "aes128-sha256")
IKE = (
    "aes128ccm16-prfsha256-x25519", "aes128gcm16-prfsha256-x25519", "chacha20poly1305-prfsha256-x25519",
    "aes128-sha256-x25519", "aes128ccm16-prfsha256-ecp256", "aes128ccm16-prfsha256-modp2048",
)  # fmt: skip
LEN = 1024  # octets of a measured packet


def bench(board: Link, show: Show, *, repeat: int = 20, seconds: float = 0, peer: str = "", suites: Sequence[str] = ()) -> dict:
    """Measure and show; returns the figures. `seconds` of traffic to `peer` through the tunnel, 0 for none.

    Raises BoardError when an algorithm gives a wrong answer or nothing can be measured.
    """
    found = facts.read(board)
    esp = _parsed([s for s in suites if s.count("prf") == 0] or ESP, parse_esp)
    ike = _parsed([s for s in suites if "prf" in s] or IKE, parse_ike)
    try:
        got = board.script(
            "bench", timeout=300, IKE=ike, ESP=esp, REPEAT=repeat, LEN=LEN, TUNNEL=seconds, PEER=peer
        )  # fmt: skip
    except BoardFailure as e:
        raise BoardError(f"the bench ended with {e.last_line}", "give `ipsec-board doctor`; install the library first") from e
    show.line(f"{found.machine or found.platform}, MicroPython {found.firmware}, heap {found.heap}: {got['report']}")
    _show_esp(got["esp"], show)
    _show_ike(got["ike"], show)
    for name, why in got["missing"]:
        show.warn(f"{name} was not measured: {why}")
    if not got["esp"]:
        raise BoardError("no suite could be measured", "install the modules of the suites with `ipsec-board install`")
    _show_tunnel(got["tunnel"], show)
    order = suite_order(got)
    for option, names in order.items():
        show.line(f"{option} = {names}")
    return {**got, "order": order}


def _parsed(names: Sequence[str], parse: Callable[[str], tuple]) -> list:
    """Names with their numbers, since the board may have no parser for names."""
    try:
        return [(name, tuple(parse(name))) for name in names]
    except ConfigError as e:
        raise BoardError(str(e), "name suites as in ike_proposals and esp_proposals of a configuration") from e


def suite_order(got: dict) -> dict[str, list[str]]:
    """The fastest suite first: ESP by seal and open of a packet, IKE by the whole handshake's crypto."""
    esp = sorted(got["esp"], key=lambda row: row[1] + row[2])
    ike = sorted(got["ike"], key=lambda row: row[1] + row[2] + (row[3] + row[4]) / 1000)
    return {"ike_proposals": [row[0] for row in ike], "esp_proposals": [row[0] for row in esp]}


def _show_esp(rows: list, show: Show) -> None:
    table = [(n, f"{s:.0f}", f"{o:.0f}", f"{LEN * 8000 / s:.0f}", f"{LEN * 8000 / o:.0f}") for n, s, o in rows]
    show.table(f"ESP, packets of {LEN} octets", ("suite", "seal us", "open us", "seal kbit/s", "open kbit/s"), table)


def _show_ike(rows: list, show: Show) -> None:
    table = [(row[0], row[1], row[2], f"{row[3]:.0f}", f"{row[4]:.0f}") for row in rows]
    show.table("IKE", ("suite", "key pair ms", "shared secret ms", "seal us", "open us"), table)


def _show_tunnel(tunnel: dict | None, show: Show) -> None:
    if tunnel is None:
        show.line("tunnel: not tried (give --tunnel SECONDS and --peer ADDRESS with a provisioned board)")
    elif "error" in tunnel:
        show.warn(f"tunnel: {tunnel['error']}")
    else:
        trips = tunnel["ping_ms"]
        middle = f"{trips[len(trips) // 2]} ms" if trips else "no answer"
        show.line(f"tunnel: up in {tunnel['connect_ms']} ms, ping {middle}, sent {tunnel['sent_kbit_s']} kbit/s")
