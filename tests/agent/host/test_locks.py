"""One daemon per data directory, and locks that end with their holder."""

import subprocess
import sys
from pathlib import Path

import pytest

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
