"""The demonstration: the whole product on one computer, with a line of known speed between agent and test point.

It does what a person would do, by the same commands: init, schools import, token create, serve, enrol, run, evaluate.
Only the past of the invented schools is written directly, through the insert that devices' batches use.
"""

import contextlib
import json
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from agent.wire.vocabulary import ExitCode
from collector import processes
from collector.config import CollectorConfig
from collector.demo import history, island, names
from collector.demo.children import (
    AGENT,
    COLLECTOR,
    Children,
    StoppedError,
    accepts,
    answers_http,
    ask,
    free_port,
    wait_for,
)
from collector.demo.line import DEFAULT_LINE, LineSpec, ShapedLineProcess, parse_line
from collector.demo.samples import SERVER_ID
from collector.domain.judge import METRIC
from collector.errors import CollectorError
from collector.ports import Ports
from collector.store.engine import FILE_NAME
from collector.store.open import Store
from collector.store.queries import demo as queries
from collector.store.queries import facts, schools
from collector.store.queries.demo import Arrived
from collector.store.queries.judging import judgement

LIVE_SCHOOL: Final = "this-computer"
ADMIN: Final = "admin"
_SERVE_WITHIN_S: Final = 60.0
_ARRIVE_WITHIN_S: Final = 180.0
# This computer carries the line, the test point and the collector too: how busy it is says nothing about its test.
_CONFIG: Final = """\
[collector]
name = "{name}"
default_timezone = "{timezone}"
port = {port}
public_url = "http://127.0.0.1:{port}"
busy_host_pct = 100

[testpoint]
id = "{server_id}"
port = {testpoint_port}
public_url = "http://127.0.0.1:{line_port}"

[agent]
first_test_within_s = 2
"""


@dataclass(frozen=True)
class Place:
    """Where this demonstration keeps its files."""

    data: Path
    stop: threading.Event  # somebody asked to end

    @property
    def config(self) -> Path:
        """The configuration of collector and agent."""
        return self.data / "enlace.toml"

    @property
    def agent(self) -> Path:
        """The agent's data directory."""
        return self.data / "agent"

    def collector(self, *words: str) -> list[str]:
        """Return a collector's command."""
        return [*COLLECTOR, *words, "--config", str(self.config), "--data", str(self.data)]

    def agent_command(self, *words: str) -> list[str]:
        """Return an agent's command."""
        return [*AGENT, *words, "--config", str(self.config), "--data", str(self.agent)]

    def check(self) -> None:
        """Go no further if somebody asked to end.

        Raises:
            StoppedError: If so.
        """
        if self.stop.is_set():
            raise StoppedError


def run_demo(data: Path | None, *, once: bool, line: str | None, port: int | None, ports: Ports) -> int:
    """Run the demonstration.

    Args:
        data: An empty directory that is kept; None: one that is removed at the end.
        once: Print the summary and end; else wait until told to end.
        line: Mbit/s down, Mbit/s up, round-trip time in ms, such as "8/1/100"; None: the default one.
        port: Of the pages; None: a free one.
        ports: Clock and randomness.

    Returns:
        The exit code: 0 only if the measurement of this computer arrived.

    Raises:
        CollectorError: If a step fails.
    """
    try:
        spec = parse_line(line or DEFAULT_LINE)
    except ValueError as error:
        raise CollectorError(f"{error}.", exit_code=ExitCode.USAGE) from error
    stop = threading.Event()
    processes.stop_on_signals(stop)
    try:
        with _place(data, stop) as place:
            _run(place, spec, once, port or free_port(), ports)
    except StoppedError:
        return ExitCode.INTERRUPTED
    return ExitCode.DONE


@contextlib.contextmanager
def _place(data: Path | None, stop: threading.Event) -> Iterator[Place]:
    if data is None:
        made = Path(tempfile.mkdtemp(prefix="enlace-demo-"))
        try:
            yield Place(made, stop)
        finally:
            shutil.rmtree(made, ignore_errors=True)
        return
    if (data / FILE_NAME).exists():
        raise CollectorError(
            f"{data} has a deployment already.",
            do="Give an empty directory, or remove that one.",
            exit_code=ExitCode.USAGE,
        )
    data.mkdir(parents=True, exist_ok=True)
    yield Place(data.absolute(), stop)


def _run(place: Place, spec: LineSpec, once: bool, port: int, ports: Ports) -> None:
    testpoint_port = free_port()
    with (
        ShapedLineProcess(
            "127.0.0.1", testpoint_port, down_bps=spec.down_bps, up_bps=spec.up_bps, rtt_ms=spec.rtt_ms
        ) as line,
        Children(place.data / "logs") as children,
    ):
        _write_config(place, port, testpoint_port, line.port)
        password = _set_up(place, ports)
        token = ask(place.collector("token", "create", "--school", LIVE_SCHOOL), place.stop).split()[-1]
        dashboard = f"http://127.0.0.1:{port}/"
        _say("Starting web server, test point and jobs…")
        began = _judged_at(place)
        children.start("serve", place.collector("serve"))
        wait_for("The web server", lambda: answers_http(dashboard + "healthz"), children, place.stop, _SERVE_WITHIN_S)
        wait_for("The test point", lambda: accepts(testpoint_port), children, place.stop, _SERVE_WITHIN_S)
        # A test on a computer that is busy starting things would be set aside.
        wait_for("The first turn of the jobs", lambda: _judged_at(place) > began, children, place.stop, _SERVE_WITHIN_S)
        _say(f"Measuring this computer over a line of {_line_words(spec)}…")
        ask(place.agent_command("enrol", "--collector", dashboard.rstrip("/"), "--token", token), place.stop)
        children.start("agent", place.agent_command("run"))
        arrived = _await_arrival(place, children)
        ask(place.collector("evaluate"), place.stop)
        summary = _summary(place, arrived, spec, dashboard)
        _say(f"Dashboard: {dashboard}  Sign in as {ADMIN}, password {password}")
        if once:
            _say(_sentence(summary))
            print(json.dumps(summary), flush=True)
            return
        print(_sentence(summary))
        print(json.dumps(summary), flush=True)
        _say("Ctrl-C ends it.")
        place.stop.wait()


def _write_config(place: Place, port: int, testpoint_port: int, line_port: int) -> None:
    place.config.write_text(
        _CONFIG.format(
            name=names.COUNTRY,
            timezone=names.TIMEZONE,
            port=port,
            server_id=SERVER_ID,
            testpoint_port=testpoint_port,
            line_port=line_port,
        ),
        "utf-8",
    )


def _set_up(place: Place, ports: Ports) -> str:
    """Make database, schools, their past and the administrator; return the password."""
    _say("Making 120 invented schools…")
    invented = island.make_schools()
    ask(place.collector("init"), place.stop)
    _import(place, island.registry_csv(invented))
    store = Store.open(place.data)
    try:
        with store.unit() as unit:
            queries.mark_invented(unit)
            unit.commit()
            _say("Writing their last 60 school days…")
        history.write_history(store, invented, ports.clock.now_ms(), check=place.check)
    finally:
        store.close()
    _say("Judging them, day by day…")
    ask(place.collector("evaluate"), place.stop)
    _import(place, f'code,name,opening\n{LIVE_SCHOOL},This computer,"mon-sun 00:00-24:00"\n'.encode())
    password = ports.randomness.token_bytes(9).hex()
    ask(place.collector("user", "add", ADMIN, "--role", "admin"), place.stop, secret={"ENLACE_PASSWORD": password})
    return password


def _import(place: Place, content: bytes) -> None:
    file = place.data / "schools.csv"
    file.write_bytes(content)
    ask(place.collector("schools", "import", str(file)), place.stop)


def _judged_at(place: Place) -> int:
    """Return when the last evaluation ended, Unix ms; 0 before the first."""
    store = Store.open(place.data)
    try:
        with store.reader() as snapshot:
            return int(facts.find_fact(snapshot, facts.LAST_EVALUATION_MS) or 0)
    finally:
        store.close()


def _await_arrival(place: Place, children: Children) -> Arrived:
    """Return the measurement of this computer as it is stored.

    Raises:
        CollectorError: If none arrives, or it has no figures.
    """
    store = Store.open(place.data)
    found: list[Arrived] = []

    def is_there() -> bool:
        with store.reader() as snapshot:
            arrived = queries.first_arrived(snapshot, LIVE_SCHOOL)
        if arrived is not None:
            found.append(arrived)
        return arrived is not None

    try:
        wait_for("The measurement of this computer", is_there, children, place.stop, _ARRIVE_WITHIN_S)
    finally:
        store.close()
    (arrived,) = found
    if arrived.status != "ok" or arrived.download_bps is None or arrived.upload_bps is None:
        raise CollectorError(f"This computer could not be measured ({arrived.failure_code or arrived.status}).")
    return arrived


def _summary(place: Place, arrived: Arrived, spec: LineSpec, dashboard: str) -> dict[str, Any]:
    store = Store.open(place.data)
    try:
        with store.reader() as snapshot:
            return {
                "measurements_stored": queries.count_measurements(snapshot),
                "download_bps": arrived.download_bps,
                "upload_bps": arrived.upload_bps,
                "idle_rtt_ms": arrived.idle_rtt_ms,
                "line_download_bps": round(spec.down_bps),
                "line_upload_bps": round(spec.up_bps),
                "line_rtt_ms": spec.rtt_ms,
                "schools": schools.count(snapshot),
                "verdicts": judgement.verdict_counts(snapshot, CollectorConfig().profile, METRIC),
                "flags_open": judgement.count_open_flags(snapshot),
                "dashboard": dashboard,
            }
    finally:
        store.close()


def _sentence(summary: dict[str, Any]) -> str:
    down, up = summary["download_bps"] / 1e6, summary["upload_bps"] / 1e6
    return (
        f"This computer measured {down:.2f} Mbit/s down, {up:.2f} up and {summary['idle_rtt_ms']:.1f} ms; the line "
        f"carries {summary['line_download_bps'] / 1e6:g}, {summary['line_upload_bps'] / 1e6:g} and "
        f"{summary['line_rtt_ms']:g}."
    )


def _line_words(spec: LineSpec) -> str:
    return f"{spec.down_bps / 1e6:g}/{spec.up_bps / 1e6:g} Mbit/s and {spec.rtt_ms:g} ms"


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)
