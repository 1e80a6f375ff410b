"""What the pages of hazards say: kinds, standings, what people found, and a hazard in one sentence."""

from typing import Final

from flask_babel import LazyString
from markupsafe import Markup

from collector.domain.hazards.standing import Answer, CallDeed, Standing, Way
from collector.store.queries.hazards import Hazard
from collector.web.language import present
from collector.web.language.i18n import later, say, say_many

KINDS: Final[dict[str, LazyString]] = {
    "hurricane": later("Hurricane"),
    "flood": later("Flood"),
    "earthquake": later("Earthquake"),
    "volcano": later("Volcano"),
    "other": later("Other hazard"),
}
STANDINGS: Final[dict[str, LazyString]] = {
    Standing.SILENT: later("Silent"),
    Standing.DEGRADED: later("Heard, degraded"),
    Standing.CONFIRMED: later("Confirmed by a person"),
    Standing.HEARD: later("Heard from"),
}
"""In the order of every list and legend: whom to call first."""
MEANINGS: Final[dict[str, LazyString]] = {
    Standing.SILENT: later("nothing heard; that is not the same as down"),
    Standing.DEGRADED: later("the line is troubled, or half as fast as usual"),
    Standing.CONFIRMED: later("somebody called or visited"),
    Standing.HEARD: later("a PC spoke within 24 hours"),
}
SHAPES: Final[dict[str, str]] = {
    Standing.SILENT: "insuf",
    Standing.DEGRADED: "border",
    Standing.CONFIRMED: "nott",
    Standing.HEARD: "meets",
}
ANSWERS: Final[dict[str, LazyString]] = {
    Answer.WORKS: later("The internet works"),
    Answer.DEGRADED: later("The internet works badly"),
    Answer.DOWN: later("The internet is down"),
    Answer.CLOSED: later("The school is closed or damaged"),
    Answer.NO_ANSWER: later("Nobody answers"),
}
WAYS: Final[dict[str, LazyString]] = {
    Way.CALL: later("by telephone"),
    Way.VISIT: later("by a visit"),
    Way.NOTE: later("by a message"),
}
DEEDS: Final[dict[str, LazyString]] = {
    CallDeed.CLAIM: later("Calling"),
    CallDeed.RELEASE: later("Let go"),
    CallDeed.RESULT: later("Recorded"),
    CallDeed.NOTE: later("Note"),
    CallDeed.UNDO: later("Taken back"),
}


def title(hazard: Hazard) -> Markup:
    """Return what a hazard is called; a drill says so in front."""
    if hazard.is_drill:
        return say("Drill: %(name)s", name=hazard.name)
    return Markup("{}").format(hazard.name)


def sentence(schools: int, silent: int) -> Markup:
    """Return how many schools of a hazard nobody has heard of."""
    if not schools:
        return say("No school lies in it.")
    if not silent:
        return say_many(
            "The one school in it has been heard from.", "All %(shown)s schools in it have been heard from.", schools,
            shown=present.number(schools),
        )  # fmt: skip
    if schools == 1:
        return say("The one school in it is silent.")
    return say_many(
        "Of %(shown)s schools in it, %(silent)s is silent.", "Of %(shown)s schools in it, %(silent)s are silent.",
        silent, shown=present.number(schools), silent=present.number(silent),
    )  # fmt: skip


def curve(heard: int, schools: int) -> Markup:
    """Return the finding of a curve."""
    return say(
        "%(heard)s of %(schools)s schools have been heard from or answered for since the beginning",
        heard=present.number(heard),
        schools=present.number(schools),
    )
