"""The crypto face: picks a backend once, and documents what each of them offers.

`host` (the `cryptography` package) where it can be imported, else `board` (cryptolib, hashlib and our viper kernels).
This module is itself a backend, so it can be given to whoever wants one; `use` chooses another. Each suite is tested with
known answers before its first use. Start reading at `new_sealer`.
"""

from ipsec.errors import CryptoError
from ipsec.micro import forget

_tested: list = []  # suites that passed the self-test, as (encr, integ, large)


def use(name: str):
    """Take the backend `"host"` or `"board"` from now on and return its module; ImportError when it cannot run here."""
    global _backend, _tested, NAME
    _backend, _tested = _load(name), []
    NAME = _backend.NAME
    return _backend


def report() -> str:
    """One line that says what was found."""
    return _backend.report()


def self_test(encr: int = 0, integ: int = 0, large: bool = False) -> None:
    """Known answers of one suite, or of every algorithm; raises CryptoError that names the one computed wrongly."""
    from ipsec.crypto import selftest

    try:
        selftest.run(_backend, encr, integ, large)
    finally:
        forget("ipsec.crypto.selftest")


def sizes(encr: int, key_bits: int, integ: int) -> tuple:
    """`(encr_key_len, integ_key_len, iv_len, icv_len, block)` in octets; `integ` is 0 with AEAD."""
    return _backend.sizes(encr, key_bits, integ)


def new_sealer(encr: int, integ: int, encr_key, integ_key, large: bool | None = False):
    """The keyed object of the sending direction: `seal(buf, start, iv_pos, end, seq_hi)`, `wipe()`.

    ```
     start            iv_pos        iv_pos+iv_len            end        end+icv_len
       |  header (AAD)  |  IV          |  plaintext/ciphertext |  ICV     |
    ```
    `seal` writes the IV, encrypts in place, writes the ICV behind `end`, returns `end + icv_len`. The AAD may have up to
    512 octets; `start` any alignment, though payloads at a multiple of 4 are fastest on a board. `seq_hi` is the high half of an
    extended sequence number, which joins the AAD (RFC 4303 2.2.1), or None. All arguments by position. `large` takes more memory
    for speed: 8 KB a key instead of 2 with AES-GCM on a board; None takes less, where messages are few: 256 octets with the
    kernel in C.
    """
    _test_once(encr, integ, large)
    return _backend.new_sealer(encr, integ, encr_key, integ_key, large)


def new_opener(encr: int, integ: int, encr_key, integ_key, large: bool | None = False):
    """The keyed object of the receiving direction: `open(buf, start, iv_pos, end, seq_hi)`, `wipe()`.

    Here `end` is behind the ICV. `open` verifies, decrypts in place and returns `end - icv_len`; or -1, and then
    the octets are what they were.
    """
    _test_once(encr, integ, large)
    return _backend.new_opener(encr, integ, encr_key, integ_key, large)


def prf_len(prf_id: int) -> int:
    """Octets of the PRF's output and of its preferred key."""
    return _backend.prf_len(prf_id)


def prf(prf_id: int, key, *parts) -> bytes:
    """HMAC over the concatenated parts (RFC 4868 2.1.2)."""
    return _backend.prf(prf_id, key, *parts)


def dh_len(group: int) -> int:
    """Octets of the KE payload's data."""
    return _backend.dh_len(group)


def new_dh(group: int, random):
    """An ephemeral key: `.public`, `.shared(peer_public)`, `.wipe()`; `random(n)` gives n octets."""
    return _backend.new_dh(group, random)


def installed() -> tuple:
    """What can be offered, the fastest first: `(modes, groups, integrity algorithms)`; nothing is loaded to find out."""
    return _backend.installed()


def prepare(encr: int, integ: int, large: bool = False) -> None:
    """Load a suite and let it show known answers, early, where there is still stack for it.

    Raises CryptoError that names what the backend lacks or computes wrongly.
    """
    _backend.load(encr, integ, large)
    _test_once(encr, integ, large)


def is_ready(suite, large: bool = False) -> bool:
    """Whether what a suite (an IkeSuite or EspSuite) needs is loaded and tested."""
    return (suite.encr, suite.integ, large) in _tested and _backend.is_loaded(suite)


def make_ready(suite, large: bool = False) -> None:
    """Load and test what a suite needs, where there is still stack for it.

    Raises CryptoError.
    """
    _backend.load_hashes(suite)
    prepare(suite.encr, suite.integ, large)


def unload() -> None:
    """Let go of the suites that were loaded, whose objects nobody holds any more: they were only measured."""
    global _tested
    if _backend.unload():
        _tested = []


def has_group(group: int) -> bool:
    """Whether a key exchange group is loaded."""
    return _backend.has_group(group)


def prepare_dh(group: int) -> None:
    """Load a key exchange group early."""
    _backend.load_dh(group)


def _test_once(encr: int, integ: int, large: bool | None) -> None:
    """The self-test of a suite before its first use."""
    large = bool(large)
    if (encr, integ, large) not in _tested:
        self_test(encr, integ, large)
        _tested.append((encr, integ, large))


def _load(name):
    if name == "host":
        from ipsec.crypto import host

        return host
    if name == "board":
        from ipsec.crypto import board

        return board
    raise CryptoError("no crypto backend %r; there are host and board" % name)


def _choose():
    try:
        return _load("host")
    except ImportError:
        return _load("board")


_backend = _choose()
NAME = _backend.NAME
