"""One log line for each IKE message; loaded only when a log sink is set.

`> IKE_SA_INIT 0 request: SA KE Nonce N(COOKIE), 232 octets` where `>` is sent, `<` received. Start reading at `sent`.
"""

from ipsec.ike import iana, message, names


def sent(b, response: bool) -> str:
    """A message that a Builder has finished; octets are those of the IKE message without the non-ESP marker."""
    kinds = " ".join([_kind_name(kind) for kind in b.kinds if kind != iana.SK])
    exchange = b.buf[b.start + 18]
    message_id = b.buf[b.start + 22] << 8 | b.buf[b.start + 23]
    return _line(">", exchange, message_id, response, kinds, b.pos - b.start)


def received(m) -> str:
    """A message that came in, after its SK payload has been opened."""
    kinds = " ".join([_payload_name(m.buf, kind, pos, end) for kind, pos, end in m.payloads])
    return _line("<", m.exchange, m.message_id, m.flags & message.FLAG_RESPONSE, kinds, m.end - m.pos)


def _line(arrow, exchange, message_id, response, contents, octets):
    kind = "response" if response else "request"
    return "%s %s %d %s: %s, %d octets" % (arrow, names.exchange(exchange), message_id, kind, contents or "empty", octets)


def _kind_name(kind):
    if kind >= message.NOTIFY_BASE:
        return "N(%s)" % names.notify(kind - message.NOTIFY_BASE)
    return names.payload(kind)


def _payload_name(buf, kind, pos, end):
    if kind == iana.NOTIFY and end - pos >= 4:
        return _kind_name(message.NOTIFY_BASE + (buf[pos + 2] << 8 | buf[pos + 3]))
    return names.payload(kind)
