"""MSCHAPv2 as an EAP method (RFC 2759, draft-kamath-pppext-eap-mschapv2), the device's side, and the MSK of it (RFC 3079).

```
 <--  1 Challenge  number, length, 16, challenge, name of the server
 -->  2 Response   number, length, 49, our challenge, 8 zeros, NT response (24), 0, our name
 <--  3 Success    number, length, "S=" 40 digits, " M=" text         -->  3
 <--  4 Failure    number, length, "E=691 R=1 C=... V=3 M=" text      -->  4

 NT response = DES (each third of the NT hash and 5 zeros, SHA-1 (our challenge | challenge | name)[:8])
```

Rules
- The board holds the NT hash, MD4 of the password in UTF-16: whoever has it can log in as this user, but knows no password.
- There is an MSK once the server has shown that it knows the NT hash, too; a second Challenge is refused.

Start reading at `Mschapv2.answer`.
"""

from binascii import unhexlify

from ipsec.crypto.ct import equal, wipe
from ipsec.crypto.des import encrypt
from ipsec.crypto.md4 import md4
from ipsec.errors import AuthError
from ipsec.micro import const

_CHALLENGE = const(1)
_RESPONSE = const(2)
_SUCCESS = const(3)
_FAILURE = const(4)
_SIGNING = b"Magic server to client signing constant"
_ITERATION = b"Pad to make it do more than one iteration"
_MASTER = b"This is the MPPE Master Key"
_TO_SERVER = b"On the client side, this is the send key; on the server side, it is the receive key."
_TO_CLIENT = b"On the client side, this is the receive key; on the server side, it is the send key."


class Mschapv2:
    """One dialog; `msk` is there once it has ended well, `failure` the number of what the server is not content with."""

    def __init__(self, name: bytes, nt_hash: bytes, random):
        self._name = name
        self._nt_hash = nt_hash
        self._random = random
        self._proof = b""  # what the server must answer
        self._secret = bytearray(0)  # the MSK before that
        self.msk: object = None
        self.failure = 0

    def answer(self, data) -> bytes:
        """What to say to the octets behind the type of an EAP request.

        Raises AuthError.
        """
        n = len(data)
        if n < 4 or data[2] << 8 | data[3] != n:
            raise AuthError("the gateway's MSCHAPv2 message of %d octets is malformed" % n)
        code = data[0]
        if code == _CHALLENGE and n >= 21 and data[4] == 16 and not self._proof:
            return self._respond(data[1], bytes(data[5:21]))
        if code == _SUCCESS and self._proof and self.msk is None and not self.failure:
            self._check(bytes(data[4:]))
            return b"\x03"
        if code == _FAILURE and self.msk is None:
            self.failure = _number(bytes(data[4:]))
            return b"\x04"
        raise AuthError("the gateway's MSCHAPv2 message (%d, %d octets) is malformed, or not one that is due" % (code, n))

    def _respond(self, number, challenge) -> bytes:
        ours = self._random(16)
        user = self._name[self._name.rfind(b"\\") + 1 :]  # the domain does not count
        short = challenge_hash(ours, challenge, user)
        response = nt_response(self._nt_hash, short)
        hashed = bytearray(md4(self._nt_hash))
        self._proof = authenticator(hashed, response, short)
        self._secret = derive_msk(hashed, response)
        wipe(hashed)
        n = 54 + len(self._name)
        return bytes((_RESPONSE, number, n >> 8, n & 255, 49)) + ours + bytes(8) + response + b"\0" + self._name

    def _check(self, message):
        """The server knows the NT hash, too: `S=` and 40 digits."""
        try:
            found = unhexlify(message[2:42]) if message[:2] == b"S=" else b""
        except ValueError:
            found = b""
        if not equal(self._proof, found):
            raise AuthError(
                "the gateway's MSCHAPv2 answer is wrong: it does not know the password of this user, or nt_hash is another's"
            )
        self.msk = self._secret

    def wipe(self) -> None:
        """Overwrite what keys come from."""
        wipe(self._secret)


def _number(message) -> int:
    """The number behind `E=`; -1 for none."""
    at = message.find(b"E=")
    found = 0
    end = at + 2
    while at >= 0 and end < len(message) and end < at + 8 and 48 <= message[end] <= 57:
        found = 10 * found + message[end] - 48
        end += 1
    return found or -1


def _sha1(*parts) -> bytes:
    try:
        from hashlib import sha1
    except ImportError:
        raise AuthError("this firmware has no SHA-1, which MSCHAPv2 needs: take one with ssl, or another auth")
    h = sha1(b"")
    for part in parts:
        h.update(part)
    return h.digest()


def challenge_hash(ours, theirs, user) -> bytes:
    """`ChallengeHash` (RFC 2759 8.2), 8 octets."""
    return _sha1(ours, theirs, user)[:8]


def nt_response(nt_hash, short) -> bytes:
    """`ChallengeResponse` (RFC 2759 8.5), 24 octets."""
    key = bytearray(21)
    key[:16] = nt_hash
    found = b"".join([encrypt(key[i : i + 7], short) for i in (0, 7, 14)])
    wipe(key)
    return found


def authenticator(hashed, response, short) -> bytes:
    """`GenerateAuthenticatorResponse` (RFC 2759 8.7), 20 octets; `hashed` is MD4 of the NT hash."""
    return _sha1(_sha1(hashed, response, _SIGNING), short, _ITERATION)


def derive_msk(hashed, response) -> bytearray:
    """The MSK, 64 octets: MasterReceiveKey and MasterSendKey of the server (RFC 3079 3.3), and zeros."""
    master = _sha1(hashed, response, _MASTER)[:16]
    found = bytearray(64)
    found[:16] = _sha1(master, bytes(40), _TO_SERVER, b"\xf2" * 40)[:16]
    found[16:32] = _sha1(master, bytes(40), _TO_CLIENT, b"\xf2" * 40)[:16]
    return found
