"""Is an inner packet inside the negotiated traffic selectors (RFC 4301 5.2, RFC 7296 2.9)?

A selector is `(ip_protocol, start_port, end_port, start_addr, end_addr)`. A row of a table holds one of them in 40 octets:

```
 octets of an address 1 | protocol 1, 0 for any | start port 2 | end port 2 | zero 2 | start address 16 | end address 16
```

Ports are those of UDP and TCP; with another protocol only a selector for all ports covers a packet (RFC 4301 4.4.1.1).
Start reading at `table`, then `covers` in `plain.py`.
"""

def table(selectors) -> bytes:
    """The rows of these selectors, and one of zeros at the end."""
    rows = bytearray(40 * (len(selectors) + 1))
    at = 0
    for protocol, start_port, end_port, start_addr, end_addr in selectors:
        rows[at] = len(start_addr)
        rows[at + 1] = protocol
        rows[at + 2 : at + 4] = start_port.to_bytes(2, "big")
        rows[at + 4 : at + 6] = end_port.to_bytes(2, "big")
        rows[at + 8 : at + 8 + len(start_addr)] = start_addr
        rows[at + 24 : at + 24 + len(end_addr)] = end_addr
        at += 40
    return bytes(rows)
