"""Corrected times, by the way that they were found."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.domain.clockfix import Clocks, Corrected, corrected_time
from collector.domain.words import TimeQuality

NOW = 1_795_500_000_000
HOUR = 3_600_000
SAME = Clocks(
    started_raw_ms=1,
    started_mono_ms=1_000,
    boot_id="a" * 32,
    sent_mono_ms=61_000,
    sent_boot_id="a" * 32,
    received_ms=NOW,
    boot_offset_ms=5,
    earliest_ms=NOW - HOUR,
)
OTHER = replace(SAME, sent_boot_id="b" * 32, started_raw_ms=NOW - HOUR // 2)


@pytest.mark.parametrize(
    ("clocks", "expected"),
    [
        (SAME, Corrected(NOW - 60_000, TimeQuality.EXACT, 0)),
        (replace(SAME, sent_mono_ms=1_000), Corrected(NOW, TimeQuality.EXACT, 0)),
        (OTHER, Corrected(NOW - HOUR // 2 + 5, TimeQuality.ADJUSTED, 0)),
        (replace(OTHER, boot_offset_ms=-HOUR), Corrected(NOW - HOUR // 2 - HOUR, TimeQuality.ADJUSTED, 0)),
        (replace(OTHER, started_raw_ms=NOW - 5), Corrected(NOW, TimeQuality.ADJUSTED, 0)),
        (replace(OTHER, started_raw_ms=NOW - 4), Corrected(NOW - 4, TimeQuality.BOUNDED, HOUR)),
        (replace(OTHER, boot_offset_ms=None), Corrected(NOW - HOUR // 2, TimeQuality.BOUNDED, HOUR)),
        (replace(OTHER, boot_offset_ms=None, started_raw_ms=5), Corrected(NOW - HOUR, TimeQuality.BOUNDED, HOUR)),
        (replace(OTHER, boot_offset_ms=None, started_raw_ms=NOW * 2), Corrected(NOW, TimeQuality.BOUNDED, HOUR)),
        (replace(OTHER, boot_id=None), Corrected(NOW - HOUR // 2, TimeQuality.BOUNDED, HOUR)),
        (replace(OTHER, boot_offset_ms=None, earliest_ms=None), Corrected(NOW - HOUR // 2, TimeQuality.BOUNDED, NOW)),
        (replace(OTHER, boot_offset_ms=None, earliest_ms=NOW + 9), Corrected(NOW, TimeQuality.BOUNDED, 0)),
    ],
)
def test_each_way_to_find_a_time(clocks: Clocks, expected: Corrected) -> None:
    assert corrected_time(clocks) == expected


@pytest.mark.parametrize("change", [{"started_mono_ms": None}, {"started_mono_ms": 61_001}])
def test_the_same_boot_without_a_believable_count_is_adjusted(change: dict[str, int | None]) -> None:
    assert corrected_time(replace(SAME, **change)) == Corrected(6, TimeQuality.ADJUSTED, 0)


@given(
    st.builds(
        Clocks,
        started_raw_ms=st.integers(0, 2 * NOW),
        started_mono_ms=st.none() | st.integers(0, 10 * HOUR),
        boot_id=st.sampled_from((None, "a", "b")),
        sent_mono_ms=st.integers(0, 10 * HOUR),
        sent_boot_id=st.just("a"),
        received_ms=st.integers(NOW, NOW + HOUR),
        boot_offset_ms=st.none() | st.integers(-NOW, NOW),
        earliest_ms=st.none() | st.integers(0, NOW + HOUR),
    )
)
def test_nothing_starts_after_it_was_received(clocks: Clocks) -> None:
    corrected = corrected_time(clocks)

    assert corrected.ms <= clocks.received_ms
    assert corrected.width_ms >= 0
    assert corrected.width_ms == 0 or corrected.quality is TimeQuality.BOUNDED
