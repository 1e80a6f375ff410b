"""One invented measurement: figures that hang together as a real engine's do."""

from dataclasses import dataclass
from random import Random
from typing import Final

from agent.wire import forms
from agent.wire.records import (
    Budget,
    Direction,
    Engine,
    Failure,
    Loaded,
    Measurement,
    Rtt,
    Server,
    Surroundings,
)
from agent.wire.vocabulary import (
    Confidence,
    EngineName,
    FailureCode,
    Medium,
    Method,
    Phase,
    RttMethod,
    Status,
    StopReason,
    Tier,
    Trigger,
)
from collector.demo.island import DemoSchool, Fate

SERVER_ID: Final = "tp1"  # of the deployment's own test point: these measurements are its reference series
_TEST_NOISE: Final = 0.16  # log-normal, of one test within a day
_FAILED: Final = 0.02
_MANUAL: Final = 0.01
_OFFSET_MIN: Final = -240
_BIN_MS: Final = 250
_SLOW_PORT_BPS: Final = 10_000_000
_FAST_PORT_BPS: Final = 1_000_000_000
_TEST_BYTES: Final = 100_000_000


@dataclass(frozen=True)
class Sample:
    """Which test."""

    school: DemoSchool
    device: str
    started_ms: int
    is_asked: bool = False  # by a person, beside the schedule


@dataclass(frozen=True)
class Weather:
    """What a day is like on a line."""

    typical_mbps: float
    day_factor: float


def record_of(sample: Sample, weather: Weather, random: Random) -> Measurement:
    """Return the record that an agent would have sent."""
    failure = _failure(random)
    provider = sample.school.provider
    download_mbps = weather.typical_mbps * weather.day_factor * random.lognormvariate(0, _TEST_NOISE)
    if sample.school.fate is Fate.SMALL_PORT:
        download_mbps = min(download_mbps, 9.4)
    upload_mbps = sample.school.contract_mbps * provider.upload_part * random.uniform(0.6, 0.95)
    rtt_ms = provider.rtt_ms * random.lognormvariate(0, 0.12)
    has_figures = failure is None
    return Measurement(
        rid=forms.uuid7(sample.started_ms, random.randbytes(10)),
        status=Status.OK if has_figures else Status.FAILED,
        failure=failure,
        tier=Tier.CAPACITY,
        trigger=_trigger(sample, random),
        started_at=forms.format_time(sample.started_ms),
        utc_offset_min=_OFFSET_MIN,
        boot_id=forms.sha256hex(f"{sample.device} {sample.started_ms // 86_400_000}".encode())[:32],
        started_mono_ms=sample.started_ms % 86_400_000,
        engine=Engine(name=EngineName.NDT7, version="demonstration", protocol="ndt7/0.11"),
        server=Server(id=SERVER_ID, host="testpoint.demo.invalid", scheme="ws", ip_family=4),
        download=_direction(download_mbps, random) if has_figures else None,
        upload=_direction(upload_mbps, random) if has_figures else None,
        idle=_rtt(rtt_ms, RttMethod.UDP_ECHO, random),
        gateway=_rtt(random.uniform(0.6, 3.0), RttMethod.ICMP, random),
        loaded=_loaded(provider.loaded_rtt_ms, rtt_ms, random) if has_figures else None,
        surroundings=_surroundings(sample, random),
        budget=Budget(max_bytes=_TEST_BYTES, day_bytes=300_000_000, month_bytes=4_000_000_000),
    )


def _trigger(sample: Sample, random: Random) -> Trigger:
    if sample.is_asked:
        return Trigger.CAMPAIGN
    return Trigger.MANUAL if random.random() < _MANUAL else Trigger.WINDOW


def _failure(random: Random) -> Failure | None:
    if random.random() >= _FAILED:
        return None
    code = random.choice((FailureCode.CONNECT_TIMEOUT, FailureCode.STALLED, FailureCode.DNS))
    phase = Phase.DOWNLOAD if code is FailureCode.STALLED else Phase.PREFLIGHT
    return Failure(phase=phase, code=code, detail="demonstration")


def _direction(mbps: float, random: Random) -> Direction:
    bps = round(mbps * 1e6)
    steady_s = round(random.uniform(2.2, 4.0), 2)
    ramp_s = round(random.uniform(0.4, 1.1), 2)
    duration_s = steady_s + ramp_s
    full_bin = bps * _BIN_MS // 8000
    bins = [round(full_bin * random.uniform(0.93, 1.05)) for _ in range(round(duration_s * 1000 / _BIN_MS))]
    bins[0], bins[1] = bins[0] // 4, bins[1] * 7 // 10
    moved = sum(bins)
    return Direction(
        bps=bps,
        half_width_pct=round(random.uniform(1.4, 5.5), 1),
        confidence=Confidence.HIGH,
        lower_bound=False,
        stop_reason=StopReason.PRECISE,
        bytes=moved,
        wire_bytes_est=round(moved * 1.04),
        duration_s=round(duration_s, 2),
        steady_s=steady_s,
        ramp_s=ramp_s,
        streams=4,
        method=Method.RECEIVER,
        bin_ms=_BIN_MS,
        bins=bins,
    )


def _rtt(rtt_ms: float, method: RttMethod, random: Random) -> Rtt:
    return Rtt(
        rtt_ms=round(rtt_ms, 1),
        rtt_min_ms=round(rtt_ms * 0.93, 1),
        rtt_p90_ms=round(rtt_ms * random.uniform(1.05, 1.3), 1),
        jitter_ms=round(rtt_ms * random.uniform(0.02, 0.08), 2),
        loss_pct=0.0 if random.random() < 0.9 else 5.0,
        n=20,
        method=method,
    )


def _loaded(loaded_ms: float, idle_ms: float, random: Random) -> Loaded:
    download_ms = loaded_ms * random.lognormvariate(0, 0.25)
    upload_ms = download_ms * random.uniform(1.0, 1.6)
    return Loaded(
        download_rtt_ms=round(download_ms, 1),
        download_p95_ms=round(download_ms * 1.4, 1),
        upload_rtt_ms=round(upload_ms, 1),
        upload_p95_ms=round(upload_ms * 1.4, 1),
        increase_ms=round(max(0.0, upload_ms - idle_ms), 1),
        n=60,
        method=RttMethod.UDP_ECHO,
        load_s=3.0,
        congestion_control="bbr",
        confidence=Confidence.MEDIUM,
    )


def _surroundings(sample: Sample, random: Random) -> Surroundings:
    is_small = sample.school.fate is Fate.SMALL_PORT
    return Surroundings(
        medium=Medium.ETHERNET,
        link_bps=_SLOW_PORT_BPS if is_small else _FAST_PORT_BPS,
        cpu_pct=round(random.uniform(2, 45), 1),
        other_bps=round(random.uniform(0, 90_000)) if random.random() < 0.97 else 9_000_000,
        proxy=False,
        tls_intercepted=False,
        metered=False,
        on_battery=False,
    )
