"""The matrix of rekeying and deleting: 84 situations (RFC 7296 1.4.1, 2.8, 2.25).

```
 what is rekeyed   Child SA, IKE SA                                                                                           2
 by whom           us, the gateway                                                                                            2
 meanwhile         nothing, a liveness check, the other side rekeys the same (either one goes), it rekeys the other kind,
                   the Child SA is deleted, the IKE SA is deleted                                                             7
 and               all arrives, the request is lost, the answer is lost                                                       3
```

The gateway is honest: it answers all that it is asked, deletes what it has to, and refuses what RFC 7296 2.25 wants refused. In
the end there is one IKE SA with one Child SA, on which both send, and nobody has heard of it but where something was deleted.
Start reading at `Scene.play`.
"""

from ipsec.ike.exchange import IKE_WORK
from talk import D, Heir, N
from test_rekey import HIGH, LOW, UP, answer_rekey, answer_rekey_ike, ask_rekey, ask_rekey_ike, due, ke, start

CHILD, IKE = "Child SA", "IKE SA"
US, GATEWAY = "by us", "by the gateway"
NOTHING, CHECK, OURS_GOES, THEIRS_GOES, OTHER_KIND = "nothing", "a check", "ours goes", "theirs goes", "the other kind"
CHILD_DELETED, IKE_DELETED = "Child SA deleted", "IKE SA deleted"
ALL_ARRIVES, REQUEST_LOST, ANSWER_LOST = "all arrives", "request lost", "answer lost"
MEANWHILE = (NOTHING, CHECK, OURS_GOES, THEIRS_GOES, OTHER_KIND, CHILD_DELETED, IKE_DELETED)
MISHAPS = (ALL_ARRIVES, REQUEST_LOST, ANSWER_LOST)
THEIRS, THEIRS_IKE = b"\x77\x0a\x0a\x0a", b"theirs99"  # SPIs of what the gateway rekeys to


class Side(Heir):
    """The gateway's side of one more IKE SA."""

    def __init__(self, talk, ike):
        super().__init__(talk)
        self.use(ike)
        self.sides = talk.sides
        self._children = list(ike.children)


class Scene:
    """One client, and the gateway's side of each of its IKE SAs."""

    def __init__(self, what, meanwhile, mishap):
        self.what, self.meanwhile, self.mishap = what, meanwhile, mishap
        self.talk = start(reconnect=True)
        self.talk.wait(20000)
        self.talks = [self.talk]
        self.tunnel = self.talk.player.tunnel
        self.old = self.talk.child
        self.spis = 0
        self.crosses = False  # our request and the gateway's are under way at the same time, or were
        self.collided = False
        self.duties = []  # what the gateway has to delete: functions

    def play(self, who):
        if who == US:
            self.we_rekey()
        else:
            self.the_gateway_rekeys()
        self.settle()
        self.check()

    # By us: what happens meanwhile comes while our request is under way

    def we_rekey(self):
        due(self.talk, self.what == IKE)
        self.crosses = self.collided = True
        if self.mishap == REQUEST_LOST:
            self.repeat()
        if self.meanwhile == CHECK:
            self.talk.ask("INFORMATIONAL")
        elif self.meanwhile in (OURS_GOES, THEIRS_GOES):
            self.they_rekey(self.what)
        elif self.meanwhile == OTHER_KIND:
            self.they_rekey(IKE if self.what == CHILD else CHILD)
        else:
            self.they_delete(self.talk)
        if self.mishap == ANSWER_LOST and self.talk.ike.window.active:
            self.repeat()

    def repeat(self):
        """--> our request once more, octet for octet"""
        sent = self.talk.player.sent
        request = [octets for _, octets in sent if not octets[4 + 19] & 0x20][-1]
        before = len(sent)
        for _ in range(100):
            if len(sent) == before:
                self.talk.wait(100)
        assert [octets for _, octets in sent[before:]] == [request]

    # By the gateway: what happens meanwhile comes behind its request, or, where that was lost, is under way when it comes again

    def the_gateway_rekeys(self):
        if self.mishap == REQUEST_LOST:
            self.crosses = self.collided = self.meanwhile in (OURS_GOES, THEIRS_GOES, OTHER_KIND)
            self.we_act()
        self.they_rekey(self.what)
        answer = self.talk.player.last()
        if self.mishap != REQUEST_LOST:
            self.we_act()
        if self.mishap == ANSWER_LOST and self.talk.ike.keys:
            self.talk.again()
            assert self.talk.player.last() == answer
        self.they_delete(self.lead())

    def we_act(self):
        if self.meanwhile in (OURS_GOES, THEIRS_GOES, OTHER_KIND):
            due(self.lead(), (self.what == IKE) != (self.meanwhile == OTHER_KIND))
        elif self.meanwhile == CHECK:
            self.tunnel._ikes.lead.check()
            self.talk.wait(0)

    # What the gateway does

    def they_rekey(self, kind):
        """<-- its request; what comes of it is its business: it deletes what has to go, and asks again where it was refused."""
        talk = self.lead()
        nonce = LOW if self.meanwhile == THEIRS_GOES else HIGH
        old, ours = talk.ike.children[-1].spi_out, talk.ike.window.active
        if kind == IKE:
            ask_rekey_ike(talk, nonce, THEIRS_IKE)
        else:
            ask_rekey(talk, nonce, THEIRS)
        refused = [kind for kind, _ in talk.last_sent()] == [41]
        conflict = ours is not None and ours.kind == 36 and (ours.work == IKE_WORK) != (kind == IKE)
        assert refused == conflict, (refused, conflict)  # TEMPORARY_FAILURE
        if refused:
            self.duties.append(lambda: self.they_rekey(kind))
        elif kind == IKE:
            self.duties.append(lambda: self.delete_ike(talk))
        else:
            self.duties.append(lambda: self.delete_child(old))

    def they_delete(self, talk):
        if self.meanwhile == CHILD_DELETED:
            talk.ask("INFORMATIONAL", D("ESP", *[c.spi_out for c in talk.ike.children]))
        elif self.meanwhile == IKE_DELETED:
            self.duties.clear()
            talk.ask("INFORMATIONAL", D("IKE"))

    def delete_child(self, old):
        """The Child SA that lost, or the one that was replaced."""
        spi = THEIRS if self.collided and self.meanwhile == THEIRS_GOES else old
        lead = self.lead()
        if spi in [c.spi_out for c in lead.ike.children]:
            lead.ask("INFORMATIONAL", D("ESP", spi))

    def delete_ike(self, old):
        for talk in self.talks:
            goes = talk.ike.spi_i == THEIRS_IKE if self.collided and self.meanwhile == THEIRS_GOES else talk is old
            if goes and talk.ike.keys:
                talk.ask("INFORMATIONAL", D("IKE"))

    def lead(self):
        self.meet()
        return [talk for talk in self.talks if talk.ike is self.tunnel._ikes.lead][0]

    def meet(self):
        """The gateway's side of IKE SAs that are new."""
        for ike in self.tunnel._ikes.all():
            if ike.keys and ike not in [talk.ike for talk in self.talks]:
                self.talks.append(Side(self.talk, ike))

    def settle(self):
        """The gateway answers what it was asked, then deletes what has to go, until nothing is under way."""
        for _ in range(80):
            self.meet()
            asked = [talk for talk in self.talks if talk.ike.keys and talk.ike.window.active]
            for talk in asked:
                self.answer(talk, talk.ike.window.active)
            if not asked and self.duties:
                self.duties.pop(0)()
            self.talk.wait(100)

    def answer(self, talk, ours):
        crosses, self.crosses = self.crosses, False
        self.spis += 1
        spi = b"\x77\x0b\x0b" + bytes([self.spis])
        nonce = HIGH if self.meanwhile == THEIRS_GOES else LOW
        if ours.kind != 36:
            about = ours.about
            talk.answer(*([D("ESP", about.spi_out)] if about in talk.ike.children else []))
        elif crosses and self.meanwhile == CHILD_DELETED and self.what == CHILD:
            talk.answer(N("CHILD_SA_NOT_FOUND", b"", 3, self.old.spi_in))
        elif crosses and self.meanwhile in (OTHER_KIND, CHILD_DELETED):
            talk.answer(N("TEMPORARY_FAILURE"))
        elif ours.work == IKE_WORK:
            answer_rekey_ike(talk, nonce, b"ours" + spi)
        else:
            answer_rekey(talk, nonce, spi, [ke(talk)] if ours.group else ())

    def check(self):
        talk = self.talk
        if self.meanwhile == IKE_DELETED:
            assert talk.causes() == UP + ["down deleted"] and talk.ike.keys is None
            [ike] = self.tunnel._ikes.all()
            assert ike is not talk.ike and ike.window.active.kind == 34  # IKE_SA_INIT
            return
        assert talk.causes() == UP + ["down deleted", "up up"] * (self.meanwhile == CHILD_DELETED), talk.causes()
        [ike] = self.tunnel._ikes.all()
        [child] = ike.children
        [sa] = self.tunnel._sadb.all
        assert ike.is_up() and ike.window.is_idle() and sa is self.tunnel._sadb.sending
        assert (sa.spi_in, sa.spi_out) == (child.spi_in, child.spi_out) and not (child.heir or child.rival or ike.rival)
        is_new = ike is not talk.ike, child is not self.old
        both = self.meanwhile == OTHER_KIND
        assert is_new == (self.what == IKE or both, self.what == CHILD or both or self.meanwhile == CHILD_DELETED), is_new
        assert talk.ike is ike or talk.ike.keys is None
        if self.collided and self.meanwhile in (OURS_GOES, THEIRS_GOES):
            theirs = ike.spi_i == THEIRS_IKE if self.what == IKE else child.spi_out == THEIRS
            assert theirs == (self.meanwhile == OURS_GOES)
        talk.player.send_udp(b"{}")
        assert talk.player.sent[-1][1][:4] == child.spi_out


def play(who):
    """21 situations of each kind of SA."""
    count = 0
    for what in (CHILD, IKE):
        for meanwhile in MEANWHILE:
            for mishap in MISHAPS:
                try:
                    Scene(what, meanwhile, mishap).play(who)
                except Exception:
                    print("%s %s, meanwhile %s, %s" % (what, who, meanwhile, mishap))
                    raise
                count += 1
    return count


def test_en_i_1_2_6_what_we_rekey_and_what_happens_meanwhile():
    assert play(US) == 42


def test_en_i_1_2_6_what_the_gateway_rekeys_and_what_happens_meanwhile():
    assert play(GATEWAY) == 42
