"""`provision` and the provisioning file: checked, secret, and the previous configuration stays on any failure."""

import json
import stat

import pytest

from host_tests.board_tool.conftest import SECRET, TUNNEL, tool, write_plan
from ipsec_board import link
from ipsec_board.gateway import plan as plans

DEVICE = '[device]\npublish_host = "10.10.0.1"\npublish_every_s = 5\n'

_STRICTER = b"""
from ipsec.errors import LocalError
def load(path):
    raise LocalError("option gateway: too new")
"""
_FILL = """
n = 0
try:
    while True:
        with open("filler%d" % n, "wb") as f:
            f.write(bytes(400))
        n += 1
except OSError:
    pass
"""


def read(board, path: str) -> str:
    with link.connect(board.port) as b:
        return b.run(f"print(open({path!r}).read())").strip()


def assert_no_secret(said, secret: str = SECRET) -> None:
    text = (said.out + said.err).lower()
    digits = secret.removeprefix("hex:")
    assert digits not in text and digits[:16] not in text


def test_configuration_and_settings_arrive(board, tmp_path):
    said = tool("provision", "--port", board.port, write_plan(tmp_path, TUNNEL + DEVICE))
    assert said.status == 0, said.err
    written = json.loads(read(board, "ipsec.json"))
    assert written["psk"] == SECRET and written["local_id"] == "sensor-7.example.net" and "psk_file" not in written
    assert json.loads(read(board, "settings.json")) == {"publish_host": "10.10.0.1", "publish_every_s": 5}
    assert_no_secret(said)
    assert "fqdn:sensor-7.example.net" in said.out and "swanctl" in said.out


def test_a_board_that_was_another_device_is_named(board, tmp_path):
    assert tool("provision", "--port", board.port, write_plan(tmp_path)).err == ""
    assert tool("provision", "--port", board.port, write_plan(tmp_path)).err == ""
    said = tool("provision", "--port", board.port, write_plan(tmp_path, TUNNEL.replace("sensor-7.example", "sensor-8.example")))
    assert said.status == 0 and "the board was 'sensor-7.example.net' until now" in said.err


def test_json_file(board, tmp_path):
    tunnel = {"gateway": "127.0.0.1", "local_id": "a@b.example", "psk_file": "sensor-7.psk"}
    path = write_plan(tmp_path, json.dumps({"tunnel": tunnel}), name="sensor.json")
    said = tool("provision", "--port", board.port, path)
    assert said.status == 0, said.err
    assert_no_secret(said)


def test_new_psk_is_random_private_and_not_shown(board, tmp_path):
    path = write_plan(tmp_path, secret="")
    said = tool("provision", "--port", board.port, path, "--new-psk")
    assert said.status == 0, said.err
    psk = tmp_path / "sensor-7.psk"
    secret = psk.read_text().strip()
    assert stat.S_IMODE(psk.stat().st_mode) == 0o600
    assert len(bytes.fromhex(secret.removeprefix("hex:"))) == 32
    assert_no_secret(said, secret)
    again = tool("provision", "--port", board.port, path, "--new-psk")
    assert again.status == 1 and "exists" in again.err and psk.read_text().strip() == secret


def test_text_psk_is_what_cloud_gateways_take(tmp_path):
    path = write_plan(tmp_path, secret="")
    assert tool("provision", path, "--new-psk", "--text", "--check").status == 0
    psk = plans.load(path).config.psk
    assert len(psk) == 64 and psk.isalnum() and psk[:1] != b"0"


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_secret_that_others_can_read_is_refused(board, plan, mode):
    (plan.parent / "sensor-7.psk").chmod(mode)
    said = tool("provision", "--port", board.port, plan)
    assert said.status == 1 and "can be read by others" in said.err and "chmod 600" in said.err
    assert tool("provision", plan, "--check", "--insecure").status == 0
    with link.connect(board.port) as b:
        assert "ipsec.json" not in b.value("__import__('os').listdir()")


@pytest.mark.parametrize(("text", "message"), [
    ("[tunnel]\ngateway = ", "is not TOML"),
    ("gateway = 'x'\n", "must consist of tables"),
    ("[tunnel]\n[tunnle]\n", "unknown table [tunnle]"),
    (TUNNEL + "mtu = 99\n", "option mtu"),
    (TUNNEL + "gatway = 'x'\n", "unknown option 'gatway'"),
    (TUNNEL + "psk = 'correct horse battery staple'\n", "both psk and psk_file"),
    (TUNNEL.replace("sensor-7.psk", "none.psk"), "none.psk is not there"),
    (TUNNEL + "[site]\npool = '10.20.0.0/99'\n", "pool"),
    (TUNNEL + "[site]\npool = '10.20.0.7/24'\n", "host bits"),
    (TUNNEL + "[site]\nname = 'a; rm -rf'\n", "letters, digits"),
    (TUNNEL + "[site]\ninterface = 'eth0 }'\n", "no interface name"),
    (TUNNEL + "[site]\ndns = ['x']\n", "not an IP address"),
    (TUNNEL + "[site]\ncolour = 'red'\n", "unknown option 'colour'"),
    (TUNNEL + "[device]\npublish_host = 7\n", "publish_host"),
    (TUNNEL + "[device]\nnetwork = 'wifi'\npublish_host = 'x'\n", "wifi_ssid"),
    (TUNNEL + "[device]\nwatchdog_s = 60\npublish_host = 'x'\n", "0 to 8"),
])  # fmt: skip
def test_wrong_files_are_named_before_any_board_is_touched(tmp_path, text, message):
    if text.startswith(TUNNEL) and "[device]" not in text and "[site]" not in text:
        text = TUNNEL.replace("[tunnel]\n", "[tunnel]\n" + text.removeprefix(TUNNEL))
    said = tool("provision", "--port", "/dev/nowhere", write_plan(tmp_path, text))
    assert said.status == 1 and message in said.err and "/dev/nowhere" not in said.err, said.err
    assert_no_secret(said)


def test_a_short_psk_is_warned_about(tmp_path):
    said = tool("provision", "--check", write_plan(tmp_path, secret="short"))
    assert said.status == 0 and "warning" in said.err and "16" in said.err and "short\n" not in said.err


def provisioned(board, tmp_path):
    path = write_plan(tmp_path)
    assert tool("provision", "--port", board.port, path).status == 0
    return path, read(board, "ipsec.json")


def test_a_cut_keeps_the_previous_configuration(board, tmp_path):
    path, before = provisioned(board, tmp_path)
    path.write_text(TUNNEL.replace("127.0.0.1", "192.0.2.1"))
    board.cut_after = 900
    said = tool("provision", "--port", board.port, path)
    assert said.status == 1 and "previous ipsec.json is untouched" in said.err
    assert read(board, "ipsec.json") == before
    assert_no_secret(said)


def test_a_full_file_system_keeps_the_previous_configuration(make_board, tmp_path):
    board = make_board(flash=16 * 1024)
    path, before = provisioned(board, tmp_path)
    with link.connect(board.port) as b:
        b.run(_FILL)
    path.write_text(TUNNEL.replace("gw.example.net", "x" * 120))
    said = tool("provision", "--port", board.port, path)
    assert said.status == 1 and "full" in said.err and "previous ipsec.json is untouched" in said.err
    assert read(board, "ipsec.json") == before


def test_the_library_on_the_board_has_the_last_word(board, tmp_path):
    path, before = provisioned(board, tmp_path)
    with link.connect(board.port) as b:
        b.run("import os\nos.mkdir('/lib')\nos.mkdir('/lib/ipsec')")
        b.write_file("/lib/ipsec/errors.py", b"class LocalError(Exception): pass\n")
        b.write_file("/lib/ipsec/config.py", _STRICTER)
    path.write_text(TUNNEL.replace("127.0.0.1", "192.0.2.1"))
    said = tool("provision", "--port", board.port, path)
    assert said.status == 1 and "the library on the board refuses it: option gateway: too new" in said.err
    assert read(board, "ipsec.json") == before
    assert_no_secret(said)


def test_the_secret_is_in_no_representation(plan):
    loaded = plans.load(plan)
    assert SECRET[4:] not in repr(loaded) and "\\x00\\x11" not in repr(loaded)
