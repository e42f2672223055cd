"""A device with urequests as it comes from the package index: `http_device.py CONFIG.json HOST FOLDER_OF_UREQUESTS`.

Gets 1 MB and prints a JSON list of status, length and SHA-256.
"""

import binascii
import hashlib
import json
import sys

import ipsec


def main(config, host, folder):
    uplink = ipsec.connect(config, capture=True)
    sys.path.insert(0, folder)
    import urequests

    answer = urequests.get("http://%s/1000000" % host)
    body = answer.content
    print(json.dumps([answer.status_code, len(body), binascii.hexlify(hashlib.sha256(body).digest()).decode()]))
    uplink.close()


main(*sys.argv[1:])
