"""Outages in words: what broke, and why it is put down to that."""

from collections.abc import Callable, Mapping
from typing import Final

from markupsafe import Markup

from collector.domain.outages.withdrawn import Why, Withdrawn
from collector.domain.words import OutageLabel, OutageState
from collector.store.queries.pages.outages import OutageRow
from collector.web.language import present
from collector.web.language.i18n import say, say_many

_RARE = 1e-6


def who(row: OutageRow) -> Markup:
    """Return what the schools of an outage have in common."""
    is_ours = row.label == OutageLabel.COLLECTOR.value and not _became_ours(row)
    if is_ours or not (row.area or row.provider):
        return say("All schools")
    if row.area and row.provider:
        return say("%(provider)s in %(area)s", provider=row.provider, area=row.area)
    return Markup.escape(row.provider or row.area)


def silent_since(row: OutageRow, when: Markup) -> Markup:
    """Return how many of how many are silent since when, for an outage that goes on.

    Args:
        row: The outage.
        when: Its beginning, as the page writes moments.
    """
    return say_many(
        "%(silent)s of %(online)s school silent since %(when)s.",
        "%(silent)s of %(online)s schools silent since %(when)s.",
        row.online,
        silent=present.number(row.silent),
        online=present.number(row.online),
        when=when,
    )


def lead(row: OutageRow, none: Withdrawn | None = None) -> Markup:
    """Return how many of how many fell silent, or why that was no outage of theirs.

    Args:
        row: The outage.
        none: Why it was none; None: it was one.
    """
    values = {"silent": present.number(row.silent), "online": present.number(row.online)}
    if none is not None:
        return _NONE[none.why](none)
    if _became_ours(row):
        return _NONE[Why.OURS](Withdrawn(Why.OURS, 0, 0))
    if row.label == OutageLabel.COLLECTOR.value:
        return say("%(silent)s of %(online)s schools went silent at once.", **values)
    if not row.seen_live:
        return say_many(
            "%(silent)s of %(online)s school of %(who)s had no line, as its diary says.",
            "%(silent)s of %(online)s schools of %(who)s had no line, as their diaries say.",
            row.online,
            who=who(row),
            **values,
        )
    return say_many(
        "%(silent)s of %(online)s school of %(who)s went silent within a quarter of an hour.",
        "%(silent)s of %(online)s schools of %(who)s went silent within a quarter of an hour.",
        row.online,
        who=who(row),
        **values,
    )


_NONE: Final[Mapping[str, Callable[[Withdrawn], Markup]]] = {
    Why.OFF: lambda _none: say(
        "That outage was none: the schools’ diaries, which came later, say that the computers were switched off."
    ),
    Why.FINE: lambda _none: say(
        "That outage was none: the schools’ diaries, which came later, say that the lines were fine."
    ),
    Why.PORTAL: lambda _none: say(
        "That outage was none of the lines: the schools’ diaries, which came later, say that a page to sign in at, or "
        "a filter, answered in place of our server."
    ),
    Why.MIXED: lambda none: _mixed(none),
    Why.OURS: lambda _none: say(
        "That outage was none of the schools: their diaries, which came later, say that the lines were fine and only "
        "our server could not be reached."
    ),
}


def _mixed(none: Withdrawn) -> Markup:
    numbers = {"off": present.number(none.off), "fine": present.number(none.fine)}
    if none.portal:
        return say(
            "That outage was none of the lines: the schools’ diaries, which came later, say that a page to sign in at, "
            "or a filter, answered (%(portal)s), computers were switched off (%(off)s) or lines were fine (%(fine)s).",
            portal=present.number(none.portal),
            **numbers,
        )
    return say(
        "That outage was none: the schools’ diaries, which came later, say that computers were switched off (%(off)s) "
        "or lines were fine (%(fine)s).",
        **numbers,
    )


def why(row: OutageRow, none: Withdrawn | None = None) -> Markup:
    """Return why an outage is put down to what its label says, in numbers.

    Args:
        row: The outage.
        none: Why it was none; None: it was one.
    """
    heard = row.near_online - row.near_silent
    if none is not None or _became_ours(row):
        return Markup("")
    if row.label == OutageLabel.COLLECTOR.value:
        return say("Everything went silent at once: it was our server, not the schools.")
    if row.label == OutageLabel.PROVIDER.value and row.near_online and not row.seen_live:
        return say(
            "Of the schools of other providers near by, %(heard)s of %(online)s had theirs, so it was the provider, "
            "not the power.",
            heard=present.number(heard),
            online=present.number(row.near_online),
        )
    if row.label == OutageLabel.PROVIDER.value and row.near_online:
        return say(
            "Of the schools of other providers near by, %(heard)s of %(online)s are heard, so it is the provider, "
            "not the power.",
            heard=present.number(heard),
            online=present.number(row.near_online),
        )
    if row.label == OutageLabel.PROVIDER.value:
        return say("They have the provider in common, and lie in several areas.")
    if row.provider:
        return say("No school of another provider near by is heard to tell: it may be the provider or the power.")
    return say("Schools of every provider there fell silent, so it is the area: power, or a cable that all share.")


def _became_ours(row: OutageRow) -> bool:
    """Return whether it was put down to others until diaries came: not everybody fell silent."""
    return row.label == OutageLabel.COLLECTOR.value != row.live_label


def label(row: OutageRow) -> Markup:
    """Return what an outage is put down to, in a word or two."""
    if row.state == OutageState.RETRACTED.value:
        return say("No outage")
    if row.label == OutageLabel.COLLECTOR.value:
        return say("Our server, not the schools")
    return say("The provider") if row.label == OutageLabel.PROVIDER.value else say("The area")


def chance(row: OutageRow) -> Markup:
    """Return how likely it is by accident."""
    if row.chance < _RARE:
        return say("less than 1 in a million")
    return say("1 in %(many)s", many=present.number(round(1 / row.chance)))


def status(back: bool, said: str) -> Markup:
    """Return how a school of an outage stands.

    Args:
        back: Whether it has been heard again.
        said: What its diary says.
    """
    if said == "off":
        return say("The computer was off")
    if said in ("fine", "ours"):
        return say("Its line was fine")
    if said == "portal":
        return say("A page to sign in at, or a filter")
    if said == "down":
        return say("Confirmed down by its diary")
    return say("Heard again") if back else say("Silent")
