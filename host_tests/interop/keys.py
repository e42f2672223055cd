"""Keys of a tunnel: read from charon's log, written as Wireshark's decryption tables, or given to scapy.

The log must have been written at level 4 of `ike` and `chd`, which prints every key as a hex dump. A key material
dump does not say whose it is, but the thread that logs it is busy with one message: that message tells our role in
the exchange, and the "ESP SA" lines that follow tell the SPIs. Start reading at `read_log`.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_LINE = re.compile(r"^\S+ (\d\d)\[\w+\] (?:<[^>]*> )?(.*)$")
_DUMP = re.compile(r"^(.*) => (\d+) bytes @ ")
_HEX = re.compile(r"^ *\d+: ((?:[0-9A-F]{2} ){1,16})")
_SA = re.compile(r"^ *SPI 0x([0-9a-f]{8}), src (\S+) dst (\S+)")
_PARSED = re.compile(r"^parsed \w+ (request|response) ")
_PROPOSAL = re.compile(r"^selected proposal: (IKE|ESP):(\S+)")
_ENCR = re.compile(r"^(AES_(?:CBC|CTR|[GC]CM_\d+)|CHACHA20_POLY1305|3DES_CBC|NULL)(?:_(\d+))?$")
_INTEG = re.compile(r"^(HMAC_|AES_XCBC|AES_CMAC)")
_NO_SPI = "0" * 16


class EspKeys(NamedTuple):
    """One direction of a CHILD_SA. `spi` is hex; `encr_key` ends with the salt of AEAD and counter modes."""

    spi: str
    src: str
    dst: str
    encr: str
    encr_key: bytes
    integ: str
    integ_key: bytes


class IkeKeys(NamedTuple):
    """An IKE_SA. The SPIs are hex, and empty for an IKE_SA made by a rekey, whose SPIs the log does not tell."""

    spi_i: str
    spi_r: str
    encr: str
    bits: int
    sk_ei: bytes
    sk_er: bytes
    integ: str
    sk_ai: bytes
    sk_ar: bytes


class _Thread:
    """What one of charon's threads has logged about the message that it works on."""

    def __init__(self) -> None:
        self.we_started = False
        self.suites: dict[str, tuple[str, int, str]] = {}
        self.inbound = False


def read_log(log: str) -> tuple[list[IkeKeys], list[EspKeys]]:
    """All keys in a log, in the order in which they came up."""
    ike: list[IkeKeys] = []
    esp: dict[str, EspKeys] = {}
    spis = ("", "")
    dumps: dict[str, bytes] = {}
    threads: dict[str, _Thread] = {}
    suite: tuple[str, int, str] = ("", 0, "")
    for thread_id, text, data in _entries(log):
        thread = threads.setdefault(thread_id, _Thread())
        if data is not None:
            dumps[text] = data
            if text == "natd_chunk" and data[8:16] != bytes(8):
                spis = data[:8].hex(), data[8:16].hex()
            elif text == "Sk_er secret":
                ike.append(_ike_keys(spis, suite, dumps))
                spis = ("", "")
        elif match := _PARSED.match(text):
            thread.we_started = match[1] == "response"
        elif match := _PROPOSAL.match(text):
            thread.suites[match[1]] = _suite(match[2])
            suite = thread.suites.get("IKE", suite)
        elif text.endswith("bound ESP SA"):
            thread.inbound = "inbound" in text
        elif (match := _SA.match(text)) and "ESP" in thread.suites:
            esp.setdefault(match[1], _esp_keys(match, thread, dumps))
    return ike, list(esp.values())


def dumps(log: str) -> Iterator[tuple[str, bytes]]:
    """Every hex dump of a log as (title, octets): shared secrets, SKEYSEED, AUTH octets, ...: vectors for unit tests."""
    return ((text, data) for _, text, data in _entries(log) if data is not None)


def _entries(log: str) -> Iterator[tuple[str, str, bytes | None]]:
    """(thread, text, None) for each line, and (thread, title, octets) for each hex dump, in order."""
    title, length, data, owner = "", 0, bytearray(), ""
    for line in log.splitlines():
        match = _LINE.match(line)
        if not match:
            continue
        thread, text = match.groups()
        row = _HEX.match(text)
        if title and row and thread == owner:
            data += bytes.fromhex(row[1])
        if title and len(data) >= length:
            yield owner, title, bytes(data[:length])
            title = ""
        if row:
            continue
        if start := _DUMP.match(text):
            title, length, data, owner = start[1], int(start[2]), bytearray(), thread
        else:
            yield thread, text, None


def _suite(proposal: str) -> tuple[str, int, str]:
    """(encryption, key bits, integrity) of a proposal as charon prints it, such as AES_CBC_128/HMAC_SHA2_256_128/..."""
    first, *rest = proposal.split("/")
    match = _ENCR.match(first)
    if not match:
        return first, 0, ""
    integ = rest[0] if rest and _INTEG.match(rest[0]) else ""
    return match[1], int(match[2] or 0), integ


def _ike_keys(spis: tuple[str, str], suite: tuple[str, int, str], dumps: dict[str, bytes]) -> IkeKeys:
    encr, bits, integ = suite
    sk = {name: dumps.get(f"Sk_{name} secret", b"") for name in ("ei", "er", "ai", "ar")}
    if not integ:
        sk["ai"] = sk["ar"] = b""
    return IkeKeys(*spis, encr, bits, sk["ei"], sk["er"], integ, sk["ai"], sk["ar"])


def _esp_keys(match: re.Match, thread: _Thread, dumps: dict[str, bytes]) -> EspKeys:
    """The initiator of the exchange sends with the initiator's keys (RFC 7296 2.17)."""
    side = "responder" if thread.inbound == thread.we_started else "initiator"
    encr, _, integ = thread.suites["ESP"]
    integ_key = dumps.get(f"integrity {side} key", b"") if integ else b""
    return EspKeys(match[1], match[2], match[3], encr, dumps[f"encryption {side} key"], integ, integ_key)


# --- Wireshark

_WS_IKE_ENCR = {
    "AES_CBC": "AES-CBC-%d [RFC3602]",
    "AES_CTR": "AES-CTR-%d [RFC5930]",
    **{f"AES_GCM_{n}": f"AES-GCM-%d with {n} octet ICV [RFC5282]" for n in (8, 12, 16)},
    **{f"AES_CCM_{n}": f"AES-CCM-%d with {n} octet ICV [RFC5282]" for n in (8, 12, 16)},
}
_WS_IKE_INTEG = {
    "": "NONE [RFC4306]",
    "HMAC_SHA1_96": "HMAC_SHA1_96 [RFC2404]",
    "HMAC_SHA2_256_128": "HMAC_SHA2_256_128 [RFC4868]",
    "HMAC_SHA2_384_192": "HMAC_SHA2_384_192 [RFC4868]",
    "HMAC_SHA2_512_256": "HMAC_SHA2_512_256 [RFC4868]",
}
_WS_ESP_ENCR = {
    "NULL": "NULL",
    "AES_CBC": "AES-CBC [RFC3602]",
    "AES_CTR": "AES-CTR [RFC3686]",
    **{f"AES_GCM_{n}": f"AES-GCM with {n} octet ICV [RFC4106]" for n in (8, 12, 16)},
}
_WS_ESP_INTEG = {
    "": "NULL",
    "HMAC_SHA1_96": "HMAC-SHA-1-96 [RFC2404]",
    "HMAC_SHA2_256_128": "HMAC-SHA-256-128 [RFC4868]",
    "HMAC_SHA2_384_192": "HMAC-SHA-384-192 [RFC4868]",
    "HMAC_SHA2_512_256": "HMAC-SHA-512-256 [RFC4868]",
}


def write_wireshark(folder: Path, ike: list[IkeKeys], esp: list[EspKeys]) -> None:
    """Write `ikev2_decryption_table` and `esp_sa` into `folder`/wireshark, for `XDG_CONFIG_HOME=folder wireshark`.

    Wireshark knows no ESP with CCM or ChaCha20-Poly1305, nor IKE with the latter: those SAs are left out.
    """
    (folder / "wireshark").mkdir(parents=True, exist_ok=True)
    lines = [_ike_line(keys) for keys in ike if keys.spi_i and keys.encr in _WS_IKE_ENCR]
    (folder / "wireshark/ikev2_decryption_table").write_text("".join(line + "\n" for line in lines))
    lines = [_esp_line(keys) for keys in esp if keys.encr in _WS_ESP_ENCR]
    (folder / "wireshark/esp_sa").write_text("".join(line + "\n" for line in lines))


def _ike_line(keys: IkeKeys) -> str:
    encr = _WS_IKE_ENCR[keys.encr] % keys.bits
    integ = _WS_IKE_INTEG[keys.integ]
    secrets = keys.sk_ei.hex(), keys.sk_er.hex(), keys.sk_ai.hex(), keys.sk_ar.hex()
    return '{},{},{},{},"{}",{},{},"{}"'.format(keys.spi_i, keys.spi_r, *secrets[:2], encr, *secrets[2:], integ)


def _esp_line(keys: EspKeys) -> str:
    family = "IPv6" if ":" in keys.src else "IPv4"
    integ_key = "0x" + keys.integ_key.hex() if keys.integ_key else ""
    fields = [family, keys.src, keys.dst, "0x" + keys.spi, _WS_ESP_ENCR[keys.encr], "0x" + keys.encr_key.hex()]
    return ",".join(f'"{field}"' for field in [*fields, _WS_ESP_INTEG[keys.integ], integ_key])


def name_rekeyed(ike: list[IkeKeys], seen: list[tuple[str, str]]) -> list[IkeKeys]:
    """Give IKE_SAs made by a rekey the SPI pairs seen on the wire, in order, that belong to no other IKE_SA."""
    known = {(keys.spi_i, keys.spi_r) for keys in ike}
    free = iter([pair for pair in seen if pair not in known and pair[1] != _NO_SPI])
    named = []
    for keys in ike:
        pair = (keys.spi_i, keys.spi_r) if keys.spi_i else next(free, ("", ""))
        named.append(keys._replace(spi_i=pair[0], spi_r=pair[1]))
    return named
