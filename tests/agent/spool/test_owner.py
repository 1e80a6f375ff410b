"""Whose test is running: a lock file says who is alive, also while others look and tidy up."""

import pytest

from agent import locks
from agent.locks import FileLock
from tests.agent.spool.conftest import World
from tests.agent.spool.records import STUB
from tests.fakes.records import a_rid


def test_lock_files_are_taken_and_swept_while_nobody_else_writes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    (world.directory / "running-00000000000000ff.lock").parent.mkdir(parents=True)
    (world.directory / "running-00000000000000ff.lock").touch()
    lock_it = locks._try_lock
    was_free: list[bool] = []

    def seen(descriptor: int) -> bool:
        with monkeypatch.context() as as_it_is:
            as_it_is.setattr(locks, "_try_lock", lock_it)
            probe = FileLock(world.directory / "write.lock")
            was_free.append(probe.try_acquire())
            probe.release()
        return lock_it(descriptor)

    spool, other = world.open(), world.open()
    monkeypatch.setattr(locks, "_try_lock", seen)
    spool.mark_running(STUB, a_rid(1), 1_000)
    assert was_free == [True, False]  # before the write lock itself is taken, and before the owner's is
    was_free.clear()
    assert other.recover() == 0  # it is alive
    assert was_free[0] is True
    assert was_free[1:] == [False] * len(was_free[1:]) != []
    assert [path.name for path in world.directory.glob("running-*.lock")] == [spool._owner.path.name]
