"""The key file that the board tool writes is the one that the responder reads."""

import pytest

from host_tests.responder.__main__ import options_of, parse_args
from ipsec_board.gateway import plan as plans


def psk(path) -> bytes:
    octets = options_of(parse_args(["--psk-file", str(path)])).psk
    assert not isinstance(octets, dict)
    return octets if isinstance(octets, bytes) else octets.encode()


@pytest.mark.parametrize("text", [False, True], ids=["octets", "text"])
def test_a_key_made_by_provision(tmp_path, text):
    (tmp_path / "device.toml").write_text('[tunnel]\ngateway = "x"\nlocal_id = "y"\npsk_file = "device.psk"\n')
    plans.make_secret(tmp_path / "device.psk", text)
    assert psk(tmp_path / "device.psk") == plans.load(tmp_path / "device.toml").config.psk


@pytest.mark.parametrize(("written", "read"), [
    ("secret\n", b"secret"), ("hex:6162\n", b"ab"), ("base64:YWI=\r\n", b"ab"),
])  # fmt: skip
def test_forms(tmp_path, written, read):
    (tmp_path / "key").write_text(written)
    assert psk(tmp_path / "key") == read


def test_a_wrong_form_is_named_without_the_key(tmp_path):
    (tmp_path / "key").write_text("hex:12345z")
    with pytest.raises(ValueError, match="'hex'") as caught:
        psk(tmp_path / "key")
    assert "12345" not in str(caught.value)
