"""Network namespaces for one test: a device's uplink and a gateway with a network behind it, and nothing else.

    client                         gateway
    eth0 10.9.1.2/24  ---veth---  eth0 10.9.1.1/24
         fd00:9::2/64                  fd00:9::1/64
                                  lo   10.10.0.1/24, fd00:10::1/64      what the tunnel protects

With `nat=True` a masquerading router stands between, which changes addresses and ports:

    client                          nat                                gateway
    eth0 192.168.77.2 ---veth--- lan0 192.168.77.1
                                 up0  10.9.1.3      ---veth---  eth0 10.9.1.1

The namespaces have no names. Each lives as long as one small process that holds it, and that process ends when the
pipe from here closes; so a test that crashes, or is killed, leaves nothing behind. Everything happens inside one
private mount namespace too; an ordinary user gets a user namespace around it. Start reading at `Network`.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from host_tests.interop.install import Missing

_PRIORITY = -10
CLIENT = "10.9.1.2"
CLIENT_BEHIND_NAT = "192.168.77.2"
GATEWAY = "10.9.1.1"
NAT = "10.9.1.3"
INSIDE = "10.10.0.1"
INSIDE6 = "fd00:10::1"

_UNSHARE_REMEDY = (
    "namespaces are not allowed here. As root in a container: docker run --privileged. As an ordinary user: "
    "sudo sysctl -w kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0, or use root"
)
_HOLD = "echo ready; exec cat >/dev/null"  # lives until the pipe on its stdin closes

# Run by the first holder, in its private mount namespace: gives the unpacked root devices, /proc and the work folder.
_MOUNT = """
set -e
root=$1 work=$2
if [ "$root" != / ]; then
  mount --bind "$root" "$root"
  mount -t tmpfs -o mode=755 dev "$root/dev"
  mkdir "$root/dev/net"
  for name in null zero random urandom net/tun; do
    if [ -e /dev/$name ]; then : >"$root/dev/$name"; mount --bind /dev/$name "$root/dev/$name"; fi
  done
  [ -e /dev/net/tun ] || mknod "$root/dev/net/tun" c 10 200
  mount --rbind /proc "$root/proc"
  mount -t tmpfs tmp "$root/tmp"
fi
mount --bind "$work" "$root/mnt"
"""

# What follows it: when the pipe closes and nobody has killed this holder before, the process here has crashed. Two
# rounds, for what was just being started in the first.
_CLEAN_UP = """
echo ready
cat >/dev/null
for round in 1 2; do
  find /proc -maxdepth 3 -path '/proc/[0-9]*/ns/net' -printf '%l /%p\\n' 2>/dev/null | grep -F -f "$work/.spaces" |
    cut -d/ -f4 | xargs -r kill -KILL
  sleep 0.2
done
rm -rf "$work"
"""


class Space:
    """One network namespace, held open by a process."""

    def __init__(self, network: "Network", enter: Sequence[str]) -> None:
        self.network = network
        self._holder = _hold([*enter, "unshare", "--net", "sh", "-c", _HOLD])
        self.pid = self._holder.pid
        self.inode = os.readlink(f"/proc/{self.pid}/ns/net")

    def start(self, argv: Sequence[str | Path], *, in_root: bool = False, private_run: bool = False, **popen):
        """Start a program in this namespace: one of this machine, or of the unpacked root; returns the Popen.

        `private_run` gives it an empty /run of its own (charon's pid file). Keyword arguments are Popen's. It comes before other
        programs of the computer, where that is allowed: it lives by the clock, and beside it others compute.
        """
        command = [*self._enter(mounts=in_root)]
        root = str(self.network.root)
        if private_run:
            script = 'mount -t tmpfs run "$0/run"; exec "$@"'
            command += ["unshare", "--mount", "sh", "-ec", script, root]
        if in_root:
            command += ["chroot", root]
            popen["env"] = {**popen.get("env", os.environ), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        popen.setdefault("stdin", subprocess.DEVNULL)
        process = subprocess.Popen([*command, *map(str, argv)], start_new_session=True, **popen)
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, process.pid, _PRIORITY)
        return process

    def run(self, argv: Sequence[str | Path], *, in_root: bool = False, timeout: float = 20, **options) -> str:
        """Run a program to its end and return what it printed. Raises subprocess.CalledProcessError."""
        text = options.pop("input", None)
        pipe = subprocess.PIPE
        options["stdin"] = subprocess.DEVNULL if text is None else pipe
        process = self.start(argv, in_root=in_root, stdout=pipe, stderr=pipe, text=True, **options)
        try:
            out, err = process.communicate(text, timeout)
        except subprocess.TimeoutExpired:
            stop(process, 0)
            raise
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, list(map(str, argv)), out, err)
        return out

    def ip(self, *lines: str) -> None:
        """Run lines of `ip` commands as one batch."""
        self.run(["ip", "-batch", "-"], in_root=True, input="\n".join(lines) + "\n")

    def ping(self, host: str, count: int = 3, interval: float = 0.05, size: int = 56) -> int:
        """Ping `host` from here and return how many answers came within a second of the last request."""
        argv = ["ping", "-n", "-q", "-c", str(count), "-i", str(interval), "-W", "1", "-s", str(size), host]
        try:
            out = self.run(argv, in_root=True)
        except subprocess.CalledProcessError as error:
            out = error.output
        return int(out.split(" received")[0].split()[-1]) if " received" in out else 0

    def pids(self) -> list[int]:
        """The processes that live in this namespace, its holder left out."""
        return [pid for pid in processes_in(self.inode) if pid != self.pid]

    def close(self) -> None:
        """Kill every process in the namespace; with its holder the namespace itself ends."""
        for pid in self.pids():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        _release(self._holder)

    def _enter(self, mounts: bool) -> list[str]:
        flags = [*self.network.user_flags, "--net", *(["--mount"] if mounts else [])]
        return ["nsenter", f"--target={self.pid}", *flags, "--"]


class Network:
    """The namespaces `client`, `gateway` and perhaps `nat`, joined as drawn above, and a work folder.

    `root` is the unpacked root that tools come from. The work folder `work` is seen by programs of the root as /mnt.
    Raises Missing.
    """

    def __init__(self, root: Path, nat: bool = False) -> None:
        check_machine()
        self.root = root
        self.work = Path(tempfile.mkdtemp(prefix="ipsec-uplink-"))
        self.user_flags = [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
        self.spaces: list[Space] = []
        self._base = None
        try:
            self._base = self._hold_mounts()
            enter = ["nsenter", f"--target={self._base.pid}", *self.user_flags, "--mount", "--"]
            self.client = self._add(enter)
            self.gateway = self._add(enter)
            self.nat = self._add(enter) if nat else None
            self._join()
        except BaseException:
            self.close()
            raise

    @property
    def client_address(self) -> str:
        """The client's own address on its uplink."""
        return CLIENT_BEHIND_NAT if self.nat else CLIENT

    def close(self) -> None:
        """End all namespaces with all that runs in them and remove the work folder. May be called twice."""
        for space in self.spaces:
            space.close()
        self.spaces.clear()
        if self._base:
            self._base.kill()  # instead of its own cleaning up
            _release(self._base)
            self._base = None
        shutil.rmtree(self.work, ignore_errors=True)

    def __enter__(self) -> "Network":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def rebind_nat(self, ports: str = "30000-30999") -> None:
        """Make the router forget its mappings and use other ports, as one does that was restarted."""
        assert self.nat, "this network has no router"
        self.nat.run(["nft", "-f", "-"], in_root=True, input=_masquerade(ports))
        self.nat.run(["conntrack", "--flush"], in_root=True)

    def _add(self, enter: list[str]) -> Space:
        self.spaces.append(Space(self, enter))
        (self.work / ".spaces").write_text("".join(space.inode + "\n" for space in self.spaces))
        return self.spaces[-1]

    def _hold_mounts(self) -> subprocess.Popen:
        user = ["--user", "--map-root-user"] if self.user_flags else []
        script = _MOUNT + _CLEAN_UP
        return _hold(["unshare", *user, "--mount", "sh", "-c", script, "mounts", str(self.root), str(self.work)])

    def _join(self) -> None:
        gateway, client, nat = self.gateway, self.client, self.nat
        far = f"peer name up0 netns {nat.pid}" if nat else f"peer name eth0 netns {client.pid}"
        gateway.ip(
            "link set lo up",
            f"link add eth0 type veth {far}",
            f"addr add {GATEWAY}/24 dev eth0",
            "addr add fd00:9::1/64 dev eth0 nodad",
            f"addr add {INSIDE}/24 dev lo",
            f"addr add {INSIDE6}/64 dev lo",
            "link set eth0 addrgenmode none up",
        )
        if nat:
            self._set_up_nat(nat, client)
        client.ip(
            "link set lo up",
            f"addr add {self.client_address}/24 dev eth0",
            "addr add fd00:9::2/64 dev eth0 nodad",
            "link set eth0 addrgenmode none up",
            *(["route add default via 192.168.77.1"] if nat else []),
        )

    def _set_up_nat(self, nat: Space, client: Space) -> None:
        nat.ip(
            "link set lo up",
            f"link add lan0 type veth peer name eth0 netns {client.pid}",
            "addr add 192.168.77.1/24 dev lan0",
            f"addr add {NAT}/24 dev up0",
            "link set lan0 addrgenmode none up",
            "link set up0 addrgenmode none up",
        )
        nat.run(["sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward"])
        nat.run(["nft", "-f", "-"], in_root=True, input=_masquerade("20000-20999"))


def check_machine() -> None:
    """Raises Missing with the remedy when this machine does not let us make namespaces or TUN devices."""
    for tool in ("unshare", "nsenter", "mount"):
        if not shutil.which(tool):
            raise Missing(f"{tool} is missing; install it with: apt-get install util-linux mount")
    rootless = os.geteuid() != 0
    user = ["--user", "--map-root-user"] if rootless else []
    if subprocess.run(["unshare", *user, "--mount", "--net", "true"], capture_output=True, check=False).returncode:
        raise Missing(_UNSHARE_REMEDY)
    if rootless and not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        raise Missing("/dev/net/tun cannot be opened; as root: modprobe tun; chmod 666 /dev/net/tun")


def processes_in(inode: str) -> list[int]:
    """The processes that live in a network namespace, which is named as /proc/PID/ns/net names it."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and _net_inode(int(name)) == inode]


def stop(process: subprocess.Popen, grace: float = 3) -> int:
    """End a process: SIGTERM, after `grace` seconds SIGKILL to all of its session; returns its exit status."""
    if process.poll() is None and grace:
        process.terminate()
        try:
            process.wait(grace)
        except subprocess.TimeoutExpired:
            pass
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    return process.wait()


def _masquerade(ports: str) -> str:
    return f"""
table ip nat
delete table ip nat
table ip nat {{
  chain post {{
    type nat hook postrouting priority srcnat; policy accept;
    oifname "up0" meta l4proto udp snat to {NAT}:{ports} random
    oifname "up0" masquerade
  }}
}}
"""


def _hold(command: Sequence[str]) -> subprocess.Popen:
    """Start a holder and wait until it has its namespaces."""
    pipe = subprocess.PIPE
    holder = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, start_new_session=True)
    assert holder.stdout and holder.stderr
    if holder.stdout.readline() != "ready\n":
        error = holder.stderr.read().strip()
        _release(holder)
        raise Missing(f"{error}; {_UNSHARE_REMEDY}")
    return holder


def _release(holder: subprocess.Popen) -> None:
    for stream in (holder.stdin, holder.stdout, holder.stderr):
        if stream:
            stream.close()
    holder.wait(5)


def _net_inode(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/ns/net")
    except OSError:  # ended meanwhile, or another user's
        return ""
