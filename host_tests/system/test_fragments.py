"""IKE messages in pieces with the reference responder: small pieces, and every fault of pieces that its menu has."""

import pytest

from host_tests.responder import Responder, fault_pieces
from host_tests.system.harness import PSK, Client

# Each copy of the message is incomplete or malformed then
LOSING = {"piece-missing", "piece-of-more", "piece-whole"}


def comes_up(fault=None, piece_octets=200) -> Responder:
    with Responder(psk=PSK, piece_octets=piece_octets) as gw:
        if fault:
            gw.faults.add(fault)
        with Client(gw) as client:
            client.connect()
            assert client.readings(2, tries=5, wait_s=0.2) == 2
            assert client.answer(gw.dpd()) is not None
    return gw


@pytest.mark.parametrize("octets", [200, 535, 576])
def test_a_gateway_that_cuts_its_messages(octets):
    """libreswan cuts at 535 octets."""
    gw = comes_up(piece_octets=octets)
    assert any(entry.get("pieces", 1) > 1 for entry in gw.journal.events) == (octets == 200)


@pytest.mark.parametrize("name", sorted(set(fault_pieces.PIECES) - LOSING))
def test_pieces_that_harm_nothing(name):
    comes_up(fault_pieces.PIECES[name]())


@pytest.mark.parametrize("number", [1, 2])
def test_a_lost_piece_comes_with_the_repetition(number):
    comes_up(fault_pieces.lost_once(number))
