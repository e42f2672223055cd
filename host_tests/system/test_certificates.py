"""Certificates against the reference responder: good ones of every kind, and each strange one, on both interpreters.

Start reading at `test_every_fault_of_certificates`.
"""

import contextlib
import functools
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from host_tests.responder import Responder, fault_certificates, fault_library, fault_signatures
from host_tests.responder.certificates import Authority, make_key, spki_hash
from host_tests.responder.iana import Exchange, Type
from host_tests.responder.selectors import Identity
from host_tests.system.harness import PSK, Client, halves, options, run_device
from host_tests.system.test_raw_keys import _WORDS as SIGNATURE_WORDS
from host_tests.system.test_raw_keys import private_pem

_GATEWAY, _DEVICE = fault_certificates.NAME, "device.example"


@functools.cache
def root(kind="p256") -> Authority:
    return Authority("Root", kind)


def key(kind="p256", number=0) -> Any:
    return _key(kind, number)


@functools.cache
def _key(kind: str, number: int) -> Any:
    return rsa.generate_private_key(65537, int(kind[3:])) if kind.startswith("rsa") else make_key(kind)


def pem(*certificates) -> str:
    return "".join(c.public_bytes(Encoding.PEM).decode() for c in certificates)


def device(kind="p256", **changes) -> dict:
    """Options of a device."""
    own = key(kind, 1)
    given = {"auth": "cert", "psk": "", "key": private_pem(own), "cert": pem(root().issue(_DEVICE, own)), "clock": "rtc"}
    return {**given, "ca": pem(root().certificate), **changes}


@contextlib.contextmanager
def responder(kind="p256", issuer=None, **given):
    """A gateway with a certificate for this kind of key."""
    own = (issuer or root()).issue(_GATEWAY, key(kind))
    with Responder(**{"key": key(kind), "certificates": (own,), "authorities": (root().certificate,), **given}) as gw:
        yield gw


def failure(gw, cause="authentication_failed", **given) -> str:
    """The tunnel does not come up, nothing goes through it, and the text does not speak of another method."""
    with Client(gw, **given) as client:
        error = client.fail(10)
    assert error.cause == cause, (error.cause, str(error))
    assert "psk" not in str(error) and gw.counters["in.esp"] == 0
    return str(error)


@pytest.mark.parametrize("theirs", ["p256", "p384", "ed25519", "rsa2048", "rsa4096"])
def test_every_kind_of_the_gateway_s_key(theirs):
    authority = root("p384") if theirs == "p384" else root()
    with responder(theirs, authority) as gw, Client(gw, **device(ca=pem(authority.certificate))) as client:
        client.connect()
        assert client.story == [("up", "up")]
        [sa] = gw.engine.sas
        assert sa.asked_for == [spki_hash(authority.certificate)]


@pytest.mark.parametrize("ours", ["p256", "ed25519"])
def test_both_interpreters(ours, tmp_path):
    with responder() as gw:
        config = options(gw, retransmit_ms=500, **device(ours))
        done = run_device("micropython", tmp_path, config, "connect", "readings:1", "close")
        assert [event[:2] for event in done.of("event")] == [["up", "up"], ["down", "closed"]] and done.status == 0
        with Client(gw, **device(ours)) as client:
            client.connect()


@pytest.mark.parametrize("kind", ["p256", "rsa2048"])
def test_a_gateway_without_rfc_7427(kind):
    with responder(kind, signature_hashes=()) as gw, Client(gw, **device()) as client:
        client.connect()


def test_the_request_names_authorities_and_a_gateway_that_is_not_asked_sends_none():
    from hashlib import sha1  # what the desk writes is taken as it is

    given = sha1(b"another").hexdigest()
    with responder() as gw, Client(gw, **device(certreq=given)) as client:
        client.connect()
        assert [h.hex() for h in gw.engine.sas[0].asked_for] == [given]
    with responder() as gw:
        gw.faults.add(fault_library.omit(Exchange.IKE_AUTH, Type.CERT))
        assert "let the gateway send its certificate" in failure(gw, **device())


def test_the_gateway_looks_at_ours():
    other = Authority("Root")
    own = key("p256", 1)
    with responder() as gw:
        ended = root().issue(_DEVICE, own, days=(-9, -1))
        for certificate in (other.issue(_DEVICE, own), root().issue("other.example", own), ended):
            text = failure(gw, **device(cert=pem(certificate)))
            assert "authority of our cert_file" in text and "local_id" in text
        assert halves(gw) == []


def test_our_chain_is_sent():
    sub = Authority("Sub", above=root())
    own = sub.issue(_DEVICE, key("p256", 1))
    with responder() as gw, Client(gw, **device(cert=pem(own, sub.certificate))) as client:
        client.connect()
    with responder() as gw:
        failure(gw, **device(cert=pem(own)))


def test_each_end_by_another_method():
    theirs = device(auth="psk", remote_auth="cert", psk=PSK, key="", cert="")
    with responder(psk=PSK, authorities=()) as gw, Client(gw, **theirs) as client:
        client.connect()
    with Responder(psk=PSK, authorities=(root().certificate,)) as gw:
        gw.options.key_of = lambda _identity: PSK.encode()  # type: ignore[method-assign]
        with Client(gw, **device(remote_auth="psk", psk=PSK, ca="")) as client:
            client.connect()


def test_dates_by_a_clock():
    with responder(certificates=(root().issue(_GATEWAY, key(), days=(-9, -1)),)) as gw:
        assert "ended on" in failure(gw, **device())
        with Client(gw, **device(clock="")) as client:
            client.connect()
    with responder(certificates=(root().issue(_GATEWAY, key(), days=(5, 9)),)) as gw:
        assert "not valid before" in failure(gw, **device())


def test_an_identity_that_changes_between_certificate_and_idr():
    """IDr of another name than the certificate, with AUTH over it; and both of a name that is not wanted."""
    with responder(local_id="other.example") as gw:
        assert "the gateway says it is 'other.example', expected was 'gw.example'" in failure(gw, **device())
    with responder(local_id="other.example") as gw:
        assert "no subjectAltName 'other.example', but 'gw.example'" in failure(gw, **device(remote_id="other.example"))
    with responder() as gw:  # signed for gw.example, then told as another
        gw.faults.add(fault_library.change(Exchange.IKE_AUTH, Type.IDr, lambda _p: Identity.of("other.example").payload()))
        failure(gw, **device(remote_id="other.example", ca=pem(root().certificate)))


# What each refusal says
_WORDS = {
    "cert-none": "let the gateway send its certificate",
    "cert-hash-and-url": "never fetched",
    "cert-pkcs7": "another encoding",
    "cert-empty": "malformed DER",
    "cert-cut": "malformed DER",
    "cert-longer": "malformed DER",
    "cert-critical-extension": "critical and not known",
    "cert-name-constraints": "name constraints",
    "cert-other-identity": "'other.example'",
    "cert-no-identity": "CN does not count",
    "cert-wildcard": "'gw.example'",
    "cert-no-signing": "digitalSignature",
    "cert-for-clients": "extKeyUsage",
    "cert-sha224": "with SHA-256, SHA-384 or SHA-512",
    "cert-algorithms-differ": "AlgorithmIdentifiers differ",
    "cert-algorithm-of-other-hash": "another key signed it",
    "cert-algorithm-of-other-key": "another key signed it",
    "cert-signature-empty": "another key signed it",
    "cert-signature-short": "another key signed it",
    "cert-signature-zero": "another key signed it",
    "cert-of-other-key": "not that of its certificate",
    "cert-of-other-kind": "do not belong together",
    "cert-of-root": "CN does not count",
    "cert-self-signed": "no authority of ca_file issued it",
    "cert-other-root": "another key signed it",
    "cert-by-leaf": "no authority",
    "cert-leaf-last": "CN does not count",
    "cert-flood": "more than 6 certificates",
    "cert-same-names": "another key signed it",
    "cert-loop": "no authority of ca_file issued it",
    "cert-long-path": "more than 4 certificates",
}


@pytest.mark.parametrize("name", fault_certificates.REFUSED)
@pytest.mark.parametrize("interpreter", ["cpython", "micropython"])
def test_every_fault_of_certificates(name, interpreter, tmp_path):
    with responder() as gw:
        fault = gw.faults.add(fault_certificates.REFUSED[name](root(), key()))
        if interpreter == "cpython":
            text = failure(gw, **device())
        else:
            done = run_device("micropython", tmp_path, options(gw, retransmit_ms=500, **device()), "connect")
            [[kind, cause, text]] = done.of("event")
            assert (kind, cause) == ("failed", "authentication_failed"), done
        assert _WORDS[name] in text, text
        assert fault.done and gw.counters["in.esp"] == 0


@pytest.mark.parametrize("name", fault_certificates.TOO_MUCH)
def test_more_than_a_message_may_have(name):
    """Messages in pieces have 4 KB at the most: their pieces are dropped, and no heap is taken."""
    with responder() as gw:
        fault = gw.faults.add(fault_certificates.TOO_MUCH[name](root(), key()))
        assert "no answer" in failure(gw, "timeout", **device())
        assert fault.done


@pytest.mark.parametrize("name", fault_certificates.TAKEN)
@pytest.mark.parametrize("interpreter", ["cpython", "micropython"])
def test_what_is_taken(name, interpreter, tmp_path):
    with responder() as gw:
        fault = gw.faults.add(fault_certificates.TAKEN[name](root(), key()))
        if interpreter == "cpython":
            with Client(gw, **device()) as client:
                client.connect()
        else:
            done = run_device("micropython", tmp_path, options(gw, retransmit_ms=500, **device()), "connect", "close")
            assert [event[:2] for event in done.of("event")] == [["up", "up"], ["down", "closed"]], done
        assert fault.done


@pytest.mark.parametrize("name", fault_signatures.SIGNATURES)
@pytest.mark.parametrize("interpreter", ["cpython", pytest.param("micropython", marks=pytest.mark.slow)])
def test_every_fault_of_signatures(name, interpreter, tmp_path):
    """Those of AUTH, with the key of a certificate."""
    with responder() as gw:
        gw.faults.add(fault_signatures.SIGNATURES[name]())
        is_classic = name == "hashes-not-told"  # then it is a gateway without RFC 7427, which a P-256 key can be
        if interpreter == "micropython":
            done = run_device("micropython", tmp_path, options(gw, retransmit_ms=500, **device()), "connect")
            wanted = ["up", "up"] if is_classic else ["failed", "authentication_failed"]
            assert done.of("event")[0][:2] == wanted
        elif is_classic:
            with Client(gw, **device()) as client:
                client.connect()
        else:
            assert SIGNATURE_WORDS[name].replace("gateway_key", "its certificate") in failure(gw, **device())


def test_a_signature_over_other_octets():
    with responder() as gw:
        gw.faults.add(fault_signatures.over(b"the request in place of the response", key()))
        assert "not that of its certificate" in failure(gw, **device())


def test_a_chain_in_fragments():
    """Certificates of 1.5 KB in pieces of 576 octets, both ways."""
    sub = Authority("Sub", above=root())
    chain = (sub.issue(_GATEWAY, key("rsa4096")), sub.certificate)
    with responder("rsa4096", certificates=chain, piece_octets=500) as gw, Client(gw, **device()) as client:
        client.connect()
        assert gw.engine.sas[0].fragmentation
