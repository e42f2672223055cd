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


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """An empty folder, and what lies beside it in a shell's words."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def in_line(text: str) -> list[list[str]]:
    """The commands that stand in the running text, in their order."""
    return [shlex.split(command) for command in re.findall(r"`(ipsec-board [^`]+)`", text)]


def globbed(folder, words: list[str]) -> list[str]:
    """The words of a command as a shell gives them."""
    return [w for word in words for w in (sorted(str(p) for p in folder.glob(word)) if "*" in word else [word])]


def test_the_lines_about_a_fleet(empty):
    """As they stand, after no more than an editor's work on the template; boards are awaited in test_fleet.py."""
    section = (REPOSITORY / "README.md").read_text().split("Many devices share one gateway:")[1].split("\n\n")[0]
    given = in_line(section)
    assert [(line[1], "--init" in line) for line in given] == [("provision", True), ("fleet", False), ("provision", False)]
    for words in given[:2]:
        said = tool(*words[1:])
        assert said.status == 0, (words, said.err)
    said = tool(*globbed(empty, given[2])[1:], "--check")
    assert said.status == 0 and said.out.count("nothing wrong") == 100, said.err
    assert len(list((empty / "fleet/strongswan").iterdir())) == 101


def test_the_lines_about_a_fleet_on_the_pages(empty):
    block = (REPOSITORY / "docs/gateways/README.md").read_text().split("Many devices share one gateway")[1].split("```")[1]
    given = [shlex.split(line, comments=True) for line in block.splitlines()[1:]]
    assert [line[1] for line in given] == ["provision", "fleet", "gateway", "provision"]
    (empty / "devices.csv").write_text("name;room\nlamp;cellar\npump;roof\n")
    for words in given:
        said = tool(*globbed(empty, words)[1:], *(["--check"] if words is given[-1] else []))
        assert said.status == 0, (words, said.err)
    assert {p.name for p in (empty / "etc").iterdir()} == {
        "uplink.conf", "uplink-lamp-example-net.secrets", "uplink-pump-example-net.secrets"
    }  # fmt: skip
