"""Hints as people read them: what it is, the tests that say so, what to do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from flask_babel import LazyString
from markupsafe import Markup

from collector.domain.diagnosis import local
from collector.domain.diagnosis.facts import Cause, Hint
from collector.store.queries.pages.schools import SchoolRow
from collector.web.language import present
from collector.web.language.i18n import later, say, say_many
from collector.web.views.why import Why
from collector.web.words.sentences import Cure

CAUSES: Final[Mapping[str, LazyString]] = {
    Cause.WIFI_SLOWER: later("The Wi-Fi slows it down"),
    Cause.WIFI_WEAK: later("The Wi-Fi is weak where the PC stands"),
    Cause.PORT: later("The port of the PC is full"),
    Cause.FULL_IN_CLASS: later("The line is full in class hours"),
    Cause.FULL_WHEN_BUSY: later("The line is full when others at the school use it"),
    Cause.PROVIDER: later("The provider delivers less than is paid for"),
    Cause.FARTHER_SERVER: later("The test server is far away: another one is nearer"),
    Cause.SERVER_FAR: later("The test server is far away"),
    Cause.DELAY: later("It is delay, not speed"),
}
PARTS: Final[Mapping[str, LazyString]] = {
    "wifi": later("by Wi-Fi"),
    "cable": later("by cable"),
    "weak": later("weak Wi-Fi"),
    "filled": later("port full"),
    "in_class": later("in class hours"),
    "off_hours": later("outside class hours"),
    "quiet": later("began on a quiet line"),
    "busy": later("began on a busy line"),
    "morning": later("in the morning"),
    "afternoon": later("in the afternoon"),
    "far": later("the usual server"),
    "near": later("the nearer server"),
    "late": later("late under load"),
    "all": later("with latency under load"),
}
# What is wrong at the school or with the use of its line: nobody should complain to a provider before that is mended.
_OWN: Final = (Cause.WIFI_SLOWER, Cause.WIFI_WEAK, Cause.PORT, Cause.FULL_IN_CLASS, Cause.FULL_WHEN_BUSY)


@dataclass(frozen=True)
class HintLine:
    """One hint in words."""

    cause: Cause
    title: str
    text: Markup
    do: Markup  # a verb first
    address: str  # of all its tests
    tests: int


def lines(why: Why, row: SchoolRow) -> list[HintLine]:
    """Return the hints of a school in words, each number with a link to its tests."""
    return [line(why, hint, row) for hint in why.hints]


def line(why: Why, hint: Hint, row: SchoolRow) -> HintLine:
    """Return one hint in words."""
    speak = _SPEAKERS[hint.cause]
    return HintLine(
        cause=hint.cause,
        title=str(CAUSES[hint.cause]),
        text=speak(why, hint),
        do=_do(hint.cause, row),
        address=why.address(hint=hint.cause),
        tests=len(hint.keys),
    )


def own_cure(found: list[HintLine]) -> Cure | None:
    """Return what to do first where the cause lies at the school itself."""
    first = next((one for one in found if one.cause in _OWN), None)
    return Cure(first.do, Markup("{}.").format(first.title)) if first else None


def _tests(why: Why, hint: Hint, name: str) -> Markup:
    """Return `12 tests` as a link to them."""
    shown = say_many("%(num)s test", "%(num)s tests", len(hint.part(name).facts))
    return Markup('<a href="{}">{}</a>').format(why.address(hint=hint.cause, part=name), shown)


def _two(slow: str, fast: str) -> Callable[[Why, Hint], dict[str, object]]:
    def values(why: Why, hint: Hint) -> dict[str, object]:
        return {
            "slow": present.mbps(hint.part(slow).typical),
            "fast": present.mbps(hint.part(fast).typical),
            "slow_tests": _tests(why, hint, slow),
            "fast_tests": _tests(why, hint, fast),
        }

    return values


def _wifi_slower(why: Why, hint: Hint) -> Markup:
    return say(
        "By Wi-Fi the typical test is <b>%(slow)s</b> Mbit/s (%(slow_tests)s), by cable <b>%(fast)s</b> "
        "(%(fast_tests)s).",
        **_two(local.BY_WIFI, local.BY_CABLE)(why, hint),
    )


def _wifi_weak(why: Why, hint: Hint) -> Markup:
    return say(
        "%(weak)s of %(all)s by Wi-Fi were under the target with a weak signal, a slow rate or a slow way to the "
        "router; typically <b>%(speed)s</b> Mbit/s.",
        weak=_tests(why, hint, local.WEAK),
        all=_tests(why, hint, local.BY_WIFI),
        speed=present.mbps(hint.part(local.WEAK).typical),
    )


def _port(why: Why, hint: Hint) -> Markup:
    return say(
        "%(filled)s of %(all)s by cable filled the PC’s port of %(port)s, which cannot show %(target)s.",
        filled=_tests(why, hint, local.FILLED),
        all=_tests(why, hint, local.BY_CABLE),
        port=present.with_unit(present.target_mbps(local.slowest_link(hint.part(local.FILLED)))),
        target=present.with_unit(present.target_mbps(why.site.target_bps)),
    )


def _full_in_class(why: Why, hint: Hint) -> Markup:
    return say(
        "In class hours the typical test is <b>%(slow)s</b> Mbit/s (%(slow_tests)s), outside them <b>%(fast)s</b> "
        "(%(fast_tests)s), on the same PCs.",
        **_two("in_class", "off_hours")(why, hint),
    )


def _full_when_busy(why: Why, hint: Hint) -> Markup:
    return say(
        "Tests that began on a quiet line typically reach <b>%(fast)s</b> Mbit/s (%(fast_tests)s); where a queue "
        "stood before the test they reach <b>%(slow)s</b> (%(slow_tests)s), on the same PCs.",
        **_two("busy", "quiet")(why, hint),
    )


def _provider(why: Why, hint: Hint) -> Markup:
    typical, contract = hint.part("cable").typical, why.site.contract_bps or 0
    return say(
        "By cable and at every hour that was seen the typical test is <b>%(speed)s</b> of %(contract)s, "
        "<b>%(pct)s %%</b> of what is paid for (%(tests)s).",
        speed=present.mbps(typical),
        contract=present.with_unit(present.target_mbps(contract)),
        pct=present.percent(typical / contract if contract else None),
        tests=_tests(why, hint, "cable"),
    )


def _farther_server(why: Why, hint: Hint) -> Markup:
    return say(
        "The shortest answers of the usual server take <b>%(far)s</b> ms (%(far_tests)s), those of another one "
        "<b>%(near)s</b> ms (%(near_tests)s).",
        far=present.milliseconds(hint.part("far").typical),
        near=present.milliseconds(hint.part("near").typical),
        far_tests=_tests(why, hint, "far"),
        near_tests=_tests(why, hint, "near"),
    )


def _server_far(why: Why, hint: Hint) -> Markup:
    return say(
        "Even the shortest answers take <b>%(far)s</b> ms (%(far_tests)s), though the school’s own network is quick "
        "and so is a line of this kind.",
        far=present.milliseconds(hint.part("far").typical),
        far_tests=_tests(why, hint, "far"),
    )


def _delay(why: Why, hint: Hint) -> Markup:
    return say(
        "The speed reaches the target. But in %(late)s of %(all)s an answer under load took long: typically "
        "<b>%(loaded)s</b> ms, against <b>%(idle)s</b> ms on an idle line.",
        late=_tests(why, hint, "late"),
        all=_tests(why, hint, "all"),
        loaded=present.milliseconds(hint.part("late").typical),
        idle=present.milliseconds(hint.part("idle").typical),
    )


_SPEAKERS: Final[Mapping[Cause, Callable[[Why, Hint], Markup]]] = {
    Cause.WIFI_SLOWER: _wifi_slower,
    Cause.WIFI_WEAK: _wifi_weak,
    Cause.PORT: _port,
    Cause.FULL_IN_CLASS: _full_in_class,
    Cause.FULL_WHEN_BUSY: _full_when_busy,
    Cause.PROVIDER: _provider,
    Cause.FARTHER_SERVER: _farther_server,
    Cause.SERVER_FAR: _server_far,
    Cause.DELAY: _delay,
}


def _do(cause: Cause, row: SchoolRow) -> Markup:
    match cause:
        case Cause.WIFI_SLOWER | Cause.WIFI_WEAK:
            return say("Connect the PC by cable, or move it nearer to the access point")
        case Cause.PORT:
            return say("Use a faster port, cable or switch")
        case Cause.FULL_IN_CLASS:
            return say("Manage the traffic in class hours, or buy more")
        case Cause.FULL_WHEN_BUSY:
            return say("Find out what fills the line: updates, backups, video")
        case Cause.PROVIDER:
            return say("Complain to %(provider)s: send the evidence", provider=row.provider or say("the provider"))
        case Cause.FARTHER_SERVER | Cause.SERVER_FAR:
            return say("Let the school test against a nearer server before anybody is blamed")
        case Cause.DELAY:
            return say("Switch on queue management (SQM) at the router, or ask the provider for it")
