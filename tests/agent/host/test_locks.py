"""One daemon per data directory, and locks that end with their holder."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agent import locks, statusfile
from agent.errors import EnlaceError
from agent.host.locks import hold_agent_lock, is_agent_running
from agent.locks import FileLock
from agent.wire.vocabulary import ExitCode

ROOT = Path(__file__).parents[3]


def test_a_second_daemon_is_refused_with_its_own_exit_code(tmp_path: Path) -> None:
    first = hold_agent_lock(tmp_path / "data")

    with pytest.raises(EnlaceError, match="Another agent already runs") as refused:
        hold_agent_lock(tmp_path / "data")

    assert refused.value.exit_code is ExitCode.RUNNING
    assert is_agent_running(tmp_path / "data")
    first.release()
    assert not is_agent_running(tmp_path / "data")
    hold_agent_lock(tmp_path / "data").release()


@pytest.mark.parametrize(
    ("pid", "runs"),
    [(os.getpid(), True), (2**22 + 1, False), (None, False), ("1", False)],
    ids=["ours", "nobody's", "none", "no number"],  # the same in every process that runs tests
)
def test_a_lock_of_another_account_is_asked_by_the_process_that_the_status_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pid: object, runs: bool
) -> None:
    (tmp_path / "agent.lock").touch()
    statusfile.write(tmp_path, {"pid": pid})

    def forbidden(lock: FileLock) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied", str(lock.path))

    monkeypatch.setattr(FileLock, "try_acquire", forbidden)
    assert is_agent_running(tmp_path) is runs


def test_asking_leaves_nothing_behind(tmp_path: Path) -> None:
    assert not is_agent_running(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "agent.lock").mkdir()

    with pytest.raises(EnlaceError, match="cannot be written"):
        hold_agent_lock(tmp_path)


def test_a_lock_belongs_to_its_object(tmp_path: Path) -> None:
    one, other = FileLock(tmp_path / "x"), FileLock(tmp_path / "x")

    assert one.try_acquire() and one.try_acquire()
    assert not other.try_acquire()
    one.release()
    one.release()
    assert other.try_acquire()
    other.release(remove=True)
    assert not (tmp_path / "x").exists()


def test_a_file_that_is_removed_while_it_is_being_locked_is_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = FileLock(tmp_path / "x"), FileLock(tmp_path / "x")
    assert first.try_acquire()
    lock_it = locks._try_lock

    def late(descriptor: int) -> bool:
        first.release(remove=True)  # after the second one has opened the file
        return lock_it(descriptor)

    monkeypatch.setattr(locks, "_try_lock", late)
    assert second.try_acquire()
    monkeypatch.undo()

    assert (tmp_path / "x").exists()
    assert not FileLock(tmp_path / "x").try_acquire()
    second.release()


CONTENDER = """
import os, sys
from pathlib import Path
from agent.locks import FileLock
place = Path(sys.argv[1])
for _ in range(400):
    lock = FileLock(place / "x")
    if lock.try_acquire():
        os.close(os.open(place / "inside", os.O_CREAT | os.O_EXCL))  # fails if another one is inside as well
        os.unlink(place / "inside")
        lock.release(remove=True)
"""


def test_never_two_hold_a_lock_whose_file_comes_and_goes(tmp_path: Path) -> None:
    words = [sys.executable, "-c", CONTENDER, str(tmp_path)]
    contenders = [subprocess.Popen(words, cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    assert [each.communicate(timeout=60)[1] for each in contenders] == ["", "", ""]


def test_a_killed_holder_gives_its_lock_back(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from agent.locks import FileLock;"
        "lock = FileLock(Path(sys.argv[1])); print(lock.try_acquire(), flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "x")],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as holder:  # fmt: skip
        assert holder.stdout is not None
        assert holder.stdout.readline() == "True\n"
        assert not FileLock(tmp_path / "x").try_acquire()
        holder.kill()
    lock = FileLock(tmp_path / "x")
    assert lock.try_acquire()
    lock.release()
