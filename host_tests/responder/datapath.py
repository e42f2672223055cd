"""ESP packets in, answers out (RFC 4303, RFC 3948). Start reading at `Datapath.receive`."""

from .esp import NEXT_DUMMY, EspDrop
from .inner import InnerError, IpPacket
from .services import Services
from .state import ChildSa, IkeSa, Path


class Datapath:
    """Moves packets between the Child SAs and the services behind the gateway."""

    def __init__(self, gw, services: Services):
        self._gw, self._services = gw, services

    def receive(self, packet: bytes, path: Path) -> None:
        """One ESP packet out of UDP."""
        sa, child = self._find(packet[:4])
        if len(packet) < 8 or sa is None or child is None:
            self._gw.drop("unknown_esp_spi", spi=packet[:4].hex(), octets=len(packet))
            self._gw.engine.tell_unknown_esp(packet[:4], path)
            return
        try:
            highest = child.inbound.window.highest
            inner = child.inbound.decap(packet)
            if child.inbound.window.highest > highest and child.heir is None:  # what was overtaken says nothing of today
                self._gw.seen(sa, path)
            self._confirm(sa, child)
            child.counters["in.packets"] += 1
            child.counters["in.bytes"] += len(inner)
            if not inner:
                child.counters["in.dummy"] += 1
                return
            self._check_selectors(child, inner)
            answers = self._services.handle(inner)
        except (EspDrop, InnerError) as drop:
            child.counters["drop.%s" % drop] += 1
            self._gw.drop("esp_%s" % drop, spi=packet[:4].hex(), seq=int.from_bytes(packet[4:8], "big"))
            return
        for answer in answers:
            self.send(answer, sa)

    def _find(self, spi: bytes) -> tuple[IkeSa | None, ChildSa | None]:
        for sa in self._gw.engine.sas:
            for child in [*sa.children, *sa.lingering]:
                if child.spi_in == spi:
                    return sa, child
        return None, None

    def _confirm(self, sa: IkeSa, child: ChildSa) -> None:
        """The client uses the new SA, so it has it, and answers may go there too (RFC 7296 2.8)."""
        if not child.confirmed and child.heir is None:
            child.confirmed = True
            self._gw.journal.add("child_in_use", spi_in=child.spi_in.hex())

    def _check_selectors(self, child: ChildSa, inner: bytes) -> None:
        ip = IpPacket.parse(inner)
        if not child.takes(ip.src, ip.dst, ip.protocol):
            raise EspDrop("selectors")

    def send(self, inner: bytes, sa: IkeSa | None = None) -> bool:
        """Encapsulates an inner packet toward the client that holds its destination; False when nobody does."""
        is_v4 = inner[0] >> 4 == 4
        src, dst, protocol = (inner[12:16], inner[16:20], inner[9]) if is_v4 else (inner[8:24], inner[24:40], inner[6])
        for one in [sa] if sa else reversed(self._gw.engine.sas):
            child = one.route(src, dst, protocol)
            if child:
                self.send_on(one, child, inner)
                return True
        self._gw.drop("no_route", octets=len(inner))
        return False

    def send_on(self, sa: IkeSa, child: ChildSa, inner: bytes, **padding) -> None:
        """As `send`, on a given Child SA; `padding` goes to `EspOut.encap`."""
        child.counters["out.packets"] += 1
        child.counters["out.bytes"] += len(inner)
        self._transmit(sa, child.outbound.encap(inner, **padding))

    def send_dummy(self, sa: IkeSa, child: ChildSa, size: int = 32) -> None:
        """A dummy packet of traffic flow confidentiality (RFC 4303 2.6)."""
        self.send_on(sa, child, bytes(size), next_header=NEXT_DUMMY)

    def send_plaintext(self, sa: IkeSa, child: ChildSa, plaintext: bytes) -> None:
        """Whatever a test wants to see refused: `plaintext` is sealed as it is."""
        self._transmit(sa, child.outbound.seal(plaintext))

    def _transmit(self, sa: IkeSa, packet: bytes) -> None:
        if sa.path.natt:
            self._gw.transmit("esp", packet, sa.path)
        else:
            self._gw.drop("no_encapsulation")
