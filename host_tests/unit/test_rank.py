"""The order of the proposals by measured speed: what changes places, what is remembered, what is measured anew."""

import os

from ipsec.config import Config
from ipsec.crypto import backend
from ipsec.drive import clock, rank
from support import raises

PATH = "test-rank-%d.json"
CCM, GCM, CHACHA, CBC = (16, 128, 0), (20, 128, 0), (28, 0, 0), (12, 128, 12)
COST = {CCM: 300, GCM: 100, CHACHA: 50, CBC: 1000}


class Backend:
    """A backend whose time is a table; `now` rises by it."""

    def __init__(self, cost=COST, text="crypto: pretended"):
        self.cost = {cipher[0]: us for cipher, us in cost.items()}
        self.text = text
        self.now = 0
        self.keyed = []

    def report(self):
        return self.text

    def sizes(self, encr, key_bits, integ):
        return backend.sizes(encr, key_bits, integ)

    def new_sealer(self, encr, integ, encr_key, integ_key, large):
        self.keyed.append(Keyed(self, self.cost[encr]))
        return self.keyed[-1]

    new_opener = new_sealer

    def elapsed_us(self, call):
        start = self.now
        call()
        return self.now - start


class Keyed:
    """Seals and opens, slowly for the first time; knows whether it was wiped."""

    def __init__(self, owner, us):
        self.owner = owner
        self.us = us
        self.extra = 7
        self.wiped = False

    def seal(self, buf, start, iv_pos, end, seq_hi=None):
        self.owner.now += self.us // 2 + self.extra
        self.extra = 0

    open = seal

    def wipe(self):
        self.wiped = True


def config(esp, ike=("aes128ccm16-prfsha256-x25519",), **more):
    return Config(gateway="gw.example", local_id="a", psk="x" * 32, esp_proposals=esp, ike_proposals=list(ike), **more)


def ranked(esp, fake=None, path="", log=None, **more):
    """The ESP ciphers in their new order, and the backend."""
    fake = fake or Backend()
    c = config(esp, **more)
    rank.order(c, fake, fake.elapsed_us, path, log)
    return [p[:3] for p in c.esp_proposals], fake


class Folder:
    """The path of a configuration whose figures are removed at the end."""

    def __enter__(self):
        self.path = PATH % id(self)
        return self

    def __exit__(self, *exc):
        try:
            os.remove(rank.cache_path(self.path))
        except OSError:
            pass

    def write(self, text):
        with open(rank.cache_path(self.path), "w") as f:
            f.write(text)


def test_the_fastest_comes_first_and_the_first_round_does_not_count():
    esp = ["aes128-sha256", "aes128ccm16", "aes128gcm16", "chacha20poly1305"]
    order, fake = ranked(esp)
    assert order == [CHACHA, GCM, CCM, CBC]
    assert fake.now == 2 * sum(COST.values()) + 14 * len(COST)
    assert all(keyed.wiped for keyed in fake.keyed)


def test_equals_keep_the_order_of_the_configuration():
    for us, first in ((301, GCM), (299, GCM), (271, GCM), (269, CCM)):
        order, _ = ranked(["aes128gcm16", "aes128ccm16"], Backend({CCM: us, GCM: 300}))
        assert order[0] == first, us


def test_one_cipher_is_not_measured():
    order, fake = ranked(["aes128ccm16", "aes128ccm16-esn"])
    assert order == [CCM, CCM] and fake.keyed == []


def test_ike_suites_change_places_within_a_group():
    ike = ("aes128ccm16-prfsha256-x25519", "aes128gcm16-prfsha256-x25519", "chacha20poly1305-prfsha256-modp2048")
    fake = Backend()
    c = config(["aes128ccm16"], ike)
    rank.order(c, fake, fake.elapsed_us)
    assert [(p[0], p[4]) for p in c.ike_proposals] == [(20, 31), (16, 31), (28, 14)]


def test_figures_are_remembered_beside_the_configuration():
    assert rank.cache_path("/flash/ipsec.json") == "/flash/ipsec.order.json"
    esp = ["aes128ccm16", "aes128gcm16"]
    with Folder() as folder:
        assert ranked(esp, path=folder.path)[0] == [GCM, CCM]
        order, again = ranked(esp, path=folder.path)
        assert order == [GCM, CCM] and again.keyed == []
        order, again = ranked(["aes128gcm16", "aes128ccm16"], path=folder.path)
        assert order == [GCM, CCM] and again.keyed == []  # the same set


def test_what_invalidates_them():
    esp = ["aes128ccm16", "aes128gcm16"]
    for change in ("suites", "report", "version"):
        with Folder() as folder:
            ranked(esp, path=folder.path)
            if change == "suites":
                _, again = ranked(esp + ["chacha20poly1305"], path=folder.path)
            elif change == "report":
                _, again = ranked(esp, Backend(text="crypto: another"), path=folder.path)
            else:
                _, again = with_version("9.9.9", esp, folder.path)
            assert again.keyed, change


def with_version(version, esp, path):
    import ipsec

    before = ipsec.__version__
    ipsec.__version__ = version
    try:
        return ranked(esp, path=path)
    finally:
        ipsec.__version__ = before


def test_a_damaged_file_is_measured_anew_and_mended():
    esp = ["aes128ccm16", "aes128gcm16"]
    with Folder() as folder:
        ranked(esp, path=folder.path)
        with open(rank.cache_path(folder.path)) as f:
            good = f.read()
        for bad in ("", good[:-3], "[]", "1", good.replace("[", "[-"), good.replace("[", '["a", '), good.replace("]", ", 5]")):
            folder.write(bad)
            order, fake = ranked(esp, path=folder.path)
            assert order == [GCM, CCM] and fake.keyed, bad
            assert not ranked(esp, path=folder.path)[1].keyed


def test_a_file_system_that_cannot_be_written_is_no_error():
    order, fake = ranked(["aes128ccm16", "aes128gcm16"], path="/nowhere/at/all/ipsec.json")
    assert order == [GCM, CCM] and fake.keyed


def test_the_log_tells_order_and_figures():
    lines = []
    ranked(["aes128ccm16", "aes128-sha256", "aes128gcm16"], log=lambda level, text: lines.append(text))
    assert lines == ["suites by speed (measured, 576 octets): aes128gcm16 100 us, aes128ccm16 300 us, aes128-sha256 1000 us"]


def test_the_real_backend_and_clock():
    us = clock.elapsed_us(lambda: [n * n for n in range(3000)])
    assert 0 < us < 10000000
    c = config(["aes128ccm16", "aes128-sha256", "aes128gcm16iiv"])
    lines = []
    rank.order(c, backend, clock.elapsed_us, "", lambda level, text: lines.append(text))
    assert sorted(c.esp_proposals) == [(12, 128, 12, 0), (16, 128, 0, 0), (30, 128, 0, 0)]
    assert len(lines) == 1 and "aes128gcm16iiv" in lines[0]


def test_a_list_that_is_given_keeps_its_order():
    plain = {"gateway": "gw.example", "local_id": "a", "psk": "x" * 32}
    assert Config(**plain).suite_order == "measured"
    assert config(["aes128ccm16", "aes128gcm16"]).suite_order == "fixed"
    assert config(["aes128ccm16"], suite_order="measured").suite_order == "measured"
    assert Config(suite_order="fixed", **plain).suite_order == "fixed"
    raises(Exception, lambda: Config(suite_order="fast", **plain), text="suite_order")
