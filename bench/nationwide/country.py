"""Schools and months of measurements of a whole country, through the real insert and the real evaluation."""

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Select, func, insert, select, text, update

from agent.wire import codec, forms
from agent.wire.codec import Decoded
from agent.wire.records import Measurement
from bench.nationwide import happenings
from collector.config import CollectorConfig
from collector.evaluate.run import evaluate
from collector.real.world import real_ports
from collector.store.open import Store
from collector.store.queries import measurements
from collector.store.queries.measurements import Placed
from collector.store.tables.devices import ASSIGNMENTS, DEVICES
from collector.store.tables.judgement import SCHOOL_DAYS
from collector.store.tables.measurements import MEASUREMENTS
from collector.store.tables.registry import SCHOOLS
from collector.store.unit import UnitOfWork
from tests.fakes import many_schools
from tests.fakes.records import a_measurement

ZONE = ZoneInfo("America/Tegucigalpa")
HOURS = ((7, 30), (9, 10), (10, 50), (12, 20), (14, 5), (15, 40))  # of a school with six tests a day, local
CONFIG = CollectorConfig(name="Nation", default_timezone=str(ZONE))
AT_ONCE, OF_A_TRANSACTION = 1_000, 50  # measurements of one insert; inserts of one transaction
CACHE_KB = 500_000  # for SQLite while it inserts: each row of a day lies on another page of the indexes
DAY_MS = 86_400_000


@dataclass(frozen=True)
class School:
    """What decides a school's measurements."""

    code: str
    target_bps: int
    factor: float  # its true median against the target
    tests: int  # of a day
    falls_on: date | None  # until then its line was good


@dataclass(frozen=True)
class Made:
    """What making it took."""

    rows: int
    days: int
    insert_s: float
    history_s: float  # evaluation of all days


@dataclass(frozen=True)
class Judged:
    """What the evaluation of one day took."""

    rows: int
    schools: int
    took_s: float
    cpu_s: float  # of this process


def schools_of(count: int, seed: int = 3) -> tuple[list[dict[str, object]], list[School]]:
    """Return rows of the registry, and how the line of each school is: as they are spread in real countries."""
    rows, _judged = many_schools.rows(count, seed)
    chance = random.Random(seed + 1)
    found = []
    for row in rows:
        row |= {"timezone": str(ZONE), "contract_download_mbps": chance.choice((None, 20.0, 50.0, 100.0))}
        target = max(20_000_000, int(str(row["students_total"])) * 50_000)
        kind = chance.random()
        factor = chance.uniform(0.4, 0.85) if kind < 0.2 else chance.uniform(0.93, 1.08) if kind < 0.32 else 1.5
        tests = chance.choices((6, 4, 2, 1, 0), (55, 20, 12, 8, 5))[0]
        falls_on = (
            datetime.now(UTC).date() - timedelta(days=chance.randrange(5, 200)) if chance.random() < 0.1 else None
        )
        found.append(School(str(row["code"]), target, factor, tests, falls_on))
    return rows, found


def school_days(last: date, count: int) -> list[date]:
    """Return so many weekdays up to `last`, oldest first."""
    days = [last - timedelta(days=at) for at in range(count * 2 + 7)]
    return [day for day in days if day.weekday() < 5][:count][::-1]


def build(store: Store, count: int, wanted: int) -> Made:
    """Fill a store that has people and keys.

    Args:
        store: The database.
        count: Schools.
        wanted: Measurements, about.
    """
    rows, schools = schools_of(count)
    a_day = sum(school.tests for school in schools)
    now = datetime.now(ZONE)
    days = school_days(now.date() - timedelta(days=1), max(2, round(wanted / a_day)))
    begins_ms = round(datetime.combine(days[0], datetime.min.time(), ZONE).timestamp() * 1000)
    _register(store, rows, begins_ms)
    began_s = time.perf_counter()
    rows_made = _insert(store, schools, days)
    insert_s = time.perf_counter() - began_s
    happenings.fill(store, days, ZONE, CONFIG.profile)
    _look_through(store)
    began_s = time.perf_counter()
    evaluate(store, CONFIG, real_ports())
    history_s = time.perf_counter() - began_s
    _look_through(store)
    return Made(rows_made, len(days), insert_s, history_s)


def _newest_whole_day() -> Select[tuple[str]]:
    """Return the query for the newest day of most schools: computers may have sent something today."""
    schools = select(func.count()).select_from(SCHOOLS).scalar_subquery()
    day = SCHOOL_DAYS.c.day
    return select(day).group_by(day).having(2 * func.count() > schools).order_by(day.desc()).limit(1)


def judge_last_day(store: Store) -> Judged:
    """Evaluate the newest day of the country as if its measurements had just come in."""
    with store.unit() as unit:
        last = date.fromisoformat(unit.connection.scalars(_newest_whole_day()).one())
        begins_ms = round(datetime.combine(last, datetime.min.time(), ZONE).timestamp() * 1000)
        of_day = MEASUREMENTS.c.started_ms >= begins_ms
        unit.connection.execute(update(MEASUREMENTS).where(of_day).values(votes=None, exclusion=None))
        unit.commit()
    began_s, busy_s = time.perf_counter(), time.process_time()
    done = evaluate(store, CONFIG, real_ports())
    return Judged(done.measurements, done.schools, time.perf_counter() - began_s, time.process_time() - busy_s)


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


def _insert(store: Store, schools: Sequence[School], days: Sequence[date]) -> int:
    """Insert the measurements of some days, in the order in which they would come, many in one transaction."""
    made, placed = 0, _placed(schools, days)
    while True:
        with store.unit() as unit:
            if store.path is not None:
                unit.connection.exec_driver_sql(f"PRAGMA cache_size=-{CACHE_KB}")
            of_this = sum(_write(unit, list(islice(placed, AT_ONCE))) for _ in range(OF_A_TRANSACTION))
            unit.commit()
        if not of_this:
            return made
        made += of_this


def _write(unit: UnitOfWork, placed: list[Placed]) -> int:
    inserted, failed = measurements.insert_once(unit, placed)
    assert not failed
    return len(inserted)


def _placed(schools: Sequence[School], days: Sequence[date]) -> Iterator[Placed]:
    chance = random.Random(days[0].toordinal())
    template = codec.decode_item(msgspec.json.encode(a_measurement()))
    assert isinstance(template.record, Measurement)
    download = template.record.download
    assert download is not None
    for day in days:
        of_day = {school.code: chance.lognormvariate(0, 0.25) for school in schools}
        midnight_ms = round(datetime.combine(day, datetime.min.time(), ZONE).timestamp() * 1000)
        for at, (hour, minute) in enumerate(HOURS):
            for school in schools:
                if at >= school.tests:
                    continue
                at_ms = midnight_ms + (hour * 60 + minute) * 60_000 + chance.randrange(3_600_000)
                factor = 1.5 if school.falls_on is not None and day < school.falls_on else school.factor
                speed = factor * of_day[school.code] * chance.lognormvariate(0, 0.35)
                bps = round(school.target_bps * speed)
                record = msgspec.structs.replace(
                    template.record,
                    rid=forms.uuid7(at_ms, chance.randbytes(10)),
                    started_at=forms.format_time(at_ms),
                    download=msgspec.structs.replace(download, bps=bps),
                    surroundings=_surroundings(template.record, chance),
                )
                yield Placed(
                    decoded=Decoded(record, {}, chance.randbytes(32).hex()),
                    device=f"d-{school.code}",
                    school=school.code,
                    at_ms=at_ms,
                    end_ms=at_ms,
                    time_quality="exact",
                    time_width_ms=0,
                    received_ms=at_ms + 20_000,
                )


def _surroundings(record: Measurement, chance: random.Random) -> object:
    """Return what is around: now and then a line that somebody else uses, so that the test does not vote."""
    assert record.surroundings is not None
    return msgspec.structs.replace(record.surroundings, other_bps=50_000_000 if chance.random() < 0.06 else 12_000)
