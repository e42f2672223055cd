"""Raw public keys against the reference responder, whose signatures are pyca's: each pair of keys, and each way to fail.

Start reading at `test_every_pair_of_keys`.
"""

import contextlib

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from host_tests.responder import Responder, fault_signatures
from host_tests.responder.signature import ALL_HASHES, IDENTITY, SHA256
from host_tests.system.harness import Client, halves, options, run_device

_MAKE = {
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "rsa2048": lambda: rsa.generate_private_key(65537, 2048),
}
DEVICE = {kind: _MAKE[kind]() for kind in ("ed25519", "p256")}
GATEWAY = {kind: make() for kind, make in _MAKE.items()}


def private_pem(key) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_pem(key) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def keys(device="ed25519", gateway="ed25519") -> dict:
    """Options of a device."""
    return {"auth": "key", "psk": "", "key": private_pem(DEVICE[device]), "gateway_key": public_pem(GATEWAY[gateway])}


@contextlib.contextmanager
def responder(device="ed25519", gateway="ed25519", **given):
    """A gateway with this kind of key for a device with that."""
    with Responder(**{"key": GATEWAY[gateway], "peer_keys": public_pem(DEVICE[device]), **given}) as gw:
        yield gw


@pytest.mark.parametrize("gateway", GATEWAY)
@pytest.mark.parametrize("device", DEVICE)
def test_every_pair_of_keys(device, gateway):
    with responder(device, gateway) as gw, Client(gw, **keys(device, gateway)) as client:
        client.connect()
        assert client.story == [("up", "up")]


@pytest.mark.parametrize(("device", "gateway"), [("ed25519", "p256"), ("p256", "ed25519")])
def test_on_micropython(device, gateway, tmp_path):
    with responder(device, gateway) as gw:
        done = run_device("micropython", tmp_path, options(gw, retransmit_ms=500, **keys(device, gateway)), "connect", "close")
        assert [event[:2] for event in done.of("event")] == [["up", "up"], ["down", "closed"]] and done.status == 0


def test_rsa_by_pkcs1():
    with responder(gateway="rsa2048", pss=False) as gw, Client(gw, **keys(gateway="rsa2048")) as client:
        client.connect()


@pytest.mark.parametrize("gateway", ["p256", "p384", "rsa2048"])
def test_a_gateway_without_rfc_7427(gateway):
    """Methods 9, 10 and 1; ours is 9."""
    with responder("p256", gateway, signature_hashes=()) as gw, Client(gw, **keys("p256", gateway)) as client:
        client.connect()


def failure(gw, cause="authentication_failed", **given) -> str:
    """The tunnel does not come up, nothing goes through it, and the text does not speak of another method."""
    with Client(gw, **given) as client:
        error = client.fail(4)
    assert error.cause == cause, (error.cause, str(error))
    assert "psk" not in str(error) and gw.counters["in.esp"] == 0
    return str(error)


def test_a_device_key_that_the_gateway_does_not_know():
    with responder("p256") as gw:
        text = failure(gw, **keys("ed25519"))
        assert halves(gw) == []
    assert "public key of our key_file" in text and "local_id" in text


def test_a_gateway_that_wants_a_psk():
    with Responder(psk="some key or other of enough octets", key=GATEWAY["ed25519"]) as gw:
        assert "not a PSK" in failure(gw, **keys())


def test_another_gateway():
    other = ed25519.Ed25519PrivateKey.generate()
    with responder(key=other) as gw:
        assert "not that of gateway_key (Ed25519)" in failure(gw, **keys())
        gw.wait_event("notify", type="AUTHENTICATION_FAILED")  # our farewell


def test_hashes_that_do_not_fit():
    with responder(signature_hashes=(SHA256,)) as gw:
        assert "give the device a P-256 key" in failure(gw, **keys())
    with responder("p256", signature_hashes=(IDENTITY,)) as gw:
        assert "SHA2-256 (2)" in failure(gw, **keys("p256"))
    with responder("ed25519", "p256", signature_hashes=()) as gw:
        assert "nothing" in failure(gw, **keys("ed25519", "p256"))


def test_a_signature_over_other_octets():
    for kind in ("ed25519", "p256"):
        with responder(gateway=kind) as gw:
            gw.faults.add(fault_signatures.over(b"the request in place of the response", GATEWAY[kind]))
            assert "not that of gateway_key" in failure(gw, **keys(gateway=kind))


# What each fault is called; without RFC 7427 a P-256 key signs by method 9, and then AUTH finds out who stripped what
_WORDS = {
    "signature-empty": "holds no signature",
    "signature-short": "",
    "signature-long": "",
    "signature-flipped": "not that of gateway_key",
    "signature-zero": "",
    "algorithm-of-other-key": "a signature by RSA",
    "algorithm-sha1": "algorithm is not one of",
    "algorithm-parameters": "",
    "algorithm-empty": "malformed DER",
    "algorithm-cut": "cut short",
    "auth-without-data": "cut short",
    "method-psk": "by a pre-shared key",
    "method-null": "method 13",
    "hashes-stripped-from-request": "",
    "hashes-stripped-from-response": "",
    "hashes-not-told": "",
}


@pytest.mark.parametrize("gateway", ["ed25519", "p256"])
@pytest.mark.parametrize("name", fault_signatures.SIGNATURES)
def test_every_fault_of_signatures(name, gateway):
    with responder("p256", gateway, signature_hashes=ALL_HASHES) as gw:
        fault = gw.faults.add(fault_signatures.SIGNATURES[name]())
        if (name, gateway) == ("hashes-not-told", "p256"):  # it is then a gateway without RFC 7427
            with Client(gw, **keys("p256", gateway)) as client:
                client.connect()
            return
        if (name, gateway) == ("hashes-not-told", "ed25519"):  # what it signs is right, though it has announced nothing
            with Client(gw, **keys("p256", gateway)) as client:
                client.connect()
            return
        assert _WORDS[name] in failure(gw, **keys("p256", gateway))
        assert fault.done
