"""The loss of the spool is told, and does not begin the day's budget anew."""

from collections.abc import Callable
from pathlib import Path

import pytest

from agent.spool.spending import FILE
from agent.spool.store import Spool
from tests.agent.spool.conftest import World
from tests.agent.spool.records import STUB
from tests.fakes.records import a_rid


def a_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


LOSSES: list[Callable[[Path], object]] = [
    lambda path: path.write_bytes(b""), lambda path: path.write_bytes(b"S"), Path.unlink, a_directory,
    lambda path: path.write_bytes(b"no spool at all" * 1000),
]  # fmt: skip


def lose(world: World, how: Callable[[Path], object]) -> Spool:
    world.close()
    for ending in ("-wal", "-shm"):
        Path(f"{world.path}{ending}").unlink(missing_ok=True)
    how(world.path)
    return world.open()


@pytest.mark.parametrize("how", LOSSES)
def test_what_was_spent_outlives_the_spool(world: World, how: Callable[[Path], object]) -> None:
    world.open().mark_running(STUB, a_rid(1), 5_000)
    again = lose(world, how)
    assert (again.spent().day_bytes, again.spent().month_bytes) == (5_000, 5_000)
    assert "damaged" in (again.summary().repaired or "") and "None" not in (again.summary().repaired or "")
    world.clock.advance_s(40 * 86_400)  # and it is no end of measuring
    assert again.spent().month_bytes == 0


@pytest.mark.parametrize("how", LOSSES)
def test_a_spool_that_never_measured_is_missed_too(world: World, how: Callable[[Path], object]) -> None:
    assert world.open().summary().repaired is None
    assert "damaged" in (lose(world, how).summary().repaired or "")


def test_a_copy_that_is_no_copy_any_more_is_not_believed(world: World) -> None:
    world.open().mark_running(STUB, a_rid(1), 5_000)
    kept = world.directory / FILE
    kept.write_bytes(kept.read_bytes().replace(b"5000", b"9000"))
    again = lose(world, Path.unlink)
    assert again.spent().day_bytes == 0 and "damaged" in (again.summary().repaired or "")
