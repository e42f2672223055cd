"""What administrators paste from the documents of strongSwan, libreswan, IOS XE, Junos, FortiOS, pfSense, OPNsense, RouterOS, AWS
and Azure: pasted.json has the value and the remedy, "" where it is taken. No remedy may become worse.
"""

import json
import re
import tomllib
from pathlib import Path

import pytest

from host_tests.board_tool.test_typed import ask

PASTED: dict[str, list] = json.loads(Path(__file__).with_name("pasted.json").read_text())
_SAYS = re.compile(r"^(?:such as: |remove the line for the built-in list, or write )")


def pasted(options: dict, remedy: str) -> dict:
    """The options with the lines of a remedy in place of what they had."""
    found: dict = {}
    for part in re.split(r"; (?=\w+ = )", _SAYS.sub("", remedy)):
        gone = re.fullmatch(r"remove the line (\w+) = \.\.\.", part)
        found |= {gone[1]: None} if gone else tomllib.loads(part)
    return {name: value for name, value in {**options, **found}.items() if value is not None}


@pytest.mark.parametrize("option", PASTED)
def test_what_is_pasted_works_or_gets_the_line_to_write(option):
    worse = []
    for value, wanted in PASTED[option]:
        remedy = "; ".join(remedy for _, remedy in ask(**{option: value}))
        if remedy != wanted:
            worse.append((value, wanted, remedy))
        elif remedy and option not in ("auth", "remote_auth"):  # other methods want files, too
            assert ask(**pasted({option: value}, remedy)) == [], (value, remedy)
    assert not worse


def test_there_are_many():
    assert sum(map(len, PASTED.values())) > 800


NAMES = [
    ("remote-gw", "198.51.100.1", 'did you mean: gateway = "198.51.100.1"'),
    ("right", "198.51.100.1", 'did you mean: gateway = "198.51.100.1"'),
    ("GatewayIpAddress", "198.51.100.1", 'did you mean: gateway = "198.51.100.1"'),
    ("peerid", "branch", 'did you mean: remote_id = "branch"'),
    ("My identifier", "a", 'did you mean: local_id = "a"'),
    ("local-identity", "hostname srx", 'did you mean: local_id = "fqdn:srx"'),
    ("dst-subnet", "10.1.0.0 255.255.0.0", 'did you mean: remote_ts = ["10.1.0.0/16"]'),
    ("RemoteIpv4NetworkCidr", "10.1.0.0/16", 'did you mean: remote_ts = ["10.1.0.0/16"]'),
    ("AddressPrefix", "10.2.0.0/16", 'did you mean: local_ts = ["10.2.0.0/16"]'),
    ("life_bytes", "5G", "did you mean: child_lifetime_kib = 5242880"),
    ("rekey_bytes", 102400, "did you mean: child_lifetime_kib = 100"),
    ("SADataSizeKilobytes", 102400, "did you mean: child_lifetime_kib = 102400"),
    ("life_time", "1h", "did you mean: child_lifetime_s = 3600"),
    ("keylife", 28800, "did you mean: lifetime_s = 28800"),
    ("Phase1LifetimeSeconds", 28800, "did you mean: lifetime_s = 28800"),
    ("dead-peer-detection", "interval 10", "did you mean: dpd_s = 10"),
    ("enable-tcp", "fallback", 'did you mean: tcp = "fallback"'),
    ("leftcert", "a.pem", 'did you mean: cert_file = "a.pem"'),
    ("transform-set", "esp-gcm 256", 'a suite is one text: esp_proposals = ["aes256gcm16"]'),
    ("mode", "tunnel", "remove the line mode = ...: ESP in tunnel mode is all there is"),
    ("rekey", "yes", "remove the line rekey = ...: new keys come before lifetime_s is over"),
    ("leftsourceip", "%config", "remove the line leftsourceip = ..."),
    ("establish-tunnels", "immediately", "remove the line establish-tunnels = ...: the device begins; see reconnect"),
]


@pytest.mark.parametrize(("name", "value", "remedy"), NAMES)
def test_names_of_other_products(name, value, remedy):
    assert [said for _, said in ask(**{name: value})] == [remedy]


def test_the_parts_of_a_suite_make_one():
    """IOS XE, Junos, RouterOS and pfSense have them one by one."""
    found = ask(encryption="aes-cbc-256", integrity="sha384", group=20, enc_algorithms="aes-128-gcm")
    assert [remedy for _, remedy in found] == [
        *['a suite is one text: ike_proposals = ["aes256-sha384-ecp384"]'] * 3,
        'a suite is one text: esp_proposals = ["aes128gcm16"]',
    ]
