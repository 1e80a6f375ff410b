"""The history of a flag: what the system changed, what people did, and the newest judgement."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from collector.domain.casework import Deed, effective
from collector.domain.words import SPEED
from collector.store.queries.casework import StoredAct
from collector.store.queries.pages.flags import FlagEvent, FlagRow, JudgedDay
from collector.web.language import present
from collector.web.language.i18n import say, say_many
from collector.web.views import deeds
from collector.web.words import condition_words, terms

_GOOD_EVENTS: Final = ("recovering", "closed", "closed_by_person", "retracted")
_BAD_EVENTS: Final = ("opened", "reopened")
_LAST = 1_000_000  # what people did on a day stands above what the evaluation of that day did


@dataclass(frozen=True)
class Entry:
    """One entry of the timeline."""

    order: tuple[str, int]
    when: Markup | str
    title: Markup | str
    text: Markup | str
    kind: str  # the class: by-system, by-system good, or empty for people and observations


def timeline(
    flag: FlagRow,
    events: Sequence[FlagEvent],
    acts: Sequence[StoredAct],
    judged_days: Sequence[JudgedDay],
    zone: ZoneInfo,
    today: str,
) -> list[Entry]:
    """Return what happened to a flag, the newest first.

    Args:
        flag: The flag.
        events: What the system changed.
        acts: What people did, in order.
        judged_days: The evaluations of its time, the newest first.
        zone: Of the school.
        today: There.
    """
    closed_days = {act.day for act in acts if act.action == Deed.CLOSED}
    told = [event for event in events if event.event != "closed_by_person" or event.day not in closed_days]
    entries = [_event(event, flag) for event in told]
    entries += [_act(act, acts, zone) for act in acts]
    entries += _back(acts, today)
    newest = judged_days[0] if judged_days else None
    if newest is not None and flag.is_open and newest.day > flag.opened_on:
        name = terms.word_of(terms.VERDICTS, newest.verdict)
        title = str(say("Judged: %(verdict)s", verdict=name))
        entries.append(Entry((newest.day, 1), present.weekday_day(newest.day), title, numbers(newest.__dict__), ""))
    first = next((item for item in judged_days if item.day == flag.below_since), None)
    if first is not None and first.day < flag.opened_on:
        title = str(say("First judged below"))
        entries.append(Entry((first.day, 0), present.weekday_day(first.day), title, numbers(first.__dict__), ""))
    return sorted(entries, key=lambda entry: entry.order, reverse=True)


def _event(event: FlagEvent, flag: FlagRow) -> Entry:
    try:
        found = json.loads(event.numbers)
    except ValueError:
        found = {}
    found = found if isinstance(found, dict) else {}
    is_speed = flag.kind == SPEED
    good = " good" if event.event in _GOOD_EVENTS else ""
    return Entry(
        (event.day, 2 + event.seq),
        present.weekday_day(event.day),
        terms.word_of(terms.FLAG_EVENTS if is_speed else condition_words.EVENTS, event.event),
        numbers(found) if is_speed else _condition(event, flag, found),
        f"by-system{good}",
    )


def _condition(event: FlagEvent, flag: FlagRow, found: dict[str, object]) -> Markup:
    """Return what the day of an event says; only a bad day has something to say."""
    return condition_words.sentence(flag.kind, found, flag.metric) if event.event in _BAD_EVENTS else Markup("")


def _act(act: StoredAct, acts: Sequence[StoredAct], zone: ZoneInfo) -> Entry:
    title, text = deeds.title(act), Markup.escape(act.note or "")
    if act.action == Deed.UNDONE:
        undone = next((other for other in acts if other.action_id == act.value), None)
        text = deeds.title(undone) if undone is not None else text
    elif deeds.is_undone(act, acts):
        title = say("%(what)s (undone)", what=title)
    order = (act.day, _LAST + act.seq)
    return Entry(order, present.moment(act.at_ms, zone), title, text, "")


def _back(acts: Sequence[StoredAct], today: str) -> list[Entry]:
    """Return the days on which the flag came back by itself."""
    found = []
    counted = effective([stored.act for stored in acts])
    for at, act in enumerate(counted):
        ended = any(other.deed in (Deed.SNOOZED, Deed.WOKEN, Deed.CLOSED) for other in counted[at + 1 :])
        if act.deed == Deed.SNOOZED and act.value is not None and act.value <= today and not ended:
            when = present.weekday_day(act.value)
            found.append(Entry((act.value, -1), when, str(say("Came back by itself")), Markup(""), ""))
    return found


def numbers(found: dict[str, object]) -> Markup:
    """Return the numbers of an evaluation in one line; those that are not there are left out."""
    n, attained, lower, upper = (found.get(name) for name in ("n", "attained", "lower", "upper"))
    parts: list[Markup] = []
    if isinstance(n, int) and isinstance(attained, int):
        parts.append(say_many("%(k)s of %(num)s test", "%(k)s of %(num)s tests", n, k=attained))
    if isinstance(lower, int | float) and isinstance(upper, int | float):
        low, high = present.percent(lower), present.percent(upper)
        parts.append(say("interval %(low)s to %(high)s %%", low=low, high=high))
    median, target = found.get("median_bps"), found.get("target_bps")
    if isinstance(median, int | float) and isinstance(target, int | float):
        speeds = {"speed": present.mbps(median), "target": present.with_unit(present.target_mbps(target))}
        parts.append(say("typical %(speed)s of %(target)s", **speeds))
    return escape(present.semicolon()).join(parts) + "." if parts else Markup("")
