"""From stored measurements to local days with their observations: who votes, who does not and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from statistics import median
from typing import Any

from collector.domain import validity
from collector.domain.criterion import DEFAULT
from collector.domain.observations import Observation
from collector.domain.validity import Candidate, Circumstances
from collector.domain.words import Exclusion, TimeQuality
from collector.evaluate.inputs import SchoolInputs
from collector.store.queries.judging.fold import Measured, Vote, Voted

# A start later than its own arrival is a clock that was put right too late to know by how much.
_AHEAD_MS = validity.MAX_TIME_WIDTH_MS
_NEAR_MS = 3 * 3_600_000  # no clock is put back by more


@dataclass
class SchoolDay:
    """One local day of a school with its measurements."""

    day: date
    measured: list[Measured] = field(default_factory=list)
    observations: list[Observation] = field(default_factory=list)  # of those that vote
    voting: list[Measured] = field(default_factory=list)
    votes: list[Vote] = field(default_factory=list)


class Days:
    """Local days of moments that come in order: nearly all lie well within the day of the one before."""

    def __init__(self, inputs: SchoolInputs) -> None:
        self._inputs = inputs
        self._day = date.min
        self._from_ms = self._to_ms = 0

    def day_of(self, moment_ms: int) -> date:
        """Return the school's local date at a moment in UTC milliseconds."""
        if not self._from_ms <= moment_ms < self._to_ms:
            self._day = self._inputs.local_day(moment_ms)
            # Near midnight a clock may be put back into the day before: there each moment is looked at by itself.
            self._from_ms = self._inputs.start_ms(self._day) + _NEAR_MS
            self._to_ms = self._inputs.start_ms(self._day + timedelta(days=1)) - _NEAR_MS
        return self._day


def group_by_day(rows: Sequence[Measured], inputs: SchoolInputs) -> dict[date, list[Measured]]:
    """Return the rows by the school's local day of their corrected start, in order."""
    days: dict[date, list[Measured]] = {}
    dated = Days(inputs)
    for row in rows:
        days.setdefault(dated.day_of(row.started_ms), []).append(row)
    return dict(sorted(days.items()))


def observe(day: date, rows: Sequence[Measured], inputs: SchoolInputs) -> SchoolDay:
    """Return a local day with the votes of its measurements.

    Args:
        day: The school's local day.
        rows: Its measurements, oldest first.
        inputs: The school's calendar, reference series and target.
    """
    aim = inputs.aim(day)
    reference = inputs.deployment.reference
    given = Circumstances(
        open_day=inputs.at(day),
        target_bps=aim.target.target_bps if aim else None,
        reference_engine=reference.engine,
        reference_server_id=reference.server_id,
        busy_host_pct=inputs.deployment.busy_host_pct,
    )
    seen = SchoolDay(day, measured=list(rows))
    for row in rows:
        candidate = candidate_of(row)
        exclusion = validity.exclusion_of(candidate, given)
        if exclusion is None:
            seen.voting.append(row)
            seen.observations.append(validity.observation_of(candidate, given))
        seen.votes.append(vote_of(row, exclusion))
    return seen


@dataclass(frozen=True)
class Remembered:
    """The newest observations of the days before one, as many as a window that ends there or later can hold."""

    observations: list[Observation]  # oldest first
    is_enough: bool  # False: if there are older ones, a window may hold them as well


def remembered(rows: Sequence[Voted], inputs: SchoolInputs, before: date) -> Remembered:
    """Return the observations of the days before one, which stay as they were judged: of the rows that voted then.

    Args:
        rows: Votes in order; those of the day and later are passed over.
        inputs: The school's calendar.
        before: The local day.
    """
    found: list[Observation] = []
    tests: dict[date, int] = {}
    dated = Days(inputs)
    for _school, started_ms, value_bps, is_bound, medium, link_bps in reversed(rows):
        day = dated.day_of(started_ms)
        if day >= before:
            continue
        if day not in tests:
            if _fills_a_window(tests):
                return Remembered(found[::-1], is_enough=True)
            tests[day] = 0
        tests[day] += 1
        half = inputs.at(day).half_of(started_ms)
        found.append(Observation(day, value_bps, half, bool(is_bound), medium, link_bps))
    return Remembered(found[::-1], is_enough=_fills_a_window(tests))


def _fills_a_window(tests: Mapping[date, int]) -> bool:
    """Return whether days, given newest first, hold any window that ends with the newest of them or later.

    The oldest is not counted: of it tests may be missing, and near midnight a clock may be put back into it.
    """
    if len(tests) <= DEFAULT.window_days:
        return False
    *whole, _oldest = tests.values()
    return sum(whole) >= DEFAULT.min_tests


def vote_of(row: Measured, exclusion: Exclusion | None) -> Vote:
    """Return the vote of a measurement; no exclusion means that it votes."""
    return Vote(row.device, row.rid, exclusion is None, exclusion.value if exclusion else None)


def is_ahead(row: Measured) -> bool:
    """Return whether a measurement claims to have begun after it arrived: its time cannot be known."""
    return row.started_ms > row.received_ms + _AHEAD_MS


def candidate_of(row: Measured) -> Candidate:
    """Return what decides whether the download of a stored measurement votes."""
    is_unsure = is_ahead(row)
    return Candidate(
        status=row.status,
        trigger=row.trigger,
        started_ms=row.started_ms,
        value_bps=row.download_bps,
        steady_s=row.download_steady_s,
        bytes=row.download_bytes,
        stop_reason=row.download_stop_reason,
        lower_bound=row.download_lower_bound,
        engine=row.engine,
        server_id=row.server_id,
        medium=row.medium,
        link_bps=row.link_bps,
        cpu_pct=row.cpu_pct,
        other_bps=row.other_bps,
        time_quality=TimeQuality.BOUNDED if is_unsure else row.time_quality,
        time_width_ms=row.started_ms - row.received_ms if is_unsure else row.time_width_ms,
        is_retracted=row.retracted_ms is not None,
    )


def day_row(seen: SchoolDay, inputs: SchoolInputs, *, is_final: bool) -> dict[str, Any]:
    """Return the row of `school_days` without its delays under load; medians are those of the voting measurements."""
    open_day = inputs.at(seen.day)
    rtts = [row.idle_rtt_ms for row in seen.voting if row.idle_rtt_ms is not None]
    return {
        "school": inputs.code,
        "day": seen.day.isoformat(),
        "is_open": open_day.is_open,
        "suppressed": open_day.suppression.value if open_day.suppression else None,
        "measurements": len(seen.measured),
        "voting": len(seen.voting),
        "median_download_bps": _median_bps([row.download_bps for row in seen.voting]),
        "median_upload_bps": _median_bps([row.upload_bps for row in seen.voting]),
        "median_idle_rtt_ms": median(rtts) if rtts else None,
        "used_bytes": sum(row.cost_bytes for row in seen.measured),
        "is_final": is_final,
    }


def _median_bps(values: Sequence[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return round(median(known)) if known else None
