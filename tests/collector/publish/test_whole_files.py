"""A file of an export appears under its name when it is whole; where it cannot, one sentence says why."""

import errno
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from agent.wire.vocabulary import ExitCode
from collector.errors import CollectorError
from collector.publish import export

IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    assert export.write_file(target, [b"good\n", b"file\n"]) == 10

    def breaking() -> Iterator[bytes]:
        yield b"half"
        raise OSError(28, "No space left on device")

    for name in ("out.csv", "new.csv"):
        with pytest.raises(CollectorError) as caught:
            export.write_file(tmp_path / name, breaking())
        assert caught.value.sentence == (
            f"{tmp_path / name} could not be written: there is no room left. A file of that name is as it was before. "
            "Make room, or name another file."
        )
        assert caught.value.exit_code == ExitCode.FAULT
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"out.csv": b"good\nfile\n"}


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_middle_leaves_yesterdays_file(tmp_path: Path, number: signal.Signals) -> None:
    target = tmp_path / "out.csv"
    target.write_bytes(b"yesterday")
    program = (
        "import signal, threading; from pathlib import Path; from collector.publish import export\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests may ignore it\n"
        "def pieces():\n"
        "    yield b'half'\n"
        "    print('begun', flush=True)\n"
        "    threading.Event().wait(60)\n"
        f"export.write_file(Path({str(target)!r}), pieces())\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"begun\n"
        child.send_signal(number)
        assert child.wait(30) != 0
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"out.csv": b"yesterday"}


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX links and pipes")
def test_a_link_stays_a_link_and_a_pipe_stays_a_pipe(tmp_path: Path) -> None:
    real, link, pipe = tmp_path / "real.csv", tmp_path / "link.csv", tmp_path / "pipe"
    real.write_bytes(b"yesterday")
    link.symlink_to(real)
    os.mkfifo(pipe)
    export.write_file(link, iter([b"today"]))
    assert link.is_symlink() and real.read_bytes() == b"today"
    with subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE) as reader:
        assert export.write_file(pipe, iter([b"to", b"day"])) == 5
        assert reader.communicate(timeout=30)[0] == b"today"
    assert pipe.is_fifo()


def refused(target: Path) -> str:
    before = sorted(target.parent.rglob("*")) if target.parent.is_dir() else []
    why = told(target)
    assert before == (sorted(target.parent.rglob("*")) if target.parent.is_dir() else [])
    return why


def told(target: Path) -> str:
    with pytest.raises(CollectorError) as caught:
        export.write_file(target, [b"x"])
    assert caught.value.exit_code == ExitCode.USAGE
    start, end = f"{target} could not be written: ", ". Name another file."
    assert caught.value.sentence.startswith(start) and caught.value.sentence.endswith(end)
    return caught.value.sentence[len(start) : -len(end)]


def test_a_place_where_no_file_can_be_is_told_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"x")
    assert refused(tmp_path / "no" / "out.csv") == f"there is no folder {tmp_path / 'no'}"
    assert refused(tmp_path / "folder") == "it is a folder, not a file"
    assert refused(tmp_path / "file" / "out.csv") == f"{tmp_path / 'file'} is no folder"
    assert refused(tmp_path / ("x" * 300)) == "the name is too long"


def test_a_database_is_not_written_over_nor_what_lies_beside_it(tmp_path: Path) -> None:
    database = tmp_path / "collector.sqlite3"
    with closing(sqlite3.connect(database)) as known:
        known.execute("CREATE TABLE kept (x)")
    before = database.read_bytes()
    (tmp_path / "collector.sqlite3-wal").write_bytes(b"what was committed last")
    for end in ("", "-wal", "-shm", "-journal"):  # the last two are not there
        assert refused(tmp_path / f"collector.sqlite3{end}") == "it is a database, or belongs to one"
    assert database.read_bytes() == before
    for name in ("-wal", "other-wal", "collector.sqlite3.csv"):
        assert export.write_file(tmp_path / name, [b"x"]) == 1
    (tmp_path / "link").symlink_to(database)
    assert refused(tmp_path / "link") == "it is a database, or belongs to one"


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX links")
def test_links_that_lead_nowhere_are_told_too(tmp_path: Path) -> None:
    (tmp_path / "round").symlink_to(tmp_path / "round")
    assert refused(tmp_path / "round") == "its links lead round in a circle"
    (tmp_path / "link").symlink_to(tmp_path / "new.csv")
    assert export.write_file(tmp_path / "link", [b"x"]) == 1  # there was no such file yet
    assert (tmp_path / "new.csv").read_bytes() == b"x"


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="a file system of Linux")
@pytest.mark.parametrize("name", ["mem", "maps", "comm", "nothing", "attr/current"])
def test_a_file_that_the_kernel_invents_is_told_as_no_place(name: str) -> None:
    target = Path("/proc/self") / name
    assert told(target) == f"nothing can be made in {os.path.realpath(target.parent)}"


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX programs")
def test_a_program_that_runs_is_not_replaced(tmp_path: Path) -> None:
    """As /proc/self/exe would be, of whoever may write it: a copy stands for it here."""
    program = tmp_path / "program"
    shutil.copy(shutil.which("sleep") or "/bin/sleep", program)
    before = program.read_bytes()
    with subprocess.Popen([program, "60"]) as running:
        try:
            for target in (program, Path(f"/proc/{running.pid}/exe")):
                assert told(target) == "it is a program that is running"
        finally:
            running.kill()
    assert program.read_bytes() == before and list(tmp_path.iterdir()) == [program]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX devices")
def test_a_misspelt_device_does_not_become_a_file() -> None:
    try:
        assert told(Path("/dev/enlace-stdout")) == "it is a socket, or a device that is not there"
    finally:
        Path("/dev/enlace-stdout").unlink(missing_ok=True)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX links")
def test_behind_a_link_the_folder_is_the_one_that_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "no" / "new.csv")
    assert refused(tmp_path / "link") == f"there is no folder {tmp_path / 'no'}"


@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.EACCES, 2), (errno.EROFS, 2), (errno.ENOSPC, 1), (errno.EDQUOT, 1), (errno.EFBIG, 1), (errno.EIO, 1)],
)
def test_what_a_person_can_change_is_usage_and_what_the_disk_does_is_a_fault(
    tmp_path: Path, number: int, code: int
) -> None:
    def breaking() -> Iterator[bytes]:
        yield b"half"
        raise OSError(number, os.strerror(number))

    with pytest.raises(CollectorError) as caught:
        export.write_file(tmp_path / "out.csv", breaking())
    assert caught.value.exit_code == code
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(IS_ROOT or sys.platform == "win32", reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert refused(tmp_path / "out.csv") == f"this user may not write in {tmp_path}"
    tmp_path.chmod(0o600)
    assert refused(tmp_path / "out.csv") == f"this user may not write in {tmp_path}"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_full_device_is_told_as_a_full_disk() -> None:
    with pytest.raises(CollectorError, match="/dev/full could not be written: there is no room left") as caught:
        export.write_file(Path("/dev/full"), [b"x" * 100_000])
    assert caught.value.exit_code == ExitCode.FAULT


def test_a_long_name_leaves_room_for_the_one_that_is_written_under(tmp_path: Path) -> None:
    target = tmp_path / ("x" * 250 + ".csv")
    assert export.write_file(target, [b"whole"]) == 5
    assert [path.name for path in tmp_path.iterdir()] == [target.name]


def test_a_pipe_behind_a_link_is_written_to() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as end, os.fdopen(writing, "wb") as own:
        export.write_file(Path(f"/dev/fd/{own.fileno()}"), [b"a", b"b"])
        own.close()
        assert end.read() == b"ab"


@pytest.mark.skipif(not IS_ROOT, reason="only the superuser gives files away")
def test_a_file_stays_its_owners(tmp_path: Path) -> None:
    path = tmp_path / "schools.csv"
    path.write_bytes(b"old")
    os.chown(path, 1000, 1001)
    path.chmod(0o640)
    export.write_file(path, [b"new"])
    now = path.stat()
    assert (now.st_uid, now.st_gid, now.st_mode & 0o777) == (1000, 1001, 0o640)
    assert path.read_bytes() == b"new"
