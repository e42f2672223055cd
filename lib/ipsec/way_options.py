"""Checks of the options that say by which ways the gateways are reached; loaded only where there is more than one.

Start reading at `check_lists`.
"""

from ipsec.errors import ConfigError

_MOST = 8  # a round through all must not take too long


def check_lists(c) -> None:
    """Lists of gateways and of their identities; the first ones become `gateway` and `remote_id`.

    Raises ConfigError.
    """
    c.gateways = _check_list("gateway", c.gateway)
    ids = c.remote_id
    if isinstance(ids, str):
        c.remote_ids = [] if ids else c.gateways
    else:
        c.remote_ids = _check_list("remote_id", ids)
        if len(ids) != len(c.gateways):
            text = "option remote_id: %d identities for %d gateways: name one for each, or one text for all"
            raise ConfigError(text % (len(ids), len(c.gateways)))
        c.remote_id = ids[0]
    if ids and "%any" in c.remote_ids:
        raise ConfigError("option remote_id: '%any' stands in a list: give it alone, as a text, or name each gateway")
    c.gateway = c.gateways[0]
    if c.remote_ids:
        c.remote_id = c.remote_ids[0]


def _check_list(name, value) -> list:
    hosts = [value] if isinstance(value, str) else list(value)
    if not hosts or "" in hosts:
        raise ConfigError("option %s: %r names nobody in one place: list names, such as ['a.example']" % (name, value))
    if len(hosts) > _MOST:
        raise ConfigError("option %s: a list of %d; name the best %d" % (name, len(hosts), _MOST))
    if name == "gateway" and any(hosts.count(host) > 1 for host in hosts):
        raise ConfigError("option gateway: %r has one of them twice; name each once" % (value,))
    return hosts
