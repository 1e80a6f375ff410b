"""Which period and hours of a school a proof is asked of, by address or form, and what is wrong with it in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from markupsafe import Markup

from collector.domain.proof import Hours
from collector.evaluate import proof, proof_counts
from collector.evaluate.inputs import reference_of
from collector.evaluate.proof import Proof, Rules, Wanted
from collector.store.unit import Snapshot
from collector.web.desk import Desk
from collector.web.language import present
from collector.web.language.i18n import say
from collector.web.words import target_words

USUAL_DAYS: Final = 30
MOST_DAYS: Final = 92
_LONGEST: Final = 40


@dataclass(frozen=True)
class Typed:
    """What stands in the form."""

    first: str
    last: str
    hours: str
    mistake: Markup | None = None

    def address(self) -> dict[str, str]:
        """Return what links and forms carry on."""
        return {"from": self.first, "to": self.last, "hours": self.hours}


def read(given: Mapping[str, str], code: str, zone: ZoneInfo, now_ms: int) -> tuple[Typed, Wanted]:
    """Return what was typed, and what is looked at: the last thirty days where something is wrong with it.

    Args:
        given: The address or the form.
        code: Of the school.
        zone: Of the school.
        now_ms: The moment of the request.
    """
    today = present.local(now_ms, zone).date()
    usual = today - timedelta(days=USUAL_DAYS - 1)
    hours = Hours(given["hours"]) if given.get("hours") in set(Hours) else Hours.OUTSIDE
    typed = Typed(
        first=given.get("from", "").strip()[:_LONGEST] or usual.isoformat(),
        last=given.get("to", "").strip()[:_LONGEST] or today.isoformat(),
        hours=hours.value,
    )
    mistake = _mistake(typed, today)
    if mistake is not None:
        return Typed(typed.first, typed.last, typed.hours, mistake), Wanted(code, usual, today, hours, now_ms)
    first, last = date.fromisoformat(typed.first), date.fromisoformat(typed.last)
    return typed, Wanted(code, first, last, hours, now_ms)


def _mistake(typed: Typed, today: date) -> Markup | None:
    first, last = present.iso_day(typed.first), present.iso_day(typed.last)
    if first != typed.first or last != typed.last:
        return say("Write both days as year-month-day, such as %(day)s.", day=today.isoformat())
    if first > last:
        return say("The first day lies after the last one: change one of them.")
    if last > today.isoformat():
        return say("The last day is still to come: it can be %(day)s at the latest.", day=today.isoformat())
    if present.days_between(first, last) >= MOST_DAYS:
        return say("That is too long: a period has at most %(num)s days.", num=MOST_DAYS)
    return None


def usual(snapshot: Snapshot, parts: Desk, code: str, zone: ZoneInfo) -> Proof | None:
    """Return what the tests of the last thirty days prove, as the page of a flag shows it."""
    return prove(snapshot, parts, read({}, code, zone, parts.now_ms)[1])


def counts(snapshot: Snapshot, parts: Desk, zones: Mapping[str, ZoneInfo]) -> dict[str, int]:
    """Return how many of its thirty tests each of some schools has in the last thirty days, by code.

    Args:
        snapshot: The database.
        parts: Of the deployment.
        zones: By the code of a school its zone; a few.
    """
    wanted = [read({}, code, zone, parts.now_ms)[1] for code, zone in zones.items()]
    return proof_counts.counts(snapshot, _rules(parts), wanted)


def prove(snapshot: Snapshot, parts: Desk, wanted: Wanted) -> Proof | None:
    """Return what the tests of a school prove; None where there is no such school, or not for this reader."""
    return proof.prove(snapshot, _rules(parts), wanted)


def _rules(parts: Desk) -> Rules:
    return Rules(parts.config, target_words.shipped(), reference_of(parts.testpoint_id))
