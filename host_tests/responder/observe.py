"""What a test sees of a gateway: events, a pcap file, Wireshark key files. Start reading at `Journal`."""

import ipaddress
import os
import threading
import time

from scapy.data import DLT_RAW_ALT
from scapy.utils import RawPcapWriter

from .inner import UdpDatagram
from .suites import CBC, CCM_8, CCM_16, GCM_16


class Journal:
    """Events as dictionaries, oldest first: `t` in seconds since the gateway began, `event`, and what belongs to it.

    With `keep` false they only go to `sink`.
    """

    def __init__(self, sink=None, clock=time.monotonic, keep=True):
        self.events: list[dict] = []
        self.changed = threading.Condition()
        self._began, self._sink, self._clock, self._keep = clock(), sink, clock, keep

    def add(self, event: str, **details) -> dict:
        entry = {"t": round(self._clock() - self._began, 6), "event": event, **details}
        with self.changed:
            if self._keep:
                self.events.append(entry)
            self.changed.notify_all()
            if self._sink:
                self._sink(entry)  # under the lock: two threads must not mix their lines
        return entry

    def wait(self, predicate, timeout_s: float):
        """What `predicate()` returns as soon as it is true; asked again at each event. Raises TimeoutError."""
        deadline = time.monotonic() + timeout_s
        with self.changed:
            while not (result := predicate()):
                left = deadline - time.monotonic()
                if left <= 0 or not self.changed.wait(min(left, 0.05)) and time.monotonic() >= deadline:
                    raise TimeoutError("last events: %r" % self.events[-5:])
        return result


class Pcap:
    """A capture file of raw IP packets (link type 101), the UDP and IP headers made up around each datagram."""

    def __init__(self, path: str):
        self._file = RawPcapWriter(path, linktype=DLT_RAW_ALT, sync=True)

    def write(self, src: tuple[str, int], dst: tuple[str, int], data: bytes) -> None:
        datagram = UdpDatagram(src[1], dst[1], data)
        packet = datagram.packet(ipaddress.ip_address(src[0]).packed, ipaddress.ip_address(dst[0]).packed)
        self._file.write(packet)

    def close(self) -> None:
        self._file.close()


_IKE_ENCR = {
    CBC: "AES-CBC-%d [RFC3602]",
    GCM_16: "AES-GCM-%d with 16 octet ICV [RFC5282]",
    CCM_8: "AES-CCM-%d with 8 octet ICV [RFC5282]",
    CCM_16: "AES-CCM-%d with 16 octet ICV [RFC5282]",
}
_ESP_ENCR = {CBC: "AES-CBC [RFC3602]", GCM_16: "AES-GCM with 16 octet ICV [RFC4106]"}
_IKE_INTEG = {0: "NONE [RFC4306]", 12: "HMAC_SHA2_256_128 [RFC4868]"}
_IKE_INTEG |= {13: "HMAC_SHA2_384_192 [RFC4868]", 14: "HMAC_SHA2_512_256 [RFC4868]"}
_ESP_INTEG = {0: "NULL", 12: "HMAC-SHA-256-128 [RFC4868]", 13: "HMAC-SHA-384-192 [RFC4868]"}
_ESP_INTEG[14] = "HMAC-SHA-512-256 [RFC4868]"


class KeyLog:
    """Wireshark's `ikev2_decryption_table` and `esp_sa` in a folder. They hold every key: only when asked for.

    What Wireshark 4.4 has no name for is left out, since one unknown name makes it refuse the whole table: ChaCha20-Poly1305,
    CCM of ESP, implicit IV.
    """

    def __init__(self, folder: str):
        self._folder = folder
        os.makedirs(folder, exist_ok=True)

    def ike_sa(self, sa) -> None:
        name, k = _IKE_ENCR.get(sa.suite.encr), sa.keys
        if name is None:
            return
        fields = [octets.hex() for octets in (sa.spi_i, sa.spi_r, k.sk_ei, k.sk_er)]
        fields += ['"%s"' % (name % sa.suite.key_bits), k.sk_ai.hex(), k.sk_ar.hex(), '"%s"' % _IKE_INTEG[sa.suite.integ]]
        self._append("ikev2_decryption_table", ",".join(fields))

    def esp_sa(self, suite, src: str, dst: str, spi: bytes, encr_key: bytes, integ_key: bytes) -> None:
        name = _ESP_ENCR.get(suite.encr)
        if name is None:
            return
        integ_hex = "0x" + integ_key.hex() if integ_key else ""
        family = "IPv4" if ipaddress.ip_address(src).version == 4 else "IPv6"
        fields = (family, src, dst, "0x" + spi.hex(), name, "0x" + encr_key.hex(), _ESP_INTEG[suite.integ], integ_hex)
        self._append("esp_sa", ",".join('"%s"' % field for field in fields))

    def _append(self, name: str, line: str) -> None:
        path = os.path.join(self._folder, name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a") as file:
            file.write(line + "\n")
