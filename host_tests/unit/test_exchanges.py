"""What the gateway asks for on an established IKE SA, exchange by exchange (RFC 7296 1.3, 1.4, 2.3, 2.4)."""

from talk import D, N, Talk, raw

UP = ["up up"]


def test_en_i_1_1_3_7_a_child_sa_named_by_six_deletes_is_answered_once():
    talk = Talk()
    spi_in, spi_out = talk.children()[0]
    # <-- INFORMATIONAL { D, D, D, D, D, D }
    talk.ask("INFORMATIONAL", *[D("ESP", spi_out) for _ in range(6)])
    # --> INFORMATIONAL response { D }, and our request for another Child SA
    talk.expect("--> INFORMATIONAL response { D }", "--> CREATE_CHILD_SA request { SA Nonce TSi TSr }")
    assert talk.children() == [] and talk.causes() == UP + ["down deleted"]


def test_many_deletes_of_what_we_have_not_are_answered_empty():
    talk = Talk()
    strangers = [bytes([1, 2, i >> 8, i & 255]) for i in range(250)]
    # <-- INFORMATIONAL { D (250 SPIs), D }
    talk.ask("INFORMATIONAL", D("ESP", *strangers), D("ESP", b"\7\7\7\7"))
    talk.expect("--> INFORMATIONAL response {  }")
    assert len(talk.children()) == 1 and talk.causes() == UP


def test_another_child_sa_is_refused_and_nothing_else_happens():
    talk = Talk()
    talk.wait(6000)
    for _ in range(3):
        # <-- CREATE_CHILD_SA { SA (ESP), Ni, TSi, TSr }
        talk.ask("CREATE_CHILD_SA", raw("SA", bytes([0, 0, 0, 8, 1, 3, 0, 0])), raw("Nonce", bytes(32)), raw("TSi"), raw("TSr"))
        talk.expect("--> CREATE_CHILD_SA response { N(NO_ADDITIONAL_SAS) }")
    talk.wait(1000)
    talk.expect()
    assert talk.causes() == UP and len(talk.children()) == 1


def test_class_message_ids_an_old_request_is_no_sign_of_life():
    talk = Talk(dpd_s=10, natt_keepalive_s=0)
    talk.ask("INFORMATIONAL")
    first = talk._last
    talk.ask("INFORMATIONAL")
    talk.sent()
    talk.wait(9000)
    talk.player.receive(first)  # a recorded request, sent again by whoever has it
    talk.again()
    talk.expect("--> INFORMATIONAL response {  }")  # the last answer once more, which proves nothing either
    talk.wait(1000)
    talk.expect("--> INFORMATIONAL request {  }")  # the liveness check is due as if nothing had come
    while not talk.player.tunnel.is_closed:
        talk.wait(500)
        talk.player.receive(first)
        talk.again()
    assert talk.causes() == UP + ["down timeout"]


def test_class_state_bypass_a_peer_with_a_wrong_auth_gets_no_answers():
    talk = Talk(up=False)
    good = [(kind, body[:-1] + b"!" if kind == 39 else body, c) for kind, body, c in talk.good()]
    talk.answer(*good)
    talk.expect("--> INFORMATIONAL request { N(AUTHENTICATION_FAILED) }")
    talk.ask("INFORMATIONAL")
    talk.ask("CREATE_CHILD_SA", N("REKEY_SA"))
    talk.expect()


def test_an_unproved_message_does_not_get_into_the_text_of_a_time_out():
    talk = Talk(dpd_s=10)
    talk.player.receive(b"\0\0\0\0a stray datagram that is no IKE message")
    while not talk.player.tunnel.is_closed:
        talk.wait(1000)
    assert talk.causes() == UP + ["down timeout"] and "stray" not in talk.player.events[-1].text


def test_what_is_wanted_waits_for_its_turn():
    """A liveness check under way is not replaced by the Delete under the same message ID (RFC 7296 2.3)."""
    talk = Talk(dpd_s=10, natt_keepalive_s=0)
    talk.wait(10000)
    talk.expect("--> INFORMATIONAL request {  }")
    talk.player.close()
    talk.expect()
    talk.answer()
    talk.expect("--> INFORMATIONAL request { D }")
    assert talk.player.last()[4 + 23] == 3
    talk.answer()
    assert talk.player.tunnel.is_closed


def test_keys_are_wiped_when_the_sa_ends():
    """After our close, the gateway's Delete, a time-out, and a failure after the Child SA was agreed."""

    def deleted(talk):
        talk.ask("INFORMATIONAL", D("IKE"))

    def closed(talk):
        talk.player.close()
        talk.answer()

    def silent(talk):
        while not talk.player.tunnel.is_closed:
            talk.wait(1000)

    for end in (deleted, closed, silent):
        talk = Talk(dpd_s=10)
        ike, sa = talk.ike, talk.player.tunnel._sadb.sending
        keys, protection = ike.keys, ike.protection
        wiped = spied(sa) + spied(protection)
        assert any(keys.sk_d) and any(keys.sk_ei) and any(keys.sk_pr)
        end(talk)
        assert talk.player.tunnel.is_closed
        assert [len(calls) for calls in wiped] == [1, 1]
        assert_wiped(ike, keys)
        child = talk.child
        assert not any(child.encr_out) and not any(child.encr_in)


def test_keys_of_a_child_sa_that_cannot_be_used_are_wiped():
    def full(sa):
        raise MemoryError

    talk = Talk(up=False)
    kept = []
    add = talk.ike.add_child
    talk.ike.add_child = lambda child: (kept.append(child), add(child))
    talk.player.tunnel._sadb.add = full
    talk.answer(*talk.good())
    assert talk.causes() == ["failed no_memory"]
    talk.expect("--> INFORMATIONAL request { D }")
    assert len(kept) == 1 and not any(kept[0].encr_out) and not any(kept[0].encr_in)


def test_key_material_is_wiped_once_it_is_cut():
    from ipsec.ike import keymat

    material = bytearray(range(1, 65))
    one, two = keymat.cut(material, 16, 48)
    assert bytes(one) == bytes(range(1, 17)) and bytes(two) == bytes(range(17, 65))
    assert material == bytes(64)


def spied(thing):
    """A list that grows when this is wiped, in a list."""
    calls = []
    wipe = thing.wipe
    thing.wipe = lambda: (calls.append(1), wipe())
    return [calls]


def assert_wiped(ike, keys):
    assert ike.keys is None and ike.protection is None
    for name in ("sk_d", "sk_ai", "sk_ar", "sk_ei", "sk_er", "sk_pi", "sk_pr"):
        assert not any(getattr(keys, name)), name


def renewed(talk):
    """Somebody wants the tunnel made again."""
    talk.ike.renew("for a test", 0)
    talk.wait(0)
    talk.wait(0)
    talk.alone()


def test_a_rekey_request_while_the_tunnel_ends_changes_nothing():
    """During our close, and while the Delete of a renewal is on its way: there is one DOWN, and nothing is due afterwards."""
    for end, causes in ((lambda talk: talk.player.close(), ["down closed"]), (renewed, ["down renew"])):
        talk = Talk(reconnect=False)
        end(talk)
        talk.expect("--> INFORMATIONAL request { D }")
        closing = talk.player.last()
        for _ in range(2):
            talk.ask("CREATE_CHILD_SA", N("REKEY_SA", b"", 3, b"\1\2\3\4"))
            talk.expect("--> CREATE_CHILD_SA response { N(TEMPORARY_FAILURE) }")
        talk.wait(200)
        assert talk.causes() == UP + (["down renew"] if "down renew" in causes else [])
        talk.player.receive(talk.seal([], 37, closing[4 + 23]))
        talk.wait(60000)
        assert talk.causes()[:2] == UP + causes
