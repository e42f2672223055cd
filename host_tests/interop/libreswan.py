"""libreswan as a second opinion about IKE messages: pluto in a namespace, with the kernel's IPsec shammed.

pluto keeps ESP in the kernel. `xfrm_shim.c` makes it believe that the kernel took its SAs, so the whole of IKE runs
(addresses and the Child SA included) on every kernel; with `carry_esp` scapy does the kernel's part. It is written by other
people than strongSwan, which is the point. Start reading at `Libreswan`.
"""

import contextlib
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from host_tests.interop import spaces
from host_tests.interop.install import NETWORK_TOOLS, SUITE, Missing, Report, unpacked_root
from host_tests.interop.spaces import Space
from host_tests.interop.strongswan import CLIENT_ID, GATEWAY_ID, PSK

PACKAGES = ["libreswan", "libnss3-tools", "dash", *NETWORK_TOOLS]
PLUTO = "usr/libexec/ipsec/pluto"

_SHIM = Path(__file__).with_name("xfrm_shim.c")
_CONF = """
config setup
    uniqueids=no
{setup}

conn rw
    keyexchange=ikev2
    authby={authby}
    left={gateway}
    leftid=@{gateway_id}
    leftsubnet=10.10.0.0/24
    right=%any
    rightid=@{client_id}
    rightaddresspool=10.20.0.1-10.20.0.254
    modecfgdns={inside}
    ike={ike}
    esp={esp}
    encapsulation=yes
    leftupdown=%disabled
    pfs=no
    auto=add
{more}
"""
_LOBBY = """conn lobby
    keyexchange=ikev2
    authby=secret
    left={gateway}
    leftid=@{gateway_id}
    leftsubnet=10.10.0.0/24
    right=%any
    rightid=@other.test
    ike={ike}
    esp={esp}
    encapsulation=yes
    leftupdown=%disabled
    pfs=no
    auto=add
"""


def libreswan_root(report: Report | None = None) -> Path:
    """The unpacked root that holds pluto, made if need be. Raises Missing."""
    return unpacked_root(SUITE, PACKAGES, (PLUTO,), report)


class Libreswan:
    """One pluto in `space`, awaiting a client with a pre-shared key, or with the P-256 key `device_key` (X | Y in base64, after
    "0s"), for which it makes a key of its own, `gateway_key`, as `ipsec showhostkey` prints it.

    `stores` are files in PKCS #12 without a password, by name, and `authorities` certificates in PEM, for its database.

    `lobby` is the IKE proposal of a further connection, for another identity, which answers IKE_SA_INIT in the first one's place.

    `more` are further lines of its `conn` section, `setup` of `config setup`, `secrets` of its ipsec.secrets.

    `ike` and `esp` are proposals in libreswan's words. Raises Missing without a C compiler, and RuntimeError with
    pluto's own words when it does not start.
    """

    def __init__(
        self,
        space: Space,
        name: str = "pluto",
        *,
        ike: str = "aes_gcm128-sha2_256-dh31",
        esp: str = "aes_gcm128",
        psk: str = PSK,
        device_key: str = "",
        authby: str = "",
        stores: dict[str, bytes] | None = None,
        authorities: tuple[str, ...] = (),
        lobby: str = "",
        more: tuple[str, ...] = (),
        secrets: str = "",
        setup: tuple[str, ...] = (),
    ) -> None:
        self.space = space
        self.work = space.network.work / name
        (self.work / "nss").mkdir(parents=True)
        compile_shim(self.work / "xfrm_shim.so")
        self.folder = f"/mnt/{name}"
        space.run(["certutil", "-N", "--empty-password", "-d", f"sql:{self.folder}/nss"], in_root=True)
        for store, octets in (stores or {}).items():
            (self.work / store).write_bytes(octets)
            space.run(["pk12util", "-i", f"{self.folder}/{store}", "-d", f"sql:{self.folder}/nss", "-W", ""], in_root=True)
        for i, certificate in enumerate(authorities):
            (self.work / f"ca{i}.pem").write_text(certificate)
            trusted = ["-n", f"ca{i}", "-t", "CT,,", "-i", f"{self.folder}/ca{i}.pem"]
            space.run(["certutil", "-A", "-d", f"sql:{self.folder}/nss", *trusted], in_root=True)
        if device_key:
            more += self._make_key(), f"rightecdsakey={device_key}"
        conf = _CONF.format(
            gateway=spaces.GATEWAY, gateway_id=GATEWAY_ID, client_id=CLIENT_ID, inside=spaces.INSIDE, ike=ike, esp=esp,
            authby=authby or ("ecdsa" if device_key else "secret"), more="\n".join("    " + line for line in more),
            setup="\n".join("    " + line for line in setup),
        )  # fmt: skip
        if lobby:
            first = _LOBBY.format(gateway=spaces.GATEWAY, gateway_id=GATEWAY_ID, ike=lobby, esp=esp)
            conf = conf.replace("conn rw", first + "\nconn rw")  # the first one is asked first
        self._names = ["lobby", "rw"] if lobby else ["rw"]
        (self.work / "ipsec.conf").write_text(conf)
        place = self.work / "ipsec.secrets"
        place.touch(0o600)
        place.write_text(f'@{GATEWAY_ID} @{CLIENT_ID} : PSK "{psk}"\n{secrets}')
        self._start()

    def _make_key(self) -> str:
        """Make the gateway's key; the line of `conn` that names it."""
        nss = ("--nssdir", f"{self.folder}/nss")
        self._tool("ecdsasigkey", "--seeddev", "/dev/urandom", *nss)
        ckaid = self._tool("showhostkey", *nss, "--list").split("ckaid:")[1].split()[0]
        line = next(x for x in self._tool("showhostkey", *nss, "--left", "--ckaid", ckaid).splitlines() if "key=" in x)
        self.gateway_key = line.strip()
        return self.gateway_key

    def log(self) -> str:
        """pluto's log so far."""
        path = self.work / "pluto.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def wait_log(self, text: str, timeout_s: float = 10) -> None:
        """Wait until the log holds `text`. Raises AssertionError with the end of the log."""
        self.wait_count(text, 1, timeout_s)

    def wait_count(self, text: str, count: int, timeout_s: float = 10) -> None:
        """Wait until the log holds `text` `count` times. Raises AssertionError with the end of the log."""
        end = time.monotonic() + timeout_s
        while self.log().count(text) < count:
            if time.monotonic() > end or self.process.poll() is not None:
                raise AssertionError(f"pluto did not log {text!r} {count} times; it ends with:\n{self.log()[-3000:]}")
            time.sleep(0.02)

    def whack(self, *arguments: str) -> str:
        """Tell pluto something, `whack("--rekey-child", "--name", "rw")`, and return what it says."""
        return self._tool("whack", "--rundir", self.folder, *arguments)

    def carry_esp(self) -> contextlib.AbstractContextManager[None]:
        """Packets pass while the block runs."""
        return carry_esp(self.space, self.work)

    def close(self) -> None:
        """Stop pluto; it deletes its SAs and tells its peers."""
        spaces.stop(self.process)
        self._output.close()

    def _start(self) -> None:
        self._output = (self.work / "output.txt").open("w")
        argv = [
            "/" + PLUTO, "--nofork", "--config", f"{self.folder}/ipsec.conf",
            "--secretsfile", f"{self.folder}/ipsec.secrets", "--nssdir", f"{self.folder}/nss",
            "--logfile", f"{self.folder}/pluto.log", "--rundir", self.folder,
        ]  # fmt: skip
        self.process = self.space.start(
            argv, in_root=True, private_run=True, stdout=self._output, stderr=subprocess.STDOUT,
            env=shim_environment(self.folder),
        )  # fmt: skip
        end = time.monotonic() + 10
        while not (self.work / "pluto.ctl").exists():
            if self.process.poll() is not None or time.monotonic() > end:
                spaces.stop(self.process, 0)
                raise RuntimeError(f"pluto did not start: {(self.work / 'output.txt').read_text()}{self.log()}")
            time.sleep(0.01)
        self._tool("addconn", "--ctlsocket", f"{self.folder}/pluto.ctl", "--config", f"{self.folder}/ipsec.conf", *self._names)
        self.whack("--listen")

    def _tool(self, name: str, *arguments: str) -> str:
        return self.space.run([f"/usr/libexec/ipsec/{name}", *arguments], in_root=True)


def compile_shim(target: Path) -> None:
    """Compile `xfrm_shim.c`. Raises Missing without a C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if not compiler:
        raise Missing("no C compiler; install one with: apt-get install gcc libc6-dev")
    flags = ["-shared", "-fPIC", "-O2", "-U_FORTIFY_SOURCE"]
    subprocess.run([compiler, *flags, "-o", str(target), str(_SHIM), "-ldl"], check=True)


def shim_environment(folder: str) -> dict[str, str]:
    """What pluto's environment must have for the shim in this folder of its root, and the log beside it."""
    return {"LD_PRELOAD": f"{folder}/xfrm_shim.so", "XFRM_LOG": f"{folder}/xfrm.log"}


@contextlib.contextmanager
def carry_esp(space: Space, work: Path, pool: str = "10.20.0.0/24") -> Iterator[None]:
    """Do the kernel's part for the pluto in `space` whose shim logs into `work`, while the block runs."""
    argv = [sys.executable, str(Path(__file__).with_name("agent_esp.py")), str(work / "xfrm.log"), spaces.GATEWAY]
    agent = space.start(argv, stdout=subprocess.PIPE, text=True)
    try:
        assert agent.stdout and agent.stdout.readline() == "ready\n"
        space.ip("link set esp0 up mtu 1400", f"route add {pool} dev esp0")
        yield
    finally:
        spaces.stop(agent, 0)
