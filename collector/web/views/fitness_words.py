"""What a line is good for, as people read it: in words, with the tests behind every number."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from flask_babel import LazyString
from markupsafe import Markup

from collector.domain import fitness
from collector.domain.fitness import Finding, Fitness, Judged, Outcome, Quality
from collector.domain.targets import BPS_PER_MBPS
from collector.profiles.use_limits import DOWNLOAD, LATENCY, LOSS, PUPILS, UPLOAD, Standing
from collector.web.language import present
from collector.web.language.i18n import later, say, say_many
from collector.web.views.why import Why, use_key

USES: Final[Mapping[str, LazyString]] = {
    "class_video": later("a class on video"),
    "call": later("one video call"),
    "exam": later("an online exam"),
    "web": later("web pages in class"),
}
FITNESS: Final[Mapping[str, LazyString]] = {
    Fitness.GOOD: later("Enough"),
    Fitness.AS_MEASURED: later("Enough as far as measured"),
    Fitness.NOT_GOOD: later("Not enough"),
    Fitness.UNKNOWN: later("Not known"),
}
FITNESS_CLASS: Final[Mapping[str, str]] = {
    Fitness.GOOD: "meets",
    Fitness.AS_MEASURED: "insuf",
    Fitness.NOT_GOOD: "below",
    Fitness.UNKNOWN: "insuf",
}
QUALITIES: Final[Mapping[str, LazyString]] = {
    Quality.DOWNLOAD: later("Download"),
    Quality.UPLOAD: later("Upload"),
    Quality.LATENCY: later("Latency under load"),
    Quality.LOSS: later("Loss"),
}
LIMIT_NAMES: Final[Mapping[str, LazyString]] = {
    PUPILS: later("Pupils at once"),
    DOWNLOAD: later("Download for each, Mbit/s"),
    UPLOAD: later("Upload for each, Mbit/s"),
    LATENCY: later("95th percentile under load, ms"),
    LOSS: later("Loss in per cent"),
}
STANDINGS: Final[Mapping[str, LazyString]] = {
    Standing.PRIMARY: later("read at its source"),
    Standing.SECONDARY: later("as another text quotes it; the original was not read"),
    Standing.OURS: later("our own choice"),
}


@dataclass(frozen=True)
class Cell:
    """One limit of one use in words."""

    quality: Quality
    outcome: str
    said: Markup  # with the tests as a link
    need: Markup


@dataclass(frozen=True)
class UseLine:
    """One use in words."""

    id: str
    name: str
    pupils: Markup
    fitness: str
    cells: Mapping[str, Cell]  # by quality; a limit that is not asked has none


@dataclass(frozen=True)
class Section:
    """What a school's page says of all uses."""

    sentences: list[Markup]
    lines: list[UseLine]
    share: float  # of the tests that must hold each limit


def section(why: Why) -> Section:
    """Return what the line is good for, and what was not measured."""
    groups = (
        ((Fitness.GOOD,), _enough),
        ((Fitness.AS_MEASURED,), _as_measured),
        ((Fitness.NOT_GOOD,), _not_enough),
        ((Fitness.UNKNOWN,), _unknown),
    )
    found = [(say_it, [one for one in why.uses if one.fitness in kinds]) for kinds, say_it in groups]
    sentences = [say_it(_names(some)) for say_it, some in found if some]
    lines = [_line(why, judged) for judged in why.uses]
    return Section([*sentences, *_unmeasured(why.uses)], lines, why.uses[0].use.share)


def _names(uses: Sequence[Judged]) -> str:
    return ", ".join(str(USES[judged.use.id]) for judged in uses)


def _enough(names: str) -> Markup:
    return say("Enough for: <b>%(names)s</b>.", names=names)


def _as_measured(names: str) -> Markup:
    return say("Enough as far as measured for: <b>%(names)s</b>.", names=names)


def _not_enough(names: str) -> Markup:
    return say("Not enough for: <b>%(names)s</b>.", names=names)


def _unknown(names: str) -> Markup:
    return say("Nobody can say yet about: <b>%(names)s</b>.", names=names)


def _unmeasured(uses: Sequence[Judged]) -> list[Markup]:
    missed = {
        Quality.DOWNLOAD: say("Download was not measured."),
        Quality.UPLOAD: say("Upload was not measured."),
        Quality.LATENCY: say("Latency under load was not measured."),
        Quality.LOSS: say("Loss was not measured."),
    }
    missing = {one.quality for judged in uses for one in judged.findings if one.outcome is Outcome.NOT_MEASURED}
    return [sentence for quality, sentence in missed.items() if quality in missing]


def _line(why: Why, judged: Judged) -> UseLine:
    return UseLine(
        id=judged.use.id,
        name=str(USES[judged.use.id]),
        pupils=say_many("%(num)s pupil at once", "%(num)s pupils at once", judged.pupils),
        fitness=judged.fitness.value,
        cells={one.quality.value: _cell(why, judged, one) for one in judged.findings},
    )


def _cell(why: Why, judged: Judged, found: Finding) -> Cell:
    return Cell(found.quality, found.outcome.value, said(why, judged, found), _need(found))


def said(why: Why, judged: Judged, found: Finding) -> Markup:
    """Return what the tests say about one limit, with them as a link."""
    return _said(found, why.address(use=use_key(judged, found.quality)))


def need_words(judged: Judged, quality: Quality) -> Markup:
    """Return what one limit asks for; empty where it is not asked."""
    found = judged.finding(quality)
    return Markup("") if found is None else _need(found)


def _need(found: Finding) -> Markup:
    if found.quality is Quality.LATENCY:
        return say("at most %(ms)s ms", ms=present.milliseconds(found.limit))
    if found.quality is Quality.LOSS:
        return say("at most %(pct)s %%", pct=present.plain(found.limit))
    return say("%(speed)s Mbit/s for all at once", speed=present.plain(found.limit / BPS_PER_MBPS))


def _said(found: Finding, address: str) -> Markup:
    if found.outcome is Outcome.NOT_MEASURED:
        return say("not measured")
    if found.quality is Quality.LOSS:
        return _loss(found, address)
    tests = _link(address, say_many("%(num)s test", "%(num)s tests", found.of))
    if found.outcome is Outcome.FEW:
        return say(
            "only %(tests)s; %(least)s on %(days)s days are needed",
            tests=tests,
            least=fitness.MIN_TESTS,
            days=fitness.MIN_DAYS,
        )
    if found.outcome is Outcome.SHORT and found.quality is Quality.LATENCY:
        return say(
            "%(long)s of %(tests)s loaded the line for long; %(least)s are needed",
            long=found.held,
            tests=tests,
            least=found.needed,
        )
    if found.outcome is Outcome.SHORT:
        return say(
            "%(held)s of %(tests)s; others were cut short or the PC could not show more", held=found.held, tests=tests
        )
    return say("%(held)s of %(tests)s", held=found.held, tests=tests)


def _loss(found: Finding, address: str) -> Markup:
    probes = _link(address, say_many("%(shown)s probe", "%(shown)s probes", found.of, shown=present.number(found.of)))
    if found.outcome is Outcome.FEW:
        needed = present.number(found.needed)
        return say("%(lost)s of %(probes)s lost; %(needed)s are needed", lost=found.held, probes=probes, needed=needed)
    return say("%(lost)s of %(probes)s lost", lost=present.number(found.held), probes=probes)


def _link(address: str, shown: Markup) -> Markup:
    return Markup('<a href="{}">{}</a>').format(address, shown)
