"""Something else lies where a file of the agent's own should: nothing hangs, nothing is taken for what it is not."""

import json
import logging
import os
import shutil
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent import app, log, statusfile
from agent.commands import cli
from agent.errors import EnlaceError
from agent.host.locks import AGENT_LOCK, hold_agent_lock, is_agent_running
from agent.spool.store import Spool
from agent.uplink.identity import IdentityStore
from agent.wire.vocabulary import ExitCode
from tests.agent.spool.records import fill
from tests.fakes.agent_lab import Lab
from tests.fakes.agent_world import FakeClock, SeededRandomness
from tests.fakes.records import a_rid

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pipes, sockets and links of POSIX")

Put = Callable[[Path], None]


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(path))  # a name of at most 100 letters


KINDS: dict[str, Put] = {
    "directory": lambda path: (path / "below").mkdir(parents=True),
    "dangling link": lambda path: path.symlink_to(path.parent / "nowhere" / "none"),
    "link to itself": lambda path: path.symlink_to(path),
    "pipe": os.mkfifo,
    "socket": _socket,
    "endless device": lambda path: path.symlink_to("/dev/zero"),
}


@pytest.fixture(params=KINDS)
def put(request: pytest.FixtureRequest) -> Put:
    """Puts something into the place of a file."""

    def replace(path: Path) -> None:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        KINDS[request.param](path)

    return replace


def within_s(seconds: float, work: Callable[[], Any]) -> Any:
    """Return what the work returns, or its error; a work that waits for a pipe fails instead of holding all up."""
    done: list[Any] = []

    def run() -> None:
        try:
            done.append(work())
        except (EnlaceError, OSError) as error:
            done.append(error)

    worker = threading.Thread(target=run, daemon=True)
    worker.start()
    worker.join(seconds)
    assert done, "it waits, or ended in another way"
    return done[0]


def test_a_lock_is_a_file_or_refused_in_one_sentence(tmp_path: Path, put: Put) -> None:
    put(tmp_path / AGENT_LOCK)
    error = within_s(20, lambda: hold_agent_lock(tmp_path))
    assert isinstance(error, EnlaceError) and error.exit_code is ExitCode.FAULT
    assert f"{tmp_path / AGENT_LOCK} cannot be written: it is " in error.sentence
    assert within_s(20, lambda: is_agent_running(tmp_path)) is False


def test_a_status_is_replaced_or_left(tmp_path: Path, put: Put) -> None:
    for name in ("status.json", "status.json.new"):
        put(tmp_path / name)
        assert within_s(20, lambda: statusfile.read(tmp_path)) == {} or name != "status.json"
        is_written = within_s(20, lambda: statusfile.write(tmp_path, {"pid": 1}))
        assert (within_s(20, lambda: statusfile.read(tmp_path)) == {"pid": 1}) is is_written


def test_an_identity_has_two_copies_for_this(tmp_path: Path, put: Put) -> None:
    lab = Lab(tmp_path)
    lab.spool.close()
    known = lab.store.load()
    put(tmp_path / "identity" / "identity-1")
    assert within_s(20, IdentityStore(tmp_path).load) == known
    for name in ("identity-1", "identity-2"):
        put(tmp_path / "identity" / name)
    told = within_s(20, IdentityStore(tmp_path).load)
    assert told is None or "damaged" in told.sentence  # a link that leads nowhere is as good as no file


def test_what_was_spent_is_kept_elsewhere_too(tmp_path: Path, put: Put) -> None:
    def marked(number: int) -> bool:
        with Spool.open(tmp_path, clock=FakeClock(), randomness=SeededRandomness(1)) as spool:
            spool.mark_running(b"{}", a_rid(number), 1000)
        return True

    for number, name in enumerate(("spending.json", "spending.json.new")):
        put(tmp_path / name)
        assert within_s(20, lambda number=number: marked(number)) is True


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path: Path, put: Put) -> None:
    put(tmp_path / log.FILE)
    root = logging.getLogger()
    level = root.level
    try:
        within_s(20, lambda: log.start(tmp_path, "info"))
        assert within_s(20, lambda: logging.getLogger("agent").info("still here")) is None
    finally:
        log.stop()
        root.setLevel(level)


def test_a_test_whose_lock_cannot_be_had_is_held_and_the_status_says_so(tmp_path: Path, put: Put) -> None:
    lab = Lab(tmp_path)
    put(tmp_path / app.TEST_LOCK)
    lab.drive(120)
    assert lab.measure.plans == []
    assert f"{app.TEST_LOCK} cannot be written: it is " in lab.daemon.status()["test_held"]
    path = tmp_path / app.TEST_LOCK
    path.unlink() if not path.is_dir() or path.is_symlink() else shutil.rmtree(path)
    lab.drive(1200)
    assert len(lab.measure.plans) > 0 and lab.daemon.status()["test_held"] == ""
    lab.spool.close()


@pytest.mark.parametrize("name", [AGENT_LOCK, "spool.sqlite3", "status.json", "identity/identity-1", "write.lock"])
def test_who_only_looks_is_told_something_and_at_once(
    tmp_path: Path, put: Put, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with Spool.open(tmp_path, clock=FakeClock(), randomness=SeededRandomness(1)) as spool:
        fill(spool, 1)
    (tmp_path / "identity").mkdir()
    put(tmp_path / name)
    for words in ("status --json", "doctor --json", "spool list --json"):
        command = [*words.split(), "--data", str(tmp_path)]
        code = within_s(40, lambda command=command: cli.guarded(lambda: cli._dispatch(command)))
        out, err = capfd.readouterr()
        assert code in (0, 1) and "fault of this program" not in err
        assert all(json.loads(line) for line in out.splitlines())
