"""Certificates and paths: the profile's edges one by one, each refusal in its own words, and the bounds."""

import certificates as c
from ipsec.errors import AuthError
from ipsec.ike import identity
from ipsec.ike.auth import keys
from ipsec.ike.auth.path import Moment, check_leaf, check_path, verify
from ipsec.ike.auth.x509 import Certificate
from support import raises

_CLOCK = Moment(b"20261128120000", True)
_NAME = identity.encode("gw.example")


def read(octets):
    """The certificate in the middle of a buffer."""
    return Certificate(b"\xff" * 3 + octets + b"\xff", 3, 3 + len(octets))


def bad(octets, text):
    return raises(AuthError, read, octets, text=text)


def leaf_refused(octets, text, wanted=_NAME, moment=_CLOCK):
    return raises(AuthError, check_leaf, read(octets), wanted, moment, text=text)


def path(*found, anchors=None, moment=_CLOCK, check=verify):
    anchors = [c.root()] if anchors is None else anchors
    return check_path([read(f) for f in found], [read(a) for a in anchors], moment, check)


def no_path(text, *found, **more):
    return raises(AuthError, lambda: path(*found, **more), text=text)


def test_a_leaf_under_a_root():
    for kind in (keys.ED25519, keys.P256):
        root = c.root(kind=kind)
        leaf = c.leaf(signer=c.key(0, kind), kind=kind)
        found = read(leaf)
        check_leaf(found, _NAME, _CLOCK)
        key = keys.parse_spki(found.buf, found.spki_at, found.spki_to)
        assert key.kind == kind and key.data == c.key(2, kind).public.data
        assert len(path(leaf, anchors=[root])) == 2
        flipped = bytearray(leaf)
        flipped[-1] ^= 1
        no_path("another key signed it", bytes(flipped), anchors=[root])
        flipped = bytearray(leaf)
        flipped[leaf.find(b"gw.example")] ^= 1
        no_path("another key signed it", bytes(flipped), anchors=[root])


def test_an_intermediate_authority_in_any_order():
    leaf, sub, root = c.leaf(issuer="Sub", signer=c.key(1)), c.authority(), c.root()
    for others in ([sub], [sub, root], [root, sub], [c.leaf(), sub, sub]):
        assert len(path(leaf, *others)) == 3
    no_path("no authority of ca_file issued it", leaf)
    no_path("no authority of ca_file issued it", leaf, root)
    assert len(path(leaf, anchors=[sub])) == 2  # an intermediate authority may be trusted by itself


def test_of_two_certificates_of_one_authority_the_good_one_is_found():
    """A cross certificate leads nowhere, an old one has ended: another way is looked for."""
    leaf = c.leaf(issuer="Sub", signer=c.key(1))
    cross = c.authority(issuer="Other", signer=c.key(7))
    old = c.authority(end=b"250601000000Z")
    assert len(path(leaf, cross, old, c.authority())) == 3
    no_path("has ended", leaf, cross, old)


def test_class_certificates_paths_have_an_end():
    leaf = c.leaf(issuer="B", signer=c.key(3))
    middle = c.authority(3, "B", "A", c.key(1))
    assert len(path(leaf, middle, c.authority(1, "A"))) == 4
    chain = [leaf, middle, c.authority(1, "A", "Z", c.key(4)), c.authority(4, "Z")]
    no_path("more than 4", *chain)
    assert len(path(*chain, anchors=[chain[2]])) == 3
    a, b = c.authority(1, "A", "B", c.key(3)), c.authority(3, "B", "A", c.key(1))
    no_path("no authority of ca_file", c.leaf(issuer="A", signer=c.key(1)), a, b, anchors=[c.root()])  # a loop


def test_at_most_six_signatures_are_checked():
    count = [0]

    def counted(issuer, certificate):
        count[0] += 1
        return count[0] % 2 == 0

    same = [c.authority(1, "Sub", "Sub", c.key(1)) for _ in range(8)]
    no_path("more than 6 checks", c.leaf(issuer="Sub", signer=c.key(1)), *same, check=counted)
    assert count == [6]


def test_path_length():
    leaf = c.leaf(issuer="B", signer=c.key(3))
    b = c.authority(3, "B", "A", c.key(1))
    for length, fits in ((0, False), (1, True), (5, True)):
        a = c.authority(1, "A", extensions=[c.basic(path=length), c.usage(c.ISSUE)])
        if length:
            assert fits and len(path(leaf, b, a)) == 4
        else:
            no_path("path length", leaf, b, a)
    short = c.make("Root", "Root", c.key(0), c.key(0), [c.basic(path=0), c.usage(c.ISSUE)])
    no_path("path length", c.leaf(issuer="Sub", signer=c.key(1)), c.authority(), anchors=[short])
    renewed = c.authority(1, "Root", "Root")  # issued by itself with a new key: does not count
    assert len(path(c.leaf(signer=c.key(1)), renewed, anchors=[short])) == 3


def test_class_certificates_who_is_no_authority_issues_nothing():
    for extensions in ([c.usage(c.SIGN)], [c.basic(False)], [c.basic(), c.usage(c.SIGN)], None):
        sub = c.make("Sub", "Root", c.key(1), c.key(0), extensions)
        no_path("no authority (basicConstraints", c.leaf(issuer="Sub", signer=c.key(1)), sub)
    limits = c.extension(30, c.seq(c.tlv(0xA0, c.seq(c.tlv(0x82, b"example")))), True)
    sub = c.authority(extensions=[c.basic(), c.usage(c.ISSUE), limits])
    no_path("name constraints", c.leaf(issuer="Sub", signer=c.key(1)), sub)
    sub = c.authority(extensions=[c.basic(), c.usage(c.ISSUE), c.purposes(c.CLIENT)])
    no_path("extKeyUsage", c.leaf(issuer="Sub", signer=c.key(1)), sub)


def test_an_authority_of_the_same_name():
    other = c.root(9)
    no_path("another key signed it", c.leaf(), anchors=[other])
    no_path("another key signed it", c.leaf(), c.root(), anchors=[other])
    assert len(path(c.leaf(), c.root(), anchors=[other, c.root()])) == 2  # up to three anchors may have one name


def test_algorithms_that_are_not_known():
    sha1 = c.seq(c.tlv(6, b"\x2a\x86\x48\xce\x3d\x04\x01"))
    no_path("is none of Ed25519", c.leaf(inner=sha1, outer=sha1))
    dsa = c.seq(c.seq(c.tlv(6, b"\x2a\x86\x48\xce\x38\x04\x01")), c.tlv(3, b"\0\2\1\1"))
    no_path("is none of Ed25519", c.leaf(), anchors=[c.root(spki=dsa)])
    no_path("another key signed it", c.leaf(inner=keys.IDENTIFIERS[keys.P256], outer=keys.IDENTIFIERS[keys.P256]))


def test_names():
    several = [c.usage(c.SIGN), c.names((0x81, b"gw@example"), "other.example", "GW.Example", (0x87, bytes([192, 0, 2, 1])))]
    leaf = c.leaf(extensions=several)
    for text in ("gw.example", "gw@example", "192.0.2.1", "other.example", "CN=gw.example", "CN=GW.example"):
        check_leaf(read(leaf), identity.encode(text), _CLOCK)
    for text in ("w.example", "gw.example.", "192.0.2.2", "gw.exampl", "a@example", "fd00::1", "dns:192.0.2.1"):
        leaf_refused(leaf, "correct remote_id", identity.encode(text))
    assert "'gw@example', 'other.example', 'GW.Example', '192.0.2.1'" in str(leaf_refused(leaf, "", identity.encode("x.example")))
    leaf_refused(leaf, "another subject", identity.encode("CN=other.example"))
    leaf_refused(c.leaf(extensions=[c.usage(c.SIGN)]), "no subjectAltName")  # the CN is the gateway's
    for pattern in ("*.example", "gw.exampl*", "*"):
        leaf_refused(c.leaf(extensions=[c.names(pattern)]), "correct remote_id")
    leaf_refused(c.leaf(extensions=[c.names((0x82, b"gw.example\0.evil"))]), "correct remote_id")
    leaf_refused(c.leaf(extensions=[c.names((0x86, b"gw.example"))]), "only others")
    leaf_refused(c.leaf(extensions=[c.names((0x82, b"\x07w.example"))]), "correct remote_id")
    leaf_refused(c.leaf(extensions=[c.names("gw.example")], subject=c.seq()), "another subject", b"\x09\0\0\0\x30\0")


def test_usage_and_purpose():
    name = c.names("gw.example")
    for bits in (c.AGREE, c.ISSUE[:1] + b"\x02"):
        leaf_refused(c.leaf(extensions=[name, c.usage(bits)]), "digitalSignature")
    check_leaf(read(c.leaf(extensions=[name, c.usage(b"\x06\x40")])), _NAME, _CLOCK)
    leaf_refused(c.leaf(extensions=[name, c.purposes(c.CLIENT)]), "extKeyUsage")
    for purpose in (c.SERVER, c.IPSEC_IKE, c.ANY, b"\x2b\x06\x01\x05\x05\x08\x02\x02"):
        check_leaf(read(c.leaf(extensions=[name, c.purposes(c.CLIENT, purpose)])), _NAME, _CLOCK)
    leaf_refused(c.leaf(extensions=[name, c.extension(30, c.seq())]), "name constraints")


def test_dates():
    early, late = b"20241231235959", b"20350101000001"
    for moment, text in ((early, "not valid before 2025-01-01, and the clock says 2024-12-31"), (late, "ended on 2035-01-01")):
        leaf_refused(c.leaf(), text, moment=Moment(moment, True))
    for moment in (b"20250101000000", b"20350101000000"):
        check_leaf(read(c.leaf()), _NAME, Moment(moment, True))
        path(c.leaf(), moment=Moment(moment, True))
    check_leaf(read(c.leaf()), _NAME, Moment(early))  # later than that it is now
    leaf_refused(c.leaf(), "the device was provisioned on 2035-01-01: renew", moment=Moment(late))
    check_leaf(read(c.leaf()), _NAME, Moment())
    no_path("authority that issued it has ended", c.leaf(), anchors=[c.root(end=b"260101000000Z")])
    no_path("not valid yet", c.leaf(), anchors=[c.root(begin=b"270101000000Z")])
    assert path(c.leaf(), anchors=[c.root(begin=b"270101000000Z")], moment=Moment(_CLOCK.now))
    found = read(c.leaf(begin=b"530101000000Z", end=b"20530101000000Z"))
    assert not found.begins_after(b"19530101000000") and found.begins_after(b"19521231235959")
    assert found.until() == b"20530101000000" and read(c.leaf(end=b"491231235959Z")).until() == b"20491231235959"


def test_class_certificates_malformed():
    bad(c.leaf(version=1), "version 3")
    bad(c.leaf(version=None), "version 3")
    bad(c.leaf(outer=keys.IDENTIFIERS[keys.P256]), "AlgorithmIdentifiers differ")
    bad(c.leaf(inner=keys.IDENTIFIERS[keys.P256]), "AlgorithmIdentifiers differ")
    bad(c.leaf(serial=b"\xff"), "negative")
    bad(c.leaf(serial=b"\x7f" + bytes(20)), "serial")
    bad(c.leaf(extra=c.tlv(5)), "follows")
    bad(c.leaf(issuer=c.seq()), "no issuer")
    bad(c.leaf(extensions=[]), "no extensions")
    bad(c.leaf(extensions=[c.names("a.example"), c.names("b.example")]), "twice")
    bad(c.leaf(extensions=[c.extension(54, c.tlv(2, b"\0"), True)]), "critical and not known")
    bad(c.leaf(extensions=[c.seq(c.tlv(6, b"\x2a\x03"), c.tlv(1, b"\xff"), c.tlv(4, b""))]), "critical and not known")
    read(c.leaf(extensions=[c.extension(54, c.tlv(2, b"\0")), c.extension(54, b"")]))
    bad(c.leaf(extensions=[c.extension(54, b"")] * 33), "more than 32")
    bad(c.leaf(extensions=[c.seq(c.tlv(6, b"\x55\x1d\x11"), c.tlv(1, b"\0"), c.tlv(4, b""))]), "TRUE")
    bad(c.leaf(extensions=[c.basic(False, 0)]), "path length")
    bad(c.leaf(extensions=[c.names()]), "empty subjectAltName")
    bad(c.leaf(extensions=[c.purposes()]), "empty extKeyUsage")
    for bits in (b"\0", b"\x01\x81", b"\0\1\1\1"):
        bad(c.leaf(extensions=[c.usage(bits)]), "")
    for digits in (b"2501010000Z", b"250101000000+", b"25010100000aZ", b"20250101000000"):
        bad(c.leaf(begin=digits), "time")
    bad(c.leaf() + b"\0", "follows")
    bad(b"", "missing")
    bad(c.leaf(subject="x" * 4096), "more than 4096")
    whole = c.leaf()
    for n in range(0, len(whole), 7):
        bad(whole[:n], "")


def test_class_certificates_every_octet_changed_raises_nothing_else():
    whole = c.leaf()
    anchors = [read(c.root())]
    for i in range(len(whole)):
        octets = bytearray(whole)
        octets[i] ^= 1 << i % 8
        try:
            found = read(octets)
            check_leaf(found, _NAME, _CLOCK)
            check_path([found], anchors, _CLOCK, lambda *_: False)
        except AuthError:
            continue
        raise AssertionError("octet %d" % i)


def test_reading_takes_little_memory():
    import gc

    if not hasattr(gc, "mem_alloc"):
        return
    leaf, root = c.leaf(issuer="Sub", signer=c.key(1)), c.root()
    found = [leaf, c.authority()]
    anchors = [read(root)]
    path(*found)  # what is imported
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    certificates = [Certificate(f, 0, len(f)) for f in found]
    check_leaf(certificates[0], _NAME, _CLOCK)
    check_path(certificates, anchors, _CLOCK, lambda *_: True)
    taken = gc.mem_alloc() - before
    gc.enable()
    assert taken <= 2 * 4096, taken
