"""A seeded part of `python -m host_tests.fuzz`: every state of a client under spoiled and lying messages."""

import pytest
from forge import CREATE_CHILD_SA

from host_tests.fuzz.__main__ import fuzz
from host_tests.fuzz.messages import STATES, Client, Source

_MESSAGES = 60_000  # five seconds each


@pytest.mark.slow
@pytest.mark.parametrize("state", STATES)
def test_no_message_breaks_a_promise(state):
    figures = fuzz(state, _MESSAGES, seed=8)
    assert figures["messages"] == _MESSAGES and figures["clients"] > 900
    if state != "init":
        assert figures["proved"] > _MESSAGES // 3 and figures["ended"] > 1000
    assert figures["worst memory"] > 0


def test_rekey_requests_are_good_before_they_are_spoiled():
    """Each kind of CREATE_CHILD_SA request of the gateway: answered, not as malformed, and the tunnel stays up."""
    source, kinds = Source("rekey", 1), set()
    for _ in range(40):
        client = Client("rekey")
        chain = source._requests.draw(client)
        kinds.add((tuple(kind for kind, _ in chain), chain[0][1][5] if chain[0][0] == 33 else 0))
        sent = len(client.player.sent)
        client.request([(kind, body, False) for kind, body in chain], CREATE_CHILD_SA)
        answer = client.last_sent()
        assert len(client.player.sent) == sent + 1 and (41, b"\0\0\0\x07") not in answer and client.player.tunnel.is_up
    assert kinds == {((33, 40, 34), 1), ((33, 40, 44, 45), 3), ((41, 33, 40, 44, 45), 0), ((41, 33, 40, 34, 44, 45), 0)}
