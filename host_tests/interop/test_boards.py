"""Real gateways and an emulated Cortex-M0+ with the library frozen: each kind of key, certificates, PPK and EAP.

The board's network is QEMU's, whose sockets are in the device's namespace. Start reading at `connect`.
"""

import json
from typing import Any

import pytest

from host_tests.emulated.conftest import build
from host_tests.interop import test_certificates as certificates
from host_tests.interop import test_eap as eap
from host_tests.interop import test_libreswan as pluto_tests
from host_tests.interop import test_ppk as ppk
from host_tests.interop import test_raw_keys as raw
from host_tests.interop.gateway import device_options
from host_tests.interop.libreswan import Libreswan
from host_tests.interop.strongswan import CLIENT_ID, PSK
from host_tests.interop.test_libreswan import network, pluto_root  # noqa: F401 - fixtures
from tools import emulator

pytestmark = [pytest.mark.interop, pytest.mark.emulated, pytest.mark.slow]

NAME = "qemu-m0plus"
HEAP = 128 * 1024
_PROGRAM = """
import gc
gc.threshold(4096)
import ipsec
uplink = ipsec.connect("/rom/device.json")
print("up", uplink.address)
if %d:
    sock = uplink.socket()
    sock.settimeout(5)
    for n in range(2):
        sock.sendto(b'{"n": %%d, "celsius": 21.5}' %% n, ("10.10.0.1", 5000))
        print(sock.recvfrom(200)[0].decode())
uplink.close()
print("closed")
"""


def connect(space, folder, readings: bool = True, **options) -> list[str]:
    """What a board prints that connects from this namespace."""
    given = {name: value for name, value in {**device_options(), "retransmit_ms": 3000, **options}.items() if value is not None}
    (folder / "device.json").write_text(json.dumps(given))
    build(NAME, frozen=True)
    with emulator.start(NAME, rom=folder, heap=HEAP, frozen=True, prefix=space._enter(mounts=False)) as board:
        return board.exec(_PROGRAM % readings, timeout=120).splitlines()


def raw_keys(gw, kind: str) -> dict:
    return raw.scene(gw, kind, kind)


def certificate(gw, kind: str, auth: str = "pubkey", ours: str = "p256", **more) -> dict:
    return certificates.scene(gw, kind, auth, ours, **more)


def by_psk(gw) -> dict:
    given = certificates.scene(gw, remote={"auth": "psk", "id": CLIENT_ID})
    return {**given, "auth": "psk", "remote_auth": "cert", "psk": PSK, "key": None, "cert": None}


SCENES: dict[str, tuple[Any, tuple]] = {
    "raw Ed25519": (raw_keys, ("ed25519",)),
    "raw P-256": (raw_keys, ("p256",)),
    "certificates P-256": (certificate, ("p256",)),
    "certificates Ed25519": (certificate, ("ed25519", "pubkey", "ed25519")),
    "certificates RSA-2048 PSS": (certificate, ("rsa2048", "rsa/pss-sha256")),
    "certificates RSA-2048 PKCS1": (certificate, ("rsa2048", "rsa-2048-sha256")),
    "certificates RSA-4096": (certificate, ("rsa4096", "rsa/pss-sha256")),
    "leaf under intermediate": (lambda gw: certificates.scene(gw, above=True), ()),
    "device by PSK": (by_psk, ()),
    "PSK and PPK": (ppk.load, ("psk",)),
    "raw Ed25519 and PPK": (ppk.load, ("ed25519",)),
    "raw P-256 and PPK": (ppk.load, ("p256",)),
    "EAP-MSCHAPv2": (eap.raw, ("p256",)),
}


@pytest.mark.parametrize("what", SCENES)
def test_strongswan(gw, tmp_path, what):
    make, arguments = SCENES[what]
    said = connect(gw.client, tmp_path, **make(gw, *arguments))
    assert said == ["up 10.20.0.1", "ack 0", "ack 1", "closed"], gw.swan.log_tail()


@pytest.mark.parametrize("make", [raw_keys, certificate])
def test_strongswan_without_rfc_7427(make_gateway, tmp_path, make):
    gw = make_gateway(settings={"signature_authentication": "no"})
    assert connect(gw.client, tmp_path, **make(gw, "p256"))[-1] == "closed"
    assert f"authentication of '{CLIENT_ID}' with ECDSA-256 signature successful" in gw.swan.log()


def test_strongswan_and_a_chain_in_fragments(make_gateway, tmp_path):
    gw = make_gateway(settings={"fragment_size": 576})
    assert connect(gw.client, tmp_path, **certificates.scene(gw, "rsa4096", above=True))[-1] == "closed"
    assert "splitting IKE message" in gw.swan.log()


@pytest.mark.parametrize("what", ["raw P-256", "raw P-256 and PPK", "certificates P-256", "certificates RSA-2048"])
def test_libreswan(network, tmp_path, what):  # noqa: F811
    given: dict = {"psk": "", **pluto_tests._GCM}
    if what.startswith("raw"):
        private, device_key = pluto_tests.key_pair()
        more: dict = {"device_key": device_key}
        if "PPK" in what:
            secret = f'@gw.test @cli.test : PPKS "fleet-7" 0x{ppk.KEY.hex()}\n'
            more.update(more=("ppk=insist",), secrets=secret)
            given.update(ppk.GIVEN)
        pluto = Libreswan(network.gateway, **more)
        given.update(auth="key", key=private, gateway_key=pluto.gateway_key)
    else:
        kind = "rsa2048" if "RSA" in what else "p256"
        root, device = certificates.Authority("p256"), certificates._MAKE["p256"]()
        authby = "rsa-sha2,ecdsa" if "RSA" in what else "ecdsa"
        pluto = Libreswan(network.gateway, authby=authby, **pluto_tests.certified(root, root, kind))
        mine = {"key": certificates.pem(device), "cert": root.issue(CLIENT_ID, device)}
        given.update(auth="cert", ca=certificates.text(root.certificate), **mine)
    said = connect(network.client, tmp_path, readings=False, **given)
    assert said == ["up 10.20.0.1", "closed"], pluto.log()[-3000:]
    pluto.close()
