"""A test that a person asks for: with or without enrolment, beside a running daemon or not.

Not enrolled, nothing is stored and nobody but the test point is contacted. Stored first, printed after: a test that
cost data is not lost because a terminal was closed.
"""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from agent import app
from agent.commands import present
from agent.commands.console import complain
from agent.commands.live import Live
from agent.config import AgentConfig
from agent.errors import EnlaceError
from agent.locks import FileLock
from agent.measure import session
from agent.measure.engines import ookla
from agent.measure.servers import addresses
from agent.schedule.budget import halves
from agent.wire import codec, forms
from agent.wire.answers import ServerEntry
from agent.wire.records import Measurement
from agent.wire.vocabulary import EngineName, ExitCode, FailureCode, LeaseRefusal, Status, Tier, Trigger

if TYPE_CHECKING:
    from agent.daemon.permission import Held
    from agent.ports import Ports


@dataclass(frozen=True)
class Wish:
    """What the command line asked for."""

    server: str | None = None
    engine: str | None = None
    max_bytes: int | None = None
    as_json: bool = False
    force: bool = False


def run(config_path: Path | None, data_path: Path | None, *, wish: Wish, version: str) -> int:
    """Measure once and print it.

    Raises:
        EnlaceError: If there is nothing to measure against, another test runs, or the collector says no.
    """
    config, data = app.open_config(config_path, data_path)
    engine = _engine(config, wish)
    servers = addresses.servers_from_url(wish.server, engine) if wish.server else ()
    if engine is EngineName.OOKLA:
        _say_cost(config, wish)
    ports = app.make_ports()
    with _one_test(data), _interruptible() as cancelled, Live(shown=not wish.as_json) as live:
        is_enrolled = app.is_enrolled(data, tolerant=bool(servers))
        if is_enrolled:
            record = _stored(config, data, ports, servers, engine, wish, version, live, cancelled)
        else:
            record = _loose(config, ports, servers, engine, wish, live, cancelled)
    show(record, as_json=wish.as_json)
    return exit_code(record)


def show(record: Measurement, *, as_json: bool) -> None:
    """Print a record: as the wire carries it, or as people read it."""
    if as_json:
        sys.stdout.flush()
        sys.stdout.buffer.write(codec.encode(record) + b"\n")
        sys.stdout.buffer.flush()
    else:
        rows = present.measurement_lines(record)
        present.table([*rows, ("", "")] if rows else [])
    if record.failure is not None:
        sys.stdout.flush()
        complain(present.wrapped(present.sentence(record), sys.stderr))
    elif not as_json:
        print(present.wrapped(present.sentence(record), sys.stdout))


def exit_code(record: Measurement) -> ExitCode:
    """Return how `test` ends with this record."""
    match record.status:
        case Status.OK:
            return ExitCode.DONE
        case Status.INTERRUPTED:
            return ExitCode.INTERRUPTED
        case Status.SKIPPED:
            return ExitCode.REFUSED
    is_ours = record.failure is not None and record.failure.code in (FailureCode.DISK, FailureCode.CLIENT_LIMITED)
    return ExitCode.FAULT if is_ours else ExitCode.NETWORK


def _engine(config: AgentConfig, wish: Wish) -> EngineName | None:
    name = wish.engine or config.engine
    return None if name == "auto" else EngineName(name)


def _say_cost(config: AgentConfig, wish: Wish) -> None:
    """Say what the one engine costs that cannot stop when it knows enough, before anything is sent."""
    total = 2 * config.max_bytes_direction if wish.max_bytes is None else wish.max_bytes
    complain(ookla.cost(total - total // 2, total // 2))


def _loose(
    config: AgentConfig,
    ports: "Ports",
    servers: tuple[ServerEntry, ...],
    engine: EngineName | None,
    wish: Wish,
    live: Live,
    cancelled: threading.Event,
) -> Measurement:
    """Measure without enrolment."""
    for url in () if servers or engine is EngineName.OOKLA else config.servers:
        servers += addresses.servers_from_url(url, engine)
    servers = addresses.given_or_home(servers, engine)
    if not servers:
        raise EnlaceError(
            "This computer is not enrolled, and no test point was named.",
            do="Give one with --server URL, or enrol with `enlace-agent enrol --collector URL --token T`.",
            exit_code=ExitCode.REFUSED,
        )
    down_bytes, up_bytes = halves(2 * config.max_bytes_direction if wish.max_bytes is None else wish.max_bytes)
    plan = session.Plan(
        rid=forms.uuid7(ports.clock.now_ms(), ports.randomness.token_bytes(10)),
        tier=Tier.CAPACITY,
        trigger=Trigger.MANUAL,
        engine=engine,
        servers=servers,
        max_bytes_download=down_bytes,
        max_bytes_upload=up_bytes,
        lease_id=None,
        access_token=None,
        prior_download_bps=None,
        prior_upload_bps=None,
        budget=None,
        is_metered=config.metered,
    )
    return session.run(plan, ports, on_progress=live.show, cancelled=cancelled)


def _stored(  # noqa: PLR0913 -- everything that a manual test knows, joined once
    config: AgentConfig,
    data: Path,
    ports: "Ports",
    servers: tuple[ServerEntry, ...],
    engine: EngineName | None,
    wish: Wish,
    version: str,
    live: Live,
    cancelled: threading.Event,
) -> Measurement:
    """Measure as a device: with the collector's word if it has one, and stored."""
    from agent.daemon import permission
    from agent.host.locks import is_agent_running

    app.refuse_copied_disk(data, ports)
    app.refuse_full_disk(data, config)
    asked = permission.Wish(
        servers=servers, engine=engine, max_bytes=wish.max_bytes, force=wish.force, on_progress=live.show
    )
    with app.opened_walk(config, data, ports, version=version, cancelled=cancelled) as walk:
        walk.handover.posts = not is_agent_running(data)  # a running daemon hands it over itself
        outcome = walk.once(Trigger.MANUAL, asked)
    if isinstance(outcome, Measurement):
        return outcome
    raise _refusal(outcome)


def _refusal(held: "Held") -> EnlaceError:
    if held.reason == "no_server":
        return EnlaceError("No test point is known.", do="Name one with --server URL.", exit_code=ExitCode.REFUSED)
    sentences = {
        LeaseRefusal.BUSY: "Another computer of this school is testing now.",
        LeaseRefusal.ENOUGH: "This school has its tests of this part of the day.",
        LeaseRefusal.BUDGET: present.BUDGETS.get(held.whose, present.FAILURES[FailureCode.BUDGET]),
        LeaseRefusal.CLOSED: "The school is closed now.",
        LeaseRefusal.PAUSED: "The operator has paused testing.",
        LeaseRefusal.PENDING: "The operator has not approved this computer yet.",
    }
    what = sentences.get(LeaseRefusal(held.reason), held.why) if held.reason in set(LeaseRefusal) else held.why
    return EnlaceError(what, do="--force tests all the same.", exit_code=ExitCode.REFUSED)


@contextmanager
def _one_test(data: Path) -> Iterator[None]:
    """Hold the lock of the one test that may run; two at once would measure each other.

    A computer without a data directory has no place for a lock and no daemon that could collide.
    """
    lock = FileLock(data / app.TEST_LOCK)
    try:
        is_held = not data.is_dir() or lock.try_acquire()
    except OSError:
        is_held = True  # not ours to write: the daemon of another account cannot be asked
    if not is_held:
        raise EnlaceError(
            "A test is already running on this computer.",
            do="Wait until it has ended; that takes a minute at most.",
            exit_code=ExitCode.RUNNING,
        )
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _interruptible() -> Iterator[threading.Event]:
    """Turn Ctrl-C and a service manager's signal into the end of the running test."""
    cancelled = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        if cancelled.is_set():
            raise KeyboardInterrupt  # a second one means it
        cancelled.set()

    signals = [signal.SIGINT, signal.SIGTERM]
    if threading.current_thread() is not threading.main_thread():
        yield cancelled
        return
    before = [signal.signal(number, end) for number in signals]
    try:
        yield cancelled
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)
