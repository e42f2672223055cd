"""EAP-MSCHAPv2 from the desk: the hash is made of the password, checked, given to the board, and strongSwan loads the account."""

import io
import json
import stat
import sys

import pytest

from host_tests.board_tool.conftest import TUNNEL, tool, write_plan
from host_tests.board_tool.test_gateway_strongswan import PLAN, gw, swanctl_load  # noqa: F401 - a fixture
from host_tests.interop.strongswan import public_of
from host_tests.interop.test_certificates import Authority
from host_tests.interop.test_certificates import text as pem_of
from host_tests.interop.test_raw_keys import make as make_key
from ipsec_board import link
from ipsec_board.gateway import plan as plans

LINES = 'auth = "eap"\neap_identity = "device-7"\nnt_hash_file = "sensor-7.nt"\n'
NT_HASH = "44ebba8d5312b8d611474411f56989ae"  # RFC 2759 9.2


def write(tmp_path, monkeypatch, text=TUNNEL, line='gateway_key = "gateway.pub"', password="clientPass"):
    """A provisioning file, the gateway's public key, and the hash of the password."""
    own = make_key("ed25519")
    (tmp_path / "gateway.pub").write_text(public_of(own))
    path = write_plan(tmp_path, text.replace('psk_file = "sensor-7.psk"\n', LINES + line + "\n"), secret="")
    monkeypatch.setattr(sys, "stdin", io.StringIO(password + "\n"))
    said = tool("provision", "--check", path, "--new-nt-hash")
    assert said.status == 0 and password not in said.out + said.err, said.err
    return path, own


def test_it_is_made_checked_and_given_to_the_board(board, tmp_path, monkeypatch):
    path, _ = write(tmp_path, monkeypatch)
    place = tmp_path / "sensor-7.nt"
    assert stat.S_IMODE(place.stat().st_mode) == 0o600 and place.read_text() == f"hex:{NT_HASH}\n"
    for command in (("install", "--config", path), ("provision", path)):
        said = tool(command[0], "--port", board.port, *command[1:])
        assert said.status == 0 and NT_HASH not in said.out + said.err, said.err
    with link.connect(board.port) as b:
        found = json.loads(b.value("open('ipsec.json').read()"))
        assert found["nt_hash"] == "hex:" + NT_HASH and found["eap_identity"] == "device-7" and "psk" not in found
        b.run("from ipsec.drive.sync import Uplink\nUplink('ipsec.json')", timeout=60)


@pytest.mark.slow
def test_joined_and_prepared(board, tmp_path, monkeypatch):
    path, _ = write(tmp_path, monkeypatch)
    for command in (("install", "--config", path), ("provision", path)):
        said = tool(command[0], "--port", board.port, *command[1:], "--prepared")
        assert said.status == 0, said.err
    with link.connect(board.port) as b:
        b.run("from ipsec.drive.sync import Uplink\nUplink('ipsec.json')", timeout=60)


def test_an_authority(tmp_path, monkeypatch):
    (tmp_path / "ca.pem").write_text(pem_of(Authority("p256").certificate))
    path, _ = write(tmp_path, monkeypatch, line='ca_file = "ca.pem"')
    plan = plans.load(path)
    assert plan.config.remote_auth == "cert" and "BEGIN CERTIFICATE" in plan.device_config()["ca"]
    said = tool("gateway", "strongswan", path)
    assert "certs = gateway.pem" in said.out and "auth = eap-mschapv2" in said.out and NT_HASH not in said.out


def test_what_is_wrong_is_named(tmp_path, monkeypatch):
    path, _ = write(tmp_path, monkeypatch)
    for vendor in ("libreswan", "routeros"):
        said = tool("gateway", vendor, path)
        assert said.status == 1 and "EAP-MSCHAPv2" in said.err
    (tmp_path / "sensor-7.nt").chmod(0o644)
    said = tool("provision", "--check", path)
    assert said.status == 1 and "sensor-7.nt can be read by others" in said.err
    (tmp_path / "sensor-7.nt").chmod(0o600)
    (tmp_path / "sensor-7.nt").write_text("the password itself\n")
    said = tool("provision", "--check", path)
    assert said.status == 1 and "19 octets" in said.err and "--new-nt-hash" in said.err and "the password itself" not in said.err
    (tmp_path / "sensor-7.nt").unlink()
    said = tool("provision", "--check", path)
    assert said.status == 1 and "--new-nt-hash" in said.err
    text = path.read_text()
    path.write_text(text.replace('gateway_key = "gateway.pub"', ""))
    monkeypatch.setattr(sys, "stdin", io.StringIO("x\n"))
    said = tool("provision", "--check", path, "--new-nt-hash")
    assert said.status == 1 and "ca_file is required with auth 'eap'" in said.err
    path.write_text(text.replace('gateway_key = "gateway.pub"', 'ca_file = "nothing.pem"'))
    said = tool("provision", "--check", path)
    assert said.status == 1 and "nothing.pem" in said.err


@pytest.mark.interop
def test_strongswan_loads_the_account(gw, tmp_path, monkeypatch):  # noqa: F811
    text = PLAN.format(ike="aes128ccm16-prfsha256-x25519", esp="aes128ccm16")
    path, own = write(tmp_path, monkeypatch, text)
    folder = gw.swan.work / "swanctl"
    for name in ("pubkey", "private"):
        (folder / name).mkdir(parents=True)
    (folder / "private" / "gateway.pem").write_text(own)
    (folder / "pubkey" / "fleet-gateway.pub").write_text(public_of(own))
    said = swanctl_load(gw, path)
    assert "loaded ntlm secret 'ntlm-fleet-sensor-7-example-net'" in said and "failed" not in said, said
    config = gw.work / "device.json"
    config.write_text(json.dumps(plans.load(path).device_config()))
    done = gw.run_device([sys.executable, "host_tests/interop/device.py", config, "1"])
    assert done.status == 0 and "ack 0" in done.lines, "\n".join([*done.lines, gw.swan.log_tail()])
