"""Learning sites: what the looks of a school's computers at a site come to, hour by hour and for a school day; pure.

In an hour the best look counts: where one computer opens the site, the school can. A day is as most of its hours are.
Looks that were made while the line itself was out of order (no name server, a login page) are counted and shown, and
say nothing against the site.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median
from typing import Any, Final

from collector.domain.conditions import DayState

HOURS: Final = 24
NO_LOOK: Final = "."
FEWEST_HOURS: Final = 2  # of a day, before it says anything for or against a site
FEWEST_OTHERS: Final = 3  # other schools that looked at the site on the day


class SiteWord(StrEnum):
    """What a learning site did, the best first."""

    OPEN = "open"
    SLOW = "slow"
    BLOCKED = "blocked"
    DNS_FAIL = "dns_fail"
    UNREACHABLE = "unreachable"


OPENED: Final = (SiteWord.OPEN, SiteWord.SLOW)
"""Words that say that a site can be opened."""
CLOSED: Final = tuple(word for word in SiteWord if word not in OPENED)
"""Words that say that it cannot."""


@dataclass(frozen=True)
class SiteLook:
    """One look of one computer."""

    site: str
    hour: int  # local, 0 to 23
    word: SiteWord
    took_ms: float | None = None
    is_line_good: bool = True  # the diary said so at that moment


@dataclass(frozen=True)
class SiteDay:
    """What a school's looks at a site come to on one local day."""

    site: str
    word: SiteWord
    hours: str  # 24 letters: the first of each hour's word, a point where nobody looked
    looks: Counter[SiteWord]
    line_hours: int  # hours with a look while the line was good
    line_opened: int  # of them, those in which the site could be opened
    median_ms: float | None  # of the looks that opened it


@dataclass(frozen=True)
class Others:
    """What other schools say of the same site on the same day."""

    schools: int
    opened: int


def site_days(looks: Iterable[SiteLook]) -> dict[str, SiteDay]:
    """Return what the looks of one school's local day come to, by site; their order does not matter."""
    by_site: dict[str, list[SiteLook]] = {}
    for look in looks:
        by_site.setdefault(look.site, []).append(look)
    return {site: _site_day(site, some) for site, some in sorted(by_site.items())}


def _site_day(site: str, looks: Sequence[SiteLook]) -> SiteDay:
    words = _by_hour(looks)
    on_line = _by_hour([look for look in looks if look.is_line_good])
    took = sorted(look.took_ms for look in looks if look.word in OPENED and look.took_ms is not None)
    return SiteDay(
        site=site,
        word=word_of_hours(list(words.values())),
        hours="".join(words[hour].value[0] if hour in words else NO_LOOK for hour in range(HOURS)),
        looks=Counter(look.word for look in looks),
        line_hours=len(on_line),
        line_opened=sum(word in OPENED for word in on_line.values()),
        median_ms=median(took) if took else None,
    )


def _by_hour(looks: Sequence[SiteLook]) -> dict[int, SiteWord]:
    """Return the word of each hour: the best that opens the site, else the most frequent one."""
    found: dict[int, list[SiteWord]] = {}
    for look in looks:
        found.setdefault(look.hour, []).append(look.word)
    return {hour: _word_of_hour(words) for hour, words in found.items()}


def _word_of_hour(words: Sequence[SiteWord]) -> SiteWord:
    return next((word for word in OPENED if word in words), None) or _most(words)


def word_of_hours(words: Sequence[SiteWord]) -> SiteWord:
    """Return the word of several hours: whether it could be opened in half of them, then the most frequent one.

    Args:
        words: Of at least one hour.
    """
    opened = [word for word in words if word in OPENED]
    return _most(opened if 2 * len(opened) >= len(words) else [word for word in words if word in CLOSED])


def _most(words: Sequence[SiteWord]) -> SiteWord:
    """Return the most frequent word; of equally frequent ones the better."""
    counts = Counter(words)
    return max(SiteWord, key=lambda word: counts[word])


def observe(line_hours: int, line_opened: int, word: SiteWord, others: Others) -> tuple[DayState, dict[str, Any]]:
    """Return what a school day says about a site for the flag `site_unreachable`, with its numbers.

    Bad: not opened in any hour although the line was good, while at least half of the other schools opened it.
    Where others cannot open it either, the site is the cause, and nothing is said against the school's line.

    Args:
        line_hours: Hours with a look while the line was good.
        line_opened: Of them, those in which the site could be opened.
        word: Of the day.
        others: The same site and day elsewhere.
    """
    numbers = {
        "hours": line_hours,
        "opened": line_opened,
        "word": word.value,
        "others": others.schools,
        "others_open": others.opened,
    }
    if line_hours < FEWEST_HOURS:
        return DayState.UNKNOWN, numbers
    if 2 * line_opened >= line_hours:
        return DayState.GOOD, numbers
    is_open_elsewhere = others.schools >= FEWEST_OTHERS and 2 * others.opened >= others.schools
    return (DayState.BAD if line_opened == 0 and is_open_elsewhere else DayState.UNKNOWN), numbers
