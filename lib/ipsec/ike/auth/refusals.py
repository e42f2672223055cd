"""Why a gateway's certificate is refused, in words, with what the administrator can do; loaded only then.

Start reading at `text`.
"""

_WORDS = {
    "none": "there is none: let the gateway send its certificate (send_cert, sendca, leftsendcert), or give gateway_key",
    "encoding": "it is none of X.509 itself, but a URL or another encoding, which is never fetched: let the gateway send it",
    "root": "no authority of ca_file issued it, nor one whose certificate came with it: give the device the root that issued it, "
    "or let the gateway send its intermediate certificates",
    "signature": "it names an authority that we have, but another key signed it: an authority of the same name is not in "
    "ca_file, or somebody is in the gateway's place",
    "kind": "its signature, or the key of its issuer, is none of Ed25519, ECDSA on P-256 or P-384, and RSA from 2048 bits on, "
    "with SHA-256, SHA-384 or SHA-512: issue it with one of them",
    "usage": "its keyUsage has neither digitalSignature nor nonRepudiation: issue one that has",
    "purpose": "its extKeyUsage, or that of its issuer, has none of serverAuth, ipsecIKE and any: issue one that has",
    "constrained": "it or its issuer has name constraints, which the device cannot check: use an authority without them",
    "authority": "it was issued by what is no authority (basicConstraints, keyCertSign): let an authority issue it",
    "depth": "more authorities stand above it than the path length of one of them allows: issue it by a higher one",
    "long": "there are more than 4 certificates up to the root: put an intermediate authority into ca_file",
    "authority over": "an authority that issued it has ended: renew that authority's certificate, and ca_file; or set the clock",
    "authority early": "an authority that issued it is not valid yet: check the device's clock",
}


def text(why: str, *what) -> str:
    """The words for a refusal by `path.py` or `cert.py`; `what` it is about."""
    if why in ("over", "early"):
        return "the gateway's certificate " + _date(why, *what)
    if why == "name":
        return "the gateway's certificate " + _name(*what)
    if why == "many":
        return "the gateway sends more than %d certificates: let it send its own and the issuers of that only" % what[0]
    if why == "checks":
        return "the gateway's certificate needs more than %d checks of signatures: send a leaf and its issuers only" % what[0]
    return "the gateway's certificate is not accepted: " + _WORDS[why]


def _date(why, leaf, moment) -> str:
    from ipsec.ike.auth.x509 import moment_text

    now = _day(moment.now)
    if why == "early":
        return "is not valid before %s, and the clock says %s: set the clock, or correct it at the gateway" % (
            _day(moment_text(leaf.buf, leaf.from_at)),
            now,
        )
    known = "the clock says" if moment.is_certain else "the device was provisioned on"
    remedy = ", or set the clock if that is wrong" if moment.is_certain else ""
    return "ended on %s, and %s %s: renew it at the gateway%s" % (_day(leaf.until()), known, now, remedy)


def _day(digits) -> str:
    d = bytes(digits).decode()
    return "%s-%s-%s" % (d[:4], d[4:6], d[6:8])


def _name(leaf, identity) -> str:
    from ipsec.ike.identity import describe

    wanted = describe(identity)
    if identity[0] == 9:
        return "has another subject than remote_id, '%s': correct one of them" % wanted
    if leaf.names_at == leaf.names_to:
        return "has no subjectAltName; '%s' must stand there (CN does not count): issue one that has it" % wanted
    return "has no subjectAltName '%s', but %s: correct remote_id, or issue one that has it" % (wanted, _names(leaf))


def _names(leaf) -> str:
    """Its names, at most four of them, octets of a peer escaped."""
    from ipsec.ike.auth.der import Der
    from ipsec.ike.identity import describe

    found: list[str] = []
    d = Der(leaf.buf, leaf.names_at, leaf.names_to)
    kinds = {0x82: 2, 0x81: 3}
    while d.more() and len(found) < 4:
        kind = d.next()
        n = d.to - d.at
        kind = kinds.get(kind, 0) if kind != 0x87 else {4: 1, 16: 5}.get(n, 0)
        if kind and n <= 128:
            found.append("'%s'" % describe(bytes((kind, 0, 0, 0)) + bytes(memoryview(leaf.buf)[d.at : d.to])))
    return ", ".join(found) or "only others"
