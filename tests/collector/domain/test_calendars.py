"""Opening hours: read, asked, halved, cut in thirds, over changes of the clock and days that differ."""

import contextlib
from datetime import UTC, date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.domain.calendars import (
    DEFAULT_OPENING,
    Calendar,
    OpeningError,
    Span,
    calendar_of,
    parse_opening,
)
from collector.domain.words import DayKind, Suppression

SAO_PAULO, MADRID, LONDON = ZoneInfo("America/Sao_Paulo"), ZoneInfo("Europe/Madrid"), ZoneInfo("Europe/London")
TWO_SHIFTS = "mon-fri 07:00-12:00 13:00-17:00; sat 08:00-12:00"
TUESDAY, SATURDAY, SUNDAY = date(2026, 11, 24), date(2026, 11, 28), date(2026, 11, 29)
HOUR_MS = 3_600_000


def ms(text: str, zone: ZoneInfo = SAO_PAULO) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1000)


def local(moment_ms: int, zone: ZoneInfo = SAO_PAULO) -> str:
    return datetime.fromtimestamp(moment_ms / 1000, zone).strftime("%a %H:%M")


def spans(*hours: tuple[float, float]) -> tuple[Span, ...]:
    return tuple(Span(round(start * 60), round(end * 60)) for start, end in hours)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mon-fri 07:00-17:00", {0: spans((7, 17)), 4: spans((7, 17)), 5: ()}),
        (TWO_SHIFTS, {0: spans((7, 12), (13, 17)), 5: spans((8, 12)), 6: ()}),
        ('mon = "07:00-12:00 13:00-17:00"', {0: spans((7, 12), (13, 17)), 1: ()}),
        ("mon: 7:30-12:00, 13:00-17:15", {0: spans((7.5, 12), (13, 17.25))}),
        ("MON,WED 08:00-09:00\nfri 10:00-11:00", {0: spans((8, 9)), 1: (), 2: spans((8, 9)), 4: spans((10, 11))}),
        ("sat-tue 08:00-09:00", {5: spans((8, 9)), 6: spans((8, 9)), 0: spans((8, 9)), 1: spans((8, 9)), 2: ()}),
        ("mon-fri 07:00-17:00; wed closed", {1: spans((7, 17)), 2: (), 3: spans((7, 17))}),
        ("mon 13:00-17:00 07:00-12:00", {0: spans((7, 12), (13, 17))}),
        ("mon 00:00-24:00", {0: spans((0, 24))}),
        ("mon 07:00 – 12:00", {0: spans((7, 12))}),
        ("mon 07:00-12:00 12:00-17:00", {0: spans((7, 12), (12, 17))}),
    ],
)
def test_opening_hours_are_read(text: str, expected: dict[int, tuple[Span, ...]]) -> None:
    week = parse_opening(text)

    assert len(week) == 7
    assert {weekday: week[weekday] for weekday in expected} == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "opens on no day"),
        ("mon closed", "opens on no day"),
        ("someday 07:00-12:00", "is not opening hours"),
        ("xyz 07:00-12:00", "names no days"),
        ("mon-wed-fri 07:00-12:00", "names no days"),
        ("mon 7-12", "cannot be read"),
        ("mon 07:00-12:00 13", "cannot be read"),
        ("mon 12:00-07:00", "end before they start"),
        ("mon 07:00-07:00", "end before they start"),
        ("mon 07:00-24:01", "after 24:00"),
        ("mon 07:00-12:00 11:59-13:00", "overlap"),
        ("mon open", "is not opening hours"),
    ],
)
def test_a_mistake_is_one_sentence(text: str, says: str) -> None:
    with pytest.raises(OpeningError, match=says):
        parse_opening(text)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(OpeningError):
        assert any(parse_opening(text))


def test_the_default_is_monday_to_friday_seven_to_five() -> None:
    assert calendar_of(None, SAO_PAULO) == calendar_of(DEFAULT_OPENING, SAO_PAULO)
    day = calendar_of("", SAO_PAULO).at(TUESDAY)
    assert [local(edge) for period in day.periods for edge in (period.from_ms, period.to_ms)] == [
        "Tue 07:00",
        "Tue 17:00",
    ]


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-11-24T06:59:59", False),
        ("2026-11-24T07:00:00", True),
        ("2026-11-24T11:59:59", True),
        ("2026-11-24T12:00:00", False),
        ("2026-11-24T12:30:00", False),
        ("2026-11-24T13:00:00", True),
        ("2026-11-24T17:00:00", False),
        ("2026-11-28T09:00:00", True),
        ("2026-11-29T09:00:00", False),
    ],
)
def test_open_from_the_first_minute_to_before_the_last(moment: str, expected: bool) -> None:
    calendar = calendar_of(TWO_SHIFTS, SAO_PAULO)
    assert calendar.at(calendar.local_day(ms(moment))).is_within(ms(moment)) is expected


@pytest.mark.parametrize(
    ("moment", "half"),
    [
        ("2026-11-24T07:00:00", 1),
        ("2026-11-24T11:29:59", 1),
        ("2026-11-24T11:30:00", 2),  # 4.5 of 9 hours are over
        ("2026-11-24T13:00:00", 2),
        ("2026-11-24T16:59:59", 2),
        ("2026-11-24T12:30:00", None),
        ("2026-11-24T17:00:00", None),
    ],
)
def test_halves_are_of_the_opening_time(moment: str, half: int | None) -> None:
    assert calendar_of(TWO_SHIFTS, SAO_PAULO).at(TUESDAY).half_of(ms(moment)) == half


def test_local_days_are_those_of_the_school() -> None:
    moment = round(datetime(2026, 11, 25, 1, 0, tzinfo=UTC).timestamp() * 1000)

    assert calendar_of(None, SAO_PAULO).local_day(moment) == date(2026, 11, 24)
    assert calendar_of(None, MADRID).local_day(moment) == date(2026, 11, 25)


@pytest.mark.parametrize(
    ("kind", "is_open", "suppression"),
    [(DayKind.HOLIDAY, False, Suppression.HOLIDAY), (DayKind.CLOSURE, False, Suppression.CLOSURE), (None, True, None)],
)
def test_holidays_and_closures(kind: DayKind | None, is_open: bool, suppression: Suppression | None) -> None:
    day = calendar_of(TWO_SHIFTS, SAO_PAULO, {TUESDAY: kind} if kind else {}).at(TUESDAY)

    assert (day.is_open, day.suppression) == (is_open, suppression)


def test_an_extra_day_of_school_has_its_own_hours_or_the_usual_ones() -> None:
    calendar = calendar_of(TWO_SHIFTS, SAO_PAULO, {SATURDAY: DayKind.OPEN, SUNDAY: DayKind.OPEN})

    assert calendar.at(SATURDAY).open_ms == 4 * HOUR_MS
    assert calendar.at(SUNDAY).open_ms == 9 * HOUR_MS
    assert calendar.at(SUNDAY).suppression is None


def test_a_closed_weekday_is_not_suppressed() -> None:
    day = calendar_of(None, SAO_PAULO).at(SUNDAY)

    assert (day.is_open, day.suppression, day.windows(), day.open_ms) == (False, None, (), 0)


def test_windows_are_thirds_of_the_opening_time() -> None:
    windows = calendar_of(None, SAO_PAULO).at(TUESDAY).windows()

    assert [(local(w.from_ms), local(w.to_ms)) for w in windows] == [
        ("Tue 07:00", "Tue 10:20"),
        ("Tue 10:20", "Tue 13:40"),
        ("Tue 13:40", "Tue 17:00"),
    ]


def test_a_break_cuts_a_third_in_two() -> None:
    day = calendar_of(TWO_SHIFTS, SAO_PAULO).at(TUESDAY)

    assert [[(local(p.from_ms), local(p.to_ms)) for p in day.third(index)] for index in range(3)] == [
        [("Tue 07:00", "Tue 10:00")],
        [("Tue 10:00", "Tue 12:00"), ("Tue 13:00", "Tue 14:00")],
        [("Tue 14:00", "Tue 17:00")],
    ]


def test_a_third_that_ends_with_the_hours_before_a_break_is_one_piece() -> None:
    day = calendar_of("tue 07:00-10:00 11:00-14:00 15:00-18:00", SAO_PAULO).at(TUESDAY)

    assert [len(day.third(index)) for index in range(3)] == [1, 1, 1]
    assert day.windows() == day.periods


def test_the_pieces_of_a_third_take_turns_by_their_length() -> None:
    calendar = calendar_of("mon-sun 07:00-12:00 13:00-17:00", SAO_PAULO)

    middles = [day.windows()[1] for day in calendar.school_days(date(2026, 1, 1), date(2026, 12, 31))]

    before_noon = sum(window.length_ms == 2 * HOUR_MS for window in middles)
    assert len(middles) == 365
    assert before_noon == pytest.approx(365 * 2 / 3, abs=3)


def test_the_windows_of_two_weeks_begin_with_the_one_that_is_on() -> None:
    calendar = calendar_of(None, SAO_PAULO)

    windows = calendar.windows_utc(ms("2026-11-24T10:20:00"))

    assert (local(windows[0].from_ms), local(windows[-1].to_ms)) == ("Tue 10:20", "Mon 17:00")
    assert len(windows) == 2 + 9 * 3
    assert calendar.windows_utc(ms("2026-11-24T10:19:59"))[0].to_ms == windows[0].from_ms


@pytest.mark.parametrize(
    ("day", "hours"),
    [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 10, 26), 24)],
)
def test_a_day_has_the_length_that_it_has(day: date, hours: int) -> None:
    calendar = calendar_of("mon-sun 00:00-24:00", LONDON)

    opened = calendar.at(day)

    assert opened.open_ms == hours * HOUR_MS
    assert sum(window.length_ms for window in opened.windows()) == hours * HOUR_MS
    assert opened.is_within(ms(f"{day}T00:00:00", LONDON))
    assert not opened.is_within(calendar.at(date.fromordinal(day.toordinal() + 1)).periods[0].from_ms)


def test_hours_that_the_clock_skips_make_no_opening_time() -> None:
    """On 29 March 2026 the clock of London goes from 01:00 to 02:00."""
    opened = calendar_of("sun 01:00-02:00", LONDON).at(date(2026, 3, 29))

    assert not opened.is_open


@given(
    st.dates(date(2024, 1, 1), date(2028, 12, 31)),
    st.sampled_from(["America/Sao_Paulo", "Europe/London", "America/Havana", "Asia/Kathmandu", "Pacific/Apia"]),
    st.sampled_from([DEFAULT_OPENING, TWO_SHIFTS, "mon-sun 00:00-24:00", "mon-sun 06:00-08:00 9:00-10:00 22:30-23:00"]),
)
def test_thirds_cover_the_opening_time_once(day: date, zone: str, opening: str) -> None:
    opened = Calendar(parse_opening(opening), ZoneInfo(zone)).at(day)

    pieces = [piece for index in range(3) for piece in opened.third(index)]

    assert sum(piece.length_ms for piece in pieces) == opened.open_ms
    assert all(piece.length_ms > 0 for piece in pieces)
    assert all(before.to_ms <= after.from_ms for before, after in pairwise(pieces))
    for window in opened.windows():
        assert opened.is_within(window.from_ms)
        assert opened.is_within(window.to_ms - 1)
