"""The crypto face on a board: AES from cryptolib, SHA-256 from hashlib, all else in kernels (`micro.py`).

Each algorithm sits in a module of its own, imported when it is first used, so a device pays for what it configures. What was
imported is kept by name, because on a board each import statement that runs costs 20,000 instructions even then.
Start reading at `new_sealer`.
"""

import os
import sys

from ipsec.crypto import hmac, suites
from ipsec.errors import CryptoError
from ipsec.micro import NO_KERNEL, native

NAME = "board"
prf_len = suites.prf_len
dh_len = suites.dh_len
_FEATURES: tuple = ("modes/ccm", "modes/gcm", "modes/chapoly", "modes/cbc", "sha512", "groups/x25519", "groups/p256")
_FEATURES += ("groups/p384", "groups/modp", "groups/modp_large")
_MODES = (("ccm", "ccm"), ("gcm", "gcm"), ("chacha", "chapoly"), ("cbc", "cbc"))
# by speed
_GROUPS = ((31, "x25519"), (19, "p256"), (20, "p384"), (14, "modp"), (15, "modp_large"), (16, "modp_large"))
_resident = [name for name in sys.modules if name.startswith("ipsec.crypto.")]  # before anything is loaded for a suite
_loaded: dict = {}  # modules by the name of their mode, classes by group


def report() -> str:
    """One line that says what was found."""
    try:
        if native:
            kind = "C kernels"
        else:
            import ipsec.crypto.kernels.octets  # noqa: F401

            kind = "viper kernels"
    except NO_KERNEL:
        kind = "plain Python kernels (slow: no viper here)"
    return "crypto: board, cryptolib on %s, %s" % (sys.platform, kind)


def sizes(encr: int, key_bits: int, integ: int) -> tuple:
    """`(encr_key_len, integ_key_len, iv_len, icv_len, block)` in octets; cryptolib has no 192-bit AES."""
    if key_bits == 192:
        raise CryptoError("encryption %d has no 192-bit key on a board: take 128 or 256 bits" % encr)
    return suites.sizes(encr, key_bits, integ)


def prf(prf_id: int, key, *parts) -> bytes:
    """HMAC over the concatenated parts."""
    return hmac.digest(suites.prf_len(prf_id), key, parts)


def new_sealer(encr: int, integ: int, encr_key, integ_key, large: bool | None = False):
    """The keyed object of the sending direction."""
    module = _module(encr, integ, encr_key, integ_key, large)
    if integ:
        return module.Sealer(integ, encr_key, integ_key)
    return module.Sealer(encr, encr_key, large)


def new_opener(encr: int, integ: int, encr_key, integ_key, large: bool | None = False):
    """The keyed object of the receiving direction."""
    module = _module(encr, integ, encr_key, integ_key, large)
    if integ:
        return module.Opener(integ, encr_key, integ_key)
    return module.Opener(encr, encr_key, large)


def new_dh(group: int, random):
    """An ephemeral key of a group."""
    return load_dh(group)(random)


def installed() -> tuple:
    """Names of modes, groups, integrity algorithms; nothing is loaded to find out.

    A feature is there if its file is. Who joins files, or freezes a part of them into firmware, says what is there in a module
    `ipsec.crypto.present`, whose `NAMES` has the names of the files below; without one, frozen means all.
    """
    try:
        from ipsec.crypto.present import NAMES  # type: ignore[import-not-found]

        found = NAMES
    except ImportError:
        found = [name for name in _FEATURES if _is_file(name)] if _is_file("board") else _FEATURES
    modes = [mode for mode, name in _MODES if "modes/" + name in found]
    groups = [number for number, name in _GROUPS if "groups/" + name in found]
    return modes, groups, (12, 13, 14) if "sha512" in found else (12,)


def is_loaded(suite) -> bool:
    """Whether the hash of a suite's PRF is loaded; `backend` knows of the ciphers it has tested."""
    return hmac.is_loaded(_hash_len(suite))


def has_group(group: int) -> bool:
    """Whether a group is loaded."""
    return group in _loaded


def load_hashes(suite) -> None:
    """Load the hash of a suite's PRF or integrity algorithm."""
    hmac.load(_hash_len(suite))


def _hash_len(suite) -> int:
    """Octets of the longest digest that a suite needs: SHA-384 and SHA-512 are one module."""
    prf = getattr(suite, "prf", 0)
    return max(suites.prf_len(prf) if prf else 32, suites.integ_sizes(suite.integ)[0] if suite.integ else 32)


def unload() -> bool:
    """Let go of the modes and their kernels; where memory for code is never given back, as on ESP32, they stay.

    Returns whether something went.
    """
    if sys.platform == "esp32":
        return False
    import gc

    for name in list(sys.modules):
        if name.startswith("ipsec.crypto.") and name not in _resident and not name.startswith("ipsec.crypto.groups"):
            module = sys.modules.pop(name)
            package, _, last = name.rpartition(".")
            if getattr(sys.modules.get(package), last, None) is module:
                delattr(sys.modules[package], last)
    _loaded.clear()
    gc.collect()
    return True


def _is_file(name: str) -> bool:
    for folder in sys.path:
        path = "%s/ipsec/crypto/%s" % (folder or ".", name)
        for suffix in (".mpy", ".py"):
            try:
                os.stat(path + suffix)
                return True
            except OSError:
                pass
    return False


def load(encr: int, integ: int, large: bool = False):
    """The module of a suite, imported at the first call."""
    name = suites.mode(encr)[0]
    if large and name == "gcm":
        name = "gcm8k"
    if name not in _loaded:
        _loaded[name] = _import_mode(name)
    return _loaded[name]


def load_dh(group: int):
    """The class of a group, imported at the first call."""
    if group not in _loaded:
        _loaded[group] = _import_group(group)
    return _loaded[group]


def _import_mode(name: str):
    """Import a mode bottom up, because nested imports take much of a board's stack; returns its module."""
    import ipsec.crypto.scratch  # noqa: F401

    if name == "cbc":
        from ipsec.crypto.modes import cbc

        return cbc
    import ipsec.crypto.modes.aead  # noqa: F401

    if name == "ccm":
        from ipsec.crypto.modes import ccm

        return ccm
    if name in ("gcm", "gcm8k"):
        from ipsec.crypto.modes import gcm

        if name == "gcm8k":
            from ipsec.crypto.modes import gcm8k

            return gcm8k
        return gcm
    from ipsec.crypto.modes import chapoly

    return chapoly


def _import_group(group: int):
    """Import what a group needs; returns its class."""
    suites.dh_len(group)
    if group == 21:
        raise CryptoError("group 21 (ecp521) is not on boards: take ecp384, ecp256 or x25519")
    if group == 31:
        from ipsec.crypto.groups.x25519 import X25519

        return X25519
    if group == 19:
        from ipsec.crypto.groups.p256 import P256

        return P256
    if group == 20:
        from ipsec.crypto.groups.p384 import P384

        return P384
    from ipsec.crypto.groups.modp import Modp2048

    if group == 14:
        return Modp2048
    from ipsec.crypto.groups import modp_large

    return modp_large.Modp3072 if group == 15 else modp_large.Modp4096


def _module(encr: int, integ: int, encr_key, integ_key, large: bool | None):
    """The module of a suite, after a look at the keys."""
    if suites.check_keys(encr, integ, encr_key, integ_key) == 192:
        sizes(encr, 192, integ)  # refuses it
    return load(encr, integ, large)
