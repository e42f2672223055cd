"""The order of the proposals by a short benchmark of this machine (`suite_order`: "measured").

Every cipher of the configuration seals and opens a packet, which takes some milliseconds at the first start. The figures are
kept beside the configuration: `ipsec.order.json` belongs to `ipsec.json`. They are taken anew when the suites, the library's
version or the backend's report have changed, or when the file is damaged; a file system that cannot be written is no error.

Rules: a suite passes another one only if it is faster by a tenth, so that chance does not change the order of equals; IKE suites
change places only with suites of the same PRF and key exchange, which cost a thousand times what the cipher does.
Start reading at `order`.
"""

import json

from ipsec import suite

_LEN = 576  # octets of the measured packet
_ROUNDS = 2  # the first may be slow: caches, flash


def order(config, crypto, elapsed_us, path: str = "", log=None) -> None:
    """Sort `config.esp_proposals` and `config.ike_proposals`, the fastest first.

    `elapsed_us(call)` calls and returns the microseconds that took; `path` is the configuration file, empty for none;
    `log(level, text)` is a hook or None. Raises CryptoError.
    """
    ciphers = _ciphers(config)
    if not ciphers:
        return
    large = config.large_tables
    label = "%s, %s, %s" % (__import__("ipsec").__version__, crypto.report(), ciphers) + (", large tables" if large else "")
    figures = _load(path, label, len(ciphers)) if path else None
    source = "remembered" if figures else "measured"
    if not figures:
        figures = [measure(crypto, cipher, elapsed_us, large) for cipher in ciphers]
        if path:
            _save(path, label, figures)
    cost = {cipher: us for cipher, us in zip(ciphers, figures)}  # noqa: B905, C416 (MicroPython)
    config.esp_proposals = _sorted(config.esp_proposals, cost)
    config.ike_proposals = _sorted(config.ike_proposals, cost)
    if log:
        log(1, _line(source, config.esp_proposals, cost))


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
    esp = {p[:3] for p in config.esp_proposals}
    ike = {p[:3] for p in config.ike_proposals}
    return sorted(esp | ike) if len(esp) > 1 or len(ike) > 1 else []


def _sorted(proposals, cost) -> list:
    """Each proposal moves in front of those of its group that are slower by a tenth."""
    out: list = []
    for p in proposals:
        at = len(out)
        while at and out[at - 1][4:] == p[4:] and 10 * cost[p[:3]] < 9 * cost[out[at - 1][:3]]:
            at -= 1
        out.insert(at, p)
    return out


def _line(source, proposals, cost) -> str:
    parts = []
    for p in proposals:
        parts.append("%s %d us" % (suite.cipher_name(*p[:3]), cost[p[:3]]))
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
