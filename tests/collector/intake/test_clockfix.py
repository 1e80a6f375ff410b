"""Times of records, from clocks that may say anything."""

import json

from hypothesis import given
from hypothesis import strategies as st

from agent.wire import forms, limits
from agent.wire.codec import decode_item
from agent.wire.headers import Sent
from collector.intake.clockfix import PlacedTime, Timeline, place
from tests.fakes.collector_world import NOON_MS
from tests.fakes.records import a_diary_run, a_measurement

ANY_MS = st.integers(0, limits.SAFE_INTEGER)
BOOT = "ab" * 16


def placed(record: dict[str, object], sent: Sent, offsets: dict[str, int] | None = None) -> PlacedTime:
    timeline = Timeline(sent, NOON_MS, {sent.boot_id: NOON_MS - sent.utc_ms, **(offsets or {})}, NOON_MS - 1000, False)
    return place(timeline, decode_item(json.dumps(record).encode()).record)


@given(ANY_MS, ANY_MS, ANY_MS, st.sampled_from([BOOT, "cd" * 16, None]), st.sampled_from([0, 10**12, 7 * 10**12]))
def test_no_clock_puts_a_record_outside_what_is_possible(
    utc_ms: int, mono_ms: int, started_ms: int, boot_id: str | None, raw_ms: int
) -> None:
    record = a_measurement(1, boot_id=boot_id, started_mono_ms=started_ms, started_at=forms.format_time(raw_ms))
    found = placed(record, Sent(utc_ms, mono_ms, BOOT))
    assert 0 <= found.at_ms <= NOON_MS
    assert found.width_ms >= 0


def test_a_run_during_which_the_clock_was_set_is_as_long_as_its_slots() -> None:
    run = a_diary_run(1, slots=2, from_at="2026-11-24T13:00:00.000Z", to_at="2031-01-01T00:00:00.000Z")
    found = placed(run, Sent(NOON_MS, 10**9, "cd" * 16))
    assert found.end_ms - found.at_ms == 2 * 300_000


@given(ANY_MS, ANY_MS, st.sampled_from([BOOT, "cd" * 16, None]), st.integers(0, limits.COUNT), st.integers(1, 3600))
def test_no_run_of_the_diary_says_what_is_to_come(
    mono_ms: int, from_mono_ms: int, boot_id: str | None, slots: int, slot_s: int
) -> None:
    times = {"from_at": "2026-11-24T13:00:00.000Z", "to_at": "2150-01-01T00:00:00.000Z"}
    run = a_diary_run(1, boot_id=boot_id, from_mono_ms=from_mono_ms, slots=slots, slot_s=slot_s, **times)
    for sent in (Sent(NOON_MS, mono_ms, BOOT), Sent(NOON_MS + 10**10, mono_ms, BOOT)):
        found = placed(run, sent)
        assert 0 <= found.at_ms <= found.end_ms <= NOON_MS
