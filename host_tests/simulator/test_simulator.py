"""The simulator's own rules, and a short set of runs; long ones: `python -m host_tests.simulator --days 365`."""

import json

import pytest
from ipsec.tunnel import Tunnel

from . import __main__ as program
from . import report, simulation
from .network import Nat, Network, Weather
from .simulation import Broken, Simulation
from .world import Stuck, World

A, B = ("192.0.2.1", 1000), ("192.0.2.2", 2000)


# Runs

RUNS = [
    ("calm", 11, 0.4),
    ("slow", 12, 0.3),
    ("crossing", 13, 0.3),
    ("field", 14, 1.0),
    pytest.param("field", 15, 1.0, marks=pytest.mark.slow),
    ("rough", 16, 0.5),
    ("narrow", 17, 0.3),
    ("several", 19, 0.3),
    pytest.param("busy", 18, 0.03, marks=pytest.mark.slow),
]


@pytest.mark.parametrize("profile, seed, days", RUNS)
def test_run(profile, seed, days):
    run = Simulation(seed, days, profile).run()
    figures = run.figures()
    assert run.sent > 900 * days and run.sent == run.delivered + run.lost.total()
    assert figures["gateway"]["child_up"] > days * 20, "too few rekeyings to show anything"
    if profile in ("calm", "slow"):
        assert set(run.lost) <= {"device: no address of this family"} and run.acked == run.delivered
        assert run.lost.total() <= 2
    run.check_seamless()


def test_several_devices():
    run = Simulation(21, 0.2, "field", devices=3).run()
    assert len(run.devices) == 3 and all(device.events["up (up)"] for device in run.devices)


def test_a_tunnel_on_micropython():
    """Its heap is compared from the seventh day on: the year is a run of its own."""
    run = Simulation(22, 0.1, "long", board=True).run()
    assert run.acked > 20 and run.devices[0].is_up
    run.check_seamless()
    again = Simulation(22, 0.1, "long", board=True)
    again.devices[0]._process.kill()  # type: ignore[attr-defined]
    with pytest.raises(Broken, match="--board"):
        again.run()


def test_same_seed_same_run():
    first, again, other = (Simulation(seed, 0.3, "rough").run().figures() for seed in (31, 31, 32))
    assert first == again
    assert {**other, "seed": 31} != first


# What breaks a run


def broken(**which) -> str:
    with pytest.raises(Broken) as caught:
        Simulation(41, 0.2, "calm", **which).run()
    return str(caught.value)


COMMAND = "python -m host_tests.simulator --seed 41 --days 0.2 --profile calm"


def test_exception_out_of_a_tunnel(monkeypatch):
    def tick(self, now):
        if self.is_up:
            raise MemoryError("of the test")

    monkeypatch.setattr(Tunnel, "tick", tick)
    text = broken()
    assert "of the test" in text and COMMAND in text


def test_tunnel_that_waits_for_nothing(monkeypatch):
    monkeypatch.setattr(Tunnel, "deadline", lambda self: None)
    assert "waits for nothing" in broken()


def test_tunnel_that_wants_to_be_woken_for_ever(monkeypatch):
    monkeypatch.setattr(simulation.Device, "_wake_later", lambda self: self.world.after(0.0, lambda: self._wake_later()))
    assert "at the same moment" in broken()


def test_tunnel_that_stays_down(monkeypatch):
    """A state that only a restart would leave: once up it is deaf for ever."""
    deaf = list[bool]()

    def receive(self, buf, n, now, whole=Tunnel.receive):
        if not deaf:
            whole(self, buf, n, now)
        if self.is_up:
            deaf.append(True)

    monkeypatch.setattr(Tunnel, "receive", receive)
    assert "has been down for" in broken()


def test_reading_that_vanishes(monkeypatch):
    monkeypatch.setattr(Simulation, "_fate", lambda self, tag, text: None)
    assert COMMAND in broken()


def test_growth(monkeypatch):
    hoard = []

    def receive(self, buf, n, now, whole=Tunnel.receive):
        hoard.append(bytes(n))
        self.hoard = hoard
        whole(self, buf, n, now)

    monkeypatch.setattr(Tunnel, "receive", receive)
    assert "has grown by" in broken()


def test_seamless_is_checked():
    """A run in which nobody rekeys is seamless; one DOWN without a cause, or one reading, and it is not."""
    run = Simulation(51, 0.1, "still").run()
    run.check_seamless()
    assert run.sent > 100 and run.delivered == run.acked == run.sent and run.downs == 0
    run.devices[0].events["down (renew)"] += 1
    with pytest.raises(Broken, match="--seed 51 --days 0.1 --profile still --seamless"):
        run.check_seamless()
    run.devices[0].events.clear()
    run.devices[0].odd = 1
    with pytest.raises(Broken, match="while it was down"):
        run.check_seamless()
    run.devices[0].odd = 0
    run.lost["device: no address of this family"] = 1
    with pytest.raises(Broken, match="readings lost"):
        run.check_seamless()


def test_command_line(capsys, monkeypatch, tmp_path):
    assert program.main(["--seed", "61", "--days", "0.1", "--runs", "2", "--profile", "calm"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["seed"] for line in lines] == [61, 62] and lines[0]["delivered"] > 100
    runs, written = tmp_path / "runs.jsonl", tmp_path / "simulator.md"
    runs.write_text("\n".join(map(json.dumps, lines)))
    assert report.main([str(runs), "--out", str(written)]) == 0
    assert "| days | 0.2 |" in written.read_text() and "| broken | none |" in written.read_text()
    monkeypatch.setattr(Tunnel, "deadline", lambda self: None)
    assert program.main(["--seed", "61", "--days", "0.1"]) == 1
    said = capsys.readouterr()
    assert "python -m host_tests.simulator --seed 61 --days 0.1 --profile field" in said.err
    assert "waits for nothing" in json.loads(said.out.splitlines()[-1])["broken"]


# The world


def test_time_is_in_order():
    world, seen = World(1), []
    for delay in (3, 1, 2):
        world.after(delay, lambda d=delay: seen.append((d, world.now)))  # type: ignore[misc]
    world.run(2.5)
    assert seen == [(1, 1), (2, 2)] and world.now == 2.5
    world.after(0.0, lambda: forever(world))
    with pytest.raises(Stuck):
        world.run(3)


def forever(world: World) -> None:
    world.after(0.0, lambda: forever(world))


def network(**weather) -> tuple[World, Network, list, list]:
    world = World(1)
    net, arrived, fates = Network(world, Weather(**weather)), [], []
    net.fate = lambda tag, text: fates.append((tag, text))
    net.attach(B[0], lambda src, dst, data, tag: arrived.append((tag, src, dst, world.now)))
    return world, net, arrived, fates


def test_weather():
    world, net, arrived, fates = network(loss=0.3, duplicate=0.2, jitter_s=0.1, latency_s=0.1)
    for number in range(2000):
        net.send(A, B, b"x", number)
    world.run(10)
    tags = [tag for tag, *_ in arrived]
    assert 500 < fates.count((0, "link: loss")) + sum(text == "link: loss" for _, text in fates) < 700
    assert 200 < len(tags) - len(set(tags)) < 400
    assert min(at for *_, at in arrived) >= 0.1
    world, net, arrived, _ = network(jitter_s=0.1)
    for number in range(200):
        net.send(A, B, b"x", number)
    world.run(10)
    assert [tag for tag, *_ in arrived] == list(range(200)), "jitter alone reorders nothing"
    world, net, arrived, _ = network(reorder=0.2, latency_s=0.01)
    for number in range(200):
        world.after(number / 100, lambda n=number: net.send(A, B, b"x", n))  # type: ignore[misc]
    world.run(10)
    order = [tag for tag, *_ in arrived]
    assert sorted(order) == list(range(200)) != order


def test_mtu_cut_and_nobody():
    world, net, arrived, fates = network(mtu=600)
    net.send(A, B, bytes(572), 1)
    net.send(A, B, bytes(573), 2)
    net.send(A, ("192.0.2.9", 1), b"x", 3)
    world.run(1)
    net.cut.add(B[0])
    net.send(A, B, b"x", 4)
    assert [tag for tag, *_ in arrived] == [1]
    assert fates == [(2, "link: longer than the MTU"), (3, "link: nobody there"), (4, "link: cut")]


def test_nat():
    world, net, arrived, fates = network()
    nat, inside = Nat(net, "198.51.100.1", 60.0), []
    nat.attach("10.0.0.2", lambda src, dst, data, tag: inside.append((src, dst)))

    def outside_port() -> tuple[str, int]:
        nat.send(("10.0.0.2", 4711), B, b"x")
        world.run(world.now + 1)
        return arrived[-1][1]

    first = outside_port()
    world.run(world.now + 50)
    assert outside_port() == first and first[0] == "198.51.100.1"
    net.send(B, first, b"answer")
    net.send(("192.0.2.77", 1), first, b"stranger", "stranger")
    world.run(world.now + 1)
    assert inside == [(B, ("10.0.0.2", 4711))] and fates == [("stranger", "link: NAT has no mapping")]
    world.run(world.now + 61)
    net.send(B, first, b"late", "late")
    world.run(world.now + 1)
    assert fates[-1] == ("late", "link: NAT has no mapping")
    second = outside_port()
    assert second != first and nat.rebindings == 1
    nat.rebind("198.51.100.9")
    assert outside_port()[0] == "198.51.100.9"
