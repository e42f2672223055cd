"""What answers behind the gateway: echo, UDP echo, a collector of readings, a small DNS server.

Every address inside the protected networks answers. Start reading at `Services.handle`.
"""

import ipaddress
import json
import struct

from scapy.layers.dns import DNS, DNSRR

from .inner import UDP, InnerError, IpPacket, UdpDatagram, echo_reply, icmp_ok

ECHO_PORT, DNS_PORT, READINGS_PORT = 7, 53, 5000
_HEADER_LEN = 12  # scapy makes a query of nothing
_QTYPE_A, _QTYPE_AAAA, _CLASS_IN = 1, 28, 1


class Services:
    """`names` maps host names to address texts; `readings` holds what the collector got, in order of arrival."""

    def __init__(self, names: dict[str, list[str]], report):
        self.names = {name.lower().rstrip("."): addresses for name, addresses in names.items()}
        self.readings: list = []
        self._report = report
        self._ports = {ECHO_PORT: self._echo, DNS_PORT: self._dns, READINGS_PORT: self._reading}

    def handle(self, packet: bytes) -> list[bytes]:
        """The inner packets that answer an inner packet. Raises InnerError for what cannot be answered."""
        ip = IpPacket.parse(packet)
        if icmp_ok(ip):
            answer = echo_reply(ip)
            if answer is None:
                ident, seq = struct.unpack_from(">HH", ip.payload, 4)
                self._report("icmp", {"from": _text(ip.src), "type": ip.payload[0], "ident": ident, "seq": seq})
            return [answer] if answer else []
        if ip.protocol != UDP:
            raise InnerError("protocol")
        datagram = UdpDatagram.parse(ip)
        service = self._ports.get(datagram.dport)
        if service is None:
            self._report("udp", {"from": _text(ip.src), "port": datagram.dport, "octets": len(datagram.data)})
            return []
        answer = service(datagram.data, ip)
        if answer is None:
            return []
        return [UdpDatagram(datagram.dport, datagram.sport, answer).packet(ip.dst, ip.src)]

    def _echo(self, data: bytes, ip: IpPacket) -> bytes:
        return data

    def _reading(self, data: bytes, ip: IpPacket) -> bytes:
        """One reading a datagram: a JSON object with `n`, or a line whose word `n=NUMBER` or first number counts."""
        try:
            number, reading = _parse_reading(data)
        except (ValueError, TypeError):
            return b"error"
        self.readings.append(reading)
        self._report("reading", {"n": number, "from": _text(ip.src), "reading": reading})
        return b"ack %d" % number

    def _dns(self, query: bytes, ip: IpPacket) -> bytes | None:
        """One question of class IN (RFC 1035); NXDOMAIN for unknown names, an empty answer for other types."""
        try:
            asked = DNS(query)
            [question] = asked.qd
            name = question.qname.decode("ascii").lower().rstrip(".")
        except Exception:  # scapy raises whatever it stumbles over
            return None
        if len(query) < _HEADER_LEN or asked.qr or question.qclass != _CLASS_IN:
            return None
        version = {_QTYPE_A: 4, _QTYPE_AAAA: 6}.get(question.qtype)
        addresses = [a for a in self.names.get(name, []) if ipaddress.ip_address(a).version == version]
        records = [DNSRR(rrname=question.qname, type=question.qtype, ttl=60, rdata=a) for a in addresses]
        rcode = 0 if name in self.names else 3
        answer = DNS(id=asked.id, qr=1, aa=1, rd=1, ra=1, rcode=rcode, qd=[question], an=records)
        self._report("dns", {"name": name, "answers": len(records)})
        return bytes(answer.compress())


def _parse_reading(data: bytes) -> tuple[int, object]:
    text = data.decode("utf-8")
    if text.lstrip().startswith("{"):
        reading = json.loads(text)
        return int(reading["n"]) if "n" in reading else _no_number(), reading
    for word in text.replace("n=", " ").replace(",", " ").split():
        if word.isdigit():
            return int(word), text.strip()
    return _no_number(), text


def _no_number() -> int:
    raise ValueError("reading without sequence number")


def _text(address: bytes) -> str:
    return str(ipaddress.ip_address(address))
