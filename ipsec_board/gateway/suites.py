"""Suites in the words of gateways' documents and logs, as the library has them: what is pasted, to a line that passes.

`AES_GCM_16_256/PRF_HMAC_SHA2_256/ECP_256` (strongSwan's log), `GCMAES256` (Azure), `aes-cbc-256 integrity sha256 group 14`
(IOS XE), `aes-256-gcm` (Junos, RouterOS): words are found wherever they stand. Start reading at `translated`.
"""

import re
from dataclasses import dataclass, field

from ipsec import suite_names
from ipsec.errors import ConfigError

_S = r"[\s_-]*"
_WORD = re.compile(
    "|".join(
        part.replace("~", _S)
        for part in (
            r"(?P<chacha>(?:esp~)?(?:rfc7539~esp|chacha~(?:20)?~(?:poly)?~(?:1305)?)(?:~256(?!\d))?(?P<iiv1>iiv)?)",
            r"(?P<weak>(?:3?des|md~5|sha~1(?!\d)|sha(?!~[2-5])|aes~(?:xcbc|cmac|gmac)))",
            r"(?P<aead>(?:esp~)?(?:aes~)?(?:(?P<bits>128|192|256)~)?(?P<mode>gcm|ccm)(?:~(?P<icv>[abc])(?![a-z]))?(?:~aes)?"
            r"(?P<numbers>(?:~(?:128|192|256|16|12|96|64|8)(?!\d)){0,2})(?P<iiv2>iiv)?)",
            r"(?P<cbc>(?:esp~)?aes(?:~cbc)?(?:~(?P<key>128|192|256)(?!\d))?(?:~cbc)?)",
            r"(?P<hash>(?P<prf>prf)?~(?:esp~)?(?:hmac)?~sha~2?~(?P<size>256|384|512)(?!\d)(?:~hmac)?(?:~(?:128|192|256)(?![\da-z]))?)",
            r"(?P<sha2>(?P<prf2>prf)?~(?:hmac)?~sha2(?!\d))",
            r"(?P<group>modp~(?P<modp>\d+)|(?:ecp|nist~p|secp|p)~(?P<ecp>256|384|521)(?!\d)(?:r1)?|prime(?P<prime>256)v1"
            r"|(?:curve|x)~(?P<curve>25519)|(?:diffie~hellman~|dh~)?(?:group|grp|dh|pfs)[\s=_-]*(?P<number>\d+)"
            r"|(?<![\da-z])(?P<last>14|15|16|19|2[01]|31|2048|3072|4096)$)",
            r"(?P<noesn>no~(?:ext~seq|esn))",
            r"(?P<esn>ext~seq|esn)",
        )
    )
)
_GROUPS = {14: "modp2048", 15: "modp3072", 16: "modp4096", 19: "ecp256", 20: "ecp384", 21: "ecp521", 31: "x25519",
           2048: "modp2048", 3072: "modp3072", 4096: "modp4096", 256: "ecp256", 384: "ecp384", 521: "ecp521", 25519: "x25519",
           17: "modp4096", 18: "modp4096", 6144: "modp4096", 8192: "modp4096", 32: "x25519"}  # fmt: skip
# Suites that documents call by one name: (IKE, ESP), each "" where the library has not what it is made of. "Suite-B-GCM-128" and
# so on are those of RFC 6379; GMAC's ESP does not encrypt. CNSA is RFC 9206, the others are Junos's and RFC 4308's
_NAMED = (
    (r"suite~-?b~(?:gcm~)?128", "aes128-sha256-ecp256", "aes128gcm16"),
    (r"suite~-?b~(?:gcm~)?(?:256|192)", "aes256-sha384-ecp384", "aes256gcm16"),
    (r"suite~-?b~gmac~128", "aes128-sha256-ecp256", ""),
    (r"suite~-?b~gmac~256", "aes256-sha384-ecp384", ""),
    (r"cnsa~(?:v?~2.*)", "", ""),
    (r"cnsa(?:~gcm~256)?~(?:mod)?~dhp?~3072", "aes256gcm16-prfsha512-modp3072", "aes256gcm16"),
    (r"cnsa(?:~gcm~256)?~(?:mod)?~dhp?~4096", "aes256gcm16-prfsha512-modp4096", "aes256gcm16"),
    (r"cnsa(?:~1(?:[.]0)?)?(?:~suite)?(?:~gcm~256)?(?:~ecdh~384)?", "aes256gcm16-prfsha512-ecp384", "aes256gcm16"),
    (r"prime~128", "aes128gcm16-prfsha256-ecp256", "aes128gcm16"),
    (r"prime~256", "aes256gcm16-prfsha384-ecp384", "aes256gcm16"),
    (r"vpn~[ab]", "", ""),
)
_ICVS = {"a": "8", "b": "12", "c": "16", "64": "8", "96": "12", "128": "16", "8": "8", "12": "12", "16": "16"}


@dataclass
class _Suite:
    """The words of one suite by kind, in the library's form."""

    aead: list[str] = field(default_factory=list)
    cbc: list[str] = field(default_factory=list)
    hashes: list[str] = field(default_factory=list)
    prfs: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    esn: list[str] = field(default_factory=list)

    @property
    def is_begun(self) -> bool:
        """Whether the next cipher is another suite's."""
        return bool(self.hashes or self.prfs or self.groups or self.esn)

    def texts(self, esp: bool) -> list[str]:
        """As proposals: AEAD and AES-CBC apart, and what is missing added."""
        hashes = self.hashes or self.prfs or ["sha256"]
        if esp:
            rest = self.groups + self.esn
            parts = [[*self.aead, *rest] if self.aead else [], [*self.cbc, *hashes, *rest] if self.cbc else []]
        else:
            prfs, groups = [f"prf{word}" for word in self.prfs], self.groups or ["ecp256"]
            with_prf = prfs or [f"prf{word}" for word in hashes]
            parts = [
                [*self.aead, *with_prf, *groups] if self.aead else [],
                [*self.cbc, *hashes, *prfs, *groups] if self.cbc else [],
            ]
        return ["-".join(dict.fromkeys(part)) for part in parts if part]


def translated(value: object, esp: bool) -> list[str]:
    """What a list, or a text, of suites means: those that the library knows as they are, the others in its words.

    Empty where no encryption algorithm is found.
    """
    texts = value.split(",") if isinstance(value, str) else value if isinstance(value, (list, tuple)) else []
    merged: list[str] = []
    texts = [_of_one_name(text, esp) if isinstance(text, str) else text for text in texts]
    for text in (t.strip() for one in texts if isinstance(one, str) for t in one.split(",")):
        if merged and not _names_cipher(text):
            merged[-1] += "-" + text
        elif text:
            merged.append(text)
    found: list[str] = []
    for text in merged:
        found += [text] if is_known(text, esp) else [t for s in _scan(text, esp) for t in s.texts(esp) if is_known(t, esp)]
    return list(dict.fromkeys(found))


def _of_one_name(text: str, esp: bool) -> str:
    """The suite that has such a name of its own; other texts as they are."""
    for pattern, *suites in _NAMED:
        if re.fullmatch(pattern.replace("~", _S), text.strip().strip("!").lower()):
            return suites[esp]
    return text


def is_known(text: object, esp: bool) -> bool:
    """Whether the library takes this proposal."""
    try:
        (suite_names.parse_esp_proposal if esp else suite_names.parse_ike_proposal)(text)  # type: ignore[arg-type]
    except (ConfigError, AttributeError, TypeError):
        return False
    return True


def _names_cipher(text: str) -> bool:
    return any(m["aead"] or m["cbc"] or m["chacha"] for m in _WORD.finditer(text.lower()))


def _scan(text: str, esp: bool) -> list[_Suite]:
    found = [_Suite()]
    for m in _WORD.finditer(text.lower()):
        cipher = m["chacha"] or m["aead"] or m["cbc"]
        if cipher and found[-1].is_begun:
            found.append(_Suite())
        one = found[-1]
        if m["chacha"]:
            one.aead.append("chacha20poly1305" + ("iiv" if m["iiv1"] and esp else ""))
        elif m["aead"]:
            one.aead.append(_aead(m, esp))
        elif m["cbc"]:
            one.cbc.append(f"aes{m['key'] or 256}")
        elif m["hash"] or m["sha2"]:
            (one.prfs if m["prf"] or m["prf2"] else one.hashes).append(f"sha{m['size'] or 256}")
        elif m["group"]:
            one.groups.append(_group(m))
        elif m["esn"] and esp:
            one.esn.append("esn")
    return [one for one in found if one.aead or one.cbc]


def _aead(m: re.Match, esp: bool) -> str:
    """`aes256gcm16`, whatever the order of its parts."""
    numbers = re.findall(r"\d+", m["numbers"])
    bits, icv = m["bits"], m["icv"] or "16"
    if not bits and numbers and numbers[0] in ("8", "12", "16"):
        icv, *numbers = numbers
    if not bits and numbers:
        bits, *numbers = numbers
    icv = numbers[0] if numbers else icv
    bits = bits if bits in ("128", "192", "256") else "256"
    return f"aes{bits}{m['mode']}{_ICVS.get(icv, '16')}" + ("iiv" if m["iiv2"] and esp else "")


def _group(m: re.Match) -> str:
    """The library's word; for one that it has not, the next better."""
    number = int(m["modp"] or m["ecp"] or m["prime"] or m["curve"] or m["number"] or m["last"])
    if m["number"] and number in (256, 384, 521) and not m.group().startswith("pfs"):
        return "ecp256"
    return _GROUPS.get(number, "modp2048")
