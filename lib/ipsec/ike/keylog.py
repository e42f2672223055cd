"""Lines of Wireshark's key tables; loaded only when a key log hook is set, the one way that keys leave the library.

`ikev2_decryption_table` holds IKE SAs, `esp_sa` holds ESP SAs. Wireshark refuses a whole table for one name that it does not
know, so a suite that it cannot read becomes a comment. Start reading at `ike_line`.
"""

from binascii import hexlify

_IKE_ENCR = {
    12: "AES-CBC-%d [RFC3602]",
    14: "AES-CCM-%d with 8 octet ICV [RFC5282]",
    16: "AES-CCM-%d with 16 octet ICV [RFC5282]",
    20: "AES-GCM-%d with 16 octet ICV [RFC5282]",
}
_IKE_INTEG = {
    0: "NONE [RFC4306]",
    12: "HMAC_SHA2_256_128 [RFC4868]",
    13: "HMAC_SHA2_384_192 [RFC4868]",
    14: "HMAC_SHA2_512_256 [RFC4868]",
}
_ESP_ENCR = {
    12: "AES-CBC [RFC3602]",
    20: "AES-GCM with 16 octet ICV [RFC4106]",
}
_ESP_INTEG = {
    0: "NULL",
    12: "HMAC-SHA-256-128 [RFC4868]",
    13: "HMAC-SHA-384-192 [RFC4868]",
    14: "HMAC-SHA-512-256 [RFC4868]",
}


def _hex(octets) -> str:
    return hexlify(bytes(octets)).decode()


def ike_line(spi_i, spi_r, suite, keys) -> str:
    """One line of `ikev2_decryption_table`."""
    encr, key_bits, integ, _, _ = suite
    name = _IKE_ENCR[encr] % key_bits if encr in _IKE_ENCR else "ENCR_%d" % encr
    comment = "" if encr in _IKE_ENCR else "# "
    return comment + '%s,%s,%s,%s,"%s",%s,%s,"%s"' % (
        _hex(spi_i),
        _hex(spi_r),
        _hex(keys.sk_ei),
        _hex(keys.sk_er),
        name,
        _hex(keys.sk_ai),
        _hex(keys.sk_ar),
        _IKE_INTEG.get(integ, ""),
    )


def log_esp(keylog, child) -> None:
    """Give the hook both directions of a Child SA."""
    encr, _, integ, _ = child.suite
    keylog("esp_sa", esp_line(child.spi_out, encr, integ, child.encr_out, child.integ_out))
    keylog("esp_sa", esp_line(child.spi_in, encr, integ, child.encr_in, child.integ_in))


def esp_line(spi, encr: int, integ: int, encr_key, integ_key) -> str:
    """One line of `esp_sa`, for any pair of addresses."""
    integ_text = "0x" + _hex(integ_key) if integ_key else ""
    comment = "" if encr in _ESP_ENCR else "# "
    return comment + '"IPv4","*","*","0x%s","%s","0x%s","%s","%s"' % (
        _hex(spi),
        _ESP_ENCR.get(encr, "ENCR_%d" % encr),
        _hex(encr_key),
        _ESP_INTEG.get(integ, ""),
        integ_text,
    )
