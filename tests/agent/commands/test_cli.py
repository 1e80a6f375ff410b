"""The commands as scripts see them: exit codes, one JSON object, one sentence, never a traceback."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from nacl.signing import SigningKey

from agent.app import TEST_LOCK
from agent.commands import cli, present
from agent.errors import EnlaceError
from agent.host.locks import hold_agent_lock
from agent.locks import FileLock
from agent.spool.store import Spool
from agent.uplink.contact import ENROL_REFUSED
from agent.wire import codec
from agent.wire.records import Failure, Measurement
from agent.wire.vocabulary import ExitCode, FailureCode, Phase, Status, Tier, Trigger
from tests.fakes.agent_world import FakeClock, SeededRandomness
from tests.fakes.collector import KEY, OTHER_KEY, FakeCollector, HttpFront, token_text, unsigned
from tests.fakes.open_testpoint import open_testpoint

NOWHERE = "http://127.0.0.1:1"


@pytest.fixture(scope="module")
def test_point() -> Iterator[str]:
    with open_testpoint() as url:
        yield url


class Told:
    """What a command did."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def last(self) -> Any:
        return json.loads(self.out.splitlines()[-1])


@pytest.fixture
def agent(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)

    def run(*words: str, data: Path | None = tmp_path / "d", config: str | None = None) -> Told:
        place = tmp_path / "config.toml"
        place.write_text(config or "[agent]\n")
        given = [*words, "--config", str(place)] + (["--data", str(data)] if data else [])
        code = cli.guarded(lambda: cli._dispatch(given))
        sys.stdout.flush()
        told = capfdbinary.readouterr()
        return Told(int(code), told.out.decode(), told.err.decode())

    return run


def enrolled(agent: Any, front: HttpFront) -> None:
    told = agent("enrol", "--collector", front.url, "--token", token_text())
    assert told.code == 0, told.err
    assert "Escola São João (00123)" in told.out


# --- test without enrolment -----------------------------------------------------------------------------------------


def test_a_test_without_enrolment_prints_the_record_and_stores_nothing(
    agent: Any, test_point: str, tmp_path: Path
) -> None:
    told = agent("test", "--server", test_point, "--json", "--max-bytes", "300000")
    assert told.code == 0, told.err
    decoded = codec.decode_item(told.out.splitlines()[-1].encode())
    assert isinstance(decoded.record, Measurement) and decoded.record.status is Status.OK
    assert decoded.unknown == {}
    assert not (tmp_path / "d").exists()


@pytest.mark.parametrize("engine", ["librespeed", "ndt7"])
def test_a_cap_of_one_window_still_makes_a_figure_that_says_at_least(agent: Any, test_point: str, engine: str) -> None:
    told = agent("test", "--server", test_point, "--engine", engine, "--json", "--max-bytes", "150000")
    assert told.code == 0, told.err
    for direction in (told.last["download"], told.last["upload"]):
        assert direction["bps"] > 100_000
        assert (direction["lower_bound"], direction["confidence"]) == (True, "low")


def test_people_get_a_table_and_a_sentence(agent: Any, test_point: str) -> None:
    told = agent("test", "--server", test_point, "--max-bytes", "300000")
    assert told.code == 0
    assert "Download" in told.out and "Mbit/s down" in told.out.splitlines()[-1]


def test_a_server_that_is_away_is_exit_3_and_one_sentence(agent: Any) -> None:
    told = agent("test", "--server", NOWHERE)
    assert told.code == ExitCode.NETWORK
    told = agent("test", "--server", NOWHERE, "--json")
    assert told.code == ExitCode.NETWORK
    assert (told.last["status"], told.last["download"]) == ("failed", None)
    assert told.err.count("\n") == 1


def test_without_anything_to_measure_it_says_what_to_do(agent: Any) -> None:
    told = agent("test", "--json")
    assert told.code == ExitCode.REFUSED
    assert told.last["error"]["exit_code"] == 4 and "--server" in told.last["error"]["sentence"]


@pytest.mark.parametrize(
    "words",
    [
        ("test", "--server", "no address"), ("test", "--engine", "iperf"), ("tset",), ("test", "--max-bytes", "-1"),
        ("test", "--sever", NOWHERE), ("enrol", "--collector", "x", "--token", token_text()),
        ("enrol", "--collector", NOWHERE, "--token", "ENL1-NONSENSE"),
        ("test", "--server", "ws://127.0.0.1:9", "--engine", "ookla"), ("test", "--server", ""),
        ("test", "--server", " "),
        ("test", "--server", "http://a..b"), ("test", "--server", "http://test.example:0"),
        ("enrol", "--collector", "", "--token", token_text()), ("enrol", "--collector", NOWHERE, "--token", ""),
        ("enrol", "--collector", "http://a..b", "--token", token_text()),
        ("enrol", "--collector", "http://aluno:NONSENSE@127.0.0.1:9", "--token", token_text()),
    ],
)  # fmt: skip
def test_a_mistake_of_a_person_is_exit_2_and_a_sentence(agent: Any, words: tuple[str, ...]) -> None:
    told = agent(*words)
    assert told.code == ExitCode.USAGE
    assert told.err.strip().count("\n") == 0 and "Traceback" not in told.err
    assert told.err.strip() and "NONSENSE" not in told.err + told.out


@pytest.mark.parametrize("cap", ["1", "2", "1000", "99999", "1000000000001", "99999999999999999999999999"])
def test_a_cap_that_no_test_can_have_is_refused_before_anything_is_asked(agent: Any, cap: str) -> None:
    for more in ((), ("--force",)):
        told = agent("test", "--server", NOWHERE, "--max-bytes", cap, *more)
        assert told.code == ExitCode.USAGE
        assert told.err.count("\n") == 1 and "100000" in told.err and told.out == ""


@pytest.mark.parametrize(
    "words", ["status --data=", "status --config=", "run --data=", "--data= run", "doctor --config="]
)
def test_an_empty_place_is_not_the_usual_one(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.guarded(lambda: cli._dispatch(words.split())) == ExitCode.USAGE
    assert "empty" in capsys.readouterr().err


@pytest.mark.parametrize("word", ["status", "test", "run", "doctor", "spool list"])
def test_a_misspelt_key_stops_every_command(agent: Any, word: str) -> None:
    told = agent(*word.split(), config="[agent]\nday_byte = 5\n")
    assert told.code == ExitCode.USAGE and "day_bytes" in told.err


def test_a_second_test_is_exit_5(agent: Any, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    lock = FileLock(tmp_path / "d" / TEST_LOCK)
    assert lock.try_acquire()
    told = agent("test", "--server", NOWHERE)
    lock.release()
    assert told.code == ExitCode.RUNNING


def test_a_second_daemon_is_exit_5(agent: Any, tmp_path: Path) -> None:
    lock = hold_agent_lock(tmp_path / "d")
    told = agent("run")
    lock.release()
    assert told.code == ExitCode.RUNNING and told.err.count("\n") == 1


def test_a_proxy_password_shows_nowhere(agent: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    collector = FakeCollector()
    collector.always = unsigned(407)
    with HttpFront(collector) as front:
        monkeypatch.setenv("HTTP_PROXY", front.url.replace("http://", "http://aluno:S3nh%40x@"))
        told = agent("enrol", "--collector", "http://collector.invalid", "--token", token_text())
        doctor = agent("doctor", "--json")
    assert told.code == ExitCode.NETWORK and "407" in told.err
    monkeypatch.setenv("HTTP_PROXY", "http://aluno:S3nh@x@127.0.0.1:99999")
    broken = agent("doctor")
    assert broken.code == ExitCode.USAGE and "HTTP_PROXY" in broken.err
    seen = told.out + told.err + doctor.out + doctor.err + broken.err
    seen += "".join(path.read_bytes().decode("latin-1") for path in tmp_path.rglob("*") if path.is_file())
    assert "S3nh" not in seen


# --- as a device ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [KEY, OTHER_KEY])
def test_a_device_that_cannot_be_enrolled_anew_stays_what_it_was(agent: Any, key: SigningKey) -> None:
    """Neither its own collector, which is away, nor another one has changed anything."""
    with HttpFront(FakeCollector()) as front:
        enrolled(agent, front)
    before = agent("status", "--json").last["device"]
    told = agent("enrol", "--collector", NOWHERE, "--token", token_text(key))
    assert told.code == ExitCode.NETWORK
    assert "stays enrolled as it was before" in told.err and "not enrolled" not in told.err
    assert agent("status", "--json").last["device"] == before


def test_enrol_test_status_and_spool_walk_together(agent: Any, test_point: str) -> None:
    collector = FakeCollector()
    port = int(test_point.rpartition(":")[2])
    collector.servers = [{"id": "tp", "engine": "ndt7", "url": test_point, "udp_port": port}]
    with HttpFront(collector) as front:
        enrolled(agent, front)
        told = agent("test", "--json", "--max-bytes", "300000")
        assert told.code == 0, told.err
        assert (told.last["trigger"], told.last["lease_id"]) == ("manual", "lease-1")
        assert list(collector.stored) == [told.last["rid"]]  # no daemon: handed over at once
        status = agent("status", "--json").last
        assert (status["waiting"], status["running"], status["kind"]) == (0, False, "good")
        assert status["ledger"]["acked"] == 1 and status["school"]["code"] == "00123"
        doctor = agent("doctor", "--json")
        bad = [one["check"] for one in doctor.last["checks"] if not one["good"]]
        assert bad == ["clock", "daemon"], doctor.out  # the fake collector lives in another time
    away = agent("test", "--json", "--max-bytes", "300000")
    assert away.code == 0 and away.last["lease_id"] is None
    status = agent("status", "--json").last
    assert status["waiting"] == 1 and "nothing answers" in status["why"]
    assert "waiting" in agent("status").out.lower()
    (newest, _) = [json.loads(line) for line in agent("spool", "list", "--json").out.splitlines()]
    assert (newest["rid"], newest["state"]) == (away.last["rid"], "ready")
    assert agent("spool", "list").out.count("\n") == 2


def test_a_person_who_enrols_anew_lets_the_daemon_use_the_token_again(agent: Any, tmp_path: Path) -> None:
    with HttpFront(FakeCollector()) as front:
        enrolled(agent, front)
        with Spool.open(tmp_path / "d", clock=FakeClock(), randomness=SeededRandomness(1)) as spool:
            spool.set_state(ENROL_REFUSED, "of this token")
        enrolled(agent, front)
    with Spool.open(tmp_path / "d", clock=FakeClock(), randomness=SeededRandomness(1)) as spool:
        assert spool.get_state(ENROL_REFUSED) is None


def test_a_refused_lease_is_exit_4_and_force_goes_on(agent: Any, test_point: str) -> None:
    collector = FakeCollector()
    collector.servers = [{"id": "tp", "engine": "ndt7", "url": test_point, "udp_port": None}]
    collector.lease_refusal = "enough"
    with HttpFront(collector) as front:
        enrolled(agent, front)
        told = agent("test", "--json")
        assert told.code == ExitCode.REFUSED and "--force" in told.last["error"]["sentence"]
        assert agent("test", "--json", "--force", "--max-bytes", "300000").code == 0


def test_exported_records_are_lines_of_json(agent: Any, test_point: str, tmp_path: Path) -> None:
    collector = FakeCollector()
    with HttpFront(collector) as front:
        enrolled(agent, front)
        assert agent("test", "--server", test_point, "--max-bytes", "300000").code == 0
        file = tmp_path / "José.jsonl"
        assert agent("spool", "export", str(file)).code == 0
    (line,) = file.read_text().splitlines()
    assert json.loads(line)["record"]["kind"] == "measurement"


def test_a_full_disk_is_one_sentence_and_what_waits_stays(agent: Any, test_point: str, tmp_path: Path) -> None:
    full = "[agent]\nmin_free_disk_bytes = 1000000000000\n"
    if shutil.disk_usage(tmp_path).free >= 1_000_000_000_000:
        pytest.skip("no configuration calls this disk full")
    collector = FakeCollector()
    with HttpFront(collector) as front:
        enrolled(agent, front)
        collector.always = unsigned(503)
        assert agent("test", "--server", test_point, "--max-bytes", "600000").code == 0
        told = agent("test", "--server", test_point, "--json", config=full)
        assert told.code == ExitCode.FAULT and "There is no space in" in told.last["error"]["sentence"]
        told = agent("test", "--server", test_point, config=full)
        assert told.code == ExitCode.FAULT and told.err.count("\n") == 1 and "There is no space in" in told.err
        assert agent("status", "--json", config=full).last["waiting"] == 1
        assert agent("spool", "list", config=full).code == 0


def test_a_revoked_token_is_exit_4_in_words(agent: Any) -> None:
    collector = FakeCollector()
    collector.enrol_refusal = "token_revoked"
    with HttpFront(collector) as front:
        told = agent("enrol", "--collector", front.url, "--token", token_text())
    assert told.code == ExitCode.REFUSED and "withdrawn" in told.err


PROGRAM = [sys.executable, "-m", "agent"]


def test_a_terminal_without_the_letter_is_no_fault(agent: Any, tmp_path: Path) -> None:
    with HttpFront(FakeCollector()) as front:
        enrolled(agent, front)
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"}
    for words in (["status"], ["status", "--json"], ["doctor"]):
        command = [*PROGRAM, *words, "--data", str(tmp_path / "d")]
        done = subprocess.run(command, capture_output=True, env=environment, check=False)
        assert b"Traceback" not in done.stderr and b"00123" in done.stdout


# --- small things ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "places"),
    [
        (["run"], (None, None)),
        (["run", "--data", "d"], (None, Path("d"))),
        (["--config=c", "run", "--data=d"], (Path("c"), Path("d"))),
        (["--data", "d", "run"], (None, Path("d"))),
    ],
)
def test_run_is_read_without_the_library(words: list[str], places: tuple[Path | None, Path | None]) -> None:
    assert cli.run_places(words) == places


@pytest.mark.parametrize(
    "words",
    [[], ["run", "--data"], ["run", "--help"], ["test"], ["run", "now"], ["run", "--data="], ["run", "--data", " "]],
)
def test_anything_else_is_left_to_the_library(words: list[str]) -> None:
    assert cli.run_places(words) is None


def test_a_fault_of_ours_is_a_sentence_too(capsys: pytest.CaptureFixture[str]) -> None:
    def broken() -> int:
        raise RuntimeError("secret")

    assert cli.guarded(broken) == ExitCode.FAULT
    told = capsys.readouterr().err
    assert "RuntimeError at test_cli.py" in told and "secret" not in told


def test_every_kind_of_fault_has_its_code(capsys: pytest.CaptureFixture[str]) -> None:
    def raising(error: BaseException) -> int:
        raise error

    assert cli.guarded(lambda: raising(KeyboardInterrupt())) == ExitCode.INTERRUPTED
    assert cli.guarded(lambda: raising(EnlaceError("a.", exit_code=ExitCode.REFUSED))) == ExitCode.REFUSED
    assert cli.guarded(lambda: raising(FileNotFoundError(2, "No such file", "x"))) == ExitCode.FAULT
    assert "x: No such file." in capsys.readouterr().err


@pytest.mark.parametrize("code", FailureCode)
def test_every_failure_is_a_sentence(code: FailureCode) -> None:
    record = Measurement(
        rid="r", status=Status.FAILED, failure=Failure(phase=Phase.DOWNLOAD, code=code), tier=Tier.CAPACITY,
        trigger=Trigger.MANUAL, started_at="2026-11-24T13:05:09.123Z",
    )  # fmt: skip
    assert present.sentence(record).endswith(".")
