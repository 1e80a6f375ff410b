"""Deeds of people, folded: the last one counts, and what is taken back never was."""

from hypothesis import given
from hypothesis import strategies as st

from collector.domain.casework import AFTER_THE_END, Act, CloseReason, Deed, Work, effective, may_do, work_of

PEOPLE = ("ana", "luis", "maria")


def act(number: int, deed: Deed, by: str = "ana", value: str | None = None, note: str | None = None) -> Act:
    return Act(f"a{number}", deed.value, by, value, note)


def test_each_deed_does_one_thing() -> None:
    acts = [
        act(1, Deed.ACKNOWLEDGED, "luis"),
        act(2, Deed.TAKEN, "ana"),
        act(3, Deed.TICKET, "ana", "T-1"),
        act(4, Deed.SNOOZED, "ana", "2026-12-01", "works"),
        act(5, Deed.GIVEN, "ana", "maria"),
        act(6, Deed.NOTE, "maria", note="called"),
    ]
    assert work_of(acts) == Work("maria", "luis", "T-1", "2026-12-01", "works")
    assert work_of([*acts, act(7, Deed.WOKEN)]) == Work("maria", "luis", "T-1")
    assert work_of([*acts, act(7, Deed.CLOSED, value=CloseReason.MENDED)]) == Work("maria", "luis", "T-1")
    assert work_of([*acts, act(7, Deed.RELEASED)]).owner is None
    assert work_of([*acts, act(7, Deed.TICKET)]).ticket is None


def test_taking_back_leaves_what_somebody_else_did_in_between() -> None:
    acts = [act(1, Deed.TAKEN, "ana"), act(2, Deed.GIVEN, "luis", "maria"), act(3, Deed.UNDONE, "ana", "a1")]
    assert work_of(acts).owner == "maria"
    assert work_of([*acts, act(4, Deed.UNDONE, "luis", "a2")]) == Work()


def test_a_word_of_a_newer_version_changes_nothing() -> None:
    assert work_of([Act("a1", "sung about", "ana")]) == Work()


def test_a_flag_that_has_ended_can_still_be_written_about() -> None:
    for deed in Deed:
        assert may_do(deed, "open") and may_do(deed, "recovering")
        assert may_do(deed, "closed") == may_do(deed, "retracted") == (deed in AFTER_THE_END)


deeds = st.tuples(st.sampled_from(tuple(Deed)), st.sampled_from(PEOPLE), st.integers(1, 12))


@given(st.lists(deeds, max_size=12))
def test_undoing_everything_is_as_if_nothing_had_been(plan: list[tuple[Deed, str, int]]) -> None:
    acts = [
        act(number, deed, by, f"a{which}" if deed is Deed.UNDONE else by)
        for number, (deed, by, which) in enumerate(plan, 1)
    ]
    counted = effective(acts)
    assert work_of(acts) == work_of(counted)
    back = [act(100 + at, Deed.UNDONE, "ana", one.action_id) for at, one in enumerate(counted)]
    assert work_of([*acts, *back]) == Work()
