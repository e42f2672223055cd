"""The state of an ESP SA in one direction, as octets that the kernels work on; nothing of it is secret.

```
  0  SPI 4                          4  sequence number 8: the last sent, or the highest verified
 12  block that a packet is padded to | 13 flags: 1 inbound, 2 ESN | 14 least octets of a packet | 15 header and IV octets
 16  window size 2                  18  how far the number in hand is ahead of the highest 2 (at most the window's size)
 20  high half of the number in hand 4
 24  where the selectors of the source stand 2, of the destination 2                28  zero 4
 32  packets: a word of the machine below 2**29, a word that counts laps of it      40  octets of inner packets, likewise
 48  the anti-replay window, a ring of bits (RFC 4303 3.4.3)        then the selectors (RFC 4301 5.2), each ended by a zero row
```

A selector is `(ip_protocol, start_port, end_port, start_addr, end_addr)`. A row of a table holds one of them in 40 octets:

```
 octets of an address 1 | protocol 1, 0 for any | start port 2 | end port 2 | zero 2 | start address 16 | end address 16
```

Ports are those of UDP and TCP; with another protocol only a selector for all ports covers a packet (RFC 4301 4.4.1.1).
Start reading at `outbound`.
"""

_INBOUND = 1
_ESN = 2
_BITS = 48
_ROW = 40


def outbound(spi, head: int, block: int, esn: bool, sources, dests) -> bytearray:
    """The state of the sending direction; `sources` and `dests` are lists of selectors, `head` is header and IV in octets."""
    return _state(spi, head, block, 0, _ESN if esn else 0, 0, sources, dests)


def inbound(spi, head: int, icv_len: int, esn: bool, window: int, sources, dests) -> bytearray:
    """The state of the receiving direction; `window` is a power of two from 32 to 1024, in packets."""
    return _state(spi, head, 0, head + 2 + icv_len, _INBOUND | (_ESN if esn else 0), window, sources, dests)


def seq_hi(w: bytearray):
    """The high half of the extended sequence number that a packet is sealed or opened with, None without ESN."""
    if not w[13] & _ESN:
        return None
    return memoryview(w)[20:24] if w[13] & _INBOUND else memoryview(w)[4:8]


def packets(w: bytearray) -> int:
    """Inner packets carried."""
    return _count(w, 32)


def octets(w: bytearray) -> int:
    """Octets of the inner packets carried."""
    return _count(w, 40)


def _state(spi, head, block, least, flags, window, sources, dests):
    at = _BITS + window // 8
    w = bytearray(at + _ROW * (len(sources) + len(dests) + 2))
    _put(w, 0, spi)
    _put(w, 12, (block, flags, least, head, window >> 8, window & 255))
    _put_table(w, 24, at, sources)
    _put_table(w, 26, at + _ROW * (len(sources) + 1), dests)
    return w


def _put_table(w, pointer, at, selectors):
    _put(w, pointer, (at >> 8, at & 255))
    for protocol, start_port, end_port, start_addr, end_addr in selectors:
        ports = (start_port >> 8, start_port & 255, end_port >> 8, end_port & 255)
        _put(w, at, (len(start_addr), protocol) + ports)
        _put(w, at + 8, start_addr)
        _put(w, at + 24, end_addr)
        at += _ROW


def _put(w, at, octets):
    """One by one: MicroPython moves all that is behind a slice when it is assigned."""
    for octet in octets:
        w[at] = octet
        at += 1


def _count(w, at):
    return int.from_bytes(w[at : at + 4], "little") + (int.from_bytes(w[at + 4 : at + 8], "little") << 29)
