"""Why a PC is silent: each reason from its facts, and nobody is late while the school is closed."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.domain import doubts, silence
from collector.domain.calendars import Period
from collector.domain.conditions import DayState
from collector.domain.doubts import Doubt, Reported
from collector.domain.reporting import Seen, reporting_days
from collector.domain.silence import Around, Known, Standing
from collector.domain.words import Reason

HOUR, DAY = silence.HOUR_MS, silence.DAY_MS
OPENS_MS = round(datetime(2026, 11, 23, 7, tzinfo=UTC).timestamp() * 1000)
OPEN = Period(OPENS_MS, OPENS_MS + 10 * HOUR)
IN_CLASS = OPEN.from_ms + 3 * HOUR
TODAY = OPEN.from_ms + 17 * HOUR  # the next midnight
PC = Known(IN_CLASS, "ok", 200, is_volatile=False, is_pending=False, is_replaced=False)
ALONE = Around((OPEN,), TODAY, ())


@pytest.mark.parametrize(
    ("known", "around", "reason"),
    [
        (replace(PC, is_replaced=True, is_pending=True), ALONE, Reason.REPLACED),
        (replace(PC, is_pending=True, last_contact_ms=None), ALONE, Reason.KEY_WAITS),
        (replace(PC, last_contact_ms=None, last_word=None), ALONE, Reason.NEVER_HEARD),
        (replace(PC, last_word="no_internet"), ALONE, Reason.NO_INTERNET),
        (replace(PC, last_word="dns_fail"), ALONE, Reason.NO_INTERNET),
        (replace(PC, last_word="portal"), ALONE, Reason.PORTAL),
        (replace(PC, last_word="link_down"), ALONE, Reason.NOT_CONNECTED),
        (replace(PC, last_word="no_gateway"), ALONE, Reason.NOT_CONNECTED),
        (replace(PC, clock_offset_ms=-3 * DAY), ALONE, Reason.WRONG_CLOCK),
        (replace(PC, clock_offset_ms=6 * 60_000), ALONE, Reason.UNKNOWN),
        (replace(PC, is_volatile=True), ALONE, Reason.VOLATILE),
        (replace(PC, last_contact_ms=OPEN.to_ms - HOUR), ALONE, Reason.SWITCHED_OFF),
        (replace(PC, last_contact_ms=OPEN.to_ms + HOUR), ALONE, Reason.SWITCHED_OFF),
        (PC, replace(ALONE, others_ms=(TODAY + HOUR,)), Reason.AGENT_STOPPED),
        (PC, replace(ALONE, others_ms=(IN_CLASS - 9 * DAY, None)), Reason.UNKNOWN),
        (PC, replace(ALONE, others_ms=(IN_CLASS + 9 * 60_000,)), Reason.NO_INTERNET),
        (PC, replace(ALONE, others_ms=(IN_CLASS + 9 * 60_000, IN_CLASS + DAY)), Reason.AGENT_STOPPED),
        (PC, ALONE, Reason.UNKNOWN),
        (PC, replace(ALONE, outage_from_ms=IN_CLASS + 9 * 60_000), Reason.OUTAGE),
        (PC, replace(ALONE, outage_from_ms=IN_CLASS, others_ms=(IN_CLASS,)), Reason.OUTAGE),
        (PC, replace(ALONE, outage_from_ms=IN_CLASS + 2 * HOUR), Reason.UNKNOWN),  # it was silent before
        (replace(PC, last_word="portal"), replace(ALONE, outage_from_ms=IN_CLASS), Reason.PORTAL),
        (PC, replace(ALONE, last_day=()), Reason.SWITCHED_OFF),
        (replace(PC, is_elsewhere=True), ALONE, Reason.NETWORK_CHANGED),
        (replace(PC, is_elsewhere=True), replace(ALONE, others_ms=(IN_CLASS,)), Reason.NETWORK_CHANGED),
        (replace(PC, is_elsewhere=True, last_word="portal"), ALONE, Reason.PORTAL),
        (replace(PC, is_elsewhere=True), replace(ALONE, outage_from_ms=IN_CLASS), Reason.OUTAGE),
    ],
)
def test_each_reason(known: Known, around: Around, reason: Reason) -> None:
    assert silence.explain(known, around).reason is reason


def test_it_is_told_from_what() -> None:
    why = silence.explain(PC, replace(ALONE, others_ms=(TODAY + HOUR, None, IN_CLASS)))
    assert (why.others, why.others_heard, why.is_together) == (3, 1, False)


@pytest.mark.parametrize(
    ("age_ms", "expected"),
    [
        (0, Standing.LIVE),
        (21 * DAY, Standing.LIVE),
        (21 * DAY + 1, Standing.AT_RISK),
        (28 * DAY, Standing.AT_RISK),
        (28 * DAY + 1, Standing.DROPPED),
    ],
)
def test_the_standings_change_after_21_and_28_days(age_ms: int, expected: Standing) -> None:
    assert silence.standing(TODAY - age_ms, TODAY) is expected


def test_nobody_is_expected_before_an_hour_of_school_or_on_a_day_without() -> None:
    assert not silence.has_begun((OPEN,), OPEN.from_ms + HOUR - 1)
    assert silence.has_begun((OPEN,), OPEN.from_ms + HOUR)
    assert not silence.has_begun((), OPEN.to_ms)
    short = Period(OPEN.from_ms, OPEN.from_ms + HOUR // 2)
    assert silence.has_begun((short,), short.to_ms) and not silence.has_begun((short,), short.to_ms - 1)


FINE = Reported(0, is_volatile=False, has_conflicts=False, lineages=1, created=9, acked=5, ready=2, dead=1, dropped=0)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (replace(FINE, ready=3), ()),
        (replace(FINE, ready=4), (Doubt.LEDGER_BROKEN,)),
        (replace(FINE, created=8 + 100), ()),
        (replace(FINE, created=9 + 100), (Doubt.LEDGER_BROKEN,)),
        (replace(FINE, created=None), ()),
        (replace(FINE, lineages=2), (Doubt.LOST_RECORDS,)),
        (replace(FINE, lineages=2, is_volatile=True), (Doubt.VOLATILE,)),
        (replace(FINE, created=10, dropped=1), (Doubt.LOST_RECORDS,)),
        (replace(FINE, clock_offset_ms=-300_001), (Doubt.WRONG_CLOCK,)),
        (replace(FINE, clock_offset_ms=300_000), ()),
        (replace(FINE, has_conflicts=True), (Doubt.COPIED_IDENTITY,)),
    ],
)
def test_what_makes_data_doubtful(found: Reported, expected: tuple[Doubt, ...]) -> None:
    assert doubts.doubts(found) == expected


def test_days_of_which_nothing_is_known_are_bad_and_count_on() -> None:
    days = [date(2026, 11, day) for day in (18, 19, 20, 23)]
    seen = Seen(days, frozenset({days[1]}), 2, date(2026, 11, 16))
    found = reporting_days(seen, lambda first, last: (last - first).days)
    assert [one.state for one in found] == [DayState.BAD, DayState.GOOD, DayState.BAD, DayState.BAD]
    assert found[0].numbers == {"silent_days": 2, "heard_on": "2026-11-16", "pcs": 2}
    assert found[3].numbers == {"silent_days": 4, "heard_on": "2026-11-19", "pcs": 2}
    never = reporting_days(replace(seen, alive=frozenset(), before=None), lambda _first, _last: 99)
    assert [one.numbers["silent_days"] for one in never] == [1, 2, 3, 4]
    assert never[0].numbers["heard_on"] is None


@given(st.lists(st.integers(0, 30), unique=True), st.sets(st.integers(0, 30)))
def test_a_day_is_good_if_and_only_if_something_is_known_of_it(expected: list[int], alive: set[int]) -> None:
    first = date(2026, 3, 2).toordinal()
    days = [date.fromordinal(first + day) for day in sorted(expected)]
    known = frozenset(date.fromordinal(first + day) for day in alive)
    found = reporting_days(Seen(days, known, 1, None), lambda a, b: (b - a).days)
    assert [one.day for one in found] == days
    assert all((one.state is DayState.GOOD) == (one.day in known) for one in found)


def test_a_day_on_hold_says_nothing_of_the_pcs() -> None:
    days = tuple(date(2026, 11, day) for day in (23, 24, 25, 26))
    seen = Seen(days, frozenset({days[0], days[2]}), 2, None, on_hold=frozenset(days[1:3]))
    states = [one.state for one in reporting_days(seen, lambda after, until: (until - after).days)]
    assert states == [DayState.GOOD, DayState.UNKNOWN, DayState.UNKNOWN, DayState.BAD]
