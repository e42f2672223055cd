"""`install`: only what is needed, only what has changed, nothing half done."""

import struct

import pytest

from host_tests.board_tool.conftest import TUNNEL, tool, write_plan
from ipsec_board import facts, install, link, mpy, native, slices
from ipsec_board.errors import BoardError
from ipsec_board.gateway import plan as plans


def files(board) -> dict:
    """Path to hash of all files below /lib."""
    with link.connect(board.port) as b:
        return b.script("hashes", timeout=60, FOLDERS=["/lib"], FILES=["main.py"])


def do(board, code: str) -> str:
    with link.connect(board.port) as b:
        return b.run(code)


def put(board, path: str, data: bytes) -> None:
    with link.connect(board.port) as b:
        b.write_file(path, data)


@pytest.mark.parametrize(("form", "some"), [((), {"_core", "_ike"}), (("--plain",), {"tunnel", "crypto/modes/ccm"})])
def test_what_has_changed_is_sent_and_no_more(board, plan, form, some):
    command = ("install", "--port", board.port, "--config", plan, *form)
    said = tool(*command)
    assert said.status == 0, said.err
    present = files(board)
    assert {f"/lib/ipsec/{name}.mpy" for name in some} <= set(present)
    assert not [p for p in present if p.endswith((".py", ".new"))]
    assert do(board, "import ipsec.tunnel, ipsec.drive.sync\nprint('loaded')").strip() == "loaded"
    said = tool(*command)
    assert said.status == 0 and "0 changed, 0 removed, 0 octets sent" in said.out
    put(board, "/lib/ipsec/event.mpy", b"rubbish")
    put(board, "/lib/ipsec/config.py", b"hides = 'config.mpy'")  # MicroPython would take it first
    put(board, "/lib/ipsec/old.mpy", b"of an earlier version")
    said = tool(*command)
    assert said.status == 0 and " 1 changed, 2 removed" in said.out
    assert files(board) == present
    assert do(board, "import ipsec.event\nprint(ipsec.event.UP)").strip() == "up"


def test_the_application_comes_with_app_and_goes_when_not_needed(board, plan):
    said = tool("install", "--port", board.port, "--config", plan, "--app")
    assert said.status == 0, said.err
    names = files(board)
    assert "main.py" in names and "/lib/uplink/app.mpy" in names


@pytest.mark.slow
def test_nothing_is_removed_or_replaced_unannounced(board, plan):
    do(board, "import os\nos.mkdir('/lib')\nos.mkdir('/lib/ipsec')")
    put(board, "main.py", b"print('mine')")
    put(board, "/lib/ipsec/old.mpy", b"of an earlier version")
    said = tool("install", "--port", board.port, "--config", plan, "--app")
    assert said.status == 0 and "/lib/ipsec/old.mpy is removed" in said.err
    assert "main.py on the board is another program: it is kept as main.py.old" in said.err
    assert do(board, "print(open('main.py.old').read())").strip() == "print('mine')"
    assert tool("install", "--port", board.port, "--config", plan, "--app").err == ""


def test_modules_follow_the_configuration(board, tmp_path):
    gcm = write_plan(tmp_path, TUNNEL + 'ike_proposals = ["aes128gcm16-prfsha256-x25519"]\nesp_proposals = ["aes128gcm16"]\n')
    tool("install", "--port", board.port, "--config", gcm)
    ask = "from ipsec.crypto import backend\nprint(backend.installed())"
    assert do(board, ask).strip() == "(['gcm'], [31], (12,))"
    tool("install", "--port", board.port, "--config", gcm, "--plain")
    names = set(files(board))
    assert "/lib/ipsec/crypto/modes/gcm.mpy" in names
    assert not names & {f"/lib/ipsec/crypto/{n}.mpy" for n in ("modes/ccm", "modes/cbc", "modes/chapoly", "groups/p256", "host")}


@pytest.mark.slow
def test_a_cut_leaves_the_old_library_and_the_next_run_goes_on(board, plan):
    do(board, "import os\nos.mkdir('/lib')\nos.mkdir('/lib/ipsec')")
    put(board, "/lib/ipsec/config.mpy", b"the old one")
    old = files(board)
    board.cut_after = 60_000  # in the middle of the files
    said = tool("install", "--port", board.port, "--config", plan)
    assert said.status == 1 and "stopped answering" in said.err and "remedy" in said.err
    after = files(board)
    arrived = [p for p in after if p.endswith(".new")]
    assert arrived and {p: h for p, h in after.items() if p not in arrived} == old
    said = tool("install", "--port", board.port, "--config", plan)
    assert said.status == 0, said.err
    whole = sum(len(mpy.compile_module(m, "x64")) for m in slices.needed(plans.load(plan).config, "x64"))
    whole += native.path("x64").stat().st_size
    sent = int(said.out.split(" octets sent")[0].split()[-1])
    assert sent < whole - 20_000 and not [p for p in files(board) if p.endswith(".new")]


def test_a_full_file_system_is_seen_before_writing(make_board, plan):
    small = make_board(flash=48 * 1024)
    said = tool("install", "--port", small.port, "--config", plan)
    assert said.status == 1 and "octets free" in said.err and "nothing was written" in said.err
    assert files(small) == {}


def test_a_file_system_that_fills_up_while_writing(make_board):
    small = make_board(flash=16 * 1024)
    with link.connect(small.port) as b, pytest.raises(BoardError, match="file system is full"):
        b.write_file("big", bytes(40_000))


@pytest.mark.parametrize(("module", "what"), [("cryptolib", "AES"), ("socket", "UDP")])
def test_firmware_without_a_module_is_refused(make_board, plan, module, what):
    board = make_board(missing=(module,))
    said = tool("install", "--port", board.port, "--config", plan)
    assert said.status == 1 and f"no {module} ({what})" in said.err and "flash" in said.err
    assert files(board) == {}


def test_a_c_module_for_another_chip_is_refused(board, plan, tmp_path):
    native = tmp_path / "ipsec_native.mpy"
    native.write_bytes(struct.pack("4B", ord("M"), 6, 4 << 2 | 3, 31) + bytes(20))
    said = tool("install", "--port", board.port, "--config", plan, "--native", native)
    assert said.status == 1 and "is for armv6m, the board is x64: not installed" in said.err
    assert files(board) == {}


def test_kernels_in_c_are_installed_and_taken_by_the_library(board, plan):
    """The native module alone by default; viper's kernels alone when they are asked for."""
    report = "from ipsec.crypto import backend\nprint(backend.report())"
    arguments = ["install", "--port", board.port, "--config", plan]
    for more, kernel in (((), "C"), (("--viper",), "viper")):
        assert tool(*arguments, *more).status == 0 and f", {kernel} kernels" in do(board, report)
        assert ("/lib/ipsec/native.mpy" in files(board)) == (kernel == "C")


@pytest.mark.slow
def test_kernels_in_c_or_viper_without_the_linker(make_board, plan):
    """One or the other, and with sources those in viper, for which there is room beside what is there before."""
    board = make_board(flash=2 << 20)
    which = "from ipsec.crypto.groups import machine, x25519\nprint(machine.KERNEL)"
    arguments = ["install", "--port", board.port, "--config", plan]
    plain = ("--plain",)
    for more, kernel in ((plain, "native"), ((*plain, "--viper"), "viper"), (plain, "native"), (("--source",), "viper")):
        assert tool(*arguments, *more).status == 0 and do(board, which).strip() == kernel
        names = " ".join(files(board))
        assert ("ipsec/native.mpy" in names) == (kernel == "native") != ("crypto/kernels/field." in names), names
        assert ("esp/kernel." in names) == (kernel == "viper")


@pytest.mark.parametrize(("ike", "esp", "small"), [
    ("aes128gcm16-prfsha256-x25519", "aes128gcm16", True), ("aes256gcm16-prfsha256-x25519", "aes256ccm16", True),
    ("aes128gcm16-prfsha256-ecp256", "aes128gcm16", False), ("aes128gcm16-prfsha512-x25519", "aes128gcm16", False),
    ("aes128gcm16-prfsha256-x25519", "chacha20poly1305", False), ("aes128gcm16-prfsha256-x25519", "aes128-sha256", False),
])  # fmt: skip
def test_the_small_native_module_is_taken_where_it_is_enough(tmp_path, ike, esp, small):
    plan = write_plan(tmp_path, TUNNEL + f'ike_proposals = ["{ike}"]\nesp_proposals = ["{esp}"]\n')
    config = plans.load(plan).config
    for arch in ("armv6m", "armv7emsp", "armv7emdp"):
        chosen = native.path(arch, slices.small_is_enough(slices.needed(config, arch)))
        assert chosen == native.path(arch, small) and chosen.read_bytes() != native.path(arch, not small).read_bytes()


@pytest.mark.parametrize(("arch", "number", "ike", "small"), [
    ("armv6m", 4, "aes128ccm16-prfsha256-x25519", True), ("armv7emdp", 8, "aes128ccm16-prfsha256-ecp256", False),
])  # fmt: skip
def test_the_native_module_that_is_chosen_is_installed(tmp_path, arch, number, ike, small):
    plan = write_plan(tmp_path, TUNNEL + f'ike_proposals = ["{ike}"]\nesp_proposals = ["aes128ccm16"]\n')
    choice = install.Choice(plans.load(plan).config)
    found = facts.Facts((1, 25, 0), "", "", number << 10 | 3 << 8 | 6, 0, 0, "", [], None, {})
    data = install.files_for(found, choice, "/lib")["/lib/ipsec/native.mpy"]
    assert found.arch == arch and data == native.path(arch, small).read_bytes()
    mpy.require(data, "native.mpy", found)


def test_an_mpy_file_of_another_chip_on_the_board_is_explained(board, plan):
    foreign = mpy.compile_module("ipsec.crypto.kernels.octets", "armv6m")
    do(board, "import os\nos.mkdir('/lib')\nos.mkdir('/lib/ipsec')")
    put(board, "/lib/ipsec/config.mpy", foreign)
    with link.connect(board.port) as b, pytest.raises(BoardError, match="made for another chip") as caught:
        install._try_import(b, "/lib")
    assert "install again" in caught.value.remedy


@pytest.mark.parametrize("arch", ["armv6m", "armv7m", "armv7emsp", "rv32imc", "xtensawin", "x64"])
def test_every_module_compiles_for_every_chip(arch):
    for module in slices.needed(None, arch, viper=True):
        assert mpy.architecture(mpy.compile_module(module, arch), module) in ("", arch)


def test_every_module_of_the_library_has_its_place():
    assert slices.unreached() == []


def test_loading_rules_of_architectures():
    found = facts.Facts((1, 25, 0), "RP2350", "rp2", 7 << 10 | 3 << 8 | 6, 0, 0, "", [], None, {})
    assert found.arch == "armv7emsp"
    mpy.require(bytes([ord("M"), 6, 4 << 2 | 3, 31]), "armv6m.mpy", found)
    with pytest.raises(BoardError, match="armv7emdp"):
        mpy.require(bytes([ord("M"), 6, 8 << 2 | 3, 31]), "x.mpy", found)
    with pytest.raises(BoardError, match="not a .mpy file of version"):
        mpy.require(b"M\x05\x00\x1f", "old.mpy", found)
