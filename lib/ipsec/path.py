"""`Path`: where the gateway is, and how long it takes to answer. Address, port and the non-ESP marker are nowhere else.

```
 IKE_SA_INIT           from our one UDP socket to `port`          IKE header first
 all that follows      from the same socket to `natt_port`        IKE behind four zero octets, ESP as it is (RFC 3948 2)
```

Networks that block the first port are common: where it stays silent, IKE_SA_INIT goes to both in turn. When both are the same
one, the four octets are there from the beginning.

The first wait for an answer follows the measured round trip (RFC 6298 2): only answers to requests that were sent once are
measured (Karn), and what had to be sent again keeps its longer wait for the next request. How often requests had to be sent until
there was an answer tells how patient we must be once the tunnel is up. Start reading at `Path.float`.
"""

from ipsec.micro import const

_MIN_WAIT_MS = const(150)
_MAX_PATIENCE = const(6)


class Path:
    """`addr` is the gateway's address as octets, empty where it is not known; one look-up gives it for both ports.

    `pause_ms` is the longest wait between two attempts of one request, `before` the path until now; `repeats` counts what was
    sent again since the start.
    """

    kind = "UDP"
    origin = b""  # who has sent us here, as REDIRECTED_FROM has it (RFC 5685 4)
    tries = 0  # the time of so many requests is what an attempt has; 0: that of the configuration

    def __init__(self, addr, port: int, natt_port: int, pause_ms: int = 0, before=None):
        self.addr = addr
        self.port = self._port = port
        self.floated = port == natt_port  # whether IKE messages stand behind the marker
        self.pause_ms = pause_ms
        self.repeats = before.repeats if before else 0
        self._tries = before._tries if before else 64  # 64 times the smoothed number of attempts until there is an answer
        self.wait_ms = 0  # the first wait, 0 before anything is known
        self._natt_port = natt_port
        self._rtt = self._var = 0  # eight times the smoothed round trip, four times its variation

    def float(self, yes: bool = True) -> None:
        """Go to the port of NAT traversal (RFC 7296 2.23), with IKE_AUTH for good; or back, where IKE_SA_INIT tries both."""
        self.port = self._natt_port if yes else self._port
        self.floated = yes or self._port == self._natt_port

    def measured(self, ms: int) -> None:
        """One round trip took so long: `RTTVAR = 3/4 RTTVAR + 1/4 |SRTT - R|, SRTT = 7/8 SRTT + 1/8 R, RTO = SRTT + 4 RTTVAR`."""
        ms += 1  # what is shorter than the clock's step took some of it
        if self._rtt:
            error = ms - (self._rtt >> 3)
            self._rtt += error
            self._var += abs(error) - (self._var >> 2)
        else:
            self._rtt = ms << 3
            self._var = ms << 1
        self.wait_ms = max(_MIN_WAIT_MS, (self._rtt >> 3) + self._var)

    def repeated(self, wait_ms: int, default_ms: int) -> None:
        """A request was sent again and has so long now: the next one begins with that, within twice what was measured."""
        self.repeats += 1
        rtt = self._rtt
        self.wait_ms = min(wait_ms, 2 * (max(_MIN_WAIT_MS, (rtt >> 3) + self._var) if rtt else default_ms))

    def answered(self, attempts: int) -> None:
        """A request has its answer after so many attempts. What is learnt of loss is forgotten more slowly."""
        change = (attempts << 3) - (self._tries >> 3)
        self._tries += change if change > 0 else change >> 2

    def patience(self) -> int:
        """How many times as long as on a path that loses nothing a request goes on."""
        return min(self._tries * self._tries >> 12, _MAX_PATIENCE)

    def rtt_ms(self):
        """The smoothed round trip, None before one was measured."""
        return self._rtt >> 3 if self._rtt else None
