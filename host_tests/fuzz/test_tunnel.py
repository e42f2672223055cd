"""Property tests of the whole client: whatever comes, in whatever order, its promises hold (`watch.py` has them).

Start reading at `test_any_datagram_at_any_stage`.
"""

import pytest

pytest.importorskip("hypothesis", reason="hypothesis is not installed")

import transcript as t  # noqa: E402
from hypothesis import example, given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from test_init_response import parse, response  # noqa: E402

from host_tests.fuzz.watch import STAGES, WatchedForger, at, bounded  # noqa: E402

TRANSCRIPT = [name for name in dir(t) if name.endswith(("_IN", "_OUT"))]
SPIS = t.INIT_IN[:16]
AFTER = {"init": t.INIT_IN, "auth": t.AUTH_IN, "up": t.LIVENESS_IN, "closing": t.DELETE_IN}

octets = st.binary(max_size=120)
# Headers that pass the first checks, so that what follows is looked at
starts = st.sampled_from(
    [
        b"",
        bytes(4),
        bytes(4) + SPIS,
        SPIS[:8] + bytes(8),
        SPIS,
        t.ACK_IN[:4],
        t.ACK_IN[:8],
        bytes(4) + SPIS + b"\x2e\x20\x25\x20\0\0\0\2",
        bytes(4) + SPIS + b"\x2e\x20\x25\0\0\0\0\0",
        SPIS + b"\x21\x20\x22\x20\0\0\0\0",
    ]
)


def with_length(datagram: bytes, marker: int) -> bytes:
    """The datagram with a right length in its IKE header."""
    at_ = marker + 24
    if len(datagram) < marker + 28:
        return datagram
    return datagram[:at_] + (len(datagram) - marker).to_bytes(4, "big") + datagram[at_ + 4 :]


@bounded(400)
@given(st.sampled_from(STAGES), starts, octets, st.booleans())
def test_any_datagram_at_any_stage(stage, start, rest, mend):
    """It changes nothing, and the right datagram still works afterwards."""
    player = at(stage)
    datagram = start + rest
    if mend:
        datagram = with_length(datagram, 0 if stage == "init" else 4)
    before, sent = player.state, len(player.sent)
    player.receive(datagram)
    assert player.state == before and len(player.sent) == sent
    if stage in AFTER:
        player.receive(AFTER[stage] if stage != "closing" else forged_answer(stage, player))
        assert player.state != before


def forged_answer(stage, player):
    """The gateway's answer to the Delete, whose message ID depends on what the client has done before."""
    other = WatchedForger("up")
    return other.seal([], 37, player.tunnel._ikes.lead.window._next_id)


@bounded(300)
@given(
    st.sampled_from(STAGES[1:4]),
    st.sampled_from(TRANSCRIPT),
    st.lists(st.tuples(st.integers(0, 400), st.integers(1, 255)), min_size=1, max_size=4),
    st.integers(-40, 0),
)
def test_class_state_bypass_spoiled_messages_change_nothing(stage, name, flips, cut):
    """Protected messages with flipped bits or without their end; those of IKE_SA_INIT are over at these stages."""
    player = at(stage)
    datagram = bytearray(getattr(t, name))
    for where, mask in flips:
        datagram[where % len(datagram)] ^= mask
    if cut:
        datagram = datagram[:cut]
    if bytes(datagram) == getattr(t, name):
        return  # the flips have undone each other
    before = player.state
    player.receive(bytes(datagram))
    assert player.state == before


# Structure: payloads as (kind, body), changed as a whole.

notify_types = st.one_of(st.integers(0, 50), st.integers(16384, 16450), st.integers(0, 0xFFFF))
notifies = st.builds(lambda kind, data: (41, bytes([0, 0]) + kind.to_bytes(2, "big") + data), notify_types, octets)
deletes = st.builds(lambda body: (42, body), st.one_of(octets, st.just(b"\1\0\0\0"), st.just(b"\3\4\0\1" + t.READING_OUT[:4])))
strangers = st.tuples(st.integers(0, 255), octets)
payloads = st.one_of(notifies, deletes, strangers)
changes = st.one_of(
    st.tuples(st.just("swap"), st.integers(0, 9), st.integers(0, 9)),
    st.tuples(st.just("drop"), st.integers(0, 9), st.just(0)),
    st.tuples(st.just("double"), st.integers(0, 9), st.integers(0, 9)),
    st.tuples(st.just("insert"), st.integers(0, 9), payloads),
    st.tuples(st.just("kind"), st.integers(0, 9), st.integers(0, 255)),
    st.tuples(st.just("flip"), st.integers(0, 9), st.tuples(st.integers(0, 300), st.integers(1, 255))),
    st.tuples(st.just("cut"), st.integers(0, 9), st.integers(0, 60)),
    st.tuples(st.just("append"), st.integers(0, 9), octets),
)
edits = st.lists(changes, min_size=1, max_size=4)


def edited(chain, steps):
    """The payloads after all changes."""
    chain = list(chain)
    for what, where, how in steps:
        if what == "insert":
            chain.insert(where % (len(chain) + 1), how)
        if not chain:
            continue
        i = where % len(chain)
        kind, body = chain[i]
        if what == "swap":
            chain[i], chain[how % len(chain)] = chain[how % len(chain)], chain[i]
        elif what == "drop":
            del chain[i]
        elif what == "double":
            chain.insert(how % (len(chain) + 1), chain[i])
        elif what == "kind":
            chain[i] = how, body
        elif what == "flip" and body:
            at_, mask = how[0] % len(body), how[1]
            chain[i] = kind, body[:at_] + bytes([body[at_] ^ mask]) + body[at_ + 1 :]
        elif what == "cut":
            chain[i] = kind, body[:how]
        elif what == "append":
            chain[i] = kind, body + how
    return chain


def lie(octets_: bytes, lies) -> bytes:
    """Octets with some of them replaced: lengths, counts, next payloads."""
    changed = bytearray(octets_)
    for where, value in lies:
        if changed:
            changed[where % len(changed)] = value
    return bytes(changed)


lies = st.lists(st.tuples(st.integers(0, 300), st.sampled_from([0, 1, 3, 4, 8, 41, 0x7F, 0x80, 0xFF])), max_size=2)


@bounded(400)
@given(edits, lies)
@example([("insert", 0, (41, b"\0\0\x40\x06cookie"))], [])
def test_edited_ike_sa_init_responses(steps, false_octets):
    """Nobody has proved anything yet: the tunnel never comes up by them, and the good response still wins."""
    player = at("init")
    datagram = response(edited(parse(t.INIT_IN), steps))
    datagram = datagram[:28] + lie(datagram[28:], false_octets)
    player.receive(datagram)
    assert player.events == []
    moved = player.tunnel.path.floated
    player.receive(t.INIT_IN)
    player.receive(t.AUTH_IN)
    if not moved and len(player.sent) == 2:
        assert player.sent[1] == (15501, t.AUTH_OUT) and player.tunnel.is_up
    elif datagram != t.INIT_IN:
        assert not player.tunnel.is_up
    player.run_out()


def sealed(chain):
    """Payloads as `Forger.seal` wants them; their critical bit is that of their type's lowest one, for variety."""
    return [(kind, body, kind >= 200) for kind, body in chain if kind]


@bounded(400)
@given(edits, lies)
@example([("swap", 0, 0)], [(176, 1)])  # selectors that are cut, with a warning
def test_edited_ike_auth_responses(steps, false_octets):
    """Sealed with the right keys: one event beside warnings, up or failed; when it is up, it is what was offered."""
    forger = WatchedForger("auth")
    player = forger.player
    chain = sealed(edited([(kind, body) for kind, body, _ in forger.good()], steps))
    inside = bytearray()
    for i, (_, body, critical) in enumerate(chain):
        following = chain[i + 1][0] if i + 1 < len(chain) else 0
        inside += bytes([following, 0x80 if critical else 0]) + (4 + len(body)).to_bytes(2, "big") + body
    player.receive(forger.seal_octets(lie(inside, false_octets), chain[0][0] if chain else 0))
    assert len([e for e in player.events if e.kind != "warning"]) == 1
    if player.tunnel.is_up:
        [child] = player.tunnel._ikes.lead.children
        assert child.suite == (16, 128, 0, 0) and len(child.spi_out) == 4
        for _, _, _, first, last in child.ts_remote:
            assert bytes([10, 10, 0, 0]) <= first <= last <= bytes([10, 10, 0, 255])
    player.run_out()
    assert player.tunnel.is_closed


exchanges = st.one_of(st.sampled_from([34, 35, 36, 37]), st.integers(0, 255))


@bounded(400)
@given(
    st.sampled_from(["auth", "up", "closing"]),
    st.lists(
        st.tuples(st.lists(payloads, max_size=3), lies, exchanges, st.integers(0, 3), st.booleans()), min_size=1, max_size=4
    ),
)
@example("up", [([(42, b"\x03\x04\x00\x01-\xb8\x03'")], [], 37, 0, False)])  # the Child SA alone
def test_any_request_and_response_with_the_right_keys(stage, messages):
    """Before AUTH is verified requests do nothing; afterwards each gets one answer, and an end is told once."""
    forger = WatchedForger(stage)
    player = forger.player
    for chain, false_octets, exchange, message_id, is_response in messages:
        if player.tunnel.is_closed:
            break
        inside = bytearray()
        chain = sealed(chain)
        for i, (_, body, critical) in enumerate(chain):
            following = chain[i + 1][0] if i + 1 < len(chain) else 0
            inside += bytes([following, 0x80 if critical else 0]) + (4 + len(body)).to_bytes(2, "big") + body
        first = chain[0][0] if chain else 0
        before = player.state
        waits_for_auth = stage == "auth" and player.events == []
        message = forger.seal_octets(lie(inside, false_octets), first, exchange, message_id, is_response)
        player.receive(message)
        if waits_for_auth and not is_response:
            assert player.state == before
        if stage == "auth":
            assert not player.tunnel.is_up
    player.run_out()
    assert player.tunnel.is_closed


# Any order of everything.

steps_ = st.one_of(
    st.tuples(st.just("play"), st.sampled_from(TRANSCRIPT)),
    st.tuples(st.just("noise"), octets),
    st.tuples(st.just("tick"), st.sampled_from([0, 1, 199, 200, 1000, 2000, 20000, 30000, 10800000])),
    st.tuples(st.just("send"), st.integers(0, 1500)),
    st.tuples(st.just("request"), st.tuples(exchanges, st.integers(0, 2), st.lists(payloads, max_size=2))),
    st.tuples(st.just("close"), st.just(0)),
    st.tuples(st.just("unreachable"), st.just(0)),
)


@bounded(300)
@given(st.sampled_from(STAGES[:3]), st.lists(steps_, max_size=25), st.booleans())
def test_any_order_of_datagrams_ticks_and_sends(stage, steps, reconnect):
    forger = WatchedForger(stage, reconnect=reconnect)
    player = forger.player
    socket = player.tunnel.stack.udp(4000)
    closed = False
    for what, how in steps:
        if what == "play":
            player.receive(getattr(t, how))
        elif what == "noise":
            player.receive(how)
        elif what == "tick":
            player.tick(how)
        elif what == "send":
            try:
                socket.sendto(bytes(how), ("10.10.0.1", 5000))
            except OSError:
                assert not player.tunnel.is_up or how > 1300
            player.drain()
            player.check(1)
        elif what == "request" and stage != "init":
            exchange, message_id, chain = how
            player.receive(forger.seal(sealed(chain), exchange, message_id, response=False))
        elif what == "close":
            player.close()
            closed = True
        elif what == "unreachable":
            player.tunnel.unreachable("ECONNREFUSED")
    if closed or not reconnect:
        player.run_out()
        assert player.tunnel.is_closed
        before, sent = player.state, len(player.sent)
        for name in TRANSCRIPT:
            player.receive(getattr(t, name))
        player.tick(10**7)
        assert player.state == before and len(player.sent) == sent  # closed stays closed
