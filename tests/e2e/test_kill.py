"""Power cuts at any moment, of either side: every measurement is stored once or counted with a reason."""

import random

import pytest

from tests.e2e.world import World, let_pass, wait_for


def ledger(world: World) -> dict[str, int]:
    told = world.status()["ledger"]
    return {name: told[name] for name in ("created", "acked", "ready", "dead", "dropped")}


def kill_in_turn(world: World, times: int, seed: int) -> None:
    """Kill agent or collector `times` times at random moments while tests and uploads run, then let all settle."""
    chance = random.Random(seed)
    world.start_open_testpoint()
    server = world.start_serve("--only", "web")
    world.enrol()
    daemon = world.start_daemon()
    wait_for(lambda: world.rows("SELECT 1 FROM measurements"), "something is measured before the first power cut")
    for _ in range(times):
        let_pass(chance.uniform(0.2, 2.5))
        if chance.random() < 0.5:
            world.kill(daemon)
            daemon = world.start_daemon()
        else:
            world.kill(server)
            server = world.start_serve("--only", "web")
    world.stop(daemon)
    settle(world)


def settle(world: World) -> None:
    """Run the agent until nothing waits; every start also makes one more test."""

    def is_drained() -> bool:
        daemon = world.start_daemon()
        try:
            wait_for(lambda: ledger(world)["ready"] == 0, "the spool is drained")
        except AssertionError:
            return False
        finally:
            world.stop(daemon)
        return ledger(world)["ready"] <= 1

    wait_for(is_drained, "the spool is drained")


def check_nothing_lost_and_nothing_doubled(world: World) -> None:
    counts = ledger(world)
    assert counts["created"] == counts["acked"] + counts["ready"] + counts["dead"] + counts["dropped"]
    assert counts["dropped"] == 0
    assert counts["dead"] == 0
    acked = [rid for (rid,) in world.spool("SELECT rid FROM rows WHERE state = 'acked'")]
    assert len(acked) == len(set(acked)) == counts["acked"]
    stored = [rid for (rid,) in world.rows("SELECT rid FROM measurements UNION ALL SELECT rid FROM diary")]
    assert len(stored) == len(set(stored))
    assert set(acked) <= set(stored)
    waiting = {rid for (rid,) in world.spool("SELECT rid FROM rows WHERE state = 'ready'")}
    assert set(stored) <= set(acked) | waiting
    assert world.rows("PRAGMA integrity_check") == [("ok",)]
    assert world.spool("PRAGMA integrity_check") == [("ok",)]


@pytest.mark.xdist_group("e2e")
def test_a_few_power_cuts_lose_and_double_nothing(world: World) -> None:
    kill_in_turn(world, times=6, seed=1)
    check_nothing_lost_and_nothing_doubled(world)
    assert world.rows("SELECT count(*) FROM measurements")[0][0] > 0


@pytest.mark.deep
def test_fifty_power_cuts_lose_and_double_nothing(world: World) -> None:
    kill_in_turn(world, times=50, seed=2)
    check_nothing_lost_and_nothing_doubled(world)
    assert world.rows("SELECT count(*) FROM measurements")[0][0] > 10
