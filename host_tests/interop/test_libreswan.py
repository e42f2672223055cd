"""The library against libreswan: what other people than strongSwan's think of our IKE messages, and scapy of our ESP."""

import base64
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PublicFormat, load_pem_private_key, pkcs12
from cryptography.x509 import load_pem_x509_certificate

from host_tests.conftest import require
from host_tests.interop import spaces
from host_tests.interop.gateway import device_options, start_device
from host_tests.interop.install import Missing, print_progress
from host_tests.interop.libreswan import Libreswan, libreswan_root
from host_tests.interop.spaces import Network
from host_tests.interop.strongswan import CLIENT_ID, GATEWAY_ID
from host_tests.interop.test_certificates import _MAKE, Authority, pem, text
from host_tests.interop.test_raw_keys import make

pytestmark = pytest.mark.interop

_GCM = {"ike_proposals": ["aes128gcm16-prfsha256-x25519"], "esp_proposals": ["aes128gcm16"]}
_CBC = {"ike_proposals": ["aes128-sha256-x25519"], "esp_proposals": ["aes128-sha256"]}


@pytest.fixture(scope="module")
def pluto_root():
    """The unpacked libreswan."""
    require(shutil.which("cc") or shutil.which("gcc"), "no C compiler; install one with: apt-get install gcc libc6-dev")
    try:
        spaces.check_machine()
        return libreswan_root(print_progress)
    except Missing as error:
        require(False, str(error))


@pytest.fixture
def network(pluto_root) -> Iterator[Network]:
    """Namespaces whose tools come from libreswan's root."""
    with Network(pluto_root) as network:
        yield network


def key_pair() -> tuple[str, str]:
    """A P-256 key for a device, in PEM, and its public key as libreswan has it."""
    private = make("p256")
    point = load_pem_private_key(private.encode(), None).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return private, "0s" + base64.b64encode(point[1:]).decode()


def serve(network: Network, interpreter: str, **options) -> subprocess.Popen:
    """A device that stays up until its tunnel goes down."""
    config = network.work / "device.json"
    config.write_text(json.dumps({**device_options(), "reconnect": False, **options}))
    return start_device(network.client, [interpreter, "host_tests/interop/device.py", config, "serve"])


@pytest.mark.parametrize("interpreter", ["micropython", sys.executable], ids=["micropython", "cpython"])
@pytest.mark.parametrize(
    ("suite", "ike", "esp"),
    [(_GCM, "aes_gcm128-sha2_256-dh31", "aes_gcm128"), (_CBC, "aes128-sha2_256-dh31", "aes128-sha2_256")],
    ids=["gcm", "cbc"],
)
def test_a_tunnel_comes_up_and_the_gateway_deletes_it(network, interpreter, suite, ike, esp):
    pluto = Libreswan(network.gateway, ike=ike, esp=esp)
    device = serve(network, interpreter, **suite)
    assert device.stdout and device.stdout.readline() == "up 10.20.0.1\n"
    pluto.wait_log("responder established Child SA")
    pluto.close()
    assert device.communicate(timeout=10)[0].splitlines() == ["closed"]


@pytest.mark.parametrize(
    ("suite", "ike", "esp"),
    [(_GCM, "aes_gcm128-sha2_256-dh31", "aes_gcm128"), (_CBC, "aes128-sha2_256-dh31", "aes128-sha2_256")],
    ids=["gcm", "cbc"],
)
def test_packets_pass_with_the_keys_that_both_made(network, suite, ike, esp):
    """pluto's own KEYMAT, as it gives it to the kernel, opens and seals what the device sends and takes."""
    pluto = Libreswan(network.gateway, ike=ike, esp=esp)
    config = network.work / "device.json"
    config.write_text(json.dumps({**device_options(), "reconnect": False, **suite}))
    with pluto.carry_esp():
        device = start_device(network.client, ["micropython", "host_tests/interop/device.py", config, "0"])
        said = device.communicate(timeout=30)[0].splitlines()
    pluto.close()
    assert said[:2] == ["up 10.20.0.1", "pings 3"] and said[-1] == "closed", said


def test_a_wrong_key_is_refused(network):
    pluto = Libreswan(network.gateway)
    device = serve(network, sys.executable, psk="another key of enough length", **_GCM)
    assert "up" not in device.communicate(timeout=20)[0].split()
    assert device.returncode != 0 and "established Child SA" not in pluto.log()


@pytest.mark.parametrize("interpreter", ["micropython", sys.executable], ids=["micropython", "cpython"])
def test_raw_keys(network, interpreter):
    """P-256 at both ends; each key in the form in which libreswan has it."""
    private, device_key = key_pair()
    pluto = Libreswan(network.gateway, device_key=device_key)
    device = serve(network, interpreter, auth="key", psk="", key=private, gateway_key=pluto.gateway_key, **_GCM)
    assert device.stdout and device.stdout.readline() == "up 10.20.0.1\n", pluto.log()[-3000:]
    pluto.wait_log("responder established Child SA")
    pluto.close()
    assert device.communicate(timeout=10)[0].splitlines() == ["closed"]


@pytest.mark.parametrize("method", ["psk", "p256"])
def test_a_post_quantum_key(network, method):
    """RFC 8784, wanted by both ends."""
    secret = f'@gw.test @cli.test : PPKS "fleet-7" 0x{bytes(range(100, 132)).hex()}\n'
    given: dict = {"ppk_id": "fleet-7", "ppk": "hex:" + bytes(range(100, 132)).hex()}
    device_key = ""
    if method == "p256":
        private, device_key = key_pair()
        given.update(auth="key", psk="", key=private)
    pluto = Libreswan(network.gateway, more=("ppk=insist",), secrets=secret, device_key=device_key)
    if method == "p256":
        given["gateway_key"] = pluto.gateway_key
    device = serve(network, "micropython", **given, **_GCM)
    assert device.stdout and device.stdout.readline() == "up 10.20.0.1\n", pluto.log()[-3000:]
    pluto.wait_log("responder established Child SA")
    for verb, count in (("--rekey-ike", 1), ("--rekey-child", 2)):
        pluto.whack(verb, "--asynchronous", "--name", "rw")
        pluto.wait_count("initiator rekeyed", count)
    assert "PPK" in pluto.log() and device.poll() is None
    pluto.close()
    assert device.communicate(timeout=10)[0].splitlines() == ["closed"]


@pytest.mark.parametrize("interpreter", ["micropython", sys.executable], ids=["micropython", "cpython"])
@pytest.mark.parametrize(
    ("kind", "authby", "above"),
    [("p256", "ecdsa", False), ("p256", "ecdsa", True), ("p384", "ecdsa", False), ("rsa2048", "rsa-sha2,ecdsa", False)],
)
def test_certificates(network, interpreter, kind, authby, above):
    """The device's on P-256; the gateway's of each kind, and under an authority below the root: its answer comes in pieces."""
    root, device = Authority("p384" if kind == "p384" else "p256"), _MAKE["p256"]()
    issuer = Authority("p256", "Test Sub", root) if above else root
    pluto = Libreswan(network.gateway, authby=authby, **certified(root, issuer, kind))
    mine = {"key": pem(device), "cert": root.issue(CLIENT_ID, device), "ca": text(root.certificate)}
    device_process = serve(network, interpreter, auth="cert", psk="", **mine, **_GCM)
    assert device_process.stdout and device_process.stdout.readline() == "up 10.20.0.1\n", pluto.log()[-3000:]
    pluto.wait_log("responder established Child SA")
    pluto.close()
    assert device_process.communicate(timeout=10)[0].splitlines() == ["closed"]


@pytest.mark.parametrize("interpreter", ["micropython", sys.executable], ids=["micropython", "cpython"])
def test_the_gateway_by_certificate_and_the_device_by_psk(network, interpreter):
    root = Authority("p256")
    given = certified(root, root, "p256")
    given["more"] += ("leftauth=ecdsa", "rightauth=secret")
    pluto = Libreswan(network.gateway, authby="ecdsa", **given)
    device = serve(network, interpreter, remote_auth="cert", ca=text(root.certificate), **_GCM)
    assert device.stdout and device.stdout.readline() == "up 10.20.0.1\n", pluto.log()[-3000:]
    pluto.close()
    assert device.communicate(timeout=10)[0].splitlines() == ["closed"]


def test_a_certificate_of_another_authority(network):
    """Both ends refuse what the other's authority did not issue."""
    root, other, device = Authority("p256"), Authority("p256", "Other"), _MAKE["p256"]()
    pluto = Libreswan(network.gateway, authby="ecdsa", **certified(root, root, "p256"))
    for mine, ca, words in ((other, root, "must have the authority of our cert_file"), (root, other, "no authority of ca_file")):
        options = {"key": pem(device), "cert": mine.issue(CLIENT_ID, device), "ca": text(ca.certificate)}
        done = serve(network, sys.executable, auth="cert", psk="", **options, **_GCM)
        assert words in done.communicate(timeout=20)[0] and done.returncode != 0, pluto.log()[-2000:]


def certified(root: Authority, issuer: Authority, kind: str) -> dict:
    """What a pluto needs for a certificate of its own and for those of devices."""
    key = _MAKE[kind]()
    own = load_pem_x509_certificate(issuer.issue(GATEWAY_ID, key).encode())
    store = pkcs12.serialize_key_and_certificates(b"gateway", key, own, None, NoEncryption())
    trusted = (text(root.certificate), *([text(issuer.certificate)] if issuer is not root else []))
    more = ("leftcert=gateway", "leftsendcert=always", *(("sendca=issuer",) if issuer is not root else ()))
    return {"stores": {"gateway.p12": store}, "authorities": trusted, "more": more}


@pytest.mark.slow
@pytest.mark.parametrize("rekeys", ["the gateway", "the device"])
def test_new_keys_by_either_side(network, rekeys):
    """Both kinds of SA, three times each; pluto wants perfect forward secrecy, and cuts its longer answers into pieces."""
    pluto = Libreswan(network.gateway)
    ours = {"child_lifetime_s": 10, "lifetime_s": 13} if rekeys == "the device" else {}
    device = serve(network, "micropython", dpd_s=1, **ours, **_GCM)
    assert device.stdout and device.stdout.readline() == "up 10.20.0.1\n"
    if rekeys == "the gateway":
        for count in range(3):
            for verb in ("--rekey-child", "--rekey-ike"):
                pluto.whack(verb, "--asynchronous", "--name", "rw")
                pluto.wait_count("initiator rekeyed", 2 * count + (1 if verb == "--rekey-child" else 2))
    else:
        pluto.wait_count("responder rekeyed", 2, timeout_s=25)
    assert device.poll() is None, pluto.log()[-3000:]
    pluto.close()
    assert device.communicate(timeout=10)[0].splitlines() == ["closed"]


@pytest.mark.parametrize("interpreter", ["micropython", sys.executable], ids=["micropython", "cpython"])
def test_ike_in_tcp(network, interpreter):
    """RFC 9329, IKE alone: ESP is the kernel's."""
    pluto = Libreswan(network.gateway, setup=("listen-tcp=yes",), more=("enable-tcp=yes", "tcp-remoteport=4500"))
    device = serve(network, interpreter, tcp="always", **_GCM)
    assert device.stdout and device.stdout.readline() == "up 10.20.0.1\n", pluto.log()[-3000:]
    pluto.wait_log("responder established Child SA")
    pluto.close()
    assert device.communicate(timeout=10)[0].splitlines() == ["closed"]
