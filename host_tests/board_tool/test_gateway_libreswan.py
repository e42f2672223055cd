"""The configuration for libreswan in a real pluto: it loads the connection and the secrets, and devices bring up their tunnels.

pluto hands ESP to the kernel, which not every test machine can do: a shim makes it believe that the kernel took its SAs, and
where packets are to pass scapy does the kernel's part.
"""

import json
import re
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import NoEncryption, load_pem_private_key, pkcs12

from host_tests.board_tool.conftest import TUNNEL, tool, write_plan
from host_tests.conftest import require
from host_tests.interop import spaces
from host_tests.interop.gateway import start_device
from host_tests.interop.install import SUITE, Missing, unpacked_root
from host_tests.interop.libreswan import carry_esp, compile_shim, shim_environment
from ipsec_board.doctor import probe
from ipsec_board.gateway import certificates
from ipsec_board.gateway import plan as plans
from ipsec_board.gateway.authority import Authority, pem

pytestmark = pytest.mark.interop

_PACKAGES = ["libreswan", "dash", "iproute2", "nftables", "iputils-ping"]
_PLUTO = "usr/libexec/ipsec/pluto"
_ALL = (
    'ike_proposals = ["aes128gcm16-prfsha256-x25519", "aes256-sha512-ecp256", "chacha20poly1305-prfsha256-modp2048",'
    '"aes128-sha256-x25519"]\n'
    'esp_proposals = ["aes128ccm16", "aes256ccm8", "aes128gcm16-esn", "aes256-sha512", "chacha20poly1305"]\n'
    '[site]\nname = "fleet"\ndns = ["10.10.0.1"]\naddress = "10.9.1.1"\n'
)
_SETUP = "config setup\n    nssdir=/mnt/nss\n    logfile=/mnt/pluto.log\n    dnssec-enable=no\n"
_ASK = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(3)
s.sendto(bytes.fromhex(sys.argv[1]), ("10.9.1.1", 500))
print(s.recv(2000).hex())
"""


class Pluto:
    """One pluto in the gateway's namespace, with the configuration in the work folder."""

    def __init__(self, network: spaces.Network, setup: str = ""):
        self._gateway, self.work = network.gateway, network.work
        (self.work / "nss").mkdir()
        (self.work / "ipsec.conf").write_text(_SETUP + setup + "include /mnt/out/*.conf\n")
        (self.work / "ipsec.secrets").write_text("include /mnt/out/*.secrets\n")
        self.command("certutil", "-N", "--empty-password", "-d", "sql:/mnt/nss")
        argv = [
            "/" + _PLUTO, "--nofork", "--config", "/mnt/ipsec.conf", "--secretsfile", "/mnt/ipsec.secrets",
            "--logfile", "/mnt/pluto.log", "--rundir", "/mnt/run",
        ]  # fmt: skip
        (self.work / "run").mkdir()
        compile_shim(self.work / "xfrm_shim.so")
        self._process = self._gateway.start(argv, in_root=True, private_run=True, env=shim_environment("/mnt"))
        end = time.monotonic() + 10
        while not (self.work / "run/pluto.ctl").exists():
            assert self._process.poll() is None and time.monotonic() < end, self.log()
            time.sleep(0.05)

    def command(self, *argv: str) -> str:
        """Run a program of the root."""
        return self._gateway.run(list(argv), in_root=True)

    def load(self) -> str:
        """Load all connections and listen; what addconn said."""
        said = self.command("/usr/libexec/ipsec/addconn", "--config", "/mnt/ipsec.conf", "--ctlsocket", "/mnt/run/pluto.ctl",
                            "--autoall")
        return said + self.whack("--listen")

    def whack(self, *words: str) -> str:
        """Tell pluto something."""
        return self.command("/usr/libexec/ipsec/whack", "--rundir", "/mnt/run", *words)

    def log(self) -> str:
        """What pluto has said so far."""
        path = self.work / "pluto.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def stop(self) -> None:
        spaces.stop(self._process)


@pytest.fixture
def network():
    require(shutil.which("cc") or shutil.which("gcc"), "no C compiler; install one with: apt-get install gcc libc6-dev")
    try:
        spaces.check_machine()
        root = unpacked_root(SUITE, _PACKAGES, (_PLUTO,))
    except Missing as e:
        require(False, str(e))
    with spaces.Network(root) as running:
        yield running


def test_pluto_loads_the_files_and_answers(network, tmp_path):
    plan = write_plan(tmp_path, TUNNEL + _ALL)
    assert tool("gateway", "libreswan", plan, "--out", network.work / "out").status == 0
    pluto = Pluto(network)
    try:
        said = pluto.load()
        status = pluto.whack("--connectionstatus")
        assert '"fleet"' in status and "10.20.0.2-10.20.0.254" in status, said + pluto.log()
        answer = network.client.run(["python3", "-c", _ASK, probe().hex()])
    finally:
        pluto.stop()
    log = pluto.log()
    assert len(bytes.fromhex(answer)) > 150, log  # a whole answer, not an error notify
    assert "/mnt/out/fleet-sensor-7-example-net.secrets" in log, log
    assert '"fleet": added IKEv2 connection' in log, log
    for wrong in ("failed to add", "unrecognized", "syntax error", "unable to"):
        assert wrong not in log, log


FLEET = TUNNEL.replace("127.0.0.1", "10.9.1.1").replace("sensor-7", "$name") + _ALL
FLEET = FLEET.replace("aes128ccm16", "aes128gcm16").replace("[site]", "reconnect = false\n[site]")


def serve(network, path, asks=subprocess.DEVNULL):
    """A device of this provisioning file that stays up; with a pipe in `asks` it pings for each line of that."""
    config = network.work / f"{path.stem}.json"
    config.write_text(json.dumps(plans.load(path).device_config()))
    mode = "serve" if asks == subprocess.DEVNULL else "ping"
    return start_device(network.client, [sys.executable, "host_tests/interop/device.py", config, mode], stdin=asks)


@contextmanager
def up(network, path, address="10.20.0.2", setup=""):
    """pluto with what was written for it, and a device of this provisioning file whose tunnel is up."""
    pluto, devices = Pluto(network, setup), []
    try:
        pluto.load()
        devices.append(serve(network, path))
        assert devices[0].stdout.readline() == f"up {address}\n", pluto.log()[-3000:]
        yield pluto
    finally:
        pluto.stop()
        for d in devices:
            d.communicate(timeout=20)


@pytest.mark.parametrize("at_once", [True, False], ids=["one command", "one at a time"])
def test_two_devices_are_up_at_once_with_addresses_of_their_own(network, tmp_path, at_once):
    template = tmp_path / "template.toml"
    template.write_text(FLEET)
    assert tool("fleet", template, "--count", 2, "--out", tmp_path / "devices").status == 0
    fleet = sorted((tmp_path / "devices").glob("*.toml"))
    for files in [fleet] if at_once else [[f] for f in fleet]:
        said = tool("gateway", "libreswan", *files, "--out", network.work / "out")
        assert said.status == 0, said.err
    pluto, devices = Pluto(network), []
    try:
        pluto.load()
        with carry_esp(network.gateway, network.work):
            devices = [serve(network, path, subprocess.PIPE) for path in fleet]
            lines = [d.stdout.readline() for d in devices]
            traffic = pluto.whack("--trafficstatus")
            for rounds in range(2):  # each while the other is up
                for d in devices:
                    d.stdin.write("ping\n")
                    d.stdin.flush()
                    assert d.stdout.readline() == "pings 3\n", (rounds, pluto.log()[-3000:])
    finally:
        pluto.stop()
        for d in devices:
            d.communicate(timeout=20)
    assert sorted(lines) == ["up 10.20.0.2\n", "up 10.20.0.3\n"], pluto.log()[-3000:]
    assert sorted(re.findall(r"id='@(\d)\.example\.net'", traffic)) == ["1", "2"], traffic


@pytest.mark.parametrize(("line", "theirs"), [
    ('remote_id = "%any"', "sensor-7.example.net"),
    ('remote_id = "C=CH, O=Example, CN=gw"\nlocal_id = "C=CH, O=Example, CN=sensor"', "C=CH, O=Example, CN=sensor"),
])  # fmt: skip
def test_identities_that_not_every_gateway_takes(network, tmp_path, line, theirs):
    """Any gateway, and distinguished names: what the library takes, the gateway's side is written for."""
    text = FLEET.replace("$name", "sensor-7").replace('remote_id = "gw.example.net"', line)
    assert line in text
    plan = write_plan(tmp_path, text.replace('local_id = "sensor-7.example.net"\n', "", line.count("local_id")))
    said = tool("gateway", "libreswan", plan, "--out", network.work / "out")
    assert said.status == 0, said.err
    with up(network, plan) as pluto:
        assert theirs in pluto.whack("--trafficstatus")


@pytest.mark.parametrize(("tcp", "mobike"), [("always", True), ("fallback", True), ("", False)])
def test_mobike_and_tcp_are_there_when_the_device_has_them(network, tmp_path, tcp, mobike):
    """What pluto has of both; with TCP alone the device comes by nothing else (RFC 9329)."""
    text = FLEET.replace("$name", "sensor-7").replace("[site]", f'tcp = "{tcp}"\nmobike = {str(mobike).lower()}\n[site]')
    plan = write_plan(tmp_path, text)
    said = tool("gateway", "libreswan", plan, "--out", network.work / "out")
    assert said.status == 0 and "TCP" not in said.err, said.err
    conf = (network.work / "out" / "fleet.conf").read_text()
    assert ("listen-tcp=yes in `config setup`" in conf) == bool(tcp)
    with up(network, plan, setup="    listen-tcp=yes\n" if tcp else "") as pluto:
        status = pluto.whack("--connectionstatus")
        assert ("MOBIKE" in status) == mobike, status
        log = pluto.log()
    word = {"always": "yes", "fallback": "fallback", "": "no"}[tcp]
    assert f"iketcp:{word};" in status, status
    established = next(line for line in log.splitlines() if "established Child SA" in line)
    assert ("ESPinTCP" in established) == (tcp == "always"), established
    for wrong in ("failed to add", "unrecognized", "syntax error", "unable to", "ignored"):
        assert wrong not in log, log


@pytest.mark.parametrize(("lines", "agreed"), [
    (['remote_ts = ["10.10.0.0/24[udp/5000]", "10.11.0.0/24"]'], ["10.10.0.0/24/UDP/5000", "10.11.0.0/24"]),
    (['remote_ts = ["10.10.0.0/24", "10.11.0.0/24"]'], ["10.10.0.0/24", "10.11.0.0/24"]),
    (['remote_ts = ["10.10.0.0/24[132]"]', 'local_ts = ["10.20.0.0/24"]'], ["10.10.0.0/24/SCTP/0"]),
    (['remote_ts = ["10.10.0.0/24"]', 'local_ts = ["192.168.7.0/24[tcp]"]', "virtual_ip = []", 'inner_address = "192.168.7.1"'],
     ["10.10.0.0/24"]),
])  # fmt: skip
def test_protocols_ports_and_networks_behind_the_device(network, tmp_path, lines, agreed):
    text = FLEET.replace("$name", "sensor-7").replace('remote_ts = ["10.10.0.0/24"]', "\n".join(lines))
    plan = write_plan(tmp_path, text)
    said = tool("gateway", "libreswan", plan, "--out", network.work / "out")
    assert said.status == 0, said.err
    with up(network, plan, "192.168.7.1" if len(lines) > 2 else "10.20.0.2") as pluto:
        status = pluto.whack("--connectionstatus")
    found = re.findall(r"\"\[\d+\]: (\S+)===.*===(\S+); routed-tunnel", status)
    assert found == [(theirs, "192.168.7.0/24/TCP" if len(lines) > 2 else "{10.20.0.2/32}") for theirs in agreed], status


@pytest.mark.parametrize("interpreter", ["micropython", sys.executable], ids=["micropython", "cpython"])
def test_further_child_sas(network, tmp_path, interpreter):
    """Both carry packets, and the device renews the keys of each, that of the set by another Child SA, as pluto wants it."""
    more = 'more_ts = [{remote_ts = ["10.30.0.0/24[icmp]"]}]\nchild_lifetime_packets = 10\n'
    plan = write_plan(tmp_path, FLEET.replace("$name", "sensor-7").replace("reconnect = false", more))
    said = tool("gateway", "libreswan", plan, "--out", network.work / "out")
    assert said.status == 0, said.err
    network.gateway.ip("addr add 10.30.0.1/24 dev lo")
    config = network.work / "device.json"
    config.write_text(json.dumps(plans.load(plan).device_config()))
    pluto, hosts = Pluto(network), ["10.10.0.1", "10.30.0.1"]
    device = None
    try:
        pluto.load()
        with carry_esp(network.gateway, network.work):
            argv = [interpreter, "host_tests/interop/more_device.py", config, *hosts]
            device = start_device(network.client, argv, stdin=subprocess.PIPE)
            assert device.stdout.readline() == "up 10.20.0.2\n", pluto.log()[-3000:]
            end = time.monotonic() + 20
            while pluto.log().count("switched to") < 4 and time.monotonic() < end:
                time.sleep(0.05)
            said, _ = device.communicate("\n", timeout=20)
    finally:
        pluto.stop()
        if device:
            spaces.stop(device, 0)
    log = pluto.log()
    figures = json.loads(said.splitlines()[0])
    assert figures["events"] == [] and [c[0] for c in figures["children"]] == [0, 1], (figures, log[-3000:])
    for sent, answered in figures["pings"].values():
        assert sent == answered > 5, figures
    assert "[10.30.0.0/24/ICMP/0===" in log and re.search(r'"fleet"\S* \S+ #\d+: responder rekeyed Child SA', log), log[-3000:]


@pytest.mark.parametrize("form", ["cert", "psk"])
def test_certificates_of_the_desk_s_authority(network, tmp_path, form):
    """The files, and the commands in them, as they are written; the device by its certificate, or by a PSK."""
    ca = tmp_path / "ca"
    issuer, _ = Authority.open(ca)
    key = ec.generate_private_key(ec.SECP256R1())
    text = FLEET.replace("$name", "sensor-7")
    own = 'auth = "cert"\nkey_file = "own.key"\ncert_file = "own.crt"\nca_file = "ca/ca.crt"'
    if form == "psk":
        own = 'psk_file = "sensor-7.psk"\nremote_auth = "cert"\nca_file = "ca/ca.crt"'
    plan = write_plan(tmp_path, text.replace('psk_file = "sensor-7.psk"', own))
    (tmp_path / "own.crt").write_text(certificates.text([issuer.issue("sensor-7.example.net", key.public_key())]))
    (tmp_path / "own.key").write_text(pem(key))
    (tmp_path / "own.key").chmod(0o600)
    out = network.work / "out"
    said = tool("gateway", "libreswan", plan, "--out", out, "--ca", ca)
    assert said.status == 0, said.err
    pluto, devices = Pluto(network), []
    try:
        store(pluto, out)
        said = pluto.load()
        config = {**plans.load(plan).device_config(), "key": pem(key) if form == "cert" else ""}
        config.pop("key_file", None)
        path = network.work / "device.json"
        path.write_text(json.dumps(config))
        devices.append(start_device(network.client, [sys.executable, "host_tests/interop/device.py", path, "serve"]))
        assert devices[0].stdout.readline() == "up 10.20.0.2\n", pluto.log()[-4000:]
        assert "sensor-7.example.net" in pluto.whack("--trafficstatus")
    finally:
        pluto.stop()
        for d in devices:
            d.communicate(timeout=20)


def store(pluto, out) -> None:
    """Do what the comments of the connection say: the gateway's key and certificate, and the devices' authority, into NSS."""
    [conf] = out.glob("*.conf")
    [command] = re.findall(r"-name (\S+) -inkey (\S+) -in (\S+) -out", conf.read_text())
    name, own, certificate = command
    key = load_pem_private_key((out / own).read_bytes(), None)
    [found] = x509.load_pem_x509_certificates((out / certificate).read_bytes())
    (out / "g.p12").write_bytes(pkcs12.serialize_key_and_certificates(name.encode(), key, found, None, NoEncryption()))
    pluto.command("pk12util", "-i", "/mnt/out/g.p12", "-d", "sql:/mnt/nss", "-W", "")
    for line in re.findall(r"#   (certutil .*)", conf.read_text()):
        words = line.replace("/var/lib/ipsec/nss", "/mnt/nss").split()
        pluto.command(*words[:-1], f"/mnt/out/{words[-1]}")
