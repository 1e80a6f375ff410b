"""From the runs of all computers of a school to the slots of a day."""

import random
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.domain.availability import Heard, Late, SlotDay, availability_of, coverage_of, fold_day
from collector.domain.calendars import calendar_of
from collector.domain.diary_states import DOWN, GOOD
from collector.domain.slots import SLOT_MS, Slot, written
from tests.fakes.diary import a_day, heard, late

TUESDAY = date(2026, 11, 24)
WORDS = ("ok", "collector_down", "dns_fail", "no_internet", "portal", "no_gateway", "link_down", "asleep", "off", "new")


def moment(day: date, clock: str, zone: str = "UTC") -> int:
    hour, minute = map(int, clock.split(":"))
    return round(datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def fold(*runs: Heard, day: date = TUESDAY, zone: str = "UTC", opening: str = "mon-fri 07:00-17:00") -> SlotDay:
    calendar = calendar_of(opening, ZoneInfo(zone))
    start_ms = moment(day, "00:00", zone)
    return fold_day(day, start_ms, moment(day + timedelta(days=1), "00:00", zone), calendar.at(day).periods, runs)


def counts(day: SlotDay) -> tuple[int, int, int]:
    return day.good, day.down, day.unobserved


def school_part(day: SlotDay) -> str:
    return written([slot for slot, is_school in zip(day.slots, day.school, strict=True) if is_school])


SEVEN = moment(TUESDAY, "07:00")


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        *((word, (3, 0, 117)) for word in ("ok", "collector_down")),
        *((word, (0, 3, 117)) for word in ("dns_fail", "no_internet", "no_gateway", "link_down")),
        *((word, (0, 0, 120)) for word in ("portal", "asleep", "off", "a_word_to_come")),
    ],
)
def test_each_word_counts_as_it_should(state: str, expected: tuple[int, int, int]) -> None:
    assert counts(fold(heard("d1", SEVEN, 3, state))) == expected


def test_an_hour_in_which_no_computer_was_on_counts_neither_way() -> None:
    day = fold(*a_day("d1", SEVEN, (60, "ok"), (12, "off"), (36, "ok"), (12, "no_internet")))
    assert counts(day) == (96, 12, 12)
    assert availability_of(day.good, day.down) == pytest.approx(96 / 108)
    assert coverage_of(*counts(day)) == pytest.approx(108 / 120)


def test_without_anything_seen_there_is_no_share() -> None:
    assert availability_of(0, 0) is None
    assert coverage_of(0, 0, 0) is None
    assert coverage_of(0, 0, 12) == 0


def test_who_reached_the_internet_is_believed_before_who_did_not() -> None:
    day = fold(*a_day("d1", SEVEN, (6, "no_internet")), *a_day("d2", SEVEN, (3, "ok"), (3, "off")))
    assert school_part(day) == "3o3i114-"


def test_of_those_who_did_not_the_one_that_got_furthest_says_why() -> None:
    day = fold(heard("d1", SEVEN, 3, "link_down"), heard("d2", SEVEN, 3, "dns_fail"), heard("d3", SEVEN, 3, "portal"))
    assert school_part(day) == "3d117-"


def test_a_computer_that_is_unplugged_beside_others_says_nothing_of_the_line_all_its_time() -> None:
    day = fold(*a_day("d1", SEVEN, (60, "link_down")), *a_day("d2", SEVEN, (6, "ok"), (54, "off")))
    assert school_part(day) == "6o54x60-"
    assert counts(day) == (6, 0, 114)


def test_a_short_disagreement_is_the_edge_of_a_real_outage() -> None:
    day = fold(*a_day("d1", SEVEN, (60, "no_internet")), *a_day("d2", SEVEN, (5, "ok"), (55, "off")))
    assert school_part(day) == "5o55i60-"


def test_a_computer_alone_is_believed() -> None:
    assert counts(fold(heard("d1", SEVEN, 12, "link_down"))) == (0, 12, 108)


def test_after_its_own_fault_a_computer_is_believed_again() -> None:
    ours = a_day("d1", SEVEN, (12, "link_down"), (12, "ok"), (12, "no_internet"))
    assert school_part(fold(*ours, *a_day("d2", SEVEN, (12, "ok")))) == "24o12i84-"


@pytest.mark.parametrize("off_s", [0, 60, 140, 160, 240])
def test_a_run_that_lies_across_slots_keeps_its_length(off_s: int) -> None:
    """Slots of an agent lie on its own clock: each is counted once, where most of it lies."""
    runs = a_day("d1", SEVEN - 6 * SLOT_MS + off_s * 1000, (18, "ok"), (3, "no_internet"), (24, "ok"))
    day = fold(*runs)
    assert (day.down, day.good) == (3, 36 if off_s < 150 else 37) if off_s else (3, 36)


def test_a_gap_of_seconds_between_two_posts_is_no_slot_that_nobody_saw() -> None:
    """The middle of a slot lies in the gap: neither run covers half of it."""
    edges = [SEVEN + at * 900_000 + 151_000 for at in range(8)]
    runs = [Heard("d1", edge, edge + 898_000, "ok", 0) for edge in edges]
    assert "-" not in written(fold(*runs).slots[85:107])


def test_runs_of_one_computer_that_overlap_are_counted_once() -> None:
    assert counts(fold(heard("d1", SEVEN, 12), heard("d1", SEVEN + 6 * SLOT_MS, 12))) == (18, 0, 102)
    assert counts(fold(heard("d1", SEVEN, 12), heard("d1", SEVEN, 12, "no_internet"))) == (12, 0, 108)


def test_a_time_that_is_only_bounded_places_nothing() -> None:
    run = Heard("d1", SEVEN, SEVEN + 12 * SLOT_MS, "no_internet", SEVEN, is_placed=False)
    assert school_part(fold(run)) == "12?108-"
    assert counts(fold(run, heard("d2", SEVEN, 6))) == (6, 0, 114)


def test_nobody_is_believed_to_have_seen_the_line_for_longer_than_a_run_can_be() -> None:
    assert counts(fold(heard("d1", SEVEN, 1_000))) == (72, 0, 48)
    assert fold(heard("d1", SEVEN, 1_000, "off")).slots[-1] is Slot.OFF


def test_a_run_of_less_than_half_a_slot_says_nothing() -> None:
    assert counts(fold(Heard("d1", SEVEN, SEVEN + 100_000, "ok", 0))) == (0, 0, 120)


def test_a_break_and_odd_opening_hours_are_counted_by_the_middle_of_slots() -> None:
    day = fold(heard("d1", SEVEN, 72), opening="tue 07:02-08:00 09:00-09:58")
    assert counts(day) == (24, 0, 0)


# --- when it was learnt -----------------------------------------------------------------------------------------------

NEXT_WEEK = SEVEN + 7 * 86_400_000


def test_a_day_was_learnt_with_the_newest_run_that_told_something() -> None:
    early, others = a_day("d1", SEVEN, (12, "ok")), a_day("d2", SEVEN, (6, "ok"))
    day = fold(*early, late(others[0], NEXT_WEEK))
    assert (day.learnt_ms, day.late) == (early[0].received_ms, ())  # it told nothing new
    day = fold(*early, late(heard("d2", SEVEN + 6 * SLOT_MS, 9), NEXT_WEEK))
    assert (day.learnt_ms, day.late) == (NEXT_WEEK, (Late(96, 3, NEXT_WEEK),))


def test_that_a_computer_was_off_is_no_news_of_the_line() -> None:
    day = fold(heard("d1", SEVEN, 12), late(heard("d1", SEVEN + 12 * SLOT_MS, 108, "off"), NEXT_WEEK))
    assert (day.learnt_ms, day.late) == (SEVEN + 12 * SLOT_MS, ())


def test_what_comes_within_a_day_is_not_late() -> None:
    run = heard("d1", SEVEN, 3)
    a_day_after = run.from_ms + SLOT_MS + 86_400_000
    assert fold(late(run, a_day_after)).late == ()
    assert fold(late(run, a_day_after + 1)).late == (Late(84, 1, a_day_after + 1),)


def test_a_slot_that_is_found_to_have_been_up_was_learnt_then() -> None:
    day = fold(heard("d1", SEVEN, 3, "no_internet"), late(heard("d2", SEVEN, 3), NEXT_WEEK))
    assert (counts(day), day.learnt_ms) == ((3, 0, 117), NEXT_WEEK)


# --- days of a clock change -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("America/Santiago", date(2026, 4, 5), 24),  # clocks went back at midnight: the Saturday had 25 hours
        ("America/Santiago", date(2026, 4, 4), 25),
        ("America/Santiago", date(2026, 9, 6), 23),  # its midnight does not exist
        ("America/Asuncion", date(2024, 10, 6), 23),  # the last time; Paraguay has stayed there since
        ("America/Asuncion", date(2026, 10, 4), 24),
        ("America/Tijuana", date(2026, 3, 8), 23),  # the border follows its neighbour
        ("America/Mexico_City", date(2026, 4, 5), 24),  # the rest of Mexico stopped in 2022
        ("America/Mexico_City", date(2022, 4, 3), 23),
        ("America/Jamaica", date(2026, 3, 8), 24),
    ],
)
def test_a_day_of_a_clock_change_has_the_slots_that_it_really_has(zone: str, day: date, hours: int) -> None:
    opening = "mon-sun 07:00-17:00"
    seven = moment(day, "07:00", zone)
    found = fold(*a_day("d1", seven, (57, "ok"), (57, "ok"), (6, "no_internet")), day=day, zone=zone, opening=opening)
    assert len(found.slots) == hours * 12
    assert counts(found) == (114, 6, 0)
    assert school_part(found) == "114o6i"


def test_opening_hours_over_the_change_lose_the_hour_that_was_skipped() -> None:
    day = date(2026, 3, 8)
    found = fold(day=day, zone="America/Tijuana", opening="mon-sun 01:00-05:00")
    assert counts(found) == (0, 0, 36)


# --- whatever comes, in whatever order --------------------------------------------------------------------------------

RUNS = st.lists(
    st.builds(
        heard,
        st.sampled_from(["d1", "d2", "d3"]),
        st.integers(SEVEN - 40 * SLOT_MS, SEVEN + 130 * SLOT_MS),
        st.integers(1, 60),
        st.sampled_from(WORDS),
        received_ms=st.integers(SEVEN, NEXT_WEEK),
    ),
    max_size=14,
)


@given(RUNS, st.randoms(use_true_random=False))
def test_the_order_in_which_runs_come_changes_nothing(runs: list[Heard], random_: random.Random) -> None:
    other = list(runs)
    random_.shuffle(other)
    assert fold(*runs) == fold(*other)
    assert fold(*runs, *other) == fold(*runs)  # nor does hearing everything twice


@given(RUNS)
def test_every_slot_of_school_counts_once_and_can_be_counted_again_one_by_one(runs: list[Heard]) -> None:
    day = fold(*runs)
    assert sum(counts(day)) == 120 == sum(day.school)
    for at, slot in enumerate(day.slots):
        middle = day.start_ms + at * SLOT_MS + SLOT_MS // 2
        believed = [(run, run.from_ms, min(run.to_ms, run.from_ms + 72 * SLOT_MS)) for run in runs]
        near = [run for run, first, after in believed if first - 5_000 <= middle <= after + 5_000]
        if slot in GOOD:
            assert any(run.state in ("ok", "collector_down") for run in near)
        if slot in DOWN:
            assert any(run.state == slot.name.lower() for run in near)
            sure = [run for run, first, after in believed if first + 5_000 < middle < after - 5_000]
            assert not any(run.state in ("ok", "collector_down") for run in sure)


@given(RUNS)
def test_late_slots_are_slots_that_somebody_saw(runs: list[Heard]) -> None:
    day = fold(*runs)
    seen = {at for at, slot in enumerate(day.slots) if slot in GOOD | DOWN}
    told = [at for one in day.late for at in range(one.first, one.first + one.count)]
    assert len(told) == len(set(told))
    assert set(told) <= seen
    assert (day.learnt_ms is None) == (not seen)
    assert all(one.learnt_ms <= (day.learnt_ms or 0) for one in day.late)
