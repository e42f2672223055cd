"""Text and octets of addresses (RFC 4291 2.2, RFC 5952)."""

from ipsec import address
from support import raises

PAIRS = (
    ("0.0.0.0", "00000000"),
    ("10.10.0.1", "0a0a0001"),
    ("255.255.255.255", "ffffffff"),
    ("::", "00" * 16),
    ("::1", "00" * 15 + "01"),
    ("1::", "0001" + "00" * 14),
    ("2001:db8::8:800:200c:417a", "20010db80000000000080800200c417a"),
    ("2001:db8:0:1:1:1:1:1", "20010db8000000010001000100010001"),  # RFC 5952 4.2.2: one zero group is written
    ("2001:db8::1:0:0:1", "20010db8000000000001000000000001"),  # RFC 5952 4.2.3: the first of equal runs
    ("2001:0:0:1::1", "20010000000000010000000000000001"),  # the longest run
    ("1:2:3:4:5:6:7:8", "00010002000300040005000600070008"),
    ("fe80::ffff:ffff:ffff:ffff", "fe80000000000000ffffffffffffffff"),
)

OTHER_FORMS = (
    ("2001:0DB8:0:0:8:800:200C:417A", "2001:db8::8:800:200c:417a"),
    ("::ffff:10.0.0.1", "::ffff:a00:1"),
    ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
    ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"),
    ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
    ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
)

BAD = (
    "", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.-4", "1.2.3.+4", "01.2.3.4", "1.2.3. 4", "1.2.3.4 ", "1..3.4",
    "a.b.c.d", "1.2.3.0x4", ":", ":::", "::1::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::",
    "::1:2:3:4:5:6:7:8", "12345::", "g::", "-1::", "::1.2.3", "1.2.3.4::", "::1.2.3.4:5", "1:", ":1", "fe80::1%eth0",
    "::1_0", "gateway.example",
)  # fmt: skip


def test_text_and_octets():
    for text, octets in PAIRS:
        addr = bytes([int(octets[i : i + 2], 16) for i in range(0, len(octets), 2)])
        assert address.parse_address(text) == addr, text
        assert address.format_address(addr) == text, text


def test_other_forms_are_read():
    for text, canonical in OTHER_FORMS:
        assert address.format_address(address.parse_address(text)) == canonical, text


def test_errors_name_the_value():
    for text in BAD:
        raises(ValueError, address.parse_address, text, text=repr(text))


def test_to_octets():
    assert address.to_octets("10.0.0.1") == b"\x0a\0\0\x01"
    assert address.to_octets(b"\x0a\0\0\x01") == b"\x0a\0\0\x01"
    raises(ValueError, address.to_octets, b"12345", text="not 5")
    raises(ValueError, address.format_address, b"12345", text="not 5")


def test_prefixes():
    assert address.parse_range("10.10.0.0/24") == (bytes((10, 10, 0, 0)), bytes((10, 10, 0, 255)))
    assert address.parse_range("0.0.0.0/0") == (bytes(4), b"\xff" * 4)
    assert address.parse_range("10.10.0.128/25")[1] == bytes((10, 10, 0, 255))
    assert address.parse_range("10.0.0.1") == (bytes((10, 0, 0, 1)), bytes((10, 0, 0, 1)))
    assert address.parse_range("fd00::/8") == (b"\xfd" + bytes(15), b"\xfd" + b"\xff" * 15)
    assert address.parse_range("fd00::1/128")[1] == b"\xfd" + bytes(14) + b"\1"
    for text in ("10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/08", "fd00::/129", "10.0.0.1/24", "10.0.0.192/25"):
        raises(ValueError, address.parse_range, text, text=repr(text))
