"""The schools of a country and the tests of each of their days: the same each time, by the day alone."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from agent.wire import codec, forms
from agent.wire.codec import Decoded
from agent.wire.records import Measurement
from collector.store.queries.measurements import Placed
from tests.fakes import many_schools
from tests.fakes.records import a_measurement

ZONE = ZoneInfo("America/Tegucigalpa")
HOURS = ((7, 30), (9, 10), (10, 50), (12, 20), (14, 5), (15, 40))  # of a school with six tests a day, local
SEED = 3
BUSY_SHARE, BUSY_BPS, QUIET_BPS = 0.06, 50_000_000, 12_000  # now and then a line that somebody else uses: no vote


@dataclass(frozen=True)
class School:
    """What decides a school's measurements."""

    code: str
    target_bps: int
    factor: float  # its true median against the target
    tests: int  # of a day
    falls_on: date | None  # until then its line was good


def schools_of(count: int, seed: int = SEED) -> tuple[list[dict[str, object]], list[School]]:
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


def midnight_ms(day: date) -> int:
    """Return when a local day of the country begins, UTC milliseconds."""
    return round(datetime.combine(day, datetime.min.time(), ZONE).timestamp() * 1000)


def placed(schools: Sequence[School], day: date) -> Iterator[Placed]:
    """Yield the measurements of a day, about in the order in which they come."""
    chance = random.Random(SEED * 10_000_000 + day.toordinal())
    template = codec.decode_item(msgspec.json.encode(a_measurement())).record
    assert isinstance(template, Measurement) and template.download is not None and template.surroundings is not None
    replaced, download, around = msgspec.structs.replace, template.download, template.surroundings
    quiet, busy = (replaced(around, other_bps=bps) for bps in (QUIET_BPS, BUSY_BPS))
    of_day = {school.code: chance.lognormvariate(0, 0.25) for school in schools}
    begins_ms = midnight_ms(day)
    for at, (hour, minute) in enumerate(HOURS):
        for school in schools:
            if at >= school.tests:
                continue
            at_ms = begins_ms + (hour * 60 + minute) * 60_000 + chance.randrange(3_600_000)
            factor = 1.5 if school.falls_on is not None and day < school.falls_on else school.factor
            speed = factor * of_day[school.code] * chance.lognormvariate(0, 0.35)
            record = replaced(
                template,
                rid=forms.uuid7(at_ms, chance.randbytes(10)),
                started_at=forms.format_time(at_ms),
                download=replaced(download, bps=round(school.target_bps * speed)),
                surroundings=busy if chance.random() < BUSY_SHARE else quiet,
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
