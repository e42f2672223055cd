"""The device's key log opens what strongSwan and it have said to each other, and says the same as charon's log."""

import csv
import json

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM

from host_tests.interop import capture
from host_tests.interop.keys import EspKeys
from tools.demo.runtimes import DEVICE

pytestmark = pytest.mark.interop

SUITES = [("aes128ccm16", "AES_CCM_16"), ("aes128gcm16", "AES_GCM_16")]
HEADER_LEN = 28
SK_HEADER_LEN = 4
IV_LEN = 8


def run_with_keylog(gw, suite):
    """Run the demo's device; the rows of its two key tables."""
    job = {"readings": 2, "collector": list(gw.collector), "keylog": True}
    job["tunnel"] = gw.options(ike_proposals=[suite + "-prfsha256-x25519"], esp_proposals=[suite])
    config = gw.work / "job.json"
    config.write_text(json.dumps(job))
    done = gw.run_device(["micropython", DEVICE, config])
    lines = [json.loads(line[1:]) for line in done.lines if line.startswith("@")]
    assert lines[-1]["acknowledged"] == 2, done.lines
    keys = [line for line in lines if line["kind"] == "key"]
    tables: dict[str, list] = {"ikev2_decryption_table": [], "esp_sa": []}
    for line in keys:
        tables[line["table"]].append(next(csv.reader([line["line"].removeprefix("# ")])))
    return tables


def open_sk(suite, sk_e, message):
    """The payloads inside an IKE message's SK payload, opened with nothing of ours but the key (RFC 5282)."""
    key, salt = (sk_e[:-3], sk_e[-3:]) if "ccm" in suite else (sk_e[:-4], sk_e[-4:])
    aad = message[: HEADER_LEN + SK_HEADER_LEN]
    body = message[len(aad) :]
    cipher = AESCCM(key, tag_length=16) if "ccm" in suite else AESGCM(key)
    return cipher.decrypt(salt + body[:IV_LEN], body[IV_LEN:], aad)


@pytest.mark.parametrize(("suite", "charon_name"), SUITES)
def test_key_log_opens_ike_and_esp(make_gateway, suite, charon_name):
    gw = make_gateway(proposals=[suite + "-prfsha256-x25519"], esp_proposals=[suite])
    tables = run_with_keylog(gw, suite)

    [ike] = tables["ikev2_decryption_table"]
    sk_ei, sk_er = bytes.fromhex(ike[2]), bytes.fromhex(ike[3])
    [charon] = gw.keys()[0]
    assert (charon.sk_ei, charon.sk_er) == (sk_ei, sk_er)
    protected = [entry for entry in capture.ike_messages(gw.pcap) if entry[2][16] == 46]
    assert len(protected) == 4  # IKE_AUTH and Delete, both ways
    for source, _, message in protected:
        key = sk_ei if source.startswith(gw.network.client_address) else sk_er
        open_sk(suite, key, message)
    first = open_sk(suite, sk_ei, protected[0][2])
    assert gw.options()["local_id"].encode() in first  # IDi

    esp = [EspKeys(row[3][2:], "", "", charon_name, bytes.fromhex(row[5][2:]), "", b"") for row in tables["esp_sa"]]
    assert {(k.spi, k.encr_key) for k in esp} == {(k.spi, k.encr_key) for k in gw.keys()[1]}
    inner, closed = capture.decrypt(gw.pcap, esp)
    assert closed == []
    readings = [bytes(packet["UDP"].payload) for packet in inner if packet.haslayer("UDP") and packet["UDP"].dport == 5000]
    assert [json.loads(reading)["n"] for reading in readings] == [1, 2]
