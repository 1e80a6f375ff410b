"""Outages that only diaries tell of: the same test as for silence, the same answer in any order."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from collector.domain.diary_states import Said
from collector.domain.outages import learnt
from collector.domain.outages.groups import Group, Place
from collector.domain.outages.learnt import Learnt
from collector.domain.outages.revise import Run
from collector.domain.words import OutageLabel

PLACES = {f"{area}{provider}{n}": Place(area, provider) for area in "NS" for provider in "AB" for n in range(10)}
FINE, DOWN, OFF = Said.FINE, Said.DOWN, Said.OFF


def a_day(codes: set[str], start: int = 520, stop: int = 540) -> dict[str, list[Run]]:
    """Return a morning on which the lines of some schools were gone, and those of all others fine."""
    whole = [Run(420, 1020, FINE)]
    cut = [Run(420, start, FINE), Run(start, stop, DOWN), Run(stop, 1020, FINE)]
    return {code: cut if code in codes else whole for code in PLACES}


def of(provider: str = "", area: str = "") -> set[str]:
    return {code for code, one in PLACES.items() if provider in ("", one.provider) and area in ("", one.area)}


def shown(found: list[Learnt]) -> list[tuple[int, int, Group, str, set[str]]]:
    return [(one.start, one.stop, one.drop.group, one.label.value, set(one.schools)) for one in found]


def test_the_group_whose_lines_were_gone_is_found_with_its_times() -> None:
    assert shown(learnt.find(PLACES, a_day(of("A")))) == [(520, 540, Group("", "A"), "provider", of("A"))]
    assert shown(learnt.find(PLACES, a_day(of(area="N")))) == [(520, 540, Group("N"), "area", of(area="N"))]
    (everybody,) = learnt.find(PLACES, a_day(of()))
    assert everybody.label is OutageLabel.AREA, "lines that were gone are never our failure"


def test_a_few_lines_a_moment_and_computers_that_were_off_are_no_outage() -> None:
    assert learnt.find(PLACES, a_day(set(sorted(of("A", "N"))[:4]))) == []
    assert learnt.find(PLACES, a_day(of("A"), 520, 525)) == []
    off = {
        code: [Run(420, 520, FINE), Run(520, 540, OFF)] if code in of("A") else [Run(420, 1020, FINE)]
        for code in PLACES
    }
    assert learnt.find(PLACES, off) == []


def test_good_lines_in_between_make_two() -> None:
    day = a_day(of("A"))
    for code in of("A"):
        day[code] = [Run(420, 520, FINE), Run(520, 540, DOWN), Run(540, 600, FINE), Run(600, 640, DOWN)]
    assert [(one.start, one.stop) for one in learnt.find(PLACES, day)] == [(520, 540), (600, 640)]


@settings(max_examples=40)
@given(st.sets(st.sampled_from(sorted(PLACES)), max_size=40), st.integers(84, 150), st.integers(1, 30), st.randoms())
def test_the_same_diaries_in_any_order_give_the_same(
    codes: set[str], start: int, slots: int, chance: random.Random
) -> None:
    day = a_day(codes, start * 5, (start + slots) * 5)
    shuffled = {code: chance.sample(day[code], len(day[code])) for code in chance.sample(sorted(day), len(day))}
    found = learnt.find(PLACES, day)
    assert shown(learnt.find(PLACES, shuffled)) == shown(found)
    for one in found:
        assert one.schools.keys() <= codes and one.start >= start * 5 and one.stop <= (start + slots) * 5
