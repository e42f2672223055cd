"""The answer to a Delete that is lost, both ways (RFC 7296 1.4.1, 2.1): who waits does so for a bounded time, and nobody else."""

from talk import D, N
from test_rekey import (
    DELETE,
    DELETED,
    EMPTY,
    SPI,
    UP,
    answer_rekey,
    answer_rekey_ike,
    ask_rekey,
    ask_rekey_ike,
    due,
    lead,
    receives_on,
    sends_on,
    start,
)


def until_silent(talk, ms):
    """Let time pass in steps; the Deletes that were sent, and when the last one was."""
    sent, last = [], 0
    before = len(talk.player.sent)
    for at in range(0, ms, 50):
        talk.wait(50)
        new = [octets for _, octets in talk.player.sent[before:] if octets[:4] == bytes(4) and octets[22] == 37]
        before = len(talk.player.sent)
        if new:
            sent += new
            last = at + 50
    talk.sent()
    return sent, last


def test_ours_for_a_child_sa_is_sent_again_bit_by_bit_while_packets_pass():
    talk = start()
    old = talk.child
    due(talk)
    answer_rekey(talk)
    first = talk.player.last()
    for _ in range(3):
        talk.wait(3000)
        assert talk.player.last() == first and sends_on(talk) == SPI
    talk.answer(D("ESP", old.spi_out))
    talk.sent()
    assert [pair[1] for pair in talk.children()] == [SPI] and talk.causes() == UP
    talk.wait(60000)
    talk.expect()


def test_ours_for_a_child_sa_that_the_gateway_has_forgotten_is_done_with_any_answer():
    for answer in ((), (N("CHILD_SA_NOT_FOUND"),)):
        talk = start()
        due(talk)
        answer_rekey(talk)
        talk.answer(*answer)
        assert [pair[1] for pair in talk.children()] == [SPI] and talk.causes() == UP


def test_ours_for_a_child_sa_is_bounded():
    """A gateway that answers nothing any more is dead, within the time of a request."""
    talk = start(reconnect=True)
    talk.wait(6000)
    due(talk)
    answer_rekey(talk)
    sent, last = until_silent(talk, 31000)
    assert len(set(sent)) == 1 and 3 <= len(sent) <= 14 and last <= 31000
    assert talk.causes()[1] == "down timeout"


def test_ours_for_the_ike_sa_is_bounded_whatever_comes():
    talk = start()
    talk.player.close()
    talk.expect(DELETE)
    sent, last = until_silent(talk, 10000)
    assert 1 <= len(sent) <= 6 and last <= 3000
    assert talk.player.tunnel.is_closed and talk.causes() == UP + ["down closed"]
    talk.answer()  # much too late
    assert talk.causes() == UP + ["down closed"]


def test_ours_for_an_ike_sa_that_was_replaced_disturbs_nobody():
    talk = start()
    due(talk, ike=True)
    answer_rekey_ike(talk)
    talk.expect("--> CREATE_CHILD_SA request { SA Nonce KE }", DELETE)
    heir = talk.heir()
    sent, last = until_silent(talk, 10000)
    assert 1 <= len(sent) <= 6 and len(set(sent)) == 1 and last <= 3000
    assert talk.player.tunnel._ikes.all() == [heir.ike] and talk.causes() == UP
    heir.ask("INFORMATIONAL")
    heir.expect(EMPTY)


def test_the_gateways_for_a_child_sa_gets_the_same_answer_and_takes_effect_once():
    talk = start()
    old = talk.child
    ask_rekey(talk)
    talk.sent()
    talk.ask("INFORMATIONAL", D("ESP", old.spi_out))
    talk.expect(DELETED)
    first = talk.player.last()
    for _ in range(3):
        talk.wait(500)
        talk.again()
        talk.expect(DELETED)
        assert talk.player.last() == first
    assert [pair[1] for pair in talk.children()] == [SPI] and talk.causes() == UP
    talk.wait(3000)
    assert receives_on(talk) == [SPI]


def test_the_gateways_for_the_last_child_sa_makes_one_and_not_one_for_each_copy():
    talk = start()
    talk.ask("INFORMATIONAL", D("ESP", talk.child.spi_out))
    talk.expect(DELETED, "--> CREATE_CHILD_SA request { SA Nonce TSi TSr }")
    talk.again()
    talk.expect(DELETED)
    answer_rekey(talk)
    assert talk.causes() == UP + ["down deleted", "up up"] and len(talk.children()) == 1


def test_the_gateways_for_the_ike_sa_ends_it_once_and_its_copies_find_nobody():
    """Nothing is kept of an IKE SA that is over, so they get no answer: how long it repeats them is the gateway's bound."""
    talk = start(reconnect=True)
    talk.wait(6000)
    talk.ask("INFORMATIONAL", D("IKE"))
    talk.expect(EMPTY)
    talk.wait(0)
    n = len(talk.player.sent)
    assert talk.player.last()[18] == 34 and talk.causes() == UP + ["down deleted"]
    for _ in range(5):
        talk.again()
    assert len(talk.player.sent) == n and talk.causes() == UP + ["down deleted"]
    assert len(talk.player.tunnel._ikes.all()) == 1


def test_the_gateways_for_an_ike_sa_that_was_replaced_ends_it_once():
    talk = start()
    ask_rekey_ike(talk)
    heir = talk.heir()
    talk.sent()
    talk.ask("INFORMATIONAL", D("IKE"))
    talk.expect(EMPTY)
    n = len(talk.player.sent)
    for _ in range(5):
        talk.again()
    assert len(talk.player.sent) == n and lead(talk) is heir.ike and talk.causes() == UP
    heir.ask("INFORMATIONAL")
    heir.expect(EMPTY)


def test_both_delete_the_same_child_sa_and_both_answers_are_lost():
    talk = start()
    old = talk.child
    due(talk)
    answer_rekey(talk)
    talk.sent()
    for _ in range(3):
        (talk.ask if _ == 0 else lambda *_: talk.again())("INFORMATIONAL", D("ESP", old.spi_out))
    talk.expect(EMPTY, EMPTY, EMPTY)
    talk.wait(3000)
    talk.sent()
    talk.answer()
    assert [pair[1] for pair in talk.children()] == [SPI] and talk.causes() == UP
