"""`install --joined`: what is on the board afterwards works, is changed only where it must be, and can be undone."""

from host_tests.board_tool.conftest import TUNNEL, board, make_board, plan, tool, write_plan  # noqa: F401 - fixtures
from ipsec_board import link


def names(board) -> set[str]:  # noqa: F811
    """All files below /lib/ipsec."""
    with link.connect(board.port) as b:
        return {p.removeprefix("/lib/ipsec/") for p in b.script("hashes", timeout=60, FOLDERS=["/lib"], FILES=[])}


def do(board, code: str) -> str:  # noqa: F811
    with link.connect(board.port) as b:
        return b.run(code).strip()


def test_joined_plain_and_back(board, plan):  # noqa: F811
    said = tool("install", "--port", board.port, "--config", plan)
    assert said.status == 0, said.err
    plain = names(board)
    said = tool("install", "--port", board.port, "--config", plan, "--joined")
    assert said.status == 0, said.err
    joined = names(board)
    assert {"_core.mpy", "_data.mpy", "_ike.mpy", "_drive.mpy"} <= joined and "tunnel.mpy" in plain & joined
    assert len(joined) < 0.6 * len(plain) and "ike/sa.mpy" not in joined
    said = tool("install", "--port", board.port, "--config", plan, "--joined")
    assert said.status == 0 and "0 changed, 0 removed, 0 octets sent" in said.out
    assert do(board, "import ipsec\nfrom ipsec.drive.aio import Uplink\nprint(Uplink, ipsec.__version__)").startswith(
        "<class 'Uplink'> 0"
    )
    assert tool("install", "--port", board.port, "--config", plan).status == 0
    assert names(board) == plain


def test_a_new_configuration_brings_its_suites(board, tmp_path):  # noqa: F811
    ask = "from ipsec.crypto import backend\nbackend.self_test(20, 0)\nprint('right')"
    lists = 'ike_proposals = ["aes128%s16-prfsha256-x25519"]\nesp_proposals = ["aes128%s16"]\n'
    assert tool("install", "--port", board.port, "--config", write_plan(tmp_path, TUNNEL + lists % ("ccm", "ccm")), "--joined").status == 0
    assert "no module named" in do(board, f"try:\n exec({ask!r})\nexcept Exception as e:\n print(e)")
    assert tool("install", "--port", board.port, "--config", write_plan(tmp_path, TUNNEL + lists % ("gcm", "gcm")), "--joined").status == 0
    assert do(board, ask) == "right"
