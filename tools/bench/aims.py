"""What was aimed at, and whether it was reached. Start reading at `AIMS`."""

from collections.abc import Callable
from dataclasses import dataclass

M0PLUS = "qemu-m0plus"
QEMU = (M0PLUS, "qemu-m3", "qemu-rv32")
UNVERIFIED = "unverified"
VERIFIED = "verified"
INSTALLED = "installed"  # the variant of joined files, as `ipsec-board install` makes them


@dataclass(frozen=True)
class Aim:
    """`value(board's figures)` shall be at most `limit`; `unit` is "", "octets" or "instructions"."""

    text: str
    limit: float
    unit: str
    value: Callable[[dict], float | None]
    boards: tuple[str, ...] = (M0PLUS,)


@dataclass(frozen=True)
class Verdict:
    """An aim on a board; `value` is None when it was not measured."""

    aim: Aim
    board: str
    value: float | None

    @property
    def share(self) -> float | None:
        """The measured value in parts of the aim."""
        if self.value is None:
            return None
        return self.value / self.aim.limit if self.aim.limit else 1 + self.value  # of what shall be none each one is too much

    @property
    def text(self) -> str:
        """Met or missed, and by how much."""
        if self.share is None:
            return "not run"
        return "met" if self.share <= 1 else f"missed by {max(1, round((self.share - 1) * 100))} %"


def at(figures: object, *path: str):
    """What stands at a path of dict keys, or None."""
    for key in path:
        if not isinstance(figures, dict) or key not in figures:
            return None
        figures = figures[key]
    return figures


def suite_ratio(suite: str, variant: str = "stock", layer: str = "esp") -> Callable[[dict], float | None]:
    """The mean of sealing and opening 1400 octets, to one C AES-128-CBC call over 1408."""

    def value(figures: dict) -> float | None:
        pair = at(figures, "packets", variant, "suites", suite, layer, "1400")
        base = at(figures, "packets", variant, "c", "aes-cbc")
        return sum(pair) / 2 / base if pair and base else None

    return value


def tls_client(figures: dict, kind: str) -> float | None:
    """The least that a TLS client handshake has cost on the board, of all that were counted: mbedtls blinds at random."""
    sessions = figures.get("session", {}).values()
    return min((n for run in sessions for n in at(run, "tls", kind, "client") or ()), default=None)


def handshake_ratio(variant: str, kind: str = UNVERIFIED) -> Callable[[dict], float | None]:
    """The device's whole PSK handshake to the TLS client's."""

    def value(figures: dict) -> float | None:
        ours = at(figures, "session", variant, "handshake", "total")
        theirs = tls_client(figures, kind)
        return ours / theirs if ours and theirs else None

    return value


def socket_figure(name: str, suite: str, way: int) -> Callable[[dict], float | None]:
    """One figure of a packet through the tunnel's socket, as installed; `way` 0: out, 1: in."""

    def value(figures: dict) -> float | None:
        pair = at(figures, "session", INSTALLED, name, suite)
        return pair[way] if isinstance(pair, list) else None

    return value


def signed_ratio(section: str, kind: str, variant: str = INSTALLED) -> Callable[[dict], float | None]:
    """The same with signatures, to the client that verifies."""

    def value(figures: dict) -> float | None:
        ours = at(figures, section, variant, kind, "total")
        theirs = tls_client(figures, VERIFIED)
        return ours / theirs if ours and theirs else None

    return value


def above_psk(auth: str) -> Callable[[dict], float | None]:
    """By how much the peak of the heap in a handshake by this method is above that with a pre-shared key."""

    def value(figures: dict) -> float | None:
        ours, theirs = at(figures, "signed_peak", auth), at(figures, "signed_peak", "psk")
        return max(0, ours - theirs) if ours and theirs else None

    return value


def least_heap(way: str) -> Callable[[dict], float | None]:
    """The smallest heap for a tunnel by certificates, installed in this way."""
    return lambda figures: at(figures, "certified", way)


def socket_ratio(suite: str, way: int) -> Callable[[dict], float | None]:
    """1400 octets through the tunnel's socket to one C AES-128-CBC call over 1408, as installed; `way` 0: out, 1: in."""

    def value(figures: dict) -> float | None:
        ours = at(figures, "session", INSTALLED, "paths", suite)
        base = at(figures, "packets", "native", "c", "aes-cbc")
        return ours[way] / base if isinstance(ours, list) and base else None

    return value


def path_ratio(suite: str, way: int, variant: str = "stock") -> Callable[[dict], float | None]:
    """1400 octets through the tunnel's socket to the same through the TLS record layer; `way` 0: out, 1: in."""

    def value(figures: dict) -> float | None:
        ours, theirs = at(figures, "session", variant, "paths", suite), at(figures, "session", variant, "records")
        return ours[way] / theirs[way] if isinstance(ours, list) and theirs else None

    return value


def agree(group: str, variant: str) -> Callable[[dict], float | None]:
    """Instructions of one shared secret, by the kernel that was asked for."""
    return lambda figures: at(figures, "groups", variant, group, "agree")


def early_ratio(figures: dict) -> float | None:
    """The PSK handshake where the heap is collected early, to that where it is not."""
    before, after = at(figures, "early", INSTALLED, "-1"), at(figures, "early", INSTALLED, "4096")
    return after / before if before and after else None


def joined(way: str, figure: str) -> Callable[[dict], float | None]:
    """One figure of joined files as `install` lays them, or frozen."""
    return lambda figures: at(figures, "joined", way, figure)


def _mean_of_64(layer: str) -> Callable[[dict], float | None]:
    def value(figures: dict) -> float | None:
        pair = at(figures, "packets", "stock", "suites", "AES-CCM-16", layer, "64")
        return sum(pair) / 2 if pair else None

    return value


_KB = 1024
_LEAN = "texts on the host, configuration prepared"
AIMS = (
    Aim("joined files of a PSK tunnel, packed", 58 * _KB, "octets", joined("texts on the device, packed", "octets")),
    Aim("the same with texts on the host", 53 * _KB, "octets", joined("texts on the host, packed", "octets")),
    Aim("the same with a prepared configuration too", 48 * _KB, "octets", joined(_LEAN + ", packed", "octets")),
    Aim("heap after import, joined files", 82 * _KB, "octets", joined("texts on the device", "heap")),
    Aim("heap after import, joined files, texts on the host, configuration prepared", 72 * _KB, "octets", joined(_LEAN, "heap")),
    Aim("smallest heap for a tunnel and 100 packets, joined files", 112 * _KB, "octets",
        joined("texts on the device", "least"), QEMU),
    Aim("smallest heap for a tunnel and 100 packets, joined files, texts on the host, configuration prepared", 96 * _KB, "octets",
        joined(_LEAN, "least"), QEMU),
    Aim("smallest heap for a tunnel and 100 packets, joined files frozen", 48 * _KB, "octets", joined("frozen", "least"), QEMU),
    Aim("peak heap of the PSK handshake above the library, frozen", 20 * _KB, "octets",
        lambda figures: at(figures, "heap", "frozen", "peak"), QEMU),
    Aim("smallest heap for a tunnel and 100 packets, frozen", 48 * _KB, "octets",
        lambda figures: at(figures, "heap", "least"), QEMU),
    Aim("a UDP socket beyond its room", _KB, "octets", lambda figures: at(figures, "sockets", "udp"), QEMU),
    Aim("a TCP connection beyond its rooms", 1229, "octets", lambda figures: at(figures, "sockets", "tcp"), QEMU),
    Aim("the same after losses, with keepalive", 1229, "octets",
        lambda figures: at(figures, "sockets", "tcp after losses, with keepalive"), QEMU),
    Aim("AES-CCM-16, ESP of 1400 octets, to C AES-CBC", 2.3, "", suite_ratio("AES-CCM-16")),
    Aim("AES-GCM-16, ESP of 1400 octets, to C AES-CBC", 2.3, "", suite_ratio("AES-GCM-16")),
    Aim("ChaCha20-Poly1305, ESP of 1400 octets, to C AES-CBC", 2.6, "", suite_ratio("ChaCha20-Poly1305")),
    Aim("AES-CBC + SHA-256-128, ESP of 1400 octets, to C AES-CBC", 2.8, "", suite_ratio("AES-CBC + SHA-256-128")),
    Aim("AES-GCM-16, ESP of 1400 octets, to C AES-CBC, native", 1.5, "", suite_ratio("AES-GCM-16", "native")),
    Aim("AES-CCM-16, ESP of 64 octets", 30_000, "instructions", _mean_of_64("esp")),
    Aim("X25519, viper", 19e6, "instructions", agree("X25519", "stock")),
    Aim("X25519, native", 5e6, "instructions", agree("X25519", "native")),
    Aim("P-256 ECDH", 26e6, "instructions", agree("P-256", "stock")),
    Aim("PSK handshake to C TLS client handshake, as installed", 0.13, "", handshake_ratio(INSTALLED)),
    Aim("PSK handshake to C TLS client that verifies, as installed", 0.10, "", handshake_ratio(INSTALLED, VERIFIED)),
    Aim("PSK handshake to C TLS client handshake, as installed", 0.24, "", handshake_ratio(INSTALLED), QEMU[1:]),
    Aim("PSK handshake with gc.threshold(4096) to the same without, as installed", 1.1, "", early_ratio),
    Aim("deepest stack of a PSK handshake, as installed", 8192, "octets",
        lambda figures: at(figures, "depth", INSTALLED, "handshake")),
    Aim("deepest stack of the gateway's rekey with X25519, as installed", 8192, "octets",
        lambda figures: at(figures, "depth", INSTALLED, "rekey")),
    Aim("deepest stack of the gateway's rekey with X25519, viper", 8192, "octets",
        lambda figures: at(figures, "depth", "stock", "rekey")),
    Aim("handshake with raw Ed25519 keys to C TLS client that verifies, as installed", 0.22, "",
        signed_ratio("raw_keys", "ed25519")),
    Aim("handshake with raw P-256 keys to C TLS client that verifies, as installed", 0.28, "", signed_ratio("raw_keys", "p256")),
    Aim("handshake with certificates of Ed25519 to C TLS client that verifies, as installed", 0.28, "",
        signed_ratio("certificates", "ed25519")),
    Aim("handshake with certificates of P-256 to C TLS client that verifies, as installed", 0.36, "",
        signed_ratio("certificates", "p256")),
    Aim("handshake of a P-256 device with an RSA-2048 gateway to C TLS client that verifies, as installed", 0.33, "",
        signed_ratio("rsa_gateway", "rsa2048")),
    Aim("peak heap of a handshake with raw P-256 keys above that with PSK", 10 * _KB, "octets", above_psk("key")),
    Aim("peak heap of a handshake with P-256 certificates above that with PSK", 10 * _KB, "octets", above_psk("cert")),
    Aim("smallest heap for a tunnel by certificates and 100 packets, .mpy, a file for each module", 128 * _KB, "octets",
        least_heap("plain")),
    Aim("smallest heap for a tunnel by certificates and 100 packets, .mpy, joined", 128 * _KB, "octets", least_heap("joined")),
    Aim("smallest heap for a tunnel by certificates and 100 packets, frozen", 64 * _KB, "octets", least_heap("frozen")),
    Aim("smallest heap for a tunnel by certificates and 100 packets, joined and frozen", 64 * _KB, "octets",
        least_heap("joined and frozen")),
    Aim("handshake with raw P-256 keys to C TLS client that verifies, viper", 0.60, "",
        signed_ratio("raw_keys", "p256", "stock")),
    Aim("handshake with certificates of P-256 to C TLS client that verifies, viper", 0.80, "",
        signed_ratio("certificates", "p256", "stock")),
    Aim("GCM out of the socket, 1400 octets, to C AES-CBC, as installed", 1.75, "", socket_ratio("AES-GCM-16", 0)),
    Aim("GCM into the socket, 1400 octets, to C AES-CBC, as installed", 2.0, "", socket_ratio("AES-GCM-16", 1)),
    Aim("CCM out of the socket, 1400 octets, to C AES-CBC, as installed", 2.45, "", socket_ratio("AES-CCM-16", 0)),
    Aim("CCM into the socket, 1400 octets, to C AES-CBC, as installed", 2.7, "", socket_ratio("AES-CCM-16", 1)),
    Aim("sendto to datagram, 64 octets, CCM, as installed", 58_000, "instructions", socket_figure("short", "AES-CCM-16", 0)),
    Aim("garbage of a packet, sendto to datagram, as installed", 0, "octets", socket_figure("garbage", "AES-CCM-16", 0)),
    Aim("garbage of a packet, datagram to recv_into, as installed", 0, "octets", socket_figure("garbage", "AES-CCM-16", 1)),
    Aim("import of the whole PSK profile, as installed", 50e6, "instructions", lambda figures: at(figures, "loading", INSTALLED)),
    Aim("1400 octets out of the tunnel's socket (GCM) to C TLS record", 1.0, "", path_ratio("AES-GCM-16", 0)),
    Aim("1400 octets into the tunnel's socket (GCM) to C TLS record", 1.0, "", path_ratio("AES-GCM-16", 1)),
    Aim("1400 octets out of the tunnel's socket (GCM) to C TLS record, as installed", 0.75, "",
        path_ratio("AES-GCM-16", 0, INSTALLED), ("qemu-m3",)),
    Aim("1400 octets into the tunnel's socket (GCM) to C TLS record, as installed", 0.85, "",
        path_ratio("AES-GCM-16", 1, INSTALLED), ("qemu-m3",)),
)


def verdicts(results: dict) -> list[Verdict]:
    """Every aim on each of its boards."""
    boards = results.get("boards", {})
    return [Verdict(aim, board, aim.value(boards.get(board, {}))) for aim in AIMS for board in aim.boards]
