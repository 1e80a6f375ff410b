"""Who is told what: preferences from deployment to role to person, quiet hours, mutes, the times of sending.

Pure: moments come in as UTC milliseconds, hours of a day as minutes after local midnight.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from collector.domain.roles import Role
from collector.domain.scope import lies_in

DAY_MIN: Final = 24 * 60
_MIN_MS: Final = 60_000
_LONGEST_QUIET_MS: Final = 2 * (DAY_MIN + 180) * _MIN_MS  # a night may leave out the only minutes that are not quiet
_SPAN: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)", re.ASCII)

# How long after each failed try the next one comes; after the last one nothing is tried any more and the pages say so.
RETRY_MIN: Final = (1, 5, 15, 60, 180, 360, 720)


class Topic(StrEnum):
    """What a notice is about."""

    DIGEST = "digest"
    OUTAGE = "outage"
    ILLNESS = "illness"  # of Enlace itself
    TEST = "test"


class Muted(StrEnum):
    """What a mute is about."""

    ALL = "all"
    AREA = "area"  # with everything in it
    SCHOOL = "school"
    KIND = "kind"  # of flags


@dataclass(frozen=True)
class Preference:
    """What a place says of itself; None: as the wider place has it."""

    digest: bool | None = None
    outage: bool | None = None
    illness: bool | None = None
    quiet: str | None = None  # "22:00-06:00"; the same time twice: no quiet hours


@dataclass(frozen=True)
class Wants:
    """What holds for one person, and who said it: shipped, deployment, role or person."""

    digest: bool
    outage: bool
    illness: bool
    quiet: str
    origins: Mapping[str, str]


SHIPPED: Final = Preference(digest=True, outage=True, illness=True, quiet="")


def inherit(deployment: Preference, role: Preference, person: Preference) -> Wants:
    """Return what holds for a person: what is said nearest to them."""
    places = (("person", person), ("role", role), ("deployment", deployment), ("shipped", SHIPPED))
    found: dict[str, object] = {}
    origins: dict[str, str] = {}
    for name in (one.name for one in fields(Preference)):
        origin, value = next((place, getattr(said, name)) for place, said in places if getattr(said, name) is not None)
        found[name], origins[name] = value, origin
    return Wants(**found, origins=origins)  # type: ignore[arg-type]  # the fields of both are the same


def may_know_illness(role: str, *, is_whole: bool) -> bool:
    """Return whether somebody is told when Enlace itself is unwell: who runs it, or works with the whole country."""
    return is_whole and role in (Role.OPERATOR, Role.ADMIN)


def parse_quiet(text: str) -> tuple[int, int] | None:
    """Return the quiet hours of a text as minutes after midnight, None where there are none.

    Raises:
        ValueError: If the text is no two times such as `22:00-06:00`.
    """
    if not text:
        return None
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ValueError(text)
    first_h, first_min, last_h, last_min = (int(part) for part in found.groups())
    first, last = first_h * 60 + first_min, last_h * 60 + last_min
    return None if first == last else (first, last)


def is_quiet(quiet: str, now_ms: int, zone: ZoneInfo) -> bool:
    """Return whether a moment lies in the quiet hours of somebody; they may go over midnight."""
    try:
        found = parse_quiet(quiet)
    except ValueError:
        return False
    if found is None:
        return False
    first, last = found
    minute = minute_of_day(now_ms, zone)
    return first <= minute < last if first < last else minute >= first or minute < last


def quiet_ends_ms(quiet: str, now_ms: int, zone: ZoneInfo) -> int:
    """Return the first whole minute from a moment on that is not in somebody's quiet hours, in UTC milliseconds.

    Minute by minute by the wall clock: it may be put forward over the end of the quiet hours, or back.

    Args:
        quiet: The quiet hours.
        now_ms: The moment.
        zone: Whose wall clock.
    """
    first_ms = -(-now_ms // _MIN_MS) * _MIN_MS
    minutes = range(first_ms, first_ms + _LONGEST_QUIET_MS, _MIN_MS)
    return next((one for one in minutes if not is_quiet(quiet, one, zone)), first_ms + _LONGEST_QUIET_MS)


def minute_of_day(now_ms: int, zone: ZoneInfo) -> int:
    """Return how many minutes after local midnight a wall clock shows."""
    local = datetime.fromtimestamp(now_ms / 1000, zone)
    return local.hour * 60 + local.minute


@dataclass(frozen=True)
class Mute:
    """Somebody does not want to hear of something until a moment."""

    what: str  # a Muted
    value: str
    until_ms: int
    reason: str

    def covers(self, now_ms: int, *, school: str, area: str | None, kind: str) -> bool:
        """Return whether a flag, or an outage (without school and kind), is not to be told now."""
        if now_ms >= self.until_ms:
            return False
        match self.what:
            case Muted.ALL:
                return True
            case Muted.AREA:
                return lies_in(area, self.value)
            case Muted.SCHOOL:
                return bool(school) and school == self.value
            case Muted.KIND:
                return bool(kind) and kind == self.value
            case _:
                return False


def is_muted(mutes: Iterable[Mute], now_ms: int, *, school: str = "", area: str | None = None, kind: str = "") -> bool:
    """Return whether any of some mutes covers it now."""
    return any(one.covers(now_ms, school=school, area=area, kind=kind) for one in mutes)


def next_try_ms(tries: int, now_ms: int) -> int | None:
    """Return when to try again after so many failed tries, None when nothing is tried any more.

    Args:
        tries: That have failed, 1 or more.
        now_ms: Of the last one.
    """
    return now_ms + RETRY_MIN[tries - 1] * 60_000 if tries <= len(RETRY_MIN) else None
