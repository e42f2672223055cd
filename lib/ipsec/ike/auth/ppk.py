"""A post-quantum pre-shared key (PPK) beside any method of authentication (RFC 8784).

```
 IKE_SA_INIT  request   ..., N(USE_PPK)                                response  ..., N(USE_PPK)
 IKE_AUTH     request   ..., AUTH, N(PPK_IDENTITY), [N(NO_PPK_AUTH)]   response  ..., AUTH, [N(PPK_IDENTITY)]

 SK_d = prf+ (PPK, SK_d')    SK_pi = prf+ (PPK, SK_pi')    SK_pr = prf+ (PPK, SK_pr')
```

Rules
- What the IKE SA is protected with stays as it was; Child SAs and later IKE SAs have the PPK in them by SK_d.
- AUTH of both ends covers IKE_SA_INIT, so who strips USE_PPK on the way is found out; with `ppk_required` nothing goes on
  without it. Without, NO_PPK_AUTH lets a gateway that has not got the key yet go on as before, which is told.
- Mixed keys live no longer than the message that needs them, but for SK_d.

Start reading at `Ppk`.
"""

from ipsec.crypto.ct import wipe
from ipsec.errors import AuthError, PeerError
from ipsec.ike import identity, keymat, payload
from ipsec.micro import const

_USE_PPK = const(16435)
_PPK_IDENTITY = const(16436)
_NO_PPK_AUTH = const(16437)
_FIXED = b"\x02"  # PPK_ID_FIXED
_AUTHENTICATION_FAILED = const(24)


class Ppk:
    """Another method of authentication, whose signed octets have the PPK in them."""

    def __init__(self, config, method):
        self._config = config
        self._method = method
        self._agreed = False

    def beside(self, method):
        """The same beside another method, as after EAP."""
        self._method = method
        return self

    def begin_init(self, b) -> None:
        """Announce it."""
        b.notify(_USE_PPK)
        if self._method:
            self._method.begin_init(b)

    def agree(self, m):
        """Whether the gateway can do it, too.

        Raises PeerError when it cannot, but must.
        """
        self._agreed = payload.notify_data(m, _USE_PPK) is not None
        if not self._agreed and self._config.ppk_required:
            text = "the gateway does not do PPK (RFC 8784), or somebody has taken that out of its answer: %s"
            raise PeerError(text % "give it one for this connection, or set ppk_required = false", _AUTHENTICATION_FAILED)
        return self._method.agree(m) if self._method else None

    def write(self, sa, b, octets) -> None:
        """Append our AUTH payload with the PPK, its name, and what our AUTH is without it where that may be."""
        if not self._agreed:
            return self._method.write(sa, b, octets)
        id_i = identity.encode(self._config.local_id)
        self._method.write(sa, b, self._mixed(sa, octets, sa.keys.sk_pi, id_i))
        b.notify(_PPK_IDENTITY, _FIXED + self._config.ppk_id)
        if not self._config.ppk_required:
            without = _Taken()
            self._method.write(sa, without, octets)
            b.notify(_NO_PPK_AUTH, without.data)
        return None

    def verify(self, sa, m, id_r, octets) -> None:
        """Check the peer's AUTH payload; SK_d has the PPK in it then.

        Raises AuthError, PeerError.
        """
        if not self._agreed or payload.notify_data(m, _PPK_IDENTITY) is None:
            if self._config.ppk_required:
                text = "the gateway goes on without the PPK: give it the one that is called %r here"
                raise AuthError(text % shown(self._config.ppk_id))
            self._method.verify(sa, m, id_r, octets)
            sa.warn("ppk", "the gateway has not used our PPK: nothing but the key exchange keeps a quantum computer out")
            return
        self._method.verify(sa, m, id_r, self._mixed(sa, octets, sa.keys.sk_pr, id_r))
        before = sa.keys.sk_d
        sa.keys.sk_d = self._mix(sa, before)
        wipe(before)

    def _mixed(self, sa, octets, sk_p, id_body) -> tuple:
        """Signed octets, whose last part is what the PPK changes: `prf(SK_p, RestOfIDPayload)`."""
        key = self._mix(sa, sk_p)
        crypto, prf = sa.crypto, sa.suite.prf
        found = octets[0], octets[1], crypto.prf(prf, key, id_body)
        wipe(key)
        return found

    def _mix(self, sa, key) -> bytearray:
        """`prf+ (PPK, key)`, as long as the key."""
        return keymat.prf_plus(sa.crypto, sa.suite.prf, self._config.ppk, key, len(key))


class _Taken:
    """Takes what a method writes in place of a message, and keeps the data of AUTH, which comes last."""

    data = b""

    def simple(self, kind, *parts) -> None:
        """A payload."""
        self.data = parts[-1]


def shown(octets) -> str:
    """A name of a PPK as the option ppk_id has it."""
    if all(32 <= c < 127 for c in octets):
        return bytes(octets).decode()
    return "hex:" + "".join(["%02x" % c for c in octets])


def refused(config) -> str:
    """For AUTHENTICATION_FAILED from the gateway."""
    return " (it must have our PPK %s, the same octets, for ppk_id %r)" % (
        "for this identity" if config.ppk_required else "or none",
        shown(config.ppk_id),
    )
