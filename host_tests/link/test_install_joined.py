"""`install` joins the modules: what is on the board afterwards works, is changed only where it must be, and can be undone."""

from types import SimpleNamespace

import pytest
from ipsec import prepared
from ipsec.config import Config

from host_tests.board_tool.conftest import TUNNEL, board, make_board, plan, tool, write_plan  # noqa: F401 - fixtures
from host_tests.board_tool.test_run import DEVICE, responder  # noqa: F401 - a fixture
from ipsec_board import link, prepare


def names(board) -> set[str]:  # noqa: F811
    """All files below /lib/ipsec."""
    with link.connect(board.port) as b:
        return {p.removeprefix("/lib/ipsec/") for p in b.script("hashes", timeout=60, FOLDERS=["/lib"], FILES=[])}


def do(board, code: str) -> str:  # noqa: F811
    with link.connect(board.port) as b:
        return b.run(code).strip()


@pytest.mark.slow
def test_joined_plain_and_back(board, plan):  # noqa: F811
    said = tool("install", "--port", board.port, "--config", plan, "--plain")
    assert said.status == 0, said.err
    plain = names(board)
    said = tool("install", "--port", board.port, "--config", plan)
    assert said.status == 0, said.err
    joined = names(board)
    files = "_core _data _wire _ike _start _drive"
    assert {f"{name}.mpy" for name in files.split()} <= joined and "tunnel.mpy" in plain & joined
    assert len(joined) < 0.6 * len(plain) and "ike/sa.mpy" not in joined
    said = tool("install", "--port", board.port, "--config", plan)
    assert said.status == 0 and "0 changed, 0 removed, 0 octets sent" in said.out
    assert do(board, "import ipsec\nfrom ipsec.drive.aio import Uplink\nprint(Uplink, ipsec.__version__)").startswith(
        "<class 'Uplink'> 0"
    )
    assert tool("install", "--port", board.port, "--config", plan, "--plain").status == 0
    assert names(board) == plain


@pytest.mark.slow
def test_a_new_configuration_brings_its_suites(board, tmp_path):  # noqa: F811
    ask = "from ipsec.crypto import backend\nbackend.self_test(20, 0)\nprint('right')"
    lists = 'ike_proposals = ["aes128%s16-prfsha256-x25519"]\nesp_proposals = ["aes128%s16"]\n'
    command = ("install", "--port", board.port, "--config")
    assert tool(*command, write_plan(tmp_path, TUNNEL + lists % ("ccm", "ccm"))).status == 0
    assert "no module named" in do(board, f"try:\n exec({ask!r})\nexcept Exception as e:\n print(e)")
    assert tool(*command, write_plan(tmp_path, TUNNEL + lists % ("gcm", "gcm"))).status == 0
    assert do(board, ask) == "right"


def device(board, tmp_path, responder, *more: str, change=("", "")):  # noqa: F811
    path = write_plan(tmp_path, (TUNNEL + DEVICE.format(responder, 1)).replace(*change))
    for command in (("provision", path, "--prepared"), ("install", "--app", "--config", path, "--prepared", *more)):
        said = tool(command[0], "--port", board.port, *command[1:])
        assert said.status == 0, said.err


@pytest.mark.slow
def test_a_prepared_configuration_and_texts_on_the_host(board, tmp_path, responder):  # noqa: F811
    device(board, tmp_path, responder, "--texts", "host")
    said = tool("run", "--port", board.port, "--seconds", "60")
    assert said.status == 0, said.err
    assert "tunnel up, address 10.20.0." in said.out and "done: 1 readings" in said.out
    assert "_OPTIONS" not in do(board, "import ipsec._core\nprint(dir(ipsec._core))")


@pytest.mark.slow
def test_failures_are_told_in_words(board, tmp_path, responder):  # noqa: F811
    device(
        board, tmp_path, responder, "--texts", "host", change=('remote_id = "gw.example.net"', 'remote_id = "other.example.net"')
    )
    said = tool("run", "--port", board.port, "--seconds", "3")
    assert "remote_id" in said.out and "other.example.net" in said.out and "<" not in said.out, said.out


@pytest.mark.slow
def test_the_other_form_of_configuration_is_refused_by_the_board(board, plan):  # noqa: F811
    assert tool("install", "--port", board.port, "--config", plan, "--prepared").status == 0
    said = tool("provision", "--port", board.port, plan)
    assert said.status == 1 and "is not prepared for this library" in said.err
    assert tool("provision", "--port", board.port, plan, "--prepared").status == 0
    assert tool("install", "--port", board.port, "--config", plan, "--plain").status == 0
    said = tool("provision", "--port", board.port, plan, "--prepared")
    assert said.status == 1 and "unknown option" in said.err and "give `ipsec-board install --prepared`" in said.err
    said = tool("install", "--port", board.port, "--config", plan, "--prepared", "--plain")
    assert said.status == 1 and "are for joined files" in said.err


def test_the_form_holds_everything(tmp_path):
    import json

    config = Config(gateway="g", local_id="a", psk="x" * 20, remote_ts=["10.0.0.0/8", "fd00::/8"], virtual_ip=["ipv4", "ipv6"])
    path = tmp_path / "c.json"
    path.write_text(json.dumps(prepare.dump(config)))
    fill = SimpleNamespace()
    prepared.fill(fill, prepared.read(str(path)))
    got = vars(fill)
    got["remote_ts"] = [tuple(r) for r in got["remote_ts"]]
    left_out = {"psk_file", "key", "key_file", "gateway_key", "cert", "cert_file", "ca", "ca_file"}
    left_out |= {"provisioned", "ppk", "ppk_id", "ppk_file", "ppk_required", "eap_identity", "nt_hash", "nt_hash_file", "certreq"}
    assert got == {name: value for name, value in vars(config).items() if name not in left_out}
