"""The small parts of IKE alone: reader and writer, identities, proposals, selectors, configuration payload, keys."""

from ipsec.crypto import backend
from ipsec.errors import ConfigError, LocalError, PeerError
from ipsec.ike import answer, config_payload, identity, keymat, payload, remedy, selector
from ipsec.ike.message import Builder, parse
from ipsec.ike.wire import Reader, Writer
from ipsec.suite_names import parse_ike
from support import raises


def build(write):
    """The payload that `write(b)` appends, as octets behind the header, and its Message."""
    b = Builder(bytearray(600))
    b.begin(bytes(8), bytes(8), 34, 8, 0)
    write(b)
    end = b.finish()
    return parse(b.buf, 0, end)


def test_reader_never_passes_its_end():
    r = Reader(b"\1\2\3\4\5", 1, 4)
    assert r.u16() == 0x0203 and r.left() == 1
    raises(PeerError, r.u16)
    assert r.left() == 1  # a failed read moves nothing
    raises(PeerError, r.skip, -1)
    assert r.u8() == 4
    r.close()


def test_reader_scopes():
    r = Reader(bytes(range(10)), 0, 10)
    outer = r.scope(4)
    r.skip(3)
    raises(PeerError, r.unscope, outer, text="1 octets left over")
    r.skip(1)
    raises(PeerError, r.u8)
    r.unscope(outer)
    assert r.u32() == 0x04050607
    raises(PeerError, r.scope, 3)


def test_writer_stops_at_the_end_of_its_buffer():
    w = Writer(bytearray(4))
    w.u16(0x0102)
    raises(LocalError, w.u32, 1, text="4 octets")
    w.raw(b"ab")
    assert bytes(w.buf) == b"\1\2ab"
    raises(LocalError, w.u8, 0)


def test_en_i_1_1_9_1_identities():
    assert identity.encode("gw.example") == b"\2\0\0\0gw.example"
    assert identity.encode("a@b.example") == b"\3\0\0\0a@b.example"
    assert identity.encode("10.0.0.1") == b"\1\0\0\0\x0a\0\0\1"
    assert identity.encode("::1") == b"\5\0\0\0" + bytes(15) + b"\1"
    assert identity.encode("keyid:00ff") == b"\x0b\0\0\0\0\xff"
    assert identity.encode("fqdn:10.0.0.1") == b"\2\0\0\x0010.0.0.1"
    for bad in ("ipv4:host", "fqdn:", "keyid:"):
        raises(ConfigError, identity.encode, bad, text=bad)


def test_same_identity():
    assert identity.same(b"\2\0\0\0GW.example", b"\2\1\2\3gw.EXAMPLE")
    assert not identity.same(b"\2\0\0\0gw", b"\3\0\0\0gw")
    assert not identity.same(b"\x0b\0\0\0A", b"\x0b\0\0\0a")
    assert not identity.same(b"", b"")


def test_class_logging_identity_of_the_peer_is_shown_escaped():
    assert identity.describe(b"\1\0\0\0\x0a\0\0\1") == "10.0.0.1"
    assert "\x1b" not in identity.describe(b"\2\0\0\0\x1b[2J" + bytes(500)) and len(identity.describe(bytes(500))) < 300


NET = selector.whole(bytes([10, 10, 0, 0]), bytes([10, 10, 255, 255]))


def test_selectors_there_and_back():
    wanted = [NET, (17, 53, 53, bytes(16), b"\xff" * 16)]
    m = build(lambda b: selector.write_ts(b, 45, wanted))
    assert selector.parse_ts(m.need(45, "x")) == wanted


def test_class_traffic_selectors_that_lie():
    good = bytes([1, 0, 0, 0, 7, 0, 0, 16, 0, 0, 255, 255, 10, 0, 0, 0, 10, 0, 0, 255])
    assert len(selector.parse_ts(Reader(good, 0, len(good)))) == 1
    for at, value in ((0, 0), (0, 2), (0, 255), (7, 0), (7, 3), (7, 15), (7, 17), (12, 11)):
        bad = bytearray(good)
        bad[at] = value
        raises(PeerError, selector.parse_ts, Reader(bad, 0, len(bad)))
    for n in range(len(good)):
        raises(PeerError, selector.parse_ts, Reader(good, 0, n))


def reply(*attributes, kind=2):
    """A CP payload's body from (type, value) pairs."""
    body = bytes([kind, 0, 0, 0])
    for number, value in attributes:
        body += number.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value
    return Reader(body, 0, len(body))


def test_en_i_2_1_2_configuration_reply():
    inner = config_payload.parse_reply(
        reply(
            (1, bytes([10, 20, 0, 1])),
            (3, bytes([10, 10, 0, 53])),
            (8, b"\xfd" + bytes(14) + b"\1\x40"),
            (13, bytes([10, 10, 0, 9, 255, 255, 255, 0])),  # as sloppy gateways write it
            (15, b"\xfd" + bytes(15) + b"\x40"),
            (0x4000 - 1, b"odd"),  # unknown
            (2, bytes([255, 255, 255, 255])),  # netmask: not needed
        )
    )
    assert inner.addresses == [bytes([10, 20, 0, 1]), b"\xfd" + bytes(14) + b"\1"]
    assert inner.dns == [bytes([10, 10, 0, 53])]
    assert [remedy.selector(s) for s in inner.subnets] == ["10.10.0.0/24", "fd00::/64"]


def test_configuration_reply_that_is_odd():
    assert config_payload.parse_reply(reply((1, b""), (3, b""))).addresses == []
    assert config_payload.parse_reply(reply((1, bytes(4)), kind=1)).addresses == []  # a request is no reply
    for number, value in ((1, bytes(3)), (1, bytes(5)), (8, bytes(16)), (10, bytes(17)), (13, bytes(4)), (15, bytes(16))):
        raises(PeerError, config_payload.parse_reply, reply((number, value)))
    raises(PeerError, config_payload.parse_reply, Reader(b"\2\0\0\0\0\1\0\4\1", 0, 9))


def test_configuration_request():
    m = build(lambda b: config_payload.write_request(b, ["ipv4", "ipv6"]))
    body = m.need(47, "x").rest()
    assert body[:4] == b"\1\0\0\0" and [body[i + 1] for i in range(4, len(body), 4)] == [1, 3, 13, 8, 10, 15]


def test_notify_and_delete_payloads():
    m = build(lambda b: b.notify(16388, b"hash"))
    assert payload.notify_data(m, 16388) == b"hash" and payload.error_notify(m) == 0
    m = build(lambda b: b.notify(14))
    assert payload.error_notify(m) == 14 and payload.notify_data(m, 16388) is None
    m = build(lambda b: payload.write_delete(b, b"abcd", b"efgh"))
    assert answer.parse_delete(m.need(42, "x")) == (3, b"abcdefgh")
    m = build(lambda b: payload.write_delete(b))
    assert answer.parse_delete(m.need(42, "x")) == (1, b"")


def test_prf_plus_is_the_chain_of_the_rfc():
    key, seed = b"k" * 32, b"seed"
    t1 = backend.prf(5, key, seed + b"\1")
    t2 = backend.prf(5, key, t1 + seed + b"\2")
    assert keymat.prf_plus(backend, 5, key, seed, 50) == (t1 + t2)[:50]


def test_keys_are_cut_in_the_order_of_the_rfc_and_wiped():
    suite = parse_ike("aes256-sha256-x25519")
    k = keymat.derive_ike_keys(
        backend, suite, backend.prf(5, b"NiNr", b"g^ir"), b"Ni", b"Nr", b"SPIi----", b"SPIr----"
    )
    seed = b"NiNrSPIi----SPIr----"
    stream = keymat.prf_plus(backend, 5, backend.prf(5, b"NiNr", b"g^ir"), seed, 7 * 32)
    assert bytes(k.sk_d + k.sk_ai + k.sk_ar + k.sk_ei + k.sk_er + k.sk_pi + k.sk_pr) == bytes(stream)
    k.wipe()
    assert k.sk_d == bytes(32) and k.sk_pr == bytes(32)
