"""Authentication methods (RFC 7296 2.15), a module for each, of which a device loads the one that its configuration names.

Each gives an object for one IKE SA with

```
 begin_init(b)              append what IKE_SA_INIT needs, such as SIGNATURE_HASH_ALGORITHMS
 agree(m)                   look at the response to it; raises PeerError when we cannot authenticate with that; it may give the
                            class of an exchange that takes the place of IkeAuth
 write(sa, b, octets)       append our AUTH payload; `octets` are the parts of our signed octets
 verify(sa, m, id_r, octets)  check the peer's AUTH over its signed octets; raises AuthError, PeerError
```

Start reading at `load`.
"""

_psk: list = []  # the class, once it is loaded: an import statement costs 100,000 instructions on a board even then


def load(config):
    """The method that a configuration names.

    Raises ConfigError when a key of the configuration is none.
    """
    if config.auth == "psk" and not config.remote_auth:
        if not _psk:
            from ipsec.ike.auth.psk import Psk

            _psk.append(Psk)
        method = _psk[0](config.psk)
    elif config.auth == "eap":
        from ipsec.ike.auth.eap import load_eap

        return load_eap(config)
    elif config.auth == "cert" or config.remote_auth:
        from ipsec.ike.auth.cert import load_cert

        method = load_cert(config)
    else:
        from ipsec.ike.auth.key import load_key

        method = load_key(config)
    if config.ppk_id:
        from ipsec.ike.auth.ppk import Ppk

        return Ppk(config, method)
    return method
