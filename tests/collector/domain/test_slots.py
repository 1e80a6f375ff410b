"""Slots as text: equal ones in a row, a number and a letter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.domain.diary_states import DOWN, GOOD
from collector.domain.slots import Slot, SlotRun, read, read_runs, written

SLOTS = st.lists(st.sampled_from(Slot), max_size=300)


@given(SLOTS)
def test_what_is_written_is_read(slots: list[Slot]) -> None:
    assert read(written(slots)) == slots


def test_it_is_short_and_can_be_read_by_people() -> None:
    slots = [Slot.SILENT] * 84 + [Slot.OK] * 36 + [Slot.NO_INTERNET] * 6
    assert written(slots) == "84-36o6i"
    assert list(read_runs("84-36o6i"))[1] == SlotRun(Slot.OK, 84, 36)


def test_a_letter_of_nobody_is_refused() -> None:
    with pytest.raises(ValueError, match="q"):
        read("3q")


def test_a_line_is_up_or_down_or_nobody_saw_it() -> None:
    assert not GOOD & DOWN
    assert Slot.PORTAL not in GOOD | DOWN
