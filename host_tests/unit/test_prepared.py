"""Configurations checked at the desk, as a board reads them."""

import json
import os

from ipsec import prepared
from ipsec.config import Config
from ipsec.errors import ConfigError
from ipsec.offer import suites
from support import raises

PATH = "test_prepared.tmp"
OPTIONS = {
    "gateway": "vpn.example.net",
    "local_id": "device.example",
    "psk": "hex:" + "5a" * 32,
    "ike_proposals": ["aes128ccm16-prfsha256-x25519", "aes256-sha384-prfsha384-ecp256"],
    "esp_proposals": ["aes128gcm16-esn"],
    "remote_ts": ["10.10.0.0/24", "10.11.0.0/16"],
    "inner_address": "10.1.2.3",
}


def written(v):
    """As ipsec_board/prepare.py has it."""
    if isinstance(v, (list, tuple)):
        return [written(x) for x in v]
    if isinstance(v, bytes):
        return "#" + "".join(["%02x" % x for x in v])
    return "=" + v if isinstance(v, str) else v


class Prepared(Config):
    """A `Config` on a board that has no checker."""

    def __init__(self, path):
        prepared.fill(self, prepared.read(path))


def loaded(values):
    with open(PATH, "w") as f:
        f.write(values if isinstance(values, str) else json.dumps(values))
    try:
        return Prepared(PATH)
    finally:
        os.remove(PATH)


def prepare(**changes):
    options = dict(OPTIONS)
    options.update(changes)
    config = Config(**options)
    values = {}
    for name in dir(config):
        value = getattr(config, name)
        if name[0] != "_" and not callable(value) and name not in ("ike_proposals", "esp_proposals"):
            values[name] = written(value)
    values["listed"] = written([name for name in ("ike_proposals", "esp_proposals") if config.is_listed(name)])
    values["prepared"] = 2
    return config, values


SIX = {"virtual_ip": ["ipv6"], "remote_ts": ["10.0.0.0/8", "fd00::/64"]}


def test_what_is_read_is_what_was_checked():
    for changes in ({}, {"psk": "short", "virtual_ip": [], "reconnect": False}, {"remote_id": "#x.example", "dpd_s": 0}, SIX):
        config, values = prepare(**changes)
        got = loaded(values)
        assert got.psk == config.psk and got.remote_id == config.remote_id and got.warnings == config.warnings
        assert suites(got.ike_offer) == config.ike_proposals and got.ike_offer[0].kes[0] == 31
        assert suites(got.esp_offer) == config.esp_proposals and got.esp_offer[0].esns[0] == 1
        assert got.is_listed("ike_proposals") and not got.is_listed("mtu")
        assert [tuple(r) for r in got.remote_ts] == config.remote_ts and got.inner_address == config.inner_address
        for name in "gateway port mtu reconnect virtual_ip replay_window large_tables suite_order dpd_s".split():
            assert getattr(got, name) == getattr(config, name), name
        assert "5a5a" not in repr(got) and "ZZ" not in repr(got)


def test_other_files_are_refused():
    raises(ConfigError, loaded, OPTIONS, text="is not prepared for this library: give `provision --prepared`")
    raises(ConfigError, loaded, dict(prepare()[1], prepared=3), text="is not prepared")
    raises(ConfigError, loaded, "[1]", text="is not prepared")
    raises(ConfigError, loaded, "{x}", text="test_prepared.tmp")
    raises(ConfigError, Prepared, "nowhere.json", text="cannot be read")
