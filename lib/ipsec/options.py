"""Every option of a tunnel with its unit, range and default; unknown or impossible options are refused by name.

A configuration is one JSON object, checked completely when it is loaded, so that nothing can fail later for a typing mistake.
A board forgets all of this once it has a `Config`. Start reading at `_OPTIONS`.
"""

import binascii

from ipsec.address import format_address, is_address, is_host, parse_address, parse_range, plain_identity
from ipsec.errors import ConfigError
from ipsec.micro import forget

# name: (default, kind, lowest, highest); kinds: str, int, list (of str), texts (str or list), bool.
# Times are in the unit of the name's ending.
_OPTIONS = {
    # The gateway
    "gateway": ("", "texts"),  # host name or address; required. Or a list of them, the first that answers is taken (where.py)
    "port": (500, "int", 1, 65535),  # its UDP port of IKE_SA_INIT; where it stays silent, `natt_port` is tried for that, too
    "natt_port": (4500, "int", 1, 65535),  # its UDP port from IKE_AUTH on, and of ESP (RFC 3948); may be the same as `port`
    # "fallback": IKE and ESP in a TCP stream (RFC 9329) where UDP stays silent, "always": in nothing else; "": never
    "tcp": ("", "str"),
    "tcp_port": (4500, "int", 1, 65535),  # the gateway's TCP port for that
    "tcp_tls": (False, "bool"),  # the stream is inside TLS, as proxies want it, which protects nothing
    "local_port": (0, "int", 0, 65535),  # our UDP port; 0: any
    # Who we are and whom we expect (RFC 7296 3.5); the form tells the type, see ike/identity.py
    "local_id": ("", "str"),  # required
    "remote_id": ("", "texts"),  # default: `gateway`; "%any": whoever has the key. Or a list, one for each gateway of a list
    "auth": ("psk", "str"),  # "psk"; "key": raw public keys (RFC 7427); "cert": X.509 certificates
    "remote_auth": ("", "str"),  # the gateway's own method where it is another than ours
    "psk": ("", "str"),  # text, "hex:..." or "0x...", "base64:..." or "0s..."; 16 octets or more
    "psk_file": ("", "str"),  # or a file that holds it, beside the configuration
    "key_file": ("", "str"),  # with auth "key" and "cert": the file of our private key, Ed25519 or P-256, in PKCS #8
    "key": ("", "str"),  # or what it holds: PEM, or "0x..."
    "gateway_key": ("", "str"),  # and the gateway's public key: PEM, or "0s..." in base64, as strongSwan and libreswan print it
    "cert_file": ("", "str"),  # with auth "cert": the file of our certificate and those of its issuers, PEM
    "cert": ("", "str"),  # or what it holds
    "ca_file": ("", "str"),  # the file of up to 3 authorities' certificates that the gateway's may come from; or a `gateway_key`
    "ca": ("", "str"),  # or what it holds
    "clock": ("", "str"),  # "rtc": the system's clock is right, certificates are checked by it
    "provisioned": ("", "str"),  # else the day from which on it is certainly now, "2026-11-28"
    # Algorithms in order of preference, see suite_names.py; default: all that is installed
    "ike_proposals": ([], "list"),
    "esp_proposals": ([], "list"),
    # "fixed": the lists above are in the order of preference; "measured": the fastest of them first, see drive/rank.py.
    # Default: "fixed" if one of the lists is given, because whoever writes a list may rank by more than speed; else "measured"
    "suite_order": ("", "str"),
    # Addresses inside
    "virtual_ip": (["ipv4"], "list"),  # families to ask the gateway for (RFC 7296 2.19); []: none
    "inner_address": ("", "str"),  # our own address inside when none is asked for
    "remote_ts": (["0.0.0.0/0"], "list"),  # what we want to reach: prefixes (TSr), such as "10.0.0.0/8" or "10.0.0.0/8[tcp/8883]"
    "local_ts": ([], "list"),  # what is on our side (TSi), for gateways that want it exactly; default: our address alone
    # Networks that these cannot express get Child SAs of their own, 4 at the most: [{"remote_ts": ["10.30.0.0/16"]}]
    "more_ts": ([], "sets"),  # each with `local_ts` where the gateway wants it exactly, see more_options.py
    "mtu": (1360, "int", 280, 1500),  # longest inner packet, octets
    # Octets that each direction of a TCP connection may keep, and that received datagrams of a UDP socket may; 0: two packets.
    # One window is sent a round trip: 8192 octets at 50 ms make 160 KB a second
    "tcp_room": (0, "int", 0, 65535),
    "udp_room": (0, "int", 0, 65535),
    # Names in these domains are asked of the DNS servers inside, names without a dot with each of them behind; all others of the
    # system. "*": the domains that the gateway names (RFC 8598); default: all names are asked inside
    "dns_domains": ([], "list"),
    # Time
    # Wait for the first answer (RFC 7296 2.4); later ones follow the measured round trip
    "retransmit_ms": (1000, "int", 50, 60000),
    # A request is given up after the time that so many attempts take when waits double: 31 s by default, a liveness check at 3
    "retransmit_tries": (5, "int", 1, 20),
    # Liveness check after so much silence (RFC 7296 2.4), after a third of it when packets lack their answers; 0: off
    "dpd_s": (30, "int", 0, 86400),
    "natt_keepalive_s": (20, "int", 0, 3600),  # NAT keepalive (RFC 3948 4); 0: off
    # New keys before so long, so many octets, so many packets: of the IKE SA, and of the Child SA; 0: no such limit. Keep them
    # below the gateway's, so that the device, which knows when it is awake, is the one that asks
    "lifetime_s": (10800, "int", 10, 86400),
    "child_lifetime_s": (3600, "int", 10, 86400),
    "child_lifetime_kib": (0, "int", 0, 0x3FFFFFFF),
    "child_lifetime_packets": (0, "int", 0, 0x3FFFFFFF),
    "mobike": (True, "bool"),  # keep the tunnel when our address changes, if the gateway knows MOBIKE, too (RFC 4555)
    "reconnect": (True, "bool"),  # make the tunnel anew when it goes down
    "reconnect_ms": (1000, "int", 50, 3600000),  # first wait before that; doubles up to `reconnect_max_ms` (upkeep.py)
    "reconnect_max_ms": (60000, "int", 50, 3600000),
    "redirect": (True, "bool"),  # go where a gateway sends us, to one that shows the same identity (RFC 5685)
    # The first Child SA in an exchange of its own, with a key exchange, where the gateway can (RFC 6023)
    "childless": (False, "bool"),
    "fragmentation": (True, "bool"),  # IKE messages in pieces where the gateway knows them, too (RFC 7383)
    # Data path
    "replay_window": (64, "int", 32, 1024),  # packets; a power of two (RFC 4303 3.4.3)
    "gcm_table_kb": (2, "int", 2, 8),  # KiB for each direction of ESP with AES-GCM on a board: 2, or 8, which is a seventh faster
}
# What brings the checks of auth_options.py with a pre-shared key, too
_AUTH = ("remote_auth", "key", "gateway_key", "cert", "ca", "ppk_id", "ppk", "eap_identity", "nt_hash")
_OFFERS = {"ike_proposals": "ike_offer", "esp_proposals": "esp_offer"}
_MIN_PSK_LEN = 16
_MIN_ROOM = 256
# What keeps the longest request below 1280 octets, which every gateway takes (RFC 7296 2)
_MAX_ID_LEN = 128
_MAX_TEXT = 512
_LONG = ("psk", "key", "ppk", "gateway_key", "cert", "ca")  # they may be PEM, or are looked at where they are used
_MAX_SUITES = _MAX_PREFIXES = 8


def fill(c, options) -> None:
    """Give a `Config` all its attributes.

    Raises ConfigError.
    """
    for name in options:
        if name not in _OPTIONS:
            _learn(name)
    for name, spec in _OPTIONS.items():
        value = spec[0]
        if name in options:
            value = options[name]
            _check_kind(name, value, spec)
        setattr(c, _OFFERS.get(name, name), value)
    c.listed = [name for name in _OFFERS if name in options]
    if not c.suite_order:
        c.suite_order = "fixed" if c.listed else "measured"
    _check(c)


def read(path: str) -> dict:
    """The options in a configuration file (JSON); `psk_file` and others are looked for beside it.

    Raises ConfigError.
    """
    import json

    if path is None or isinstance(path, dict):
        raise ConfigError("a configuration is the path of a file, or a Config: for options give Config(**options)")
    try:
        with open(path) as f:
            options = json.load(f)
    except OSError as e:
        raise ConfigError("configuration file %r cannot be read (%s): give its path, or provision the device" % (path, e))
    except (ValueError, RuntimeError) as e:  # the latter for lists in lists that are too deep
        raise ConfigError("configuration file %r is not JSON (%s): mend it, or provision the device anew" % (path, e))
    if not isinstance(options, dict):
        raise ConfigError("configuration file %r must hold one JSON object {...}" % path)
    if options.get("psk_file") and isinstance(options["psk_file"], str):
        options["psk"] = _read_secret(path, options.pop("psk_file"))
    if any(name.endswith("_file") for name in options):
        _auth_options().read_files(path, options)
    return options


def _learn(name):
    """Options that few devices have are known where they are checked."""
    try:
        from ipsec.auth_options import OPTIONS
    except ImportError:
        OPTIONS = {}
    _OPTIONS.update(OPTIONS)  # type: ignore[arg-type]
    if name not in _OPTIONS:
        from ipsec.option_texts import refuse_unknown

        refuse_unknown(name, _OPTIONS)


def _way_options():
    try:
        from ipsec import way_options
    except ImportError:
        raise ConfigError("option gateway: lists are not installed; install for this configuration, or name one gateway")
    return way_options


def _check_more(c, families):
    try:
        from ipsec.more_options import check
    except ImportError:
        raise ConfigError("option more_ts: more Child SAs are not installed; install for this configuration")
    check(c, _parse_selector, families)
    forget("ipsec.more_options")


def _auth_options():
    try:
        from ipsec import auth_options
    except ImportError:
        raise ConfigError("option auth: only 'psk' is installed; install for this configuration")
    return auth_options


def _check_dates(c):
    """Of certificates, where there are none; a device that cannot have any does not know them."""
    try:
        from ipsec.auth_options import check_dates
    except ImportError:
        return
    check_dates(c)
    forget("ipsec.auth_options")


def decode_psk(text: str) -> bytes:
    """The octets of a `psk` option: `hex:` here, the other forms in `key_forms.py`.

    Raises ConfigError, whose text does not hold the secret.
    """
    if text.startswith("hex:") and len(text) > 4:
        try:
            return binascii.unhexlify(text[4:])
        except ValueError:
            pass  # what is wrong is told there
    from ipsec.key_forms import decode_key

    key = decode_key(text)
    forget("ipsec.key_forms")
    return key


def _parse_selector(text) -> tuple:
    if "[" in text:
        from ipsec.forms import parse_selector

        return parse_selector(text)
    return (0, 0, 65535) + parse_range(text)


def _read_secret(config_path, name) -> str:
    folder = config_path.rsplit("/", 1)[0] + "/" if "/" in config_path else ""
    path = name if name.startswith("/") else folder + name
    try:
        with open(path, "rb") as f:
            octets = f.read()
    except (OSError, ValueError) as e:  # the latter for a path that no file can have
        raise ConfigError("option psk_file: %r cannot be read (%s): give its path, or provision the device" % (path, e))
    if octets.startswith(b"hex:") and not octets[4:].strip().strip(b"0123456789abcdefABCDEF"):
        return octets.strip().decode()
    from ipsec.key_forms import read_key

    key = read_key(octets, path)
    forget("ipsec.key_forms")
    return key


def _is_plain(name, text) -> bool:
    """Whether a text is one that can be sent and shown; keys are looked at where they are used."""
    if any(0xD800 <= ord(c) <= 0xDFFF for c in text):
        return False
    return name in _LONG or len(text) <= _MAX_TEXT and not any(ord(c) < 32 for c in text)


def _check_kind(name, value, spec):
    kind = spec[1]
    if kind == "int":
        is_good = isinstance(value, int) and not isinstance(value, bool) and spec[2] <= value <= spec[3]
    elif kind == "bool":
        is_good = isinstance(value, bool)
    elif kind == "list" or kind == "texts" and not isinstance(value, str):
        is_good = isinstance(value, (list, tuple)) and all(isinstance(v, str) and _is_plain(name, v) for v in value)
    else:
        is_good = isinstance(value, str) and _is_plain(name, value) and (name in _LONG or value == value.strip())
    if not is_good and kind != "sets":  # more_options.py looks at those
        from ipsec.option_texts import refuse

        refuse(name, value, spec, _MAX_TEXT)


def _check(c):
    c.gateways, c.remote_ids = [], []
    if not isinstance(c.gateway, str) or not isinstance(c.remote_id, str):
        _way_options().check_lists(c)
        forget("ipsec.way_options")
    if c.tcp not in ("", "fallback", "always"):
        raise ConfigError("option tcp: %r is neither 'fallback' nor 'always'; leave it out for UDP alone" % c.tcp)
    for name in ("gateway", "local_id"):
        if not getattr(c, name):
            raise ConfigError("option %s is required" % name)
    for host in c.gateways or [c.gateway]:
        _check_gateway(host)
    if not c.remote_id:
        c.remote_id = c.gateway
    _check_ids(c)
    if c.auth != "psk" or any(getattr(c, name) for name in _AUTH):
        _auth_options().check(c)
        forget("ipsec.auth_options")
    elif c.clock or c.provisioned or c.certreq:
        _check_dates(c)
    if "psk" in (c.auth, c.remote_auth):
        _check_psk(c)
    _check_suites(c)
    _check_inside(c)
    if 0 < c.tcp_room < _MIN_ROOM or 0 < c.udp_room < _MIN_ROOM:
        name = "tcp_room" if 0 < c.tcp_room < _MIN_ROOM else "udp_room"
        raise ConfigError("option %s: %d octets are too few: %d at least, or 0" % (name, getattr(c, name), _MIN_ROOM))
    if c.replay_window & (c.replay_window - 1):
        raise ConfigError("option replay_window: %d is not a power of two" % c.replay_window)
    if c.gcm_table_kb not in (2, 8):
        raise ConfigError("option gcm_table_kb: %d is neither 2 nor 8" % c.gcm_table_kb)
    c.large_tables = c.gcm_table_kb == 8


def _check_gateway(host):
    """One host and nothing else; loopback is where tests have their gateways."""
    if is_address(host):
        is_good = host.startswith("127.") or host == "::1" or is_host(parse_address(host))
    else:
        labels = host.split(".")
        is_good = plain_identity(host) == 2 and len(host) < 254 and bool(labels[-1].strip("0123456789"))
        is_good = is_good and all(0 < len(label) < 64 and label[0] != "-" for label in labels)
    if not is_good:
        from ipsec.option_texts import refuse_gateway

        refuse_gateway(host)


def _check_ids(c):
    for name, text in [("local_id", c.local_id)] + [("remote_id", text) for text in c.remote_ids or [c.remote_id]]:
        if len(text.encode()) > _MAX_ID_LEN:
            raise ConfigError("option %s: longer than %d octets; take a shorter identity" % (name, _MAX_ID_LEN))
        if not plain_identity(text) and not is_address(text):
            from ipsec.forms import encode_identity

            try:
                encode_identity(text)
            except ConfigError as e:
                raise ConfigError("option %s: %s" % (name, e))
    if c.local_id == "%any":
        raise ConfigError("option local_id: '%any' is for remote_id; name this device")
    if c.remote_id == "%any":
        text = "option remote_id is '%any': whoever has the key may be the gateway; with a group key each other device could, too"
        c.warnings.append(text)


def _check_psk(c):
    c.psk = decode_psk(c.psk)
    if not c.psk:
        raise ConfigError("option psk is required with auth 'psk': 32 random octets are best ('hex:...')")
    if len(c.psk) < _MIN_PSK_LEN:
        c.warnings.append(
            "option psk has %d octets, fewer than %d: whoever fakes one handshake can guess it offline; use 32 random octets"
            % (len(c.psk), _MIN_PSK_LEN)
        )


def _check_suites(c):
    if c.suite_order not in ("fixed", "measured"):
        raise ConfigError("option suite_order: %r is neither 'fixed' nor 'measured'" % c.suite_order)
    for name, attribute in _OFFERS.items():
        if not c.is_listed(name):
            continue
        from ipsec import suite_names

        texts = getattr(c, attribute)
        if not texts:
            raise ConfigError("option %s: the list is empty; name at least one suite, or leave the option out for all" % name)
        parse = suite_names.parse_ike_proposal if name == "ike_proposals" else suite_names.parse_esp_proposal
        try:
            offer = suite_names.parse_offer(texts, parse)
        except ConfigError as e:
            raise ConfigError("option %s: %s" % (name, e))
        if len(offer) > _MAX_SUITES:
            raise ConfigError("option %s: %d suites; name the best %d" % (name, len(offer), _MAX_SUITES))
        setattr(c, attribute, offer)
    forget("ipsec.suite_names")


def _check_domains(domains):
    if len(domains) > _MAX_PREFIXES:
        raise ConfigError("option dns_domains: %d domains; name %d at the most" % (len(domains), _MAX_PREFIXES))
    for domain in domains:
        if domain != "*" and (not domain or domain.strip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")):
            raise ConfigError("option dns_domains: %r is no domain, such as 'inside.example', nor '*'" % domain)


def _check_inside(c):
    for family in c.virtual_ip:
        if family not in ("ipv4", "ipv6") or c.virtual_ip.count(family) > 1:
            raise ConfigError("option virtual_ip: %r is neither 'ipv4' nor 'ipv6', each once" % family)
    if c.dns_domains:
        _check_domains(c.dns_domains)
    if not c.remote_ts:
        raise ConfigError("option remote_ts: the list is empty; name what is to be reached, such as '10.10.0.0/24'")
    families = c.virtual_ip + ["ipv6" if ":" in c.inner_address else "ipv4"] * bool(c.inner_address)
    for name in ("remote_ts", "local_ts"):
        texts = getattr(c, name)
        if len(texts) > _MAX_PREFIXES:
            raise ConfigError("option %s: %d prefixes; join them to %d at the most" % (name, len(texts), _MAX_PREFIXES))
        try:
            setattr(c, name, [_parse_selector(t) for t in texts])
        except ValueError as e:
            raise ConfigError("option %s: %s" % (name, e))
        for text in texts if families else ():
            if ("ipv6" if ":" in text else "ipv4") not in families:
                raise ConfigError("option %s: %r: we have no such address: take it out, or add it to virtual_ip" % (name, text))
    if c.more_ts != []:
        _check_more(c, families)
    if c.inner_address:
        try:
            c.inner_address = parse_address(c.inner_address)
        except ValueError as e:
            raise ConfigError("option inner_address: %s" % e)
        if not is_host(c.inner_address):
            raise ConfigError("option inner_address: %s is no host's; name ours inside" % format_address(c.inner_address))
        n = len(c.inner_address)
        if c.local_ts and not any(s[3] <= c.inner_address <= s[4] for s in c.local_ts if len(s[3]) == n):
            raise ConfigError("option inner_address: it lies outside of local_ts; packets would have no way")
    elif not c.virtual_ip:
        raise ConfigError("option virtual_ip is empty, so inner_address must name our address inside")
