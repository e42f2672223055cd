"""The responder's primitives against published vectors and other implementations."""

import re
import socket
import struct

import pytest
from cryptography_vectors import open_vector_file
from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.ipsec import ESP, SecurityAssociation

from .crypto import Cipher, Dh, ExchangeError, key_lens
from .esp import EspDrop, EspIn, EspOut
from .iana import Note, Type
from .inner import IpPacket, UdpDatagram, echo_request
from .keys import prf_plus, rekeyed_skeyseed, skeyseed
from .payloads import notify_payload, parse_notify, parse_sa
from .replay import ReplayWindow
from .seal import open_message, seal_message
from .selectors import Identity, Selector, narrow, parse_ts
from .suites import Suite, choose_esp, choose_ike, offer_of
from .wire import Header, WireError, parse_message

KEY = bytes(range(0x80, 0xA0)) + bytes.fromhex("a0a1a2a3")
IV = bytes(range(0x10, 0x18))


def test_rfc7634_appendix_a():
    source = bytes.fromhex(
        "45000054a6f200004001e778c6336405c000020508005b7a3a080000553bec100007362708090a0b0c0d0e0f10111213"
        "1415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f3031323334353637"
    )
    sealed = bytes.fromhex(
        "24039428b97f417e3c13753a4f05087b67c352e6a7fab1b982d466ef407ae5c614ee8099d52844eb61aa95dfab4c02f7"
        "2aa71e7c4c4f64c9befe2facc638e8f3cbec163fac469b502773f6fb94e664da9165b82829f641e076aaa8266b7fb0f7"
        "b11b369907e1ad43"
    )
    header = bytes.fromhex("0102030400000005")
    cipher = Cipher(Suite.of("chacha20poly1305"), KEY, b"")
    assert cipher.seal(header, source + bytes((1, 2, 2, 4)), IV) == IV + sealed
    assert EspIn(header[:4], cipher, esn=False).decap(header + IV + sealed) == source


def test_rfc7634_appendix_b():
    message = bytes.fromhex(
        "c0c1c2c3c4c5c6c7d0d1d2d3d4d5d6d72e202500000000090000004529000029"
        "1011121314151617610394701f8d017f7c129248896b71bfe25236efd7cdc67066906315b2"
    )
    cipher = Cipher(Suite.of("chacha20poly1305-prfsha256-x25519"), KEY, b"")
    (payload,) = open_message(message, cipher)
    assert parse_notify(payload.body).type == Note.SET_WINDOW_SIZE and payload.body[4:] == bytes((0, 0, 0, 10))
    header = Header(message[:8], message[8:16], 37, 0, 9)
    assert seal_message(header, [notify_payload(Note.SET_WINDOW_SIZE, bytes((0, 0, 0, 10)))], cipher, IV) == message


def test_rfc5903_ecp256():
    private_i = bytes.fromhex("C88F01F510D9AC3F70A292DAA2316DE544E9AAB8AFE84049C62A9C57862D1433")
    private_r = bytes.fromhex("C6EF9C5D78AE012A011164ACB397CE2088685D8F06BF9BE0B283AB46476BEE53")
    public_i = bytes.fromhex(
        "DAD0B65394221CF9B051E1FECA5787D098DFE637FC90B9EF945D0C3772581180"
        "5271A0461CDB8252D61F1C456FA3E59AB1F45B33ACCF5F58389E0577B8990BB3"
    )
    shared = bytes.fromhex("D6840F6B42F6EDAFD13116E0E12565202FEF8E9ECE7DCE03812464D04B9442DE")
    one, other = Dh(19, private_i), Dh(19, private_r)
    assert one.public == public_i
    assert one.shared(other.public) == other.shared(one.public) == shared


def test_rfc7748_x25519():
    with open_vector_file("asymmetric/X25519/rfc7748.txt", "r") as file:
        values = re.findall(r"^(?:INPUT_SCALAR|INPUT_U|OUTPUT_U) = ([0-9a-f]{64})$", file.read(), re.M)
    assert len(values) >= 6 and len(values) % 3 == 0
    for scalar, u, shared in zip(values[::3], values[1::3], values[2::3], strict=True):
        assert Dh(31, bytes.fromhex(scalar)).shared(bytes.fromhex(u)) == bytes.fromhex(shared)


def test_nist_sp800_135_ikev2():
    """The first vector of NIST's file for HMAC-SHA-1: SKEYSEED, DKM, DKM(Child SA [D-H]), SKEYSEED(Rekey)."""
    nonces = bytes.fromhex("3651fef5c9c35e93c09a8b90a3f04d59")
    spis = bytes.fromhex("8e5c3ae507221684b1f201bb155c3acd")
    g_ir = bytes.fromhex(
        "d084a30166a50fb7325c3960874a839449ef9741c2f4f947d0201dd8c1269273d79509f37e3ca3eb4fa2fe2a28254e28"
        "9cd3f34dad4eb4df1a07685a4b8a94fa61e2491f7598b3ce65547ff133b3f63d1ac4175eaa695033f3cedb026a6873a3"
        "6455172a8540b8a5d23a0143bed0390ee49b168269d75fffee9fb62be965993c"
    )
    g_ir_new = bytes.fromhex(
        "52f00ab174c25d5b7139ae5ff4e8e9eddee5992d2e36adf8a559ffd90dab1442e4fbe429d320c0f33552a17d1557fa41"
        "ea70e8fb916c4fa27ed52b5f8ebd8461afa78f1159159a64055ac5f6319e29c28eae58cbc6847770f32c3fed1d047504"
        "84f854790f95e9ec01bc5bc461f24966462e359511329305038e94deb6dd42c2"
    )
    dkm = bytes.fromhex(
        "6f1b12cad3cbe097b35430356d869d54cddb0198ec859174d53ceb92dddedbe2436db69f60977c58fa63bbb667f8d369"
        "20b109baae8f6c61a9ac49feda01843225d080ec5539d5881a25521ffb2a0a91874a9c0a27fcc2d717eb8963a9e3a89c"
        "7ab264757284c28cf8c3ca40576f4220b052b1fb8e9ad60ba3c80557323331a8cbb89f20"
    )
    child = "4727dc0ef94eb326ce131cf282fb652faa638ad0ddae3786a11bcc0309876009f8c485de011ad962"
    child_dh = "b109c21ad4c0797768c1cec9e63554681e48f224bca7f23c20c4ea7041983451e9aa1d5408656c8a"
    seed, sk_d = skeyseed(2, nonces, g_ir), dkm[:20]
    assert seed.hex() == "cd2e8050137832245f1dbacc6e4f0a92f94d45d6"
    assert prf_plus(2, seed, nonces + spis, len(dkm)) == dkm
    assert prf_plus(2, sk_d, nonces, 40).hex() == child
    assert prf_plus(2, sk_d, g_ir_new + nonces, 40).hex() == child_dh
    assert rekeyed_skeyseed(2, sk_d, g_ir_new, nonces).hex() == "3b03bce748c96d5e8306918d2ff89b68f0648da3"


@pytest.mark.parametrize("group, value", [(31, bytes(32)), (19, bytes(64)), (14, bytes(256)), (19, b"\x01" * 65)])
def test_bad_public_values(group, value):
    with pytest.raises(ExchangeError):
        Dh(group).shared(value)


SCAPY = [("aes128gcm16", "AES-GCM", None), ("aes256ccm16", "AES-CCM", None), ("aes128-sha256", "AES-CBC", "SHA2-256-128")]
SCAPY += [("aes256-sha384", "AES-CBC", "SHA2-384-192"), ("aes256-sha512", "AES-CBC", "SHA2-512-256")]
SCAPY += [("chacha20poly1305", "CHACHA20-POLY1305", None)]


@pytest.mark.parametrize("name, crypt, auth", SCAPY)
@pytest.mark.parametrize("esn", [False, True])
def test_esp_against_scapy(name, crypt, auth, esn):
    suite = Suite.of(name + ("-esn" if esn else ""))
    encr_len, integ_len = key_lens(suite)
    key, integ = bytes(range(encr_len)), bytes(range(integ_len))
    other = SecurityAssociation(
        ESP,
        spi=0x11223344,
        crypt_algo=crypt,
        crypt_key=key,
        auth_algo=auth,
        auth_key=integ or None,
        tunnel_header=IP(src="192.0.2.1", dst="192.0.2.2"),
        esn_en=esn,
        esn=0,
    )
    inner = IP(src="10.0.0.1", dst="10.0.0.2") / UDP(sport=1, dport=2) / b"payload"
    spi = struct.pack(">I", 0x11223344)
    cipher = Cipher(suite, key, integ)
    ours = EspOut(spi, cipher, esn, lambda purpose, size: bytes(range(size))).encap(bytes(inner))
    carrier = IP(src="192.0.2.1", dst="192.0.2.2", proto=50)
    assert bytes(other.decrypt(IP(bytes(carrier / ours)))) == bytes(inner)
    theirs = other.encrypt(IP(bytes(inner)))
    assert EspIn(spi, cipher, esn).decap(bytes(theirs[ESP])) == bytes(inner)


def test_inner_packets_against_scapy():
    src, dst = socket.inet_aton("10.0.0.1"), socket.inet_aton("10.0.0.2")
    ours = UdpDatagram(4000, 5000, b"abc").packet(src, dst)
    theirs = IP(src="10.0.0.1", dst="10.0.0.2", id=0, flags="DF") / UDP(sport=4000, dport=5000) / b"abc"
    assert ours == bytes(theirs)
    ping = echo_request(src, dst, 1, 2, b"x")
    assert ping == bytes(IP(src="10.0.0.1", dst="10.0.0.2", id=0, flags="DF") / ICMP(id=1, seq=2) / b"x")
    assert UdpDatagram.parse(IpPacket.parse(ours)) == UdpDatagram(4000, 5000, b"abc")


def test_messages_against_scapy():
    from scapy.contrib.ikev2 import IKEv2

    from . import Responder
    from .scripted_initiator import Initiator

    with Responder(psk="secret") as gw, Initiator(gw) as client:
        client.init()
        for octets in (client.init_request, client.init_response):
            message = IKEv2(octets)
            assert message.exch_type == 34 and message.length == len(octets) and bytes(message) == octets
        assert message.resp_SPI == client.spi_r
        layers = [layer.__name__ for layer in message.layers()]
        assert layers[1:4] == ["IKEv2_SA", "IKEv2_KE", "IKEv2_Nonce"]
        ke = message["IKEv2_KE"]
        assert (ke.group, ke.ke) == (31, parse_ke_of(octets))


def parse_ke_of(octets: bytes) -> bytes:
    return next(p.body[4:] for p in parse_message(octets)[1] if p.type == Type.KE)


class TestEspDrops:
    """What an inbound SA refuses, and under which name it counts it."""

    def pair(self, name="aes128ccm16"):
        suite = Suite.of(name)
        keys = [bytes(range(length)) for length in key_lens(suite)]
        out = EspOut(b"spi!", Cipher(suite, *keys), bool(suite.esn), lambda purpose, size: bytes(size))
        return out, EspIn(b"spi!", Cipher(suite, *keys), bool(suite.esn)), Cipher(suite, *keys)

    def drop(self, inbound: EspIn, packet: bytes) -> str:
        with pytest.raises(EspDrop) as caught:
            inbound.decap(packet)
        return str(caught.value)

    def test_replay_and_integrity(self):
        out, inbound, _ = self.pair()
        inner = echo_request(bytes(4), bytes(4), 1, 1, b"")
        first = out.encap(inner)
        assert inbound.decap(first) == inner
        assert self.drop(inbound, first) == "replay"
        second = out.encap(inner)
        assert self.drop(inbound, second[:-1] + bytes((second[-1] ^ 1,))) == "integrity"
        assert inbound.decap(second) == inner  # a forged copy does not use up the number
        for _ in range(65):
            last = out.encap(inner)
        inbound.decap(last)
        third = out.encap(inner)
        out.seq = 2
        assert self.drop(inbound, out.encap(inner)) == "replay"
        assert inbound.decap(third) == inner

    @pytest.mark.parametrize(
        "plaintext, reason",
        [
            (b"\x01\x03\x02\x04", "padding"),
            (b"\xff\x04", "padding"),
            (b"\x01\x02\x02\x04", "next_header"),
            (b"\x45" + bytes(19) + b"\x01\x02\x02\x29", "next_header"),
            (b"\x45\x00\x00\x15" + bytes(16) + b"\x01\x02\x02\x04", "inner_length"),
        ],
    )
    def test_malformed_inside(self, plaintext, reason):
        _, inbound, cipher = self.pair()
        header = b"spi!" + bytes((0, 0, 0, 1))
        assert self.drop(inbound, header + cipher.seal(header, plaintext, bytes(8))) == reason

    def test_traffic_padding_and_dummy(self):
        out, inbound, _ = self.pair("aes128gcm16iiv-esn")
        inner = echo_request(bytes(16), bytes(16), 1, 1, b"abc")
        assert inbound.decap(out.encap(inner, tfc=100, pad=40)) == inner
        assert inbound.decap(out.encap(bytes(20), next_header=59)) == b""

    def test_extended_numbers_wrap(self):
        out, inbound, _ = self.pair("aes128gcm16-esn")
        inner = echo_request(bytes(4), bytes(4), 1, 1, b"")
        out.seq = 0xFFFFFFFD
        packets = [out.encap(inner) for _ in range(6)]
        inbound.window.highest = 0xFFFFFFFC
        for packet in [packets[1], packets[4], packets[0], packets[5], packets[2], packets[3]]:
            assert inbound.decap(packet) == inner
        assert inbound.window.highest == 0x100000003


def test_replay_window_against_a_set():
    window, seen, highest = ReplayWindow(64), set(), 0
    state = 12345
    for _ in range(3000):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        seq = max(1, highest + (state >> 8) % 150 - 100)
        expected = seq not in seen and seq > highest - 64
        assert window.fresh(seq) == expected
        if expected:
            window.mark(seq)
            seen.add(seq)
            highest = max(highest, seq)


def test_identities():
    cases = [("gw.example", 2), ("a@b.example", 3), ("192.0.2.1", 1), ("2001:db8::1", 5), ("keyid:0102", 11), ("dn:3000", 9)]
    for text, kind in cases:
        identity = Identity.of(text)
        assert (identity.type, str(identity)) == (kind, text) and Identity.parse(identity.body) == identity


def test_narrowing():
    offered = [Selector.of("0.0.0.0/0"), Selector.of("::/0"), Selector(bytes(4), b"\xff" * 4, 17, 5000, 5010)]
    allowed = [Selector.of("10.0.0.0/8"), Selector(bytes(4), b"\xff" * 4, 6, 80, 80)]
    texts = [str(s) for s in narrow(offered, allowed)]
    assert texts == ["10.0.0.0-10.255.255.255", "0.0.0.0-255.255.255.255[6/80-80]", "10.0.0.0-10.255.255.255[17/5000-5010]"]
    with pytest.raises(WireError):
        parse_ts(bytes((1, 0, 0, 0)))


def test_proposals():
    suite = Suite.of("aes128gcm16-prfsha256-x25519")
    offer = [offer_of(Suite.of("aes256gcm16-prfsha256-x25519"), 1, b""), offer_of(suite, 1, b"")]
    assert choose_ike(offer, [suite], 0, 31) == (offer[1], suite)
    assert choose_ike(offer, [Suite.of("aes128ccm16-prfsha256-x25519")], 0, 31) is None
    assert choose_ike(offer, [suite], 8, 31) is None
    esp = [offer_of(Suite.of("aes128gcm16"), 3, b"spi!")]
    assert choose_esp(esp, [Suite.of("aes128gcm16-esn")], 0) is None
    assert choose_esp(esp, [Suite.of("aes128gcm16")], 0) == (esp[0], Suite.of("aes128gcm16"))
    with pytest.raises(WireError):
        parse_sa(b"\x00\x00\x00\x20\x01\x01\x00\x01")
