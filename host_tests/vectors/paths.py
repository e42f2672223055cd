"""Judge certificate paths of a file: `micropython host_tests/vectors/paths.py LIB FILE`, for both interpreters.

A line is a name, the root, the leaf and the other certificates, in hexadecimal; printed are the name and the outcome, `good` or
why not. The clock says 2020, and the identity is the leaf's subject. Start reading at `judge`.
"""

import sys
from binascii import unhexlify


def judge(line: str) -> str:
    """The outcome of a line."""
    from ipsec.errors import AuthError
    from ipsec.ike.auth.path import Moment, check_leaf, check_path, verify
    from ipsec.ike.auth.x509 import Certificate

    root, *chain = [unhexlify(field) for field in line.split()[1:]]
    moment = Moment(b"20200101000000", True)
    try:
        certificates = [Certificate(octets, 0, len(octets)) for octets in chain]
        leaf = certificates[0]
        check_leaf(leaf, b"\x09\0\0\0" + leaf.buf[leaf.subject_at : leaf.subject_to], moment)
        check_path(certificates, [Certificate(root, 0, len(root))], moment, verify)
    except AuthError as e:
        return str(e)
    return "good"


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    with open(sys.argv[2]) as lines:
        for line in lines:
            print(line.split()[0], judge(line))
