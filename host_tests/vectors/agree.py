"""Key agreements from a text file, on CPython and MicroPython: `micropython agree.py LIB FILE`.

A line is `group octets-of-the-random-source peer's-public-value secret`, in hex; the secret is `-` when the value must be
refused. The last line printed has the number of lines that came out right and the kernel. Start reading at `check`.
"""

import sys
from binascii import unhexlify


def check(line):
    """Why the line came out wrong, or an empty string."""
    from ipsec.crypto.modp import Modp2048
    from ipsec.crypto.p256 import P256
    from ipsec.crypto.x25519 import X25519
    from ipsec.errors import CryptoError

    group, octets, public, want = line.split(" ")
    kinds: dict = {"x25519": X25519, "p256": P256, "modp2048": Modp2048}
    private = unhexlify(octets)
    try:
        got = kinds[group](lambda n: private).shared(unhexlify(public))
    except CryptoError as e:
        return "" if want == "-" else "refused: %s" % e
    if want == "-":
        return "accepted"
    return "" if got == unhexlify(want) else "another secret"


def main(lib, path):
    sys.path.insert(0, lib)
    right = 0
    with open(path) as f:
        for number, line in enumerate(f):
            error = check(line.strip())
            if error:
                print("line %d: %s" % (number + 1, error))
            else:
                right += 1
    from ipsec.crypto import machine

    print(right, machine.KERNEL)


if __name__ == "__main__":
    main(*sys.argv[1:])
