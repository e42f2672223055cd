"""`IkeSa`: the state of one IKE SA, sans-IO, whoever began it (RFC 7296 2).

```
 NEW --start--> INIT_SENT --keys--> AUTH_SENT --AUTH verified--> ESTABLISHED --close--> CLOSING --answer--> CLOSED
                     \\_______________________\\____ any failure, the peer's Delete _________________________/
```

Rules
- `_set_state` is the only writer of the state.
- Before keys exist only IKE_SA_INIT responses are looked at; afterwards only what the SK payload authenticates changes
  anything. Requests of the peer wait until it has proved its identity.
- What the tunnel must do is told by changes, in order; a failure is told once, by one event.
- An IKE SA that is rekeyed hands everything over to its `heir`, and waits for its Delete without a word to the program.

Start reading at `receive`; `window.py` has the messages, `exchange.py` and `answer.py` what they mean.
"""

from ipsec.errors import AuthError, CryptoError, NotReady, PeerError, Refused, Unproved
from ipsec.event import DOWN, FAILED, WARNING, Event
from ipsec.ike import auth, iana, keymat, message
from ipsec.ike.exchange import DeleteIke, Farewell, first
from ipsec.ike.liveness import Liveness
from ipsec.ike.window import Window
from ipsec.micro import const, is_due

# What `next_change` tells, as (change, value)
ADDED = 0  # a ChildSa, whose keys the taker wipes
REMOVED = 1  # a ChildSa
TOLD = 2  # an Event
RENEW = 3  # (why, when): new keys are wanted
LIFETIME = 4  # seconds that the gateway gives this SA
ENDED = 5  # whether the gateway has spoken last, be it to refuse us
SENDS = 6  # a ChildSa that takes over sending
ANOTHER = 7  # an IkeSa that exists beside this one
LEADS = 8  # an IkeSa that takes this one's place
LATER = 9  # (is it the IKE SA, when): it is to be rekeyed, as the gateway could not just now
REDIRECTED = 11  # the name or address of the gateway that we are sent to
MOVED = 10  # who has another address: GATEWAY, NAT in between, or WE
WE, NAT, GATEWAY = 0, 1, 2

_PIECE = const(256)  # octets that a driver takes of a datagram at most while the heap is full, and says so
_NEW = 0
_INIT_SENT = 1
_AUTH_SENT = 2
_ESTABLISHED = 3
_CLOSING = 4
_CLOSED = 5
_STATE_NAMES = ("new", "init sent", "auth sent", "established", "closing", "closed")


class IkeSa(Liveness):
    """One IKE SA.

    `crypto` is a backend, `random(n)` gives n random octets, `path` is the tunnel's Path. `first_contact`: the gateway may drop
    what it has of us (INITIAL_CONTACT). `log(level, text)` and `keylog(table, line)` are hooks or None.
    """

    wanted: tuple = ()  # addresses inside to ask for
    more: object = None  # a `more.More` where the configuration has further Child SAs

    def __init__(self, config, crypto, random, path, first_contact=True, log=None, keylog=None, we_initiated=True, old=None):
        super().__init__(old)
        self.config, self.crypto, self.random = config, crypto, random
        self.path, self.first_contact = path, first_contact
        self.log, self.keylog = log, keylog
        self.we_initiated = we_initiated
        self.flags = message.FLAG_INITIATOR if we_initiated else 0  # of every message that we send
        self.auth = old.auth if old else auth.load(config)
        self.state = _ESTABLISHED if old else _NEW
        self.spi_i, self.spi_r = _new_spi(random), bytes(8)
        self.suite = self.keys = self.protection = None
        self._sealed = 0  # messages, with whatever keys: another response to IKE_SA_INIT, and back, leads to the same ones again
        self.inner = old.inner if old else None
        self.nonce_i = self.nonce_r = b""
        self.children: list = []
        self.window = Window(self)
        self.window.piece_len = old.window.piece_len if old else 0  # what was negotiated holds for the heir, too
        self.heir = None  # the IkeSa that has taken this one's place, or may do so
        self.rival = None  # what the gateway makes of this one while we do so, too
        self.pfs_group = None  # the group that the last Child SA was rekeyed with
        self.refusals = 0  # how often in a row the gateway could not do what we asked for
        self.dropped = 0  # datagrams that changed nothing
        self.last_error = ""  # what the local network said last, for the text of a time-out
        self.odd = None  # an answer that says why it was dropped: its version, length and octets, or whose address it has
        self._put_off = None  # a message that waits for code
        self._is_proved = old is not None  # the peer is who it says
        self.changes: list = []
        self.remade_at = None  # when a Child SA was wanted where there was none

    # What the tunnel calls

    def start(self, now: int) -> None:
        """Begin the handshake."""
        self._set_state(_INIT_SENT)
        self.want(first()(self))

    def is_addressed(self, buf, pos: int, end: int) -> bool:
        """Whether `buf[pos:end]` could be an IKE message of our peer: header length, SPIs, direction."""
        if end - pos < message.HEADER_LEN or buf[pos : pos + 8] != self.spi_i:
            return False
        if (buf[pos + 19] ^ self.flags ^ message.FLAG_INITIATOR) & message.FLAG_INITIATOR:
            return False  # our own message come back has our initiator flag
        if buf[pos + 8 : pos + 16] == self.spi_r or self.state == _INIT_SENT:
            return True
        return self.state == _AUTH_SENT and buf[pos + 18] == iana.IKE_SA_INIT

    def receive(self, buf, pos: int, end: int, now: int) -> None:
        """Take an IKE message `buf[pos:end]` (without marker) that is addressed to us; it is decrypted in place."""
        try:
            request = self.window.receive(buf, pos, end, now)
            if request:
                from ipsec.ike.answer import answer

                answer(self.window, self, request, now)
        except NotReady as e:
            self.put_off_message(e.what, bytes(memoryview(buf)[pos:end]))
        except PeerError as e:
            self.drop(str(e))
            version, length = buf[pos + 17] >> 4, buf[pos + 26] << 8 | buf[pos + 27]
            if self.state in (_INIT_SENT, _AUTH_SENT) and (version != 2 or length > end - pos > _PIECE):
                self.odd = (version, length, end - pos)  # nothing is loaded for it

    def receive_from(self, addr, buf, n: int) -> None:
        """A datagram `buf[:n]` came from another address than the gateway's, which is told when nothing better comes."""
        pos = 4 if n > 4 and bytes(buf[:4]) == bytes(4) else 0
        if self.is_addressed(buf, pos, n):
            self.drop("it is from another address")
            self.odd = addr

    def go_on(self, now: int) -> None:
        """Begin the exchange that is wanted next."""
        if self._put_off:
            self._take_again(now)
        self.window.go_on(now)

    def put_off(self, what, again) -> None:
        """Call `again(now)` once the suite or the group that a message wants is loaded, from `go_on`, where the stack is low."""
        self._put_off = what, again

    def put_off_message(self, what, octets) -> None:
        """Take a message that is not decrypted yet again."""
        self.put_off(what, lambda now: self.receive(bytearray(octets), 0, len(octets), now))

    def _take_again(self, now):
        what, again = self._put_off
        self.odd = self._put_off = None
        try:
            if isinstance(what, int):
                self.crypto.prepare_dh(what)
            else:
                self.crypto.make_ready(what)
        except CryptoError as e:
            return self.end("crypto", "the gateway chose what cannot be loaded (%s): take it out of ike_proposals" % e)
        except MemoryError:  # whoever answered has proved nothing: a better answer may come, or the same when there is room
            self.last_error = "the heap has no room for the code of what the answer chose: shorten ike_proposals, or free some"
            return self.drop(self.last_error)
        return again(now)

    def tick(self, now: int) -> None:
        """Do what is due: retransmission, liveness check."""
        self.window.tick(now)
        if self.state == _CLOSING and self.window.is_idle():
            return self.finish_close()  # the heap had no room for more
        if is_due(self.liveness_at(), now):
            if not self.heir:
                self.check()
            elif self.window.is_idle():
                self.close(now)

    def rekey(self, ike: bool, now: int) -> None:
        """Want new keys, for the IKE SA or for the Child SA that sends; without the code for it the tunnel is made again."""
        if self.state != _ESTABLISHED:
            return
        try:
            from ipsec.ike.create_child import rekey

            rekey(self, ike)
        except ImportError:
            self.renew("its lifetime ends", now)

    def close(self, now: int) -> None:
        """Delete the SA at both ends; without keys there is nothing to tell the peer."""
        if self.state == _ESTABLISHED:
            self._end_with(DeleteIke(), now)
        elif self.state != _CLOSING:
            self.finish_close()

    def next_change(self):
        """The oldest change that was not taken yet, as `(change, value)`, or None."""
        return self.changes.pop(0) if self.changes else None

    def deadline(self):
        """When `tick` wants to be called, in ms, or None."""
        if self.window.active:
            return self.window.retransmission.deadline
        return self.liveness_at() if self.window.is_idle() and self.state != _CLOSING else self.window.short_at

    def is_closing(self) -> bool:
        return self.state == _CLOSING

    def is_proved(self) -> bool:
        return self._is_proved

    def is_up(self) -> bool:
        return self.state == _ESTABLISHED

    # What exchanges and answers call

    def want(self, exchange) -> None:
        """Let this exchange have its turn, as soon as no other is under way."""
        self.window.want(exchange)

    def take_keys(self, suite, skeyseed) -> None:
        """SPIs and nonces are set: all that follows is protected by these keys; older ones are wiped."""
        self._wipe()
        self.suite = suite
        self.keys = keymat.derive_ike_keys(self.crypto, suite, skeyseed, self.nonce_i, self.nonce_r, self.spi_i, self.spi_r)
        self.protection = message.Protection(self.crypto, suite, self.keys, self.we_initiated, self._sealed)
        if self.keylog:
            from ipsec.ike.keylog import ike_line

            self.keylog("ikev2_decryption_table", ike_line(self.spi_i, self.spi_r, suite, self.keys))

    def agreed(self) -> None:
        """The key exchange is done: from here on it is IKE_AUTH, behind the marker."""
        self.path.float()
        self._set_state(_AUTH_SENT)

    def authenticated(self, now: int) -> None:
        """The peer is who it says."""
        self._is_proved = True
        self.heard_at = now
        self._set_state(_ESTABLISHED)

    def add_child(self, child) -> None:
        """A Child SA is agreed."""
        if self.keylog:
            from ipsec.ike.keylog import log_esp

            log_esp(self.keylog, child)
        self.children.append(child)
        self.changes.append((ADDED, child))

    def tell(self, change: int, value) -> None:
        """Something has changed for the tunnel."""
        self.changes.append((change, value))

    def lives(self, lifetime_s: int) -> None:
        """The gateway has told how long (AUTH_LIFETIME, RFC 4478)."""
        self.changes.append((LIFETIME, lifetime_s))

    def renew(self, why: str, at: int) -> None:
        """New keys are wanted at a time; not while it ends anyway."""
        if self.state == _ESTABLISHED:
            self.changes.append((RENEW, (why, at)))

    def lost_child(self) -> None:
        """Tell that the gateway has deleted the last Child SA, or has lost it."""
        from ipsec.ike import remedy

        self._tell(DOWN, "deleted", remedy.deleted(self.config))

    def end(self, cause: str, text: str, spoke: bool = True) -> None:
        """The SA is over at both ends, or the peer is gone (it has not spoken); tell it once."""
        if self.rival and self.rival.new.is_up() and self.state == _ESTABLISHED:
            from ipsec.ike.rekey_ike import hand_over

            hand_over(self, self.rival.new, self.heard_at)  # the peer has replaced this one, whatever we wanted
        if self.heir:
            return self.finish_close(spoke)
        told = self.state in (_CLOSING, _CLOSED)
        self.finish_close(spoke, None if told else Event(DOWN if self.children else FAILED, cause, text))

    def abort(self, error, now: int) -> None:
        """What the peer has sent cannot be accepted: tell it here and there, and end."""
        from ipsec.ike.remedy import cause

        if self.state == _CLOSING:
            return self.finish_close()
        if isinstance(error, Refused):
            return self.end(cause(error.notify), str(error))
        self._tell(DOWN if self.children else FAILED, cause(error.notify), str(error))
        return self._end_with(Farewell() if isinstance(error, AuthError) else DeleteIke(), now)

    def finish_close(self, spoke: bool = True, event=None) -> None:
        """Wipe the keys and tell `event`; the object is dead afterwards. What a full heap stops half-way may be called again."""
        if self.state == _CLOSED:
            return
        self._put_off = None
        self.remove(self.children)
        self.window.drop_all()
        self._wipe()
        self.changes += [(TOLD, event), (ENDED, spoke)] if event else [(ENDED, spoke)]
        self._set_state(_CLOSED)

    def unanswered(self) -> None:
        """No answer came to any attempt of the handshake."""
        from ipsec.ike import remedy

        self.end("timeout", remedy.silence(self), False)

    def _end_with(self, exchange, now):
        """Close with a last exchange; the Child SAs carry nothing from now on."""
        self._set_state(_CLOSING)
        self.remove(self.children)
        self.window.end_with(exchange, now)

    def remove(self, children) -> None:
        """Child SAs have ended at both ends."""
        for child in list(children):
            self.children.remove(child)
            for other in self.children:
                if other.heir is child:
                    other.heir = child.heir if child.heir in self.children else None  # then it is to be rekeyed again
            self.changes.append((REMOVED, child))

    def warn(self, cause: str, text: str) -> None:
        """Nothing has changed, but somebody should know."""
        self._tell(WARNING, cause, text)

    def _tell(self, kind, cause, text):
        if self.state not in (_CLOSING, _CLOSED):
            self.changes.append((TOLD, Event(kind, cause, text)))

    def _wipe(self):
        if self.keys:
            self.keys.wipe()
        if self.protection:  # the heap may have had no room for it
            self.protection.wipe()
            self._sealed = self.protection.sealed
        self.keys = self.protection = None

    # What the window calls

    def takes_requests(self) -> bool:
        """Whether the peer may ask for something: it has proved its identity, and the keys are still there."""
        return self._is_proved and self.state != _CLOSED

    def open(self, m, now: int) -> None:
        """Verify and decrypt a message.

        Raises Unproved when it is not authentic, PeerError when it is, but malformed inside.
        """
        try:
            if message.unprotect(m, self.protection):
                return
        except PeerError as e:
            pieces = self.window.pieces
            if not pieces or not pieces[1 if m.flags & message.FLAG_RESPONSE else 0]:
                raise
            raise Unproved("pieces have come of it, and it is none: %s" % e)
        self.hint(now)
        raise Unproved("it is not authenticated")

    # State and log

    def _set_state(self, state):
        before, self.state = self.state, state
        if self.log:
            self.note(3, "IKE SA: %s -> %s", _STATE_NAMES[before], _STATE_NAMES[state])

    def drop(self, reason: str) -> None:
        """A message has changed nothing."""
        self.dropped += 1
        self.note(2, "IKE message dropped: %s", reason)

    def note(self, level: int, text: str, *args) -> None:
        """A line for the log."""
        if self.log:
            self.log(level, text % args)


def _new_spi(random) -> bytes:
    """A random SPI that cannot be taken for the non-ESP marker, as IKE_SA_INIT comes without one (RFC 3948 2.2)."""
    while True:
        spi = random(8)
        if spi[:4] != bytes(4):
            return spi
