"""What a test that nobody finished leaves counted: no less than it can have cost, and no more than is known of it."""

import sqlite3
from contextlib import closing

import pytest

from agent.spool.spending import MAY_COST
from agent.spool.store import Spool
from tests.agent.spool.conftest import World
from tests.agent.spool.records import STUB, measurement
from tests.fakes.records import a_rid


def after_a_kill(world: World) -> int:
    world.close()
    again = world.open()
    assert again.recover() == 1
    return again.spent().day_bytes


def test_all_that_is_reserved_counts_while_it_runs(spool: Spool) -> None:
    spool.mark_running(STUB, a_rid(1), 1_000, may_cost_bytes=10)
    assert spool.spent().day_bytes == 1_000
    spool.note_cost(a_rid(1), 600)
    assert spool.spent().day_bytes == 1_000


@pytest.mark.parametrize("noted", [[], [600], [600, 900], [600, None]])
def test_a_kill_leaves_what_the_last_step_may_have_cost(world: World, noted: list[int | None]) -> None:
    spool = world.open()
    spool.mark_running(STUB, a_rid(1), 1_000, may_cost_bytes=10)
    for at_most_bytes in noted:
        spool.note_cost(a_rid(1), at_most_bytes)
    last = noted[-1] if noted else 10
    assert after_a_kill(world) == (1_000 if last is None else last)


def test_without_a_note_all_that_was_reserved_counts(world: World) -> None:
    world.open().mark_running(STUB, a_rid(1), 1_000)
    assert after_a_kill(world) == 1_000


def test_the_note_of_another_test_says_nothing(world: World) -> None:
    spool = world.open()
    spool.mark_running(STUB, a_rid(1), 1_000, may_cost_bytes=10)
    spool.note_cost(a_rid(2), 5)
    assert after_a_kill(world) == 1_000


def test_a_damaged_note_says_nothing(world: World) -> None:
    world.open().mark_running(STUB, a_rid(1), 1_000, may_cost_bytes=10)
    with closing(sqlite3.connect(world.path)) as database:
        database.execute("UPDATE state SET value = replace(value, '10', '11') WHERE key = ?", (MAY_COST,))
        database.commit()
    assert after_a_kill(world) == 1_000


def test_the_figure_of_a_finished_test_goes_before_the_note(spool: Spool) -> None:
    spool.mark_running(STUB, a_rid(1), 1_000, may_cost_bytes=10)
    spool.add_ready(measurement(1), spent_bytes=700)
    assert spool.spent().day_bytes == 700


def test_a_test_whose_reservation_is_lost_costs_a_day_that_there_is(world: World) -> None:
    world.open().mark_running(STUB, a_rid(1), 1_000, may_cost_bytes=10)
    world.execute("DELETE FROM reservations")
    assert after_a_kill(world) == 1_010
    assert [day for (day,) in world.execute("SELECT day FROM budget_days") if not day] == []
