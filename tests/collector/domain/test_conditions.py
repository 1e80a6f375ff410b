"""The fold of daily conditions: opening and closing take their days, the unknown moves nothing, people are heard."""

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.domain.conditions import RULES, ConditionKind, DayState, Observed, Rule, fold
from collector.domain.flagging import Closing, Step
from collector.domain.words import FlagEventKind, FlagState

FIRST = date(2026, 3, 2)
LETTERS = {"b": DayState.BAD, "g": DayState.GOOD, "u": DayState.UNKNOWN}
RULE = Rule(open_after=3, close_after=2)


def days(letters: str) -> list[Observed | Closing]:
    """One day a letter: b, g, u; c: a closing on the day of the letter before."""
    found: list[Observed | Closing] = []
    day = FIRST
    for letter in letters:
        if letter == "c":
            found.append(Closing(day - timedelta(days=1)))
            continue
        found.append(Observed(day, LETTERS[letter], {}))
        day += timedelta(days=1)
    return found


def said(letters: str, rule: Rule = RULE) -> list[str]:
    return [step.event.kind.value for step in fold(days(letters), rule) if step.event]


@pytest.mark.parametrize(
    ("letters", "events"),
    [
        ("bb", ["watching"]),
        ("bbg", ["watching", "calmed"]),
        ("bbb", ["watching", "opened"]),
        ("bubuub", ["watching", "opened"]),
        ("bbbg", ["watching", "opened", "recovering"]),
        ("bbbgug", ["watching", "opened", "recovering", "closed"]),
        ("bbbgbgg", ["watching", "opened", "recovering", "reopened", "recovering", "closed"]),
        ("bbbcbbbb", ["watching", "opened", "closed_by_person"]),
        ("bbbc" + "b" * 13, ["watching", "opened", "closed_by_person", "watching", "opened"]),
        ("gggcg", []),
    ],
)
def test_what_happens(letters: str, events: list[str]) -> None:
    assert said(letters) == events


def test_one_day_can_open_and_close() -> None:
    assert said("bg", Rule(open_after=1, close_after=1)) == ["opened", "closed"]


def test_every_kind_has_its_rule() -> None:
    assert set(RULES) == set(ConditionKind)


def opened(steps: Sequence[Step]) -> int:
    return sum(step.event is not None and step.event.kind is FlagEventKind.OPENED for step in steps)


LIVES = st.text("bguc", max_size=60)
ANY_RULE = st.builds(Rule, open_after=st.integers(1, 5), close_after=st.integers(1, 5), quiet_days=st.integers(0, 12))


@given(LIVES, ANY_RULE)
def test_unknown_days_change_nothing(letters: str, rule: Rule) -> None:
    every = days(letters)
    seen = [one for one in every if isinstance(one, Closing) or one.state is not DayState.UNKNOWN]
    with_all, without = fold(every, rule), fold(seen, rule)
    assert [step.event for step in with_all if step.event] == [step.event for step in without if step.event]
    if without:
        assert with_all[-1].standing == without[-1].standing


@given(LIVES, ANY_RULE, st.randoms())
def test_the_order_of_arrival_changes_nothing_and_a_fold_can_be_cut_anywhere(
    letters: str, rule: Rule, random: Random
) -> None:
    every = sorted(days(letters), key=lambda one: (one.day, isinstance(one, Closing)))
    shuffled = list(every)
    random.shuffle(shuffled)
    whole = fold(every, rule)
    assert fold(shuffled, rule) == whole
    cut = random.randint(0, len(every))
    first = fold(every[:cut], rule)
    assert first + fold(every[cut:], rule, *([first[-1].standing] if first else [])) == whole


@given(LIVES, ANY_RULE)
def test_a_flag_opens_after_bad_days_alone_and_ends_after_good_ones_or_by_a_person(letters: str, rule: Rule) -> None:
    bad = good = 0
    before = FlagState.NONE
    for one, step in zip(
        sorted(days(letters), key=lambda item: (item.day, isinstance(item, Closing))),
        fold(days(letters), rule),
        strict=True,
    ):
        if isinstance(one, Observed) and one.state is not DayState.UNKNOWN:
            bad, good = (bad + 1, 0) if one.state is DayState.BAD else (0, good + 1)
        if step.event is not None and step.event.kind is FlagEventKind.OPENED:
            assert bad >= rule.open_after
        if step.event is not None and step.event.kind is FlagEventKind.CLOSED:
            assert good >= rule.close_after and before in (FlagState.OPEN, FlagState.RECOVERING)
        if isinstance(one, Closing):
            assert not step.standing.has_flag
        before = step.standing.state
