"""One test per arrow of the fold, and what holds over any sequence of days."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from collector.domain.flagging import (
    EVENTS_OF_A_FLAG,
    START,
    Closing,
    Evidence,
    Standing,
    Step,
    evidence_of,
    fold,
    may_open,
    step,
)
from collector.domain.verdict import judge
from collector.domain.words import FlagEventKind, FlagState, Verdict
from tests.collector.domain.build import TARGET_BPS, a_day, a_window, some_evidence

BELOW, MEETS, BORDERLINE = Verdict.BELOW, Verdict.MEETS, Verdict.BORDERLINE
SILENT = (Verdict.INSUFFICIENT, Verdict.NOT_TESTABLE)
GOOD = (BORDERLINE, MEETS)

WATCH_1 = Standing(FlagState.WATCH, 1, below_since=a_day(0))
OPEN = Standing(FlagState.OPEN, 0, below_since=a_day(0), opened_on=a_day(1))


def recovering(count: int) -> Standing:
    return Standing(FlagState.RECOVERING, count, below_since=a_day(0), opened_on=a_day(1))


def kind_of(taken: Step) -> FlagEventKind | None:
    return None if taken.event is None else taken.event.kind


# none


def test_none_to_watch_on_the_first_below() -> None:
    taken = step(START, some_evidence(0, BELOW))

    assert taken.standing == WATCH_1
    assert kind_of(taken) is FlagEventKind.WATCHING
    assert taken.event is not None
    assert (taken.event.day, taken.event.below_since, taken.event.opened_on) == (a_day(0), a_day(0), None)


@pytest.mark.parametrize("verdict", [MEETS, BORDERLINE, *SILENT])
def test_none_stays_none(verdict: Verdict) -> None:
    assert step(START, some_evidence(0, verdict)) == Step(a_day(0), START, None)


# watch


def test_watch_opens_on_the_second_below() -> None:
    taken = step(WATCH_1, some_evidence(1, BELOW))

    assert taken.standing == OPEN
    assert kind_of(taken) is FlagEventKind.OPENED
    assert taken.event is not None
    assert (taken.event.below_since, taken.event.opened_on) == (a_day(0), a_day(1))


@pytest.mark.parametrize(("low_days", "opens"), [(0, False), (2, False), (3, True), (5, True)])
def test_watch_opens_only_when_three_of_the_last_five_days_were_low(low_days: int, opens: bool) -> None:
    taken = step(WATCH_1, some_evidence(1, BELOW, low_days=low_days))

    assert taken.standing.state is (FlagState.OPEN if opens else FlagState.WATCH)
    assert taken.standing.count == (0 if opens else 2)
    assert kind_of(taken) is (FlagEventKind.OPENED if opens else None)


@pytest.mark.parametrize(("n", "days_until_open"), [(20, 2), (19, 4), (12, 4)])
def test_a_thin_window_waits_for_four_below(n: int, days_until_open: int) -> None:
    steps = fold(some_evidence(index, BELOW, n=n) for index in range(6))

    opened = [index for index, taken in enumerate(steps) if kind_of(taken) is FlagEventKind.OPENED]
    assert opened == [days_until_open - 1]


def test_a_watch_that_waited_for_low_days_opens_when_they_come() -> None:
    days = [some_evidence(index, BELOW, low_days=2) for index in range(5)] + [some_evidence(5, BELOW, low_days=3)]

    steps = fold(days)

    assert [taken.standing.count for taken in steps] == [1, 2, 3, 4, 5, 0]
    assert steps[-1].standing.has_flag


@pytest.mark.parametrize("verdict", GOOD)
def test_watch_to_none(verdict: Verdict) -> None:
    taken = step(WATCH_1, some_evidence(1, verdict, may_recover=False))

    assert taken.standing == START
    assert kind_of(taken) is FlagEventKind.CALMED
    assert taken.event is not None
    assert taken.event.below_since == a_day(0)


@pytest.mark.parametrize("verdict", SILENT)
def test_watch_is_unchanged_by_silence(verdict: Verdict) -> None:
    assert step(WATCH_1, some_evidence(1, verdict)) == Step(a_day(1), WATCH_1, None)


# open


@pytest.mark.parametrize("verdict", GOOD)
def test_open_to_recovering(verdict: Verdict) -> None:
    taken = step(OPEN, some_evidence(2, verdict))

    assert taken.standing == recovering(1)
    assert kind_of(taken) is FlagEventKind.RECOVERING


@pytest.mark.parametrize("verdict", GOOD)
def test_open_stays_open_without_the_margin(verdict: Verdict) -> None:
    assert step(OPEN, some_evidence(2, verdict, may_recover=False)) == Step(a_day(2), OPEN, None)


@pytest.mark.parametrize("verdict", [BELOW, *SILENT])
def test_open_stays_open(verdict: Verdict) -> None:
    assert step(OPEN, some_evidence(2, verdict)) == Step(a_day(2), OPEN, None)


# recovering


def test_recovering_to_open_is_the_same_flag_again() -> None:
    taken = step(recovering(4), some_evidence(9, BELOW))

    assert taken.standing == OPEN
    assert kind_of(taken) is FlagEventKind.REOPENED


@pytest.mark.parametrize("verdict", GOOD)
@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_recovering_counts_good_days(verdict: Verdict, count: int) -> None:
    assert step(recovering(count), some_evidence(9, verdict)) == Step(a_day(9), recovering(count + 1), None)


@pytest.mark.parametrize("verdict", GOOD)
def test_recovering_closes_at_five(verdict: Verdict) -> None:
    taken = step(recovering(4), some_evidence(9, verdict))

    assert taken.standing == START
    assert kind_of(taken) is FlagEventKind.CLOSED
    assert taken.event is not None
    assert (taken.event.below_since, taken.event.opened_on) == (a_day(0), a_day(1))


@pytest.mark.parametrize("verdict", GOOD)
@pytest.mark.parametrize(("count", "kind"), [(4, FlagEventKind.RELAPSED), (1, FlagEventKind.RELAPSED), (0, None)])
def test_recovering_starts_again_without_the_margin(verdict: Verdict, count: int, kind: FlagEventKind | None) -> None:
    taken = step(recovering(count), some_evidence(9, verdict, may_recover=False))

    assert taken.standing == recovering(0)
    assert kind_of(taken) is kind


@pytest.mark.parametrize("verdict", SILENT)
def test_recovering_is_unchanged_by_silence(verdict: Verdict) -> None:
    assert step(recovering(4), some_evidence(9, verdict)) == Step(a_day(9), recovering(4), None)


# by a person


@pytest.mark.parametrize("standing", [OPEN, recovering(2)])
def test_a_person_closes_a_flag(standing: Standing) -> None:
    taken = step(standing, Closing(a_day(5)))

    assert taken.standing == Standing(quiet_until=a_day(5) + timedelta(days=10))
    assert kind_of(taken) is FlagEventKind.CLOSED_BY_PERSON
    assert taken.event is not None
    assert taken.event.opened_on == a_day(1)


@pytest.mark.parametrize("standing", [START, WATCH_1])
def test_a_closing_without_a_flag_is_quiet_all_the_same(standing: Standing) -> None:
    taken = step(standing, Closing(a_day(5)))

    assert taken.standing == Standing(quiet_until=a_day(5) + timedelta(days=10))
    assert taken.event is None


def test_ten_quiet_days_then_a_new_watch() -> None:
    """Closed on a Wednesday: quiet up to and with the Saturday of the week after; Monday watches, Tuesday opens."""
    days = [some_evidence(index, BELOW) for index in range(12)]

    steps = fold([*days, Closing(a_day(2))])

    states = {taken.day: taken.standing.state for taken in steps}
    assert states[a_day(2)] is FlagState.NONE
    assert a_day(9) <= a_day(2) + timedelta(days=10) < a_day(10)
    assert [states[a_day(index)] for index in range(3, 10)] == [FlagState.NONE] * 7
    assert states[a_day(10)] is FlagState.WATCH
    assert states[a_day(11)] is FlagState.OPEN


def test_the_last_quiet_day_is_quiet() -> None:
    quiet = Standing(quiet_until=a_day(4))

    assert step(quiet, some_evidence(4, BELOW)).standing == quiet
    assert step(quiet, some_evidence(5, BELOW)).standing.state is FlagState.WATCH


def test_of_one_day_the_evaluation_comes_before_the_closing() -> None:
    """A flag that opens and is closed on the same day stays closed when the day is folded again."""
    inputs = [Closing(a_day(1)), some_evidence(1, BELOW), some_evidence(0, BELOW)]

    steps = fold(inputs)

    assert [kind_of(taken) for taken in steps] == [
        FlagEventKind.WATCHING,
        FlagEventKind.OPENED,
        FlagEventKind.CLOSED_BY_PERSON,
    ]


# edges


def test_may_open_by_itself() -> None:
    assert may_open(2, some_evidence(0, BELOW, n=20, low_days=3))
    assert not may_open(1, some_evidence(0, BELOW, n=20, low_days=3))
    assert not may_open(3, some_evidence(0, BELOW, n=19, low_days=3))
    assert may_open(4, some_evidence(0, BELOW, n=19, low_days=3))


def test_evidence_is_taken_from_the_judgement() -> None:
    judgement = judge(a_window([10.0] * 30, per_day=3), a_day(9), TARGET_BPS)

    assert evidence_of(judgement) == Evidence(a_day(9), BELOW, n=30, low_days=5, may_recover=False)


def test_a_watch_or_calm_is_no_event_of_a_flag() -> None:
    assert FlagEventKind.WATCHING not in EVENTS_OF_A_FLAG
    assert FlagEventKind.CALMED not in EVENTS_OF_A_FLAG
    assert FlagEventKind.OPENED in EVENTS_OF_A_FLAG


evidence = st.builds(
    lambda verdict, n, low_days, may_recover: (verdict, n, low_days, may_recover),
    st.sampled_from(list(Verdict)),
    st.integers(12, 60),
    st.integers(0, 5),
    st.booleans(),
)


def numbered(rows: Sequence[tuple]) -> list[Evidence]:
    return [Evidence(a_day(index), *row) for index, row in enumerate(rows)]


@given(st.lists(evidence, max_size=60), st.integers(0, 60))
def test_folding_again_from_any_day_gives_the_same(rows: list[tuple], split: int) -> None:
    days = numbered(rows)
    whole = fold(days)
    first = fold(days[:split])

    rest = fold(days[split:], first[-1].standing if first else START)

    assert (*first, *rest) == whole


@given(st.lists(evidence, max_size=60))
def test_openings_and_endings_take_turns(rows: list[tuple]) -> None:
    kinds = [taken.event.kind for taken in fold(numbered(rows)) if taken.event is not None]

    flags = [kind for kind in kinds if kind in (FlagEventKind.OPENED, FlagEventKind.CLOSED)]
    assert flags[::2] == [FlagEventKind.OPENED] * len(flags[::2])
    assert flags[1::2] == [FlagEventKind.CLOSED] * len(flags[1::2])


class AFlag(RuleBasedStateMachine):
    """Any sequence of school days: what must never happen, and what must have come before what did."""

    def __init__(self) -> None:
        super().__init__()
        self.standing = START
        self.index = 0
        self.below_in_a_row = 0  # BELOW without a good verdict between; silence neither counts nor breaks
        self.good_in_a_row = 0

    def take(self, verdict: Verdict, n: int, low_days: int, may_recover: bool) -> Step:
        taken = step(self.standing, Evidence(a_day(self.index), verdict, n, low_days, may_recover))
        self.index += 1
        self.standing = taken.standing
        return taken

    @rule(verdict=st.sampled_from(SILENT), n=st.integers(0, 60), low_days=st.integers(0, 5), margin=st.booleans())
    def silence(self, verdict: Verdict, n: int, low_days: int, margin: bool) -> None:
        before = self.standing
        taken = self.take(verdict, n, low_days, margin)
        assert taken.standing == before, "missing data changed the state"
        assert taken.event is None

    @rule(n=st.integers(12, 60), low_days=st.integers(0, 5), margin=st.booleans())
    def below(self, n: int, low_days: int, margin: bool) -> None:
        had_flag = self.standing.has_flag
        self.below_in_a_row += 1
        self.good_in_a_row = 0
        taken = self.take(BELOW, n, low_days, margin)
        assert had_flag <= taken.standing.has_flag, "a bad day closed a flag"
        if taken.standing.has_flag and not had_flag:
            assert self.below_in_a_row >= (2 if n >= 20 else 4), "too few bad days opened a flag"
            assert low_days >= 3

    @rule(verdict=st.sampled_from(GOOD), n=st.integers(12, 60), low_days=st.integers(0, 5), margin=st.booleans())
    def good(self, verdict: Verdict, n: int, low_days: int, margin: bool) -> None:
        had_flag = self.standing.has_flag
        self.below_in_a_row = 0
        self.good_in_a_row = self.good_in_a_row + 1 if margin else 0
        taken = self.take(verdict, n, low_days, margin)
        assert taken.standing.has_flag <= had_flag, "a good day opened a flag"
        if had_flag and not taken.standing.has_flag:
            assert self.good_in_a_row >= 5, "too few good days closed a flag"

    @precondition(lambda self: self.standing.has_flag)
    @rule()
    def a_person_closes(self) -> None:
        self.standing = step(self.standing, Closing(a_day(self.index))).standing
        self.index += 1
        self.below_in_a_row = 0
        assert not self.standing.has_flag

    @invariant()
    def counts_belong_to_their_states(self) -> None:
        match self.standing.state:
            case FlagState.NONE | FlagState.OPEN:
                assert self.standing.count == 0
            case FlagState.WATCH:
                assert self.standing.count >= 1
            case FlagState.RECOVERING:
                assert 0 <= self.standing.count <= 4
        assert self.standing.has_flag == (self.standing.opened_on is not None)
        assert (self.standing.state is FlagState.NONE) == (self.standing.below_since is None)


TestAFlag = AFlag.TestCase
