"""A gateway that answers from another address than the one it is asked at (RFC 7296 2.11): not followed, but told."""

import contextlib
import socket
import threading
from types import SimpleNamespace

import pytest

from host_tests.system.harness import Client, options, run_device


@contextlib.contextmanager
def answering_from(address):
    """A socket that hears IKE_SA_INIT requests on 127.0.0.1, and answers NO_PROPOSAL_CHOSEN from `address`."""
    heard = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    answers = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    heard.bind(("127.0.0.1", 0))
    answers.bind((address, 0))

    def serve():
        with contextlib.suppress(OSError):
            while True:
                request, source = heard.recvfrom(2000)
                header = request[:8] + bytes([1] * 8) + bytes([41, 0x20, 34, 0x20]) + bytes(4) + (36).to_bytes(4, "big")
                answers.sendto(header + bytes([0, 0, 0, 8, 0, 0, 0, 14]), source)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind(("127.0.0.1", 0))
    try:
        yield SimpleNamespace(port=heard.getsockname()[1], natt_port=silent.getsockname()[1])
    finally:
        silent.close()
        heard.close()
        answers.close()


def test_the_address_is_told():
    with answering_from("127.0.0.2") as gw, Client(gw) as client:
        error = client.fail()
        assert error.cause == "timeout" and "127.0.0.2" in str(error) and "set gateway" in str(error)


def test_the_gateways_own_address_is_heard():
    with answering_from("127.0.0.1") as gw, Client(gw) as client:
        assert client.fail(4).cause == "no_proposal_chosen"


@pytest.mark.parametrize("address", ["127.0.0.2", "127.0.0.1"])
def test_on_micropython(address, tmp_path):
    with answering_from(address) as gw:
        done = run_device("micropython", tmp_path, options(gw), "connect")
    (event,) = done.of("event")
    assert (address in event[2]) == (address == "127.0.0.2") and event[1] == (
        "timeout" if address == "127.0.0.2" else "no_proposal_chosen"
    )
