"""Configurations checked at the desk, as a board reads them."""

import json
import os

from ipsec import prepared
from ipsec.config import Config
from ipsec.errors import ConfigError
from support import raises

PATH = "test_prepared.tmp"
OPTIONS = {
    "gateway": "vpn.example.net",
    "local_id": "device.example",
    "psk": "hex:" + "5a" * 32,
    "ike_proposals": ["aes128ccm16-prfsha256-x25519", "aes256-sha384-prfsha384-ecp256"],
    "esp_proposals": ["aes128gcm16-esn"],
    "remote_ts": ["10.10.0.0/24", "fd00::/64"],
    "inner_address": "10.1.2.3",
}


def written(v):
    """As ipsec_board/prepare.py has it."""
    if isinstance(v, (list, tuple)):
        return [written(x) for x in v]
    if isinstance(v, bytes):
        return "#" + "".join(["%02x" % x for x in v])
    return "=" + v if isinstance(v, str) else v


def loaded(values):
    with open(PATH, "w") as f:
        f.write(values if isinstance(values, str) else json.dumps(values))
    try:
        return prepared.load(PATH)
    finally:
        os.remove(PATH)


def prepare(**changes):
    options = dict(OPTIONS)
    options.update(changes)
    config = Config(**options)
    values = {}
    for name in dir(config):
        value = getattr(config, name)
        if name[0] != "_" and not callable(value):
            values[name] = written(value)
    values["prepared"] = 1
    return config, values


def test_what_is_read_is_what_was_checked():
    for changes in ({}, {"psk": "short", "virtual_ip": [], "reconnect": False}, {"remote_id": "=x#", "dpd_s": 0}):
        config, values = prepare(**changes)
        got = loaded(values)
        assert got.psk == config.psk and got.remote_id == config.remote_id and got.warnings == config.warnings
        assert got.ike_proposals == config.ike_proposals and got.ike_proposals[0].ke == 31
        assert got.esp_proposals == config.esp_proposals and got.esp_proposals[0].esn == 1
        assert [tuple(r) for r in got.remote_ts] == config.remote_ts and got.inner_address == config.inner_address
        for name in "gateway port mtu reconnect virtual_ip replay_window large_tables suite_order dpd_s".split():
            assert getattr(got, name) == getattr(config, name), name
        assert "5a5a" not in repr(got) and "ZZ" not in repr(got)


def test_other_files_are_refused():
    raises(ConfigError, loaded, OPTIONS, text="is not prepared for this library: give `provision --prepared`")
    raises(ConfigError, loaded, dict(prepare()[1], prepared=2), text="is not prepared")
    raises(ConfigError, loaded, "[1]", text="is not prepared")
    raises(ConfigError, loaded, "{x}", text="test_prepared.tmp")
    raises(ConfigError, prepared.load, "nowhere.json", text="cannot be read")
