"""What the collector wants of its devices: when to test, against whom, for how many bytes."""

from urllib.parse import urlsplit

import msgspec

from agent.wire import forms, headers
from agent.wire.answers import BudgetLimits, ServerEntry, SettingsAnswer
from agent.wire.signing import Word
from agent.wire.vocabulary import EngineName, RefusalCode
from collector.domain.proof import WINDOW_TESTS
from collector.intake import admission, answers, clockfix, rules
from collector.intake.answers import Answer, RefusedError
from collector.intake.incoming import Incoming
from collector.intake.keyring import CollectorKey
from collector.intake.parts import Parts
from collector.intake.rules import Rules
from collector.intake.school_day import calendar_for
from collector.store.queries import campaigns, device_requests, facts, hours
from collector.store.queries.campaigns import Campaign
from collector.store.unit import Snapshot

WINDOW_DAYS = 14
ENGINES = (EngineName.NDT7, EngineName.LIBRESPEED)
_WILDCARDS = ("0.0.0.0", "::", "")  # noqa: S104 -- addresses that are none to give to a device


def tell(incoming: Incoming, parts: Parts) -> Answer:
    """Return the answer to a request for settings."""
    key = parts.keys.ring().pinned(incoming.pin)
    try:
        with parts.store.reader() as snapshot:
            admitted = admission.admit(snapshot, incoming, Word.SETTINGS, headers.JSON_MEDIA)
        _check_body(incoming)
        with parts.store.unit() as unit:
            admitted = admission.admit_again(unit, admitted)
            now_ms = parts.ports.clock.now_ms()
            timeline = clockfix.read_timeline(unit, admitted.device, admitted.signed.sent, now_ms)
            if not timeline.is_replay:
                device_requests.note_contact(unit, admitted.device.device, timeline.progress(admitted.key.key_id))
            message = settings_for(unit, admitted.device.school, key, parts, now_ms, device=admitted.device.device)
            unit.commit()
    except RefusedError as refused:
        return answers.refusal(refused, key, incoming.device, incoming.batch)
    return answers.signed(message, key, incoming.device, incoming.batch)


def _check_body(incoming: Incoming) -> None:
    try:
        msgspec.json.decode(incoming.body, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise RefusedError(RefusalCode.ENVELOPE, "The body is no JSON object.") from error


def settings_for(
    snapshot: Snapshot, school: str, key: CollectorKey, parts: Parts, now_ms: int, *, device: str = ""
) -> SettingsAnswer:
    """Return the settings of one of a school's devices.

    Args:
        snapshot: The database.
        school: Its code.
        key: The collector key that the device pinned: a newer one is announced to it.
        parts: Rules and keys.
        now_ms: Windows that end before are left out.
        device: Which one: tests beside the schedule are asked of some only.
    """
    found = hours.find_school_hours(snapshot, school)
    windows = calendar_for(snapshot, found, parts.config, now_ms).windows_utc(now_ms, WINDOW_DAYS) if found else ()
    current = parts.keys.ring().current
    campaign = campaigns.find_current(snapshot, school, now_ms)
    held = rules.for_school(snapshot, parts.config, school)
    counter = facts.find_fact(snapshot, facts.SETTINGS_VERSION)
    return SettingsAnswer(
        version=version(parts, held, campaign.campaign_id if campaign else None, counter),
        windows_utc=[[window.from_ms, window.to_ms] for window in windows],
        tests_per_window=held.tests_per_window,
        servers=servers(parts),
        budget=budget(held),
        probes=held.probes,
        paused=held.paused,
        next_collector_key=None if current.key_id == key.key_id else forms.b64url(current.public_key),
        server_time_ms=now_ms,
        campaign_utc=campaign_windows(campaign, device, now_ms),
    )


def campaign_windows(campaign: Campaign | None, device: str, now_ms: int) -> list[list[int]]:
    """Return when a device is asked for tests beside the schedule, and how many it may try."""
    if campaign is None or device not in campaign.devices:
        return []
    return [[from_ms, to_ms, WINDOW_TESTS] for from_ms, to_ms in campaign.windows if to_ms > now_ms]


def budget(held: Rules) -> BudgetLimits:
    """Return a school's byte budget."""
    return BudgetLimits(test_bytes=held.test_bytes, day_bytes=held.day_bytes, month_bytes=held.month_bytes)


def servers(parts: Parts) -> list[ServerEntry]:
    """Return the deployment's test point, once for every engine that it speaks."""
    point = parts.testpoint
    host = "127.0.0.1" if point.host in _WILDCARDS else point.host
    url = point.public_url or f"http://{f'[{host}]' if ':' in host else host}:{point.port}"
    udp_port = point.udp_port or urlsplit(url).port or point.port
    return [ServerEntry(id=point.id, engine=engine, url=url, udp_port=udp_port) for engine in ENGINES]


def version(parts: Parts, held: Rules, campaign_id: str | None, counter: str | None) -> str:
    """Return a text that changes when anything in the settings but the passing of days changes.

    Args:
        parts: Rules and keys.
        held: What the device's school keeps to.
        campaign_id: Of the device's school, if one is going on or to come.
        counter: The fact that is raised when calendars or opening hours change.
    """
    said = [held.tests_per_window, servers(parts), budget(held), held.paused]
    said += [parts.config.default_timezone, parts.keys.ring().current.key_id]
    said += [campaign_id] if campaign_id is not None else []
    said += [held.probes] if held.probes else []
    return f"{counter or '0'}-{forms.sha256hex(msgspec.json.encode(said))[:12]}"
