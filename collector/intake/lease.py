"""One device of a school at a time, no more than the school needs, and never more bytes than it has left."""

from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo

import msgspec

from agent.wire import forms, headers, tokens
from agent.wire.answers import LeaseDenied, LeaseGranted, LeaseRequest
from agent.wire.signing import Word
from agent.wire.tokens import AccessClaims
from agent.wire.vocabulary import LeaseRefusal, RefusalCode, Tier, Trigger
from collector.domain.calendars import Calendar, Period
from collector.domain.proof import APART_MS, HALF_DAY_TESTS
from collector.intake import admission, answers, clockfix, rules, settings
from collector.intake.admission import Admitted
from collector.intake.answers import Answer, RefusedError
from collector.intake.incoming import Incoming
from collector.intake.keyring import CollectorKey
from collector.intake.parts import Parts
from collector.intake.rules import Rules
from collector.intake.school_day import calendar_for
from collector.store.queries import campaigns, device_requests, hours, leases, measurements
from collector.store.queries.hours import SchoolHours
from collector.store.queries.leases import Lease
from collector.store.unit import UnitOfWork

PAUSED_RETRY_S = 3600
REPLAY_RETRY_S = 60
PENDING_RETRY_S = 3600
CLOSED_RETRY_S = 6 * 3600  # at most: the calendar may change meanwhile
ASKED_MARGIN_MS = 30_000  # between tests that were asked for, beyond what the rule wants: clocks differ
UNDER_WAY_MS = 8 * 3_600_000  # outside opening hours: tests of this long ago count as enough

PRIOR_TESTS = 10
PRIOR_S = 2.0  # a direction may move what the line carries in this time
CALIBRATION_S = 15.0  # the full ten seconds, on a line that may boost to half as much again as is known
DIRECTION_MIN_BYTES = 10_000_000
LEFT_MIN_BYTES = 2_000_000  # less is left: not worth a test
ACCESS_SLACK = 1.1  # headers and what is under way when a test stops


@dataclass(frozen=True)
class Caps:
    """How many bytes each direction may move."""

    download: int
    upload: int


class DeniedError(Exception):
    """The device may not test now."""

    def __init__(self, reason: LeaseRefusal, retry_after_s: float) -> None:
        super().__init__(reason)
        self.reason, self.retry_after_s = reason, max(1, round(retry_after_s))


def ask(incoming: Incoming, parts: Parts) -> Answer:
    """Return the answer to a request for a lease, granted or not."""
    key = parts.keys.ring().pinned(incoming.pin)
    try:
        with parts.store.reader() as snapshot:
            admitted = admission.admit(snapshot, incoming, Word.LEASE, headers.JSON_MEDIA)
        request = _read(incoming)
        with parts.store.unit() as unit:
            message = _decide(unit, admission.admit_again(unit, admitted), request, parts)
            unit.commit()
    except RefusedError as refused:
        return answers.refusal(refused, key, incoming.device, incoming.batch)
    return answers.signed(message, key, incoming.device, incoming.batch)


def _read(incoming: Incoming) -> LeaseRequest:
    try:
        return msgspec.json.decode(incoming.body, type=LeaseRequest)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise RefusedError(RefusalCode.ENVELOPE, "The body is no request for a lease.") from error


def _decide(unit: UnitOfWork, admitted: Admitted, request: LeaseRequest, parts: Parts) -> LeaseGranted | LeaseDenied:
    now_ms = parts.ports.clock.now_ms()
    timeline = clockfix.read_timeline(unit, admitted.device, admitted.signed.sent, now_ms)
    try:
        if timeline.is_replay:
            raise DeniedError(LeaseRefusal.BUSY, REPLAY_RETRY_S)
        device_requests.note_contact(unit, admitted.device.device, timeline.progress(admitted.key.key_id))
        held = rules.for_school(unit, parts.config, admitted.device.school)
        caps = _check(unit, admitted, request, parts, held, now_ms)
        lease = _take(unit, admitted, parts, held, now_ms)
    except DeniedError as denied:
        return LeaseDenied(reason=denied.reason, retry_after_s=denied.retry_after_s, server_time_ms=now_ms)
    return _grant(lease, caps, request, parts, parts.keys.ring().for_test_points)


def _check(unit: UnitOfWork, admitted: Admitted, request: LeaseRequest, parts: Parts, held: Rules, now_ms: int) -> Caps:
    """Return the byte caps.

    Raises:
        DeniedError: If the school shall not or need not test now.
    """
    if admitted.is_pending:
        raise DeniedError(LeaseRefusal.PENDING, PENDING_RETRY_S)
    if held.paused:
        raise DeniedError(LeaseRefusal.PAUSED, PAUSED_RETRY_S)
    school = hours.find_school_hours(unit, admitted.device.school)
    if school is None:
        raise DeniedError(LeaseRefusal.PAUSED, PAUSED_RETRY_S)  # it was taken out of the registry
    calendar = calendar_for(unit, school, parts.config, now_ms)
    if request.trigger is Trigger.CAMPAIGN:
        _check_campaign(unit, admitted, now_ms)
    else:
        _check_window(unit, school, calendar, request.trigger, held, now_ms)
    lasts_s = PRIOR_S if request.tier is Tier.CAPACITY else CALIBRATION_S
    return _caps(unit, school, calendar.zone, parts.config.profile, held, now_ms, lasts_s)


def _check_window(
    unit: UnitOfWork, school: SchoolHours, calendar: Calendar, trigger: Trigger, held: Rules, now_ms: int
) -> None:
    """Refuse what the school has enough of; a person asks for a test of their own."""
    if trigger is Trigger.MANUAL:
        return
    coming = calendar.windows_utc(now_ms, settings.WINDOW_DAYS)
    current = next((window for window in coming if window.from_ms <= now_ms < window.to_ms), None)
    if current is None and trigger is Trigger.WINDOW:
        opens_ms = coming[0].from_ms if coming else now_ms + CLOSED_RETRY_S * 1000
        raise DeniedError(LeaseRefusal.CLOSED, min((opens_ms - now_ms) / 1000, CLOSED_RETRY_S))
    counted = current or Period(now_ms - UNDER_WAY_MS, now_ms + 1)
    made = measurements.count_tests(unit, school.code, counted.from_ms, counted.to_ms)
    if made >= held.tests_per_window:
        wait_ms = current.to_ms - now_ms if current else UNDER_WAY_MS
        raise DeniedError(LeaseRefusal.ENOUGH, wait_ms / 1000)


def _check_campaign(unit: UnitOfWork, admitted: Admitted, now_ms: int) -> None:
    """Refuse what nobody has asked this device for, or what another of the school has done already."""
    campaign = campaigns.find_current(unit, admitted.device.school, now_ms)
    windows = campaign.windows if campaign and admitted.device.device in campaign.devices else ()
    current = next((window for window in windows if window[0] <= now_ms < window[1]), None)
    if current is None:
        opens_ms = min((from_ms for from_ms, _ in windows if from_ms > now_ms), default=now_ms + CLOSED_RETRY_S * 1000)
        raise DeniedError(LeaseRefusal.CLOSED, min((opens_ms - now_ms) / 1000, CLOSED_RETRY_S))
    made = campaigns.made(unit, admitted.device.school, current)
    if len(made) >= HALF_DAY_TESTS:
        raise DeniedError(LeaseRefusal.ENOUGH, (current[1] - now_ms) / 1000)
    if made and now_ms - made[-1] < APART_MS + ASKED_MARGIN_MS:
        raise DeniedError(LeaseRefusal.BUSY, (made[-1] + APART_MS + ASKED_MARGIN_MS - now_ms) / 1000)


def _caps(
    unit: UnitOfWork, school: SchoolHours, zone: ZoneInfo, profile: str, held: Rules, now_ms: int, lasts_s: float
) -> Caps:
    local = datetime.fromtimestamp(now_ms / 1000, zone)
    day_ms = round(datetime.combine(local.date(), time(), zone).timestamp() * 1000)
    month_ms = round(datetime.combine(local.date().replace(day=1), time(), zone).timestamp() * 1000)
    left_bytes = min(
        held.day_bytes - measurements.spent_bytes(unit, school.code, day_ms),
        held.month_bytes - measurements.spent_bytes(unit, school.code, month_ms),
    )
    if left_bytes < LEFT_MIN_BYTES:
        midnight_s = 86_400 - (now_ms - day_ms) / 1000
        raise DeniedError(LeaseRefusal.BUDGET, max(midnight_s, REPLAY_RETRY_S))
    download_bps, upload_bps = measurements.recent_speeds(unit, school.code, PRIOR_TESTS)
    target_bps = leases.target_bps(unit, school.code, profile)
    down_bps = max((school.contract_download_mbps or 0) * 1e6, target_bps or 0)
    up_bps = (school.contract_upload_mbps or 0) * 1e6
    return Caps(
        download=_cap(download_bps, down_bps, lasts_s, held.test_bytes, left_bytes // 2),
        upload=_cap(upload_bps, up_bps, lasts_s, held.test_bytes, left_bytes // 2),
    )


def _cap(prior_bps: int | None, wanted_bps: float, lasts_s: float, test_bytes: int, left_bytes: int) -> int:
    """Return so long of the fastest that a line is known or wanted to carry, within bounds; unknown ones get the most.

    Without the target, a slow line that was repaired would stop at its cap and prove nothing.
    """
    if prior_bps is None:
        return min(test_bytes, left_bytes)
    expected_bps = max(prior_bps, wanted_bps)
    wanted = min(max(round(lasts_s * expected_bps / 8), DIRECTION_MIN_BYTES), test_bytes)
    return min(wanted, left_bytes)


def _take(unit: UnitOfWork, admitted: Admitted, parts: Parts, held: Rules, now_ms: int) -> Lease:
    lease = Lease(
        school=admitted.device.school,
        device=admitted.device.device,
        lease_id=forms.uuid4(parts.ports.randomness.token_bytes(16)),
        granted_ms=now_ms,
        expires_ms=now_ms + held.lease_s * 1000,
    )
    if not leases.take_lease(unit, lease):
        taken = leases.find_lease(unit, lease.school)
        wait_ms = taken.expires_ms - now_ms if taken else 0
        raise DeniedError(LeaseRefusal.BUSY, wait_ms / 1000)
    return lease


def _grant(lease: Lease, caps: Caps, request: LeaseRequest, parts: Parts, key: CollectorKey) -> LeaseGranted:
    claims = AccessClaims(
        school=lease.school,
        lease_id=lease.lease_id,
        exp_ms=lease.granted_ms + tokens.ACCESS_LIFETIME_MS,
        max_bytes=round((caps.download + caps.upload) * ACCESS_SLACK),
        jti=forms.uuid4(parts.ports.randomness.token_bytes(16)),
    )
    offered = settings.servers(parts)
    wanted = [server for server in offered if server.engine in request.engines]
    return LeaseGranted(
        lease_id=lease.lease_id,
        expires_in_s=(lease.expires_ms - lease.granted_ms) // 1000,
        expires_at_ms=lease.expires_ms,
        max_bytes_download=caps.download,
        max_bytes_upload=caps.upload,
        servers=wanted or offered,
        access_token=tokens.make_access_token(key.signing_key, claims),
        server_time_ms=lease.granted_ms,
    )
