"""X.509 certificates of a gateway, read where they lie (RFC 5280 4.1, RFC 4945 5.1.3): offsets, no slices, no recursion.

```
 Certificate     { TBSCertificate, AlgorithmIdentifier, BIT STRING }
 TBSCertificate  { [0] version, serial, AlgorithmIdentifier, issuer, { notBefore, notAfter }, subject,
                   SubjectPublicKeyInfo, [3] extensions }
```

The profile, narrower than RFC 5280
- Version 3; both AlgorithmIdentifiers equal; DER in its shortest form; at most 4096 octets.
- A critical extension is known or refused. Name constraints are refused wherever they are; revocation is not looked at.
- The identity is a subjectAltName that is equal, or for a DN the subject: no CN, no wildcard.
- Names of issuer and subject are compared octet by octet, as RFC 5280 4.1.2.6 has authorities write them.

Start reading at `Certificate`; `path.py` goes from a leaf to an anchor.
"""

from ipsec.errors import AuthError
from ipsec.ike.auth.der import INTEGER, OCTETS, OID, Der, same
from ipsec.micro import const

_MAX_LEN = const(4096)
_MAX_EXTENSIONS = const(32)
_UTC_TIME = const(0x17)
_GENERALIZED_TIME = const(0x18)
# keyUsage (RFC 5280 4.2.1.3), its first octet
_DIGITAL_SIGNATURE = const(0x80)
_NON_REPUDIATION = const(0x40)
_KEY_CERT_SIGN = const(0x04)
# Extensions are 2.5.29.n: basicConstraints, keyUsage, extKeyUsage, subjectAltName, nameConstraints
_BASIC = const(19)
_KEY_USAGE = const(15)
_PURPOSES = const(37)
_ALT_NAME = const(17)
_CONSTRAINTS = const(30)
_EXTENSIONS = b"\x55\x1d"
# serverAuth, ipsecIKE, ipsec IKE Intermediate, anyExtendedKeyUsage
_FIT = (
    b"\x2b\x06\x01\x05\x05\x07\x03\x01",
    b"\x2b\x06\x01\x05\x05\x07\x03\x11",
    b"\x2b\x06\x01\x05\x05\x08\x02\x02",
    b"\x55\x1d\x25\x00",
)
# Kinds of a subjectAltName by type of an identity: FQDN, RFC822_ADDR, IPv4, IPv6
_NAMES = {2: 0x82, 3: 0x81, 1: 0x87, 5: 0x87}
_FQDN = const(2)
_RFC822 = const(3)
_DN = const(9)


class Certificate:
    """Where the parts of the certificate `buf[begin:end]` lie.

    Raises AuthError. Allocates: itself and a few cursors.
    """

    def __init__(self, buf, begin, end):
        self.buf = buf
        self.begin = begin
        self.end = end
        self.is_ca = False
        self.path_len = self.usage = -1  # none given
        self.fits = True  # as to extKeyUsage
        self.constrained = False
        self.names_at = self.names_to = 0
        d = Der(buf, begin, end)
        if end - begin > _MAX_LEN:
            d.refuse("it has %d octets, more than %d" % (end - begin, _MAX_LEN))
        c = d.inside()
        d.done()
        t = c.inside()
        self.tbs_at, self.tbs_to = c.begin, c.to
        c.next(0x30)
        self.algorithm_at, self.algorithm_to = c.begin, c.to
        if c.bits():
            c.refuse("a signature with unused bits")
        self.signature_at, self.signature_to = c.at, c.to
        c.done()
        self._parse(t)

    def _parse(self, t):
        """TBSCertificate."""
        v = t.inside(0xA0) if t.peek(0xA0) else t.refuse("it is not of version 3")
        if v.small() != 2:
            v.refuse("it is not of version 3")
        v.done()
        t.unsigned()
        if t.to - t.at > 20:
            t.refuse("a serial number of more than 20 octets")
        t.next(0x30)
        if not same(self.buf, t.begin, t.to, self.buf, self.algorithm_at, self.algorithm_to):
            t.refuse("the two AlgorithmIdentifiers differ")
        t.next(0x30)
        self.issuer_at, self.issuer_to = t.begin, t.to
        if t.at == t.to:
            t.refuse("it names no issuer")
        d = t.inside()
        self.from_at = _moment(d)
        self.until_at = _moment(d)
        d.done()
        t.next(0x30)
        self.subject_at, self.subject_to = t.begin, t.to
        t.next(0x30)
        self.spki_at, self.spki_to = t.begin, t.to
        for tag in (0x81, 0x82):  # the unique identifiers, which say nothing
            if t.peek(tag):
                t.next()
        if t.peek(0xA3):
            e = t.inside(0xA3)
            self._parse_extensions(e.inside())
            e.done()
        t.done()

    def _parse_extensions(self, s):
        known = count = 0
        if not s.more():
            s.refuse("a list of no extensions")
        while s.more():
            count += 1
            if count > _MAX_EXTENSIONS:
                s.refuse("more than %d extensions" % _MAX_EXTENSIONS)
            x = s.inside()
            x.next(OID)
            number = self.buf[x.to - 1] if x.to - x.at == 3 and same(self.buf, x.at, x.at + 2, _EXTENSIONS, 0, 2) else 0
            critical = x.true()
            x.next(OCTETS)
            x.done()
            d = Der(self.buf, x.at, x.to)
            if number not in (_BASIC, _KEY_USAGE, _PURPOSES, _ALT_NAME, _CONSTRAINTS):
                if critical:
                    s.refuse("an extension that is critical and not known")
                continue
            if known >> number & 1:
                s.refuse("an extension twice")
            known |= 1 << number
            self._parse_extension(number, d)

    def _parse_extension(self, number, d):
        if number == _BASIC:
            self._parse_basic(d.inside())
        elif number == _KEY_USAGE:
            d.bits()
            if not 1 <= d.to - d.at <= 2:
                d.refuse("an odd keyUsage")
            self.usage = self.buf[d.at]
        elif number == _PURPOSES:
            self._parse_purposes(d.inside())
        elif number == _ALT_NAME:
            n = d.inside()
            self.names_at, self.names_to = n.pos, n.end
            if not n.more():
                n.refuse("an empty subjectAltName")
            while n.more():
                n.next()
        else:
            self.constrained = True
            d.next(0x30)
        d.done()

    def _parse_basic(self, s):
        self.is_ca = s.true()
        if s.peek(INTEGER):
            self.path_len = s.small()
            if not self.is_ca:
                s.refuse("a path length, but it is no authority's")
        s.done()

    def _parse_purposes(self, s):
        self.fits = False
        if not s.more():
            s.refuse("an empty extKeyUsage")
        while s.more():
            s.next(OID)
            for purpose in _FIT:
                self.fits |= s.equals(purpose)

    def is_named(self, identity) -> bool:
        """Whether the body of an ID payload is the subject, or one of the subjectAltNames; letter case does not count."""
        kind = identity[0]
        if kind == _DN:
            from ipsec.ike.identity import same as same_identity

            subject = bytes(memoryview(self.buf)[self.subject_at : self.subject_to])
            return len(subject) > 2 and same_identity(b"\x09\x00\x00\x00" + subject, identity)
        d = Der(self.buf, self.names_at, self.names_to)
        while d.more():
            is_kind = d.next() == _NAMES.get(kind) and d.to - d.at == len(identity) - 4
            if is_kind and _is_same_text(self.buf, d.at, identity, 4, kind in (_FQDN, _RFC822)):
                return True
        return False

    def is_issued_by(self, other) -> bool:
        """Whether its issuer's name is the other's subject."""
        return same(self.buf, self.issuer_at, self.issuer_to, other.buf, other.subject_at, other.subject_to)

    def may_issue(self) -> bool:
        """Whether it is an authority's."""
        return self.is_ca and (self.usage < 0 or self.usage & _KEY_CERT_SIGN != 0) and self.subject_to - self.subject_at > 2

    def may_sign(self) -> bool:
        """Whether its key may sign AUTH (RFC 4945 5.1.3.2)."""
        return self.usage < 0 or self.usage & (_DIGITAL_SIGNATURE | _NON_REPUDIATION) != 0

    def begins_after(self, moment) -> bool:
        """Whether it is not yet valid at `moment`, 14 digits."""
        return _is_later(self.buf, self.from_at, moment)

    def ends_before(self, moment) -> bool:
        """Whether it is no longer valid at `moment`."""
        return not _is_later(self.buf, self.until_at, moment) and self.until() != bytes(moment)

    def until(self) -> bytes:
        """Its last second, 14 digits."""
        return moment_text(self.buf, self.until_at)


def _moment(d) -> int:
    """Where the digits of a UTCTime or GeneralizedTime begin: seconds, and Z (RFC 5280 4.1.2.5)."""
    tag = d.next()
    n = d.to - d.at
    if (tag != _UTC_TIME or n != 13) and (tag != _GENERALIZED_TIME or n != 15) or d.buf[d.to - 1] != 90:
        d.refuse("a time that is none")
    for i in range(d.at, d.to - 1):
        if not 48 <= d.buf[i] <= 57:
            d.refuse("a time that is none")
    return d.at


def moment_text(buf, at) -> bytes:
    """The 14 digits of a time; the digits of a UTCTime are behind the octet 13 of its length."""
    if buf[at - 1] == 15:
        return bytes(memoryview(buf)[at : at + 14])
    return (b"19" if buf[at] >= 53 else b"20") + bytes(memoryview(buf)[at : at + 12])


def _is_later(buf, at, moment) -> bool:
    return moment_text(buf, at) > bytes(moment)


def _is_same_text(a, a_at, b, b_at, any_case) -> bool:
    """Whether b[b_at:] stands at a[a_at:]; `any_case`: for letters of ASCII."""
    for i in range(len(b) - b_at):
        x, y = a[a_at + i], b[b_at + i]
        if x != y and not (any_case and x | 32 == y | 32 and 97 <= x | 32 <= 122):
            return False
    return True


def refuse(why: str, *what):
    """Raise AuthError for a chain, in the words of `refusals.py`, which is loaded only then."""
    from ipsec.ike.auth.refusals import text

    raise AuthError(text(why, *what))
