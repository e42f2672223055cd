"""IKE messages: the header, the chain of payloads, and the Encrypted payload (RFC 7296 3.1, 3.2, 3.14; RFC 5282).

```
 IKE_SA_INIT   HDR | payload | payload ...
 all others    HDR | SK header | IV | payload | payload ... | padding | pad length | ICV
```

Rules: the chain is checked completely before anything in it is used; only SK may be the last payload of a protected
message; reserved bits are ignored. Start reading at `parse` for what comes in, at `Builder` for what goes out.
"""

from ipsec.errors import PeerError
from ipsec.ike import iana
from ipsec.ike.wire import Reader, Writer

HEADER_LEN = 28
MARKER_LEN = 4  # room for the non-ESP marker (RFC 3948 2.2) in front of every message
_REQUEST_LEN = 1280  # config.py bounds what goes into a request
_SHORT_LEN = 256  # INFORMATIONAL: a cookie and NAT detection, or an error
FLAG_INITIATOR = 0x08
FLAG_RESPONSE = 0x20
NOTIFY_BASE = 0x10000
OPENED = 0  # stands for the type of an SK payload that is decrypted already
_VERSION = 0x20
_CRITICAL = 0x80
_FIRST_KNOWN = 33
_LAST_KNOWN = 48
_UNSUPPORTED_CRITICAL_PAYLOAD = 1
_ZEROS = bytes(4)
_INVALID_MAJOR_VERSION = 5
_MAX_PAYLOADS = 24  # of a message that nobody has authenticated; gateways send a dozen
_MAX_INNER_PAYLOADS = 96
_LAST = (iana.SK, iana.SKF)  # behind these the chain goes on inside
# Payloads of which a message holds one at the most
_SINGLE = (iana.SA, iana.KE, iana.IDI, iana.IDR, iana.AUTH, iana.NONCE, iana.TSI, iana.TSR, iana.CP)


class Message:
    """A message that came in: header fields and the payloads as `[(type, pos, end), ...]` over `buf`."""

    spi_i: bytes
    spi_r: bytes
    exchange: int
    flags: int
    message_id: int
    inner_kind: int  # type of the first payload inside SK

    def __init__(self, buf, pos, end):
        self.buf = buf
        self.pos = pos
        self.end = end
        self.payloads = []

    def find(self, kind: int):
        """A Reader over the only payload of this type, or None."""
        for one in self.payloads:  # a frame of more words would be allocated, see `micro.py`
            if one[0] == kind:
                break
        else:
            return None
        return Reader(self.buf, one[1], one[2])

    def need(self, kind: int, name: str) -> Reader:
        """A Reader over the payload of this type, which must be there.

        Raises PeerError that names the missing payload.
        """
        reader = self.find(kind)
        if reader is None:
            raise PeerError("the %s payload is missing" % name)
        return reader

    def each(self, kind: int) -> list:
        """Readers over all payloads of this type, in order."""
        return [Reader(self.buf, pos, end) for found, pos, end in self.payloads if found == kind]


def parse(buf, pos: int, end: int) -> Message:
    """Check a datagram's IKE header and outer chain.

    Raises PeerError when anything about it is wrong.
    """
    if end - pos < HEADER_LEN:
        raise PeerError("%d octets are no IKE header" % (end - pos))
    m = Message(buf, pos, end)
    m.spi_i = bytes(buf[pos : pos + 8])
    m.spi_r = bytes(buf[pos + 8 : pos + 16])
    first = buf[pos + 16]
    if buf[pos + 17] >> 4 != 2:
        raise PeerError("major version %d" % (buf[pos + 17] >> 4), _INVALID_MAJOR_VERSION)
    m.exchange = buf[pos + 18]
    m.flags = buf[pos + 19]
    m.message_id = int.from_bytes(buf[pos + 20 : pos + 24], "big")
    length = int.from_bytes(buf[pos + 24 : pos + 28], "big")
    if length != end - pos:
        raise PeerError("header says %d octets, the datagram has %d" % (length, end - pos))
    _parse_chain(m, first, pos + HEADER_LEN, end, _MAX_PAYLOADS)
    return m


def _parse_chain(m, kind, pos, end, room):
    buf = m.buf
    m.payloads = []
    while kind:
        if len(m.payloads) == room:
            raise PeerError("more than %d payloads" % room)
        length = buf[pos + 2] << 8 | buf[pos + 3] if end - pos >= 4 else 0
        if not 4 <= length <= end - pos:
            raise PeerError("a payload of %d octets, %d left" % (length, end - pos))
        _check_payload(m, kind, buf[pos + 1] & _CRITICAL)
        m.payloads.append((kind, pos + 4, pos + length))
        following = buf[pos]
        pos += length
        if kind in _LAST:
            m.inner_kind = following  # the chain goes on inside
            break
        kind = following
    if pos != end:
        raise PeerError("%d octets left over" % (end - pos))


def _check_payload(m, kind, critical):
    if not _FIRST_KNOWN <= kind <= _LAST_KNOWN:
        if critical:
            raise PeerError("critical payload of unknown type %d" % kind, _UNSUPPORTED_CRITICAL_PAYLOAD, bytes([kind]))
    elif kind in _SINGLE and m.find(kind):
        raise PeerError("two payloads of type %d" % kind)


class Protection:
    """The keyed objects of both directions of an IKE SA, and the sizes of its SK payload in octets.

    `sealed` counts our messages, and begins with those that the same keys may have sealed.
    """

    def __init__(self, crypto, suite, keys, we_initiated=True, sealed=0):
        encr, key_bits, integ, _, _ = suite
        _, _, self.iv_len, self.icv_len, block = crypto.sizes(encr, key_bits, integ)
        self.block = block if integ else 1  # an AEAD wants no padding in IKE (RFC 5282 3)
        ours, theirs = (keys.sk_ei, keys.sk_ai), (keys.sk_er, keys.sk_ar)
        if not we_initiated:
            ours, theirs = theirs, ours
        self.sealer = crypto.new_sealer(encr, integ, ours[0], ours[1], None)
        self.opener = crypto.new_opener(encr, integ, theirs[0], theirs[1], None)
        self.sealed = sealed
        if sealed:
            self.sealer.skip(sealed)

    def wipe(self) -> None:
        """Overwrite the keys."""
        self.sealer.wipe()
        self.opener.wipe()


def unprotect(m: Message, protection) -> bool:
    """Verify and decrypt a message's SK payload in place, and parse the payloads inside; False when the ICV is wrong.

    The pad length octet is the last one of the plaintext (RFC 7296 3.14). Raises PeerError when the inside is malformed.
    """
    kind, start, end = m.payloads[-1] if m.payloads else (iana.SKF, 0, 0)
    if kind != OPENED:
        if kind != iana.SK:
            return False
        start, end = decrypt(m, start, protection)
        if end < 0:
            return False
    _parse_chain(m, m.inner_kind, start, end, _MAX_INNER_PAYLOADS)
    if m.payloads and m.payloads[-1][0] in _LAST:
        raise PeerError("an SK payload inside an SK payload")
    return True


def decrypt(m: Message, iv_pos: int, protection) -> tuple:
    """Verify and decrypt what begins with its IV in place: where the payloads inside begin and end, or (0, -1).

    Raises PeerError when it is authentic, but its padding impossible.
    """
    end = protection.opener.open(m.buf, m.pos, iv_pos, m.end, None)
    if end < 0:
        return 0, end
    start = iv_pos + protection.iv_len
    if end <= start or m.buf[end - 1] >= end - start:
        raise PeerError("impossible padding in the SK payload")
    return start, end - 1 - m.buf[end - 1]


class Builder(Writer):
    """Writes one message from `pos` on; `begin`, then the payloads, then `finish` or `protect`."""

    def begin(self, spi_i, spi_r, exchange: int, flags: int, message_id: int) -> None:
        """Write the header; its length and first payload type are filled in later."""
        self.start = self.room(0)
        self.raw(spi_i)
        self.raw(spi_r)
        self._next_at = self.pos
        self.raw(bytes((0, _VERSION, exchange, flags)))
        self.u32(message_id)
        self.raw(_ZEROS)
        self.kinds: list[int] = []  # payload types for the log; a Notify is NOTIFY_BASE + its type

    def payload(self, kind: int) -> int:
        """Begin a payload; give what it returns to `end_payload`."""
        self.buf[self._next_at] = kind
        self.kinds.append(kind)
        start = self._next_at = self.pos
        self.raw(_ZEROS)
        return start

    def end_payload(self, start: int) -> None:
        self.patch16(start + 2, self.pos - start)

    def simple(self, kind: int, *parts) -> None:
        """A payload whose body is these octet strings in a row."""
        kind = self.payload(kind)  # where it begins: one variable more, and the frame would be allocated
        for part in parts:
            self.raw(part)
        self.end_payload(kind)

    def notify(self, kind: int, data=b"", spi=b"") -> None:
        """A Notify payload (RFC 7296 3.10); `spi` names a Child SA."""
        head = bytes([iana.PROTO_ESP if spi else 0, len(spi), kind >> 8, kind & 0xFF])
        self.simple(iana.NOTIFY, head, spi, data)
        self.kinds[-1] = NOTIFY_BASE + kind

    def begin_sk(self, protection, kind: int = iana.SK, head=b"") -> None:
        """Everything written from here on is protected; `head` stands in front of the IV."""
        self.protection = protection
        self.sk = self.payload(kind)
        self.raw(head)
        self._iv_pos = self.room(protection.iv_len)
        self.inside = self.pos

    def sealed_len(self) -> int:
        """The length that `protect` would make."""
        pad_len = -(self.pos - self.inside + 1) % self.protection.block
        return self.pos + pad_len + 1 + self.protection.icv_len - self.start

    def finish(self) -> int:
        """Close an unprotected message; returns where it ends."""
        self._patch_length(self.pos)
        return self.pos

    def protect(self) -> int:
        """Pad, fill in the lengths, encrypt and authenticate; returns where the message ends (RFC 7296 3.14)."""
        protection = self.protection
        pad_len = -(self.pos - self.inside + 1) % protection.block
        self.raw(bytes(pad_len))
        self.u8(pad_len)
        end = self.pos
        self.room(protection.icv_len)
        self.patch16(self.sk + 2, self.pos - self.sk)
        self._patch_length(self.pos)
        protection.sealed += 1
        return protection.sealer.seal(self.buf, self.start, self._iv_pos, end, None)

    def _patch_length(self, end):
        self.patch16(self.start + 26, end - self.start)  # messages are shorter than 64 KiB


def new_room(kind: int = 0) -> bytearray:
    """As much as a message of this exchange can need, behind room for its marker."""
    return bytearray(MARKER_LEN + (_SHORT_LEN if kind == iana.INFORMATIONAL else _REQUEST_LEN))


def begin(sa, room, kind: int, number: int, protected: bool, response: int = 0):
    """A Builder for a message of `sa`, in `room` or in room of its own."""
    b = Builder(room or new_room(kind), MARKER_LEN)
    b.begin(sa.spi_i, sa.spi_r, kind, sa.flags | response, number)
    if protected:
        b.begin_sk(sa.protection)
    return b


def octets(messages) -> list:
    """Messages `(buf, end)` without the room behind them."""
    return [(bytes(buf[:end]), end) for buf, end in messages]
