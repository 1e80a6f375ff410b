"""`spool export`: where the records go, and where what is said about them goes."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agent.commands import cli
from agent.spool.store import Spool
from tests.agent.spool.records import fill
from tests.fakes.agent_world import FakeClock, SeededRandomness

SAID = b"3 records written.\n"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    with Spool.open(tmp_path / "d", clock=FakeClock(), randomness=SeededRandomness(1)) as spool:
        fill(spool, 1, 2, 3)
    return tmp_path / "d"


def is_whole(written: bytes) -> bool:
    return [json.loads(line)["record"]["kind"] for line in written.splitlines()] == ["measurement"] * 3


def export(data: Path, name: str, **where: Any) -> subprocess.CompletedProcess[bytes]:
    words = [sys.executable, "-m", "agent", "spool", "export", name, "--data", str(data)]
    return subprocess.run(words, stderr=subprocess.PIPE, timeout=60, **where)


@pytest.mark.parametrize("name", ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_the_output_by_whatever_name_holds_nothing_but_records(data: Path, name: str) -> None:
    if name != "-" and not Path(name).exists():
        pytest.skip("a name of Linux")
    done = export(data, name, stdout=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (0, SAID)
    assert is_whole(done.stdout)


@pytest.mark.skipif(not Path("/dev/stdout").exists(), reason="names of Linux")
@pytest.mark.parametrize("name", ["/dev/stdout", "out.jsonl"])
def test_a_file_that_the_output_was_led_into_is_continued(data: Path, tmp_path: Path, name: str) -> None:
    target = tmp_path / "out.jsonl"
    target.write_bytes(b"before\n")
    with target.open("ab") as out:
        done = export(data, str(tmp_path / name), stdout=out)
    assert (done.returncode, done.stderr) == (0, SAID)
    before, records = target.read_bytes().split(b"\n", 1)
    assert before == b"before" and is_whole(records)


def told(capfd: pytest.CaptureFixture[str], data: Path, file: Path | str) -> tuple[int, str, str]:
    code = cli.guarded(lambda: cli._dispatch(["spool", "export", str(file), "--data", str(data)]))
    sys.stdout.flush()
    out, err = capfd.readouterr()
    return int(code), out, err


def test_a_file_is_written_as_a_whole(data: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "out.jsonl"
    target.write_bytes(b"yesterday")
    assert told(capfd, data, target) == (0, f"3 records written to {target}.\n", "")
    assert is_whole(target.read_bytes())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d", "out.jsonl"]


@pytest.mark.parametrize(
    ("name", "why"),
    [("none/x", "there is no folder"), ("d", "it is a folder"), ("file/x", "is no folder"), ("", "empty")],
)
def test_a_place_where_no_file_can_be_is_a_mistake_in_the_words(
    data: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str, why: str
) -> None:
    (tmp_path / "file").write_bytes(b"x")
    code, out, err = told(capfd, data, tmp_path / name if name else "")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert why in err


def test_the_spool_is_not_what_is_written_to(data: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = (data / "spool.sqlite3").read_bytes()
    code, out, err = told(capfd, data, data / "spool.sqlite3")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert (data / "spool.sqlite3").read_bytes() == before


@pytest.mark.parametrize("name", ["identity/out.jsonl", "identity/identity-1", "out.jsonl", "none/out.jsonl", "c.toml"])
def test_no_record_goes_among_the_files_of_the_agents_own(
    data: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    (data / "identity").mkdir()
    (data / "identity" / "identity-1").write_bytes(b"a key")
    (tmp_path / "c.toml").write_bytes(b"[agent]\n")

    def names() -> list[Path]:
        return sorted(path for path in tmp_path.rglob("*") if not path.name.startswith("spool.sqlite3"))

    before = names()
    target = (tmp_path if name == "c.toml" else data) / name
    code = cli.guarded(
        lambda: cli._dispatch(
            ["spool", "export", str(target), "--data", str(data), "--config", str(tmp_path / "c.toml")]
        )
    )
    out, err = capfd.readouterr()
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err == f"{target} could not be written: this program keeps files of its own there. Name another file.\n"
    assert names() == before
    assert (data / "identity" / "identity-1").read_bytes() == b"a key"
    assert (tmp_path / "c.toml").read_bytes() == b"[agent]\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_full_disk_is_a_fault_also_where_nothing_is_stored(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    Spool.open(tmp_path / "e", clock=FakeClock(), randomness=SeededRandomness(1)).close()
    code, out, err = told(capfd, tmp_path / "e", "/dev/full")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "no room" in err
    with open("/dev/full", "wb") as full:  # noqa: PTH123 -- no path of ours
        done = export(tmp_path / "e", "-", stdout=full)
    assert (done.returncode, done.stderr) == (1, b"Cannot write the output (No space left on device).\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_full_disk_is_a_fault(data: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code, out, err = told(capfd, data, "/dev/full")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "no room" in err
    with open("/dev/full", "wb") as full:  # noqa: PTH123 -- no path of ours
        done = export(data, "-", stdout=full)
    assert (done.returncode, done.stderr) == (1, b"Cannot write the output (No space left on device).\n")


def test_a_reader_that_has_seen_enough_is_no_fault(data: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = export(data, "/dev/stdout" if Path("/dev/stdout").exists() else "-", stdout=writing)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")
