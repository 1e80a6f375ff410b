"""No thread is the first to decode into a struct while another one does: msgspec would end the process."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from agent import app, service
from agent.config import AgentConfig
from agent.wire import codec, shapes
from tests.fakes import records
from tests.fakes.probe_shape import Probe

ROOT = Path(__file__).parents[3]
AT_ONCE = f"""
import sys, threading
sys.path.insert(0, {str(ROOT)!r})
from agent.wire import codec, shapes
shapes.build_all()
sys.setswitchinterval(1e-6)
raw, ready, done = sys.stdin.buffer.read(), threading.Barrier(8), []
def go():
    ready.wait()
    done.append(codec.decode_item(raw))
threads = [threading.Thread(target=go) for _ in range(8)]
[one.start() for one in threads], [one.join() for one in threads]
sys.exit(len(done) != 8)
"""


def test_what_is_built_is_not_worked_out_by_who_reads_first(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not Probe(monkeypatch).is_built()
    probe = Probe(monkeypatch)
    shapes.build_all()
    assert probe.is_built()


def test_the_agent_builds_before_its_threads_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def full(*_given: object) -> None:
        raise OSError("no room")

    probe = Probe(monkeypatch)
    monkeypatch.setattr(app, "open_spool", full)
    with pytest.raises(OSError, match="no room"):
        service.run(AgentConfig(), tmp_path, app.make_ports(), version="0")
    assert probe.is_built()


def test_the_strict_shapes_of_records_are_made_with_the_module() -> None:
    assert {"StrictMeasurement", "StrictDiary"} <= {
        one.__name__ for one in shapes._below(msgspec.Struct) if one.__module__ == codec.__name__
    }


def test_the_first_batches_may_come_at_the_same_moment() -> None:
    raw = msgspec.json.encode(records.a_measurement())
    done = subprocess.run([sys.executable, "-c", AT_ONCE], input=raw, capture_output=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, b"")
