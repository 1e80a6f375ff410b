"""The rules of the watch, each with numbers worked out by hand."""

import random
from itertools import pairwise
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.domain.diary_states import Said
from collector.domain.outages import explain, odds, presence, revise
from collector.domain.outages.groups import EVERYBODY, Group, Place, groups_of
from collector.domain.outages.odds import Counts
from collector.domain.outages.presence import Change, Event
from collector.domain.outages.revise import Run, Silence
from collector.domain.outages.tally import Tally
from collector.domain.outages.usual import Usual
from collector.domain.outages.watch import Watch
from collector.domain.words import OutageLabel, OutageState

DAY = ((420, 1020),)  # 07:00 to 17:00, minutes


def seen(contacts: list[int], until: int = 2000, opening: presence.Open = DAY) -> list[tuple[int, str, int]]:
    return [(one.minute, one.change.value, one.heard) for one in presence.events("s", contacts, opening, until)]


# --- who is heard ---------------------------------------------------------------------------------------------------


def test_a_school_whose_word_does_not_come_is_late_and_then_silent() -> None:
    assert seen([480, 495, 510], 600) == [(480, "back", 480), (525, "late", 510), (527, "fell", 510)]
    assert seen([480, 495, 510], 526) == [(480, "back", 480), (525, "late", 510)]  # not yet known
    assert seen([480, 495, 511], 520) == [(480, "back", 480), (510, "late", 495), (511, "back", 511)]


def test_a_school_of_many_computers_is_missed_sooner_and_one_that_speaks_seldom_never() -> None:
    many = list(range(480, 600, 4))
    assert presence.patience_min(many) == presence.SHORTEST_MIN
    assert seen(many, 700)[-1] == (many[-1] + 9, "fell", many[-1])
    assert presence.patience_min([480, 540, 600, 660]) is None
    assert seen([480, 540, 600, 660, 720], 900)[-1][1] != "fell"


def test_out_of_hours_nobody_falls_silent() -> None:
    assert seen([400, 415], 1000) == [(420, "back", 415), (430, "late", 415), (432, "fell", 415)]
    assert seen([995, 1010], 1200)[-1] == (1020, "left", 1010)
    assert seen([300, 315], 1000) == []
    assert presence.trimmed([(420, 720), (780, 800)]) == [(420, 690)]


def test_the_minutes_of_hours_are_read_back() -> None:
    assert presence.minutes_of([(8, 0b101), (7, 1 << 59)]) == [7 * 60 + 59, 480, 482]


@given(st.lists(st.integers(300, 1200), max_size=60), st.integers(300, 1300))
def test_events_are_in_order_and_every_fall_follows_a_word(minutes: list[int], until: int) -> None:
    contacts = sorted({one for one in minutes if one <= until})
    found = list(presence.events("s", contacts, DAY, until))
    assert all(one.minute <= two.minute for one, two in pairwise(found))
    assert all(one.heard in contacts and one.heard <= one.minute <= until for one in found)
    counted = False
    for one in found:
        assert counted or one.change is Change.BACK
        counted = one.change in (Change.BACK, Change.LATE)


# --- by accident ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "x", "chance"), [(20, 12, 0.1), (8, 8, 0.02), (5, 1, 0.5), (300, 170, 0.4)])
def test_the_tail_is_the_sum_of_the_binomial_terms(n: int, x: int, chance: float) -> None:
    exact = sum(comb(n, k) * chance**k * (1 - chance) ** (n - k) for k in range(x, n + 1))
    assert odds.tail(n, x, chance) == pytest.approx(exact, rel=1e-9)


def test_a_drop_is_many_of_many_and_more_than_usual() -> None:
    alpha = odds.limit(200)
    assert odds.is_drop(Counts(20, 20), 0.02, alpha)
    assert not odds.is_drop(Counts(20, 9), 0.02, alpha)  # fewer than half
    assert not odds.is_drop(Counts(2, 2), 0.02, alpha)  # too few to say
    assert not odds.is_drop(Counts(400, 300), 0.7, alpha)  # the end of a shift
    assert odds.smallest_group(200) == 5 and not odds.is_drop(Counts(4, 4), 0.02, alpha)


def test_what_is_usual_is_asked_of_the_days_before() -> None:
    usual, group = Usual(), Group("North", "Onda")
    for _ in range(5):
        usual.add_day(group, {720: Counts(20, 15), 600: Counts(20, 0)})
        usual.add_day(Group("North"), {720: Counts(60, 50), 600: Counts(60, 0)})
    assert usual.of(group, 715) > 0.6
    assert usual.of(group, 600) == odds.FLOOR
    assert usual.of(Group("South"), 600) == 0.1  # nothing is known: taken to be unsteady


# --- what explains it -----------------------------------------------------------------------------------------------


def a_country() -> dict[str, Place]:
    """Two areas with three providers of ten schools each."""
    return {
        f"{area[0]}{provider}{number}": Place(area, provider)
        for area in ("North", "South")
        for provider in ("A", "B", "C")
        for number in range(10)
    }


def after(silent: set[str]) -> list[explain.Drop]:
    tally = Tally(a_country())
    tally.take(100, [Event(100, Change.BACK, code, 100) for code in a_country()])
    tally.take(118, [Event(118, Change.FELL, code, 100) for code in sorted(silent)])
    return explain.drops(tally, lambda _group: 0.02, odds.limit(len(tally.schools)))


def of(*, area: str = "", provider: str = "") -> set[str]:
    return {
        code for code, place in a_country().items() if area in ("", place.area) and provider in ("", place.provider)
    }


@pytest.mark.parametrize(
    ("silent", "group", "label"),
    [
        (of(area="North", provider="A"), Group("North", "A"), OutageLabel.PROVIDER),
        (of(provider="A"), Group("", "A"), OutageLabel.PROVIDER),
        (of(area="North"), Group("North"), OutageLabel.AREA),
        (of(), EVERYBODY, OutageLabel.COLLECTOR),
    ],
)
def test_the_group_that_explains_it_is_found_alone(silent: set[str], group: Group, label: OutageLabel) -> None:
    (drop,) = after(silent)
    assert (drop.group, explain.label_of(drop), drop.fallen) == (group, label, silent)


def test_two_at_once_are_two() -> None:
    found = after(of(area="North", provider="A") | of(area="South", provider="B"))
    assert {drop.group for drop in found} == {Group("North", "A"), Group("South", "B")}


def test_while_everything_fades_alike_no_group_is_blamed() -> None:
    """The collector is away: after some minutes a few schools of each group are silent, of one by chance seven."""
    faded = {code for code in a_country() if code[-1] in "012"} | {f"NA{number}" for number in range(7)}
    assert after(faded) == []


def test_an_area_lies_in_wider_ones() -> None:
    assert set(groups_of(Place("North/River", "A"))) == {
        EVERYBODY, Group("", "A"), Group("North/River"), Group("North/River", "A"), Group("North"), Group("North", "A"),
    }  # fmt: skip


def test_a_suspicion_that_is_gone_a_minute_later_never_was() -> None:
    watch = Watch(Tally(a_country()), lambda _group, _minute: 0.02)
    watch.step(100, [Event(100, Change.BACK, code, 100) for code in a_country()])
    silent = sorted(of(area="North", provider="A"))
    (seen_once,) = watch.step(118, [Event(118, Change.FELL, code, 100) for code in silent])
    assert seen_once.state is OutageState.SUSPECTED
    (gone,) = watch.step(119, [Event(119, Change.BACK, code, 119) for code in silent])
    assert gone.state is OutageState.RETRACTED and gone.opened is None and watch.outages == []


DAY_MIN = 24 * 60


def an_outage() -> tuple[Watch, list[str]]:
    """Return a watch over an open outage of one provider in one area, and its schools; it opened at minute 119."""
    watch = Watch(Tally(a_country()), lambda _group, _minute: 0.02)
    watch.step(100, [Event(100, Change.BACK, code, 100) for code in a_country()])
    silent = sorted(of(area="North", provider="A"))
    watch.step(118, [Event(118, Change.FELL, code, 100) for code in silent])
    (outage,) = watch.step(119, [])
    assert outage.state is OutageState.OPEN and sorted(outage.members) == silent
    return watch, silent


def test_who_never_comes_back_does_not_hold_the_others_for_ever() -> None:
    watch, silent = an_outage()
    back = silent[: len(silent) // 2 + 1]
    watch.step(200, [Event(200, Change.BACK, code, 200) for code in back])
    (outage,) = watch.outages
    watch.step(200 + 3 * DAY_MIN - 1, [])
    assert outage.state is OutageState.OPEN
    watch.step(200 + 3 * DAY_MIN, [])
    assert outage.state is OutageState.CLOSED and outage.closed == 200 + 3 * DAY_MIN and watch.outages == []
    assert outage.silent() == set(silent) - set(back)


def test_an_outage_of_most_goes_on_until_their_computers_have_dropped_off() -> None:
    watch, silent = an_outage()
    watch.step(200, [Event(200, Change.BACK, silent[0], 200)])
    (outage,) = watch.outages
    watch.step(200 + 28 * DAY_MIN - 1, [])
    assert outage.state is OutageState.OPEN
    watch.step(200 + 28 * DAY_MIN, [])
    assert outage.state is OutageState.CLOSED


def test_an_outage_seen_by_a_clock_that_was_ahead_ends_when_its_schools_are_heard() -> None:
    watch, silent = an_outage()
    (outage,) = watch.outages
    watch.step(20, [Event(20, Change.BACK, code, 20) for code in silent])
    assert outage.state is OutageState.RECOVERING and outage.recovered == outage.whole == 20
    watch.step(40, [])
    assert outage.state is OutageState.CLOSED


# --- what was learnt later ------------------------------------------------------------------------------------------

SILENT = {f"s{number}": Silence(510 + number, 560 + number) for number in range(6)}


def test_without_diaries_silence_stands_for_a_line_that_is_gone() -> None:
    found = revise.revise(SILENT, {}, 700)
    (stretch,) = found.stretches
    assert stretch.schools.keys() == SILENT.keys() and found.said == {} and not found.is_ours


diaries = st.dictionaries(
    st.sampled_from(sorted(SILENT)),
    st.lists(
        st.tuples(st.integers(400, 650), st.integers(1, 120), st.sampled_from(list(Said))).map(
            lambda one: Run(one[0], one[0] + one[1], one[2])
        ),
        max_size=6,
    ),
)


@given(diaries, st.randoms(use_true_random=False))
def test_diaries_in_any_order_say_the_same(runs: dict[str, list[Run]], chance: random.Random) -> None:
    shuffled = {code: chance.sample(some, len(some)) for code, some in chance.sample(sorted(runs.items()), len(runs))}
    assert revise.revise(SILENT, shuffled, 700) == revise.revise(SILENT, runs, 700)


@given(diaries)
def test_stretches_lie_apart_and_each_has_three_schools(runs: dict[str, list[Run]]) -> None:
    found = revise.revise(SILENT, runs, 700).stretches
    assert all(len(one.schools) >= odds.FEWEST for one in found)
    assert all(one.span.stop is not None and one.span.stop < two.span.start for one, two in pairwise(found))
