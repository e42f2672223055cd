"""`flash`: which chip a file is for, refusals, the boot drive of RP2 boards, esptool's command line.

No chip is attached in tests: the boot drive is a folder with the boot ROM's INFO_UF2.TXT, esptool is replaced by a program
that says what esptool says. esptool itself checks the image headers made here.
"""

import struct
import subprocess
import sys
from types import SimpleNamespace

import pytest

from host_tests.board_tool.conftest import tool
from ipsec_board import facts, flash, image, link, ports
from ipsec_board.errors import BoardError

RP2040, RP2350, ABSOLUTE = 0xE48BFF56, 0xE48BFF59, 0xE48BFF57
INFO = "UF2 Bootloader v3.0\nModel: Raspberry Pi {0}\nBoard-ID: {1}\n"


def uf2(*families: int) -> bytes:
    """A UF2 file with one block for each family ID."""
    blocks = []
    for i, family in enumerate(families):
        head = struct.pack("<8I", 0x0A324655, 0x9E5D5157, 0x2000, 0x10000000 + 256 * i, 256, i, len(families), family)
        blocks.append(head + bytes(476) + struct.pack("<I", 0x0AB16F30))
    return b"".join(blocks)


def esp(chip_id: int) -> bytes:
    """An ESP image with one empty segment."""
    head = struct.pack("<BBBBI", 0xE9, 1, 2, 0x20, 0x40080000) + struct.pack("<B3sHBHH4xB", 0, b"\0\0\0", chip_id, 0, 0, 0, 0)
    data = head + struct.pack("<II", 0x3FFF0000, 4) + b"\x01\x02\x03\x04"
    check = 0xEF ^ 1 ^ 2 ^ 3 ^ 4
    return data + bytes(15 - len(data) % 16) + bytes([check])


@pytest.mark.parametrize(("families", "chip"), [((RP2040, RP2040), "RP2040"), ((ABSOLUTE, RP2350), "RP2350")])
def test_uf2_family_tells_the_chip(tmp_path, families, chip):
    path = tmp_path / "firmware.bin"  # the name does not matter
    path.write_bytes(uf2(*families))
    found = image.read(path)
    assert (found.kind, found.chip) == ("uf2", chip)


@pytest.mark.parametrize(("chip_id", "chip", "offset"), [(0, "ESP32", 0x1000), (5, "ESP32C3", 0), (9, "ESP32S3", 0)])
def test_esp_header_tells_chip_and_offset(tmp_path, chip_id, chip, offset):
    path = tmp_path / "firmware.uf2"
    path.write_bytes(esp(chip_id))
    found = image.read(path)
    assert (found.kind, found.chip, found.offset) == ("esp", chip, offset)
    argv = [sys.executable, "-m", "esptool", "image-info", str(path)]
    info = subprocess.run(argv, capture_output=True, text=True, timeout=60).stdout
    assert f"Detected image type: {chip.replace('ESP32C3', 'ESP32-C3').replace('ESP32S3', 'ESP32-S3')}" in info


@pytest.mark.parametrize(("data", "message"), [
    (b"hello, I am no firmware at all", "neither an ESP image nor a UF2 file"),
    (uf2(RP2040)[:-1], "damaged"),
    (uf2(RP2040)[:-4] + bytes(4), "damaged"),
    (uf2(RP2040, RP2350), "RP2040 and RP2350"),
    (uf2(0x12345678), "unknown family 0x12345678"),
    (esp(4711), "unknown chip 4711"),
])  # fmt: skip
def test_other_files_are_refused(tmp_path, data, message):
    path = tmp_path / "file.uf2"
    path.write_bytes(data)
    said = tool("flash", path)
    assert said.status == 1 and message in said.err and "remedy" in said.err


def test_missing_file(tmp_path):
    said = tool("flash", tmp_path / "none.uf2")
    assert said.status == 1 and "cannot be read" in said.err


@pytest.fixture
def drive(tmp_path):
    folder = tmp_path / "RPI-RP2"
    folder.mkdir()
    (folder / "INFO_UF2.TXT").write_text(INFO.format("RP2", "RPI-RP2"))
    return folder


def test_uf2_goes_to_the_boot_drive(tmp_path, drive):
    path = tmp_path / "pico.uf2"
    path.write_bytes(uf2(*[RP2040] * 300))
    said = tool("flash", path, "--drive", drive)
    assert said.status == 0, said.err
    assert (drive / "pico.uf2").read_bytes() == path.read_bytes()


def test_uf2_for_another_chip_is_not_copied(tmp_path, drive):
    path = tmp_path / "pico2.uf2"
    path.write_bytes(uf2(RP2350))
    said = tool("flash", path, "--drive", drive)
    assert said.status == 1 and "is for RP2350, the board is RP2040: not written" in said.err
    assert not (drive / "pico2.uf2").exists()


def test_a_folder_is_no_boot_drive(tmp_path):
    path = tmp_path / "pico.uf2"
    path.write_bytes(uf2(RP2040))
    said = tool("flash", path, "--drive", tmp_path)
    assert said.status == 1 and "no INFO_UF2.TXT" in said.err


def test_a_running_board_of_another_kind_is_left_alone(tmp_path, board):
    path = tmp_path / "pico.uf2"
    path.write_bytes(uf2(RP2040))
    said = tool("flash", path, "--port", board.port)
    assert said.status == 1 and "unknown chip: not written" in said.err
    with link.connect(board.port) as b:
        assert b.value("1 + 1") == 2


@pytest.fixture
def fake_esptool(tmp_path, monkeypatch):
    """A stand-in that writes its arguments to a file, and says that the chip is an ESP32-S3."""
    log = tmp_path / "esptool.log"
    program = tmp_path / "esptool.py"
    program.write_text(
        f"import sys\nopen({str(log)!r}, 'a').write(' '.join(sys.argv[1:]) + '\\n')\n"
        "print('Detecting chip type... ESP32-S3\\nChip type:          ESP32-S3 (QFN56) (revision v0.2)')\n"
    )
    monkeypatch.setattr(flash, "_ESPTOOL", (sys.executable, str(program)))
    return log


def test_esptool_writes_a_matching_image(tmp_path, fake_esptool):
    path = tmp_path / "s3.bin"
    path.write_bytes(esp(9))
    said = tool("flash", path, "--port", "/dev/ttyACM7")
    assert said.status == 0, said.err
    last = fake_esptool.read_text().splitlines()[-1]
    assert "--port /dev/ttyACM7 --chip esp32s3" in last and last.endswith(f"write-flash 0x0 {path}")
    assert "files on the board stay" in said.out and "erased" not in said.out + said.err


def test_nothing_is_erased_unannounced(tmp_path, fake_esptool):
    path = tmp_path / "s3.bin"
    path.write_bytes(esp(9))
    said = tool("flash", path, "--port", "/dev/ttyACM7", "--erase")
    assert said.status == 0 and "the whole flash is erased" in said.err and "secret" in said.err
    assert fake_esptool.read_text().splitlines()[-1].endswith(f"write-flash --erase-all 0x0 {path}")
    (tmp_path / "pico.uf2").write_bytes(uf2(RP2040))
    said = tool("flash", tmp_path / "pico.uf2", "--port", "/dev/ttyACM7", "--erase")
    assert said.status == 1 and "--erase is for ESP32" in said.err


@pytest.mark.parametrize(("file", "vid"), [("s3.bin", 0x2E8A), ("pico.uf2", 0x303A)])
def test_another_kind_of_board_is_refused_by_its_port_alone(tmp_path, monkeypatch, fake_esptool, file, vid):
    """At once: no boot ROM is asked, and no prompt awaited."""
    monkeypatch.setattr(ports.list_ports, "comports", lambda: [SimpleNamespace(device="/dev/ttyACM7", vid=vid, description="")])
    monkeypatch.setattr(flash.link, "connect", lambda *_, **__: pytest.fail("the board was asked"))
    (tmp_path / "s3.bin").write_bytes(esp(9))
    (tmp_path / "pico.uf2").write_bytes(uf2(RP2040))
    said = tool("flash", tmp_path / file)
    assert said.status == 1 and "not written" in said.err and not fake_esptool.exists()


def test_a_running_board_is_asked_before_esptool(tmp_path, monkeypatch, fake_esptool, board):
    monkeypatch.setattr(facts.Facts, "chip", "RP2350")
    path = tmp_path / "s3.bin"
    path.write_bytes(esp(9))
    said = tool("flash", path, "--port", board.port)
    assert said.status == 1 and "is for ESP32S3, the board is RP2350: not written" in said.err and not fake_esptool.exists()


def test_esptool_is_not_asked_to_write_another_chip(tmp_path, fake_esptool):
    path = tmp_path / "c3.bin"
    path.write_bytes(esp(5))
    said = tool("flash", path, "--port", "/dev/ttyACM7")
    assert said.status == 1 and "is for ESP32C3, the board is ESP32S3" in said.err
    assert "write-flash" not in fake_esptool.read_text()


def test_esptool_takes_our_command_line():
    """The real esptool knows every option used above; it fails only because nothing is attached."""
    with pytest.raises(BoardError, match="esptool failed") as caught:
        flash._esptool("/dev/nowhere", "--chip", "esp32s3", "--baud", "460800", "chip-id", quiet=True)
    assert "Usage" not in str(caught.value)
