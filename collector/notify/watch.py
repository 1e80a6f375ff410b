"""Enlace looks at itself: the jobs gather the vital signs, judge them, and leave the result as one small fact."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

from collector.config import CollectorConfig
from collector.domain.calendars import Period, calendar_of, local_day
from collector.domain.illness import UNTOLD, Illness, Vitals, are_jobs_silent, diagnose
from collector.domain.notice_facts import IllnessFact
from collector.domain.words import DayKind
from collector.errors import StorageError
from collector.notify.settings import NotifyConfig
from collector.ports import Ports
from collector.store.open import Store
from collector.store.queries import facts
from collector.store.queries.notices import facts as notice_facts
from collector.store.queries.notices import outbox
from collector.store.queries.notices.outages import silent_with_us
from collector.store.unit import Snapshot

LOG = logging.getLogger(__name__)

_FACT: Final = "vital_signs"
_GAP_MS: Final = 10 * 60_000  # after a longer one nobody was there to hear what came in between


class Host(Protocol):
    """What only the machine knows."""

    def disk(self) -> tuple[int, int] | None:
        """Return free and all bytes of the disk with the data, None where nobody can say."""

    def modified_ms(self, path: str) -> int | None:
        """Return when a file, or the newest in a directory, was written; None: there is none."""

    def answers(self) -> bool | None:
        """Return whether the test point answers, None where it was not asked just now."""


@dataclass(frozen=True)
class Signs:
    """What was found when it was last looked."""

    at_ms: int
    since_ms: int  # watched without a gap
    testpoint_seen_ms: int | None
    ill: tuple[IllnessFact, ...]


@dataclass(frozen=True)
class Looked:
    """What is known of looking at ourselves."""

    signs: Signs | None  # None: nobody ever has looked
    first_start_ms: int | None  # when the web server first began; None: it never did


def note_start(store: Store, now_ms: int) -> None:
    """Remember when the web server began for the first time: from then on somebody should look.

    A database that cannot be written now is served all the same; the next start remembers it.
    """
    try:
        with store.unit() as unit:
            if facts.find_fact(unit, facts.FIRST_START_MS) is None:
                facts.set_fact(unit, facts.FIRST_START_MS, str(now_ms))
                unit.commit()
    except StorageError:
        LOG.warning("start.not_noted")


def read_looked(snapshot: Snapshot) -> Looked:
    """Return what was found when it was last looked, and since when somebody should have."""
    found = facts.find_facts(snapshot, (_FACT, facts.FIRST_START_MS))
    started = found.get(facts.FIRST_START_MS)
    return Looked(_signs(found.get(_FACT)), int(started) if started else None)


def read_signs(snapshot: Snapshot) -> Signs | None:
    """Return what was found when it was last looked; None: nobody ever has."""
    return _signs(facts.find_fact(snapshot, _FACT))


def _signs(found: str | None) -> Signs | None:
    if found is None:
        return None
    told: dict[str, Any] = json.loads(found)
    ill = tuple(IllnessFact(one["word"], one["began_ms"], one["numbers"]) for one in told["ill"])
    return Signs(told["at_ms"], told["since_ms"], told["testpoint_seen_ms"], ill)


def ill_now(snapshot: Snapshot) -> Sequence[IllnessFact]:
    """Return the illnesses of which messages tell."""
    signs = read_signs(snapshot)
    return [one for one in signs.ill if one.word not in UNTOLD] if signs else []


def illnesses(looked: Looked, now_ms: int) -> list[IllnessFact]:
    """Return everything that is wrong as pages and monitors say it; with the jobs away, only that is known.

    Jobs that never ran are as silent as those that have stopped: from the first start of the web server on.
    """
    since_ms = looked.signs.at_ms if looked.signs is not None else looked.first_start_ms
    if since_ms is not None and are_jobs_silent(since_ms, now_ms):
        return [IllnessFact(Illness.JOBS_SILENT, since_ms, {"minutes": (now_ms - since_ms) // 60_000})]
    return list(looked.signs.ill) if looked.signs is not None else []


def watch(store: Store, config: CollectorConfig, notify: NotifyConfig, ports: Ports, host: Host) -> Signs:
    """Look at everything once, write what was found, and return it.

    Args:
        store: The database.
        config: How often it evaluates, and the zone.
        notify: What is watched.
        ports: The clock.
        host: The machine.
    """
    now_ms = ports.clock.now_ms()
    with store.reader() as snapshot:
        before = read_signs(snapshot)
        vitals = _gather(snapshot, config, now_ms, before)
    free = host.disk()
    if free is not None:
        vitals = replace(vitals, free_bytes=free[0], total_bytes=free[1])
    if notify.backup_path:
        vitals = replace(
            vitals,
            is_backup_watched=True,
            backup_ms=host.modified_ms(notify.backup_path),
            backup_max_ms=round(notify.backup_max_h * 3_600_000),
        )
    if host.answers():
        vitals = replace(vitals, testpoint_seen_ms=now_ms)
    began = {one.word: one.began_ms for one in before.ill} if before else {}
    ill = tuple(
        IllnessFact(word.value, began.get(word.value, now_ms), numbers)
        for word, numbers in diagnose(vitals, tuple(began)).items()
    )
    signs = Signs(now_ms, vitals.watching_since_ms, vitals.testpoint_seen_ms, ill)
    with store.unit() as unit:
        facts.set_fact(unit, _FACT, _stored(signs))
        unit.commit()
    return signs


def _stored(signs: Signs) -> str:
    ill = [{"word": one.word, "began_ms": one.began_ms, "numbers": dict(one.numbers)} for one in signs.ill]
    return json.dumps({
        "at_ms": signs.at_ms,
        "since_ms": signs.since_ms,
        "testpoint_seen_ms": signs.testpoint_seen_ms,
        "ill": ill,
    })  # fmt: skip


def _gather(snapshot: Snapshot, config: CollectorConfig, now_ms: int, before: Signs | None) -> Vitals:
    fleet = notice_facts.fleet(snapshot, now_ms)
    queue = outbox.queue(snapshot)
    evaluated = facts.find_fact(snapshot, facts.LAST_EVALUATION_MS)
    is_kept = before is not None and 0 <= now_ms - before.at_ms <= _GAP_MS
    return Vitals(
        now_ms=now_ms,
        watching_since_ms=before.since_ms if before is not None and is_kept else now_ms,
        open_since_ms=_open_since_ms(snapshot, config, now_ms),
        devices=fleet.heard,
        last_contact_ms=fleet.last_contact_ms,
        last_evaluation_ms=int(evaluated) if evaluated else None,
        evaluate_every_ms=round(config.evaluate_every_min * 60_000),
        clock_offsets_ms=fleet.clock_offsets_ms,
        waiting_since_ms=queue.waiting_since_ms,
        waiting=queue.waiting,
        failed=queue.failed,
        silent_with_us=silent_with_us(snapshot),
        testpoint_seen_ms=before.testpoint_seen_ms if before else None,
    )


def _open_since_ms(snapshot: Snapshot, config: CollectorConfig, now_ms: int) -> int | None:
    """Return when the usual school hours began that last now, None outside them."""
    zone = ZoneInfo(notice_facts.zone_of_most(snapshot) or config.default_timezone)
    today = local_day(now_ms, zone)
    kind = notice_facts.common_days(snapshot, (), today.isoformat(), today.isoformat()).get(today.isoformat())
    exceptions: dict[date, DayKind] = {today: DayKind(kind)} if kind in set(DayKind) else {}
    periods: Sequence[Period] = calendar_of(None, zone, exceptions).at(today).periods
    return next((one.from_ms for one in periods if one.from_ms <= now_ms < one.to_ms), None)
