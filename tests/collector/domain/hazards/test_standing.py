"""Where a school stands follows from what is stored, whatever came before and in whatever order."""

import itertools
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from collector.domain.hazards.standing import (
    HEARD_FOR_MS,
    Answer,
    CallDeed,
    Called,
    Entry,
    Facts,
    Standing,
    Step,
    curve,
    fold,
    standing,
    thinned,
)

HOUR = 3_600_000
BEGINS, NOW = 1_000 * HOUR, 1_030 * HOUR


def facts(**values: object) -> Facts:
    return Facts(**{"begins_ms": BEGINS, "as_of_ms": NOW, **values})  # type: ignore[arg-type]


def test_each_standing() -> None:
    assert standing(facts()) is Standing.SILENT
    assert standing(facts(last_contact_ms=BEGINS - 1)) is Standing.SILENT
    assert standing(facts(last_contact_ms=NOW - HOUR)) is Standing.HEARD
    assert standing(facts(last_contact_ms=NOW - HEARD_FOR_MS - 1)) is Standing.SILENT
    assert standing(facts(last_contact_ms=NOW, word="no_internet")) is Standing.DEGRADED
    assert standing(facts(last_contact_ms=NOW, word="collector_down")) is Standing.HEARD
    assert standing(facts(last_contact_ms=NOW, newest_bps=4, usual_bps=10)) is Standing.DEGRADED
    assert standing(facts(last_contact_ms=NOW, newest_bps=5, usual_bps=10)) is Standing.HEARD
    assert standing(facts(answer="down", answered_ms=NOW - HOUR)) is Standing.CONFIRMED
    assert standing(facts(answer="no_answer", answered_ms=NOW - HOUR)) is Standing.SILENT


def test_what_was_learnt_last_decides() -> None:
    called = {"answer": "down", "answered_ms": NOW - 2 * HOUR}
    assert standing(facts(**called, last_contact_ms=NOW - 3 * HOUR)) is Standing.CONFIRMED
    assert standing(facts(**called, last_contact_ms=NOW - HOUR)) is Standing.HEARD


def test_who_was_first_answered_for_is_kept_and_no_answer_is_none() -> None:
    deeds = (("no_answer", None), ("works", None), ("down", None))
    entries = [Entry(f"c{at}", at, at, "otto", "result", answer) for at, (answer, _) in enumerate(deeds, 1)]
    assert fold(entries).first_answered_ms == 2
    assert fold([*entries, Entry("c4", 4, 4, "ana", "undo", undoes="c2")]).first_answered_ms == 3
    assert fold(entries[:1]).first_answered_ms is None


TIMES = st.none() | st.integers(0, 2_000).map(lambda hour: hour * HOUR)


@settings(max_examples=200, deadline=None)
@given(TIMES, TIMES, st.none() | st.sampled_from(list(Answer)))
def test_silent_means_that_nobody_and_nothing_spoke(
    contact: int | None, answered: int | None, answer: Answer | None
) -> None:
    found = standing(facts(last_contact_ms=contact, answer=answer, answered_ms=answered))
    spoke = contact is not None and contact >= BEGINS and NOW - min(contact, NOW) <= HEARD_FOR_MS
    if found is Standing.SILENT:
        assert not spoke
    if found is Standing.CONFIRMED:
        assert answer not in (None, Answer.NO_ANSWER)


def entry(seq: int, deed: CallDeed, by: str = "otto", **more: object) -> Entry:
    return Entry(f"c{seq}", seq, BEGINS + seq * HOUR, by, deed, **more)  # type: ignore[arg-type]


def test_a_record_is_folded() -> None:
    claim, result = entry(1, CallDeed.CLAIM), entry(2, CallDeed.RESULT, answer="down")
    assert fold([]) == Called()
    assert fold([claim]).claimed_by == "otto"
    done = fold([claim, result])
    assert (done.claimed_by, done.answer, done.version, done.last_id) == (None, "down", 2, "c2")
    undone = fold([claim, result, entry(3, CallDeed.UNDO, undoes="c2")])
    assert (undone.claimed_by, undone.answer, undone.version, undone.last_id) == ("otto", None, 3, "c1")
    assert fold([claim, entry(2, CallDeed.RELEASE)]).claimed_by is None


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(list(CallDeed)), max_size=8), st.integers(0, 99))
def test_the_order_in_which_lines_are_read_is_all_the_same(deeds: list[CallDeed], seed: int) -> None:
    lines = [
        entry(number, deed, answer="works" if deed == "result" else None, undoes="c1" if deed == "undo" else None)
        for number, deed in enumerate(deeds, 1)
    ]
    mixed = lines[:]
    random.Random(seed).shuffle(mixed)
    assert fold(mixed) == fold(lines)


@settings(max_examples=100, deadline=None)
@given(st.lists(TIMES, max_size=20))
def test_a_curve_rises_to_the_number_of_schools_heard(first: list[int | None]) -> None:
    steps = curve(first, BEGINS, NOW)
    assert steps[0] == Step(BEGINS, 0) and steps[-1].at_ms == NOW
    assert steps[-1].heard == sum(1 for one in first if one is not None and one <= NOW)
    assert all(a.heard <= b.heard and a.at_ms <= b.at_ms for a, b in itertools.pairwise(steps))
    assert thinned(steps, 5)[-1] == steps[-1] and len(thinned(steps, 5)) <= 5
