"""What the registry's pages say: mistakes in the reader's language, checks, and fields before and after."""

import json
from collections.abc import Mapping
from typing import Final

from flask_babel import LazyString
from markupsafe import Markup, escape

from collector.domain.registry_checks import Check
from collector.domain.said import Said
from collector.errors import CollectorError
from collector.registry.calendars import key_of
from collector.registry.plan import CALENDAR, EXTRA, WHOLE
from collector.store.queries.schools import EVERYBODY
from collector.web.language import present
from collector.web.language.i18n import later, say

# What is odd about a school, and what it means or what to do.
CHECKS: Final[Mapping[Check, tuple[LazyString, LazyString]]] = {
    Check.NO_PLACE: (later("No coordinates"), later("They are missing on the map. Fill latitude and longitude.")),
    Check.ZERO_PLACE: (later("At 0, 0 in the sea"), later("Somebody wrote zero for unknown: leave it empty.")),
    Check.FAR_AWAY: (
        later("Far from every other school"),
        later(
            "More than 300 km: in the sea or in another country, as with a lost minus sign or exchanged coordinates."
        ),
    ),
    Check.COARSE_PLACE: (later("Coarse coordinates"), later("Two decimals or fewer: only a kilometre is known.")),
    Check.CROWDED_PLACE: (
        later("Many schools at one place"),
        later("More than five within 110 m: probably the middle of a town."),
    ),
    Check.TWICE: (later("Perhaps the same school twice"), later("Same name and level within 110 m.")),
    Check.SIMILAR: (later("Similar names at one place"), later("Perhaps one school with two codes.")),
    Check.NO_PUPILS: (
        later("Roll unknown"),
        later("Their target is the least of the profile. Fill students_total."),
    ),
    Check.ZERO_PUPILS: (later("Zero pupils"), later("Closed, or not known: then leave the cell empty.")),
    Check.MANY_PUPILS: (later("More than 10,000 pupils"), later("Perhaps a digit too many.")),
    Check.STAFF: (later("Staff of zero or above 200"), later("Leave the cell empty where it is not known.")),
    Check.NO_PROVIDER: (
        later("No provider"),
        later("They are in no row of the providers. Fill the column provider."),
    ),
    Check.NO_CONTRACT: (
        later("Contract unknown"),
        later("Nobody can say whether they get what is paid for. Fill contract_download_mbps."),
    ),
    Check.ODD_CONTRACT: (
        later("Contract of nothing, or above 10,000 Mbit/s"),
        later("Perhaps it was written in kbit/s. Mend contract_download_mbps."),
    ),
    Check.NO_TECHNOLOGY: (
        later("A contract without a technology"),
        later("Providers are compared by technology. Fill the column technology."),
    ),
    Check.NO_AREA: (later("No district"), later("They are in no district's figures. Fill the column area.")),
}

KINDS: Final = {"schools": later("Schools"), "calendar": later("Calendars")}
STATES: Final = {
    "looked_at": later("Not applied yet"),
    "applied": later("Applied"),
    "undone": later("Taken back"),
}


def tell(sentence: str) -> Markup:
    """Return a sentence in the reader's language; one that remembers nothing stays as it is."""
    if not isinstance(sentence, Said):
        return escape(sentence)
    values = {name: tell(value) if isinstance(value, Said) else value for name, value in sentence.values.items()}
    return say(sentence.message, **values)


def tell_error(error: CollectorError) -> Markup:
    """Return what happened, what it means and what to do, in the reader's language."""
    return Markup(" ").join(tell(part) for part in (error.what, error.means, error.do) if part)


def value(kept: object) -> str:
    """Return a field's value as it is shown; unknown is a dash."""
    if kept is None or kept == "":
        return present.UNKNOWN
    return f"{kept:.15g}" if isinstance(kept, float) else str(kept)


def stored_value(text: str | None) -> str:
    """Return what the history keeps as it is shown; a whole row as its fields."""
    found = json.loads(text) if text is not None else None
    if isinstance(found, dict):
        return ", ".join(
            f"{field_name(name)} {value(one)}"
            for name, one in found.items()
            if one not in (None, "") and name not in ("code", "name")
        )
    return value(found)


def field_name(name: str) -> str:
    """Return the heading of a field."""
    return name.removeprefix(EXTRA)


def whole(field: str) -> bool:
    """Return whether a change is about a whole row."""
    return field == WHOLE


def subject_name(kind: str, subject: str) -> str:
    """Return what a row is about: a code, or a day and its calendar."""
    if kind != CALENDAR:
        return subject
    calendar, day = key_of(subject)
    whose = str(say("all schools")) if calendar == EVERYBODY else calendar
    return f"{present.day(day)}{present.colon()}{whose}"


def figure_words(check: str, figure: float | None) -> Markup:
    """Return the figure that is odd about a school, with its unit; empty where it has none."""
    if figure is None:
        return Markup("")
    if check == Check.FAR_AWAY:
        return say("%(km)s km to the nearest other school", km=present.number(figure))
    if check in (Check.MANY_PUPILS, Check.STAFF):
        return Markup(present.number(figure))  # noqa: S704 -- a number
    return Markup(present.with_unit(present.number(figure)))  # noqa: S704 -- a number with its unit
