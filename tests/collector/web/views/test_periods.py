"""Periods, and what is told of each against the one before."""

from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from collector.domain import periods as calendar
from collector.domain.periods import Period
from collector.store.queries.pages.progress import Tally
from collector.web.views import periods
from collector.web.views.periods import VERDICTS

DAYS = st.dates(date(2020, 1, 1), date(2030, 12, 31))
PERIODS = [Period(str(at), str(at)) for at in range(4)]
SOME = st.sampled_from((None, *VERDICTS))


@given(st.sampled_from(calendar.WAYS), DAYS)
def test_periods_follow_each_other_without_a_gap_and_end_with_today(way: str, today: date) -> None:
    found = calendar.periods(way, today)
    assert len(found) == calendar.COUNT
    assert found[-1].first <= today.isoformat() <= found[-1].last
    for one, next_one in pairwise(found):
        first = date.fromisoformat(next_one.first)
        assert date.fromisoformat(one.last) + timedelta(days=1) == first
        assert calendar.first_before(way, first).isoformat() == one.first
    for one in found:
        first, last = date.fromisoformat(one.first), date.fromisoformat(one.last)
        assert (last - first).days in (6, 27, 28, 29, 30)
        assert calendar.first_day(way, first) == calendar.first_day(way, last) == first


def tallies(history: list[list[str | None]]) -> list[Tally]:
    """Return one tally a school and period, from the verdicts of some schools in each period."""
    made = []
    for at, verdicts in enumerate(history):
        for place, verdict in enumerate(verdicts):
            if verdict is not None:
                made.append(Tally(str(at), verdict, history[at - 1][place] if at else None, "v1", "p", 1))
    return made


@given(st.lists(st.lists(SOME, min_size=7, max_size=7), min_size=4, max_size=4))
def test_every_school_is_counted_once_in_every_period(history: list[list[str | None]]) -> None:
    lines = periods.compare(PERIODS, tallies(history), {}, 7)
    skipped = next((at for at, verdicts in enumerate(history) if any(verdicts)), len(history))
    assert [line.period for line in lines] == PERIODS[skipped:]
    thin = (None, "INSUFFICIENT")
    for line in lines:
        now = history[int(line.period.first)]
        before = history[int(line.period.first) - 1] if line.period.first != "0" else [None] * 7
        pairs = list(zip(now, before, strict=True))
        assert line.counts == {name: found for name in VERDICTS if (found := now.count(name))}
        assert line.none == now.count(None) and line.with_verdict == 7 - line.none
        assert line.judged == line.with_verdict - now.count("INSUFFICIENT")
        assert line.compared == sum(new not in thin and was not in thin for new, was in pairs)
        assert line.fell == sum(new == "BELOW" and was in ("MEETS", "BORDERLINE") for new, was in pairs)
        assert line.recovered == sum(new == "MEETS" and was == "BELOW" for new, was in pairs)
    for earlier, line in pairwise(lines):
        assert line.change == line.with_verdict - earlier.with_verdict


def test_a_new_version_of_the_profile_is_marked() -> None:
    made = [Tally(str(at), "MEETS", None, version, "p", 1) for at, version in enumerate(("v1", "v1", "v2"))]
    lines = periods.compare(PERIODS[:3], made, {"0": 1.5}, 1)
    assert [line.new for line in lines] == [None, None, periods.New.VERSION]
    assert lines[0].typical == 1.5 and lines[0].change is None and lines[1].change == 0


def targets(*judged: tuple[int, str, str, int]) -> list[periods.Progress]:
    """Return the periods of tallies (period, profile, version, schools)."""
    made = [Tally(str(at), "MEETS", None, version, profile, schools) for at, profile, version, schools in judged]
    return periods.compare(PERIODS, made, {}, 9)


def test_each_period_has_the_targets_of_its_own_day_the_one_of_most_schools_first() -> None:
    lines = targets((0, "a", "1", 5), (1, "a", "1", 2), (1, "b", "1", 3), (2, "a", "2", 5), (3, "a", "2", 5))
    assert [[tuple(one) for one in line.targets] for line in lines] == [
        [("a", "1")],
        [("b", "1"), ("a", "1")],
        [("a", "2")],
        [("a", "2")],
    ]
    assert [line.new for line in lines] == [None, periods.New.TARGET, periods.New.TARGET, None]


def test_another_version_of_a_profile_is_no_other_target_but_one_of_ones_own_is() -> None:
    version, target = periods.New.VERSION, periods.New.TARGET
    assert [line.new for line in targets((0, "a", "1", 5), (1, "a", "2", 5))] == [None, version, None, None]
    assert [line.new for line in targets((0, "own", "1", 5), (1, "own", "2", 5))] == [None, target, None, None]
    # A period in which nobody was judged is passed over.
    assert [line.new for line in targets((0, "a", "1", 5), (2, "a", "2", 5))] == [None, None, version, None]
