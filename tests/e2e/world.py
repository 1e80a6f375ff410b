"""A small deployment of real processes on loopback: one collector, its test point, and agents."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg

BIN = Path(sys.executable).parent
PATIENCE_S = 180.0  # bounds a failure only: a busy computer may take its time
# Open all week, so that no test depends on the hour at which it runs.
SCHOOLS = """code,name,latitude,longitude,students_total,timezone,opening
00123,Escuela Uno,13.1,-59.6,240,Asia/Tokyo,mon-sun 00:00-24:00
"""
CONFIG = """
[collector]
port = {port}
evaluate_every_min = 1440
tests_per_window = 20

[testpoint]
port = {testpoint}
public_url = "http://127.0.0.1:{testpoint}"

[agent]
servers = ["http://127.0.0.1:{open_testpoint}"]
first_test_within_s = 0
test_interval_s = 1
light_interval_s = 1
retry_base_s = 0.2
retry_cap_s = 1
start_spread_s = 0
max_bytes_direction = 300000
"""


def free_port() -> int:
    """Return a port that is free for TCP and UDP now."""
    with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        tcp.bind(("127.0.0.1", 0))
        port: int = tcp.getsockname()[1]
        udp.bind(("127.0.0.1", port))
        return port


def wait_for(holds: Callable[[], Any], what: str, within_s: float = PATIENCE_S) -> Any:
    """Return the first true value of `holds`; the limit only bounds a failure."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        if value := holds():
            return value
        time.sleep(0.05)
    raise AssertionError(f"not within {within_s:.0f} s: {what}")


def let_pass(seconds: float) -> None:
    """Let other processes come to any place."""
    time.sleep(seconds)


class World:
    """Paths, ports and processes of one deployment; `close` ends whatever still runs."""

    def __init__(self, root: Path, database_url: str | None = None) -> None:
        self.root, self._database_url = root, database_url
        self.port, self.testpoint, self.open_testpoint = free_port(), free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.config = root / "config.toml"
        self.config.write_text(
            CONFIG.format(**{key: getattr(self, key) for key in ("port", "testpoint", "open_testpoint")})
        )
        self.data = root / "collector"
        self.running: list[subprocess.Popen[bytes]] = []
        (root / "schools.csv").write_text(SCHOOLS)
        self.collector("init")
        self.collector("schools", "import", str(root / "schools.csv"))

    # --- commands ---------------------------------------------------------------------------------------------

    def collector(self, *words: str, expect: int = 0) -> str:
        """Run enlace-collector to its end and return what it printed."""
        return self._run("enlace-collector", words, self.data, expect).stdout

    def agent(self, *words: str, data: str = "agent", expect: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Run enlace-agent to its end."""
        return self._run("enlace-agent", words, self.root / data, expect)

    def _run(
        self, name: str, words: tuple[str, ...], data: Path, expect: int | None
    ) -> subprocess.CompletedProcess[str]:
        command = [*self.program(name), *words, "--config", str(self.config), "--data", str(data)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, env=self.environment())
        assert "Traceback" not in done.stderr, done.stderr
        assert expect is None or done.returncode == expect, f"{words}: {done.returncode} {done.stderr} {done.stdout}"
        return done

    def program(self, name: str) -> list[str]:
        """Return how a command is started."""
        return [str(BIN / name)]

    def environment(self) -> dict[str, str]:
        """Return an environment without what would lead traffic elsewhere."""
        dropped = {"http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"}
        kept = {key: value for key, value in os.environ.items() if key not in dropped}
        return kept | ({"ENLACE_DATABASE_URL": self._database_url} if self._database_url else {})

    # --- processes --------------------------------------------------------------------------------------------

    def start(self, name: str, *words: str, data: Path) -> subprocess.Popen[bytes]:
        """Start a command that stays; its output goes to a log that `logs` returns."""
        log = (self.root / f"{name}-{len(self.running)}.log").open("wb")
        command = [*self.program(name), *words, "--config", str(self.config), "--data", str(data)]
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, env=self.environment())
        log.close()
        self.running.append(process)
        return process

    def start_serve(self, *words: str) -> subprocess.Popen[bytes]:
        """Start the collector and wait until it answers."""
        process = self.start("enlace-collector", "serve", *words, data=self.data)
        wait_for(lambda: self.is_up() or process.poll() is not None, "collector answers")
        assert process.poll() is None, self.logs()
        return process

    def start_open_testpoint(self) -> subprocess.Popen[bytes]:
        """Start a test point by hand: open, and independent of the collector."""
        port = str(self.open_testpoint)
        process = self.start("enlace-collector", "testpoint", "--port", port, "--udp-port", port, data=self.data)
        wait_for(lambda: self._connects(self.open_testpoint), "test point answers")
        return process

    def start_daemon(self, data: str = "agent") -> subprocess.Popen[bytes]:
        """Start an agent's daemon."""
        return self.start("enlace-agent", "run", data=self.root / data)

    def is_up(self) -> bool:
        """Return whether the collector answers."""
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=2):
                return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False

    @staticmethod
    def _connects(port: int) -> bool:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            return False
        return True

    @staticmethod
    def kill(process: subprocess.Popen[bytes]) -> None:
        """End a command and all its children at once, as a power cut does."""
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(PATIENCE_S)

    @staticmethod
    def stop(process: subprocess.Popen[bytes]) -> int:
        """End a command as a service manager does and return its exit code."""
        if process.poll() is None:
            os.kill(process.pid, signal.SIGTERM)
        return process.wait(PATIENCE_S)

    def close(self) -> None:
        """End everything."""
        for process in self.running:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(PATIENCE_S)

    # --- looking ----------------------------------------------------------------------------------------------

    def enrol(self, data: str = "agent") -> None:
        """Enrol a computer of school 00123."""
        token = self.collector("token", "create", "--school", "00123").splitlines()[-1]
        self.agent("enrol", "--collector", self.url, "--token", token, data=data)

    def status(self, data: str = "agent") -> dict[str, Any]:
        """Return what `status --json` says."""
        told: dict[str, Any] = json.loads(
            self.agent("status", "--json", data=data, expect=None).stdout.splitlines()[-1]
        )
        return told

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return rows of the collector's database."""
        if self._database_url is not None:
            with psycopg.connect(self._database_url) as connection:
                return connection.execute(statement.replace("?", "%s"), values).fetchall()
        with sqlite3.connect(f"file:{self.data / 'collector.sqlite3'}?mode=ro", uri=True) as database:
            found = database.execute(statement, values).fetchall()
        database.close()
        return found

    def spool(self, statement: str, data: str = "agent") -> list[tuple[Any, ...]]:
        """Return rows of an agent's spool."""
        with sqlite3.connect(f"file:{self.root / data / 'spool.sqlite3'}?mode=ro", uri=True) as database:
            found = database.execute(statement).fetchall()
        database.close()
        return found

    def logs(self) -> str:
        """Return everything that the processes wrote."""
        paths = [*self.root.glob("*.log"), *self.root.glob("*/logs/*"), *self.root.glob("*/*.log*")]
        return "\n".join(path.read_text(errors="replace") for path in paths if path.is_file())
