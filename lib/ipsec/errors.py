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
