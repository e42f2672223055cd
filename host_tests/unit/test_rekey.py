"""New keys for Child SA and IKE SA, by either side, crossed, lost, refused, deleted meanwhile (RFC 7296 1.3, 2.8, 2.18, 2.25).

A nonce of zeros is the lowest of four and one of 0xff never is, so the gateway of these tests decides who loses a collision.
"""

from inet_support import udp
from ipsec.esp.transform import EspSa
from ipsec.ike.child import ChildSa
from talk import ENCR_CCM, KE_X25519, NO_ESN, PRF_SHA256, SA, D, N, Talk, raw

UP = ["up up"]
WARNED = UP + ["warning rekey"]  # which says what the gateway refuses
LOW, HIGH = bytes(32), b"\xff" * 32
SPI, OTHER = b"\x77\x01\x02\x03", b"\x77\x09\x09\x09"  # of the gateway's new Child SAs
IKE_SPI = b"gateway9"
REKEY = "--> CREATE_CHILD_SA request { N(REKEY_SA) SA Nonce TSi TSr }"
REKEY_PFS = "--> CREATE_CHILD_SA request { N(REKEY_SA) SA Nonce KE TSi TSr }"
REKEY_IKE = "--> CREATE_CHILD_SA request { SA Nonce KE }"
REKEYED = "--> CREATE_CHILD_SA response { SA Nonce TSi TSr }"
DELETE, DELETED, EMPTY = "--> INFORMATIONAL request { D }", "--> INFORMATIONAL response { D }", "--> INFORMATIONAL response {  }"
TEMPORARY = "--> CREATE_CHILD_SA response { N(TEMPORARY_FAILURE) }"


def selectors(talk):
    """TSi and TSr of the IKE_AUTH response: the device's side and the gateway's."""
    found = {kind: body for kind, body, _ in talk.good()}
    return found[44], found[45]


def start(**changes):
    options = {"dpd_s": 0, "natt_keepalive_s": 0, "lifetime_s": 86400, "child_lifetime_s": 86400}
    options.update(changes)
    talk = Talk(**options)
    talk.sides = selectors(Talk(up=False))
    return talk


def new_child(talk, nonce, spi=SPI, ours=True, *more):
    """What the gateway's request or response for a Child SA holds; TSi is the side of whoever asks."""
    device, gateway = talk.sides
    if ours:
        device, gateway = gateway, device
    transforms = [ENCR_CCM] + ([KE_X25519] if more else []) + [NO_ESN]
    return [SA("ESP", spi, *transforms), raw("Nonce", nonce)] + list(more) + [raw("TSi", device), raw("TSr", gateway)]


def ask_rekey(talk, nonce=HIGH, spi=SPI, old=None, more=()):
    """<-- CREATE_CHILD_SA { N(REKEY_SA), SA, Ni, [KEi], TSi, TSr }"""
    old = old or talk.ike.children[-1].spi_out
    talk.ask("CREATE_CHILD_SA", N("REKEY_SA", b"", 3, old), *new_child(talk, nonce, spi, True, *more))


def answer_rekey(talk, nonce=HIGH, spi=SPI, more=()):
    """<-- CREATE_CHILD_SA response { SA, Nr, [KEr], TSi, TSr }"""
    talk.answer(*new_child(talk, nonce, spi, False, *more))


def due(talk, ike=False):
    """Our own rekeying is due."""
    talk.player.tunnel._upkeep.rekey_at(ike, talk.player.now)
    talk.wait(0)


def sends_on(talk):
    """The SPI that the device's packets have."""
    return talk.player.tunnel._sadb.sending.spi_out


def receives_on(talk):
    return [sa.spi_out for sa in talk.player.tunnel._sadb.all]


def ke(talk):
    """A KE payload of the gateway's, and its private half."""
    dh = talk.ike.crypto.new_dh(31, lambda n: bytes(range(n)))
    return raw("KE", b"\0\x1f\0\0" + bytes(dh.public))


# The Child SA, by us


def test_en_i_1_2_3_our_rekey_makes_before_it_breaks():
    talk = start()
    old = talk.child
    due(talk)
    talk.expect(REKEY)
    [body] = [body for kind, body in talk.last_sent() if kind == 41]
    assert body == bytes([3, 4, 16393 >> 8, 16393 & 255]) + old.spi_in
    assert sends_on(talk) == old.spi_out
    answer_rekey(talk)
    talk.expect(DELETE)
    assert sends_on(talk) == SPI and receives_on(talk) == [old.spi_out, SPI]
    assert [body for _, body in talk.last_sent()] == [bytes([3, 4, 0, 1]) + old.spi_in]
    talk.answer(D("ESP", old.spi_out))
    assert [pair[1] for pair in talk.children()] == [SPI]
    assert receives_on(talk) == [old.spi_out, SPI]  # what is late is still taken
    talk.wait(3000)
    assert receives_on(talk) == [SPI] and talk.causes() == UP


def test_our_rekey_keeps_suite_and_selectors():
    talk = start(esp_proposals=["aes128ccm16", "aes256gcm16"])
    due(talk)
    found = dict(talk.last_sent())
    assert found[33][12:] == SA("ESP", bytes(4), ENCR_CCM, NO_ESN)[1][12:]  # only the suite in use
    device, gateway = talk.sides
    assert (found[44], found[45]) == (device, gateway)


def test_en_i_1_2_4_rekey_with_perfect_forward_secrecy():
    talk = start(esp_proposals=["aes128ccm16-x25519"])
    due(talk)
    talk.expect(REKEY_PFS)
    answer_rekey(talk, more=[ke(talk)])
    talk.expect(DELETE)
    assert sends_on(talk) == SPI and talk.causes() == UP


def groups_offered(talk):
    """The groups of the SA payload that was sent last."""
    sa, found = dict(talk.last_sent())[33], []
    pos = 8 + sa[6]
    while pos < len(sa):
        if sa[pos + 4] == 4:
            found.append(sa[pos + 6] << 8 | sa[pos + 7])
        pos += sa[pos + 2] << 8 | sa[pos + 3]
    return found


def test_a_gateway_that_has_a_list_of_its_own_groups_says_which():
    talk = start(reconnect=True)
    talk.wait(6000)
    due(talk)
    talk.expect(REKEY)
    for error, group in ((N("NO_PROPOSAL_CHOSEN"), 31), (N("INVALID_KE_PAYLOAD", b"\0\x13"), 19)):
        talk.answer(error)
        talk.expect(REKEY_PFS)
        assert groups_offered(talk)[0] == group
    assert 31 not in groups_offered(talk)  # which it has refused
    talk.answer(N("NO_PROPOSAL_CHOSEN"))
    talk.wait(0)
    assert talk.causes() == WARNED and "perfect forward secrecy" in talk.player.events[-1].text


def test_a_gateway_that_wants_a_group_gets_it():
    for error in (N("NO_PROPOSAL_CHOSEN"), N("INVALID_KE_PAYLOAD", b"\0\x1f")):
        talk = start()
        due(talk)
        talk.expect(REKEY)
        talk.answer(error)
        talk.expect(REKEY_PFS)
        offered = groups_offered(talk)
        assert offered[0] == 31 and set(offered[1:]) == set(talk.ike.crypto.installed()[1]) - {31} and len(offered) > 1
        answer_rekey(talk, more=[ke(talk)])
        talk.expect(DELETE)
        talk.answer(D("ESP", talk.child.spi_out))
        due(talk)
        talk.expect(REKEY_PFS)  # it is remembered
        assert talk.causes() == UP


def test_a_request_that_waits_is_not_sent_when_the_gateway_was_faster():
    talk = start(dpd_s=10)
    talk.wait(10000)
    talk.expect("--> INFORMATIONAL request {  }")
    due(talk)  # waits for the liveness check
    talk.expect()
    ask_rekey(talk)
    talk.expect(REKEYED)
    talk.answer()
    talk.expect()
    assert len(talk.children()) == 2


def test_a_lost_response_is_asked_for_again_bit_by_bit():
    talk = start()
    due(talk)
    first = talk.player.last()
    talk.wait(1000)
    assert talk.player.last() == first
    answer_rekey(talk)
    talk.again()
    assert len(talk.children()) == 2 and sends_on(talk) == SPI


def test_temporary_failure_is_asked_again_after_a_while_and_not_for_ever():
    talk = start(reconnect=True)
    talk.wait(6000)
    due(talk)
    for _ in range(12):
        talk.expect(REKEY)
        talk.answer(N("TEMPORARY_FAILURE"))
        talk.expect()
        talk.wait(699)
        talk.expect()
        talk.wait(1100)
    talk.expect(REKEY)
    talk.answer(N("TEMPORARY_FAILURE"))
    talk.wait(0)
    assert talk.causes() == WARNED
    talk.alone()
    assert talk.causes() == WARNED + ["down renew"]
    assert "TEMPORARY_FAILURE" in talk.player.events[-1].text


def test_what_the_gateway_refuses_for_good_makes_the_tunnel_again():
    for ike in (False, True):
        talk = start(reconnect=True)
        talk.wait(6000)
        due(talk, ike)
        talk.sent()
        talk.answer(N("NO_ADDITIONAL_SAS"))
        talk.wait(0)
        talk.expect()
        talk.alone()
        talk.expect(DELETE)
        assert talk.causes() == WARNED + ["down renew"] and "NO_ADDITIONAL_SAS" in talk.player.events[-1].text
        talk.answer()
        talk.wait(0)
        talk.expect("--> IKE_SA_INIT")


def test_child_sa_not_found_makes_another_one():
    talk = start()
    due(talk)
    talk.sent()
    talk.answer(N("CHILD_SA_NOT_FOUND", b"", 3, talk.child.spi_in))
    talk.expect("--> CREATE_CHILD_SA request { SA Nonce TSi TSr }")
    answer_rekey(talk)
    talk.expect()
    assert sends_on(talk) == SPI and len(talk.children()) == 1


def test_an_answer_that_is_not_within_the_offer_ends_the_tunnel():
    gcm, esn = (1, 20, 128), (5, 1, 0)
    for transforms in ([gcm, NO_ESN], [ENCR_CCM, KE_X25519, NO_ESN], [ENCR_CCM, esn], [ENCR_CCM, ENCR_CCM, NO_ESN]):
        talk = start()
        due(talk)
        device, gateway = talk.sides
        talk.answer(SA("ESP", SPI, *transforms), raw("Nonce", HIGH), raw("TSi", device), raw("TSr", gateway))
        assert talk.children() == [] and talk.causes()[1][:4] == "down", transforms


def test_class_rekey_response_with_a_reserved_spi_a_short_nonce_or_nothing_is_refused():
    for payloads in (
        lambda t: new_child(t, HIGH, b"\0\0\0\7", False),
        lambda t: new_child(t, bytes(15), SPI, False),
        lambda t: new_child(t, HIGH, SPI, False)[1:],
        lambda t: [],
        lambda t: new_child(t, HIGH, SPI, False)[:2],
    ):
        talk = start()
        due(talk)
        talk.answer(*payloads(talk))
        assert talk.children() == [] and len(talk.causes()) == 2


# The Child SA, by the gateway


def test_en_i_1_2_3_the_gateways_rekey_is_followed_when_it_uses_the_new_sa_or_deletes_the_old_one():
    for uses in (True, False):
        talk = start()
        old = talk.child
        ask_rekey(talk)
        talk.expect(REKEYED)
        assert sends_on(talk) == old.spi_out and receives_on(talk) == [old.spi_out, SPI]
        if uses:
            sadb = talk.player.tunnel._sadb
            sadb.heard(sadb.all[1])
            assert sends_on(talk) == SPI
        talk.ask("INFORMATIONAL", D("ESP", old.spi_out))
        talk.expect(DELETED)
        assert sends_on(talk) == SPI and len(talk.children()) == 1
        talk.wait(3000)
        assert receives_on(talk) == [SPI] and talk.causes() == UP


def test_the_gateways_rekey_with_perfect_forward_secrecy():
    talk = start()
    ask_rekey(talk, more=[ke(talk)])
    talk.expect("--> CREATE_CHILD_SA response { SA Nonce KE TSi TSr }")
    due(talk)
    assert len(talk.children()) == 2


def test_a_group_that_is_not_ours_is_told_which_one_is():
    talk = start(esp_proposals=["aes128ccm16-x25519"])
    ask_rekey(talk)  # without perfect forward secrecy, which our list demands
    talk.expect("--> CREATE_CHILD_SA response { N(NO_PROPOSAL_CHOSEN) }")
    device, gateway = talk.sides
    offer = SA("ESP", SPI, ENCR_CCM, (4, 19, 0), KE_X25519, NO_ESN)
    talk.ask(
        "CREATE_CHILD_SA",
        N("REKEY_SA", b"", 3, talk.child.spi_out),
        offer,
        raw("Nonce", HIGH),
        raw("KE", b"\0\x13\0\0" + bytes(64)),
        raw("TSi", gateway),
        raw("TSr", device),
    )
    talk.expect("--> CREATE_CHILD_SA response { N(INVALID_KE_PAYLOAD) }")
    assert talk.last_sent() == [(41, b"\0\0\0\x11\0\x1f")]
    assert len(talk.children()) == 1 and talk.causes() == UP


def test_class_rekey_request_sent_twice_makes_one_child_sa():
    talk = start()
    ask_rekey(talk)
    first = talk.player.last()
    talk.again()
    assert talk.player.last() == first and len(talk.children()) == 2


def test_class_rekey_hostile_rekey_sa_makes_nothing():
    """Another protocol, an SPI of another size, one of ours, none at all, two of which one is wrong (CVE-2023-38710)."""
    for protocol, spi in ((2, 4), (1, 8), (0, 0), (3, 0), (3, 3), (3, 8), (3, 255), (255, 4)):
        talk = start()
        talk.ask("CREATE_CHILD_SA", N("REKEY_SA", b"", protocol, b"\x77" * spi), *new_child(talk, HIGH, SPI, True))
        talk.sent()
        assert len(talk.children()) <= 1 and talk.player.tunnel._sadb.find(SPI, 0) is None, (protocol, spi)
    talk = start()
    ask_rekey(talk, old=talk.child.spi_in)  # the gateway receives on the other one
    talk.expect("--> CREATE_CHILD_SA response { N(CHILD_SA_NOT_FOUND) }")
    assert len(talk.children()) == 1 and talk.causes() == UP


def test_en_i_1_2_6_requests_that_cross_are_answered_the_same_when_they_come_again():
    """Each of them lost, or its answer, while both rekey the same Child SA: one new SA a side, whoever wins."""
    for wins in (True, False):
        talk = start()
        old = talk.child
        due(talk)
        ours = talk.player.last()
        ask_rekey(talk, LOW if wins else HIGH, OTHER)
        answer = talk.player.last()
        for _ in range(3):
            talk.again()
            assert talk.player.last() == answer
        talk.wait(1000)
        assert talk.player.last() == ours
        assert len(talk.children()) == 2
        talk.sent()
        answer_rekey(talk, HIGH if wins else LOW)
        for _ in range(3):
            talk.again()  # the answer once more, which answers nothing now
        talk.expect(DELETE)
        gone = old if wins else [c for c in talk.ike.children if c.spi_out == SPI][0]
        assert [body for _, body in talk.last_sent()] == [bytes([3, 4, 0, 1]) + gone.spi_in]
        assert sends_on(talk) == (SPI if wins else OTHER) and talk.causes() == UP


def test_en_i_1_2_6_a_rekey_of_what_is_not_there_is_answered_child_sa_not_found():
    talk = start()
    ask_rekey(talk, old=OTHER)
    talk.expect("--> CREATE_CHILD_SA response { N(CHILD_SA_NOT_FOUND) }")
    assert talk.last_sent() == [(41, bytes([3, 4, 0, 44]) + OTHER)]
    assert len(talk.children()) == 1 and talk.causes() == UP


def test_class_rekey_offer_without_our_suite_or_selectors_is_refused_and_the_tunnel_stays():
    talk = start()
    device, gateway = talk.sides
    rekey = N("REKEY_SA", b"", 3, talk.child.spi_out)
    nonce, tsi, tsr = raw("Nonce", HIGH), raw("TSi", gateway), raw("TSr", device)
    talk.ask("CREATE_CHILD_SA", rekey, SA("ESP", SPI, (1, 20, 256), NO_ESN), nonce, tsi, tsr)
    talk.expect("--> CREATE_CHILD_SA response { N(NO_PROPOSAL_CHOSEN) }")
    talk.ask("CREATE_CHILD_SA", rekey, SA("ESP", SPI, ENCR_CCM, NO_ESN), nonce, raw("TSi", device), tsr)
    talk.expect("--> CREATE_CHILD_SA response { N(TS_UNACCEPTABLE) }")
    assert len(talk.children()) == 1 and talk.causes() == UP


def test_the_number_of_the_gateways_proposal_goes_into_the_answer():
    talk = start()
    device, gateway = talk.sides
    first = SA("ESP", SPI, (1, 20, 256), NO_ESN, number=1)[1]
    second = SA("ESP", OTHER, ENCR_CCM, NO_ESN, number=2)[1]
    both = raw("SA", b"\2" + first[1:] + second)
    rekey = N("REKEY_SA", b"", 3, talk.child.spi_out)
    talk.ask("CREATE_CHILD_SA", rekey, both, raw("Nonce", HIGH), raw("TSi", gateway), raw("TSr", device))
    talk.expect(REKEYED)
    assert dict(talk.last_sent())[33][4] == 2 and talk.children()[1][1] == OTHER


def test_a_second_rekey_of_the_same_sa_waits():
    talk = start()
    old = talk.child.spi_out
    ask_rekey(talk)
    talk.sent()
    ask_rekey(talk, spi=OTHER, old=old)
    talk.expect(TEMPORARY)
    assert len(talk.children()) == 2


# The Child SA, by both at once


def test_en_i_1_2_6_simultaneous_rekey_we_lose():
    talk = start()
    old = talk.child
    due(talk)
    talk.expect(REKEY)
    ask_rekey(talk, HIGH, OTHER)
    talk.expect(REKEYED)
    answer_rekey(talk, LOW)
    talk.expect(DELETE)
    [ours] = [c for c in talk.ike.children if c.spi_out == SPI]
    assert [body for _, body in talk.last_sent()] == [bytes([3, 4, 0, 1]) + ours.spi_in]  # ours had the lowest nonce
    assert sends_on(talk) == OTHER
    talk.answer(D("ESP", SPI))
    talk.ask("INFORMATIONAL", D("ESP", old.spi_out))
    talk.expect(DELETED)
    assert [pair[1] for pair in talk.children()] == [OTHER]
    talk.wait(3000)
    assert receives_on(talk) == [OTHER] and talk.causes() == UP


def test_en_i_1_2_6_simultaneous_rekey_we_win():
    talk = start()
    old = talk.child
    due(talk)
    ask_rekey(talk, LOW, OTHER)
    talk.sent()
    answer_rekey(talk, HIGH)
    talk.expect(DELETE)
    assert [body for _, body in talk.last_sent()] == [bytes([3, 4, 0, 1]) + old.spi_in]
    assert sends_on(talk) == SPI
    talk.answer(D("ESP", old.spi_out))
    talk.ask("INFORMATIONAL", D("ESP", OTHER))
    talk.expect(DELETED)
    assert [pair[1] for pair in talk.children()] == [SPI] and talk.causes() == UP


def test_simultaneous_rekey_and_the_gateway_has_deleted_its_own_before_its_answer_came():
    talk = start()
    old = talk.child
    due(talk)
    ask_rekey(talk, LOW, OTHER)
    talk.ask("INFORMATIONAL", D("ESP", OTHER))
    talk.sent()
    assert sends_on(talk) == old.spi_out
    answer_rekey(talk, HIGH)
    talk.expect(DELETE)
    assert sends_on(talk) == SPI


def test_simultaneous_rekey_and_the_gateway_has_deleted_the_old_one_before_its_answer_came():
    talk = start()
    old = talk.child
    due(talk)
    ask_rekey(talk, HIGH, OTHER)
    talk.ask("INFORMATIONAL", D("ESP", old.spi_out))
    talk.sent()
    assert sends_on(talk) == OTHER and talk.causes() == UP
    answer_rekey(talk, LOW)
    talk.expect(DELETE)  # of our own, the redundant one
    talk.answer(D("ESP", SPI))
    assert [pair[1] for pair in talk.children()] == [OTHER] and sends_on(talk) == OTHER and talk.causes() == UP


def test_simultaneous_rekey_and_the_gateway_refuses_ours():
    for error in ("TEMPORARY_FAILURE", "CHILD_SA_NOT_FOUND"):
        talk = start()
        old = talk.child
        due(talk)
        ask_rekey(talk, HIGH, OTHER)
        talk.sent()
        talk.answer(N(error))
        talk.ask("INFORMATIONAL", D("ESP", old.spi_out))
        talk.expect(DELETED)
        assert [pair[1] for pair in talk.children()] == [OTHER] and sends_on(talk) == OTHER and talk.causes() == UP


def test_en_i_1_2_6_crossing_deletes_name_nothing_twice():
    talk = start()
    old = talk.child
    due(talk)
    answer_rekey(talk)
    talk.expect(REKEY, DELETE)
    talk.ask("INFORMATIONAL", D("ESP", old.spi_out))
    talk.expect(EMPTY)  # our own Delete has said it
    talk.answer()
    assert [pair[1] for pair in talk.children()] == [SPI] and talk.causes() == UP


def test_en_i_1_2_6_a_rekey_of_what_we_delete_waits():
    talk = start()
    old = talk.child
    due(talk)
    answer_rekey(talk)
    talk.sent()
    ask_rekey(talk, spi=OTHER, old=old.spi_out)
    talk.expect(TEMPORARY)


def test_en_i_1_2_6_the_gateway_deletes_what_we_rekey():
    talk = start()
    due(talk)
    talk.ask("INFORMATIONAL", D("ESP", talk.child.spi_out))
    talk.sent()
    assert talk.player.tunnel.is_up is False
    talk.answer(N("CHILD_SA_NOT_FOUND", b"", 3, talk.child.spi_in))
    talk.expect("--> CREATE_CHILD_SA request { SA Nonce TSi TSr }")
    answer_rekey(talk)
    assert sends_on(talk) == SPI and talk.player.tunnel.is_up


# A Child SA that the gateway deletes


def test_a_deleted_child_sa_is_made_again_within_the_ike_sa():
    talk = start()
    talk.ask("INFORMATIONAL", D("ESP", talk.child.spi_out))
    talk.expect(DELETED, "--> CREATE_CHILD_SA request { SA Nonce TSi TSr }")
    assert talk.causes() == UP + ["down deleted"]
    answer_rekey(talk)
    assert talk.causes() == UP + ["down deleted"] + UP and sends_on(talk) == SPI


def test_a_child_sa_that_is_deleted_again_and_again_takes_the_ike_sa_with_it():
    talk = start(reconnect=True)
    talk.ask("INFORMATIONAL", D("ESP", talk.child.spi_out))
    answer_rekey(talk)
    talk.sent()
    talk.wait(1000)
    talk.ask("INFORMATIONAL", D("ESP", SPI))
    talk.expect(DELETED, DELETE)
    talk.answer()
    talk.wait(0)
    assert talk.player.tunnel._ikes.lead is None


NEW_CHILD = "--> CREATE_CHILD_SA request { SA Nonce TSi TSr }"
NEW_CHILD_PFS = "--> CREATE_CHILD_SA request { SA Nonce KE TSi TSr }"


def test_a_child_sa_that_is_deleted_while_we_rekey_it_is_made_again_whatever_the_answer_is():
    for error, after, again in (
        (N("TEMPORARY_FAILURE"), 2000, NEW_CHILD),
        (N("NO_PROPOSAL_CHOSEN"), 0, NEW_CHILD_PFS),
        (N("INVALID_KE_PAYLOAD", b"\0\x1f"), 0, NEW_CHILD_PFS),
        (N("CHILD_SA_NOT_FOUND"), 0, NEW_CHILD),
    ):
        for crossed in (False, True):
            talk = start()
            old = talk.child
            due(talk)
            if crossed:
                ask_rekey(talk, HIGH, OTHER)
            talk.ask("INFORMATIONAL", D("ESP", *([old.spi_out, OTHER] if crossed else [old.spi_out])))
            assert talk.causes() == UP + ["down deleted"] and not talk.player.tunnel.is_up
            talk.sent()
            talk.answer(error)
            talk.wait(after)
            talk.expect(again)
            answer_rekey(talk, more=[ke(talk)] if again == NEW_CHILD_PFS else ())
            assert sends_on(talk) == SPI and talk.causes() == UP + ["down deleted"] + UP


def test_a_child_sa_that_the_gateway_cannot_make_just_now_is_asked_for_again():
    talk = start()
    talk.ask("INFORMATIONAL", D("ESP", talk.child.spi_out))
    for _ in range(3):
        assert talk.sent()[-1] == NEW_CHILD
        talk.answer(N("TEMPORARY_FAILURE"))
        talk.expect()
        talk.wait(1800)
    talk.expect(NEW_CHILD)
    answer_rekey(talk)
    assert sends_on(talk) == SPI


def test_a_child_sa_that_is_deleted_while_the_ike_sa_is_rekeyed_is_made_again():
    for crossed in (False, True):
        for refused in (False, True):
            talk = start()
            due(talk, ike=True)
            if crossed:
                ask_rekey_ike(talk, HIGH, b"theirs99")
            talk.ask("INFORMATIONAL", D("ESP", talk.child.spi_out))
            assert talk.causes() == UP + ["down deleted"]
            talk.sent()
            if refused:
                talk.answer(N("TEMPORARY_FAILURE"))
            else:
                answer_rekey_ike(talk, LOW)
            leads = talk if lead(talk) is talk.ike else talk.heir()
            assert (leads is talk) == (refused and not crossed)
            leads.sides = talk.sides
            assert NEW_CHILD in leads.sent()
            answer_rekey(leads)
            assert sends_on(leads) == SPI and leads.player.tunnel.is_up


def test_new_keys_that_are_due_while_a_child_sa_is_deleted_are_asked_for_after_it():
    talk = start()
    old = talk.child
    due(talk)
    answer_rekey(talk)
    due(talk)
    talk.expect(REKEY, DELETE)
    talk.answer(D("ESP", old.spi_out))
    talk.expect(REKEY)


def test_a_gateway_that_always_wants_another_group_is_left():
    talk = start(reconnect=True)
    talk.wait(6000)
    due(talk)
    wanted = (b"\0\x1f", b"\0\x13")
    for i in range(10):
        if talk.player.tunnel.beside:
            break
        talk.answer(N("INVALID_KE_PAYLOAD", wanted[i & 1]))
        talk.wait(0)
    talk.alone()
    assert i == 3 and talk.causes() == WARNED + ["down renew"]


def worn(talk):
    """The Child SA that sends has carried what it may."""
    for n in range(2):
        talk.player.tunnel.stack.udp(4000 + n).sendto(b"x", ("10.10.0.1", 5000))
        talk.player.drain()
    talk.wait(0)
    talk.wait(0)


def test_a_child_sa_that_has_carried_enough_is_rekeyed_without_turning_in_a_circle():
    talk = start(child_lifetime_packets=1)
    worn(talk)
    talk.expect("--> ESP", "--> ESP", REKEY)
    assert talk.player.tunnel.deadline() > talk.player.now  # nothing is due until the answer is late
    talk.answer(N("TEMPORARY_FAILURE"))
    talk.wait(1)
    talk.wait(1)
    talk.expect()
    talk.wait(1800)
    talk.expect(REKEY)
    answer_rekey(talk)
    talk.expect(DELETE)


def test_a_child_sa_that_has_carried_enough_and_has_a_successor_is_not_rekeyed():
    talk = start(child_lifetime_packets=1)
    ask_rekey(talk)
    talk.sent()
    worn(talk)
    talk.expect("--> ESP", "--> ESP")


def test_class_memory_new_keys_that_the_heap_has_no_room_for_are_wanted_again():
    for ike in (False, True):
        talk = start(esp_proposals=["aes128ccm16-x25519"])
        crypto = talk.ike.crypto
        talk.ike.crypto = Full(crypto)
        due(talk, ike)
        talk.expect()
        assert talk.player.tunnel.counters()["drops"]["no_memory"] == 1
        talk.ike.crypto = crypto
        talk.wait(1000)
        talk.expect(REKEY_IKE if ike else REKEY_PFS)
        assert talk.causes() == UP


def test_a_heap_that_never_has_room_for_new_keys_ends_the_tunnel():
    """Old keys are not used for ever: after 20 s the tunnel goes down, and is made again."""
    talk = start(lifetime_s=1000)
    player = talk.player

    def rekey(ike, now):
        raise MemoryError

    player.tunnel._ikes.lead.rekey = rekey
    player.tunnel._upkeep.rekey_at(True, player.now)
    waits = 0
    while player.tunnel.is_up and waits < 40:
        talk.wait(1000)
        waits += 1
    assert 18 < waits < 25 and [e.cause for e in player.events] == ["up", "no_memory"], (waits, player.events)


class Full:
    """A crypto backend on a heap that has no room for a key exchange."""

    def __init__(self, crypto):
        self._crypto = crypto

    def __getattr__(self, name):
        return getattr(self._crypto, name)

    def new_dh(self, group, random):
        raise MemoryError


def test_the_ike_sa_keeps_its_times_when_another_child_sa_is_made():
    talk = start(lifetime_s=1000)
    upkeep = talk.player.tunnel._upkeep
    before = upkeep._ike_at
    upkeep.gateway_gives(900, talk.player.now)
    talk.wait(20000)
    talk.ask("INFORMATIONAL", D("ESP", talk.child.spi_out))
    answer_rekey(talk)
    assert talk.player.tunnel.is_up and upkeep._ike_at == before and upkeep._renew_at == 810000


# The IKE SA


def ask_rekey_ike(talk, nonce=HIGH, spi=IKE_SPI):
    """<-- CREATE_CHILD_SA { SA, Ni, KEi }"""
    talk.ask("CREATE_CHILD_SA", SA("IKE8", spi, ENCR_CCM, PRF_SHA256, KE_X25519), raw("Nonce", nonce), ke(talk))


def answer_rekey_ike(talk, nonce=HIGH, spi=IKE_SPI):
    """<-- CREATE_CHILD_SA response { SA, Nr, KEr }"""
    talk.answer(SA("IKE8", spi, ENCR_CCM, PRF_SHA256, KE_X25519), raw("Nonce", nonce), ke(talk))


def lead(talk):
    return talk.player.tunnel._ikes.lead


def test_en_i_1_2_5_our_rekey_of_the_ike_sa():
    talk = start()
    due(talk, ike=True)
    talk.expect(REKEY_IKE)
    answer_rekey_ike(talk)
    talk.expect(DELETE)
    assert lead(talk) is not talk.ike and lead(talk).spi_r == IKE_SPI and talk.ike.children == []
    heir = talk.heir()
    heir.ask("INFORMATIONAL")
    heir.expect(EMPTY)
    assert heir.player.last()[4 + 19] == 0x28  # we are its initiator
    talk.answer()
    assert talk.player.tunnel._ikes.all() == [heir.ike] and talk.ike.keys is None
    assert len(heir.children()) == 1 and talk.causes() == UP and talk.player.tunnel.history.rekeys == 1
    due(heir)
    heir.sides = talk.sides
    heir.expect(REKEY)
    answer_rekey(heir)
    assert sends_on(heir) == SPI and talk.player.tunnel.history.rekeys == 2


def test_en_i_1_2_5_the_gateways_rekey_of_the_ike_sa():
    talk = start()
    ask_rekey_ike(talk)
    talk.expect("--> CREATE_CHILD_SA response { SA Nonce KE }")
    first = talk.player.last()
    talk.again()
    assert talk.player.last() == first
    heir = talk.heir()
    assert lead(talk) is heir.ike and heir.ike.spi_i == IKE_SPI
    talk.ask("INFORMATIONAL", D("IKE"))
    assert talk.player.tunnel._ikes.all() == [heir.ike] and talk.ike.keys is None
    heir.ask("INFORMATIONAL")
    heir.expect(EMPTY)
    assert heir.player.last()[4 + 19] == 0x20  # the gateway is its initiator
    heir.sides = talk.sides
    due(heir)
    heir.expect(REKEY)
    answer_rekey(heir)
    heir.expect(DELETE)
    assert sends_on(heir) == SPI and talk.causes() == UP


def test_an_old_ike_sa_that_the_gateway_forgets_is_deleted_by_us():
    talk = start()
    ask_rekey_ike(talk)
    talk.sent()
    talk.wait(29999)
    talk.expect()
    talk.wait(1)
    talk.expect(DELETE)
    talk.answer()
    assert len(talk.player.tunnel._ikes.all()) == 1 and talk.causes() == UP


def test_en_i_1_2_6_simultaneous_rekey_of_the_ike_sa():
    for we_lose in (True, False):
        talk = start()
        due(talk, ike=True)
        ask_rekey_ike(talk, HIGH if we_lose else LOW, b"theirs99")
        talk.expect(REKEY_IKE, "--> CREATE_CHILD_SA response { SA Nonce KE }")
        assert lead(talk) is talk.ike and len(talk.player.tunnel._ikes.all()) == 2
        answer_rekey_ike(talk, LOW if we_lose else HIGH, IKE_SPI)
        if we_lose:
            assert lead(talk).spi_i == b"theirs99"
            ours = [ike for ike in talk.player.tunnel._ikes.all() if ike.spi_r == IKE_SPI][0]
            assert ours.is_closing() and talk.ike.is_up()
            talk.ask("INFORMATIONAL", D("IKE"))
        else:
            assert lead(talk).spi_r == IKE_SPI
            talk.expect(DELETE)
            assert talk.ike.is_closing()
            talk.answer()
        assert talk.ike.keys is None and len(lead(talk).children) == 1
        assert talk.causes() == UP


def test_simultaneous_rekey_of_the_ike_sa_and_the_old_one_is_deleted_before_the_answer_came():
    talk = start()
    due(talk, ike=True)
    ask_rekey_ike(talk, HIGH, b"theirs99")
    talk.sent()
    talk.ask("INFORMATIONAL", D("IKE"))
    talk.player.sent.pop()  # the answer, whose keys are gone
    assert lead(talk).spi_i == b"theirs99" and len(lead(talk).children) == 1 and talk.causes() == UP


def test_simultaneous_rekey_of_the_ike_sa_and_the_gateway_refuses_ours():
    talk = start()
    due(talk, ike=True)
    ask_rekey_ike(talk, HIGH, b"theirs99")
    talk.answer(N("TEMPORARY_FAILURE"))
    assert lead(talk).spi_i == b"theirs99" and talk.causes() == UP


def test_simultaneous_rekey_of_the_ike_sa_and_the_gateway_deletes_its_own():
    talk = start()
    due(talk, ike=True)
    ask_rekey_ike(talk, LOW, b"theirs99")
    rival = talk.heir()
    rival.ask("INFORMATIONAL", D("IKE"))
    assert talk.causes() == UP and lead(talk) is talk.ike and len(talk.children()) == 1
    answer_rekey_ike(talk, HIGH, IKE_SPI)
    assert lead(talk).spi_r == IKE_SPI and len(lead(talk).children) == 1 and talk.causes() == UP


def test_en_i_1_2_6_requests_that_meet_our_rekey_of_the_ike_sa_wait():
    talk = start()
    due(talk, ike=True)
    talk.sent()
    ask_rekey(talk)
    talk.expect(TEMPORARY)
    assert len(talk.children()) == 1


def test_en_i_1_2_6_a_rekey_of_the_ike_sa_that_meets_our_rekey_of_the_child_sa_waits():
    talk = start()
    due(talk)
    talk.sent()
    ask_rekey_ike(talk)
    talk.expect(TEMPORARY)
    assert lead(talk) is talk.ike


def test_requests_on_an_ike_sa_that_was_replaced_wait():
    talk = start()
    ask_rekey_ike(talk)
    talk.sent()
    ask_rekey_ike(talk, spi=b"another9")
    talk.expect(TEMPORARY)
    assert len(talk.player.tunnel._ikes.all()) == 2


def test_another_suite_or_group_for_the_ike_sa_is_refused():
    talk = start()
    talk.ask("CREATE_CHILD_SA", SA("IKE8", IKE_SPI, (1, 20, 128), PRF_SHA256, KE_X25519), raw("Nonce", HIGH), ke(talk))
    talk.expect("--> CREATE_CHILD_SA response { N(NO_PROPOSAL_CHOSEN) }")
    talk.ask(
        "CREATE_CHILD_SA",
        SA("IKE8", IKE_SPI, ENCR_CCM, PRF_SHA256, KE_X25519),
        raw("Nonce", HIGH),
        raw("KE", b"\0\x13\0\0" + bytes(64)),
    )
    talk.expect("--> CREATE_CHILD_SA response { N(INVALID_KE_PAYLOAD) }")
    assert talk.causes() == UP


def test_a_delete_of_the_ike_sa_meanwhile_ends_our_own_rekey():
    talk = start()
    due(talk, ike=True)
    talk.sent()
    talk.ask("INFORMATIONAL", D("IKE"))
    assert talk.causes() == UP + ["down deleted"] and talk.player.tunnel._ikes.lead is None


def test_a_gateway_that_does_not_answer_a_rekey_is_dead():
    for ike in (False, True):
        talk = start()
        due(talk, ike)
        for _ in range(40):
            talk.wait(1000)
        assert talk.causes() == UP + ["down timeout"]


def test_closing_during_a_rekey_leaves_nothing():
    for ike in (False, True):
        talk = start()
        due(talk, ike)
        talk.player.close()
        answer_rekey_ike(talk) if ike else answer_rekey(talk)
        for _ in range(10):
            talk.wait(1000)
        tunnel = talk.player.tunnel
        assert tunnel.is_closed and tunnel._sadb.all == [] and tunnel.deadline() is None


def test_class_rekey_keys_of_what_was_replaced_are_wiped():
    talk = start()
    sadb = talk.player.tunnel._sadb
    wiped = []
    [sa] = sadb.all
    real = sa.wipe
    sa.wipe = lambda: (wiped.append(sa.spi_in), real())
    keys = talk.ike.keys
    due(talk)
    answer_rekey(talk)
    talk.answer(D("ESP", talk.child.spi_out))
    talk.wait(3000)
    assert wiped == [talk.child.spi_in]
    due(talk, ike=True)
    talk.sent()
    answer_rekey_ike(talk)
    talk.answer()
    for name in ("sk_d", "sk_ai", "sk_ar", "sk_ei", "sk_er", "sk_pi", "sk_pr"):
        assert not any(getattr(keys, name)), name


class Spy(Full):
    """A crypto backend that counts key pairs, and those that were wiped."""

    made = wiped = 0

    def new_dh(self, group, random):
        self.made += 1
        return Pair(self, self._crypto.new_dh(group, random))


class Pair:
    def __init__(self, spy, pair):
        self._spy, self._pair = spy, pair
        self.public, self.shared = pair.public, pair.shared

    def wipe(self):
        self._spy.wiped += 1
        self._pair.wipe()


def test_class_rekey_private_values_are_wiped_when_the_gateways_public_one_is_refused():
    for public in (bytes(32), bytes(31)):
        bad = raw("KE", b"\0\x1f\0\0" + public)
        for ike in (False, True):
            for asked in (False, True):
                talk = start(esp_proposals=["aes128ccm16-x25519"])
                offer = SA("IKE8", IKE_SPI, ENCR_CCM, PRF_SHA256, KE_X25519)
                spy = talk.ike.crypto = Spy(talk.ike.crypto)
                if not asked:
                    due(talk, ike)
                if ike:
                    payloads = [offer, raw("Nonce", HIGH), bad]
                else:
                    payloads = new_child(talk, HIGH, SPI, asked, bad)
                    payloads = [N("REKEY_SA", b"", 3, talk.child.spi_out)] * asked + payloads
                talk.ask("CREATE_CHILD_SA", *payloads) if asked else talk.answer(*payloads)
                assert talk.causes()[1][:4] == "down" and spy.made == spy.wiped > 0, (public, ike, asked)


def test_class_rekey_private_values_of_what_waits_are_wiped_when_the_tunnel_is_closed():
    for ike in (False, True):
        talk = start(esp_proposals=["aes128ccm16-x25519"], dpd_s=10)
        spy = talk.ike.crypto = Spy(talk.ike.crypto)
        talk.wait(10000)
        due(talk, ike)
        talk.player.close()
        assert spy.made == spy.wiped == 1


def test_child_sas_that_the_gateway_replaces_and_forgets_are_deleted_by_us():
    talk = start()
    gone = b""
    for i in range(6):
        ask_rekey(talk, spi=bytes([0x77, 1, 1, i]))
        before = talk.ike.children[-2]
        if i:
            talk.expect(REKEYED, DELETE)
            talk.answer(D("ESP", gone))
        talk.sent()
        gone = before.spi_out
        assert len(talk.children()) == 2
        talk.wait(3000)
        assert len(receives_on(talk)) == 2 and talk.causes() == UP


def test_child_sas_that_the_gateway_leaves_behind_are_deleted_with_our_next_rekey():
    """It replaces ours and deletes nothing; with `crossed` while we rekey the same one, and refuses ours or loses."""
    for crossed in ("no", "refused", "won", "lost"):
        talk = start()
        if crossed != "no":
            due(talk)
        ask_rekey(talk, LOW if crossed == "won" else HIGH, SPI)
        if crossed == "refused":
            talk.answer(N("TEMPORARY_FAILURE"))
        elif crossed != "no":
            answer_rekey(talk, LOW if crossed == "lost" else HIGH, OTHER)
            talk.answer(D("ESP", OTHER if crossed == "lost" else talk.child.spi_out))
        assert len(talk.children()) == 2, crossed
        talk.sent()
        due(talk)
        talk.expect(REKEY)
        answer_rekey(talk, spi=b"\x77\x01\x02\x55")
        for _ in range(2):
            talk.expect(DELETE)
            talk.answer(D("ESP", talk.ike.window.active.about.spi_out) if talk.ike.window.active else D("ESP"))
        talk.expect()
        assert len(talk.children()) == 1 and sends_on(talk) == b"\x77\x01\x02\x55" and talk.causes() == UP, crossed


def test_a_rekey_that_waits_for_its_turn_does_not_stand_for_a_child_sa_that_is_deleted():
    talk = start()
    due(talk, ike=True)
    due(talk)  # waits
    talk.ask("INFORMATIONAL", D("ESP", talk.child.spi_out))
    talk.sent()
    answer_rekey_ike(talk)
    heir = talk.heir()
    heir.sides = talk.sides
    assert NEW_CHILD in heir.sent()
    answer_rekey(heir)
    assert sends_on(heir) == SPI


def test_a_child_sa_whose_successor_is_deleted_can_be_rekeyed_again():
    for ours in (False, True):
        talk = start()
        old = talk.child.spi_out
        ask_rekey(talk)
        talk.ask("INFORMATIONAL", D("ESP", SPI))
        talk.sent()
        assert sends_on(talk) == old
        if ours:
            due(talk)
            talk.expect(REKEY)
            answer_rekey(talk, spi=OTHER)
            talk.expect(DELETE)
        else:
            ask_rekey(talk, spi=OTHER)
            talk.expect(REKEYED)
        assert receives_on(talk)[-1] == OTHER and talk.causes() == UP


def test_a_successor_that_the_gateway_deletes_or_does_not_know():
    for known in (True, False):
        talk = start()
        old = talk.child.spi_out
        if known:  # our own, which is deleted while we delete the old one
            due(talk)
            answer_rekey(talk)
            talk.ask("INFORMATIONAL", D("ESP", SPI))
            talk.sent()
            talk.answer(D("ESP", old))
            talk.expect(NEW_CHILD)
            assert talk.causes() == UP + ["down deleted"]
        else:
            ask_rekey(talk)
            due(talk)
            talk.sent()
            talk.answer(N("CHILD_SA_NOT_FOUND"))
            talk.expect(REKEY)  # of the old one, which is there still
            assert talk.causes() == UP and sends_on(talk) == old


def test_simultaneous_rekey_of_the_ike_sa_and_the_answer_to_ours_never_comes():
    """The gateway's own IKE SA waits as long as ours is open, and takes over then."""
    talk = start(retransmit_tries=8)
    due(talk, ike=True)
    ask_rekey_ike(talk, HIGH, b"theirs99")
    rival = talk.heir()
    for _ in range(40):
        talk.wait(1000)
    assert rival.ike.is_up() and lead(talk) is talk.ike
    while talk.ike.is_up():
        talk.wait(1000)
    assert lead(talk) is rival.ike and len(rival.children()) == 1 and talk.causes() == UP
    rival.ask("INFORMATIONAL")
    rival.expect(EMPTY)


def test_a_gateway_that_rekeys_the_ike_sa_and_deletes_nothing_does_not_fill_the_heap():
    talk = start()
    for n in range(12):
        ask_rekey_ike(talk, spi=b"gateway%d" % (n % 10) if n < 10 else b"gatewa%d" % n)
        before, talk = talk.ike, talk.heir()
        assert lead(talk) is talk.ike and before.heir is talk.ike
    assert len(talk.player.tunnel._ikes.all()) == 4 and len(talk.children()) == 1 and talk.causes() == UP
    assert talk.player.tunnel.deadline() > talk.player.now


def test_a_tunnel_that_is_made_again_does_not_live_on_in_the_gateways_rival():
    """The gateway rekeys the IKE SA, too, and deletes the old one while we end it: a handshake follows."""
    talk = start(reconnect=True)
    talk.wait(6000)
    due(talk, ike=True)
    ask_rekey_ike(talk, HIGH, b"theirs99")
    talk.ike.renew("for a test", talk.player.now)
    talk.wait(0)
    talk.wait(0)
    talk.alone()
    talk.ask("INFORMATIONAL", D("IKE"))
    talk.sent()
    talk.wait(0)
    assert talk.causes() == UP + ["down renew"] and talk.player.last()[18] == 34


def test_the_gateways_packets_on_the_new_child_sa_make_ours_follow():
    talk = start()
    made = []
    add = talk.ike.add_child

    def spy(child):
        made.append([bytes(k) for k in (child.encr_in, child.integ_in, child.encr_out, child.integ_out)])  # the gateway's first
        add(child)

    talk.ike.add_child = spy
    old = talk.child
    ask_rekey(talk)
    [new] = [c for c in talk.ike.children if c is not old]
    mirror = ChildSa(new.spi_out, new.spi_in, new.suite, new.ts_remote, new.ts_local, made[0])
    theirs = EspSa(talk.ike.crypto, mirror, 64)
    assert sends_on(talk) == old.spi_out
    own = talk.player.tunnel.stack._addresses[0]
    packet = udp(b"hello", 5000, 4000, bytes([10, 10, 0, 1]), bytes(own))
    buf = bytearray(32) + bytearray(packet) + bytearray(64)
    end = theirs.encap(buf, 32, 32 + len(packet))
    talk.player.receive(bytes(buf[32 - theirs.head : end]))
    assert talk.player.inner == [packet] and sends_on(talk) == SPI
    assert receives_on(talk) == [old.spi_out, SPI]
