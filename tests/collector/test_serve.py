"""The running collector: all parts, one part, and what it says when it cannot begin. By real processes."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from collector import operate
from collector.config import CollectorConfig, TestpointConfig
from collector.errors import CollectorError
from collector.real.world import real_ports
from collector.serve import Deployment, refuse_open_http, with_words
from collector.store.open import Store
from tests.fakes.records import a_measurement
from tests.fakes.wire_device import WireDevice, statuses
from tests.fakes.wire_device import a_deployment as parts_of

PROGRAM = [sys.executable, "-c", "from collector.cli import main; main()"]


def free_port() -> int:
    with socket.socket() as tcp:
        tcp.bind(("127.0.0.1", 0))
        return int(tcp.getsockname()[1])


def until(holds: Callable[[], Any], what: str) -> Any:
    end = time.monotonic() + 90
    while True:
        if found := holds():
            return found
        assert time.monotonic() < end, what
        time.sleep(0.05)


class Serving:
    """One deployment and the processes that serve it."""

    def __init__(self, root: Path) -> None:
        self.root, self.data = root, root / "data"
        self.port, self.testpoint = free_port(), free_port()
        self.config = root / "config.toml"
        self.config.write_text(
            f"[collector]\nport = {self.port}\n[testpoint]\nport = {self.testpoint}\n", encoding="utf-8"
        )
        operate.init(self.data, real_ports())
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        log = (self.root / "out.log").open("ab")
        command = [*PROGRAM, *words, "--config", str(self.config), "--data", str(self.data)]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        log.close()
        self.running.append(process)
        return process

    def said(self) -> str:
        return (self.root / "out.log").read_text(encoding="utf-8", errors="replace")

    def health(self) -> Any:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=5) as answer:
                return json.loads(answer.read())
        except (OSError, urllib.error.URLError):
            return None

    def test_point_answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.testpoint), 1).close()
        except OSError:
            return False
        return True

    def close(self) -> None:
        for process in self.running:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(30)


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    made = Serving(tmp_path)
    yield made
    made.close()
    assert "Traceback" not in made.said()


@pytest.mark.xdist_group("e2e")
@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.deep)])
def test_all_parts_run_are_started_again_and_end_together(serving: Serving, number: signal.Signals) -> None:
    process = serving.start("serve")
    until(serving.health, "the web server answers")
    until(serving.test_point_answers, "the test point answers")
    parent = psutil.Process(process.pid)
    children = parent.children()
    assert len(children) == 3
    web = next(child for child in children if "web" in child.cmdline())
    web.kill()
    until(lambda: serving.health() is None, "it is gone")
    until(serving.health, "it is started again")
    children = parent.children()
    process.send_signal(number)
    assert process.wait(30) == 0
    until(lambda: not any(child.is_running() for child in children), "every child has ended")
    assert serving.health() is None


@pytest.mark.xdist_group("e2e")
def test_a_port_that_is_taken_is_said_and_ends_everything(serving: Serving) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", serving.port))
        taken.listen()
        process = serving.start("serve")
        assert process.wait(60) == 3
    assert f"cannot listen on 127.0.0.1:{serving.port}" in serving.said()


def test_a_newer_database_is_not_served(serving: Serving) -> None:
    import sqlite3

    database = sqlite3.connect(serving.data / "collector.sqlite3")
    database.execute("UPDATE alembic_version SET version_num = 'ffffffffffff'")
    database.commit()
    database.close()
    assert serving.start("serve").wait(60) == 1
    assert "newer version" in serving.said()


@pytest.mark.parametrize("host", ["::", "192.0.2.1", "collector.example"])
def test_plain_http_beyond_this_computer_is_refused(host: str) -> None:
    with pytest.raises(CollectorError, match="behind-proxy"):
        refuse_open_http(host, CollectorConfig())
    refuse_open_http(host, CollectorConfig(behind_proxy=True))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_this_computer_itself_may_be_spoken_to(host: str) -> None:
    refuse_open_http(host, CollectorConfig())


def test_words_of_the_command_go_before_the_file() -> None:
    deployment = Deployment(None, Path("/d"), CollectorConfig(host="127.0.0.2", port=1), TestpointConfig())
    found = with_words(deployment, host=None, port=2, behind_proxy=True).config
    assert (found.host, found.port, found.behind_proxy) == ("127.0.0.2", 2, True)


# --- many writers -------------------------------------------------------------------------------------------------


def write_beside_ingest(root: Path, seconds: float) -> None:
    """Post from several devices while commands make tokens, import and evaluate, each a process of its own."""
    store = operate_on(root)
    parts = parts_of(store, real_ports().clock)  # type: ignore[arg-type]  # any clock will do
    csv = root / "schools.csv"
    csv.write_text("code,name\n" + "".join(f"N{number},School {number}\n" for number in range(300)))
    stop = threading.Event()
    accepted: list[str] = []

    def post(seed: int) -> None:
        device = WireDevice(parts, operate.create_token(store, parts.ports, "00123", max_devices=9, days=1), seed=seed)
        device.enrol()
        number = seed * 1_000_000
        while not stop.is_set():
            number += 20
            told = device.post([a_measurement(number + place) for place in range(20)])
            assert statuses(told) == ["accepted"] * 20
            accepted.extend(item["rid"] for item in told["items"])

    def command(*words: str) -> int:
        rounds = 0
        while not stop.is_set():
            done = subprocess.run(
                [*PROGRAM, *words, "--data", str(root / "data")], capture_output=True, text=True, timeout=300
            )
            assert done.returncode == 0, done.stderr
            assert "locked" not in done.stderr
            rounds += 1
        return rounds

    commands = (["token", "create", "--school", "00123"], ["schools", "import", str(csv)], ["evaluate"])
    with ThreadPoolExecutor(8) as pool:
        posting = [pool.submit(post, seed) for seed in (1, 2, 3)]
        running = [pool.submit(command, *words) for words in commands]
        stop.wait(seconds)
        until(lambda: accepted or any(one.done() for one in posting), "something is accepted")
        stop.set()
        for one in posting:
            one.result()
        assert all(one.result() >= 1 for one in running)
    with store.reader() as snapshot:
        from collector.store.queries.measurements import find_hashes

        devices_rows = operate.devices.list_devices(snapshot)
        stored = [rid for row in devices_rows for rid in find_hashes(snapshot, row.device, set(accepted))]
    assert sorted(stored) == sorted(accepted)
    store.close()


def operate_on(root: Path) -> Store:
    operate.init(root / "data", real_ports())
    return Store.open(root / "data")


def test_tokens_imports_and_evaluations_beside_ingest_never_meet_a_locked_database(tmp_path: Path) -> None:
    write_beside_ingest(tmp_path, seconds=0)


@pytest.mark.deep
def test_the_same_for_a_minute(tmp_path: Path) -> None:
    write_beside_ingest(tmp_path, seconds=60)
