"""Traffic selectors and addresses of an answer: cut, joined, bounded, or refused with cause and remedy (RFC 7296 2.9, 2.19)."""

from ipsec.address import is_host, parse_address, parse_range
from ipsec.config import Config
from ipsec.errors import PeerError
from ipsec.ike import config_payload, remedy, selector
from ipsec.ike.message import Builder, parse
from ipsec.ike.selector import Selector
from ipsec.ike.wire import Reader
from support import raises


def net(text, protocol=0, ports=(0, 65535)):
    """A selector for a prefix."""
    return Selector(protocol, ports[0], ports[1], *parse_range(text))


def through_the_wire(*selectors):
    """What `parse_ts` makes of a payload with these selectors."""
    b = Builder(bytearray(6000))
    b.begin(bytes(8), bytes(8), 34, 8, 0)
    selector.write_ts(b, 44, selectors)
    end = b.finish()
    return selector.parse_ts(parse(b.buf, 0, end).need(44, "TSi"))


def test_answer_within_the_offer_is_taken_as_it_is():
    got = [net("10.10.1.0/24"), net("10.10.3.0/24", 17, (53, 53))]
    assert selector.intersect(got, [net("10.10.0.0/16")]) == got
    assert selector.intersect([net("10.0.0.0/8")], [net("10.0.0.0/9"), net("10.128.0.0/9")]) == [net("10.0.0.0/8")]


def test_class_traffic_selectors_wider_than_the_offer_are_cut():
    offer = [net("10.10.0.0/16")]
    assert selector.intersect([net("0.0.0.0/0")], offer) == offer
    assert selector.intersect([net("0.0.0.0/0"), net("::/0")], offer) == offer
    assert selector.intersect([net("10.0.0.0/8", 6, (443, 500))], [net("10.10.0.0/16", 0, (0, 450))]) == [
        net("10.10.0.0/16", 6, (443, 450))
    ]
    one = [net("10.10.0.0/16", 6)]
    assert selector.intersect(one, one) == one == selector.intersect(one, offer) == selector.intersect(offer, one)
    raises(PeerError, selector.intersect, one, [net("10.10.0.0/16", 17)], text="10.10.0.0/16[udp]")
    half = Selector(0, 0, 65535, bytes([10, 9, 255, 255]), bytes([10, 10, 0, 1]))
    assert selector.intersect([half], offer) == [Selector(0, 0, 65535, bytes([10, 10, 0, 0]), bytes([10, 10, 0, 1]))]


def test_answer_outside_of_the_offer_is_refused_with_both_sides():
    offer = [net("10.10.0.0/16"), net("fd00::/64")]
    for got in ([net("10.11.0.0/16")], [net("fd01::/64")], [net("::/0", 0, (1, 2))], []):
        wide = [net("10.10.0.0/16", 6)] if got and got[0].start_port else offer
        e = raises(PeerError, selector.intersect, got, wide, text="10.10.0.0/16")
        assert e.notify == 38 and "remote_ts" in str(e), str(e)
    e = raises(PeerError, selector.intersect, [net("10.11.0.0/16", 6)], offer, text="10.11.0.0/16[tcp]")


def test_selectors_are_joined():
    assert through_the_wire(net("10.0.0.0/9"), net("10.128.0.0/9")) == [net("10.0.0.0/8")]
    assert through_the_wire(net("10.128.0.0/9"), net("10.0.0.0/9"), net("10.1.0.0/16", 6)) == [net("10.0.0.0/8")]
    assert through_the_wire(net("10.0.1.0/24"), net("10.0.3.0/24"), net("10.0.2.0/24")) == [
        Selector(0, 0, 65535, bytes([10, 0, 1, 0]), bytes([10, 0, 3, 255]))
    ]
    for inner in (net("10.0.0.0/24", 6), net("10.255.255.0/24", 6, (1, 9)), net("10.0.0.0/8", 17), net("10.0.0.0/8", 0, (0, 9))):
        assert through_the_wire(net("10.0.0.0/8"), inner) == [net("10.0.0.0/8")] == through_the_wire(inner, net("10.0.0.0/8"))
    apart = [net("10.0.0.0/24"), net("10.0.2.0/24"), net("10.0.1.0/24", 6), net("::/0"), net("10.0.3.0/24", 0, (0, 5))]
    assert through_the_wire(*apart) == apart
    assert through_the_wire(net("255.255.255.255"), net("0.0.0.0")) == [net("255.255.255.255"), net("0.0.0.0")]


def test_class_memory_many_selectors_are_bounded():
    assert len(through_the_wire(*[net("10.0.%d.0/24" % i) for i in range(200)])) == 1
    many = [net("10.0.%d.0/24" % (2 * i)) for i in range(100)]
    assert len(through_the_wire(*many[:64])) == 64
    raises(PeerError, through_the_wire, *many, text="more than 64")


def test_class_traffic_selectors_that_end_before_they_start_are_refused_by_name():
    e = raises(PeerError, through_the_wire, net("10.0.0.0/8", 6, (500, 10)), text="10.0.0.0/8[tcp/500-10]")
    assert e.notify == 38
    raises(PeerError, through_the_wire, net("10.0.0.0/8", 0, (65535, 0)), text="OPAQUE")
    turned = Selector(0, 0, 65535, bytes([10, 0, 0, 2]), bytes([10, 0, 0, 1]))
    raises(PeerError, through_the_wire, turned, text="10.0.0.2-10.0.0.1")


def test_selectors_as_text():
    for text in ("10.0.0.0/8", "10.1.2.3", "0.0.0.0/0", "fd00::/64", "::/0"):
        assert remedy.selector(net(text)) == text
    assert remedy.selector(net("10.0.0.0/8", 6, (8883, 8883))) == "10.0.0.0/8[tcp/8883]"
    assert remedy.selector(net("10.0.0.0/8", 132)) == "10.0.0.0/8[sctp]"
    assert remedy.selector(net("10.0.0.0/8", 99, (1, 2))) == "10.0.0.0/8[99/1-2]"
    assert len(remedy.selectors([net("10.0.0.0/8")] * 200)) < 100


ANY4, ANY6 = selector.anywhere(4), selector.anywhere(16)


def given(*addresses, ts_local=(ANY4, ANY6), **options):
    """What becomes of addresses that a gateway assigns."""
    body = b"\2\0\0\0"
    for text in addresses:
        addr = parse_address(text)
        body += b"\0\1\0\4" + addr if len(addr) == 4 else b"\0\x08\0\x11" + addr + b"\x40"
    inner = config_payload.parse_reply(Reader(body, 0, len(body)))
    config = Config(gateway="gw", local_id="me", psk="hex:" + "5a" * 32, **options)
    return config_payload.own_addresses(inner, config, list(ts_local))


def test_class_assigned_addresses_that_are_taken():
    assert given("10.20.0.1") == ([parse_address("10.20.0.1")], "")
    assert given("10.20.0.1", ts_local=[net("10.20.0.0/24")])[1] == ""
    assert given(ts_local=[net("10.20.0.7")])[0] == [parse_address("10.20.0.7")]
    both = given("10.20.0.1", "fd00::1", virtual_ip=["ipv4", "ipv6"])
    assert both == ([parse_address("10.20.0.1"), parse_address("fd00::1")], "")
    assert given("10.20.0.9", inner_address="10.20.0.9")[1] == ""
    assert given(inner_address="10.20.0.9", ts_local=[net("10.20.0.9")])[0] == [parse_address("10.20.0.9")]


def refused(*words, **case):
    """The addresses are refused with a text that holds these words."""
    addresses = case.pop("assigned")
    try:
        given(*addresses, **case)
    except PeerError as e:
        assert e.notify == 36
        for word in words:
            assert word in str(e), (word, str(e))
        return
    raise AssertionError("%r was not refused" % (addresses,))


def test_class_assigned_addresses_with_which_nothing_can_pass_are_refused():
    for text in ("0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255"):
        refused(text, "pool", assigned=[text])
    for text in ("::", "::1", "ff02::1"):
        refused(text, "pool", assigned=[text], virtual_ip=["ipv6"], remote_ts=["::/0"])
    refused("10.20.0.1", "10.30.0.0/24", "selectors", assigned=["10.20.0.1"], ts_local=[net("10.30.0.0/24")])
    refused("fd00::1", "virtual_ip", assigned=["fd00::1"])
    refused("10.20.0.1", "10.20.0.9", "inner_address", assigned=["10.20.0.1"], inner_address="10.20.0.9")
    refused("inner_address is 10.20.0.9", "10.20.0.7", assigned=[], inner_address="10.20.0.9", ts_local=[net("10.20.0.7")])
    refused("no address", "inner_address", assigned=[])
    refused("more than 4", assigned=["10.20.0.%d" % (i + 1) for i in range(150)])


def test_class_assigned_addresses_that_are_left_out_are_warned_of():
    addresses, warning = given("10.20.0.1", "fd00::1", virtual_ip=["ipv4", "ipv6"], ts_local=[ANY4])
    assert addresses == [parse_address("10.20.0.1")] and "fd00::1" in warning


def test_class_memory_configuration_reply_keeps_a_bounded_part():
    body = b"\2\0\0\0" + b"\0\3\0\4\x0a\0\0\1" * 150 + b"\0\x0d\0\x08\x0a\0\0\0\xff\0\0\0" * 100 + b"\0\1\0\4\x0a\0\0\2" * 99
    inner = config_payload.parse_reply(Reader(body, 0, len(body)))
    assert len(inner.dns) == 4 and len(inner.subnets) == 16 and len(inner.addresses) == 1
    for bad in (b"\0\x0d\0\x08\x0a\0\0\0\xff\0\xff\0", b"\0\x0f\0\x11" + bytes(16) + b"\x81"):
        raises(PeerError, config_payload.parse_reply, Reader(b"\2\0\0\0" + bad, 0, 4 + len(bad)), text="correct")


def test_hosts():
    for text in ("1.0.0.1", "10.0.0.1", "223.255.255.255", "fe80::1", "::2", "fd00::"):
        assert is_host(parse_address(text)), text
    for text in ("0.0.0.0", "0.1.2.3", "127.9.9.9", "224.0.0.0", "240.0.0.1", "255.255.255.255", "::", "::1", "ff00::"):
        assert not is_host(parse_address(text)), text


def test_the_configured_address_is_asked_for():
    def request(*args):
        b = Builder(bytearray(600))
        b.begin(bytes(8), bytes(8), 34, 8, 0)
        config_payload.write_request(b, *args)
        return parse(b.buf, 0, b.finish()).need(47, "CP").rest()

    assert request(["ipv4"], [bytes([10, 0, 0, 9])])[4:12] == b"\0\1\0\4\x0a\0\0\x09"
    assert request(["ipv4"], [bytes(15) + b"\x09"])[4:8] == b"\0\1\0\0"
    assert request(["ipv6"], [bytes(15) + b"\x09"])[4:25] == b"\0\x08\0\x11" + bytes(15) + b"\x09\x80"
