"""IKE_AUTH without a Child SA, and the first one by CREATE_CHILD_SA (RFC 6023); loaded when both sides want that.

```
 HDR, SK {IDi, IDr, AUTH, [CP]}          -->
                                         <--  HDR, SK {IDr, AUTH, [CP]}
 HDR, SK {SA, Ni, KEi, TSi, TSr}         -->      keys of its own, which those of the IKE SA do not give away
```

Rule: what the gateway says to the second request is told as what it says to IKE_AUTH. Start reading at `ChildlessAuth`.
"""

from ipsec.errors import PeerError
from ipsec.ike import iana
from ipsec.ike.create_child import NewChild
from ipsec.ike.establish import IkeAuth

_NO_PROPOSAL_CHOSEN = 14


class ChildlessAuth(IkeAuth):
    """Proves both identities, and makes no Child SA."""

    def _write_child(self, b):
        pass

    def _take_child(self, sa, m):
        """The gateway has agreed to make none: it follows."""
        if m.find(iana.SA):
            raise PeerError("the gateway makes a Child SA that nobody asked for")
        sa.want(FirstChild(sa, None, sa.suite.ke))


class FirstChild(NewChild):
    """The first Child SA, with the group of the IKE SA, or the one that the gateway wants instead."""

    def _settle(self, sa, child, nonce):
        if sa.config.more_ts:
            from ipsec.ike.more import begin

            begin(sa)

    def _again(self, sa, group):
        return FirstChild(sa, None, group, self._tried)

    def _other_group(self, sa, error, data):
        """Without a list of groups for ESP the gateway's configuration may have none, too."""
        if error == _NO_PROPOSAL_CHOSEN and 0 not in self._tried:
            return 0
        return super()._other_group(sa, error, data)

    def _give_in(self, sa, error, now):
        from ipsec.ike.remedy import refused

        raise PeerError(refused(error, sa.config, True), error)
