"""Captures packets in a namespace to a pcap file, and reads them back with scapy, an independent ESP implementation.

Nothing but Python is needed to capture. Start reading at `Capture` and `decrypt`.
"""

import copy
import os
import shutil
import subprocess
import sys
from pathlib import Path

from host_tests.interop import spaces
from host_tests.interop.keys import EspKeys
from host_tests.interop.spaces import Space

_AGENT = Path(__file__).with_name("agent_capture.py")
_SCAPY_ENCR = {
    "NULL": "NULL",
    "AES_CBC": "AES-CBC",
    "AES_CTR": "AES-CTR",
    "CHACHA20_POLY1305": "CHACHA20-POLY1305",
    **{f"AES_GCM_{n}": "AES-GCM" for n in (8, 12, 16)},
    **{f"AES_CCM_{n}": "AES-CCM" for n in (8, 12, 16)},
}
_SCAPY_INTEG = {
    "": "NULL",
    "HMAC_SHA1_96": "HMAC-SHA1-96",
    "HMAC_SHA2_256_128": "SHA2-256-128",
    "HMAC_SHA2_384_192": "SHA2-384-192",
    "HMAC_SHA2_512_256": "SHA2-512-256",
    "AES_CMAC_96": "AES-CMAC-96",
}


class Capture:
    """Packets of `interface` in `space`, both directions, from now until `close`, in the pcap file `path`."""

    def __init__(self, space: Space, path: Path, interface: str = "eth0") -> None:
        self.path = path
        argv: list[str | Path] = [sys.executable, "-I", _AGENT, interface, path]
        self._process = space.start(argv, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        if self._process.stdout.readline() != "ready\n":
            raise RuntimeError(f"cannot capture on {interface}")

    def close(self) -> Path:
        """Stop and return the file. May be called twice."""
        spaces.stop(self._process)
        if self._process.stdout:
            self._process.stdout.close()
        return self.path


def packets(pcap: Path):
    """scapy's packets of a file."""
    return _scapy().rdpcap(str(pcap))


def udp_payloads(pcap: Path, *ports: int) -> list[tuple[str, str, bytes]]:
    """(source, destination, payload) of UDP datagrams from or to one of `ports`; addresses as "10.9.1.2:4500"."""
    scapy = _scapy()
    found = []
    for packet in packets(pcap):
        udp = packet.getlayer(scapy.UDP)
        if udp and (udp.sport in ports or udp.dport in ports):
            ip = udp.underlayer
            found.append((f"{ip.src}:{udp.sport}", f"{ip.dst}:{udp.dport}", bytes(udp.payload)))
    return found


def esp_payloads(pcap: Path, port: int = 4500) -> list[tuple[str, str, bytes]]:
    """As `udp_payloads`, the ESP packets alone (RFC 3948: not a non-ESP marker, not a NAT keepalive)."""
    return [entry for entry in udp_payloads(pcap, port) if len(entry[2]) > 8 and any(entry[2][:4])]


def ike_messages(pcap: Path) -> list[tuple[str, str, bytes]]:
    """As `udp_payloads`, the IKE messages of ports 500 and 4500 alone, without the non-ESP marker."""
    messages = []
    for src, dst, data in udp_payloads(pcap, 500, 4500):
        if "4500" in (src.rpartition(":")[2], dst.rpartition(":")[2]):
            if any(data[:4]) or len(data) < 32:
                continue
            data = data[4:]
        messages.append((src, dst, data))
    return messages


def ike_spis(pcap: Path) -> list[tuple[str, str]]:
    """The different (initiator SPI, responder SPI) pairs of IKE messages, as hex, in order of appearance."""
    pairs = [(data[:8].hex(), data[8:16].hex()) for _, _, data in ike_messages(pcap)]
    return list(dict.fromkeys(pairs))


def decrypt(pcap: Path, keys: list[EspKeys], port: int = 4500) -> tuple[list, list[bytes]]:
    """Open the ESP packets of a file: (inner packets as scapy's, with `.spi` set, ESP packets that did not open)."""
    scapy = _scapy()
    associations = {bytes.fromhex(key.spi): _association(key) for key in keys}
    opened, closed = [], []
    for _, _, data in esp_payloads(pcap, port):
        association = associations.get(data[:4])
        if association is None:
            closed.append(data)
            continue
        outer = scapy.IP(src="192.0.2.1", dst="192.0.2.2", proto=50) / scapy.Raw(data)
        try:
            inner = association.decrypt(scapy.IP(bytes(outer)))
        except _opening_errors():
            closed.append(data)
            continue
        opened.append(inner.payload)  # tunnel mode: what the outer header carries is an IP packet
        opened[-1].spi = data[:4].hex()
    return opened, closed


def find_tshark() -> str:
    """The path of tshark, or "" where Wireshark is not installed; nothing here needs it."""
    return shutil.which("tshark") or ""


def tshark(program: str, pcap: Path, folder: Path, *arguments: str) -> str:
    """What tshark prints of a file with the keys that `keys.write_wireshark` wrote into `folder`."""
    decode = ["-o", "esp.enable_encryption_decode:TRUE", "-o", "esp.enable_authentication_check:TRUE"]
    environment = {**os.environ, "XDG_CONFIG_HOME": str(folder)}
    argv = [program, "-r", str(pcap), *decode, *arguments]
    return subprocess.run(argv, env=environment, capture_output=True, text=True, check=True).stdout


def _association(key: EspKeys):
    from scapy.layers.ipsec import ESP, SecurityAssociation

    association = SecurityAssociation(
        ESP,
        spi=int(key.spi, 16),
        crypt_algo=_SCAPY_ENCR[key.encr],
        crypt_key=key.encr_key,
        auth_algo=_SCAPY_INTEG[key.integ],
        auth_key=key.integ_key or None,
    )
    if key.encr.startswith(("AES_GCM", "AES_CCM")):  # scapy's have an ICV of 16 octets
        association.crypt_algo = copy.copy(association.crypt_algo)
        association.crypt_algo.icv_size = int(key.encr.rpartition("_")[2])
    return association


def _opening_errors() -> tuple[type[Exception], ...]:
    from cryptography.exceptions import InvalidTag
    from scapy.layers.ipsec import IPSecIntegrityError

    return IPSecIntegrityError, InvalidTag


def _scapy():
    import logging

    logging.getLogger("scapy.runtime").setLevel(logging.ERROR)  # no word about this machine's routes
    from scapy import all as scapy

    return scapy
