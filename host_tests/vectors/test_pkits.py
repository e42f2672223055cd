"""NIST PKITS, the groups that the profile of `ipsec.ike.auth.x509` covers, on both interpreters.

4.1 signature, 4.2 validity, 4.3 name chaining, 4.4.14 to 18 serial numbers, 4.6 basic constraints, 4.7 key usage, 4.13 name
constraints (refused as such), 4.16 private extensions. Left out: revocation (CRLs are not looked at) and policies.
Start reading at `test_cpython`.
"""

import re
import subprocess
import sys
from pathlib import Path

import cryptography_vectors
import pytest
from cryptography import x509

from host_tests.conftest import require
from host_tests.vectors.paths import judge

HERE = Path(__file__).resolve().parent
_CERTS = Path(cryptography_vectors.__file__).parent / "x509" / "PKITS_data" / "certs"
_GROUPS = (
    "ValidCertificatePathTest CASignatureTest EESignatureTest DSASignature DSAParameter notBeforeDate notAfterDate NameChaining "
    "NameUIDs MandatoryAttributeTypes OptionalAttributeTypes RolloverfromPrintable UTF8String SerialNumberTest "
    "basicConstraints cAFalse pathLenConstraint keyCertSignFalse keyUsageNotCriticalTest nameConstraints "
    "CriticalCertificateExtension"
).split()
# Valid for PKITS, refused by the profile
_NARROWER = {
    "ValidDSASignaturesTest4": "none of Ed25519",
    "ValidNameChainingWhitespaceTest3": "no authority of ca_file",
    "ValidNameChainingWhitespaceTest4": "no authority of ca_file",
    "ValidNameChainingCapitalizationTest5": "no authority of ca_file",
    "ValidRolloverfromPrintableStringtoUTF8StringTest10": "no authority of ca_file",
    "ValidUTF8StringCaseInsensitiveMatchTest11": "no authority of ca_file",
    "ValidpathLenConstraintTest13": "more than 4 certificates",
    "ValidpathLenConstraintTest14": "more than 4 certificates",
    "ValidSelfIssuedpathLenConstraintTest17": "more than 4 certificates",
}
_REVOKED = ("InvalidLongSerialNumberTest18EE", "InvalidNegativeSerialNumberTest15EE")
# What some invalid ones are refused for; the others for something
_WORDS = {
    "InvalidCASignatureTest2": "unused bits",
    "InvalidEESignatureTest3": "another key signed it",
    "InvalidCAnotBeforeDateTest1": "not valid yet",
    "InvalidEEnotBeforeDateTest2": "not valid before 2047",
    "InvalidCAnotAfterDateTest5": "authority that issued it has ended",
    "InvalidEEnotAfterDateTest6": "ended on",
    "Invalidpre2000UTCEEnotAfterDateTest7": "ended on 19",
    "InvalidNameChainingTest1": "no authority of ca_file",
    "InvalidMissingbasicConstraintsTest1": "no authority (basicConstraints",
    "InvalidcAFalseTest2": "no authority (basicConstraints",
    "InvalidpathLenConstraintTest5": "path length",
    "InvalidkeyUsageCriticalkeyCertSignFalseTest1": "no authority (basicConstraints",
    "InvalidUnknownCriticalCertificateExtensionTest2": "critical and not known",
}


def _lines() -> dict[str, str]:
    """A line for each test, by its name: the leaf, and whatever may be above it."""
    found = {path.stem: path.read_bytes() for path in _CERTS.glob("*.crt")}
    parsed = {}
    for name, octets in found.items():
        try:
            parsed[name] = x509.load_der_x509_certificate(octets)
            _ = parsed[name].subject, parsed[name].issuer
        except ValueError:
            parsed.pop(name, None)
    by_subject: dict[str, list[str]] = {}
    for name, c in parsed.items():
        if not name.endswith("EE"):
            by_subject.setdefault(_plain(c.subject), []).append(name)
    lines = {}
    root = found["TrustAnchorRootCertificate"].hex()
    for name, c in parsed.items():
        if not name.endswith("EE") or not any(group in name for group in _GROUPS) or name in _REVOKED:
            continue
        chain, waiting = [name], [c]
        while waiting:
            for above in by_subject.get(_plain(waiting.pop().issuer), []):
                if above not in chain and above != "TrustAnchorRootCertificate":
                    chain.append(above)
                    waiting.append(parsed[above])
        lines[name.removesuffix("EE")] = " ".join([name.removesuffix("EE"), root, *(found[n].hex() for n in chain)])
    return lines


def _plain(name: x509.Name) -> str:
    return re.sub(r"\s", "", name.rfc4514_string()).lower()


LINES = _lines()


def wrong(name: str, outcome: str) -> bool:
    """Whether a test of PKITS did not come out as it should."""
    if name in _NARROWER:
        return _NARROWER[name] not in outcome
    if "nameConstraints" in name:
        return outcome == "good"  # valid or not
    return outcome != "good" if name.startswith("Valid") else outcome == "good" or _WORDS.get(name, "") not in outcome


def test_all_are_there():
    assert len(LINES) >= 70 and LINES.keys() >= _NARROWER.keys() | _WORDS.keys(), sorted(_WORDS.keys() - LINES.keys())
    assert sum(name.startswith("Valid") for name in LINES) >= 30


@pytest.mark.parametrize("name", LINES)
def test_cpython(name):
    outcome = judge(LINES[name])
    assert not wrong(name, outcome), outcome


def test_micropython(tmp_path):
    micropython = Path(sys.executable).with_name("micropython")
    require(micropython.exists(), "micropython is missing; run `make`")
    path = tmp_path / "lines"
    path.write_text("\n".join(LINES.values()) + "\n")
    command = [str(part) for part in (micropython, "-X", "heapsize=4m", HERE / "paths.py", HERE.parents[1] / "lib", path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    outcomes = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    assert outcomes.keys() == LINES.keys(), done.stderr
    assert [(name, outcome) for name, outcome in outcomes.items() if wrong(name, outcome)] == []
