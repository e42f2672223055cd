"""Suites: names as people paste them, what is offered without a list, and answers taken for what they mean."""

from ipsec import suite_names
from ipsec.config import Config
from ipsec.crypto import backend
from ipsec.errors import ConfigError, PeerError
from ipsec.ike import proposal
from ipsec.ike.message import Builder, parse
from ipsec.ike.wire import Reader
from ipsec.offer import fill, suites
from ipsec.suite import Proposal, first_group, has_group
from ipsec.suite_names import parse_esp, parse_ike
from support import raises

BASE = {"gateway": "gw.example", "local_id": "device.example", "psk": "hex:" + "5a" * 32}
GCM_IKE = parse_ike("aes128gcm16-prfsha256-x25519")


def test_names_as_people_paste_them():
    for text in (
        "AES128GCM16-PRFSHA256-X25519",
        " aes128gcm16-prfsha256-curve25519! ",
        "aes128gcm-prfsha256-dh31",
        "aes128gcm128 - prfsha256 - group31",
        "aes128gcm16-prfsha256-x25519-curve25519",
    ):
        assert parse_ike(text) == GCM_IKE, text
    assert parse_ike("aes256gcm128-prfsha384-ecp384") == (20, 256, 0, 6, 20)
    assert parse_ike("aes256-sha2_512-modp3072") == (12, 256, 14, 7, 15)
    assert parse_ike("aes192cbc-sha384-modp4096") == (12, 192, 13, 6, 16)
    assert parse_ike("chacha20-poly1305-prfsha512-ecp521") == (28, 0, 0, 7, 21)
    assert parse_ike("aes256gcm96-prfsha256-dh14") == (19, 256, 0, 5, 14)
    assert parse_ike("aes128gcm8-prfsha256-ecp256") == (18, 128, 0, 5, 19)
    assert parse_ike("aes128ccm12-prfsha256-ecp256") == (15, 128, 0, 5, 19)
    # strongSwan and libreswan take a hash beside AEAD for the PRF's
    assert parse_ike("aes256gcm16-sha384-ecp384") == (20, 256, 0, 6, 20) == parse_ike("aes_gcm256-sha2_384;dh20")
    assert parse_ike("aes_gcm_c_128-sha2-dhgroup19") == (20, 128, 0, 5, 19)
    assert parse_ike("aes_ccm_a_256-sha2_512-dh31") == (14, 256, 0, 7, 31)
    assert parse_ike("chacha20_poly1305-sha2_256;dh31") == (28, 0, 0, 5, 31)
    assert len(suites([suite_names.parse_ike_proposal("aes256+aes128-sha2_256+sha2_512;dh19+dh14")])) == 16
    assert parse_esp("aes_gcm_c_256") == (20, 256, 0, 0) and parse_esp("aes_gcm128") == (20, 128, 0, 0)
    assert parse_esp("AES256GCM16!") == (20, 256, 0, 0) == parse_esp("aes256gcm16-noesn") == parse_esp("aes256gcm16-ecp384")
    assert parse_esp("aes256-sha256-modp2048-esn") == (12, 256, 12, 1)


def test_every_cipher_gets_its_name_back():
    words = ["aes%d%s%d" % (bits, mode, icv) for bits in (128, 192, 256) for mode in ("ccm", "gcm") for icv in (8, 12, 16)]
    words += ["chacha20poly1305", "chacha20poly1305iiv", "aes128gcm16iiv", "aes256ccm8iiv"]
    words += ["aes%d-%s" % (bits, mac) for bits in (128, 192, 256) for mac in ("sha256", "sha384", "sha512")]
    numbers = set()
    for word in words:
        s = parse_esp(word)
        assert suite_names.cipher_name(s.encr, s.key_bits, s.integ) == word
        numbers.add(s)
    assert len(numbers) == len(words)


def test_several_words_of_a_kind_are_one_proposal():
    p = suite_names.parse_ike_proposal("aes256-aes128-sha512-sha256-modp2048-ecp256")
    assert p == Proposal([(12, 256), (12, 128)], [14, 12], [7, 5], [14, 19], ())
    assert suite_names.describe([p]) == "aes256-aes128-sha512-sha256-prfsha512-prfsha256-modp2048-ecp256"
    assert len(suites([p])) == 16 and suites([p])[0] == (12, 256, 14, 7, 14)
    raises(ConfigError, parse_ike, "aes256-aes128-sha256-modp2048", text="2 combinations")
    ike = ["aes256-sha256-modp2048, aes128gcm16-prfsha256-x25519"]
    c = Config(ike_proposals=ike, esp_proposals=["aes128gcm16,aes256gcm16"], **BASE)
    assert len(c.ike_offer) == 2 == len(c.esp_offer) and c.esp_proposals == [(20, 128, 0, 0), (20, 256, 0, 0)]


def test_names_that_are_refused_say_what_to_write():
    for parse_one, name, word in (
        (parse_ike, "aes256-sha1-modp2048", "too weak"),
        (parse_ike, "3des-sha256-modp2048", "too weak"),
        (parse_ike, "aes256-sha256-modp1024", "too weak"),
        (parse_ike, "aes256-sha256-dh5", "too weak"),
        (parse_ike, "aes512-sha256-modp2048", "aes128gcm16"),
        (parse_ike, "aes128gcm4-prfsha256-x25519", "aes128gcm16"),
        (parse_ike, "aes256gcm16-sha384-prfsha384-ecp384", "remove 'sha384'"),
        (parse_esp, "aes256gcm16-sha384", "remove 'sha384'"),
        (parse_ike, "aes_gcm-sha2_256-dh31", "aes128gcm16"),
        (parse_ike, "aes_gcm_d_256-sha2_256-dh31", "aes128gcm16"),
        (parse_ike, "aes256gcm16-aes256-sha384-ecp384", "two"),
        (parse_ike, "aes256gcm16-prfsha384-ecp999", "ecp384"),
        (parse_esp, "aes128gcm16iiv-x25519-foo", "foo"),
        (parse_esp, "aes128gcm12iiv", "aes128gcm12iiv"),
        (parse_esp, "aes256", "sha256"),
        (parse_esp, "", "known"),
        (parse_esp, "-", "known"),
    ):
        raises(ConfigError, parse_one, name, text=word)


def offer(**options):
    """A configuration with its offers filled."""
    options.update(BASE)
    c = Config(**options)
    fill(c, backend)
    return c


def test_without_a_list_all_that_is_installed_is_offered():
    c = offer()
    aead, cbc = c.ike_offer
    assert aead.ciphers[:2] == [(16, 128), (20, 128)] and not aead.integs and (12, 256) in cbc.ciphers and 12 in cbc.integs
    kes = list(aead.kes)
    assert kes[0] == 31 == first_group(c.ike_offer) and kes[-3:] == [14, 15, 16] and has_group(c.ike_offer, 19)
    assert ((12, 192) in cbc.ciphers) == (backend.NAME == "host") == has_group(c.ike_offer, 21)
    assert [list(p.esns) for p in c.esp_offer] == [[0], [0]]


def sa_payload(protocol, spi, offers, kes=None, number=1):
    b = Builder(bytearray(1500))
    b.begin(bytes(8), bytes(8), 34, 8, 0)
    proposal.write_sa(b, protocol, spi, offers, kes, number)
    return parse(b.buf, 0, b.finish()).need(33, "SA")


def test_the_wide_offer_is_short():
    c = offer()
    length = sa_payload(1, b"", c.ike_offer).left()
    # header, SA, KE of the longest group that may be asked for, nonce, cookie of 64, two NAT detections, as `establish.py` writes
    assert 28 + 4 + length + 8 + 512 + 4 + 24 + 8 + 64 + 2 * 28 <= 1280, length


def answered(offers, *transforms, number=1, protocol=1, spi=b"", last=0):
    """What an answer with these transforms, each `(type, ID, attributes)`, is taken for."""
    body = b""
    for i, (kind, transform, attributes) in enumerate(transforms):
        more = 0 if i == len(transforms) - 1 else 3
        body += bytes([more, 0, 0, 8 + len(attributes), kind, 0, transform >> 8, transform & 255]) + attributes
    n = 8 + len(spi) + len(body)
    octets = bytes([last, 0, n >> 8, n & 255, number, protocol, len(spi), len(transforms)]) + spi + body
    return proposal.choose(Reader(octets, 0, len(octets)), protocol, len(spi), offers)


def bits(n):
    return b"\x80\x0e" + bytes([n >> 8, n & 255])


WIDE_IKE = [
    Proposal([(16, 128), (20, 128), (20, 256), (28, 0)], (), [5, 6], [31, 19, 14], ()),
    Proposal([(12, 128), (12, 256)], [12, 14], [5, 7], [31, 14], ()),
]
WIDE_ESP = [Proposal([(20, 128), (28, 0)], (), (), (), (0,)), Proposal([(12, 256)], [12], (), (), (0, 1))]


def test_an_answer_yields_the_suite():
    assert answered(WIDE_IKE, (1, 20, bits(256)), (2, 6, b""), (4, 19, b"")) == ((20, 256, 0, 6, 19), b"")
    assert answered(WIDE_IKE, (4, 14, b""), (3, 14, b""), (2, 5, b""), (1, 12, bits(128)), number=2)[0] == (12, 128, 14, 5, 14)
    assert answered(WIDE_ESP, (1, 20, bits(128)), (5, 0, b""), protocol=3, spi=b"spi!") == ((20, 128, 0, 0), b"spi!")
    assert answered(WIDE_ESP, (1, 12, bits(256)), (3, 12, b""), (5, 1, b""), number=2, protocol=3, spi=b"spi!")[0].esn == 1


def test_answers_are_taken_for_what_they_mean():
    esp = {"protocol": 3, "spi": b"spi!"}
    assert answered(WIDE_IKE, (1, 28, bits(256)), (2, 5, b""), (4, 31, b""))[0] == (28, 0, 0, 5, 31)
    assert answered(WIDE_IKE, (1, 20, bits(128)), (3, 0, b""), (2, 5, b""), (4, 31, b""))[0] == (20, 128, 0, 5, 31)
    assert answered(WIDE_ESP, (1, 20, bits(128)), **esp)[0] == (20, 128, 0, 0)
    assert answered(WIDE_ESP, (1, 28, bits(256)), (3, 0, b""), (4, 0, b""), (5, 0, b""), **esp)[0] == (28, 0, 0, 0)
    only_esn = [Proposal([(12, 256)], [12], (), (), (1,))]
    raises(PeerError, lambda: answered(only_esn, (1, 12, bits(256)), (3, 12, b""), **esp))


def test_en_i_1_1_6_3_answers_outside_of_the_offer_are_refused():
    good = ((1, 20, bits(128)), (2, 5, b""), (4, 31, b""))
    for i, bad in (
        (0, (1, 20, bits(192))),
        (0, (1, 20, b"")),
        (0, (1, 12, bits(128))),  # of the other proposal
        (0, (1, 28, bits(128))),
        (0, (1, 20, b"\x80\x0f\0\x80")),
        (0, (1, 20, bits(128) + bits(128))),
        (0, (1, 276, bits(128))),
        (1, (2, 7, b"")),
        (1, (2, 5, bits(128))),
        (1, (2, 261, b"")),
        (2, (4, 20, b"")),
        (2, (4, 0, b"")),
        (2, (3, 12, b"")),
        (2, (5, 0, b"")),
        (1, (1, 16, bits(128))),
    ):
        answer = list(good)
        answer[i] = bad
        e = raises(PeerError, lambda answer=answer: answered(WIDE_IKE, *answer))
        assert e.notify == 14, (bad, e)
    raises(PeerError, lambda: answered(WIDE_IKE, *good, number=3))
    raises(PeerError, lambda: answered(WIDE_IKE, *good, number=2))
    raises(PeerError, lambda: answered(WIDE_IKE, *good, number=0))
    raises(PeerError, lambda: answered(WIDE_IKE, *good, last=2))
    raises(PeerError, lambda: answered(WIDE_IKE, *good, *good))
    raises(PeerError, lambda: answered(WIDE_IKE, *good, (4, 19, b"")))
    raises(PeerError, lambda: answered(WIDE_IKE, *good[:2]))
    raises(PeerError, lambda: answered(WIDE_IKE, *good[1:]))
    none = ((3, 0, b""),)  # may be repeated
    assert answered(WIDE_IKE, *(good + 5 * none))[0] == (20, 128, 0, 5, 31)
    assert str(raises(PeerError, lambda: answered(WIDE_IKE, *(good + 6 * none)))) == "the gateway chose 9 algorithms"


def test_offers_of_the_gateway_are_bounded():
    from ipsec.ike import pick

    def offer(count):
        transforms = b"".join([b"\3\0\0\x08\3\0\0\x0c"] * count)
        body = b"\0\0" + (12 + len(transforms)).to_bytes(2, "big") + bytes([1, 3, 4, count]) + b"spi!" + transforms
        return pick.proposals(Reader(body, 0, len(body)), 3, 4)

    [(number, spi, found)] = offer(64)
    assert (number, spi, len(found[3])) == (1, b"spi!", 64)
    assert "65 algorithms" in str(raises(PeerError, offer, 65))


def test_an_offer_with_a_long_attribute_is_passed_over():
    from ipsec.ike import pick

    long = b"\3\0\x02\x08\1\0\0\x14" + b"\0\x63" + (508).to_bytes(2, "big") + bytes(508)
    good = b"\0\0\0\x0c\1\0\0\x14\x80\x0e\0\x80"
    body = b"\0\0" + (12 + len(long + good)).to_bytes(2, "big") + bytes([1, 3, 4, 2]) + b"spi!" + long + good
    assert pick.proposals(Reader(body, 0, len(body)), 3, 4) == [(1, b"spi!", {1: [(20, 128)]})]


def test_offers_are_chained_and_numbered():
    body = sa_payload(3, b"spi!", WIDE_ESP).rest()
    first_len = body[2] << 8 | body[3]
    assert body[0] == 2 and body[first_len] == 0 and body[4] == 1 and body[first_len + 4] == 2
    assert body[8:12] == b"spi!" == body[first_len + 8 : first_len + 12]
    assert len(body) == first_len + (body[first_len + 2] << 8 | body[first_len + 3])
    assert body[7] == 3 and body[first_len + 7] == 4  # transforms
    assert bytes(body[12:24]) == b"\3\0\0\x0c\1\0\0\x14\x80\x0e\0\x80"
    pfs = [Proposal([(20, 128)], (), (), [19], (0,))]
    assert sa_payload(3, b"spi!", pfs).rest()[7] == 3
    assert sa_payload(3, b"spi!", pfs, ()).rest()[7] == 2  # the first Child SA has no group of its own
    numbered = sa_payload(3, b"spi!", WIDE_ESP, None, 7).rest()
    assert numbered[4] == 7 and numbered[first_len + 4] == 8


def test_board_tells_what_is_installed_without_loading_it():
    import sys

    from ipsec.crypto import board

    before = set(sys.modules)
    modes, groups, integs = board.installed()
    assert list(modes) == ["ccm", "gcm", "chacha", "cbc"] and list(groups) == [31, 19, 20, 14, 15, 16] and 14 in integs
    assert not [name for name in set(sys.modules) - before if "groups" in name or "modes" in name]
    path = sys.path[:]
    is_file = board._is_file
    try:
        board._is_file = lambda name: name in ("board", "modes/gcm", "groups/p256", "groups/modp")
        assert board.installed() == (["gcm"], [19, 14], (12,))
        board._is_file = lambda name: False  # frozen, or joined
        assert len(board.installed()[1]) == 6
    finally:
        board._is_file = is_file
    assert path == sys.path


def test_measured_suites_are_let_go():
    import sys

    if backend.NAME != "board":
        return
    c = offer()
    from ipsec.drive import rank

    rank.order(c, backend, lambda call: call() and 0 or 1)
    assert not [name for name in sys.modules if name.startswith("ipsec.crypto.modes.")]
    sealer = backend.new_sealer(20, 0, bytes(20), b"")  # and come again
    assert sealer.seal(bytearray(100), 0, 8, 40, None) == 56


def test_names_are_not_kept_on_a_board():
    import gc
    import sys

    Config(ike_proposals=["aes128gcm16-prfsha256-x25519"], **BASE)
    assert ("ipsec.suite_names" in sys.modules) == (not hasattr(gc, "threshold"))
