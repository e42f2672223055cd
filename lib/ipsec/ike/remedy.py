"""Error notifies in words, with what the administrator can do; loaded only when one arrives (RFC 7296 3.10.1).

Start reading at `explain`.
"""

from ipsec.ike import names

_REMEDIES = {
    7: "it did not understand our message: please report this with both logs",
    14: "compare ike_proposals and esp_proposals with the gateway's",
    17: "add a key exchange group that the gateway accepts to ike_proposals",
    24: "compare psk, local_id and remote_id with the gateway's configuration",
    34: "name one address range in remote_ts",
    36: "its address pool is exhausted or has no such family: enlarge the pool, or change virtual_ip",
    37: "it wants to assign an address: set virtual_ip",
    38: "remote_ts names nothing that it would protect: compare with its local subnets",
}


def cause(notify: int) -> str:
    """A short word for programs, such as `no_proposal_chosen`."""
    return names.notify(notify).lower().replace(" ", "_")


def explain(notify: int) -> str:
    """A sentence for people."""
    remedy = _REMEDIES.get(notify, "its log has the reason")
    return "the gateway answered %s: %s" % (names.notify(notify), remedy)
