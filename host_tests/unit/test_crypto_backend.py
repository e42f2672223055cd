"""The face: lengths, refusals, choice, known answers that a wrong backend does not pass."""

import sys

from crypto_support import BACKENDS, SUITES, octets
from ipsec.crypto import backend, selftest, suites
from ipsec.errors import CryptoError
from ipsec.micro import native
from support import raises


def test_sizes():
    for module in BACKENDS:
        assert module.sizes(12, 128, 12) == (16, 32, 16, 16, 16)
        assert module.sizes(12, 256, 13) == (32, 48, 16, 24, 16)
        assert module.sizes(12, 256, 14) == (32, 64, 16, 32, 16)
        assert module.sizes(14, 128, 0) == (19, 0, 8, 8, 4)
        assert module.sizes(16, 256, 0) == (35, 0, 8, 16, 4)
        assert module.sizes(20, 128, 0) == (20, 0, 8, 16, 4)
        assert module.sizes(28, 0, 0) == module.sizes(28, 256, 0) == (36, 0, 8, 16, 4)
        assert module.sizes(30, 128, 0) == (20, 0, 0, 16, 4)
        assert [module.prf_len(i) for i in (5, 6, 7)] == [32, 48, 64]
        assert [module.dh_len(i) for i in (31, 19, 14)] == [32, 64, 256]


def test_unknown_algorithms_are_named():
    for module in BACKENDS:
        raises(CryptoError, module.sizes, 99, 128, 0, text="99")
        raises(CryptoError, module.sizes, 16, 64, 0, text="64-bit")
        raises(CryptoError, module.sizes, 28, 128, 0, text="128-bit")
        raises(CryptoError, module.sizes, 16, 128, 12, text="12")
        raises(CryptoError, module.sizes, 12, 128, 0, text="integrity 0")
        raises(CryptoError, module.prf_len, 2, text="PRF 2")
        raises(CryptoError, module.prf, 4, b"k", b"d", text="PRF 4")
        raises(CryptoError, module.dh_len, 5, text="group 5")
        raises(CryptoError, module.new_dh, 5, octets, text="group 5")
        raises(CryptoError, module.new_sealer, 16, 0, bytes(18), b"", text="120-bit")
        raises(CryptoError, module.new_opener, 12, 12, bytes(16), bytes(20), text="160-bit")


def test_no_192_bit_keys_on_a_board():
    board = BACKENDS[-1]
    raises(CryptoError, board.sizes, 16, 192, 0, text="192-bit")
    raises(CryptoError, board.new_sealer, 20, 0, bytes(28), b"", text="192-bit")


def test_large_tables():
    """`large` is for AES-GCM on a board; elsewhere it changes nothing. Tables show known answers too before they are used."""
    for module in BACKENDS:
        for large in (False, True, None):
            selftest.run(module, 20, 0, large)
            sealer = module.new_sealer(20, 0, bytes(20), b"", large)
            table_len = len(getattr(sealer, "table", b""))  # none in the host backend; in plain Python the key alone
            usual = 256 if native and large is None else 8192 if large and not native else 2048
            assert table_len == usual or table_len == 16 or module.NAME == "host"
            module.new_sealer(16, 0, bytes(19), b"", large)
    tested = len(backend._tested)
    backend.prepare(20, 0, True)
    backend.prepare(20, 0, True)
    assert len(backend._tested) - tested <= 1 and (20, 0, True) in backend._tested


def test_use():
    name = backend.NAME
    try:
        assert backend.use("board") is BACKENDS[-1]
        assert backend.NAME == "board"
        assert "board" in backend.report()
        for encr, bits, integ in [suite[:3] for suite in SUITES]:
            encr_len, integ_len, iv_len, icv_len, _ = backend.sizes(encr, bits, integ)
            keys = octets(encr_len), octets(integ_len)
            buf = bytearray(8 + iv_len + 32 + icv_len)
            end = backend.new_sealer(encr, integ, *keys).seal(buf, 0, 8, 8 + iv_len + 32, None)
            assert backend.new_opener(encr, integ, *keys).open(buf, 0, 8, end, None) == end - icv_len
    finally:
        backend.use(name)
    raises(CryptoError, backend.use, "nil", text="nil")


def test_choice_is_host_on_cpython():
    expected = "host" if sys.implementation.name == "cpython" else "board"
    assert expected == backend.NAME
    assert len(backend.report().split("\n")) == 1


def test_wipe_ends_an_object():
    for module in BACKENDS:
        for encr, bits, integ in [suite[:3] for suite in SUITES]:
            encr_len, integ_len = module.sizes(encr, bits, integ)[:2]
            sealer = module.new_sealer(encr, integ, octets(encr_len), octets(integ_len))
            sealer.wipe()
            for value in [getattr(sealer, n) for n in ("state", "_salt", "_key", "table", "_words") if hasattr(sealer, n)]:
                assert value == bytes(len(value))


def test_wiped_key_pair_is_dead():
    for module in BACKENDS:
        for group in (31, 19):
            pair = module.new_dh(group, lambda n: bytes(range(1, n + 1)))
            pair.wipe()
            pair.wipe()
            raises(CryptoError, pair.shared, pair.public, text="wiped")


def test_self_test_passes():
    for module in BACKENDS:
        selftest.run(module)


class _Wrong:
    """A backend whose cipher or MAC is subtly wrong."""

    def __init__(self, module, spoil):
        self._module = module
        self._spoil = spoil
        self.sizes = module.sizes
        self.prf = module.prf

    def new_sealer(self, *args):
        return _WrongSealer(self._module.new_sealer(*args), self._spoil)

    def new_opener(self, *args):
        opener = self._module.new_opener(*args)
        return _Credulous(opener) if self._spoil == "open" else opener


class _WrongSealer:
    def __init__(self, sealer, spoil):
        self._sealer = sealer
        self._spoil = spoil

    def seal(self, buf, start, iv_pos, end, seq_hi):
        end = self._sealer.seal(buf, start, iv_pos, end, seq_hi)
        if self._spoil == "seal":
            buf[end - 1] ^= 1
        return end

    def wipe(self):
        pass


class _Credulous:
    def __init__(self, opener):
        self._opener = opener

    def open(self, buf, start, iv_pos, end, seq_hi):
        self._opener.open(buf, start, iv_pos, end, seq_hi)
        return end - 16

    def wipe(self):
        pass


def test_self_test_refuses_wrong_backends():
    for module in BACKENDS:
        for encr, integ in ((16, 0), (20, 0), (28, 0), (12, 12)):
            for spoil in ("seal", "open"):
                raises(CryptoError, selftest.run, _Wrong(module, spoil), encr, integ, text="encryption %d" % encr)


def test_self_test_refuses_a_wrong_prf():
    class Wrong:
        sizes, new_sealer, new_opener = BACKENDS[0].sizes, BACKENDS[0].new_sealer, BACKENDS[0].new_opener

        @staticmethod
        def prf(prf_id, key, *parts):
            digest = bytearray(BACKENDS[0].prf(prf_id, key, *parts))
            digest[-1] ^= 1
            return bytes(digest)

    raises(CryptoError, selftest.run, Wrong, text="PRF")


def test_suites_check_keys():
    suites.check_keys(16, 0, bytes(19), b"")
    raises(CryptoError, suites.check_keys, 16, 0, bytes(19), bytes(32))
