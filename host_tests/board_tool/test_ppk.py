"""Post-quantum pre-shared keys from the desk: made, checked, given to the board, and written for gateways that load them."""

import json
import stat
import sys

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from host_tests.board_tool.conftest import TUNNEL, tool, write_plan
from host_tests.board_tool.test_gateway_libreswan import FLEET, network, up  # noqa: F401 - a fixture
from host_tests.board_tool.test_gateway_strongswan import PLAN, gw, swanctl_load  # noqa: F401 - a fixture
from host_tests.board_tool.test_raw_keys import KEY, public_pem
from ipsec_board import link
from ipsec_board.gateway import plan as plans

PPK = TUNNEL + 'ppk_id = "fleet-7"\nppk_file = "sensor-7.ppk"\n'


def write(tmp_path, text=PPK):
    """A provisioning file with both keys."""
    path = write_plan(tmp_path, text)
    assert tool("provision", "--check", path, "--new-ppk").status == 0
    return path


def secret(tmp_path) -> str:
    """The digits of the PPK."""
    return (tmp_path / "sensor-7.ppk").read_text().strip().removeprefix("hex:")


def test_it_is_made_checked_and_given_to_the_board(board, tmp_path):
    path = write(tmp_path)
    place = tmp_path / "sensor-7.ppk"
    assert stat.S_IMODE(place.stat().st_mode) == 0o600 and len(secret(tmp_path)) == 64
    said = tool("provision", "--check", path, "--new-ppk")
    assert said.status == 1 and "exists" in said.err
    for command in (("install", "--config", path), ("provision", path)):
        said = tool(command[0], "--port", board.port, *command[1:])
        assert said.status == 0 and secret(tmp_path) not in said.out + said.err, said.err
    with link.connect(board.port) as b:
        found = json.loads(b.value("open('ipsec.json').read()"))
        assert found["ppk"] == "hex:" + secret(tmp_path) and found["ppk_id"] == "fleet-7" and "ppk_file" not in found
        b.run("from ipsec.drive.sync import Uplink\nUplink('ipsec.json')", timeout=60)


@pytest.mark.slow
@pytest.mark.parametrize("form", [(), ("--prepared",)])
def test_joined(board, tmp_path, form):
    path = write(tmp_path)
    for command in (("install", "--config", path), ("provision", path)):
        said = tool(command[0], "--port", board.port, *command[1:], *form)
        assert said.status == 0, said.err
    with link.connect(board.port) as b:
        octets = b.value("__import__('ipsec.config', None, None, ['x']).load('ipsec.json').ppk")
        assert octets == bytes.fromhex(secret(tmp_path))
        b.run("from ipsec.drive.sync import Uplink\nUplink('ipsec.json')", timeout=60)


def test_what_is_wrong_is_named(tmp_path):
    path = write(tmp_path)
    (tmp_path / "sensor-7.ppk").chmod(0o644)
    said = tool("provision", "--check", path)
    assert said.status == 1 and "sensor-7.ppk can be read by others" in said.err
    (tmp_path / "sensor-7.ppk").unlink()
    said = tool("provision", "--check", path)
    assert said.status == 1 and "--new-ppk" in said.err
    said = tool("provision", "--check", write_plan(tmp_path, TUNNEL + 'ppk_id = "x"\n'))
    assert said.status == 1 and "ppk_file is required" in said.err and "--new-ppk" in said.err
    said = tool("provision", "--check", write_plan(tmp_path, TUNNEL), "--new-ppk")
    assert said.status == 1 and "names no ppk_file" in said.err
    said = tool("provision", "--check", write_plan(tmp_path, TUNNEL + 'ppk = "short"\nppk_id = "x"\n'))
    assert "quantum" in said.err and "can be read by others" in said.err
    for vendor in ("fortigate", "aws"):
        said = tool("gateway", vendor, write(tmp_path, PPK.replace('"sensor-7.ppk"', f'"{vendor}.ppk"')))
        assert said.status == 1 and "RFC 8784" in said.err


def test_a_fleet(tmp_path):
    template = tmp_path / "template.toml"
    template.write_text(PPK.replace("sensor-7", "$name"))
    assert tool("fleet", template, "--count", 2, "--out", tmp_path / "out").status == 0
    found = [plans.load(path) for path in sorted((tmp_path / "out").glob("*.toml"))]
    assert len({p.config.ppk for p in found}) == 2
    said = tool("gateway", "strongswan", *(p.path for p in found))
    assert said.out.count("ppk_id = fleet-7") == 1 and said.out.count('id = "fleet-7"') == 2


def device(gw, path):  # noqa: F811
    """Let the device of this provisioning file send a reading."""
    config = gw.work / f"{path.stem}.json"
    config.write_text(json.dumps(plans.load(path).device_config()))
    done = gw.run_device([sys.executable, "host_tests/interop/device.py", config, "1"])
    assert done.status == 0 and "ack 0" in done.lines, "\n".join([*done.lines, gw.swan.log_tail()])


@pytest.mark.interop
@pytest.mark.parametrize("names", [["fleet-7"], ["fleet-7", "fleet-7"], ["a@b.example", "10.0.0.1"]])
def test_strongswan_loads_it(gw, tmp_path, names):  # noqa: F811
    """One device, or several that share a connection, each with a name of its key."""
    paths = []
    for number, name in enumerate(names):
        folder = tmp_path / str(number)
        folder.mkdir()
        lines = f'ppk_id = "{name}"\nppk_file = "sensor-7.ppk"\n'
        text = PLAN.format(ike="aes128ccm16-prfsha256-x25519", esp="aes128ccm16").replace("psk_file", lines + "psk_file")
        paths.append(write(folder, text.replace('local_id = "sensor-7', f'local_id = "sensor-{number}')))
        if number and name == names[0]:  # one name is one key
            (folder / "sensor-7.ppk").write_text((tmp_path / "0" / "sensor-7.ppk").read_text())
    said = swanctl_load(gw, *paths)
    assert said.count("loaded ppk secret") == len(names) and "failed" not in said, said
    for path in paths:
        device(gw, path)


def test_names_that_gateways_do_not_take(tmp_path):
    path = write(tmp_path, PPK.replace('"fleet-7"', '"hex:00ff"'))
    for vendor in ("strongswan", "libreswan"):
        said = tool("gateway", vendor, path)
        assert said.status == 1 and "hex:00ff" in said.err and 'ppk_id = "sensor-7"' in said.err


@pytest.mark.interop
def test_libreswan_loads_it(network, tmp_path):  # noqa: F811
    text = FLEET.replace("$name", "sensor-7").replace("psk_file", 'ppk_id = "fleet-7"\nppk_file = "sensor-7.ppk"\npsk_file')
    path = write(tmp_path, text)
    said = tool("gateway", "libreswan", path, "--out", network.work / "out")
    assert said.status == 0, said.err
    with up(network, path):
        pass


def test_with_raw_keys(tmp_path):
    own, gateway = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    (tmp_path / "gateway.pub").write_text(public_pem(gateway))
    path = write_plan(tmp_path, KEY + 'ppk_id = "fleet-7"\nppk_file = "sensor-7.ppk"\n', secret="")
    assert tool("provision", "--check", path, "--new-ppk").status == 0
    (tmp_path / "sensor-7.pub").write_text(public_pem(own))
    out = tmp_path / "out"
    assert tool("gateway", "strongswan", path, "--out", out).status == 0
    text = (out / "uplink-sensor-7-example-net.secrets.conf").read_text()
    assert secret(tmp_path) in text and "ike-" not in text
    said = tool("gateway", "libreswan", path)
    assert "ppk=insist" in said.out and 'PPKS "fleet-7"' in said.out and "PSK" not in said.out.split("PPKS")[0].split(":")[-1]
