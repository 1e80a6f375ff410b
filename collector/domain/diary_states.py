"""What each word of the diary means for everything that is concluded from it: one table, and no other place.

A PC says in one word how far it got. Whether a line counts as up, an outage of one school, one of many, why a PC is
silent, where a school stands in a hazard and whether a learning site is to blame all follow from that word. They ask
here, so that no two of them can say different things of the same minute. `docs/method.md` has the table in words.

`portal` is nobody's outage. A page to sign in at, a filter, a certificate of ours that has run out and a wrong answer
of the server in front of us look the same to a PC: somebody else answers in the collector's name. So the line was
neither up (nobody got through) nor down (it carried the answer): nobody saw whether it was. It is named as what stood
in the way, on the school's page, as the reason of a silence and where an outage is taken back for it.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from collector.domain.slots import Slot
from collector.domain.words import Reason


class Line(StrEnum):
    """What a slot counts as, in the availability and for outages of one school."""

    UP = "up"
    DOWN = "down"  # makes an outage of the school, three in a row
    UNSEEN = "unseen"  # neither way, and neither opens nor closes an outage


class Said(StrEnum):
    """What a school's diary says of an outage of many schools."""

    DOWN = "down"
    FINE = "fine"
    OURS = "ours"  # fine, but we could not be reached
    PORTAL = "portal"  # somebody answered in our name: it confirms no outage, and says of no line that it was fine
    OFF = "off"


class Hears(StrEnum):
    """What a school's newest word says in a hazard."""

    WORKS = "works"
    TROUBLED = "troubled"  # heard, but it works badly
    NOTHING = "nothing"  # of the line: a PC that is off is no news


class Meaning(NamedTuple):
    """What a word of the diary means."""

    slot: Slot  # as it is stored in a day
    line: Line
    said: Said
    reason: Reason | None  # of a PC whose last word it was; None: it explains no silence
    hears: Hears


MEANINGS: Final[Mapping[str, Meaning]] = {
    "ok": Meaning(Slot.OK, Line.UP, Said.FINE, None, Hears.WORKS),
    "collector_down": Meaning(Slot.COLLECTOR_DOWN, Line.UP, Said.OURS, None, Hears.WORKS),
    "dns_fail": Meaning(Slot.DNS_FAIL, Line.DOWN, Said.DOWN, Reason.NO_INTERNET, Hears.TROUBLED),
    "no_internet": Meaning(Slot.NO_INTERNET, Line.DOWN, Said.DOWN, Reason.NO_INTERNET, Hears.TROUBLED),
    "portal": Meaning(Slot.PORTAL, Line.UNSEEN, Said.PORTAL, Reason.PORTAL, Hears.TROUBLED),
    "no_gateway": Meaning(Slot.NO_GATEWAY, Line.DOWN, Said.DOWN, Reason.NOT_CONNECTED, Hears.TROUBLED),
    "link_down": Meaning(Slot.LINK_DOWN, Line.DOWN, Said.DOWN, Reason.NOT_CONNECTED, Hears.TROUBLED),
    "asleep": Meaning(Slot.ASLEEP, Line.UNSEEN, Said.OFF, None, Hears.NOTHING),
    "off": Meaning(Slot.OFF, Line.UNSEEN, Said.OFF, None, Hears.NOTHING),
}
"""By the word as the agent sends it; one of a newer version means nothing to anybody."""

GOOD: Final = frozenset(one.slot for one in MEANINGS.values() if one.line is Line.UP)
DOWN: Final = frozenset(one.slot for one in MEANINGS.values() if one.line is Line.DOWN)
_OF_SLOT: Final = {one.slot: one for one in MEANINGS.values()}


def said_by(state: str) -> Said | None:
    """Return what a word of the diary says of an outage of many; None: nothing."""
    found = MEANINGS.get(state)
    return None if found is None else found.said


def said_by_slot(slot: Slot) -> Said | None:
    """Return what a stored slot says of an outage of many; None: nobody said anything, or not of the line."""
    found = _OF_SLOT.get(slot)
    return None if found is None else found.said


def is_line_good(state: str) -> bool:
    """Return whether what a learning site did while the diary said so was the site's doing."""
    found = MEANINGS.get(state)
    return found is not None and found.line is Line.UP


def words_of(hears: Hears) -> list[str]:
    """Return the words of the diary that say so in a hazard."""
    return [word for word, one in MEANINGS.items() if one.hears is hears]
