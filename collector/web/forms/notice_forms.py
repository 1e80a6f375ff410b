"""The forms about messages: what was typed, what is wrong with it, what it asks for."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from agent.wire import addresses
from collector.domain.notice_rules import Muted, Preference, Topic
from collector.domain.public_address import is_public
from collector.domain.scope import lies_in
from collector.notify.settings import is_mailbox
from collector.web.language.i18n import say

YES, NO = "yes", "no"
SWITCHES: Final = ("digest", "outage", "illness")
HOOK_TOPICS: Final = (Topic.DIGEST.value, Topic.OUTAGE.value, Topic.ILLNESS.value)
LONGEST: Final = 400
REASON_CHARS: Final = 200
NAME_CHARS: Final = 60
URL_CHARS: Final = 400
MUTE_DAYS: Final = 366
_TIME: Final = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d", re.ASCII)
_NOT_TYPED: Final = re.compile(r"[\x00-\x1f\x7f\u2028\u2029\ud800-\udfff]")


@dataclass
class Form:
    """What was typed, and what is wrong with it."""

    values: dict[str, str]
    mistakes: dict[str, str] = field(default_factory=dict)

    def wrong(self, name: str, sentence: object) -> None:
        """Note the first mistake of a field."""
        self.mistakes.setdefault(name, str(sentence))


def typed(given: Mapping[str, str], names: Collection[str]) -> Form:
    """Return the fields of a form, cut where nobody types so much."""
    return Form({name: _NOT_TYPED.sub(" ", given.get(name, "")).strip()[: 2 * LONGEST] for name in names})


PREFERENCE_FIELDS: Final = (*SWITCHES, "quiet_from", "quiet_to")


def of_preference(said: Preference) -> dict[str, str]:
    """Return the fields of a form with what a place says of itself."""
    switches = {name: {True: YES, False: NO}.get(getattr(said, name), "") for name in SWITCHES}
    first, _, last = (said.quiet or "").partition("-")
    return {**switches, "quiet_from": first, "quiet_to": last}


def preference(form: Form) -> Preference | None:
    """Return what a form says, None where something is wrong with it."""
    switches = {name: {YES: True, NO: False}.get(form.values[name]) for name in SWITCHES}
    for name in SWITCHES:
        if form.values[name] not in ("", YES, NO):
            form.wrong(name, say("Choose one of the answers."))
    first, last = form.values["quiet_from"][:5], form.values["quiet_to"][:5]
    quiet = None
    if first or last:
        if _TIME.fullmatch(first) and _TIME.fullmatch(last):
            quiet = f"{first}-{last}"
        else:
            form.wrong("quiet_from", say("Write both times such as 22:00 and 06:00, or leave both empty."))
    return None if form.mistakes else Preference(**switches, quiet=quiet)


def email(form: Form) -> str | None:
    """Return the address of a form, None where there is none; a mistake where it cannot be one."""
    text = form.values["email"]
    if text and not is_mailbox(text):
        form.wrong("email", say("This is no address that mail can go to: write one such as name@example.org."))
    return text or None


MUTE_FIELDS: Final = ("what", "value", "until", "reason", "everybody")


@dataclass(frozen=True)
class MuteAsked:
    """A mute as a form asks for it."""

    what: str
    value: str
    until_day: str
    until_ms: int  # the end of that day
    reason: str
    is_everybodys: bool


def mute(
    form: Form, now_ms: int, zone: ZoneInfo, *, schools: Collection[str], areas: Collection[str], kinds: Collection[str]
) -> MuteAsked | None:
    """Return what a form wants muted, None where something is wrong with it.

    Args:
        form: What was typed.
        now_ms: The moment.
        zone: In which days end.
        schools: The code that was typed, if the person sees a school of it.
        areas: Of the schools that the person sees.
        kinds: Of flags.
    """
    what, value = form.values["what"], form.values["value"]
    if what not in set(Muted):
        form.wrong("what", say("Choose what is muted."))
    elif what == Muted.SCHOOL and value not in schools:
        form.wrong("value", say("There is no school with this code."))
    elif what == Muted.AREA and not any(lies_in(one, value) for one in areas):
        form.wrong("value", say("No school is in this district."))
    elif what == Muted.KIND and value not in kinds:
        form.wrong("value", say("There is no such kind of flag."))
    until = _until(form, now_ms, zone)
    reason = form.values["reason"]
    if not reason:
        form.wrong("reason", say("Write why: it is shown beside the mute."))
    elif len(reason) > REASON_CHARS:
        form.wrong("reason", say("This is too long: at most %(num)s letters.", num=REASON_CHARS))
    if form.mistakes or until is None:
        return None
    kept = "" if what == Muted.ALL else value
    return MuteAsked(what, kept, until[0], until[1], reason, bool(form.values["everybody"]))


def _until(form: Form, now_ms: int, zone: ZoneInfo) -> tuple[str, int] | None:
    """Return the last day of a mute and its end in UTC milliseconds."""
    today = datetime.fromtimestamp(now_ms / 1000, zone).date()
    try:
        day = date.fromisoformat(form.values["until"])
    except ValueError:
        day = date.min
    if not today <= day <= today + timedelta(days=MUTE_DAYS):
        last = (today + timedelta(days=MUTE_DAYS)).isoformat()
        form.wrong("until", say("A mute ends: write a day from %(first)s to %(last)s.", first=today, last=last))
        return None
    end = datetime.combine(day + timedelta(days=1), datetime.min.time(), zone)
    return day.isoformat(), round(end.timestamp() * 1000)


HOOK_FIELDS: Final = ("name", "url", *HOOK_TOPICS)


@dataclass(frozen=True)
class HookAsked:
    """A webhook as a form asks for it."""

    name: str
    url: str
    topics: tuple[str, ...]


def hook(form: Form, *, may_be_private: bool) -> HookAsked | None:
    """Return the webhook that a form asks for, None where something is wrong with it."""
    name, url = form.values["name"], form.values["url"]
    if not name or len(name) > NAME_CHARS:
        form.wrong("name", say("Give it a name of at most %(num)s letters.", num=NAME_CHARS))
    if not _may_go(url, may_be_private=may_be_private):
        form.wrong("url", say("Write an address such as https://example.org/enlace, on a computer of the Internet."))
    topics = tuple(one for one in HOOK_TOPICS if form.values[one])
    if not topics:
        form.wrong(HOOK_TOPICS[0], say("Choose what it is told."))
    return None if form.mistakes else HookAsked(name, url, topics)


def _may_go(url: str, *, may_be_private: bool) -> bool:
    if len(url) > URL_CHARS or not url.isascii() or addresses.fault(url.split("?")[0]):
        return False
    parts = urlsplit(url)
    if parts.fragment or (parts.scheme != "https" and not may_be_private):
        return False
    try:
        return may_be_private or is_public(parts.hostname or "")
    except ValueError:
        return parts.hostname != "localhost"  # a name: what it stands for is looked at when it is gone to
