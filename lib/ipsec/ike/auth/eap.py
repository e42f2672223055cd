"""EAP-MSCHAPv2 for the device, behind a gateway that proves itself by a key or a certificate (RFC 7296 2.16, RFC 3748).

```
 request 1   IDi, IDr, [CERTREQ], SAi2, TSi, TSr        without AUTH: we want EAP
 response    IDr, [CERT], AUTH, EAP                     AUTH by the gateway's own key
 request 2   EAP ...                                    -->
 response    EAP (Success)
 request n   AUTH = prf( prf(MSK, "Key Pad for IKEv2"), <InitiatorSignedOctets>)
 response    AUTH (by the MSK, too), SAr2, TSi, TSr
```

Rules
- Nothing of EAP is looked at, and no name leaves, before the gateway's AUTH is verified: there is no EAP-only authentication
  (RFC 5998). The identity that was proved then is the gateway's until the end.
- Success before the server has shown that it knows the password, too, is refused. At most 10 rounds.
- The tunnel is up when the gateway's AUTH by the MSK is verified, not before.

Start reading at `EapAuth.process`.
"""

from ipsec.errors import AuthError, PeerError, Refused
from ipsec.ike import iana, identity, keymat, payload
from ipsec.ike.auth.cert import Certs, load_credentials
from ipsec.ike.auth.mschapv2 import Mschapv2
from ipsec.ike.auth.psk import Psk
from ipsec.ike.establish import IkeAuth, refusal
from ipsec.ike.exchange import Exchange
from ipsec.micro import const

_EAP = const(48)  # payload type
_REQUEST = const(1)
_RESPONSE = const(2)
_SUCCESS = const(3)
_FAILURE = const(4)
_IDENTITY = const(1)
_NOTIFICATION = const(2)
_NAK = const(3)
_MSCHAPV2 = const(26)
_MAX_ROUNDS = const(10)


def load_eap(config):
    """The method of a configuration with auth "eap".

    Raises ConfigError.
    """
    return Eap(config, load_credentials(config))


class Eap(Certs):
    """The gateway by its key or certificate, we by EAP."""

    def __init__(self, config, credentials):
        super().__init__(config, credentials)
        self._config = config
        self._ppk = None
        if config.ppk_id:
            from ipsec.ike.auth.ppk import Ppk

            self._ppk = Ppk(config, None)

    def begin_init(self, b) -> None:
        """Announce the signatures that we can verify, and PPK if there is one."""
        super().begin_init(b)
        if self._ppk:
            self._ppk.begin_init(b)

    def agree(self, m):
        """The exchange in place of IkeAuth. Raises PeerError."""
        if self._ppk:
            self._ppk.agree(m)
        return EapAuth

    def write(self, sa, b, octets) -> None:
        """Ask for the gateway's certificate; without AUTH it begins EAP."""
        self.write_request(b)

    def by_msk(self, msk):
        """What proves both ends once EAP has ended: the MSK, with the PPK in it if there is one."""
        if self._ppk:
            return self._ppk.beside(Psk(msk))
        return Psk(msk)

    def mschapv2(self, random):
        """The dialog."""
        return Mschapv2(self._config.eap_identity.encode(), self._config.nt_hash, random)


class EapAuth(IkeAuth):
    """The first IKE_AUTH exchange: the gateway proves itself, and begins EAP."""

    def process(self, sa, m, now):
        from ipsec.ike.auth import eap_texts

        error = payload.error_notify(m)
        if error and not m.find(iana.AUTH):
            raise refusal(sa, error, Refused)
        if not m.find(iana.AUTH):
            raise AuthError(eap_texts.no_proof())
        self._verify(sa, m)
        if error:
            raise refusal(sa, error)
        packet = m.find(_EAP)
        if not packet:
            raise AuthError(eap_texts.no_eap(sa.config))
        self.id_r = m.find(iana.IDR).rest()
        dialog = Dialog(sa, self)
        dialog.go_on(packet.rest())


class Dialog:
    """EAP from its first request to Success; `first` is the exchange in which it began."""

    def __init__(self, sa, first):
        self._sa = sa
        self.first = first
        self.method = sa.auth.mschapv2(sa.random)
        self.current: object = None  # the exchange that has the secrets
        self._rounds = 0
        self._refused = False  # another method, once

    def go_on(self, packet) -> None:
        """Take an EAP packet, and want the exchange that follows from it.

        Raises AuthError, PeerError.
        """
        answer = self._take(packet)
        self.current = EapRound(self, answer) if answer else EapLast(self._sa, self)
        self._sa.want(self.current)

    def _take(self, packet):
        from ipsec.ike.auth import eap_texts

        n = len(packet)
        if n < 4 or packet[2] << 8 | packet[3] != n:
            raise PeerError("an EAP packet of %d octets that says that it has another length" % n)
        code = packet[0]
        self._rounds += 1
        if code == _FAILURE or self.method.failure and code != _REQUEST:
            raise AuthError(eap_texts.failed(self._sa.config, self.method.failure))
        if code == _SUCCESS:
            if self.method.msk is None:
                raise AuthError(eap_texts.early())
            return None
        if code != _REQUEST or n < 5 or self._rounds > _MAX_ROUNDS:
            raise AuthError("the gateway's EAP does not come to an end, or is malformed: code %d, %d octets" % (code, n))
        kind = packet[4]
        return self._response(packet[1], kind, packet[5:])

    def _response(self, number, kind, data) -> bytes:
        if kind == _IDENTITY:
            data = self._sa.config.eap_identity.encode()
        elif kind == _NOTIFICATION:
            data = b""
        elif kind == _MSCHAPV2:
            data = self.method.answer(data)
        elif self._refused:
            from ipsec.ike.auth import eap_texts

            raise AuthError(eap_texts.other_method(kind))
        else:
            self._refused = True
            kind, data = _NAK, bytes((_MSCHAPV2,))
        n = 5 + len(data)
        return bytes((_RESPONSE, number, n >> 8, n & 255, kind)) + data


class EapRound(Exchange):
    """One of our answers, and what the gateway says to it."""

    kind = iana.IKE_AUTH

    def __init__(self, dialog, answer):
        self._dialog = dialog
        self._answer = answer

    def build(self, sa, b):
        b.simple(_EAP, self._answer)

    def process(self, sa, m, now):
        from ipsec.ike.auth import eap_texts

        packet = m.find(_EAP)
        if packet:
            self._dialog.go_on(packet.rest())
            return
        error = payload.error_notify(m)
        if error == iana.AUTHENTICATION_FAILED:
            raise Refused(eap_texts.failed(sa.config, self._dialog.method.failure), error)
        if error:
            raise refusal(sa, error, Refused)
        raise AuthError("the gateway leaves EAP without a word: its log has the reason")

    def wipe(self):
        """Unless another exchange needs the secrets."""
        if self._dialog.current is self:
            self._dialog.method.wipe()

    def give_up(self, sa, now):
        sa.unanswered()


class EapLast(IkeAuth):
    """The last IKE_AUTH exchange: both ends prove that they have the MSK."""

    def __init__(self, sa, dialog):
        first = dialog.first
        self._init = first._init
        self._other = None
        self._offer = first._offer
        self._id_r = first._id_r
        self._proved = first.id_r
        self._method = dialog.method
        self._proof = sa.auth.by_msk(self._method.msk)

    def build(self, sa, b):
        id_i = identity.encode(sa.config.local_id)
        octets = keymat.signed_octets(sa.crypto, sa.suite.prf, self._init.request, sa.nonce_r, sa.keys.sk_pi, id_i)
        self._proof.write(sa, b, octets)

    def _verify(self, sa, m):
        id_r = m.find(iana.IDR)
        if id_r and id_r.rest() != self._proved:
            raise AuthError("the gateway changes its identity behind EAP: somebody is in its place")
        octets = keymat.signed_octets(sa.crypto, sa.suite.prf, self._init.response, sa.nonce_i, sa.keys.sk_pr, self._proved)
        self._proof.verify(sa, m, self._proved, octets)

    def overhear(self, sa, buf, pos, end):
        return False

    def recover(self, sa, now, failed):
        return False

    def wipe(self):
        """The MSK has done its work."""
        self._method.wipe()
