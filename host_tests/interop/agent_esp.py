"""Runs inside the gateway's namespace: the data path of a daemon whose kernel has no ESP (RFC 4303, RFC 3948).

    python agent_esp.py LOG ADDRESS

LOG is what xfrm_shim.c writes: the netlink messages by which the daemon installs its SAs. ESP in UDP to ADDRESS is opened by
scapy and goes to the kernel through a TUN, `esp0`; what the kernel sends into that is sealed. Who an inner packet is for is
learned from those that came. Prints "ready", then "open SPI" or "seal SPI" for each SA.
Start reading at `Path`.
"""

import contextlib
import fcntl
import os
import select
import socket
import struct
import sys
from dataclasses import dataclass

from scapy.layers.inet import IP, UDP
from scapy.layers.ipsec import ESP, SecurityAssociation

_NEWSA, _DELSA, _UPDSA = 0x10, 0x11, 0x1A  # linux/xfrm.h
_ALG_CRYPT, _ENCAP, _ALG_AEAD, _ALG_AUTH_TRUNC = 2, 4, 18, 20
_INFO_LEN = 224  # struct xfrm_usersa_info
_HEADER_LEN = 16  # struct nlmsghdr
_CIPHERS = {"aes": "AES-CBC", "rfc4106(gcm(aes))": "AES-GCM", "rfc4309(ccm(aes))": "AES-CCM"}
_MACS = {"hmac(sha256)": "SHA2-256-128", "hmac(sha384)": "SHA2-384-192", "hmac(sha512)": "SHA2-512-256", "": None}
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 1, 0x1000


@dataclass
class Sa:
    """One SA as the daemon asked for it; `pair` is the same for both directions."""

    spi: int
    source: str
    target: str
    pair: int
    association: SecurityAssociation


def parse(message: bytes) -> Sa | None:
    """The SA in an XFRM_MSG_NEWSA or XFRM_MSG_UPDSA; None for one without UDP, such as the daemon tries its kernel with."""
    body = message[_HEADER_LEN:]
    target, spi, source = socket.inet_ntoa(body[56:60]), int.from_bytes(body[72:76], "big"), socket.inet_ntoa(body[80:84])
    pair = struct.unpack_from("=I", body, 208)[0]
    attributes = dict(_attributes(body[_INFO_LEN:]))
    if _ENCAP not in attributes:
        return None
    key, mac, mac_key = b"", "", b""
    if _ALG_AEAD in attributes:
        name, key = _algorithm(attributes[_ALG_AEAD], 72)
    else:
        name, key = _algorithm(attributes[_ALG_CRYPT], 68)
        mac, mac_key = _algorithm(attributes[_ALG_AUTH_TRUNC], 72)
    source_port, target_port = struct.unpack_from("!HH", attributes[_ENCAP], 2)
    return Sa(spi, source, target, pair, SecurityAssociation(
        ESP, spi, crypt_algo=_CIPHERS[name], crypt_key=key, auth_algo=_MACS[mac], auth_key=mac_key or None,
        tunnel_header=IP(src=source, dst=target), nat_t_header=UDP(sport=source_port, dport=target_port),
    ))  # fmt: skip


def _attributes(data: bytes):
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        if length < 4:
            return
        yield kind, data[4:length]
        data = data[-(-length // 4) * 4 :]


def _algorithm(data: bytes, key_at: int) -> tuple[str, bytes]:
    """Name and key of a struct xfrm_algo and its kin."""
    return data[:64].split(b"\0")[0].decode(), data[key_at : key_at + struct.unpack_from("=I", data, 64)[0] // 8]


class Path:
    """SAs by SPI, and which pair of SAs an inner address uses."""

    def __init__(self, log: str, address: str):
        self._log, self._read = log, 0
        self._address = address
        self._opening: dict[int, Sa] = {}
        self._sealing: dict[int, Sa] = {}
        self._pairs: dict[str, int] = {}
        self._tun = _make_tun()
        self._wire = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)  # a copy of each, IP's header too
        self._out = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)

    def run(self) -> None:
        print("ready", flush=True)
        while True:
            for file in select.select([self._tun, self._wire.fileno()], [], [], 0.2)[0]:
                self._learn()
                if file != self._tun:
                    self._receive(IP(self._wire.recv(4096)))
                else:
                    self._send(os.read(self._tun, 4096))

    def _learn(self) -> None:
        """What the daemon has asked for since the last time."""
        if not os.path.exists(self._log):
            return
        with open(self._log, "rb") as f:
            f.seek(self._read)
            data = f.read()
        while len(data) >= _HEADER_LEN and len(data) >= (length := struct.unpack_from("=I", data)[0]):
            self._obey(data[:length])
            self._read += length
            data = data[length:]

    def _obey(self, message: bytes) -> None:
        kind = struct.unpack_from("=H", message, 4)[0]
        if kind in (_NEWSA, _UPDSA):
            sa = parse(message)
            if sa is None:
                return
            known = self._opening if sa.target == self._address else self._sealing
            known[sa.spi] = sa
            print("open" if known is self._opening else "seal", f"{sa.spi:08x}", flush=True)
        elif kind == _DELSA:
            spi = int.from_bytes(message[_HEADER_LEN + 16 : _HEADER_LEN + 20], "big")
            self._opening.pop(spi, None)
            self._sealing.pop(spi, None)

    def _receive(self, packet: IP) -> None:
        data = bytes(packet[UDP].payload)
        sa = self._opening.get(int.from_bytes(data[:4], "big"))
        if sa is None or packet.dst != self._address:
            return
        packet[UDP].payload = ESP(data)
        inner = sa.association.decrypt(packet)
        self._pairs[inner.src] = sa.pair
        os.write(self._tun, bytes(inner))

    def _send(self, data: bytes) -> None:
        if data[0] >> 4 != 4:
            return
        inner = IP(data)
        fitting = [sa for sa in self._sealing.values() if sa.pair == self._pairs.get(inner.dst)]
        if fitting:  # the newest, after a rekeying
            packet = fitting[-1].association.encrypt(inner)
            self._out.sendto(bytes(packet), (packet.dst, 0))


def _make_tun() -> int:
    tun = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tun, _TUNSETIFF, struct.pack("16sH22x", b"esp0", _IFF_TUN | _IFF_NO_PI))
    return tun


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        Path(*sys.argv[1:]).run()
