"""The program as the system starts it: what it loads, and what it does with an output that is closed or full."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROGRAM = [sys.executable, "-m", "agent"]


def test_the_version_needs_nothing_heavy() -> None:
    code = "import sys, agent.commands.cli as cli\nsys.argv=['a','--version']\n"
    code += "try:\n cli.main()\nexcept SystemExit: pass\n"
    code += "print(sorted({'requests','rich','click','apscheduler','nacl','sqlite3'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "0.1" in done.stdout


def test_run_loads_no_library_of_commands() -> None:
    code = "import sys, agent.commands.cli, agent.service, agent.real.scheduler, agent.uplink.transport\n"
    code += "print(sorted({'rich','click','psutil','collector','flask','sqlalchemy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_reader_that_has_seen_enough_is_no_fault(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    words = [*PROGRAM, "status", "--json", "--data", str(tmp_path)]
    done = subprocess.run(words, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert done.returncode == 0 and done.stderr == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_an_output_that_cannot_be_written_is_exit_1(tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        words = [*PROGRAM, "status", "--data", str(tmp_path)]
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1 and b"Cannot write the output" in done.stderr


@pytest.mark.parametrize("zone", ["BRT3", "XYZ", "America/Sao Paulo", ""])
def test_a_zone_that_nobody_knows_does_not_stop_the_start(zone: str, tmp_path: Path) -> None:
    code = (
        "import datetime\nfrom agent.real.scheduler import SteadyScheduler\n"
        "s = SteadyScheduler([], lambda: 0, lambda: False)\ns.start()\ns.shutdown()\nprint('good')"
    )
    environment = {**os.environ, "TZ": zone}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert done.stdout.strip() == "good", done.stderr


def test_a_closed_output_is_no_fault(tmp_path: Path) -> None:
    """Service managers and scripts start programs without an output."""
    words = " ".join([*PROGRAM, "--help"])
    done = subprocess.run(["sh", "-c", f"{words} >&-"], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_login_in_an_address_is_not_repeated() -> None:
    words = [*PROGRAM, "test", "--json", "--server", "http://user:pa55w0rd@127.0.0.1:1"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "pa55w0rd" not in done.stdout + done.stderr


@pytest.mark.parametrize("words", [["status", "--json", "--foo"], ["test", "--json", "--max-bytes", "x"]])
def test_a_mistake_in_the_words_is_one_object_too(words: list[str]) -> None:
    done = subprocess.run([*PROGRAM, *words], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "error" in json.loads(done.stdout)
    assert done.stderr.count("\n") == 1


@pytest.mark.skipif(os.name != "posix", reason="rights of POSIX")
@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_what_the_agent_keeps_is_not_for_others_but_for_its_status(tmp_path: Path, umask: int) -> None:
    data, config = tmp_path / "data", tmp_path / "config.toml"
    config.write_text("[agent]\nlight_interval_s = 1\n")
    words = [*PROGRAM, "run", "--data", str(data), "--config", str(config)]
    with subprocess.Popen(words, umask=umask) as daemon:
        try:
            until = time.monotonic() + 60
            while not all((data / name).exists() for name in ("status.json", "agent.log", "spool.sqlite3")):
                assert daemon.poll() is None and time.monotonic() < until
                time.sleep(0.05)
            rights = {path.name: path.stat().st_mode & 0o777 for path in data.iterdir()}
        finally:
            daemon.terminate()
            assert daemon.wait(30) == 0
    assert rights.pop("status.json") == 0o644
    assert {"agent.lock", "agent.log", "spending.json", "spool.sqlite3", "write.lock"} <= set(rights)
    assert set(rights.values()) == {0o640 & ~umask}
