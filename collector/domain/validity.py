"""Whether a measurement votes, and if not, the first reason why (CONTRACTS 5).

All measurements are kept; a reason stands beside each that does not vote. What votes becomes an `Observation`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from collector.domain.calendars import OpenDay
from collector.domain.observations import Observation
from collector.domain.words import Exclusion, TimeQuality

MIN_STEADY_S: Final = 1.0
MIN_BYTES: Final = 200_000
MAX_TIME_WIDTH_MS: Final = 30 * 60 * 1000
# A computer this busy may itself be what the test measured.
BUSY_HOST_PCT: Final = 90.0
# Traffic of others on the computer, as a part of the target.
BUSY_LINE_SHARE: Final = 0.10

_OK, _MANUAL, _PRECISE, _VPN = "ok", "manual", "precise", "vpn"


@dataclass(frozen=True)
class Candidate:
    """What decides whether one direction of a measurement votes; None means unknown, and the unknown excludes nothing.

    The words are those of the wire vocabulary.
    """

    status: str
    trigger: str
    started_ms: int  # corrected
    value_bps: int | None
    steady_s: float | None = None
    bytes: int | None = None
    stop_reason: str | None = None
    lower_bound: bool | None = None
    engine: str | None = None
    server_id: str | None = None
    medium: str | None = None
    link_bps: int | None = None
    cpu_pct: float | None = None
    other_bps: int | None = None
    time_quality: str = TimeQuality.EXACT
    time_width_ms: int = 0
    is_assigned: bool = True  # to this school at that moment, by a device that is approved
    is_retracted: bool = False  # a person took it back


@dataclass(frozen=True)
class Circumstances:
    """What the candidate is held against; the same for all measurements of a school on a day."""

    open_day: OpenDay
    target_bps: int | None = None  # None: the measured speed itself says how much other traffic is too much
    reference_engine: str | None = None  # of the series that is judged; None: any
    reference_server_id: str | None = None
    busy_host_pct: float = BUSY_HOST_PCT  # a computer busier than this before its test cannot show the line


def exclusion_of(candidate: Candidate, given: Circumstances) -> Exclusion | None:
    """Return the first reason why a measurement does not vote, in the order of the words; None where it votes."""
    for exclusion, applies in _RULES:
        if applies(candidate, given):
            return exclusion
    return None


def observation_of(candidate: Candidate, given: Circumstances) -> Observation:
    """Return the observation that a voting candidate makes.

    Raises:
        ValueError: If the candidate has no figure: it cannot vote.
    """
    if candidate.value_bps is None:
        raise ValueError("a measurement without a figure does not vote")
    return Observation(
        day=given.open_day.day,
        value_bps=candidate.value_bps,
        half=given.open_day.half_of(candidate.started_ms),
        lower_bound=bool(candidate.lower_bound),
        medium=candidate.medium,
        link_bps=candidate.link_bps,
    )


def _is_failed(candidate: Candidate, _: Circumstances) -> bool:
    return candidate.status != _OK or candidate.value_bps is None


def _is_manual(candidate: Candidate, _: Circumstances) -> bool:
    return candidate.trigger == _MANUAL


def _is_out_of_hours(candidate: Candidate, given: Circumstances) -> bool:
    return given.open_day.is_open and not given.open_day.is_within(candidate.started_ms)


def _is_closed_day(_: Candidate, given: Circumstances) -> bool:
    return not given.open_day.is_open and given.open_day.suppression is None


def _is_not_assigned(candidate: Candidate, _: Circumstances) -> bool:
    return not candidate.is_assigned


def _is_too_short(candidate: Candidate, _: Circumstances) -> bool:
    if candidate.stop_reason == _PRECISE:
        return False
    is_brief = candidate.steady_s is not None and candidate.steady_s < MIN_STEADY_S
    is_small = candidate.bytes is not None and candidate.bytes < MIN_BYTES
    return is_brief or is_small


def _is_other_server(candidate: Candidate, given: Circumstances) -> bool:
    return _differs(candidate.engine, given.reference_engine) or _differs(
        candidate.server_id, given.reference_server_id
    )


def _differs(value: str | None, wanted: str | None) -> bool:
    return value is not None and wanted is not None and value != wanted


def _is_vpn(candidate: Candidate, _: Circumstances) -> bool:
    return candidate.medium == _VPN


def _is_busy_host(candidate: Candidate, given: Circumstances) -> bool:
    return candidate.cpu_pct is not None and candidate.cpu_pct > given.busy_host_pct


def _is_busy_line(candidate: Candidate, given: Circumstances) -> bool:
    measure_bps = given.target_bps or candidate.value_bps
    if candidate.other_bps is None or not measure_bps:
        return False
    return candidate.other_bps > BUSY_LINE_SHARE * measure_bps


def _is_time_unsure(candidate: Candidate, _: Circumstances) -> bool:
    return candidate.time_quality == TimeQuality.BOUNDED and candidate.time_width_ms > MAX_TIME_WIDTH_MS


def _is_suppressed(_: Candidate, given: Circumstances) -> bool:
    return given.open_day.suppression is not None


def _is_retracted(candidate: Candidate, _: Circumstances) -> bool:
    return candidate.is_retracted


_RULES: Final[tuple[tuple[Exclusion, Callable[[Candidate, Circumstances], bool]], ...]] = (
    (Exclusion.FAILED, _is_failed),
    (Exclusion.MANUAL, _is_manual),
    (Exclusion.OUT_OF_HOURS, _is_out_of_hours),
    (Exclusion.CLOSED_DAY, _is_closed_day),
    (Exclusion.NOT_ASSIGNED, _is_not_assigned),
    (Exclusion.TOO_SHORT, _is_too_short),
    (Exclusion.OTHER_SERVER, _is_other_server),
    (Exclusion.VPN, _is_vpn),
    (Exclusion.BUSY_HOST, _is_busy_host),
    (Exclusion.BUSY_LINE, _is_busy_line),
    (Exclusion.TIME_UNSURE, _is_time_unsure),
    (Exclusion.SUPPRESSED, _is_suppressed),
    (Exclusion.RETRACTED, _is_retracted),
)
