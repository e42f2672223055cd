"""What went wrong with signatures, in words, with what the administrator can do; loaded only then.

Start reading at `wrong_signature`.
"""

from ipsec.ike.auth.keys import NAMES, P256, P384, RSA

_KINDS = {1: "RSA", 2: "a pre-shared key", 9: "ECDSA on P-256", 10: "ECDSA on P-384", 11: "ECDSA on P-521", 14: "a signature"}
_HASHES = {1: "SHA-1", 2: "SHA2-256", 3: "SHA2-384", 4: "SHA2-512", 5: "Identity"}


def other_key(source) -> str:
    """For a signature of another kind than the key."""
    if source == "gateway_key":
        return "set gateway_key to the public key of the one that it signs with"
    return "its key and %s do not belong together, correct them there" % source


def wrong_signature(key, signature, source, method) -> str:
    """For a signature that is not that of the key from this source."""
    if method == 1:
        return (
            "the gateway's signature by method 1 is not that of %s (RSA) over SHA-256: it is over SHA-1, which is refused, or by "
            "another key: have it sign by RFC 7427 (signature_authentication), or compare its public key"
        ) % source
    size = {P256: 64, P384: 96, RSA: len(key.data)}.get(key.kind, 64)
    if len(signature) != size:
        text = "the gateway's signature has %d octets, one by its %s key has %d: it is not the gateway, or its key is another"
        return text % (len(signature), NAMES[key.kind], size)
    text = "the gateway's signature is not that of %s (%s): compare the gateway's own public key with it, "
    return (
        text % (source, NAMES[key.kind])
        + "or distrust the gateway; it is wrong, too, when somebody changes IKE_SA_INIT on its way"
    )


def other_method(method, source) -> str:
    """For a gateway that proves itself in another way than by a signature."""
    name = _KINDS.get(method, "method %d" % method)
    text = "it is by %s, expected was a signature by %s: set the gateway's own authentication to pubkey"
    return text % (name, source)


def no_hash(wanted, found) -> str:
    """For a gateway that does not say that it can verify our signature; `found` is what it says, or None."""
    key, other = ("Ed25519", "a P-256") if wanted == 5 else ("P-256", "an Ed25519")
    found = found or b""
    numbers = [found[i] << 8 | found[i + 1] for i in range(0, len(found) - 1, 2)]
    said = ", ".join([_HASHES.get(n, "%d" % n) for n in numbers[:8]]) or "nothing"
    text = "the gateway cannot verify a signature by our %s key: as SIGNATURE_HASH_ALGORITHMS it tells %s, not %s (%d); "
    return text % (key, said, _HASHES[wanted], wanted) + "allow it there, or give the device %s key" % other


def refused(config) -> str:
    """For AUTHENTICATION_FAILED from the gateway."""
    if config.auth == "eap":
        from ipsec.ike.auth import eap_texts

        return eap_texts.refused(config)
    who = "we said that we are %r and want %r" % (config.local_id, config.remote_id)
    if config.auth == "cert":
        return " (%s): it must have the authority of our cert_file, and hold our certificate for valid; " % who + (
            "local_id must stand in that as subjectAltName or be its subject, and be what the gateway expects of us"
        )
    return " (%s): give it the public key of our key_file for this identity (`ipsec-board provision` prints it), " % who + (
        "and compare local_id and remote_id there; it must take a public key from us, not a PSK or EAP"
    )


def eap(config) -> str:
    """For a gateway that begins EAP."""
    text = "the gateway asks %r for EAP, not for a signature: give it a connection with a public key for this identity"
    return text % config.local_id
