"""The whole way on an emulated board: list, provision, install, doctor, bench, and an uplink to the reference responder."""

import pytest

from host_tests.board_tool.conftest import SECRET, TUNNEL, tool, write_plan
from host_tests.conftest import require
from host_tests.responder import Responder
from tools import emulator

pytestmark = pytest.mark.emulated

DEVICE = """port = {0.port}
natt_port = {0.natt_port}
[device]
publish_host = "10.10.0.1"
publish_every_s = 1
publish_count = 2
"""


@pytest.fixture(scope="module", params=["qemu-m0plus", "qemu-rv32", "qemu-xtensa"])
def name(request) -> str:
    try:
        emulator.build(request.param)
    except emulator.MissingTool as e:
        require(False, str(e))
    return request.param


def test_from_bare_firmware_to_readings(name, tmp_path):
    with (
        emulator.start(name) as board,
        Responder(psk=bytes.fromhex(SECRET[4:]), local_id="gw.example.net", ike_suites=("aes128ccm16-prfsha256-x25519",),
                  esp_suites=("aes128ccm16",)) as gateway,
    ):
        plan = write_plan(tmp_path, TUNNEL.replace("127.0.0.1", board.gateway) + DEVICE.format(gateway))
        port = ("--port", board.port)
        assert emulator.target(name).march in tool("list", *port).out
        for command in (("provision", plan), ("install", "--app", "--config", plan), ("doctor",)):
            said = tool(command[0], *port, *command[1:])
            assert said.status == 0, said.out + said.err
        assert "10.10.0.1 answers" in said.out and "C kernels" in said.out and "mtu is 1360" in said.out
        said = tool("run", *port, "--seconds", "60")
        assert said.status == 0, said.out + said.err
        assert "tunnel up, address 10.20.0." in said.out and "done: 2 readings" in said.out
        said = tool("bench", *port, "--repeat", "2", "--suite", "aes128ccm16", "--tunnel", "1", "--peer", "10.10.0.1")
        assert said.status == 0 and "tunnel: up in" in said.out, said.out + said.err
        said = tool("install", *port, "--app", "--config", plan)
        assert "0 changed, 0 removed" in said.out
