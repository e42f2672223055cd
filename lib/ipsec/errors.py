"""Exceptions: one class per reaction of the caller.

`IkeError` is the only thing octets of a peer can raise. Start reading at `IkeError`.
"""


class IkeError(Exception):
    """Something is wrong with a message or with what the peer wants; the base of the two kinds below."""


class PeerError(IkeError):
    """The peer broke the protocol or refused; `notify` and `data` are what to answer or what came (RFC 7296 3.10.1)."""

    def __init__(self, text, notify=7, data=b""):  # INVALID_SYNTAX
        super().__init__(text)
        self.notify = notify
        self.data = data


class NotReady(Exception):
    """What a message asks for must be loaded first, where the stack is not so deep; `what` is a suite or a group's number."""

    def __init__(self, what):
        super().__init__("not loaded yet")
        self.what = what


class Unproved(PeerError):
    """A message is not authenticated, so nobody need care what it says; it is dropped."""


class Refused(PeerError):
    """The peer has answered with an error, and has no half of what we asked for: nothing is left to be told to it."""


class AuthError(PeerError):
    """The peer did not prove its identity (AUTHENTICATION_FAILED, RFC 7296 2.15)."""

    def __init__(self, text):
        super().__init__(text, 24)


class LocalError(Exception):
    """A call that the present state does not allow, or a local resource that is missing; the peer is not at fault."""


class ConfigError(LocalError):
    """An option is unknown or impossible; the text names the option, the value and the remedy."""


class CryptoError(LocalError):
    """An algorithm, key length or backend is not there, or a value is cryptographically unacceptable."""


class ConnectError(LocalError):
    """The tunnel did not come up, or did not stay so; `cause` is the event's short word, the text its cause and remedy."""

    def __init__(self, text, cause=""):
        super().__init__(text)
        self.cause = cause
