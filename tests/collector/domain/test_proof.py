"""Which tests are a proof, which of them count, on which days, and when the missing ones can be made."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.domain import proof
from collector.domain.calendars import OpenDay, Period, calendar_of
from collector.domain.contracts import terms_of
from collector.domain.proof import Choice, Hours, Setting, choose, pick, unfit_reason, windows_of
from collector.domain.validity import Candidate, Circumstances

ZONE = ZoneInfo("America/Barbados")
MBPS, MINUTE_MS, HOUR_MS = 1_000_000, 60_000, 3_600_000
MONDAY = date(2026, 11, 23)
CALENDAR = calendar_of("mon-fri 07:00-12:00 13:00-17:00", ZONE)


def at(hour: int, minute: int = 0, day: date = MONDAY) -> int:
    return round(datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZONE).timestamp() * 1000)


def whole(day: date) -> Period:
    return Period(at(0, day=day), at(0, day=day + timedelta(days=1)))


GOOD = Candidate(
    status="ok", trigger="campaign", started_ms=at(18), value_bps=13 * MBPS, steady_s=3.0, bytes=5_000_000,
    stop_reason="precise", lower_bound=False, engine="ndt7", server_id="tp1", medium="ethernet",
    link_bps=100 * MBPS, cpu_pct=20.0, other_bps=0,
)  # fmt: skip
SETTING = Setting(
    open_day=CALENDAR.at(MONDAY),
    terms=terms_of(30 * MBPS),
    hours=Hours.OUTSIDE,
    is_same_contract=True,
    reference=Circumstances(OpenDay(MONDAY, (), None), reference_engine="ndt7", reference_server_id="tp1"),
)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"started_ms": at(12, 30)}, None),  # the break is free
        ({"started_ms": at(10)}, "class_hours"),
        ({"medium": "wifi"}, "not_by_cable"),
        ({"medium": "cellular"}, "not_by_cable"),
        ({"medium": "vpn"}, "vpn"),
        ({"medium": None}, "link_unknown"),
        ({"medium": "unknown"}, "link_unknown"),
        ({"link_bps": None}, "link_unknown"),
        ({"link_bps": 10 * MBPS}, "slow_port"),
        ({"link_bps": 33 * MBPS}, None),
        ({"lower_bound": True}, "cut_short"),
        ({"lower_bound": True, "value_bps": 27 * MBPS}, None),  # at least this fast: that is enough
        ({"trigger": "manual"}, "manual"),
        ({"status": "failed"}, "failed"),
        ({"value_bps": None}, "failed"),
        ({"server_id": "elsewhere"}, "other_server"),
        ({"engine": "ookla"}, "other_server"),
        ({"cpu_pct": 95.0}, "busy_host"),
        ({"other_bps": 1_400_000}, "busy_line"),
        ({"steady_s": 0.5, "stop_reason": "budget"}, "too_short"),
        ({"is_retracted": True}, "retracted"),
        ({"time_quality": "bounded", "time_width_ms": 2 * HOUR_MS}, "time_unsure"),
    ],
)
def test_why_a_test_is_no_proof(changes: dict[str, object], reason: str | None) -> None:
    assert unfit_reason(replace(GOOD, **changes), SETTING) == reason  # type: ignore[arg-type]


def test_hours_and_contract_are_those_of_the_proof() -> None:
    in_class = replace(GOOD, started_ms=at(10))
    assert unfit_reason(in_class, replace(SETTING, hours=Hours.ALL)) is None
    assert unfit_reason(GOOD, replace(SETTING, is_same_contract=False)) == "other_contract"
    holiday = OpenDay(MONDAY, (), None)
    assert unfit_reason(in_class, replace(SETTING, open_day=holiday)) is None


# --- which tests of a day --------------------------------------------------------------------------------------


def test_five_and_after_a_pause_five_more() -> None:
    morning = [at(5, 5 * number) for number in range(7)]
    evening = [at(17, 5 * number) for number in range(8)]
    assert pick([*morning, *evening]) == (0, 1, 2, 3, 4, 7, 8, 9, 10, 11)


def test_the_pause_is_between_the_fifth_and_the_sixth() -> None:
    starts = [at(17, 6 * number) for number in range(5)]
    sixth = starts[-1] + 3 * HOUR_MS
    later = [sixth + 6 * MINUTE_MS * number for number in range(5)]
    assert len(pick([*starts, *later])) == 10
    assert len(pick([*starts, *[one - 1 for one in later]])) == 9


def test_tests_too_near_to_each_other_count_once() -> None:
    assert pick([at(17), at(17, 4), at(17, 5), at(17, 9)]) == (0, 2)


def test_a_day_that_lacks_some_is_counted_as_well_as_it_can_be() -> None:
    early = [at(5), at(5, 10), at(5, 20)]
    late = [at(17, 10 * number) for number in range(5)]
    assert len(pick([*early, *late])) == 8
    assert pick([]) == ()


@given(st.lists(st.integers(0, 24 * 60 - 1), max_size=40))
def test_what_is_picked_keeps_the_rule(minutes: list[int]) -> None:
    starts = sorted(at(0) + minute * MINUTE_MS for minute in minutes)
    found = [starts[place] for place in pick(starts)]
    assert len(found) <= proof.DAY_TESTS and found == sorted(found)
    assert all(later - one >= proof.APART_MS for one, later in pairwise(found))
    if len(found) == proof.DAY_TESTS:
        assert found[5] - found[4] >= proof.PAUSE_MS


# --- which days ------------------------------------------------------------------------------------------------


def days(*numbers: int) -> list[date]:
    return [date(2026, 11, number) for number in numbers]


def test_three_days_with_a_day_between_them_within_fourteen() -> None:
    assert choose(days(2, 4, 15), []).days == tuple(days(2, 4, 15))
    assert choose(days(2, 4, 16), []).days == tuple(days(4, 16))
    assert choose(days(2, 3, 4), []).days == tuple(days(2, 4))


def test_of_several_the_latest_are_taken() -> None:
    assert choose(days(2, 4, 6, 8, 10), []).days == tuple(days(6, 8, 10))


def test_the_missing_day_has_to_come_within_the_fortnight_of_the_first() -> None:
    assert choose(days(13, 19), days(20, 21, 24, 26, 27)) == Choice(tuple(days(13, 19)), tuple(days(21)), days(26)[0])
    # No day is left for the thirteenth: it goes, and two new days are wanted.
    assert choose(days(13, 19), days(27, 29)) == Choice(tuple(days(19)), tuple(days(27, 29)), date(2026, 12, 2))


def test_nothing_had_and_nothing_to_come() -> None:
    assert choose([], days(24, 25, 26, 27, 30)) == Choice((), tuple(days(24, 26, 30)), None)
    assert choose([], days(24, 25)) == Choice((), (), None)
    assert choose(days(13, 19), []) == Choice(tuple(days(13, 19)), (), None)


dates = st.integers(0, 40).map(lambda number: date(2026, 11, 1) + timedelta(days=number))


@given(st.sets(dates, max_size=12), st.sets(dates, max_size=12))
def test_what_is_chosen_keeps_the_rule(complete: set[date], usable: set[date]) -> None:
    found = choose(complete, sorted(usable - complete))
    all_days = sorted((*found.days, *found.coming))
    assert set(found.days) <= complete and set(found.coming) <= usable
    assert all((later - day).days >= 2 for day, later in pairwise(all_days))
    assert not all_days or (all_days[-1] - all_days[0]).days < 14
    assert len(all_days) == 3 or not found.coming
    assert found.by is None or all_days[-1] <= found.by


# --- when the missing ones can be made -------------------------------------------------------------------------


def clock(period: Period) -> str:
    shown = (datetime.fromtimestamp(moment / 1000, ZONE).strftime("%H:%M") for moment in (period.from_ms, period.to_ms))
    return "-".join(shown)


@pytest.mark.parametrize(
    ("opening", "hours", "wanted"),
    [
        ("mon 07:00-17:00", Hours.OUTSIDE, ["05:00-07:00", "17:00-19:00"]),
        ("mon 07:00-12:00 13:00-17:00", Hours.OUTSIDE, ["05:00-07:00", "17:00-19:00"]),
        ("mon 08:00-10:00", Hours.OUTSIDE, ["06:00-08:00", "11:00-13:00"]),
        ("mon 07:00-17:00", Hours.ALL, ["07:00-09:00", "15:00-17:00"]),
        ("mon 07:30-12:30", Hours.ALL, ["07:30-09:30", "12:30-14:30"]),
        ("mon 07:00-22:00", Hours.OUTSIDE, ["05:00-07:00", "22:00-00:00"]),
        ("mon 07:00-23:00", Hours.OUTSIDE, None),
        ("mon 01:00-17:00", Hours.OUTSIDE, None),
        ("tue 07:00-17:00", Hours.OUTSIDE, None),
    ],
)
def test_windows_near_the_school_s_hours(opening: str, hours: Hours, wanted: list[str] | None) -> None:
    found = windows_of(calendar_of(opening, ZONE).at(MONDAY), hours, whole(MONDAY))
    assert (found and [clock(one) for one in found]) == wanted
    if found:
        assert found[1].from_ms - found[0].to_ms >= proof.PAUSE_MS
