"""`Where`: which gateway is asked next, at which of its addresses, by UDP or TCP; loaded only where there is a choice.

```
 gateway 1: each of its addresses, gateway 2: ...; if wanted all of them by TCP; and the round is over
```

Rules
- A round goes through all that there is, in order, without a pause; between two rounds there is the one of `upkeep.py`. What was
  in vain is a warning as long as another attempt follows in its round.
- A name is looked up again at each attempt; the address that did last goes before the others.
- A gateway that another one sends us to is asked before all others (RFC 5685); in vain, the round goes on. There are at most 5
  redirections in 5 minutes.
- Where another one follows, an attempt has the time of a few requests only.
- A tunnel that ends because its gateway says so is made again there, at first; after silence the list is begun again.

Start reading at `Where.ended`.
"""

from ipsec.address import is_address, parse_address
from ipsec.event import DOWN, FAILED, UP, WARNING, Event
from ipsec.micro import const, since

_MOST_REDIRECTS = const(5)  # RFC 5685 4.1
_PERIOD_MS = const(300000)
_TRIES = const(3)  # the time of so many requests for IKE_SA_INIT, 7 s by default


class Where:
    """`config.gateway` and `config.remote_id` are always those of the attempt under way."""

    def __init__(self, config):
        self._config = config
        self._hosts = config.gateways or [config.gateway]
        self._at = 0  # the number of the gateway
        self._tried = []  # addresses of it that were asked in this round
        self._left = 0  # how many others it has
        self._good = b""  # the address that did last
        self._addr = b""
        self._was_up = False
        self._sent_to = ""  # where the next attempt goes
        self._target = ""  # the gateway that is asked because another one, `_origin`, has sent us there
        self._origin = b""
        self._times = []  # of redirections
        self.is_stream = config.tcp == "always"  # by TCP (RFC 9329)
        self._aim()

    def choose(self, addrs) -> int:
        """Which of the addresses that the look-up gave is asked; the best one that was not asked in this round."""
        fresh = []
        for addr in addrs:
            if addr not in self._tried and addr not in fresh:
                fresh.append(addr)
        addr = self._good if self._good in fresh else fresh[0] if fresh else addrs[0]
        self._left = max(0, len(fresh) - 1)
        self._addr = addr
        return addrs.index(addr)

    def mark(self, path) -> None:
        """An attempt begins on this path."""
        self._tried.append(path.addr)
        if self.is_stream:
            path.kind = "TCP"
        if len(self._hosts) > 1 or len(self._tried) > 1 or self._follows():
            path.tries = _TRIES
        path.origin = self._origin

    def redirected(self, tunnel, host: str, now: int) -> Event:
        """The gateway sends the tunnel to another one; too often is a failure. Returns what is to be told."""
        text = "%s sends us to %s" % (self._config.gateway, host)
        if self.redirect(host, now):
            tunnel._renewing = True
            return Event(DOWN if tunnel.is_up else WARNING, "redirect", text)
        from ipsec import texts

        return Event(DOWN if tunnel.is_up else FAILED, "redirect", texts.redirects(text))

    def redirect(self, host: str, now: int) -> bool:
        """The gateway sends us to another one; False when that has been done too often."""
        self._times = [at for at in self._times if since(at, now) < _PERIOD_MS]
        if len(self._times) >= _MOST_REDIRECTS:
            return False
        self._times.append(now)
        self._sent_to = host
        return True

    def ended(self, spoke: bool) -> bool:
        """An attempt or a tunnel has ended: aim at the next; whether it follows at once, in the same round."""
        was_up, self._was_up = self._was_up, False
        follows = False
        if self._sent_to:
            self._origin = _identity(self._config.gateway)
            self._target, self._sent_to = self._sent_to, ""
            self._tried = []
            follows = True
        elif was_up:
            if not spoke:
                self._begin_again()
        elif self._left:
            follows = True
        elif self._target:
            self._target, self._origin = "", b""
            self._tried = []
            follows = True
        else:
            self._tried = []
            self._at += 1
            follows = self._at < len(self._hosts)
            if not follows:
                follows = self._falls_back()
                self._begin_again()
                self.is_stream = self.is_stream or follows
        self._left = 0
        self._aim()
        return follows

    def told(self, event) -> None:
        """What the program is told; an attempt in vain is a warning when another one follows."""
        if event.kind == UP:
            self._was_up = True
            self._good = self._addr
            self._tried = []
        elif event.kind == FAILED and not self._was_up and self._follows():
            event.kind = WARNING
            event.text += "; the next one is asked"

    def _follows(self):
        """Whether another attempt of the same round follows this one."""
        return self._left or self._target or self._at + 1 < len(self._hosts) or self._falls_back()

    def _falls_back(self):
        return self._config.tcp == "fallback" and not self.is_stream

    def _begin_again(self):
        self._at = 0
        self._target, self._origin = "", b""
        self.is_stream = self._config.tcp == "always"

    def _aim(self):
        config = self._config
        config.gateway = self._target or self._hosts[self._at]
        if config.remote_ids:
            config.remote_id = config.remote_ids[self._at]


def _identity(host: str) -> bytes:
    """A gateway as REDIRECTED_FROM names it (RFC 5685 7.3)."""
    octets = parse_address(host) if is_address(host) else host.encode()
    return bytes((3 if not is_address(host) else 1 if len(octets) == 4 else 2, len(octets))) + octets
