"""The README's lines from the box to a tunnel, in their order, from an empty folder."""

import os
import re
import shlex
from types import SimpleNamespace

import pytest

from host_tests.board_tool.conftest import tool
from host_tests.board_tool.test_flash import INFO, RP2040, uf2
from host_tests.responder import Responder
from ipsec_board import flash, ports
from ipsec_board.paths import REPOSITORY


def lines() -> list[list[str]]:
    """The commands of the README's first block of the section."""
    section = (REPOSITORY / "README.md").read_text().split("## From the box to a tunnel")[1]
    block = re.search(r"```sh\n(.*?)```", section, re.DOTALL)
    assert block
    return [shlex.split(line, comments=True) for line in block[1].splitlines()]


@pytest.fixture
def desk(tmp_path, monkeypatch, board):
    """An empty folder, one board, and its boot drive once it is asked for firmware."""
    drive = tmp_path / "RPI-RP2"
    drive.mkdir()
    (drive / "INFO_UF2.TXT").write_text(INFO.format("RP2", "RPI-RP2"))
    folder = tmp_path / "desk"
    folder.mkdir()
    monkeypatch.chdir(folder)
    found = [SimpleNamespace(device=board.port, vid=0x2E8A, description="Board in FS mode")]
    monkeypatch.setattr(ports.list_ports, "comports", lambda: found)
    monkeypatch.setattr(flash, "boot_drives", lambda: [drive])
    return folder


def test_the_lines_in_order(desk):
    given = lines()
    assert [line[0] for line in given] == ["ipsec-board"] * len(given) and len(given) >= 7
    names = [line[1] for line in given]
    assert names == ["list", "flash", "provision", "provision", "install", "gateway", "doctor", "run"]
    assert os.listdir(desk) == []
    with Responder(local_id="gw.example.net") as gateway:
        for words in given:
            if words[1] == "flash":  # what is downloaded before
                (desk / "firmware.uf2").write_bytes(uf2(RP2040))
            said = tool(*words[1:], *(["--seconds", "20"] if words[1] == "run" else []))
            assert said.status == 0, (words, said.out, said.err)
            if "--init" in words:
                fill_in(desk / "device.toml", gateway)
            if "--new-psk" in words:
                gateway.options.psk = bytes.fromhex((desk / "device.psk").read_text().strip()[4:])
        assert "done: 2 readings" in said.out and len(gateway.readings) == 2, said.out
    assert {"uplink.conf", "uplink-device-example-net.secrets.conf"} == set(os.listdir(desk / "etc"))


def fill_in(path, gateway) -> None:
    """What a person does with an editor: values for what is there, and three options that are there as comments."""
    text = path.read_text().replace("vpn.example.net", "127.0.0.1")
    text = text.replace('# remote_id = "127.0.0.1"', 'remote_id = "gw.example.net"')
    wanted = {"port": gateway.port, "natt_port": gateway.natt_port}
    wanted |= {"publish_port": 5000, "publish_every_s": 1, "publish_count": 2}
    for option, value in wanted.items():
        text, count = re.subn(rf"^# {option} = \d+", f"{option} = {value}", text, flags=re.MULTILINE)
        assert count == 1, option
    path.write_text(text)
