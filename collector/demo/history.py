"""Weeks of invented measurements, stored through the same insert as real ones. Never a flag, never an evaluation.

Everything is relative to the moment that is given, and the same for the same seed.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from agent.wire import codec, forms
from agent.wire.codec import Decoded
from agent.wire.records import Measurement
from agent.wire.vocabulary import DeviceState
from collector.demo import asked
from collector.demo.diaries import DAYS, diaries
from collector.demo.island import SEED, DemoSchool, Fate
from collector.demo.names import TIMEZONE
from collector.demo.samples import Sample, Weather, record_of
from collector.domain.calendars import Calendar, OpenDay, calendar_of
from collector.domain.words import DayKind
from collector.store.open import Store
from collector.store.queries import devices, measurements, schools
from collector.store.queries.devices import Device
from collector.store.queries.measurements import Placed
from collector.store.queries.schools import EVERYBODY, CalendarDay

SCHOOL_DAYS: Final = 60
TESTS_PER_WINDOW: Final = 2
MISSED: Final = 0.10  # of the tests: the computer was off
_DAY_MS: Final = 86_400_000
_AT_ONCE: Final = 4_000  # rows of one transaction
_HOLIDAYS: Final = ((17, "Fiesta nacional"), (38, "Día del maestro"))  # weekdays before today
_NORMAL_DEVICES: Final = 2
_CALIBRATION_DAY: Final = 2  # of the week: the first test of a Wednesday is a long one


@dataclass(frozen=True)
class HistoryReport:
    """What was stored."""

    devices: int
    measurements: int
    holidays: int


def write_history(
    store: Store,
    demo_schools: tuple[DemoSchool, ...],
    now_ms: int,
    *,
    days: int = SCHOOL_DAYS,
    seed: int = SEED,
    check: Callable[[], None] = lambda: None,
) -> HistoryReport:
    """Give schools a past of so many weekdays up to a moment.

    Args:
        store: With the schools imported already.
        demo_schools: Those of `island.make_schools`.
        now_ms: Nothing is later, Unix ms.
        days: Weekdays.
        seed: Of everything invented.
        check: Called between schools; what it raises ends the writing.
    """
    zone = ZoneInfo(TIMEZONE)
    today = datetime.fromtimestamp(now_ms / 1000, zone).date()
    weekdays = _weekdays(today, days)
    holidays = {weekdays[-1 - back]: note for back, note in _HOLIDAYS if back < len(weekdays)}
    with store.unit() as unit:
        schools.set_calendar_days(
            unit,
            [CalendarDay(EVERYBODY, day.isoformat(), DayKind.HOLIDAY.value, note) for day, note in holidays.items()],
        )
        unit.commit()
    kinds = dict.fromkeys(holidays, DayKind.HOLIDAY)
    stored, enrolled = 0, 0
    pending: list[Placed] = []
    written: list[Placed] = []
    for number, school in enumerate(demo_schools):
        check()
        random = Random(f"{seed}-{number}")  # noqa: S311 -- invented data, the same each time
        calendar = calendar_of(school.opening, zone, kinds)
        placed = list(_school_history(school, calendar, weekdays, now_ms, random))
        enrolled += _enrol(store, school, placed, calendar, weekdays[0])
        pending += placed
        written += _diaries(school, calendar, weekdays, now_ms, number, seed)
        if len(pending) >= _AT_ONCE:
            stored += _store(store, pending)
            pending = []
    stored += _store(store, pending)
    for start in range(0, len(written), _AT_ONCE):
        check()
        _store(store, written[start : start + _AT_ONCE])
    return HistoryReport(enrolled, stored, len(holidays))


def _diaries(
    school: DemoSchool, calendar: Calendar, weekdays: list[date], now_ms: int, number: int, seed: int
) -> Iterator[Placed]:
    """Yield the diaries of the last weeks; what is measured is the same without them."""
    turn = _turning_point(school, len(weekdays), Random(f"{seed}-{number}"))  # noqa: S311 -- drawn first there too
    heard = [day for at, day in enumerate(weekdays) if _is_heard(school, at, turn, len(weekdays))]
    random = Random(f"{seed}-diary-{number}")  # noqa: S311 -- invented data, the same each time
    return diaries(school, device_names(school), calendar, heard[-DAYS:], now_ms, random)


def _weekdays(today: date, count: int) -> list[date]:
    found: list[date] = []
    day = today
    while len(found) < count:
        if day.weekday() < 5:
            found.append(day)
        day -= timedelta(days=1)
    return found[::-1]


def _store(store: Store, placed: list[Placed]) -> int:
    """Store rows as a batch would; each device's rids once."""
    with store.unit() as unit:
        inserted, _failed = measurements.insert_once(unit, placed)
        unit.commit()
    return len(inserted)


def device_names(school: DemoSchool) -> tuple[str, ...]:
    """Return the ids of a school's invented computers."""
    count = 1 if school.fate in (Fate.NEW, Fate.SMALL_PORT) or school.students_total < 90 else _NORMAL_DEVICES
    return tuple(
        forms.uuid4(bytes.fromhex(forms.sha256hex(f"demo {school.code} {number}".encode()))) for number in range(count)
    )


def _enrol(store: Store, school: DemoSchool, placed: list[Placed], calendar: Calendar, first: date) -> int:
    names = device_names(school)
    enrolled_ms = calendar.at(first).periods[0].from_ms - _DAY_MS if calendar.at(first).periods else 0
    with store.unit() as unit:
        for name in names:
            own = [one for one in placed if one.device == name]
            devices.add_device(unit, _device(name, school, own, enrolled_ms or min(one.at_ms for one in placed)))
        unit.commit()
    return len(names)


def _device(name: str, school: DemoSchool, own: list[Placed], enrolled_ms: int) -> Device:
    last = max(own, key=lambda one: one.at_ms, default=None)
    return Device(
        device=name,
        school=school.code,
        state=DeviceState.ACTIVE,
        machine_hash=forms.sha256hex(f"machine {name}".encode()),
        hostname_hash=forms.sha256hex(f"host {name}".encode()),
        os="Linux (demonstration)",
        agent_version="demonstration",
        replaces=None,
        token_id=None,
        enrolled_ms=enrolled_ms,
        approved_ms=None,
        revoked_ms=None,
        last_contact_ms=last.received_ms if last else enrolled_ms,
        last_measurement_ms=last.at_ms if last else None,
        ratchet_issued=len(own),
        ratchet_confirmed=len(own),
        is_volatile=False,
        boot_id=None,
        sent_mono_ms=None,
        clock_offset_ms=0,
        lineage=forms.sha256hex(f"lineage {name}".encode())[:32],
        lineages=1,
        ledger_created=len(own),
        ledger_acked=len(own),
        ledger_ready=0,
        ledger_dead=0,
        ledger_dropped=0,
    )


def _school_history(
    school: DemoSchool, calendar: Calendar, weekdays: list[date], now_ms: int, random: Random
) -> Iterator[Placed]:
    names = device_names(school)
    turn = _turning_point(school, len(weekdays), random)
    for number, day in enumerate(weekdays):
        if not _is_heard(school, number, turn, len(weekdays)):
            continue
        typical_mbps = _typical(school, number, turn)
        is_low = typical_mbps == school.low_mbps
        weather = Weather(typical_mbps, random.lognormvariate(0, 0.12), is_low)
        for at, started_ms in enumerate(_moments(school, calendar.at(day), random)):
            if started_ms < now_ms - 60_000 and random.random() >= MISSED:
                is_calibration = day.weekday() == _CALIBRATION_DAY and at == 0
                sample = Sample(school, random.choice(names), started_ms, is_calibration)
                yield _placed(sample, record_of(sample, weather, random))
    for started_ms in asked.moments(school, calendar, weekdays, random):
        sample = Sample(school, names[0], started_ms, is_asked=True)
        yield _placed(sample, record_of(sample, Weather(school.low_mbps, random.lognormvariate(0, 0.05)), random))


def _turning_point(school: DemoSchool, days: int, random: Random) -> int:
    """Return the weekday on which a line changes, or from which on it is heard, by its fate."""
    back = {
        Fate.FELL: (9, 16),
        Fate.MENDED: (17, 26),
        Fate.MENDING: (7, 9),
        Fate.SILENT: (8, 10),
        Fate.NEW: (2, 4),
    }.get(school.fate)
    return days - random.randint(*back) if back else 0


def _is_heard(school: DemoSchool, number: int, turn: int, days: int) -> bool:
    if school.fate is Fate.NEW:
        return number >= turn
    if school.fate is Fate.SILENT:
        return number < turn
    return 0 <= number < days


def _typical(school: DemoSchool, number: int, turn: int) -> float:
    """Return the typical download of a day in Mbit/s."""
    match school.fate:
        case Fate.LOW | Fate.SILENT:
            return school.low_mbps
        case Fate.FELL:
            return school.good_mbps if number < turn else school.low_mbps
        case Fate.MENDED | Fate.MENDING:
            return school.low_mbps if number < turn else school.good_mbps
        case _:
            return school.good_mbps


def _moments(school: DemoSchool, open_day: OpenDay, random: Random) -> list[int]:
    """Return when a day's tests begin: at random in each window, as an agent does it."""
    windows = open_day.windows()
    if school.fate is Fate.MORNINGS:
        windows = windows[:1]
    return sorted(
        random.randrange(window.from_ms, window.to_ms - 60_000) for window in windows for _ in range(TESTS_PER_WINDOW)
    )


def _placed(sample: Sample, record: Measurement) -> Placed:
    plain = msgspec.to_builtins(record)
    return Placed(
        decoded=Decoded(record, {}, codec.content_hash(plain)),
        device=sample.device,
        school=sample.school.code,
        at_ms=sample.started_ms,
        end_ms=sample.started_ms,
        time_quality="exact",
        time_width_ms=0,
        received_ms=sample.started_ms + 9_000,
        client_ip_prefix=None,
    )
