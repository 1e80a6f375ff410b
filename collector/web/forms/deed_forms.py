"""The forms by which people do something about flags: what was typed, and what is wrong with it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import request, url_for
from markupsafe import Markup

from collector.domain.casework import REASONS_WITH_NOTE, CloseReason, Deed
from collector.domain.roles import Role
from collector.evaluate.casework import Order, Person
from collector.store.queries import casework
from collector.store.unit import Snapshot
from collector.web.desk import Desk
from collector.web.http.frame import back_address
from collector.web.language import present
from collector.web.language.i18n import say
from collector.web.people import access, audited

MAY_ACT: Final = Role.OPERATOR  # the least role that changes a flag
AT_ONCE: Final = 500  # flags by one form
_LONGEST_NOTE, _LONGEST_TICKET, _LONGEST = 2000, 60, 200
_SNOOZE_DAYS: Final = 366
_CHOSEN = re.compile(r"([^\s:]{1,100}):([0-9]{1,9})")
_DIRT = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f]")
_ASKED: Final = frozenset(Deed) - {Deed.UNDONE}


@dataclass(frozen=True)
class Typed:
    """What stands in a form."""

    action: str = ""
    to: str = ""
    until: str = ""
    reason: str = ""
    ticket: str = ""
    note: str = ""
    flags: dict[str, int] = field(default_factory=dict)  # with the versions that the form was made from
    back: str = ""


@dataclass(frozen=True)
class Mistake:
    """What is wrong with which field; `form` where it is no field that a person fills in."""

    field: str
    sentence: Markup


def read() -> Typed:
    """Return what was typed, within limits: nothing that a person wrote is cut, a longer text is a mistake."""
    chosen = [_CHOSEN.fullmatch(text) for text in request.form.getlist("flag")[: AT_ONCE + 1]]
    given = {name: _DIRT.sub("", request.form.get(name, "")).strip() for name in ("to", "until", "ticket", "note")}
    return Typed(
        action=request.form.get("action", "")[:_LONGEST],
        reason=request.form.get("reason", "")[:_LONGEST],
        flags={match[1]: int(match[2]) for match in chosen if match is not None},
        back=request.form.get("back", ""),
        **given,
    )


def check(typed: Typed, parts: Desk, people: Sequence[str]) -> Order | Mistake:
    """Return what is to be done, or what is wrong with the form.

    Args:
        typed: What stands in it.
        parts: The clock.
        people: Who can be given a flag.
    """
    if typed.action not in _ASKED:
        return Mistake("form", say("Nothing was saved: this page does not know what to do. Use one of its buttons."))
    deed = Deed(typed.action)
    if len(typed.flags) > AT_ONCE:
        return Mistake("form", say("Nothing was saved: at most %(num)s flags can be changed at once.", num=AT_ONCE))
    wrong = _wrong_length(typed) or _wrong(deed, typed, parts, people)
    if wrong is not None:
        return wrong
    value = {
        Deed.GIVEN: typed.to,
        Deed.SNOOZED: present.iso_day(typed.until),
        Deed.CLOSED: typed.reason,
        Deed.TICKET: typed.ticket or None,
    }.get(deed)
    return Order(deed, typed.flags, value, typed.note or None)


def _wrong_length(typed: Typed) -> Mistake | None:
    for name, longest in (("note", _LONGEST_NOTE), ("ticket", _LONGEST_TICKET), ("to", _LONGEST), ("until", _LONGEST)):
        if len(getattr(typed, name)) > longest:
            return Mistake(name, say("This is too long: at most %(num)s letters.", num=present.number(longest)))
    return None


def _wrong(deed: Deed, typed: Typed, parts: Desk, people: Sequence[str]) -> Mistake | None:
    match deed:
        case Deed.GIVEN if typed.to not in people:
            return Mistake("to", say("Choose who gets it: somebody with an account that may act."))
        case Deed.SNOOZED:
            return _wrong_snooze(typed, parts)
        case Deed.NOTE if not typed.note:
            return Mistake("note", say("Write the note first: nothing was saved."))
        case Deed.CLOSED if typed.reason not in frozenset(CloseReason):
            return Mistake("reason", say("Choose why it is closed: the history keeps the reason."))
        case Deed.CLOSED if CloseReason(typed.reason) in REASONS_WITH_NOTE and not typed.note:
            return Mistake("note", say("Write the reason: “another reason” alone says too little later."))
        case _:
            return None


def _wrong_snooze(typed: Typed, parts: Desk) -> Mistake | None:
    day = present.iso_day(typed.until)
    today = present.local(parts.now_ms, parts.zone).date()
    first, last = today + timedelta(days=1), today + timedelta(days=_SNOOZE_DAYS)
    if day is None:
        return Mistake("until", say("Give a date as year-month-day, for example %(day)s.", day=(first.isoformat())))
    if not first <= date.fromisoformat(day) <= last:
        values = {"first": first.isoformat(), "last": last.isoformat()}
        return Mistake("until", say("Give a date from %(first)s to %(last)s.", **values))
    if not typed.note:
        return Mistake("note", say("Write why it can wait: whoever looks next wants to know."))
    return None


def person_of(parts: Desk) -> Person:
    """Return who acts now."""
    person = access.person()
    return Person(person.name if person else "", parts.now_ms, audited.new_id, parts.config.default_timezone)


def people(snapshot: Snapshot) -> list[str]:
    """Return who can be given a flag: people who may act and see some of the same schools."""
    return casework.people(snapshot, access.roles_from(MAY_ACT), snapshot.scope)


def back_to(given: str, done: str) -> str:
    """Return the address of ours that a form came from, with what was done; the list where it is none of these."""
    address = back_address(given)
    parts = urlsplit(address if address and address.startswith("/flags") else url_for("flags.show"))
    kept = [(key, value) for key, value in parse_qsl(parts.query) if key not in ("done", "flag")]
    return f"{parts.path}?{urlencode([*kept, ('done', done)])}#done"
