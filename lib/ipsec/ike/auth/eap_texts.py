"""What went wrong with EAP, in words, with what the administrator can do; loaded with the first answer.

Start reading at `failed`.
"""

_METHODS = {4: "MD5", 5: "OTP", 6: "GTC", 13: "TLS", 18: "SIM", 21: "TTLS", 23: "AKA", 25: "PEAP", 43: "FAST", 50: "AKA'"}
_ERRORS = {
    646: "this account may not log in at this hour",
    647: "this account is disabled",
    648: "the password has expired",
    649: "this account may not dial in",
    691: "wrong name or password",
    709: "it wants another password",
}


def failed(config, error: int) -> str:
    """For EAP Failure; `error` is MSCHAPv2's number, 0 for none, -1 for one that is none."""
    text = "the gateway does not let %r in by EAP" % config.eap_identity
    if error > 0:
        text += " (error %d%s)" % (error, ": " + _ERRORS[error] if error in _ERRORS else "")
    if error in _ERRORS and error != 691:
        return text + ": change that where its accounts are"
    return text + ": compare eap_identity, and the password that nt_hash_file was made of, with its accounts"


def no_proof() -> str:
    """For a gateway that begins EAP without AUTH, or answers with neither."""
    return "the gateway wants EAP before it has proved itself (EAP-only, or somebody in its place): give it a certificate"


def no_eap(config) -> str:
    """For a gateway that does not ask for EAP."""
    return "the gateway proves itself, but does not begin EAP: give it a connection with EAP-MSCHAPv2 for %r" % config.local_id


def early() -> str:
    """For EAP Success that has not been earned."""
    return "the gateway ends EAP before both ends have shown that they know the password: distrust it"


def other_method(kind: int) -> str:
    """For a gateway that has no MSCHAPv2."""
    text = "the gateway wants EAP by %s (%d), not MSCHAPv2 (26): allow that for this account"
    return text % (_METHODS.get(kind, "another method"), kind)


def refused(config) -> str:
    """For AUTHENTICATION_FAILED in the place of the gateway's own AUTH."""
    text = " (we said that we are %r and want %r): it must have a connection for us by EAP-MSCHAPv2, and be that itself"
    return text % (config.local_id, config.remote_id)
