"""Certificates and EAP in the texts of all vendors: the authority's import, identity and method lines; or what to use instead."""

import re

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from host_tests.board_tool.conftest import TUNNEL, tool, write_plan
from host_tests.board_tool.test_gateway import CLOUD, EVERYBODYS, SITE, TEXT_PSK
from ipsec_board import gateway
from ipsec_board.gateway import certificates, methods
from ipsec_board.gateway import plan as plans
from ipsec_board.gateway.authority import Authority, pem

CLOUDS = ("aws", "azure")
VENDORS = tuple(k for k in gateway.GATEWAYS if k not in ("strongswan", "libreswan"))
_LINES = {
    "psk": "",
    "key": 'auth = "key"\ngateway_key = "gateway.pub"\n',
    "cert": 'auth = "cert"\nkey_file = "own.key"\ncert_file = "own.crt"\nca_file = "ca/ca.crt"\n',
    "eap": 'auth = "eap"\nnt_hash_file = "own.nt"\nca_file = "ca/ca.crt"\n',
    "psk+cert": 'psk_file = "sensor-7.psk"\nremote_auth = "cert"\nca_file = "ca/ca.crt"\n',
}


def make(tmp_path, kind, auth, key=None):
    """A device whose certificate the desk's authority has issued, and the plan that says so."""
    issuer, _ = Authority.open(tmp_path / "ca")
    text = CLOUD if kind in CLOUDS else TUNNEL + EVERYBODYS + SITE
    if auth != "psk":
        text = text.replace('psk_file = "sensor-7.psk"\n', _LINES[auth])
    identity = "203.0.113.7" if kind in CLOUDS else "sensor-7.example.net"
    key = key or ec.generate_private_key(ec.SECP256R1())
    for name, content in (("own.key", pem(key)), ("own.nt", "hex:" + "5a" * 16), ("gateway.pub", "")):
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(0o600)
    (tmp_path / "own.crt").write_text(certificates.text([issuer.issue(identity, key.public_key())]))
    if auth == "key":
        from ipsec.ike.auth import keys

        from ipsec_board.gateway import raw_keys

        for name in ("gateway.pub", "sensor-7.pub"):
            point = ec.generate_private_key(ec.SECP256R1()).public_key().public_numbers()
            data = point.x.to_bytes(32, "big") + point.y.to_bytes(32, "big")
            (tmp_path / name).write_text(raw_keys.pem(keys.PublicKey(keys.P256, data)))
    return write_plan(tmp_path, text, TEXT_PSK)


WANTED = {
    ("routeros", "cert"): [
        '/certificate import file-name=uplink-gateway.crt name=uplink-gateway passphrase=""',
        '/certificate import file-name=uplink-device-ca.crt name=uplink-device-ca passphrase=""',
        "auth-method=digital-signature certificate=uplink-gateway my-id=fqdn:gw.example.net remote-id=fqdn:sensor-7.example.net",
    ],
    ("routeros", "eap"): [
        "auth-method=eap-radius certificate=uplink-gateway my-id=fqdn:gw.example.net",
        '/user-manager user add name="sensor-7.exa',
    ],
    ("iosxe", "cert"): [
        "crypto pki trustpoint uplink-device-ca\n", "crypto pki authenticate uplink-device-ca\n",
        " authentication remote ecdsa-sig\n",
        " authentication local ecdsa-sig\n", " pki trustpoint uplink-gateway sign\n", " pki trustpoint uplink-device-ca verify\n",
        " match identity remote fqdn sensor-7.example.net\n", "aaa authorization group cert list uplink uplink\n",
    ],
    ("iosxe", "eap"): [
        " authentication remote eap query-identity\n", " authentication local ecdsa-sig\n", " aaa authentication eap uplink\n",
    ],
    ("iosxe", "psk+cert"): [
        " authentication remote pre-share\n", " authentication local ecdsa-sig\n", "  pre-shared-key <the PSK",
    ],
    ("junos", "cert"): [
        "set security pki ca-profile uplink-device-ca ca-identity uplink-device-ca\n",
        "authentication-method ecdsa-signatures-256\n",
        "certificate local-certificate uplink-gateway\n", "certificate trusted-ca ca-profile uplink-device-ca\n",
        "local-identity hostname gw.example.net\n", "dynamic hostname sensor-7.example.net\n",
    ],
    ("fortigate", "cert"): [
        '    edit "uplink-device-ca"\n        set ca "-----BEGIN CERTIFICATE-----\n', "        set authmethod signature\n",
        '        set certificate "uplink-gateway"\n',
        '        set cn "sensor-7.example.net"\n', '        set localid "gw.example.net"\n',
    ],
    ("fortigate", "eap"): ["        set eap enable\n", '        set authusrgrp "uplink"\n', '    edit "sensor-7.example.net"\n'],
    ("pfsense", "cert"): [
        "System > Certificates > Authorities: import uplink-device-ca.crt\n", "    Authentication Method: Mutual Certificate\n",
        "    My Certificate: uplink-gateway\n", "    Peer Certificate Authority: uplink-device-ca\n",
    ],
    ("pfsense", "eap"): ["    Authentication Method: EAP-MSChapv2\n", "    Secret Type: EAP\n"],
    ("aws", "cert"): ["--certificate-arn CERTIFICATE-ARN", "--csr fileb://sensor-7.csr"],
    ("azure", "cert"): [
        "-AuthenticationType Certificate -CertificateAuthentication $auth", "-InboundAuthCertificateSubjectName '203.0.113.7'",
        "-InboundAuthCertificateChain @('MII",
    ],
}  # fmt: skip


@pytest.mark.parametrize(("kind", "auth"), WANTED)
def test_the_lines_of_the_vendor(tmp_path, kind, auth):
    path = make(tmp_path, kind, auth)
    said = tool("gateway", kind, path, "--ca", tmp_path / "ca")
    assert said.status == 0, said.err
    for wanted in WANTED[kind, auth]:
        assert wanted in said.out, (wanted, said.out)
    assert "Not confirmed: " in said.out and "PRIVATE KEY" not in said.out and "5a" * 16 not in said.out
    assert auth == "psk+cert" or kind == "pfsense" or not re.search(r"(?i)pre-?share|psksecret|SharedKey", said.out), said.out
    for file in gateway.write(kind, plans.load(path), issuer=Authority.open(tmp_path / "ca")[0]):
        if file.name.endswith((".crt", ".key", ".json")):
            continue
        source = False
        for line in file.text.splitlines():
            if re.match(r'[#!] (Source: ".+", .+|Not confirmed: .+)', line):
                source = True
            elif line and line[0] not in "#!" and not line.startswith("$group"):
                assert source, f"no source above {line!r}"


@pytest.mark.parametrize(("kind", "auth"), WANTED)
def test_files_for_the_gateway(tmp_path, kind, auth):
    """The authority, the certificate that it issued and its key, which alone is a secret; nothing is printed of it."""
    path = make(tmp_path, kind, auth)
    out = tmp_path / "out"
    said = tool("gateway", kind, path, "--ca", tmp_path / "ca", "--out", out)
    assert said.status == 0, said.err
    names = {p.name for p in out.iterdir()}
    if kind != "aws":  # which has a certificate of its own
        stem = "uplink-203-0-113-7" if kind == "azure" else "uplink"
        assert {f"{stem}-gateway.crt", f"{stem}-gateway.key"} <= names
        assert (f"{stem}-device-ca.crt" in names) == (auth == "cert")
    assert [p.name for p in out.iterdir() if "PRIVATE KEY" in p.read_text() and p.stat().st_mode & 0o077] == []


@pytest.mark.parametrize("auth", _LINES)
@pytest.mark.parametrize("kind", gateway.GATEWAYS)
def test_every_method_is_written_or_refused_with_another(tmp_path, kind, auth):
    said = tool("gateway", kind, make(tmp_path, kind, auth))
    known = methods._KNOWN[kind]
    ours, _, theirs = auth.partition("+")
    pair = (ours, theirs or ("cert" if auth == "eap" else auth))
    if (known is None and (kind, auth) != ("libreswan", "eap")) or known and pair in known:
        assert said.status == 0, said.err
        return
    assert said.status == 1 and said.err.count("error:") == said.err.count("remedy:") == 1, said.err
    instead = {"key": 'auth = "cert"', "eap": 'auth = "cert"', "psk+cert": "leave out remote_auth"}[auth]
    assert instead in said.err and gateway.GATEWAYS[kind][1] in said.err


@pytest.mark.parametrize("kind", [k for k in VENDORS if k != "aws"])
def test_ed25519_is_refused(tmp_path, kind):
    said = tool("gateway", kind, make(tmp_path, kind, "cert", ed25519.Ed25519PrivateKey.generate()))
    assert said.status == 1 and "Ed25519" in said.err and "--new-key p256" in said.err


@pytest.mark.parametrize("kind", VENDORS)
def test_a_post_quantum_key_is_refused(tmp_path, kind):
    path = make(tmp_path, kind, "psk")
    (tmp_path / "x.ppk").write_text("hex:" + "17" * 32)
    (tmp_path / "x.ppk").chmod(0o600)
    path.write_text(path.read_text().replace("[tunnel]", '[tunnel]\nppk_id = "x"\nppk_file = "x.ppk"'))
    said = tool("gateway", kind, path)
    assert said.status == 1 and "RFC 8784" in said.err and "remove ppk_id" in said.err


def test_two_devices_with_certificates_share_a_fortigate(tmp_path):
    path = make(tmp_path, "fortigate", "cert")
    issuer, _ = Authority.open(tmp_path / "ca")
    key = ec.generate_private_key(ec.SECP256R1())
    (tmp_path / "other.key").write_text(pem(key))
    (tmp_path / "other.key").chmod(0o600)
    (tmp_path / "other.crt").write_text(certificates.text([issuer.issue("pump.example.net", key.public_key())]))
    other = tmp_path / "pump.toml"
    other.write_text(path.read_text().replace("sensor-7", "pump").replace("own.", "other."))
    said = tool("gateway", "fortigate", path, other, "--ca", tmp_path / "ca")
    assert said.status == 0, said.err
    assert 'set peergrp "uplink"' in said.out
    assert 'append member "pump-example-net"' in said.out and '\n        set cn "pump.' in said.out
