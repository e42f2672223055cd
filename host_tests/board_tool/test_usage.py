"""Command lines that are not understood, files that are none: a text with a remedy, and never a trace."""

import io
import itertools
import os
import subprocess
import sys

import pytest
from rich.console import Console

from host_tests.board_tool.conftest import SECRET, TUNNEL, tool, write_plan
from ipsec_board import __main__ as program
from ipsec_board import combinations
from ipsec_board.gateway import GATEWAYS, initial, methods
from ipsec_board.paths import REPOSITORY
from ipsec_board.show import Show


@pytest.mark.parametrize(("line", "meant"), [
    ("provison x.toml", "provision?"),
    ("Fleet x.toml", "fleet?"),
    ("docter", "doctor?"),
    ("gatways strongswan x.toml", "gateway?"),
    ("provision --cehck x.toml", "--check?"),
    ("provision --chek", "--check?"),
    ("provision --new_psk x.toml", "--new-psk?"),
    ("provision -check x.toml", "--check?"),
    ("provision --Init x.toml", "--init?"),
    ("provision --pasword-file=x x.toml", "--password-file=x?"),
    ("gateway fortgate x.toml", "fortigate?"),
    ("gateway strongwan x.toml", "strongswan?"),
    ("gateway mikrotik x.toml", "routeros?"),
    ("gateway cisco x.toml", "iosxe?"),
    ("provision --init --for fortinet x.toml", "fortigate?"),
    ("setup x.toml", "provision?"),
    ("version", "--version?"),
    ("help", "-h?"),
    ("gateway strongswan --ot etc x.toml", "--out?"),
    ("provision --init --auth crt x.toml", "cert?"),
    ("provision --init --for routerOS x.toml", "routeros?"),
    ("fleet x.toml --cvs list.csv --out y", "--csv?"),
    ("install --conifg x.toml", "--config?"),
    ("run --second 5 --prot x", "--port?"),
    ("list --prt x", "--port?"),
    ("--versoin", "--version?"),
    ("--halp", "--help?"),
])  # fmt: skip
def test_did_you_mean(line, meant):
    said = tool(*line.split())
    assert said.status == 2 and f"did you mean {meant}" in said.err, said.err


@pytest.mark.parametrize(("line", "wanted"), [
    ("", "a subcommand is missing"),
    ("--port x", "there is no subcommand 'x'"),
    ("xyzzy", "there are list, flash, install, provision,"),
    ("provision", "the following arguments are required: file"),
    ("gateway strongswan", "ipsec-board gateway -h"),
    ("gateway xyzzy a.toml", "there are aws, azure, fortigate,"),
    ("provision --xyzzy a.toml", "ipsec-board provision -h"),
    ("fleet t.toml --count ten --out x", "invalid int value: 'ten'"),
    ("run --seconds nan", "'nan' is not a number from 0"),
    ("run --seconds inf", "'inf' is not a number from 0"),
    ("monitor --seconds -1", "'-1' is not a number from 0"),
    ("doctor --wait-ms 0", "'0' is not a whole number from 1"),
    ("bench --repeat 1e9", "'1e9' is not a whole number from 1"),
    ("provision --new-key rsa a.toml", "there are ed25519, p256"),
])  # fmt: skip
def test_what_else_is_not_understood(line, wanted):
    said = tool(*line.split())
    assert said.status == 2 and wanted in said.err and "remedy: " in said.err, said.err


@pytest.mark.parametrize("option", ["--auth cert", "--remote-auth key", "--for azure", "--fleet"])
def test_options_of_a_first_file_are_refused_without_init(plan, option):
    said = tool("provision", "--check", *option.split(), plan)
    assert said.status == 1 and f"{option.split()[0]} is for --init" in said.err


@pytest.mark.parametrize(("line", "named", "remedy"), [
    ("provision --check --text FILE", "--text", "give --new-psk, too"),
    ("provision --text FILE", "--text", "give --new-psk, too"),
    ("provision --check --password-file x FILE", "--password-file", "give --import FILE"),
    ("provision --check --prepared FILE", "--prepared", "leave --prepared out, or --check"),
    ("provision --check --gateway strongswan FILE", "--gateway", "leave --gateway out, or --check"),
    ("provision --check --port x --no-reset FILE", "--port and --no-reset", "leave --port and --no-reset out"),
    ("provision --check --new-key p256 FILE", "--new-key", "or --check"),
    ("provision --init --new-psk --text new.toml", "--new-psk and --text", "once the file is filled in"),
    ("provision --init --check new.toml", "--check", "once the file is filled in"),
    ("provision --import key.p12 --new-psk FILE", "--new-psk", "afterwards"),
    ("provision --for azure FILE", "--for", "leave --for out"),
    ("provision --new-key p256 FILE FILE", "--new-key", "one board at a time"),
    ("provision --gateway iosxe FILE FILE", "--gateway", "ipsec-board gateway KIND"),
    ("gateway strongswan --replace FILE", "--replace", "give --out FOLDER"),
    ("fleet FILE --csv x.csv --first 5 --out y", "--first", "leave --first out"),
    ("fleet FILE --count 5 --replace --out y", "--replace", "give --gateway KIND"),
    ("install --insecure --port none", "--insecure", "give --config FILE"),
    ("install --with ecdsa --port none", "--with", "give --config FILE"),
    ("install --source --viper --port none", "--viper", "leave --viper out"),
    ("install --source --plain --port none", "--plain", "leave --plain out"),
    ("flash x.uf2 --drive y --port z", "--port", "leave --port out"),
    ("bench --peer 10.10.0.1 --port none", "--peer", "give --tunnel SECONDS"),
    ("packages --out x", "--out", "give --arch ARCH"),
    ("packages --check --arch armv6m --out x", "--check", "give one of them"),
])  # fmt: skip
def test_an_option_that_would_do_nothing_is_refused(plan, tmp_path, monkeypatch, line, named, remedy):
    """Nothing is made or written then."""
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    said = tool(*(plan if word == "FILE" else word for word in line.split()))
    does = "do" if " and " in named else "does"
    assert said.status == 1 and f"{named} {does} nothing here: " in said.err and remedy in said.err, said.err
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("line", ["provision --check --ca ca FILE", "gateway strongswan --ca ca FILE"])
def test_an_authority_that_nobody_needs_is_not_made(plan, tmp_path, monkeypatch, line):
    monkeypatch.chdir(tmp_path)
    said = tool(*(plan if word == "FILE" else word for word in line.split()))
    assert said.status == 0 and "--ca does nothing here" in said.err and not (tmp_path / "ca").exists(), said.err


@pytest.mark.parametrize("line", ["flash x.uf2", "reset", "monitor"])
def test_what_resets_no_interpreter_has_no_option_against_it(line):
    said = tool(*line.split(), "--no-reset")
    assert said.status == 2 and "not understood: --no-reset" in said.err


def test_every_rule_is_about_options_that_there_are():
    """A rule for an option that was renamed would be silent."""
    parser = program._parser()
    [subs] = [a for a in parser._actions if hasattr(a, "choices") and isinstance(a.choices, dict)]
    for name, rules in combinations._RULES.items():
        known = {action.dest for action in subs.choices[name]._actions}
        for rule in rules:
            assert known.issuperset(rule.options), (name, rule.options)


def test_help_and_version_still_end_well():
    for line in (["-h"], ["provision", "-h"], ["--version"], ["--print-completion", "bash"]):
        with pytest.raises(SystemExit) as e:
            tool(*line)
        assert e.value.code in (0, None)


# First files


def fill_in(folder, text: str) -> None:
    """What the blanks of a first file name: files of keys and certificates of others."""
    if "gateway_key" in text:
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        public = ec.generate_private_key(ec.SECP256R1()).public_key()
        (folder / "gateway.pub").write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


@pytest.mark.parametrize(("auth", "remote"), [
    pair for pair in itertools.product(initial.METHODS, ("", *initial.REMOTE_METHODS)) if pair != ("eap", "psk")
])  # fmt: skip
def test_every_first_file_is_right_once_its_blanks_are_filled_in(tmp_path, monkeypatch, auth, remote):
    monkeypatch.chdir(tmp_path)
    for kind in ("", *GATEWAYS):
        path = tmp_path / f"{kind or 'any'}.toml"
        how = ["--auth", auth, *(["--remote-auth", remote] if remote else []), *(["--for", kind] if kind else [])]
        said = tool("provision", "--init", path, *how)
        known = methods._KNOWN.get(kind)
        if known and (auth, remote or ("cert" if auth == "eap" else auth)) not in known or (kind, auth) == ("libreswan", "eap"):
            assert said.status == 1 and "remedy: " in said.err and not path.exists(), said.err
            continue
        assert said.status == 0, said.err
        then = said.out.split("then: ipsec-board provision")[1].split()
        assert ("--text" in then) == (kind in initial.TEXT and "--new-psk" in then)
        fill_in(tmp_path, path.read_text())
        monkeypatch.setattr(sys, "stdin", io.StringIO("a password\n"))
        ca = [] if "--ca" in then or "ca_file" not in path.read_text() else ["--ca", "ca"]
        said = tool("provision", "--check", *ca, *then)
        assert said.status == 0, (kind, auth, remote, said.err)
        assert "error" not in said.err


def test_a_first_file_for_eap_with_a_key_that_nobody_has_proved(tmp_path):
    said = tool("provision", "--init", tmp_path / "a.toml", "--auth", "eap", "--remote-auth", "psk")
    assert said.status == 1 and "leave --remote-auth out" in said.err and not list(tmp_path.iterdir())


@pytest.mark.parametrize("auth", initial.METHODS)
@pytest.mark.parametrize("kind", ["", *GATEWAYS])
def test_a_template_makes_a_fleet(tmp_path, monkeypatch, auth, kind):
    monkeypatch.chdir(tmp_path)
    said = tool("provision", "--init", "--fleet", "sensor.toml", "--auth", auth, *(["--for", kind] if kind else []))
    if said.status:
        assert kind and auth in ("key", "eap") and "remedy: " in said.err
        return
    fill_in(tmp_path, (tmp_path / "sensor.toml").read_text())
    if "ca_file" in (tmp_path / "sensor.toml").read_text():
        tool("provision", "--check", "--ca", "ca", "sensor.toml")
    said = tool("fleet", "sensor.toml", "--count", 3, "--out", "fleet")
    if auth == "eap":
        assert said.status == 1 and "--new-nt-hash" in said.err, said.err
    else:
        assert said.status == 0 and "3 new" in said.out, said.err


@pytest.mark.parametrize("where", [".", "..", "/", "folder", "folder/", "there.toml", "no/such/folder/a.toml", "a.json", ".toml"])
def test_init_where_no_file_can_be(tmp_path, monkeypatch, where):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "there.toml").write_text("mine")
    said = tool("provision", "--init", where)
    assert said.status == 1 and "remedy: " in said.err, said.err
    assert (tmp_path / "there.toml").read_text() == "mine" and len(list(tmp_path.rglob("*"))) == 2


# Files that are none


NOT_TOML = {
    "binary": bytes(range(256)) * 4,
    "UTF-16": TUNNEL.encode("utf-16"),
    "UTF-16 without a mark": TUNNEL.encode("utf-16-le"),
    "Latin-1": TUNNEL.replace("sensor", "küche").encode("latin-1"),
    "a NUL": TUNNEL.encode() + b"mtu = 1\0\n",
    "a NUL in a text": TUNNEL.replace("sensor-7.psk", "a\\u0000b").encode(),
    "nothing": b"",
    "nested": b"[tunnel]\ngateway = " + b"[" * 5000 + b"]" * 5000,
    "digits": b"[tunnel]\nmtu = " + b"9" * 5000,
    "inf": TUNNEL.encode() + b"mtu = inf\n",
    "nan": TUNNEL.encode() + b"mtu = nan\n",
    "a date": TUNNEL.encode() + b"mtu = 2026-01-01\n",
    "a number for a file": TUNNEL.replace('"sensor-7.psk"', "7").encode(),
    "a table for a file": TUNNEL.replace('"sensor-7.psk"', "{ a = 1 }").encode(),
    "a long name of a file": TUNNEL.replace("sensor-7.psk", "x" * 190 + "/" + "y" * 300).encode(),
    "a folder for a file": TUNNEL.replace("sensor-7.psk", ".").encode(),
}
NOT_JSON = {
    "nested": b'{"tunnel": ' * 100_000,
    "lists": b'{"tunnel": {"remote_ts": ' + b"[" * 100_000,
    "a list": b"[]",
    "NaN": b'{"tunnel": {"gateway": "x", "local_id": "y", "mtu": NaN, "psk_file": "a"}}',
    "Infinity": b'{"tunnel": {"gateway": "x", "local_id": "y", "dpd_s": Infinity}}',
    "surrogates": b'{"tunnel": {"gateway": "\\ud800", "local_id": "y", "psk_file": "\\ud800"}}',
    "text": b'"tunnel"',
    "empty": b"",
}


@pytest.mark.parametrize("what", [*(f"{name}.toml" for name in NOT_TOML), *(f"{name}.json" for name in NOT_JSON)])
def test_a_provisioning_file_that_is_none(tmp_path, what):
    name, _, suffix = what.rpartition(".")
    path = write_plan(tmp_path, name=f"x.{suffix}")
    path.write_bytes((NOT_TOML if suffix == "toml" else NOT_JSON)[name])
    for line in (["provision", "--check"], ["provision", "--check", "--new-psk"], ["provision", "--check", "--new-ppk"],
                 ["gateway", "strongswan"], ["install", "--config"]):  # fmt: skip
        said = tool(*line, path)
        assert said.status == 1 and "error: " in said.err and "remedy: " in said.err, (line, said.err)
        assert "\0" not in said.err
    said = tool("fleet", path, "--count", 1, "--out", tmp_path / "out")
    assert said.status == 1 and "remedy: " in said.err and not (tmp_path / "out").exists(), said.err


def test_folders_in_place_of_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plan = write_plan(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"\xff\xfe\x00")
    for line in (
        "provision --check folder", "provision --new-psk folder", "gateway strongswan folder", "fleet folder --count 1 --out x",
        "gateway strongswan sensor-7.toml --out file", "gateway strongswan sensor-7.toml --out file/x",
        "gateway strongswan sensor-7.toml --ca file", "provision --check --ca file sensor-7.toml",
        "provision --import folder sensor-7.toml", "provision --import file sensor-7.toml",
        "provision --import file --password-file folder sensor-7.toml", "flash folder", "flash file", "flash none.uf2",
        "install --config folder", "packages --arch armv6m --out file", "packages --arch z80 --out x",
        "packages --arch armv6m",
    ):  # fmt: skip
        said = tool(*line.split())
        assert said.status == 1 and "error: " in said.err, (line, said)
    assert plan.read_text() == TUNNEL


class Refusing(Show):
    """One whose output the system refuses."""

    def line(self, text):
        raise PermissionError(13, "Permission denied", "/etc/shadow")


def test_what_the_system_refuses_is_told(plan):
    err = io.StringIO()
    show = Refusing(Console(file=io.StringIO()), Console(file=err, width=200))
    assert program.main(["gateway", "strongswan", str(plan)], show) == 1
    assert "/etc/shadow: Permission denied" in err.getvalue() and "remedy" in err.getvalue()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can become nobody")
def test_no_permission(tmp_path):
    """As somebody who may read and write nothing of it."""
    tmp_path.chmod(0o755)
    plan = write_plan(tmp_path)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    write_plan(closed)
    bare = "import os, sys; os.setgid(65534); os.setuid(65534); sys.argv[0] = 'ipsec-board'\n"
    code = "from ipsec_board.__main__ import main\n" + bare + "sys.exit(main())"
    for line in (["provision", "--check", closed / "sensor-7.toml"], ["provision", "--check", plan],
                 ["gateway", "strongswan", plan], ["provision", "--init", closed / "a.toml"],
                 ["fleet", plan, "--count", "1", "--out", closed],
                 ["provision", "--new-psk", "--check", closed / "sensor-7.toml"],
                 ["provision", "--check", "--ca", closed / "ca", plan]):  # fmt: skip
        argv = [sys.executable, "-c", code, *map(str, line)]
        done = subprocess.run(argv, cwd=REPOSITORY, capture_output=True, text=True, env={"PATH": ""}, check=False)
        assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
        assert "ermission denied" in done.stderr or "psk_file" in done.stderr, done.stderr
        assert SECRET[4:] not in done.stdout + done.stderr


def test_who_reads_our_output_goes_away(plan):
    argv = [sys.executable, "-m", "ipsec_board", "gateway", "strongswan", str(plan)]
    process = subprocess.Popen(argv, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(30) in (0, 1) and "Traceback" not in err and "Exception" not in err, err


def test_names_that_are_no_text(tmp_path):
    """Octets of a file's name that are not UTF-8 are shown, and stop nothing."""
    name = os.fsencode(tmp_path) + b"/a\xff.toml"
    argv = [sys.executable, "-m", "ipsec_board", "provision", "--check", name]
    done = subprocess.run(argv, cwd=REPOSITORY, capture_output=True, check=False)
    assert done.returncode == 1 and b"cannot be read" in done.stderr and b"Traceback" not in done.stderr, done.stderr
