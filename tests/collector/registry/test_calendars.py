"""Holidays from a file: taken, refused, and felt by the windows of devices."""

from datetime import date
from typing import Any

import pytest

from collector.config import CollectorConfig
from collector.errors import CollectorError
from collector.intake.school_day import calendar_for
from collector.registry.plan import ImportReport
from collector.store.open import Store
from collector.store.queries import facts, hours, schools
from tests.fakes.registry_files import import_calendar
from tests.fakes.school_days import a_registry, at_ms, bring

TODAY = date(2026, 11, 25)  # a Wednesday
NOON_MS = at_ms(TODAY, "12:00")


@pytest.fixture
def registry(store: Store) -> Store:
    bring(store, a_registry("00123,Uno,UTC,Sur", "b,Dos,UTC,Norte", heading="code,name,timezone,area"), NOON_MS)
    return store


def take(store: Store, *rows: str, heading: str = "calendar,date,kind,note", **options: Any) -> ImportReport:
    with store.unit() as unit:
        report = import_calendar(unit, a_registry(*rows, heading=heading), **options)
        unit.commit()
    return report


def days_of(store: Store) -> dict[str, dict[str, str]]:
    with store.reader() as snapshot:
        return schools.calendar_days(snapshot)


def settings_version(store: Store) -> str | None:
    with store.reader() as snapshot:
        return facts.find_fact(snapshot, facts.SETTINGS_VERSION)


def windows_on(store: Store, code: str, day: date) -> int:
    with store.reader() as snapshot:
        found = hours.find_school_hours(snapshot, code)
        assert found is not None
        calendar = calendar_for(snapshot, found, CollectorConfig(), NOON_MS)
    return sum(calendar.local_day(window.from_ms) == day for window in calendar.windows_utc(NOON_MS))


def test_rows_that_are_wrong_are_named_and_the_others_are_in(registry: Store) -> None:
    rows = (
        "default,2026-12-25,holiday,Navidad",
        "Sur,2026-12-1,closure,",
        "00123,2026-12-05,party,",
        "Nort,2026-12-05,open,",
        ",2026-12-05,open,",
        "00123,2026-12-25,Holiday,",
        "DEFAULT,2026-12-25,open,",
        "b,24/12/2026,open,,more",
        f"b,2026-12-24,open,{'x' * 300}",
        "b,0001-01-01,open,",
    )
    dry = take(registry, *rows, dry_run=True)
    assert days_of(registry) == {}
    assert dry.lines()[-2] == "2 days would be added, 0 changed, 0 are as in the file."

    report = take(registry, *rows)
    assert [str(error) for error in report.errors] == [
        "Line 3, column date: '2026-12-1' is not a date; write it as 2026-12-24.",
        "Line 4, column kind: 'party' is unknown; write holiday, closure, open.",
        "Line 5, column calendar: no area and no school is called 'Nort'; did you mean Norte?",
        "Line 6, column calendar: the calendar is missing: write default, an area, or a school's code.",
        "Line 8, column date: 2026-12-25 of the calendar default stands in line 2 already.",
        "Line 9, column date: '24/12/2026' is not a date; write it as 2026-12-24.",
        "Line 9, column 5: there are more cells than headings; a text with a comma needs quotes.",
        "Line 10, column note: the text has 300 characters; at most 256 are kept.",
        "Line 11, column date: '0001-01-01' is not a date; write it as 2026-12-24.",
    ]
    assert report.lines()[-2:] == [
        "2 days were added, 0 changed, 0 are as in the file.",
        "8 rows were refused, the others were taken.",
    ]
    assert days_of(registry) == {"default": {"2026-12-25": "holiday"}, "school:00123": {"2026-12-25": "holiday"}}


def test_the_same_file_again_changes_nothing_and_a_note_alone_reaches_no_device(registry: Store) -> None:
    take(registry, "default,2026-12-25,holiday,Navidad")
    before = settings_version(registry)
    again = take(registry, "default,2026-12-25,holiday,Navidad")
    noted = take(registry, "default,2026-12-25,holiday,Christmas")
    assert (again.unchanged, again.changed, noted.changed) == (1, 0, 1)
    assert settings_version(registry) == before
    assert take(registry, "default,2026-12-25,closure,Christmas").changed == 1
    assert settings_version(registry) != before


@pytest.mark.parametrize(
    ("raw", "part"),
    [
        (b"calendar,date\ndefault,2026-12-25\n", "has no heading kind. Nothing was stored."),
        (b"", "is empty"),
        (b"calendar,date,kind,date\n", "the heading date stands twice"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence(registry: Store, raw: bytes, part: str) -> None:
    with registry.unit() as unit, pytest.raises(CollectorError) as caught:
        import_calendar(unit, raw)
    assert part in caught.value.sentence


def test_devices_get_no_windows_on_a_holiday(registry: Store) -> None:
    friday, saturday = date(2026, 11, 27), date(2026, 11, 28)
    assert (windows_on(registry, "00123", friday), windows_on(registry, "00123", saturday)) == (3, 0)
    take(registry, "default,2026-11-27,holiday,", "Sur,2026-11-28,open,", "b,2026-11-27,open,")
    assert (windows_on(registry, "00123", friday), windows_on(registry, "00123", saturday)) == (0, 3)
    assert (windows_on(registry, "b", friday), windows_on(registry, "b", saturday)) == (3, 0)


def test_an_area_and_a_school_that_are_called_the_same_are_kept_apart(store: Store) -> None:
    schools_of_7 = a_registry("7,Uno,UTC,Sur", "8,Dos,UTC,7", "9,Tres,UTC,default", heading="code,name,timezone,area")
    bring(store, schools_of_7, NOON_MS)
    friday, saturday = date(2026, 11, 27), date(2026, 11, 28)
    report = take(store, "7,2026-11-27,holiday,", "area: 7,2026-11-28,open,", "School:7,2026-11-26,closure,")
    assert [str(error) for error in report.errors] == [
        "Line 2, column calendar: '7' is an area and a school; write area:7 or school:7."
    ]
    assert days_of(store) == {"area:7": {"2026-11-28": "open"}, "school:7": {"2026-11-26": "closure"}}
    assert [windows_on(store, code, saturday) for code in ("7", "8", "9")] == [0, 3, 0]
    assert [windows_on(store, code, date(2026, 11, 26)) for code in ("7", "8")] == [0, 3]

    take(store, "area:default,2026-11-27,holiday,")  # the word alone means everybody
    assert [windows_on(store, code, friday) for code in ("7", "8", "9")] == [3, 3, 0]
    take(store, "Default,2026-11-27,holiday,")
    assert [windows_on(store, code, friday) for code in ("7", "8", "9")] == [0, 0, 0]


def test_a_school_that_comes_later_does_not_take_over_the_calendar_of_an_area(registry: Store) -> None:
    take(registry, "Sur,2026-11-28,open,")
    bring(registry, a_registry("Sur,Tres,UTC,Norte", heading="code,name,timezone,area"), NOON_MS)
    saturday = date(2026, 11, 28)
    assert [windows_on(registry, code, saturday) for code in ("00123", "Sur")] == [3, 0]


def test_a_name_that_is_given_twice_in_two_ways_is_one_calendar(registry: Store) -> None:
    report = take(registry, "Sur,2026-12-24,holiday,", "area:Sur,2026-12-24,open,", "area:b,2026-12-24,open,")
    assert [str(error) for error in report.errors] == [
        "Line 3, column date: 2026-12-24 of the calendar area:Sur stands in line 2 already.",
        "Line 4, column calendar: no area and no school is called 'area:b'; "
        "write default, an area, or a school's code.",
    ]
