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
    Grade,
    Medium,
    Method,
    Phase,
    RttMethod,
    Status,
    StopReason,
    Tier,
    Trigger,
)
from collector.demo.island import DemoSchool, Fate, Trouble

SERVER_ID: Final = "tp1"  # of the deployment's own test point: these measurements are its reference series
_TEST_NOISE: Final = 0.16  # log-normal, of one test within a day
_FAILED: Final = 0.02
_MANUAL: Final = 0.01
_OFFSET_MIN: Final = -240
_BIN_MS: Final = 250
_SLOW_PORT_BPS: Final = 10_000_000
_FAST_PORT_BPS: Final = 1_000_000_000
_TEST_BYTES: Final = 100_000_000
_QUIET_ONE_OF: Final = 4  # of the tests on a line that others use, so many begin while nobody does
_BUSY_FACTOR, _BUSY_MS = 3.0, 40.0  # what a queue adds before a test
_WIFI_BPS, _WEAK_DBM, _WIFI_FACTOR = 130_000_000, -78.0, 9.0  # of PCs far from the access point


@dataclass(frozen=True)
class Sample:
    """Which test."""

    school: DemoSchool
    device: str
    started_ms: int
    is_asked: bool = False  # by a person, beside the schedule
    is_calibration: bool = False  # a long one


@dataclass(frozen=True)
class Weather:
    """What a day is like on a line."""

    typical_mbps: float
    day_factor: float
    is_low: bool = False  # its trouble is on


def record_of(sample: Sample, weather: Weather, random: Random) -> Measurement:
    """Return the record that an agent would have sent."""
    failure = _failure(random)
    provider = sample.school.provider
    trouble = sample.school.trouble if weather.is_low else None
    is_quiet = trouble is not Trouble.BUSY or sample.started_ms // 1000 % _QUIET_ONE_OF == 0
    typical_mbps = sample.school.good_mbps if trouble is Trouble.BUSY and is_quiet else weather.typical_mbps
    download_mbps = typical_mbps * weather.day_factor * random.lognormvariate(0, _TEST_NOISE)
    if sample.school.fate is Fate.SMALL_PORT:
        download_mbps = min(download_mbps, 9.4)
    upload_mbps = sample.school.contract_mbps * provider.upload_part * random.uniform(0.6, 0.95)
    shortest_ms = provider.rtt_ms * random.lognormvariate(0, 0.12)
    rtt_ms = shortest_ms if is_quiet else _BUSY_FACTOR * shortest_ms + _BUSY_MS
    router_ms = random.uniform(0.6, 3.0) * (_WIFI_FACTOR if trouble is Trouble.WIFI else 1)
    has_figures = failure is None
    return Measurement(
        rid=forms.uuid7(sample.started_ms, random.randbytes(10)),
        status=Status.OK if has_figures else Status.FAILED,
        failure=failure,
        tier=Tier.CALIBRATION if sample.is_calibration else Tier.CAPACITY,
        trigger=_trigger(sample, random),
        started_at=forms.format_time(sample.started_ms),
        utc_offset_min=_OFFSET_MIN,
        boot_id=forms.sha256hex(f"{sample.device} {sample.started_ms // 86_400_000}".encode())[:32],
        started_mono_ms=sample.started_ms % 86_400_000,
        engine=Engine(name=EngineName.NDT7, version="demonstration", protocol="ndt7/0.11"),
        server=Server(id=SERVER_ID, host="testpoint.demo.invalid", scheme="ws", ip_family=4),
        download=_direction(download_mbps, random) if has_figures else None,
        upload=_direction(upload_mbps, random) if has_figures else None,
        idle=_rtt(rtt_ms, shortest_ms, RttMethod.UDP_ECHO, random),
        gateway=_rtt(router_ms, router_ms, RttMethod.ICMP, random),
        loaded=_loaded(provider.loaded_rtt_ms, rtt_ms, random, is_long=sample.is_calibration) if has_figures else None,
        surroundings=_surroundings(sample, trouble, random),
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


def _rtt(rtt_ms: float, shortest_ms: float, method: RttMethod, random: Random) -> Rtt:
    return Rtt(
        rtt_ms=round(rtt_ms, 1),
        rtt_min_ms=round(shortest_ms * 0.93, 1),
        rtt_p90_ms=round(rtt_ms * random.uniform(1.05, 1.3), 1),
        jitter_ms=round(rtt_ms * random.uniform(0.02, 0.08), 2),
        loss_pct=0.0 if random.random() < 0.9 else 5.0,
        n=20,
        method=method,
    )


def _loaded(loaded_ms: float, idle_ms: float, random: Random, *, is_long: bool) -> Loaded:
    download_ms = loaded_ms * random.lognormvariate(0, 0.25)
    upload_ms = download_ms * random.uniform(1.0, 1.6)
    increase_ms = max(0.0, upload_ms - idle_ms)
    return Loaded(
        download_rtt_ms=round(download_ms, 1),
        download_p95_ms=round(download_ms * 1.4, 1),
        upload_rtt_ms=round(upload_ms, 1),
        upload_p95_ms=round(upload_ms * 1.4, 1),
        increase_ms=round(increase_ms, 1),
        n=60,
        method=RttMethod.UDP_ECHO,
        load_s=10.0 if is_long else 3.0,
        congestion_control="cubic" if is_long else "bbr",
        confidence=Confidence.HIGH if is_long else Confidence.LOW,
        grade=_grade(increase_ms) if is_long else None,
    )


def _grade(increase_ms: float) -> Grade:
    """Return the letter of a long test, as `increase-1` of decision 80 has it."""
    limits_ms = ((5, Grade.A_PLUS), (30, Grade.A), (60, Grade.B), (200, Grade.C), (400, Grade.D))
    return next((letter for limit_ms, letter in limits_ms if increase_ms < limit_ms), Grade.F)


def _surroundings(sample: Sample, trouble: Trouble | None, random: Random) -> Surroundings:
    is_small, is_wifi = sample.school.fate is Fate.SMALL_PORT, trouble is Trouble.WIFI
    return Surroundings(
        medium=Medium.WIFI if is_wifi else Medium.ETHERNET,
        link_bps=_WIFI_BPS if is_wifi else _SLOW_PORT_BPS if is_small else _FAST_PORT_BPS,
        signal_dbm=_WEAK_DBM if is_wifi else None,
        cpu_pct=round(random.uniform(2, 45), 1),
        other_bps=round(random.uniform(0, 90_000)) if random.random() < 0.97 else 9_000_000,
        proxy=False,
        tls_intercepted=False,
        metered=False,
        on_battery=False,
    )
