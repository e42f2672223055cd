"""The two exchanges that make a tunnel: IKE_SA_INIT and IKE_AUTH (RFC 7296 1.2).

```
 HDR, [N(COOKIE)], SAi1, KEi, Ni, N(NATD), N(NATD)                        -->
                                       <--  HDR, SAr1, KEr, Nr, N(NATD), N(NATD)
 HDR, SK {IDi, IDr, AUTH, [CP], N(INITIAL_CONTACT), SAi2, TSi, TSr}       -->
                                       <--  HDR, SK {IDr, AUTH, [CP], SAr2, TSi, TSr}
```

Rules: nobody has proved anything in IKE_SA_INIT, so an error there is remembered and a good response that follows still wins
(RFC 7296 2.21.1); COOKIE and INVALID_KE_PAYLOAD are followed a few times only; AUTH is verified before the rest of the
IKE_AUTH response is looked at. Start reading at `IkeSaInit.process`.
"""

from ipsec.crypto.ct import equal
from ipsec.errors import AuthError, CryptoError, PeerError
from ipsec.ike import config_payload, iana, identity, keymat, natt, payload, proposal, selector
from ipsec.ike.auth import psk
from ipsec.ike.child import ChildSa, is_reserved, new_spi
from ipsec.ike.exchange import Exchange

_NONCE_LEN = 24
_COOKIE = 16390
_MAX_COOKIE_LEN = 64
_MAX_RETRIES = 5  # COOKIE and INVALID_KE_PAYLOAD together
_HURRY_MS = 2000  # how long a good response may still come after an unauthenticated error
_INITIAL_CONTACT = 16384
_AUTH_LIFETIME = 16403


class IkeSaInit(Exchange):
    """Negotiates the IKE SA's algorithms and does the key exchange."""

    kind = iana.IKE_SA_INIT
    protected = False

    def __init__(self, sa):
        self.offers = [proposal.ike_transforms(s) for s in sa.config.ike_proposals]
        self.cookie = b""
        self.retries = 0
        self.refusal = None  # an error that nobody has authenticated
        self.groups = []
        self._use_group(sa, sa.config.ike_proposals[0].ke)
        sa.nonce_i = sa.random(_NONCE_LEN)

    def _use_group(self, sa, group):
        self.group = group
        self.groups.append(group)
        self.dh = sa.crypto.new_dh(group, sa.random)

    def wipe(self):
        self.dh.wipe()

    def build(self, sa, b):
        if self.cookie:
            b.notify(_COOKIE, self.cookie)
        proposal.write_sa(b, iana.PROTO_IKE, b"", self.offers)
        payload.write_ke(b, self.group, self.dh.public)
        b.simple(iana.NONCE, sa.nonce_i)
        natt.write_detection(b, sa.spi_i, sa.gateway_addr, sa.config.port, sa.random)

    def process(self, sa, message, now):
        try:
            if message.find(iana.SA):
                self._accept(sa, message, now)
            else:
                self._follow(sa, message, now)
        except PeerError as e:
            self.refusal = e
            sa.retransmission.hurry(now, _HURRY_MS)

    def _follow(self, sa, message, now):
        """A response without SA payload wants another request, or refuses."""
        for kind, _, _, data in payload.notifies(message):
            if kind == _COOKIE and 1 <= len(data) <= _MAX_COOKIE_LEN:
                self.cookie = data
                return self._again(sa, now)
            if kind == iana.INVALID_KE_PAYLOAD and len(data) == 2:
                self._follow_group(sa, data[0] << 8 | data[1])
                return self._again(sa, now)
            if kind < 16384:
                raise _refusal(kind)
        raise PeerError("the gateway's answer to IKE_SA_INIT has neither an SA payload nor an error")

    def _follow_group(self, sa, group):
        if group in self.groups or not any(s.ke == group for s in sa.config.ike_proposals):
            raise _refusal(iana.INVALID_KE_PAYLOAD)
        self.dh.wipe()
        self._use_group(sa, group)

    def _again(self, sa, now):
        self.retries += 1
        if self.retries > _MAX_RETRIES:
            raise PeerError("the gateway asked for another IKE_SA_INIT more than %d times" % _MAX_RETRIES)
        sa.begin(self, now)

    def _accept(self, sa, m, now):
        index, _ = proposal.check_sa(m.need(iana.SA), iana.PROTO_IKE, 0, self.offers)
        suite = sa.config.ike_proposals[index]
        group, public = payload.parse_ke(m.need(iana.KE))
        if group != self.group or suite.ke != group:
            raise PeerError("the gateway's KE payload is of group %d, ours of group %d" % (group, self.group))
        nonce_r = payload.parse_nonce(m.need(iana.NONCE))
        natt.check_detection(m)
        if m.spi_r == bytes(8):
            raise PeerError("the gateway's SPI is zero")
        try:
            secret = self.dh.shared(public)
        except CryptoError as e:
            raise PeerError(str(e))
        self.dh.wipe()
        sa.take_keys(suite, m, nonce_r, secret)
        sa.finish_exchange()
        sa.begin(IkeAuth(sa, bytes(m.buf[m.pos : m.end])), now)

    def give_up(self, sa, now):
        if self.refusal is None:
            sa.end("timeout", sa.silence())
        else:
            from ipsec.ike.remedy import cause

            sa.end(cause(self.refusal.notify), str(self.refusal))


class IkeAuth(Exchange):
    """Proves both identities, and makes the first Child SA."""

    kind = iana.IKE_AUTH

    def __init__(self, sa, init_response):
        self.init_response = init_response
        self.auth_key = psk.derive_key(sa.crypto, sa.suite.prf, sa.config.psk)
        self.spi_in = new_spi(sa.random)
        self.offers = [proposal.esp_transforms(s) for s in sa.config.esp_proposals]
        self.ts_i, self.ts_r = _offered_selectors(sa.config)

    def build(self, sa, b):
        config = sa.config
        prf = sa.suite.prf
        id_i = identity.encode(config.local_id)
        self.id_r = identity.encode(config.remote_id)
        octets = keymat.signed_octets(sa.crypto, prf, sa.init_request, sa.nonce_r, sa.keys.sk_pi, id_i)
        sa.init_request = None
        b.simple(iana.IDI, id_i)
        b.simple(iana.IDR, self.id_r)
        payload.write_auth(b, psk.METHOD, psk.compute(sa.crypto, prf, self.auth_key, octets))
        if config.virtual_ip:
            config_payload.write_request(b, config.virtual_ip)
        b.notify(_INITIAL_CONTACT)
        proposal.write_sa(b, iana.PROTO_ESP, self.spi_in, self.offers)
        selector.write_ts(b, iana.TSI, self.ts_i)
        selector.write_ts(b, iana.TSR, self.ts_r)

    def process(self, sa, message, now):
        notifies = payload.notifies(message)
        error = payload.error_notify(notifies)
        if error and not message.find(iana.AUTH):
            from ipsec.ike import remedy

            return sa.end(remedy.cause(error[0]), remedy.explain(error[0]))  # the gateway has made no IKE SA
        self._verify(sa, message)
        self.init_response = None
        sa.authenticated(now)
        if error and not message.find(iana.SA):
            raise _refusal(error[0])
        child = self._accept_child(sa, message)
        lifetime_s = 0
        for kind, _, _, data in notifies:
            if kind == _AUTH_LIFETIME and len(data) == 4:
                lifetime_s = data[0] << 24 | data[1] << 16 | data[2] << 8 | data[3]
        sa.established(child, self._inner_config(message), lifetime_s)

    def _verify(self, sa, message):
        """Who is it, and does AUTH prove it (RFC 7296 2.15)."""
        id_r = message.need(iana.IDR).rest()
        method, data = payload.parse_auth(message.need(iana.AUTH))
        if not identity.same(id_r, self.id_r):
            raise AuthError(
                "the gateway says it is %s, expected was %r: mend remote_id, or distrust the gateway"
                % (identity.describe(id_r), sa.config.remote_id)
            )
        if method != psk.METHOD:
            raise AuthError("the gateway authenticates by method %d, expected was a pre-shared key" % method)
        prf = sa.suite.prf
        octets = keymat.signed_octets(sa.crypto, prf, self.init_response, sa.nonce_i, sa.keys.sk_pr, id_r)
        if not equal(psk.compute(sa.crypto, prf, self.auth_key, octets), data):
            raise AuthError("the gateway's AUTH is wrong: it has another psk, or it is not the gateway")

    def _accept_child(self, sa, m):
        index, spi_out = proposal.check_sa(m.need(iana.SA), iana.PROTO_ESP, 4, self.offers)
        if is_reserved(spi_out):
            raise PeerError("the gateway's ESP SPI is reserved (RFC 4303 2.1)")
        ts_i = selector.parse_ts(m.need(iana.TSI))
        ts_r = selector.parse_ts(m.need(iana.TSR))
        selector.check_narrowed(ts_i, self.ts_i)
        selector.check_narrowed(ts_r, self.ts_r)
        suite = sa.config.esp_proposals[index]
        keys = keymat.derive_child_keys(sa.crypto, suite, sa.suite.prf, sa.keys.sk_d, sa.nonce_i, sa.nonce_r)
        return ChildSa(self.spi_in, spi_out, suite, ts_i, ts_r, keys)

    def _inner_config(self, message):
        reader = message.find(iana.CP)
        return config_payload.parse_reply(reader) if reader else config_payload.InnerConfig()

    def give_up(self, sa, now):
        sa.end("timeout", sa.silence())


def _refusal(notify) -> PeerError:
    from ipsec.ike.remedy import explain

    return PeerError(explain(notify), notify)


def _offered_selectors(config) -> tuple:
    """Ours and the gateway's side: any address that the gateway will give us, and `remote_ts`."""
    if config.inner_address:
        ours = [selector.whole(config.inner_address, config.inner_address)]
    else:
        ours = [selector.anywhere(4 if family == "ipv4" else 16) for family in config.virtual_ip]
    return ours, [selector.whole(first, last) for first, last in config.remote_ts]
