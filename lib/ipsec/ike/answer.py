"""Answers to the peer's requests on an established IKE SA, symmetrical to `exchange.py` (RFC 7296 1.3, 1.4, 2.25).

Without the code for rekeying it is refused with NO_ADDITIONAL_SAS (RFC 7815), and the tunnel is made again before the gateway's
lifetime ends. Start reading at `answer`.
"""

from ipsec.errors import NotReady, PeerError
from ipsec.ike import iana, message, payload

_INVALID_SYNTAX = 7
_TEMPORARY_FAILURE = 43
_REKEY_SA = 16393
_AUTH_LIFETIME = 16403
_REDIRECT = 16407
_SPI_LEN = {iana.PROTO_IKE: 0, iana.PROTO_ESP: 4}
_RENEW_MS = 200  # time for the gateway to take our refusal before our Delete


def answer(window, sa, m, now: int, error=None):
    """Answer a request once what it needs is loaded; with its error when it cannot be right (RFC 7296 2.21.3)."""
    b = message.begin(sa, None, m.exchange, m.message_id, True, message.FLAG_RESPONSE)
    if error:
        sa.heard(now)
        b.notify(error.notify, error.data)
        window.respond(b)
        if error.notify == _INVALID_SYNTAX:
            sa.end("invalid_syntax", "the gateway sent a malformed request: %s" % error)
        return None
    try:
        after = build(sa, m, b)
    except PeerError as e:
        return answer(window, sa, m, now, e)
    except NotReady as e:
        m.buf = bytes(memoryview(m.buf)[: m.end])
        return sa.put_off(e.what, lambda now: answer(window, sa, m, now))
    return window.respond(b, after, now)


def build(sa, m, b):
    """Append the response's payloads; returns what to do once it is on its way, a function of (sa, now), or None.

    Raises PeerError with the notify to answer. A request of an unknown exchange is answered with nothing inside, since an
    error would end an IKE SA that is well.
    """
    if m.exchange == iana.INFORMATIONAL:
        return _informational(sa, m, b)
    if m.exchange != iana.CREATE_CHILD_SA:
        return None
    if not sa.is_up():
        return b.notify(_TEMPORARY_FAILURE)  # it ends (RFC 7296 2.25.2)
    reader = m.find(iana.SA)
    # for a new IKE SA if the first proposal's protocol says so, else for a Child SA (RFC 7296 1.3)
    ike = reader is not None and reader.left() > 5 and reader.buf[reader.pos + 5] == iana.PROTO_IKE
    try:
        if ike:
            from ipsec.ike.rekey_ike import answer_rekey_ike

            return answer_rekey_ike(sa, m, b)
        from ipsec.ike.create_child import answer_child

        return answer_child(sa, m, b)
    except ImportError:
        b.notify(iana.NO_ADDITIONAL_SAS)
        return _renew if ike or payload.notify_data(m, _REKEY_SA) is not None else None


def _renew(sa, now):
    sa.renew("the gateway wants new keys", now + _RENEW_MS)


def _informational(sa, m, b):
    """An empty request is a liveness check, a Delete ends something; everything else is ignored (RFC 7296 1.4)."""
    payload.error_notify(m)  # a malformed Notify ends the IKE SA like any other payload (RFC 7296 2.21.3)
    after = None
    deleted = []
    if sa.mobike:
        sa.mobike.answer(sa, m, b)
    data = payload.notify_data(m, _REDIRECT) if sa.config.redirect and sa.is_up() else None
    if data is not None:
        from ipsec.ike.redirect import follow

        follow(sa, data)  # which takes effect once our answer is on its way
    data = payload.notify_data(m, _AUTH_LIFETIME)
    if data and len(data) == 4:
        sa.lives(int.from_bytes(data, "big"))
    for reader in m.each(iana.DELETE):
        protocol, spis = parse_delete(reader)
        if protocol == iana.PROTO_IKE:
            after = _ike_deleted
        deleted += [c for c in sa.children if _has_spi(spis, c.spi_out) and c not in deleted]
    if deleted and after is None:
        active = sa.window.active
        ours = active.about if active and active.kind == iana.INFORMATIONAL else None  # our own Delete says the same
        spis = [c.spi_in for c in deleted if c is not ours]
        if spis:
            payload.write_delete(b, *spis)  # the other direction of each pair (RFC 7296 1.4.1)
        return lambda sa, now: _children_deleted(sa, deleted, now)
    return after


def _children_deleted(sa, children, now):
    """Without the code to make another Child SA the IKE SA has no use after the last one."""
    try:
        from ipsec.ike.create_child import deleted
    except ImportError:
        sa.remove(children)
        if sa.is_up() and not sa.children:
            sa.lost_child()
            sa.close(now)
        return None
    return deleted(sa, children, now)


def _ike_deleted(sa, now):
    from ipsec.ike import remedy

    sa.end("deleted", remedy.deleted(sa.config))


def parse_delete(reader) -> tuple:
    """`(protocol, SPIs in a row)` of a Delete payload (RFC 7296 3.11); no SPI for the IKE SA.

    Raises PeerError.
    """
    protocol = reader.u8()
    spi_len = reader.u8()
    count = reader.u16()
    if protocol not in _SPI_LEN or spi_len != _SPI_LEN[protocol] or reader.left() != spi_len * count:
        raise PeerError("Delete for protocol %d with %d SPIs of %d octets" % (protocol, count, spi_len))
    return protocol, reader.rest()


def _has_spi(spis, spi) -> bool:
    """Whether an ESP SPI is among those in a row."""
    return any(spis[i : i + 4] == spi for i in range(0, len(spis), 4))
