"""When a school's own line was down."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from collector.domain import local_outages
from collector.domain.diary_states import DOWN, GOOD
from collector.domain.local_outages import LocalOutage, Stretch, fold, settled_from, stretches
from collector.domain.slots import SLOT_MS, Slot, read_runs

BEGIN_MS = 1_795_000_200_000


def placed(text: str, school: range = range(0)) -> list[Stretch]:
    runs = list(read_runs(text))
    return stretches(runs, BEGIN_MS, [at in school for at in range(sum(run.count for run in runs))])


def at(slot: int) -> int:
    return BEGIN_MS + slot * SLOT_MS


def test_three_slots_down_open_it_and_two_up_close_it() -> None:
    assert fold(placed("6o3i6o", range(4, 8))) == [LocalOutage(at(6), at(9), at(9), 3, 2, Slot.NO_INTERNET)]
    assert fold(placed("6o2i6o")) == []


def test_one_slot_up_does_not_close_it() -> None:
    assert fold(placed("6o4i1o2i6o")) == [LocalOutage(at(6), at(13), at(13), 6, 0, Slot.NO_INTERNET)]


def test_one_slot_up_before_it_is_open_begins_anew() -> None:
    assert fold(placed("2i1o2i6o")) == []


def test_a_computer_that_is_switched_off_does_not_end_it() -> None:
    """It was down until the computer went off; it may have come back at any moment of the night."""
    assert fold(placed("4i100z2i1z1o20-1o9o")) == [LocalOutage(at(0), at(106), at(107), 6, 0, Slot.NO_INTERNET)]


def test_what_was_seen_long_before_does_not_add_up() -> None:
    assert fold(placed("2i6-1i9o")) == []
    assert fold(placed("2i5-1i9o")) == [LocalOutage(at(0), at(8), at(8), 3, 0, Slot.NO_INTERNET)]


def test_one_that_has_not_been_seen_up_since_has_no_end() -> None:
    assert fold(placed("6o5g90-")) == [LocalOutage(at(6), at(11), None, 5, 0, Slot.NO_GATEWAY)]


def test_most_slots_say_why() -> None:
    (found,) = fold(placed("2l4d2o"))
    assert found.word is Slot.DNS_FAIL


def test_days_that_nobody_saw_between_two_that_are_stored_are_silence() -> None:
    later = [Stretch(Slot.NO_INTERNET, at(1000), 1, 0)]
    assert fold(placed("2i") + later) == []
    (found,) = fold(placed("3i") + later)
    assert (found.seen_ms, found.to_ms) == (at(1001), None)


TEXTS = st.lists(st.sampled_from("oooiiigd-zc"), min_size=1, max_size=120).map(
    lambda letters: "".join(f"1{x}" for x in letters)
)


@given(TEXTS, st.integers(0, 120))
def test_a_fold_that_begins_where_it_is_settled_finds_the_same(text: str, cut: int) -> None:
    """Only so may days be folded without all that was before them."""
    given_ = placed(text)
    before, after = given_[:cut], given_[cut:]
    begin = settled_from(before)
    if begin is None:
        return
    since_ms = before[begin].from_ms
    whole = fold(given_)
    assert fold(before[begin:] + after) == [one for one in whole if one.from_ms >= since_ms]
    assert all(one.to_ms is not None and one.to_ms <= since_ms for one in whole if one.from_ms < since_ms)


@given(TEXTS)
def test_outages_are_in_order_and_hold_what_they_say(text: str) -> None:
    given_ = placed(text)
    found = fold(given_)
    for one in found:
        down = [s for s in given_ if one.from_ms <= s.from_ms < one.seen_ms and s.slot in DOWN]
        assert len(down) == one.down_slots >= local_outages.OPEN_SLOTS
        assert one.to_ms is None or any(s.from_ms == one.to_ms and s.slot in GOOD for s in given_)
    assert [one.to_ms for one in found[:-1] if one.to_ms is None] == []
    assert all((a.to_ms or 0) <= b.from_ms for a, b in pairwise(found))
