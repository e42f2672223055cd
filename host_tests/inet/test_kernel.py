"""The inner stack against the kernel's TCP, UDP and ICMP over a TUN device, inside a network namespace made for it."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]


def missing():
    """Why the test cannot run here, or an empty text."""
    if not sys.platform.startswith("linux") or not os.path.exists("/dev/net/tun"):
        return "no TUN device"
    for tool in ("ip", "unshare"):
        if not shutil.which(tool):
            return "no %s program" % tool
    if subprocess.run(("unshare", "--net", "true"), capture_output=True).returncode:
        return "no right to make a network namespace"
    return ""


@pytest.mark.parametrize(
    "args", [(), pytest.param(("--loss", "5", "--octets", "20000"), marks=pytest.mark.slow)], ids=["perfect", "lossy"]
)
def test_kernel_peer(args):
    reason = missing()
    if reason:
        pytest.skip(reason)
    command = ("unshare", "--net", sys.executable, "-m", "host_tests.inet.kernel_peer", *args)
    env = {**os.environ, "PYTHONPATH": "lib"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(": ok in") == (4 if args else 12), done.stdout
