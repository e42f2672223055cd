"""The two exchanges that make a tunnel: IKE_SA_INIT and IKE_AUTH (RFC 7296 1.2).

```
 HDR, [N(COOKIE)], SAi1, KEi, Ni, N(NATD), N(NATD)                        -->
                                       <--  HDR, SAr1, KEr, Nr, N(NATD), N(NATD)
 HDR, SK {IDi, IDr, AUTH, [CP], [N(INITIAL_CONTACT)], SAi2, TSi, TSr}     -->
                                       <--  HDR, SK {IDr, AUTH, [CP], SAr2, TSi, TSr}
```

Rules
- Nobody has proved anything in IKE_SA_INIT: an error there is remembered, and a good response that follows still wins
  (RFC 7296 2.21.1); COOKIE and INVALID_KE_PAYLOAD are followed a few times only.
- A request that has no answer goes to both ports in turn, octet for octet the same.
- All that is random in IKE_SA_INIT is drawn once, and an answer to an earlier request does not change the present one, since
  AUTH covers the request that the accepted response answers.
- The response that is accepted may be forged. Another one is kept while IKE_AUTH waits, and has its turn when the first one fails
  or stays silent (RFC 7296 2.4): one copy and a few key exchanges, whatever comes.
- AUTH is verified before the rest of the IKE_AUTH response is looked at.

Start reading at `IkeSaInit.process`.
"""

from ipsec.errors import AuthError, CryptoError, NotReady, PeerError, Refused
from ipsec.ike import config_payload, iana, identity, keymat, message, natt, payload, proposal
from ipsec.ike.child import ChildOffer
from ipsec.ike.exchange import Exchange
from ipsec.ike.window import LARGE_LEN
from ipsec.micro import const, left, since
from ipsec.suite import first_group, has_group

_NONCE_LEN = const(24)
_COOKIE = const(16390)
_MAX_COOKIE_LEN = const(64)
_MAX_RETRIES = const(5)  # COOKIE and INVALID_KE_PAYLOAD together
_MAX_OTHERS = const(4)  # how often another response is tried: each costs a key exchange
_MAX_RESPONSE_LEN = const(1400)  # of one that is kept
_HURRY_MS = const(2000)  # how long a good response may still come after an unauthenticated error
_EAP = const(48)  # payload type
_INITIAL_CONTACT = const(16384)
_MOBIKE_SUPPORTED = const(16396)
_AUTH_LIFETIME = const(16403)
_REDIRECT_SUPPORTED = const(16406)  # RFC 5685
_REDIRECT = const(16407)
_REDIRECTED_FROM = const(16408)
_CHILDLESS_SUPPORTED = const(16418)  # RFC 6023
_FRAGMENTATION_SUPPORTED = const(16430)  # RFC 7383


class IkeSaInit(Exchange):
    """Negotiates the IKE SA's algorithms and does the key exchange."""

    kind = iana.IKE_SA_INIT
    protected = False

    def __init__(self, sa):
        self.request = b""  # as it was sent
        self.response = b""  # as it was accepted
        self.others = _MAX_OTHERS
        self.tries = sa.path.tries
        self._cookie = b""
        self._cookies_from = None  # when another COOKIE can be meant for the present request
        self._retries = 0
        self._refusal = None  # an error that nobody has authenticated
        self._groups = []
        self.offer = None  # the Child SA's, whichever response it goes with: the gateway may answer any of the requests
        self._use_group(sa, first_group(sa.config.ike_offer))
        sa.nonce_i = sa.random(_NONCE_LEN)
        self._detected = natt.detection(sa.spi_i, sa.path.addr, sa.path.port, sa.random)

    def _use_group(self, sa, group):
        self._group = group
        self._groups.append(group)
        self.dh = sa.crypto.new_dh(group, sa.random)

    def build(self, sa, b):
        if self._cookie:
            b.notify(_COOKIE, self._cookie)
        proposal.write_sa(b, iana.PROTO_IKE, b"", sa.config.ike_offer)
        payload.write_ke(b, self._group, self.dh.public)
        b.simple(iana.NONCE, sa.nonce_i)
        natt.write_detection(b, self._detected)
        if sa.config.fragmentation:
            b.notify(_FRAGMENTATION_SUPPORTED)
        if sa.path.origin:
            b.notify(_REDIRECTED_FROM, sa.path.origin)
        elif sa.config.redirect:
            b.notify(_REDIRECT_SUPPORTED)
        sa.auth.begin_init(b)

    def process(self, sa, m, now):
        try:
            if m.find(iana.SA):
                self.accept(sa, m)
                return True
            self._follow(sa, m, now)
        except PeerError as e:
            self._refusal = e
            sa.window.retransmission.hurry(now, _HURRY_MS)
        return False

    def _follow(self, sa, m, now):
        """A response without SA payload wants another request, or refuses."""
        if m.pos:  # it stands behind the marker: this port is open
            sa.path.float()
        cookie = payload.notify_data(m, _COOKIE)
        if cookie is not None and 1 <= len(cookie) <= _MAX_COOKIE_LEN:
            return self._follow_cookie(sa, cookie, now)
        if _redirected(sa, m, sa.nonce_i):
            return
        error = payload.error_notify(m)
        if error == iana.INVALID_KE_PAYLOAD:
            data = payload.notify_data(m, error)
            if len(data) == 2:
                return self._follow_group(sa, data, now)
        if error:
            raise PeerError("", error)  # `give_up` has the words: nothing is loaded for what nobody has proved
        raise PeerError("the gateway's answer to IKE_SA_INIT has neither an SA payload nor an error")

    def _follow_cookie(self, sa, cookie, now):
        """The same request with a cookie (RFC 7296 2.6), unless it is an answer to an earlier one of ours, twice or late."""
        if cookie == self._cookie or self._cookies_from is not None and left(self._cookies_from, now):
            self._refusal = PeerError("the gateway goes on asking for a COOKIE")  # when nothing better comes
            return
        # What we have sent twice may have two answers, and no round trip is longer than the first one took.
        timer = sa.window.retransmission
        self._cookies_from = now + 2 * since(timer.begun_at, now) if timer.repeated else None
        self._cookie = cookie
        self._again(sa, now)

    def _follow_group(self, sa, data, now):
        group = data[0] << 8 | data[1]
        if group == self._group:
            self._refusal = PeerError(
                "", iana.INVALID_KE_PAYLOAD, data
            )  # when nothing better comes than the same answer once more
            return
        if group in self._groups or not has_group(sa.config.ike_offer, group):
            raise PeerError("", iana.INVALID_KE_PAYLOAD, data)
        if not sa.crypto.has_group(group):
            raise NotReady(group)
        self.dh.wipe()
        self._use_group(sa, group)
        self._again(sa, now)

    def recover(self, sa, now, failed):
        """No answer: the same request goes to the port of NAT traversal in turn, as networks may block the other one."""
        if not failed and sa.window.attempts > 1:
            sa.path.float(not sa.path.floated)
        return False

    def _again(self, sa, now):
        self._retries += 1
        if self._retries > _MAX_RETRIES:
            raise PeerError("the gateway asked for another IKE_SA_INIT more than %d times" % _MAX_RETRIES)
        sa.window.repeat(now)

    def accept(self, sa, m):
        """Take the keys that a response leads to, and want IKE_AUTH next.

        Raises PeerError when it is not what we asked for; nothing has changed then.
        """
        if m.spi_r == bytes(8):
            raise PeerError("the gateway's SPI is zero")
        group, public = payload.parse_ke(m.need(iana.KE, "KE"), sa.crypto.dh_len(self._group))
        nonce_r = payload.parse_nonce(m.need(iana.NONCE, "Nonce"))
        natt.check_detection(m)
        suite, _ = proposal.choose(m.need(iana.SA, "SA"), iana.PROTO_IKE, 0, sa.config.ike_offer)
        if not sa.crypto.is_ready(suite):
            raise NotReady(suite)
        if group != self._group or suite.ke != group:
            raise PeerError("the gateway's suite has group %d, its KE payload %d, ours %d" % (suite.ke, group, self._group))
        exchange = sa.auth.agree(m) or _auth(sa, m)
        try:
            secret = self.dh.shared(public)
        except CryptoError as e:
            raise PeerError(str(e))
        sa.spi_r = m.spi_r
        sa.nonce_r = nonce_r
        sa.take_keys(suite, sa.crypto.prf(suite.prf, sa.nonce_i + nonce_r, secret))  # SKEYSEED = prf(Ni | Nr, g^ir)
        self.response = bytes(memoryview(m.buf)[m.pos : m.end])
        both = sa.config.fragmentation and payload.notify_data(m, _FRAGMENTATION_SUPPORTED) is not None
        sa.window.piece_len = LARGE_LEN if both else 0
        sa.agreed()
        sa.want(exchange(sa, self))

    def wipe(self):
        """Another response may still need the private value: IKE_AUTH has it wiped then."""
        if not self.response:
            self.dh.wipe()

    def give_up(self, sa, now):
        error = self._refusal
        if error is None:
            sa.unanswered()
        else:
            from ipsec.ike import remedy

            sa.end(remedy.cause(error.notify), str(error) or remedy.refused(error.notify, sa.config, False, error.data))


class IkeAuth(Exchange):
    """Proves both identities, and makes the first Child SA."""

    kind = iana.IKE_AUTH

    def __init__(self, sa, init):
        self._init = init
        self._other = None  # another response to IKE_SA_INIT
        init.offer = init.offer or ChildOffer(sa.config, sa.random)
        self._offer = init.offer
        self._id_r = identity.encode(sa.config.remote_id)

    def build(self, sa, b):
        config = sa.config
        id_i = identity.encode(config.local_id)
        b.simple(iana.IDI, id_i)
        if self._id_r:  # none for "%any"
            b.simple(iana.IDR, self._id_r)
        octets = keymat.signed_octets(sa.crypto, sa.suite.prf, self._init.request, sa.nonce_r, sa.keys.sk_pi, id_i)
        sa.auth.write(sa, b, octets)
        if config.virtual_ip:
            config_payload.write_request(b, config.virtual_ip, sa.wanted or [config.inner_address], "*" in config.dns_domains)
        if sa.first_contact:
            b.notify(_INITIAL_CONTACT)
        if config.mobike:
            b.notify(_MOBIKE_SUPPORTED)
        self._write_child(b)

    def _write_child(self, b):
        self._offer.write(b)

    def process(self, sa, m, now):
        error = payload.error_notify(m)
        lifetime = payload.notify_data(m, _AUTH_LIFETIME)
        if error and not m.find(iana.AUTH):
            raise refusal(sa, error, Refused)  # the gateway has made no IKE SA
        if m.find(_EAP):
            from ipsec.ike import remedy

            raise AuthError(remedy.eap(sa.config))
        self._verify(sa, m)
        sa.authenticated(now)
        if _redirected(sa, m):
            return
        if error and not m.find(iana.SA):
            raise refusal(sa, error)
        reader = m.find(iana.CP)
        sa.inner = config_payload.parse_reply(reader) if reader else config_payload.InnerConfig()
        self._take_child(sa, m)
        if lifetime and len(lifetime) == 4:
            sa.lives(int.from_bytes(lifetime, "big"))
        if sa.config.mobike and payload.notify_data(m, _MOBIKE_SUPPORTED) is not None:
            self._agree_mobike(sa, m, now)

    def _take_child(self, sa, m):
        child = self._offer.accept(sa, m, sa.nonce_i + sa.nonce_r)
        unreached = config_payload.unreached(sa.inner.subnets, child.ts_remote)
        if unreached and not sa.config.more_ts:
            from ipsec.ike import remedy

            sa.warn("selectors", remedy.unreached(unreached, child.ts_remote, sa.config))
        sa.add_child(child)
        if sa.config.more_ts:
            from ipsec.ike.more import begin

            begin(sa)

    def _agree_mobike(self, sa, m, now):
        """The gateway does it, too (RFC 4555 3.1); where the code is missing, the address is that of the handshake."""
        try:
            from ipsec.ike.mobike import Mobike
        except ImportError:
            return
        sa.mobike = Mobike(sa, m, now)

    def _verify(self, sa, m):
        """Who is it, and does AUTH prove it (RFC 7296 2.15)."""
        id_r = m.need(iana.IDR, "IDr").rest()
        if not identity.matches(id_r, self._id_r):
            from ipsec.ike import remedy

            raise AuthError(remedy.stranger(id_r, sa.config))
        octets = keymat.signed_octets(sa.crypto, sa.suite.prf, self._init.response, sa.nonce_i, sa.keys.sk_pr, id_r)
        sa.auth.verify(sa, m, id_r, octets)

    def overhear(self, sa, buf, pos, end):
        """Keep another response to IKE_SA_INIT: the accepted one may be forged (RFC 7296 2.4)."""
        if buf[pos + 18] != iana.IKE_SA_INIT or buf[pos + 8 : pos + 16] == sa.spi_r:
            return False
        if self._other or end - pos > _MAX_RESPONSE_LEN:
            return False
        self._other = bytes(memoryview(buf)[pos:end])
        return True

    def recover(self, sa, now, failed):
        """Go on with the other response; the present one waits in turn, unless it has failed."""
        octets = self._other
        init = self._init
        if octets is None or init.others == 0 or sa.is_proved():
            return False
        init.others -= 1
        present = init.response
        self._other = None
        try:
            init.accept(sa, message.parse(octets, 0, len(octets)))
        except NotReady as e:
            sa.put_off_message(e.what, octets)  # it is taken again as another response
            return False
        except PeerError as e:
            sa.drop(str(e))
            return False
        sa.window.turn(now)
        if not failed:
            sa.window.active._other = present
        return True

    def wipe(self):
        """The private value of IKE_SA_INIT, for which no other response will be used."""
        self._init.dh.wipe()

    def give_up(self, sa, now):
        sa.unanswered()


def _auth(sa, m):
    """The exchange that follows, by default with a Child SA."""
    if sa.config.childless and payload.notify_data(m, _CHILDLESS_SUPPORTED) is not None:
        from ipsec.ike.childless import ChildlessAuth

        return ChildlessAuth
    return IkeAuth


def _redirected(sa, m, nonce=b"") -> bool:
    """Whether the gateway sends us to another one (RFC 5685 3, 6), which is told."""
    data = payload.notify_data(m, _REDIRECT)
    if data is None or not sa.config.redirect:
        return False
    try:
        from ipsec.ike.redirect import follow
    except ImportError:
        raise PeerError("the gateway sends us to another one: install code for it, or redirect = false")
    return follow(sa, data, nonce)


def refusal(sa, notify, kind=PeerError) -> PeerError:
    """The error for an error notify in IKE_AUTH."""
    from ipsec.ike.remedy import refused

    return kind(refused(notify, sa.config, True), notify)
