"""`Path`: where the gateway is. Address, port and the non-ESP marker are nowhere else.

```
 IKE_SA_INIT           from our one UDP socket to `port`          IKE header first
 all that follows      from the same socket to `natt_port`        IKE behind four zero octets, ESP as it is (RFC 3948 2)
```

Start reading at `Path.float`.
"""


class Path:
    """`addr` is the gateway's address as octets, empty where it is not known; one look-up gives it for both ports."""

    def __init__(self, addr, port: int, natt_port: int):
        self.addr = addr
        self.port = port
        self.floated = False
        self._natt_port = natt_port

    def float(self) -> None:
        """Go to the port of NAT traversal, for good (RFC 7296 2.23)."""
        self.floated = True
        self.port = self._natt_port
