"""The demonstration from outside, as `make demo` runs it."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import psutil
import pytest

pytestmark = [pytest.mark.deep, pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")]
COMMAND = [sys.executable, "-m", "collector", "demo"]
SPEEDS = {"8/1/100": (8e6, 1e6, 100.0), "30/10/20": (30e6, 10e6, 20.0)}


def test_two_demonstrations_at_once_tell_their_lines_and_their_databases(tmp_path: Path) -> None:
    running = {
        line: subprocess.Popen(
            [*COMMAND, "--once", "--line", line, "--data", str(tmp_path / str(number))], stdout=subprocess.PIPE
        )
        for number, line in enumerate(SPEEDS)
    }
    for number, (line, process) in enumerate(running.items()):
        printed, _ = process.communicate(timeout=900)
        assert process.returncode == 0
        summary = json.loads(printed.splitlines()[-1])
        down_bps, up_bps, rtt_ms = SPEEDS[line]
        # Two at once on two cores: wide enough for a busy machine, too narrow for the other line.
        assert summary["download_bps"] == pytest.approx(down_bps, rel=0.25)
        assert summary["upload_bps"] == pytest.approx(up_bps, rel=0.25)
        assert summary["idle_rtt_ms"] == pytest.approx(rtt_ms, abs=30)
        assert summary["schools"] == 121
        assert {"INSUFFICIENT", "BELOW", "BORDERLINE", "MEETS"} <= set(summary["verdicts"])
        _check_against_database(tmp_path / str(number), summary)


def _check_against_database(data: Path, summary: dict[str, Any]) -> None:
    database = sqlite3.connect(data / "collector.sqlite3")
    one = "SELECT download_bps, upload_bps, idle_rtt_ms FROM measurements WHERE school = 'this-computer'"
    assert database.execute(one).fetchone() == tuple(
        summary[name] for name in ("download_bps", "upload_bps", "idle_rtt_ms")
    )
    assert database.execute("SELECT count(*) FROM measurements").fetchone()[0] == summary["measurements_stored"]
    still_open = "SELECT count(*) FROM flags WHERE state IN ('open', 'recovering')"
    assert database.execute(still_open).fetchone()[0] == summary["flags_open"] > 0
    newest = (
        "SELECT verdict, count(*) FROM evaluations AS e "
        "WHERE day = (SELECT max(day) FROM evaluations AS f WHERE f.school = e.school) GROUP BY verdict"
    )
    assert dict(database.execute(newest).fetchall()) == summary["verdicts"]
    database.close()
    logs = "".join(path.read_text("utf-8", "replace") for path in data.rglob("*.log"))
    assert "Traceback" not in logs


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("after", ["Writing", "Judging", "Measuring", "Ctrl-C"])
def test_however_it_ends_all_children_end_within_seconds(tmp_path: Path, after: str, number: signal.Signals) -> None:
    own = {**os.environ, "TMPDIR": str(tmp_path)}  # who is killed leaves its files
    with subprocess.Popen(COMMAND, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=own) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith(after):
                break
        family = psutil.Process(process.pid).children(recursive=True)
        drain = threading.Thread(target=process.stderr.read)
        drain.start()
        os.kill(process.pid, number)
        process.wait(timeout=15)
        drain.join()
    # Who was asked to end has waited for them; who was killed has not.
    _gone, alive = psutil.wait_procs(family, timeout=1 if number == signal.SIGINT else 6)
    assert not [child for child in alive if _is_running(child)]
    assert process.returncode in (0, 130, -signal.SIGKILL)


def _is_running(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)  # dead, and only its foster parent has not looked
    except psutil.NoSuchProcess:
        return False


def test_the_password_is_printed_once(tmp_path: Path) -> None:
    done = subprocess.run([*COMMAND, "--once"], capture_output=True, text=True, check=True, timeout=600)
    assert len(re.findall(r"password [0-9a-f]{18}", done.stderr)) == 1
    assert "password" not in done.stdout
