"""Checks of the option `more_ts`, the selectors of further Child SAs; loaded only where a configuration has it.

Start reading at `check`.
"""

from ipsec.errors import ConfigError

_MOST = 4  # each takes a kilobyte and a half of a board's heap
_MAX_PREFIXES = 8
_LONGEST = 80
_EXAMPLE = "such as [{'remote_ts': ['10.30.0.0/16']}]"


def check(c, parse, families) -> None:
    """Sets of texts become pairs of lists of selectors, ours (empty for that of the first Child SA) and the gateway's.

    `parse` makes a selector of a text, `families` are those that we have addresses of. Raises ConfigError.
    """
    sets = c.more_ts
    if not isinstance(sets, (list, tuple)) or not all(isinstance(s, dict) for s in sets):
        raise ConfigError("option more_ts: %s is not a list of sets, %s" % (_shown(sets), _EXAMPLE))
    if len(sets) > _MOST:
        raise ConfigError("option more_ts: %d sets; name %d at the most, as each is a Child SA" % (len(sets), _MOST))
    c.more_ts = [_one(c, "option more_ts, set %d" % (i + 1), sets[i], parse, families) for i in range(len(sets))]


def _one(c, where, given, parse, families) -> tuple:
    for name in given:
        if name not in ("local_ts", "remote_ts"):
            raise ConfigError("%s: unknown %s; known are 'remote_ts' and 'local_ts'" % (where, _shown(name)))
    theirs = _selectors(where, "remote_ts", given.get("remote_ts", ()), parse, families)
    ours = _selectors(where, "local_ts", given.get("local_ts", ()), parse, families)
    if not theirs:
        raise ConfigError("%s: remote_ts is missing or empty; name what is to be reached, %s" % (where, _EXAMPLE))
    if not ours and all(any(_inside(s, other) for other in c.remote_ts) for s in theirs):
        raise ConfigError("%s: all of it lies inside of the option remote_ts: take it out, or narrow that" % where)
    return ours, theirs


def _selectors(where, name, texts, parse, families) -> list:
    if not isinstance(texts, (list, tuple)) or not all(isinstance(t, str) for t in texts):
        raise ConfigError("%s: %s = %s is not a list of texts" % (where, name, _shown(texts)))
    if len(texts) > _MAX_PREFIXES:
        raise ConfigError("%s: %d prefixes in %s; join them to %d at the most" % (where, len(texts), name, _MAX_PREFIXES))
    for text in texts:
        if len(text) > _LONGEST or any(not 32 <= ord(c) < 127 for c in text):
            raise ConfigError("%s: %s: %s is no prefix" % (where, name, _shown(text)))
        if families and ("ipv6" if ":" in text else "ipv4") not in families:
            raise ConfigError("%s: %s: %r: we have no such address: take it out, or add it to virtual_ip" % (where, name, text))
    try:
        return [parse(t) for t in texts]
    except ValueError as e:
        raise ConfigError("%s: %s: %s" % (where, name, e))


def _shown(value) -> str:
    from ipsec.option_texts import shown

    return shown("more_ts", value)


def _inside(a, b) -> bool:
    return (
        len(a[3]) == len(b[3])
        and (b[0] == 0 or a[0] == b[0])
        and b[1] <= a[1]
        and a[2] <= b[2]
        and b[3] <= a[3]
        and a[4] <= b[4]
    )
