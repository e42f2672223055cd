"""ESP in tunnel mode, one object a direction (RFC 4303). Start reading at `EspOut.encap` and `EspIn.decap`."""

from .crypto import Cipher, IntegrityError
from .replay import ReplayWindow
from .suites import CBC

_NEXT_IPV4, _NEXT_IPV6, NEXT_DUMMY = 4, 41, 59


class EspDrop(Exception):
    """A packet that must be dropped; the text is the name of the counter."""


class EspOut:
    """Outbound half of a Child SA. `seq` is the last number sent."""

    def __init__(self, spi: bytes, cipher: Cipher, esn: bool, random):
        self.spi, self._cipher, self._esn, self._random = spi, cipher, esn, random
        self.seq = 0

    def encap(self, inner: bytes, next_header: int | None = None, pad: int = 0, tfc: int = 0) -> bytes:
        """The ESP packet of an inner IP packet; `pad` extra octets of padding, `tfc` octets of traffic padding."""
        if next_header is None:
            next_header = _NEXT_IPV4 if inner[0] >> 4 == 4 else _NEXT_IPV6
        align = max(self._cipher.block, 4)
        inner += bytes(tfc)
        pad_len = (-(len(inner) + 2) % align) + align * (pad // align)
        return self.seal(inner + bytes(range(1, pad_len + 1)) + bytes((pad_len, next_header)))

    def seal(self, plaintext: bytes) -> bytes:
        """The ESP packet of a whole plaintext: inner packet, padding, pad length, next header, right or wrong."""
        self.seq += 1
        number = self.seq.to_bytes(8, "big")
        header = self.spi + number[4:]
        esn = number[:4] if self._esn else b""
        return header + self._cipher.seal(header, plaintext, self._iv(number), esn)

    def _iv(self, number: bytes) -> bytes:
        return self._random("iv", 16) if self._cipher.suite.encr == CBC else number


class EspIn:
    """Inbound half of a Child SA."""

    def __init__(self, spi: bytes, cipher: Cipher, esn: bool, window: int = 64):
        self.spi, self._cipher, self._esn = spi, cipher, esn
        self.window = ReplayWindow(window, esn)

    def decap(self, packet: bytes) -> bytes:
        """The inner packet, empty for a dummy packet. Raises EspDrop."""
        seq = self.window.extend(int.from_bytes(packet[4:8], "big"))
        if not self.window.fresh(seq):
            raise EspDrop("replay")
        number = seq.to_bytes(8, "big")
        try:
            plaintext = self._cipher.open(packet[:8], packet[8:], number, number[:4] if self._esn else b"")
        except IntegrityError:
            raise EspDrop("integrity") from None
        self.window.mark(seq)
        return _strip(plaintext)


def _strip(plaintext: bytes) -> bytes:
    """Padding 1, 2, 3, ..., pad length and next header off; traffic padding off by the inner length."""
    if len(plaintext) < 2:
        raise EspDrop("short")
    pad_len, next_header = plaintext[-2:]
    end = len(plaintext) - 2 - pad_len
    if end < 0 or plaintext[end:-2] != bytes(range(1, pad_len + 1)):
        raise EspDrop("padding")
    if next_header == NEXT_DUMMY:
        return b""
    inner = plaintext[:end]
    if next_header == _NEXT_IPV4 and len(inner) >= 20 and inner[0] >> 4 == 4:
        length = int.from_bytes(inner[2:4], "big")
    elif next_header == _NEXT_IPV6 and len(inner) >= 40 and inner[0] >> 4 == 6:
        length = 40 + int.from_bytes(inner[4:6], "big")
    else:
        raise EspDrop("next_header")
    if length > end:
        raise EspDrop("inner_length")
    return inner[:length]
