"""A configuration without lists of suites meets what gateways have by default, or by the profile that their documents recommend.

Each row is the reference responder with a vendor's proposals, as far as they have SHA-2 and group 14 or better; weaker ones,
which the device never offers, are left out. Start reading at `VENDORS`.
"""

import pytest

from host_tests.responder import Responder
from host_tests.system.harness import PSK, Client, options, run_device


def _every(ciphers, macs, groups, prfs=()):
    """Combinations in the order of a policy: its groups, ciphers, hashes."""
    return tuple(
        "-".join(word for word in (cipher, mac if "gcm" not in cipher else "", prf, group) if word)
        for group in groups
        for cipher in ciphers
        for mac in macs
        for prf in (prfs or ("prf" + mac,))
    )


FORTIOS = ("aes128-sha256", "aes256-sha256", "aes128gcm16-prfsha256", "aes256gcm16-prfsha384", "chacha20poly1305-prfsha256")
# vendor: (IKE suites, ESP suites)
VENDORS = {
    "FortiOS": (
        tuple(suite + "-modp2048" for suite in FORTIOS),
        ("aes128-sha256", "aes256-sha256", "aes128gcm16", "aes256gcm16", "chacha20poly1305"),
    ),
    "pfSense": (("aes128-sha256-modp2048",), ("aes128-sha256", "aes128gcm16")),
    "OPNsense": (("aes256-sha256-modp2048",), ("aes256-sha256", "aes256gcm16")),
    "IOS XE": (
        tuple("aes256-%s-%s" % (mac, group) for group in ("ecp256", "modp2048", "ecp521") for mac in ("sha512", "sha384")),
        ("aes128-sha256",),
    ),
    "AWS": (
        _every(("aes128", "aes256", "aes128gcm16", "aes256gcm16"), ("sha256", "sha384", "sha512"), ("modp2048", "modp3072")),
        ("aes128-sha256", "aes256-sha256", "aes128gcm16", "aes256gcm16"),
    ),
    "RouterOS": (("aes256-sha256-modp2048", "aes256-sha256-modp4096"), ("aes256-sha256",)),
    "Junos": (("aes128-sha256-ecp256", "aes256-sha384-ecp384"), ("aes128gcm16",)),
    "Junos suiteb-gcm-256": (("aes256-sha384-ecp384",), ("aes256gcm16",)),
    "Azure": (("aes256-sha256-modp2048", "aes256-sha384-ecp384"), ("aes256gcm16", "aes256-sha256")),
}
CALM = {"retransmit_ms": 1000}


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_default_offer_meets(vendor):
    ike, esp = VENDORS[vendor]
    with Responder(psk=PSK, ike_suites=ike, esp_suites=esp) as gw, Client(gw, **CALM).connect() as client:
        assert client.uplink.ping("10.10.0.1") is not None
        assert client.story == [("up", "up")]


@pytest.mark.parametrize("vendor", ["FortiOS", "IOS XE"])
def test_on_micropython(vendor, tmp_path):
    ike, esp = VENDORS[vendor]
    with Responder(psk=PSK, ike_suites=ike, esp_suites=esp) as gw:
        done = run_device("micropython", tmp_path, options(gw, **CALM), "connect", "readings:3", "close", heap="1m")
        assert done.of("readings") == [[3]]


SUITES = (
    ("aes192-sha256-ecp384", "aes192-sha256"),
    ("aes256gcm12-prfsha512-ecp521", "aes256gcm12"),
    ("aes128gcm8-prfsha256-modp3072", "aes128gcm8"),
    ("aes128ccm12-prfsha384-modp4096", "aes128ccm12"),
    ("aes192gcm16-prfsha256-x25519", "aes192gcm16"),
)


@pytest.mark.parametrize("ike, esp", SUITES)
def test_every_new_suite(ike, esp):
    gw = Responder(psk=PSK, ike_suites=(ike,), esp_suites=(esp,))
    with gw, Client(gw, **CALM, ike_proposals=[ike], esp_proposals=[esp]).connect() as client:
        assert client.uplink.ping("10.10.0.1") is not None


ON_BOARDS = ("aes256gcm12-prfsha384-ecp384", "aes256gcm12"), ("aes128gcm8-prfsha256-modp3072", "aes128ccm12")


@pytest.mark.parametrize("ike, esp", ON_BOARDS)
def test_new_suites_on_micropython(ike, esp, tmp_path):
    with Responder(psk=PSK, ike_suites=(ike,), esp_suites=(esp,)) as gw:
        config = options(gw, **CALM, ike_proposals=[ike], esp_proposals=[esp])
        done = run_device("micropython", tmp_path, config, "connect", "readings:3", "close", heap="1m")
        assert done.of("readings") == [[3]]
