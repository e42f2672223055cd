"""The library against libreswan: what other people than strongSwan's think of our IKE messages. No ESP here."""

import base64
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from host_tests.conftest import require
from host_tests.interop import spaces
from host_tests.interop.gateway import device_options, start_device
from host_tests.interop.install import Missing, print_progress
from host_tests.interop.libreswan import Libreswan, libreswan_root
from host_tests.interop.spaces import Network
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


def test_a_wrong_key_is_refused(network):
    pluto = Libreswan(network.gateway)
    device = serve(network, sys.executable, psk="another key of enough length", **_GCM)
    assert "up" not in device.communicate(timeout=20)[0].split()
    assert device.returncode != 0 and "established Child SA" not in pluto.log()


@pytest.mark.parametrize("interpreter", ["micropython", sys.executable], ids=["micropython", "cpython"])
def test_raw_keys(network, interpreter):
    """P-256 at both ends; each key in the form in which libreswan has it."""
    private = make("p256")
    point = load_pem_private_key(private.encode(), None).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    pluto = Libreswan(network.gateway, device_key="0s" + base64.b64encode(point[1:]).decode())
    device = serve(network, interpreter, auth="key", psk="", key=private, gateway_key=pluto.gateway_key, **_GCM)
    assert device.stdout and device.stdout.readline() == "up 10.20.0.1\n", pluto.log()[-3000:]
    pluto.wait_log("responder established Child SA")
    pluto.close()
    assert device.communicate(timeout=10)[0].splitlines() == ["closed"]


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
