"""Looks become runs of equal slots; nothing is counted twice, and sleep and power-off are told apart."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.diary.runs import HOLD_SLOTS, SLOT_MS, Book, Look, Run, add, close, read_book, record, write_book
from agent.wire import codec
from agent.wire.records import Probe
from agent.wire.vocabulary import DiaryState, ProbeState
from tests.fakes.records import NOON_MS, a_rid

OK, DOWN = DiaryState.OK, DiaryState.NO_INTERNET
BOOT, NEXT_BOOT = "a" * 32, "b" * 32
QUARTER_MS = 900_000


def look(at_ms: int, state: DiaryState = OK, /, boot_id: str = BOOT, **changes: object) -> Look:
    """A look at a monotonic moment; the wall clock runs along."""
    return msgspec.structs.replace(
        Look(state=state, wall_ms=NOON_MS + at_ms, mono_ms=at_ms, boot_id=boot_id), **changes
    )


def write(*looks: Look, book: Book | None = None) -> tuple[Book, list[Run]]:
    book, closed = book or Book(), []
    for one in looks:
        book, more = add(book, one)
        closed += more
    return book, closed


def all_runs(*looks: Look) -> list[Run]:
    book, closed = write(*looks)
    return closed + close(book)[1]


def short(runs: list[Run]) -> list[tuple[str, int]]:
    return [(run.state.value, run.slots) for run in runs]


def test_looks_every_quarter_of_an_hour_make_one_run() -> None:
    runs = all_runs(look(0), look(QUARTER_MS), look(2 * QUARTER_MS))

    assert short(runs) == [("ok", 7)]
    assert len(runs[0].looks) == 3


def test_another_state_closes_the_run_and_the_time_between_belongs_to_the_earlier_look() -> None:
    assert short(all_runs(look(0), look(QUARTER_MS, DOWN), look(2 * QUARTER_MS))) == [
        ("ok", 3),
        ("no_internet", 3),
        ("ok", 1),
    ]


def test_a_posted_run_is_continued_by_a_new_one() -> None:
    book, _ = write(look(0))
    book, first = close(book)
    book, between = write(look(QUARTER_MS), book=book)
    _, second = close(book)

    assert short(first + between + second) == [("ok", 1), ("ok", 3)]
    assert second[0].from_mono_ms == first[0].from_mono_ms + SLOT_MS
    assert close(Book()) == (Book(), [])


def test_a_silence_within_a_boot_was_sleep() -> None:
    runs = all_runs(look(0), look(20 * SLOT_MS))

    assert short(runs) == [("ok", 1), ("asleep", 19), ("ok", 1)]
    assert (runs[1].boot_id, runs[1].from_mono_ms) == (None, None)
    assert runs[1].from_wall_ms == NOON_MS + SLOT_MS


def test_a_look_that_is_a_little_late_is_no_sleep() -> None:
    assert short(all_runs(look(0), look(HOLD_SLOTS * SLOT_MS))) == [("ok", HOLD_SLOTS + 1)]


def test_another_boot_means_the_computer_was_off() -> None:
    runs = all_runs(look(0), look(60_000, OK, NEXT_BOOT, wall_ms=NOON_MS + 10 * SLOT_MS + 60_000))

    assert short(runs) == [("ok", 1), ("off", 9), ("ok", 1)]
    assert runs[1].boot_id is None


@pytest.mark.parametrize("wall_ms", [NOON_MS - 10**9, NOON_MS + SLOT_MS + 5_000])
def test_a_restart_without_time_in_between_says_nothing_about_off(wall_ms: int) -> None:
    assert short(all_runs(look(0), look(4_000, OK, NEXT_BOOT, wall_ms=wall_ms))) == [("ok", 1), ("ok", 1)]


def test_setting_the_wall_clock_makes_and_loses_no_slot() -> None:
    stepped = look(2 * QUARTER_MS, wall_ms=NOON_MS + 10**10)

    assert short(all_runs(look(0), look(QUARTER_MS), stepped)) == [("ok", 7)]


def test_trouble_within_a_slot_counts_for_the_slot() -> None:
    assert short(all_runs(look(0), look(60_000, DOWN))) == [("no_internet", 1)]
    assert short(all_runs(look(0), look(QUARTER_MS), look(QUARTER_MS + 1, DOWN))) == [("ok", 3), ("no_internet", 1)]
    assert short(all_runs(look(0, DOWN), look(60_000))) == [("no_internet", 1)]


def test_figures_are_medians_and_sums_over_the_run() -> None:
    (run,) = all_runs(
        look(0, server_rtt_ms=40.0, gateway_rtt_ms=2.0, sent=10, lost=1, dns_ms=8.0),
        look(QUARTER_MS, server_rtt_ms=90.0, sent=10, lost=0),
        look(2 * QUARTER_MS, server_rtt_ms=50.0),
    )

    told = record(run, a_rid(1))

    assert (told.server_rtt_ms, told.gateway_rtt_ms, told.dns_ms, told.sent, told.lost) == (50.0, 2.0, 8.0, 20, 1)
    assert (told.from_at, told.to_at) == ("2026-11-24T13:05:09.123Z", "2026-11-24T13:40:09.123Z")
    assert (told.boot_id, told.from_mono_ms, told.slots, told.slot_s) == (BOOT, 0, 7, 300)


def test_what_was_not_measured_is_unknown_not_zero() -> None:
    (run,) = all_runs(look(0))

    told = record(run, a_rid(1))

    assert (told.server_rtt_ms, told.sent, told.lost, told.dns_ms, told.probes) == (None, None, None, None, None)


def test_sites_looked_at_twice_are_in_two_runs() -> None:
    sites = [Probe(name="library", state=ProbeState.OPEN, ms=400.0)]

    runs = all_runs(look(0, probes=sites), look(QUARTER_MS), look(4 * QUARTER_MS // 2, probes=sites))

    assert [record(run, a_rid(1)).probes for run in runs] == [sites, sites]


def test_the_open_end_survives_a_restart_of_the_agent() -> None:
    book, _ = write(look(0), look(QUARTER_MS, probes=[Probe(name="x", state=ProbeState.SLOW)]))

    assert read_book(write_book(book)) == book
    assert read_book(None) == read_book("{") == read_book('{"last":5}') == Book()


looks_in_time = st.lists(
    st.tuples(
        st.integers(0, 3_000_000),
        st.sampled_from([OK, OK, DOWN, DiaryState.PORTAL]),
        st.sampled_from(["on", "on", "on", "on", "reboot", "post"]),
    ),
    max_size=30,
)


@given(events=looks_in_time)
def test_slots_of_a_boot_never_overlap_and_every_run_is_a_valid_record(
    events: list[tuple[int, DiaryState, str]],
) -> None:
    book, runs, mono_ms, wall_ms, boot = Book(), [], 0, NOON_MS, 0
    for passed_ms, state, what in events:
        mono_ms, wall_ms = mono_ms + passed_ms, wall_ms + passed_ms
        if what == "reboot":
            boot, mono_ms = boot + 1, 5_000
        if what == "post":
            book, closed = close(book)
            runs += closed
        seen = Look(state=state, wall_ms=wall_ms, mono_ms=mono_ms, boot_id=f"{boot:032x}")
        book, closed = add(book, seen)
        runs += closed
    runs += close(book)[1]

    taken: set[tuple[str, int]] = set()
    for number, run in enumerate(runs):
        assert run.slots >= 1
        codec.decode_item(codec.encode(record(run, a_rid(number))))
        if run.boot_id is not None and run.from_mono_ms is not None:
            first = run.from_mono_ms // SLOT_MS
            slots = {(run.boot_id, slot) for slot in range(first, first + run.slots)}
            assert not taken & slots
            taken |= slots
