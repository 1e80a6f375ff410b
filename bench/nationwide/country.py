"""A country that grows: months of measurements through the real insert, evaluated by the real evaluation as they come.

A country is made from its oldest day to yesterday, some weeks at a time: written, then evaluated with the clock of
their last evening, as it would have been. What was interrupted goes on where it was: rows are the same each time, and
those that are there stay. A country that is there gets older days before its own, and is then evaluated as a whole.
"""

import multiprocessing
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Select, delete, func, insert, select, text, update

from bench.nationwide import happenings
from bench.nationwide.progress import Progress, telling
from bench.nationwide.rows import ZONE, School, midnight_ms, placed, school_days, schools_of
from collector.config import CollectorConfig
from collector.evaluate.run import evaluate
from collector.ports import Ports
from collector.real.world import real_ports
from collector.store.open import Store
from collector.store.queries import measurements
from collector.store.tables.devices import ASSIGNMENTS, BOOTS, DEVICE_KEYS, DEVICES
from collector.store.tables.judgement import SCHOOL_DAYS
from collector.store.tables.measurements import DIARY, MEASUREMENTS
from collector.store.tables.registry import SCHOOLS
from collector.store.unit import UnitOfWork

T = TypeVar("T")

CONFIG = CollectorConfig(name="Nation", default_timezone=str(ZONE))
AT_ONCE = 1_000  # measurements of one insert
DAYS_OF_A_TRANSACTION = 5  # a school's rows of some days lie on the same pages of the indexes: written once for all
DAYS_OF_AN_EVALUATION = 25
CACHE_KB = 1_000_000  # for SQLite while it is made
ROOM = 10 * 10**9  # bytes that stay free on the disk
LOOK_S = 5.0


@dataclass(frozen=True)
class Made:
    """What making it took so far."""

    rows: int = 0
    days: int = 0
    insert_s: float = 0.0
    history_s: float = 0.0  # evaluation of all days
    evaluations: int = 1  # one after the other, each of the days that had come
    first: str = ""  # the oldest day that it is to have
    until: str = ""  # the newest day that is written and evaluated
    last: str = ""  # the newest day that it is to have


@dataclass(frozen=True)
class Judged:
    """What the evaluation of one day took."""

    rows: int
    schools: int
    took_s: float
    cpu_s: float  # of this process


@dataclass(frozen=True)
class Evening:
    """The clock as it stood when some day was over."""

    ms: int

    def now_ms(self) -> int:
        """Return Unix milliseconds UTC."""
        return self.ms

    def mono_ms(self) -> int:
        """Return whole milliseconds since some moment."""
        return time.monotonic_ns() // 1_000_000

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class Maker:
    """Writes and evaluates days of one country."""

    def __init__(self, store: Store, count: int, progress: Progress, writers: int) -> None:
        self._store, self._count, self._progress, self._writers = store, count, progress, writers
        self._rows, self._schools = schools_of(count)

    def days_for(self, wanted: int, last: date | None = None) -> list[date]:
        """Return the days that a country of so many measurements has, up to one day; None: yesterday."""
        a_day = sum(school.tests for school in self._schools)
        yesterday = datetime.now(ZONE).date() - timedelta(days=1)
        return school_days(last or yesterday, max(2, round(wanted / a_day)))

    def register(self, first: date) -> None:
        """Write schools and their computers, which were enrolled when the first day began."""
        _register(self._store, self._rows, midnight_ms(first))

    def make(self, made: Made, keep: Callable[[Made], None]) -> Made:
        """Write and evaluate the days that are not there yet, and keep after some of them how far it has come."""
        first, last = date.fromisoformat(made.first), date.fromisoformat(made.last)
        every = [day for day in school_days(last, (last - first).days + 1) if day >= first]
        coming = [day for day in every if day.isoformat() > made.until]
        pieces = list(_in_turn(coming, DAYS_OF_AN_EVALUATION))
        for number, days in enumerate(pieces):
            made = self._written(made, days)
            is_last = number == len(pieces) - 1
            if is_last and happenings.newest_outage(self._store) is None:
                happenings.fill(self._store, every, ZONE, CONFIG.profile)
            made = replace(self._evaluated(made, None if is_last else days[-1]), until=days[-1].isoformat())
            keep(made)
        return made

    def make_older(self, made: Made, days: Sequence[date]) -> Made:
        """Write days before those that there are, and evaluate all of it."""
        with self._store.unit() as unit:
            ours, begins_ms = DEVICES.c.device.like("d-%"), midnight_ms(days[0])
            unit.connection.execute(update(DEVICES).where(ours).values(enrolled_ms=begins_ms))
            unit.connection.execute(
                update(ASSIGNMENTS).where(ASSIGNMENTS.c.device.like("d-%")).values(from_ms=begins_ms)
            )
            unit.commit()
        made = replace(self._written(made, days), first=days[0].isoformat(), history_s=0.0, evaluations=0)
        return self._evaluated(made, None)

    def _written(self, made: Made, days: Sequence[date]) -> Made:
        began_s, rows = time.perf_counter(), 0
        for some in self._writing(list(_in_turn(days, DAYS_OF_A_TRANSACTION))):
            rows += some
            a_second = rows / (time.perf_counter() - began_s)
            self._progress.now(f"writes up to {days[-1]}: {made.rows + rows:,} measurements, {a_second:,.0f} a second")
        took_s = time.perf_counter() - began_s
        return replace(made, rows=made.rows + rows, days=made.days + len(days), insert_s=made.insert_s + took_s)

    def _writing(self, pieces: Sequence[Sequence[date]]) -> Iterable[int]:
        """Yield how many measurements each transaction wrote."""
        if self._writers == 1:
            for days in pieces:
                _wait_for_room(self._store, self._progress)
                yield _write_days(self._store, self._schools, days)
            return
        _wait_for_room(self._store, self._progress)
        with ProcessPoolExecutor(self._writers, multiprocessing.get_context("spawn")) as pool:
            yield from pool.map(_write_elsewhere, [(self._store.url, self._count, tuple(days)) for days in pieces])

    def _evaluated(self, made: Made, evening: date | None) -> Made:
        """Evaluate what is new, on the evening of a day; None: now."""
        self._progress.now(f"evaluates up to {evening or 'the end'}: {made.rows:,} measurements")
        if not made.evaluations:
            _look_through(self._store)
        began_s, ports = time.perf_counter(), real_ports()
        if evening is not None:
            ports = Ports(Evening(midnight_ms(evening + timedelta(days=1)) - 1), ports.randomness)
        evaluate(self._store, CONFIG, ports)
        took_s = time.perf_counter() - began_s
        if evening is None:
            _look_through(self._store)
        return replace(made, history_s=made.history_s + took_s, evaluations=made.evaluations + 1)


def build(store: Store, count: int, wanted: int, made: Made | None, keep: Callable[[Made], None]) -> Made:
    """Make a country, go on making it, or let it grow.

    Args:
        store: Has people and keys.
        count: Schools.
        wanted: Measurements, about.
        made: What is known of the country that is there; None: there is none.
        keep: Is given after each step what there is then.
    """
    with telling() as progress:
        maker = Maker(store, count, progress, int(os.environ.get("NATION_WRITERS", "1")))
        if made is None:
            days = maker.days_for(wanted)
            maker.register(days[0])
            made = Made(evaluations=0, first=days[0].isoformat(), last=days[-1].isoformat())
            keep(made)
        made = made if made.first else replace(made, **_span_of(store))
        if made.until < made.last:
            made = maker.make(made, keep)
        first, last = date.fromisoformat(made.first), date.fromisoformat(made.last)
        older = [day for day in maker.days_for(wanted, last) if day < first]
        if older:
            made = maker.make_older(made, older)
            keep(made)
    return made


def _span_of(store: Store) -> dict[str, str]:
    """Return the days of a country whose note does not say them."""
    with store.reader() as snapshot:
        first = snapshot.connection.scalar(select(func.min(SCHOOL_DAYS.c.day)))
        last = snapshot.connection.scalar(_newest_whole_day())
    return {"first": str(first), "until": str(last), "last": str(last)}


def _in_turn(every: Iterable[T], many: int) -> Iterator[list[T]]:
    waiting = iter(every)
    while some := list(islice(waiting, many)):
        yield some


def _newest_whole_day() -> Select[tuple[str]]:
    """Return the query for the newest day of most schools: computers may have sent something today."""
    schools = select(func.count()).select_from(SCHOOLS).scalar_subquery()
    day = SCHOOL_DAYS.c.day
    return select(day).group_by(day).having(2 * func.count() > schools).order_by(day.desc()).limit(1)


def judge_last_day(store: Store) -> Judged:
    """Evaluate the newest day of the country as if its measurements had just come in."""
    with store.unit() as unit:
        last = date.fromisoformat(unit.connection.scalars(_newest_whole_day()).one())
        of_day = MEASUREMENTS.c.started_ms >= midnight_ms(last)
        unit.connection.execute(update(MEASUREMENTS).where(of_day).values(votes=None, exclusion=None))
        unit.commit()
    began_s, busy_s = time.perf_counter(), time.process_time()
    done = evaluate(store, CONFIG, real_ports())
    return Judged(done.measurements, done.schools, time.perf_counter() - began_s, time.process_time() - busy_s)


def forget_senders(store: Store) -> None:
    """Take away the computers that sent while a country was measured before, and all that they sent."""
    with store.unit() as unit:
        sent = select(DEVICES.c.device).where(~DEVICES.c.device.like("d-%"))
        names = unit.connection.scalars(sent).all()
        for some in _in_turn(names, 500):
            for table in (MEASUREMENTS, DIARY, BOOTS, ASSIGNMENTS, DEVICE_KEYS, DEVICES):
                unit.connection.execute(delete(table).where(table.c.device.in_(some)))
        unit.commit()
    if names:
        evaluate(store, CONFIG, real_ports())


def _register(store: Store, rows: Sequence[dict[str, object]], now_ms: int) -> None:
    devices = [
        {
            "device": f"d-{row['code']}", "school": row["code"], "state": "active", "machine_hash": "00" * 32,
            "os": "Windows 10", "agent_version": "0.1.0", "enrolled_ms": now_ms, "lineages": 1, "ledger_ready": 0,
            "last_contact_ms": time.time_ns() // 1_000_000 - at % 700 * 60_000,
        }
        for at, row in enumerate(rows)
    ]  # fmt: skip
    belongs = [{"device": one["device"], "school": one["school"], "from_ms": now_ms} for one in devices]
    with store.unit() as unit:
        unit.connection.execute(insert(SCHOOLS), list(rows))
        unit.connection.execute(insert(DEVICES), devices)
        unit.connection.execute(insert(ASSIGNMENTS), belongs)
        unit.commit()


def _look_through(store: Store) -> None:
    """Let the database count its rows, as PostgreSQL does by itself after a while."""
    if store.path is None:
        with store.unit() as unit:
            unit.connection.execute(text("ANALYZE"))
            unit.commit()


def _wait_for_room(store: Store, progress: Progress) -> None:
    """Wait while the disk is nearly full, or as long as a file says so that others measure."""
    pause = Path(os.environ.get("NATION_PAUSE", "/nonexistent"))
    place = store.path.parent if store.path else Path(os.environ.get("NATION_PLACE", "/tmp"))  # noqa: S108 -- asked of
    while pause.exists() or shutil.disk_usage(place).free < ROOM:
        progress.now("waits: the disk is nearly full, or somebody measures")
        time.sleep(LOOK_S)


def _write_days(store: Store, schools: Sequence[School], days: Iterable[date]) -> int:
    """Insert the measurements of some days in one transaction, in the order in which they would come."""
    with store.unit() as unit:
        if store.path is not None:
            unit.connection.exec_driver_sql(f"PRAGMA cache_size=-{CACHE_KB}")
        rows = (one for day in days for one in placed(schools, day))
        made = 0
        while some := list(islice(rows, AT_ONCE)):
            made += _write(unit, some)
        unit.commit()
    return made


def _write(unit: UnitOfWork, some: Sequence[measurements.Placed]) -> int:
    inserted, failed = measurements.insert_once(unit, some)
    assert not failed
    return len(inserted)


@cache
def _opened(url: str) -> Store:
    return Store(url)


@cache
def _known(count: int) -> list[School]:
    return schools_of(count)[1]


def _write_elsewhere(given: tuple[str, int, tuple[date, ...]]) -> int:
    """Do the same in a process of its own."""
    url, count, days = given
    return _write_days(_opened(url), _known(count), days)
