"""The record: what one measurement and one diary run are (CONTRACTS 1).

Absent and null both mean unknown, never 0. No device and no school in it: the collector knows the device from the
signature and the school from the assignment that was valid at the corrected start.
Types say the shape; `Bound` and `Text` in the annotations say the range. `codec` checks both.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec

from agent.wire import limits
from agent.wire.vocabulary import (
    Confidence,
    DiaryState,
    EngineName,
    FailureCode,
    Grade,
    Medium,
    Method,
    Phase,
    ProbeState,
    RttMethod,
    Status,
    StopReason,
    Tier,
    Trigger,
)

SCHEMA = 1


@dataclass(frozen=True)
class Bound:
    """A number lies within [low, high]."""

    low: float
    high: float


@dataclass(frozen=True)
class Text:
    """A text has at most `chars` characters and no NUL."""

    chars: int


@dataclass(frozen=True)
class Items:
    """A list has at most `count` members."""

    count: int


Ms = Annotated[float, Bound(0, limits.MS)]
Pct = Annotated[float, Bound(0, 100)]
Bps = Annotated[int, Bound(0, limits.BPS)]
Bytes = Annotated[int, Bound(0, limits.BYTES)]
Seconds = Annotated[float, Bound(0, limits.DURATION_S)]
Count = Annotated[int, Bound(0, limits.COUNT)]
MonoMs = Annotated[int, Bound(0, limits.SAFE_INTEGER)]
Id = Annotated[str, Text(limits.ID_CHARS)]
Words = Annotated[str, Text(limits.TEXT_CHARS)]


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Base of everything in a record: immutable, keyword-only, unknown fields are looked at by the codec."""


class Failure(Part, frozen=True, kw_only=True):
    """Why there is no figure, or only part of one."""

    phase: Phase
    code: FailureCode
    detail: Annotated[str, Text(limits.FAILURE_DETAIL_CHARS)] = ""


class Engine(Part, frozen=True, kw_only=True):
    """The protocol client that moved the bytes."""

    name: EngineName
    version: Words | None = None
    protocol: Words | None = None


class Server(Part, frozen=True, kw_only=True):
    """The test point that was measured against."""

    id: Id | None = None
    host: Words | None = None
    scheme: Words | None = None
    ip_family: Literal[4, 6] | None = None


class Direction(Part, frozen=True, kw_only=True):
    """One direction of a test: the figure, how sure it is, and what it cost."""

    bps: Bps  # payload carried per second in the steady part, bit/s
    half_width_pct: Annotated[float, Bound(0, limits.HALF_WIDTH_PCT)] | None = None  # of the figure
    confidence: Confidence | None = None
    lower_bound: bool | None = None  # True: the line is at least this fast
    stop_reason: StopReason | None = None
    bytes: Bytes | None = None  # payload moved
    wire_bytes_est: Bytes | None = None  # with headers, estimated
    duration_s: Seconds | None = None
    steady_s: Seconds | None = None  # length of the part that the figure comes from
    ramp_s: Seconds | None = None  # discarded start
    streams: Annotated[int, Bound(1, limits.STREAMS)] | None = None
    method: Method | None = None
    bin_ms: Annotated[int, Bound(1, limits.MS)] | None = None
    bins: Annotated[list[Bytes], Items(limits.BINS)] | None = None  # bytes per bin from the start


class Rtt(Part, frozen=True, kw_only=True):
    """A series of round trips of one method."""

    rtt_ms: Ms | None = None  # median
    rtt_min_ms: Ms | None = None
    rtt_p90_ms: Ms | None = None
    jitter_ms: Ms | None = None  # mean absolute difference of successive round trips
    loss_pct: Pct | None = None
    n: Count | None = None  # probes sent
    method: RttMethod | None = None


class Loaded(Part, frozen=True, kw_only=True):
    """Round trips while a test loads the line; kept as times, graded by a named rule."""

    download_rtt_ms: Ms | None = None
    download_p95_ms: Ms | None = None
    upload_rtt_ms: Ms | None = None
    upload_p95_ms: Ms | None = None
    increase_ms: Ms | None = None  # worse direction's median over the idle median
    n: Count | None = None
    method: RttMethod | None = None
    load_s: Seconds | None = None
    congestion_control: Words | None = None
    confidence: Confidence | None = None
    grade: Grade | None = None  # None: not loaded long enough to say


class Surroundings(Part, frozen=True, kw_only=True):
    """What about the computer may have limited the test."""

    medium: Medium | None = None
    link_bps: Bps | None = None
    signal_dbm: Annotated[float, Bound(*limits.SIGNAL_DBM)] | None = None
    cpu_pct: Pct | None = None
    other_bps: Bps | None = None  # traffic of others on this computer while measuring
    proxy: bool | None = None
    tls_intercepted: bool | None = None
    metered: bool | None = None
    on_battery: bool | None = None


class Budget(Part, frozen=True, kw_only=True):
    """The byte budget that was in force."""

    max_bytes: Bytes | None = None
    day_bytes: Bytes | None = None
    month_bytes: Bytes | None = None


class Measurement(Part, frozen=True, kw_only=True):
    """One completed, failed, interrupted or skipped speed test."""

    schema: Literal[1] = 1
    kind: Literal["measurement"] = "measurement"
    rid: str
    status: Status
    failure: Failure | None = None  # present exactly when status is not ok
    tier: Tier
    trigger: Trigger
    started_at: str  # UTC, "2026-11-24T13:05:09.123Z", by the computer's own clock
    utc_offset_min: Annotated[int, Bound(-limits.UTC_OFFSET_MIN, limits.UTC_OFFSET_MIN)] | None = None
    boot_id: str | None = None
    started_mono_ms: MonoMs | None = None
    engine: Engine | None = None
    server: Server | None = None
    lease_id: Id | None = None
    receipt: Annotated[str, Text(limits.RECEIPT_CHARS)] | None = None
    download: Direction | None = None
    upload: Direction | None = None
    idle: Rtt | None = None
    gateway: Rtt | None = None
    loaded: Loaded | None = None
    surroundings: Surroundings | None = None
    budget: Budget | None = None
    tags: Annotated[list[Words], Items(limits.TAGS)] | None = None


class Probe(Part, frozen=True, kw_only=True):
    """What one learning site did when it was last looked at."""

    name: Words
    state: ProbeState
    ms: Ms | None = None


class Diary(Part, frozen=True, kw_only=True):
    """A closed run of equal 5-minute slots; its continuation is a new record."""

    schema: Literal[1] = 1
    kind: Literal["diary"] = "diary"
    rid: str
    boot_id: str | None = None  # None for asleep and off
    from_at: str
    to_at: str
    from_mono_ms: MonoMs | None = None
    slots: Count
    slot_s: Annotated[int, Bound(1, limits.DURATION_S)] = 300
    state: DiaryState
    server_rtt_ms: Ms | None = None
    gateway_rtt_ms: Ms | None = None
    sent: Count | None = None
    lost: Count | None = None
    dns_ms: Ms | None = None
    probes: Annotated[list[Probe], Items(limits.PROBES)] | None = None


Record = Measurement | Diary
