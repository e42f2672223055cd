"""What a gateway calls the algorithms it has, and which of the device's suites it can therefore accept.

A writer fills a `Vocabulary` with its vendor's words, keyed by IANA's numbers as `ipsec.suite` gives them.
Start reading at `Vocabulary.ike`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from ipsec import suite_names

from ipsec_board.gateway.fleet import Fleet
from ipsec_board.gateway.plan import Plan, PlanError

Encr = tuple[int, int]  # ENCR transform, key length in bits (0 when it has only one)
CBC128, CBC192, CBC256 = (12, 128), (12, 192), (12, 256)
GCM128, GCM192, GCM256 = (20, 128), (20, 192), (20, 256)
GCM12_128, GCM12_256, GCM8_128, GCM8_256 = (19, 128), (19, 256), (18, 128), (18, 256)
CCM128, CCM256, CCM8_128, CCM8_256 = (16, 128), (16, 256), (14, 128), (14, 256)
CHACHA = (28, 0)
SHA256, SHA384, SHA512 = 12, 13, 14  # INTEG transforms
PRF256, PRF384, PRF512 = 5, 6, 7
_HASHES = ("sha256", "sha384", "sha512")  # of the PRFs from PRF256 on
X25519, ECP256, ECP384, ECP521, MODP2048, MODP3072, MODP4096 = 31, 19, 20, 21, 14, 15, 16


@dataclass(frozen=True)
class IkeWords:
    """One IKE suite in the vendor's words; `integ` is "" with AEAD."""

    encr: str
    integ: str
    prf: str
    group: str
    aead: bool


@dataclass(frozen=True)
class EspWords:
    """One ESP suite in the vendor's words; `integ` is "" with AEAD."""

    encr: str
    integ: str
    esn: bool
    aead: bool


@dataclass(frozen=True)
class Vocabulary:
    """Words by transform number; what is missing in a table the gateway does not have."""

    vendor: str
    ike_encr: Mapping[Encr, str]
    esp_encr: Mapping[Encr, str]
    integ: Mapping[int, str]
    prf: Mapping[int, str]
    group: Mapping[int, str]
    esn: bool = True
    esp_integ: Mapping[int, str] | None = None  # where it differs from `integ`
    own_prf: bool = False  # whether the PRF of a suite with a MAC may have another hash than the MAC
    pfs: bool = False  # whether groups in esp_proposals are written
    suggestion: tuple[str, str] = ("aes128-sha256-ecp256", "aes128-sha256")  # a suite that this gateway surely has

    def ike(self, plan: Fleet | Plan) -> tuple[list[IkeWords], list[str]]:
        """The device's IKE suites this gateway has, in order, and the names of those it has not."""
        return self._choose(plan, "ike_proposals", self._ike_words)

    def esp(self, plan: Fleet | Plan) -> tuple[list[EspWords], list[str]]:
        """The same for ESP. Raises PlanError where groups are listed and nothing is written for them."""
        groups = esp_groups(plan)
        if groups and not self.pfs:
            suites = [name for device in _devices(plan) for name in map(name_of, device.config.esp_proposals)]
            raise PlanError(
                f"nothing is written for {self.vendor} and key exchange groups in esp_proposals (perfect forward secrecy): "
                + ", ".join(map(suite_names.group_name, groups)),
                f"leave them out: esp_proposals = {json.dumps(list(dict.fromkeys(suites)))}",
            )
        return self._choose(plan, "esp_proposals", self._esp_words)

    def _choose(self, plan: Fleet | Plan, option: str, words):
        devices = _devices(plan)
        for device in devices:
            found, left_out = self._split(device.config, option, words)
            if not found:
                of = f"{device.path}: " if len(devices) > 1 else ""
                raise PlanError(
                    f"{of}{self.vendor} has none of the suites in {option}: {', '.join(left_out)}",
                    f"add {self.suggestion[option == 'esp_proposals']!r} to {option}",
                )
        return self._split(plan.config, option, words)

    def _split(self, config, option: str, words) -> tuple[list, list[str]]:
        found, left_out = [], []
        for numbers in getattr(config, option):
            try:
                found.append(words(*numbers))
            except KeyError:
                left_out.append(name_of(numbers))
        return found, left_out

    def _ike_words(self, encr: int, bits: int, integ: int, prf: int, ke: int) -> IkeWords:
        if integ and not self.own_prf and integ - SHA256 != prf - PRF256:
            raise KeyError("prf")
        return IkeWords(self.ike_encr[encr, bits], self.integ[integ] if integ else "", self.prf[prf], self.group[ke], not integ)

    def _esp_words(self, encr: int, bits: int, integ: int, esn: int) -> EspWords:
        if esn and not self.esn:
            raise KeyError("esn")
        table = self.integ if self.esp_integ is None else self.esp_integ
        return EspWords(self.esp_encr[encr, bits], table[integ] if integ else "", bool(esn), not integ)


def _devices(plan: Fleet | Plan) -> tuple[Plan, ...]:
    return plan.devices if isinstance(plan, Fleet) else (plan,)


def esp_groups(plan: Fleet | Plan) -> list[int]:
    """The groups for perfect forward secrecy that the devices offer when they rekey a Child SA."""
    return list(dict.fromkeys(ke for device in _devices(plan) for one in device.config.esp_offer for ke in one.kes))


def name_of(numbers: tuple) -> str:
    """The name of a suite as `ipsec.suite` reads it, from the numbers it gives."""
    words = [suite_names.cipher_name(*numbers[:3])]
    if len(numbers) == 5:
        words += ["prf" + _HASHES[numbers[3] - 5], suite_names.group_name(numbers[4])]
    elif numbers[3]:
        words.append("esn")
    return "-".join(words)


def unique(words) -> list[str]:
    """The words without repetitions, in order, empty ones left out."""
    return [w for w in dict.fromkeys(words) if w]
