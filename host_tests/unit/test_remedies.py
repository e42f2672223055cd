"""What a refusal is told as: which list, which option, which side, and what was offered or asked for."""

import transcript
from forge import AUTH, IDR, Forger, notify, payload
from scripted import Player, make_tunnel
from test_init_response import answer, response
from test_init_response import notify as init_notify


def told(player, cause, *words):
    """The attempt ended in one event with this cause, whose text holds these words."""
    for _ in range(10):
        player.tick(64000)
    assert [(e.kind, e.cause) for e in player.events] == [("failed", cause)], player.events
    text = player.events[0].text
    for word in words:
        assert word in text, (word, text)
    assert len(text) < 700
    return text


def test_no_proposal_chosen_names_the_list_and_what_was_offered():
    told(answer([init_notify(14)]), "no_proposal_chosen", "IKE (phase 1)", "ike_proposals", "aes128ccm16-prfsha256-x25519")
    refusal = [p for p in Forger().good() if p[0] in (IDR, AUTH)] + [notify(14)]
    told(Forger().answer(refusal), "no_proposal_chosen", "ESP (phase 2)", "esp_proposals", "(aes128ccm16)")
    told(Forger().answer([notify(14)]), "no_proposal_chosen", "esp_proposals")


def test_no_proposal_chosen_to_the_wide_offer_is_bounded():
    from ipsec.config import Config
    from ipsec.crypto import backend
    from ipsec.tunnel import Tunnel
    from scripted import OPTIONS, ScriptedRandom

    options = {name: value for name, value in OPTIONS.items() if not name.endswith("_proposals")}
    player = Player(Tunnel(Config(**options), backend, ScriptedRandom()))
    assert len(player.last()) < 600
    refusal = bytearray(response([init_notify(14)]))
    refusal[:8] = player.last()[:8]
    player.receive(refusal)
    told(player, "no_proposal_chosen", "aes128gcm16", "install", "modp2048")


def test_invalid_ke_payload_names_the_group():
    for group, words in (
        (20, ("ecp384 (20)", "ike_proposals")),
        (2, ("modp1024", "too weak", "modp2048")),
        (24, ("modp2048s256", "too weak")),
        (31, ("x25519 (31)", "again")),
        (999, ("group 999", "x25519, ecp256 or modp2048")),
    ):
        told(answer([init_notify(17, bytes([group >> 8, group & 255]))]), "invalid_ke_payload", *words)


def test_authentication_failed_names_both_identities():
    told(Forger().answer([notify(24)]), "authentication_failed", "device.example", "gw.example", "psk", "EAP")


def test_selectors_and_addresses_name_the_side():
    both = [p for p in Forger().good() if p[0] in (IDR, AUTH)]
    told(Forger().answer(both + [notify(38)]), "ts_unacceptable", "10.10.0.0/24", "remote_ts", "local_ts")
    told(Forger().answer(both + [notify(36)]), "internal_address_failure", "device.example", "ipv4", "pool", "inner_address")
    told(Forger().answer(both + [notify(37)]), "failed_cp_required", "virtual_ip")


def test_gateway_that_wants_eap():
    idr = [p for p in Forger().good() if p[0] == IDR]
    for critical in (False, True):  # the payload is known, so the bit does not count
        answer = idr + [payload(48, b"\1\1\0\5\1", critical)]
        told(Forger().answer(answer), "authentication_failed", "EAP", "PSK", "device.example")


def test_gateway_with_a_certificate():
    good = [payload(k, b"\x0e" + body[1:] if k == AUTH else body) for k, body, _ in Forger().good()]
    told(Forger().answer(good), "authentication_failed", "certificate", "PSK")


def test_gateway_of_another_version_did_answer():
    old = bytearray(response([(11, b"\0\0\0\1\1\0\0\x0e")], version=0x10, flags=0))
    old[18] = 5  # ISAKMP Informational: NO-PROPOSAL-CHOSEN
    player = Player(make_tunnel())
    player.receive(old)
    assert player.events == []
    told(player, "timeout", "version 1", "IKEv2")
    told(answer([init_notify(5)]), "invalid_major_version", "IKEv2")


def test_an_answer_that_is_too_long_is_told():
    whole = response([init_notify(16390, b"x"), (43, bytes(3000))])
    player = Player(make_tunnel())
    player.receive(whole[: player.tunnel.max_datagram_len])
    told(player, "timeout", "%d octets" % len(whole), "CERTREQ", "mtu")


def test_foreign_identity_can_be_pasted():
    for body, text in (
        (b"\2\0\0\0other.example", "'other.example'"),
        (b"\x0b\0\0\0\0\xff", "'keyid:00ff'"),
        (b"\1\0\0\0\x0a\0\0\1", "'10.0.0.1'"),
    ):
        good = [payload(k, body if k == IDR else b) for k, b, _ in Forger().good()]
        told(Forger().answer(good), "authentication_failed", text, "remote_id")


def test_any_identity_is_taken_without_idr():
    forger = Forger(remote_id="%any")
    assert IDR not in [kind for kind, _ in forger.last_sent()]
    assert forger.player.kinds() == ["warning"]


def test_deleted_speaks_of_clones():
    forger = Forger(up=True)
    forger.player.receive(forger.seal([payload(42, b"\1\0\0\0")], 37, 0, False))
    assert "device.example" in forger.player.events[-1].text and "clone" in forger.player.events[-1].text


def test_an_answer_cut_by_a_full_heap_is_not_called_too_long():
    """A driver takes 256 octets of a datagram while the heap is full, and says why."""
    room = "the heap has no room for what comes"
    for piece, is_told in ((256, False), (404, True)):
        player = Player(make_tunnel(retransmit_tries=2))
        player.receive(transcript.INIT_IN)
        whole = transcript.AUTH_IN[:28] + (654).to_bytes(4, "big") + transcript.AUTH_IN[32:]
        player.receive((whole + bytes(654))[:piece])
        player.tunnel.unreachable(room)
        text = told(player, "timeout", "an answer of 654 octets is longer than the 400" if is_told else room)
        assert ("longer" in text) == is_told
