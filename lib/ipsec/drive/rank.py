"""The order of the proposals by a short benchmark of this machine (`suite_order`: "measured").

Every cipher that is offered seals and opens a packet, which takes some milliseconds at the first start; each is loaded for that
alone, and goes again. The figures are kept beside the configuration: `ipsec.order.json` belongs to `ipsec.json`. They are taken
again when the suites, the library's version or the backend's report have changed, or when the file is damaged; a file system that
cannot be written is no error.

Rules: a cipher passes another one only if it is faster by a tenth, so that chance does not change the order of equals; IKE
proposals change places only with those of the same PRF and key exchange, which cost a thousand times what the cipher does; a
cipher with a MAC is measured with the first one of its proposal.
Start reading at `order`.
"""

import json

from ipsec import suite

_LEN = 576  # octets of the measured packet
_ROUNDS = 2  # the first may be slow: caches, flash


def order(config, crypto, elapsed_us, path: str = "", log=None) -> None:
    """Sort the offers of the configuration, the fastest first.

    `elapsed_us(call)` calls and returns the microseconds that took; `path` is the configuration file, empty for none;
    `log(level, text)` is a hook or None. Raises CryptoError.
    """
    from ipsec.offer import fill

    fill(config, crypto)
    ciphers = _ciphers(config)
    if not ciphers:
        return
    large = config.large_tables
    from ipsec import __version__

    label = "%s, %s, %s" % (__version__, crypto.report(), ciphers) + (", large tables" if large else "")
    figures = _load(path, label, len(ciphers)) if path else None
    source = "remembered" if figures else "measured"
    if not figures:
        figures = []
        for cipher in ciphers:
            figures.append(measure(crypto, cipher, elapsed_us, large))
            if hasattr(crypto, "unload"):
                crypto.unload()
        if path:
            _save(path, label, figures)
    cost = {cipher: us for cipher, us in zip(ciphers, figures)}  # noqa: B905, C416 (MicroPython)
    config.esp_offer = _sorted(config.esp_offer, cost)
    config.ike_offer = _sorted(config.ike_offer, cost)
    if log:
        log(1, _line(source, config.esp_offer, cost))


def measure(crypto, cipher: tuple, elapsed_us, large: bool = False) -> int:
    """Microseconds to seal and to open one packet; `cipher` is `(encr, key_bits, integ)`."""
    encr, key_bits, integ = cipher
    encr_len, integ_len, iv_len, icv_len, _ = crypto.sizes(encr, key_bits, integ)
    sealer = crypto.new_sealer(encr, integ, bytes(encr_len), bytes(integ_len), large)
    opener = crypto.new_opener(encr, integ, bytes(encr_len), bytes(integ_len), large)
    end = 8 + iv_len + _LEN
    buf = bytearray(end + icv_len)
    times = []
    for _ in range(_ROUNDS):
        sealing = elapsed_us(lambda: sealer.seal(buf, 0, 8, end, None))
        times.append(sealing + elapsed_us(lambda: opener.open(buf, 0, 8, end + icv_len, None)))
    sealer.wipe()
    opener.wipe()
    return max(1, min(times))


def cache_path(path: str) -> str:
    """Where the figures for a configuration file are kept: `ipsec.order.json` for `ipsec.json`."""
    return (path[:-5] if path.endswith(".json") else path) + ".order.json"


def _ciphers(config) -> list:
    """The ciphers to compare, none if no list has two."""
    esp = {cipher for p in config.esp_offer for cipher in _of(p)}
    ike = {cipher for p in config.ike_offer for cipher in _of(p)}
    return sorted(esp | ike) if len(esp) > 1 or len(ike) > 1 else []


def _of(p) -> list:
    """What is measured for a proposal: its ciphers as `(encr, key_bits, integ)`."""
    integ = p.integs[0] if p.integs else 0
    return [(encr, key_bits, integ) for encr, key_bits in p.ciphers]


def _sorted(offer, cost) -> list:
    """The offer with the fastest first: ciphers within a proposal, and proposals by their fastest one."""
    out: list = []
    for p in offer:
        ciphers = [c[:2] for c in _by_speed(_of(p), lambda c: cost[c], lambda c: 0)]
        out.append(suite.Proposal(ciphers, p.integs, p.prfs, p.kes, p.esns))
    return _by_speed(out, lambda p: cost[_of(p)[0]], lambda p: p[2:])


def _by_speed(items, us, kind) -> list:
    """Each item moves in front of those of its kind that are slower by a tenth."""
    out: list = []
    for item in items:
        at = len(out)
        while at and kind(out[at - 1]) == kind(item) and 10 * us(item) < 9 * us(out[at - 1]):
            at -= 1
        out.insert(at, item)
    return out


def _line(source, offer, cost) -> str:
    from ipsec.suite_names import cipher_name

    parts = []
    for p in offer:
        for cipher in _of(p):
            parts.append("%s %d us" % (cipher_name(*cipher), cost[cipher]))
    return "suites by speed (%s, %d octets): %s" % (source, _LEN, ", ".join(parts))


def _load(path, label, count):
    """The remembered figures, or None when they are missing, damaged or of something else."""
    try:
        with open(cache_path(path)) as f:
            kept = json.load(f)
    except (OSError, ValueError):
        return None
    if not isinstance(kept, dict) or kept.get("of") != label:
        return None
    figures = kept.get("us")
    if not isinstance(figures, list) or len(figures) != count:
        return None
    return figures if all(isinstance(us, int) and us > 0 for us in figures) else None


def _save(path, label, figures):
    try:
        with open(cache_path(path), "w") as f:
            json.dump({"of": label, "us": figures}, f)
    except OSError:
        pass  # a read-only file system: it is measured at every start
