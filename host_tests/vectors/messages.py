"""Random messages for agree.py, and what they are when the `cryptography` package seals them, by the RFCs alone.

Nothing of the library is used here. RFC 4303 (ESP), 4309 (CCM), 4106 (GCM), 7634 (ChaCha20-Poly1305), 8750 (implicit IV), 3602
and 4868 (CBC and HMAC). Start reading at `wrong`.
"""

import hashlib
import hmac
import random
from collections.abc import Iterable, Iterator

from cryptography.hazmat.primitives.ciphers import Cipher, aead, algorithms, modes

from host_tests.vectors import agree

SALTS = {14: 3, 15: 3, 16: 3, 20: 4, 28: 4, 29: 3, 30: 4, 31: 4}
CCM_ICVS = {14: 8, 15: 12, 16: 16, 29: 8}
HASHES = {12: ("sha256", 32, 16), 13: ("sha384", 48, 24), 14: ("sha512", 64, 32)}  # name, octets of the key, of the ICV
IMPLICIT = (29, 30, 31)
MODES = ((16, 0), (20, 0), (28, 0), (12, 12))  # one suite for each mode of operation
SUITES = tuple((encr, 0) for encr in SALTS) + tuple((12, integ) for integ in HASHES)

_POOL = agree.make_pool()


def request(suite: tuple[int, int], length: int, start: int, header: int = 8, flips: str = "") -> str:
    """A line for agree.py with random keys and text; CBC rounds the length up to whole blocks."""
    encr, integ = suite
    key = random.randbytes((32 if encr in (28, 31) else random.choice((16, 32))) + SALTS.get(encr, 0))
    integ_key = random.randbytes(HASHES[integ][1]) if integ else b""
    seq_hi = random.randbytes(4) if random.random() < 0.5 else b""
    text = random.randrange(agree.POOL - start - header - 2048)
    length = -(-length // 16) * 16 if encr == 12 else length
    fields = encr, integ, *(octets.hex() or "-" for octets in (key, integ_key, seq_hi)), start, header, length, text
    return " ".join(map(str, (*fields, flips or random.randrange(1 << 20))))


def requests(suites: Iterable[tuple[int, int]], lengths: Iterable[int], alignments: int = 1) -> Iterator[str]:
    """Lines for each suite and length, at so many alignments: with 4 all those of a word, with 16 all that there are.

    Which ones changes from length to length, so that 16 lengths in a row meet every alignment, and not the same in the next 16.
    """
    for suite in suites:
        for n in lengths:
            for i in range(alignments):
                yield request(suite, n, (5 * (n + i) + n // 16) % 16)


def every_bit(suites: Iterable[tuple[int, int]]) -> Iterator[str]:
    """A short message of each suite, for every bit of it to be flipped."""
    for suite in suites:
        yield request(suite, 17, 3, flips="*")


def wrong(line: str, answer: str) -> str:
    """Why this answer to the line is not right, or an empty string."""
    try:
        iv, digest = answer.split(" ")
        sealed = _sealed(line, b"" if iv == "-" else bytes.fromhex(iv))
    except ValueError:  # not an answer but a complaint
        return answer or "no answer"
    return "" if hashlib.sha256(sealed).hexdigest() == digest else "another message than the cryptography package seals"


def all_wrong(lines: list[str], output: str) -> list[str]:
    """What is wrong with what agree.py printed for these lines: a text for each."""
    answers = dict(row.split(" ", 1) for row in output.splitlines() if row[:1].isdigit())
    found = ((line, wrong(line, answers.get(str(number), ""))) for number, line in enumerate(lines))
    return [f"{line}: {why}" for line, why in found if why]


def _sealed(line: str, iv: bytes) -> bytes:
    """The message that the line asks for, header included."""
    numbers, (key, integ_key, seq_hi) = agree.parse(line)
    encr, integ, start, header_len, length, text = numbers
    at = text + start
    header = _POOL[at : at + header_len]
    iv_len = 16 if integ else 0 if encr in IMPLICIT else 8
    if len(iv) != iv_len:
        raise ValueError(f"an IV of {len(iv)} octets")
    plain = _POOL[at + header_len + iv_len : at + header_len + iv_len + length]
    seq_hi = seq_hi or b""
    if integ:
        encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
        message = header + iv + encryptor.update(plain) + encryptor.finalize()
        name, _, icv_len = HASHES[integ]
        return message + hmac.digest(integ_key, message + seq_hi, name)[:icv_len]
    secret, salt = key[: -SALTS[encr]], key[-SALTS[encr] :]
    nonce = salt + (iv or (seq_hi or bytes(4)) + header[-4:])
    return header + iv + _cipher(encr, secret).encrypt(nonce, plain, header[:4] + seq_hi + header[4:])


def _cipher(encr: int, secret: bytes):
    if encr in CCM_ICVS:
        return aead.AESCCM(secret, tag_length=CCM_ICVS[encr])
    return (aead.AESGCM if encr in (20, 30) else aead.ChaCha20Poly1305)(secret)
