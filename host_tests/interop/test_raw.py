"""Any IP protocol through the tunnel: SCTP between a device and a peer behind strongSwan that scapy makes."""

import json
import sys
from pathlib import Path

import pytest

from host_tests.interop.gateway import wait_for_line
from host_tests.interop.spaces import INSIDE, INSIDE6, stop

pytestmark = pytest.mark.interop


@pytest.mark.parametrize("which", ["micropython", "cpython"])
@pytest.mark.parametrize("host", [INSIDE, INSIDE6], ids=["ipv4", "ipv6"])
def test_sctp_init(gw, tmp_path, which, host):
    said = tmp_path / "sctp.txt"
    with said.open("w") as output:
        agent = Path(__file__).with_name("agent_sctp.py")
        peer = gw.gateway.start([sys.executable, "-I", agent, host], stdout=output)
    try:
        wait_for_line(peer, said, "ready", 20)
        config = gw.write_config(virtual_ip=["ipv4", "ipv6"], remote_ts=["10.10.0.0/24", "fd00:10::/64"])
        device = "micropython" if which == "micropython" else sys.executable
        done = gw.run_device([device, "host_tests/system/sctp_device.py", config, host])
        assert done.status == 0, "\n".join(done.lines)
        assert json.loads(done.lines[-1]) == [2, True, 0x1234, "a cookie"], "an INIT ACK"
        assert said.read_text().splitlines()[1].split()[1] == "True", "and scapy found the checksum right"
    finally:
        stop(peer)
    inner, _ = gw.decrypt()
    assert len([packet for packet in inner if packet.haslayer("SCTP")]) == 2
