"""What gateways in clouds want of a device: an address of its own inside, and its public address as identity.

Start reading at `check_addresses` and `check_identity`.
"""

from ipsec_board.gateway.plan import Plan, PlanError
from ipsec_board.gateway.text import identity


def check_addresses(plan: Plan, vendor: str, where: str) -> None:
    """Such a gateway assigns none. Raises PlanError."""
    if plan.pools:
        inner = plan.tunnel.get("inner_address", "10.20.0.7")
        remedy = f'write into [tunnel]: virtual_ip = []; inner_address = "{inner}"'
        raise PlanError(f"{vendor} assigns no addresses {where}", remedy)


def check_identity(plan: Plan, vendor: str, needs: str) -> None:
    """Its public address must be known, and with a pre-shared key it is the device's identity, too. Raises PlanError."""
    wanted, (kind, own) = plan.site["peer_address"], identity(plan.config.local_id)
    found = []
    if not wanted:
        line = f'peer_address = "{own}"' if kind == "address" else 'such as peer_address = "203.0.113.7"'
        found.append((f"{vendor} {needs}", f"write into [site]: {line}"))
    if plan.config.auth == "psk" and (kind, own) != ("address", wanted or own):
        of = f"the public address {wanted}" if wanted else "the public address"
        line = f'local_id = "{wanted or "203.0.113.7"}"'
        found.append((f"{vendor} expects {of} as the device's identity", f"set {line} in [tunnel]"))
    if found:
        raise PlanError.of(found)
