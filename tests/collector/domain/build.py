"""Small builders for observations, judgements and evidence."""

from collections.abc import Sequence
from datetime import date, timedelta

from collector.domain.flagging import Evidence
from collector.domain.observations import Observation
from collector.domain.words import Verdict

TARGET_BPS = 20_000_000
MONDAY = date(2026, 11, 2)


def a_day(index: int) -> date:
    """Return the school day with this index: Monday to Friday, 0 = Monday 2 November 2026."""
    return MONDAY + timedelta(days=index // 5 * 7 + index % 5)


def an_observation(mbps: float = 25.0, day: date = MONDAY, half: int | None = 1, **more: object) -> Observation:
    return Observation(day=day, value_bps=round(mbps * 1_000_000), half=half, **more)  # type: ignore[arg-type]


def a_window(speeds_mbps: Sequence[float], per_day: int = 6, **more: object) -> list[Observation]:
    """Return observations that fill one school day after the other, halves by turns."""
    return [
        an_observation(mbps, a_day(index // per_day), index % 2 + 1, **more) for index, mbps in enumerate(speeds_mbps)
    ]


def some_evidence(
    index: int, verdict: Verdict, *, n: int = 60, low_days: int = 5, may_recover: bool = True
) -> Evidence:
    return Evidence(day=a_day(index), verdict=verdict, n=n, low_days=low_days, may_recover=may_recover)
