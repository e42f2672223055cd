"""What is wrong with the value of an option, in words; loaded only when something is.

Rules: a secret is not shown, and of anything else no more than a line. Start reading at `refuse`.
"""

from ipsec.errors import ConfigError

_SECRETS = ("psk", "key", "ppk", "nt_hash")


def shown(name, value) -> str:
    """A value for a text, also one that Python has no text for: a number of 4301 digits, a list in lists in lists."""
    if name in _SECRETS or name[:-5] in _SECRETS:
        return "the value"
    try:
        text = repr(value)
    except (ValueError, RuntimeError):
        return "the value"
    return text if len(text) < 100 else text[:90] + "..."


def refuse(name, value, spec, longest) -> None:
    """Raises ConfigError, which says why a value is not of its option's kind; a text is no longer than `longest`."""
    kind = spec[1]
    if kind == "int":
        _raise(name, value, "is not a whole number from %d to %d" % spec[2:])
    if kind == "bool":
        _raise(name, value, "is neither true nor false")
    if kind == "list" or kind == "texts" and not isinstance(value, str):
        if not isinstance(value, (list, tuple)) or not all(isinstance(v, str) for v in value):
            _raise(name, value, "is not a list of texts")
    elif not isinstance(value, str):
        _raise(name, value, "is not a text")
    for text in (value,) if isinstance(value, str) else value:
        # CPython cannot encode it, MicroPython makes octets of it that are no text
        if any(0xD800 <= ord(c) <= 0xDFFF for c in text):
            raise ConfigError("option %s: it holds half of a surrogate pair (\\ud8..), which is no character: correct it" % name)
    what = "begins or ends with a blank, holds a control character, or is longer than %d: correct it"
    _raise(name, value, what % longest)


def refuse_gateway(host) -> None:
    """Raises ConfigError for what is no host."""
    what = "is no host name or host's address: give it alone, such as 'vpn.example.net'"
    _raise("gateway", host, what)


def refuse_unknown(name, known) -> None:
    """Raises ConfigError for an option that there is not."""
    for other in known:
        if other.replace("_", "") == name.lower().replace("_", "").replace("-", ""):
            raise ConfigError("unknown option %r; did you mean %r?" % (name, other))
    raise ConfigError("unknown option %s; known are %s" % (shown("", name), ", ".join(sorted(known))))


def _raise(name, value, what):
    raise ConfigError("option %s: %s %s" % (name, shown(name, value), what))
