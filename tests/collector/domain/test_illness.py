"""What is said to be wrong with Enlace itself, and that it is not said too soon or for ever."""

from dataclasses import replace

import pytest

from collector.domain.illness import GB, Illness, Vitals, are_jobs_silent, diagnose

HOUR_MS = 3_600_000
NOW = 1_000 * HOUR_MS
WELL = Vitals(
    NOW, NOW - 9 * HOUR_MS, open_since_ms=NOW - 3 * HOUR_MS, devices=200, last_contact_ms=NOW - 60_000,
    last_evaluation_ms=NOW - 600_000, free_bytes=50 * GB, total_bytes=100 * GB, is_backup_watched=True,
    backup_ms=NOW - HOUR_MS, clock_offsets_ms=(0,) * 40, testpoint_seen_ms=NOW - 60_000,
)  # fmt: skip


def test_who_is_well_is_told_nothing() -> None:
    assert diagnose(WELL) == {}
    assert diagnose(Vitals(NOW, NOW)) == {}, "a deployment that has just begun"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"last_contact_ms": NOW - HOUR_MS}, Illness.INGEST_SILENT),
        ({"last_contact_ms": NOW - HOUR_MS, "silent_with_us": 40}, Illness.SILENT_WITH_US),
        ({"last_evaluation_ms": NOW - 2 * HOUR_MS}, Illness.EVALUATION_LATE),
        ({"free_bytes": GB - 1, "total_bytes": 10 * GB}, Illness.DISK_LOW),
        ({"free_bytes": 4 * GB}, Illness.DISK_LOW),
        ({"backup_ms": NOW - 49 * HOUR_MS}, Illness.BACKUP_OLD),
        ({"backup_ms": None}, Illness.BACKUP_OLD),
        ({"clock_offsets_ms": (*(400_000,) * 30, *(0,) * 10)}, Illness.CLOCK_WRONG),
        ({"waiting": 3, "waiting_since_ms": NOW - HOUR_MS}, Illness.NOTICES_WAITING),
        ({"failed": 1}, Illness.NOTICES_FAILED),
        ({"testpoint_seen_ms": NOW - 720_000}, Illness.TESTPOINT_AWAY),
    ],
)
def test_each_word_has_its_cause(change: dict[str, object], word: Illness) -> None:
    assert set(diagnose(replace(WELL, **change))) == {word}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [
        {"last_contact_ms": NOW - 5 * HOUR_MS, "open_since_ms": None},  # night, weekend, holidays
        {"last_contact_ms": NOW - 15 * HOUR_MS, "open_since_ms": NOW - HOUR_MS // 2},  # the day has just begun
        {"last_contact_ms": NOW - 5 * HOUR_MS, "watching_since_ms": NOW - HOUR_MS // 2},  # we were away ourselves
        {"last_contact_ms": NOW - 5 * HOUR_MS, "devices": 9},  # so few can all be off
        {"last_evaluation_ms": NOW - 5 * HOUR_MS, "watching_since_ms": NOW - HOUR_MS // 2},
        {"free_bytes": 30 * GB, "total_bytes": 4000 * GB},  # little of a large disk is much
        {"is_backup_watched": False, "backup_ms": None},
        {"clock_offsets_ms": (900_000,) * 9},
        {"clock_offsets_ms": (*(0,) * 30, *(-17 * 31_557_600_000,) * 29)},  # old PCs, not our clock
        {"waiting": 500, "waiting_since_ms": NOW - HOUR_MS + 1},
        {"testpoint_seen_ms": None},
    ],
)
def test_nobody_cries_wolf(change: dict[str, object]) -> None:
    assert diagnose(replace(WELL, **change)) == {}  # type: ignore[arg-type]


def test_a_figure_at_its_limit_does_not_flicker() -> None:
    nearly = replace(WELL, free_bytes=int(5.5 * GB))
    assert diagnose(nearly) == {} and set(diagnose(nearly, {Illness.DISK_LOW})) == {Illness.DISK_LOW}
    assert diagnose(replace(WELL, free_bytes=7 * GB), {Illness.DISK_LOW}) == {}


def test_jobs_that_do_not_look_are_silent() -> None:
    assert are_jobs_silent(NOW - 900_000, NOW) and not are_jobs_silent(NOW - 899_000, NOW)
