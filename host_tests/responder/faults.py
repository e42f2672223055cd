"""The hooks by which a test makes the gateway misbehave. `fault_library.py` has ready-made faults.

A fault is an object with any of the methods of `Fault`; `gw.faults.add(fault)` puts it at the end of the line and
returns it, `gw.faults.remove(fault)` and `gw.faults.clear()` take it away. Each hook sees what the one before it left.
"""

from dataclasses import dataclass

from .fragment import Piece
from .iana import Exchange, name_of
from .state import IkeSa
from .wire import Header, Payload


@dataclass
class Context:
    """The message a hook looks at.

    For a response `request` holds the client's payloads and `request_octets` the message they came in; for the
    gateway's own request they are empty. `sa` is None in IKE_SA_INIT.
    """

    exchange: int
    message_id: int
    response: bool
    sa: IkeSa | None = None
    request: tuple[Payload, ...] = ()
    request_octets: bytes = b""

    @property
    def name(self) -> str:
        return name_of(Exchange, self.exchange)


class Fault:
    """Every hook, doing nothing."""

    def answer(self, ctx: Context, gw) -> list[Payload] | None:
        """The payloads that answer a request instead of what the gateway would do; None leaves it to the gateway."""
        return None

    def edit_response(self, ctx: Context, payloads: list[Payload]) -> list[Payload]:
        """The payloads of a message before it is sealed (responses, and own requests with `ctx.response` False)."""
        return payloads

    def edit_header(self, ctx: Context, header: Header) -> Header:
        """The header of a message before it is sealed."""
        return header

    def edit_pieces(self, ctx: Context, pieces: list[Piece]) -> list[Piece]:
        """The pieces of a message that is cut, before each is sealed (RFC 7383); not called for a whole one."""
        return pieces

    def edit_datagram(self, direction: str, kind: str, data: bytes) -> list[tuple[float, bytes]]:
        """What becomes of a datagram: a list of (delay in seconds, octets), empty to drop it.

        `direction` is "in" or "out", `kind` "ike" (without non-ESP marker) or "esp".
        """
        return [(0.0, data)]

    def random(self, purpose: str, size: int) -> bytes | None:
        """Octets for "nonce", "spi_ike", "spi_esp", "dh", "iv", "cookie"; None leaves it to the next source."""
        return None


class Faults:
    """The line of faults of a gateway."""

    def __init__(self):
        self._line: list = []

    def add(self, fault):
        self._line.append(fault)
        return fault

    def remove(self, fault) -> None:
        self._line.remove(fault)

    def clear(self) -> None:
        self._line.clear()

    def _hooks(self, name: str) -> list:
        return [getattr(fault, name) for fault in list(self._line) if hasattr(fault, name)]

    def answer(self, ctx: Context, gw) -> list[Payload] | None:
        for hook in self._hooks("answer"):
            payloads = hook(ctx, gw)
            if payloads is not None:
                return payloads
        return None

    def edit_response(self, ctx: Context, payloads: list[Payload]) -> list[Payload]:
        for hook in self._hooks("edit_response"):
            payloads = hook(ctx, payloads)
        return payloads

    def edit_header(self, ctx: Context, header: Header) -> Header:
        for hook in self._hooks("edit_header"):
            header = hook(ctx, header)
        return header

    def edit_pieces(self, ctx: Context, pieces: list[Piece]) -> list[Piece]:
        for hook in self._hooks("edit_pieces"):
            pieces = hook(ctx, pieces)
        return pieces

    def edit_datagram(self, direction: str, kind: str, data: bytes) -> list[tuple[float, bytes]]:
        result = [(0.0, data)]
        for hook in self._hooks("edit_datagram"):
            result = [(delay + more, out) for delay, one in result for more, out in hook(direction, kind, one)]
        return result

    def random(self, purpose: str, size: int) -> bytes | None:
        for hook in self._hooks("random"):
            octets = hook(purpose, size)
            if octets is not None:
                return octets
        return None
