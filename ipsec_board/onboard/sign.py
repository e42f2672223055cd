# Signs octets, a request for a certificate, by the board's private key. Runs on the board.
import binascii
import json

_error = _signature = ""
try:
    from ipsec.drive import key
    from ipsec.errors import LocalError

    try:
        _signature = binascii.hexlify(key.sign(PLACE, binascii.unhexlify(OCTETS))).decode()  # noqa: F821
    except LocalError as e:
        _error = "the board cannot sign: %s" % e
except ImportError as e:
    _error = "the library on the board has no keys (%s)" % e
except AttributeError:
    _error = "the library on the board is older than this tool"
print(json.dumps({"signature": _signature, "error": _error}))
