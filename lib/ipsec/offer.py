"""What a tunnel offers (RFC 7296 2.7): needed when it is made, then forgotten by a board.

Rules: without a list everything is offered that is installed, the fastest first, groups of large primes last; what is offered is
loaded only when it is used. Start reading at `fill`.
"""

from ipsec.suite import EspSuite, IkeSuite, Proposal, first_group

_AEAD = (("ccm", 16, 128), ("gcm", 20, 128), ("chacha", 28, 0), ("ccm", 16, 256), ("gcm", 20, 256))
_AES_BITS = (128, 256, 192)


def suites(offer) -> list:
    """Every suite of an offer, in order of preference."""
    found: list = []
    for ciphers, integs, prfs, kes, esns in offer:
        for encr, key_bits in ciphers:
            for integ in integs or (0,):
                if esns:
                    found += [EspSuite(encr, key_bits, integ, esn) for esn in esns]
                else:
                    found += [IkeSuite(encr, key_bits, integ, prf, ke) for prf in prfs for ke in kes]
    return found


def fill(config, crypto) -> None:
    """Offer what is installed where the configuration has no list."""
    if config.ike_offer and config.esp_offer:
        return
    modes, groups, integs = crypto.installed()
    bits = _AES_BITS if crypto.NAME == "host" else _AES_BITS[:2]
    aead = [(encr, key_bits) for mode, encr, key_bits in _AEAD if mode in modes]
    if 192 in bits and "gcm" in modes:
        aead.append((20, 192))
    cbc = [(12, key_bits) for key_bits in bits] if "cbc" in modes else []
    prfs = [integ - 7 for integ in integs]  # HMAC_SHA2_256_128 is 12, PRF_HMAC_SHA2_256 is 5, and so on
    kinds = [kind for kind in ((aead, ()), (cbc, integs)) if kind[0]]
    if not config.ike_offer:
        config.ike_offer = [Proposal(ciphers, macs, prfs, groups, ()) for ciphers, macs in kinds]
    if not config.esp_offer:
        config.esp_offer = [Proposal(ciphers, macs, (), (), (0,)) for ciphers, macs in kinds]


def prepare(config, crypto) -> None:
    """Refuse at once what a backend cannot do, and load what is sure to be used while the stack is not deep yet.

    Raises CryptoError.
    """
    fill(config, crypto)
    for s in suites(config.ike_offer) if config.is_listed("ike_proposals") else ():
        crypto.sizes(s.encr, s.key_bits, s.integ)
        crypto.prf_len(s.prf)
        crypto.dh_len(s.ke)
    for s in suites(config.esp_offer) if config.is_listed("esp_proposals") else ():
        crypto.sizes(s.encr, s.key_bits, s.integ)
    crypto.prepare_dh(first_group(config.ike_offer))
    for offer, large in ((config.ike_offer, False), (config.esp_offer, config.large_tables)):
        if len(offer) == 1 and len(offer[0].ciphers) == 1 and len(offer[0].integs) < 2:
            encr, _ = offer[0].ciphers[0]
            crypto.prepare(encr, offer[0].integs[0] if offer[0].integs else 0, large)
