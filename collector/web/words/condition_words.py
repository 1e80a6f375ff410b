"""Flags by daily conditions in words: the question, the newest numbers as a sentence, what to do, one line a day."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask_babel import LazyString
from markupsafe import Markup

from collector.domain.conditions import ConditionKind
from collector.web.language import present
from collector.web.language.i18n import later, say, say_many
from collector.web.words import terms
from collector.web.words.sentences import Cure

Numbers = Mapping[str, Any]  # of one day; what is not there is not spoken of


@dataclass(frozen=True)
class Saying:
    """What is said of a kind."""

    question: LazyString
    bad: Callable[[Numbers, str], Markup]  # numbers and subject of the newest bad day
    cure: Callable[[Numbers], Cure]


# What makes the data of a school doubtful: `domain.doubts.Doubt`.
DOUBTS: Final[terms.Words] = {
    "wrong_clock": later("the clock of a PC is wrong by more than five minutes"),
    "copied_identity": later("two PCs use one identity: a disk image was copied after enrolment"),
    "volatile": later("a PC forgets at every start what it has measured"),
    "lost_records": later("a PC lost measurements before they were sent"),
    "ledger_broken": later("a PC has made measurements that are neither sent, waiting nor refused"),
}


def _not_reporting(found: Numbers, _subject: str) -> Markup:
    days = found.get("silent_days")
    if not isinstance(days, int):
        return say("No message from any PC of the school.")
    said = say_many(
        "No message from any PC for <b>%(num)s school day</b>.",
        "No message from any PC for <b>%(num)s school days</b>.",
        days,
    )
    heard = found.get("heard_on")
    if not isinstance(heard, str):
        return Markup(" ").join((said, say("None was ever heard.")))
    return Markup(" ").join((said, say("Last heard on %(day)s.", day=present.day(heard))))


def _low_availability(found: Numbers, _subject: str) -> Markup:
    share, goal = found.get("availability"), found.get("goal")
    if not isinstance(share, int | float):
        return say("The line is down too often in school hours.")
    said = say("Line up <b>%(pct)s %%</b> of the school hours that were seen.", pct=present.percent(share, 1))
    if not isinstance(goal, int | float):
        return said
    return Markup(" ").join((said, say("The goal is %(pct)s %%.", pct=present.percent(goal))))


def _poor_quality(found: Numbers, _subject: str) -> Markup:
    n, slow, limit_ms = (found.get(name) for name in ("n", "slow", "limit_ms"))
    if not isinstance(n, int) or not isinstance(slow, int) or not isinstance(limit_ms, int | float):
        return say("Answers come late while the line is busy.")
    said = say_many(
        "Answers came later than %(limit)s ms in <b>%(slow)s of %(tests)s test</b> while it filled the line.",
        "Answers came later than %(limit)s ms in <b>%(slow)s of %(tests)s tests</b> while they filled the line.",
        n,
        limit=present.milliseconds(limit_ms),
        slow=present.number(slow),
        tests=present.number(n),
    )
    loaded_ms, idle_ms = found.get("loaded_ms"), found.get("idle_ms")
    if not isinstance(loaded_ms, int | float) or not isinstance(idle_ms, int | float):
        return said
    times = {"loaded": present.milliseconds(loaded_ms), "idle": present.milliseconds(idle_ms)}
    return Markup(" ").join((said, say("Typically after %(loaded)s ms; after %(idle)s while it is idle.", **times)))


def _data_quality(found: Numbers, _subject: str) -> Markup:
    doubts = [terms.word_of(DOUBTS, name) for name in found.get("doubts", ()) if isinstance(name, str)]
    if not doubts:
        return say("What its PCs send is in doubt.")
    return say("Seen: %(doubts)s.", doubts=present.semicolon().join(doubts))


def _site_unreachable(found: Numbers, subject: str) -> Markup:
    said = say("<b>%(site)s</b> cannot be opened from this school.", site=subject)
    others = found.get("others_open")
    if not isinstance(others, int):
        return said
    elsewhere = say_many("%(num)s other school can.", "%(num)s other schools can.", others)
    return Markup(" ").join((said, elsewhere))


def _other_network(found: Numbers, _subject: str) -> Markup:
    seen, paid = found.get("seen"), found.get("paid")
    if not isinstance(seen, str) or not isinstance(paid, str):
        return say("The network seen is not that of the provider who is paid.")
    return say("The network seen is <b>%(seen)s</b>; the provider paid is <b>%(paid)s</b>.", seen=seen, paid=paid)


SAYINGS: Final[Mapping[str, Saying]] = {
    ConditionKind.NOT_REPORTING: Saying(
        later("Does any PC of the school report?"),
        _not_reporting,
        lambda _found: Cure(
            say("Look at why its PCs are silent, then write to the school"),
            say("Silence is no outage: most often the PCs are off, were moved, or lost their network."),
        ),
    ),
    ConditionKind.LOW_AVAILABILITY: Saying(
        later("Is the line up in school hours?"),
        _low_availability,
        lambda _found: Cure(
            say("Call the provider with the times at which the line was down"),
            say("Hours in which no PC was on are not counted, neither up nor down."),
        ),
    ),
    ConditionKind.POOR_QUALITY: Saying(
        later("Does the line answer in time when it is busy?"),
        _poor_quality,
        lambda _found: Cure(
            say("Manage the traffic in class hours, or ask the provider for queue management (SQM)"),
            say("Full queues at the router or the provider hold answers back: more speed alone mends that seldom."),
        ),
    ),
    ConditionKind.DATA_QUALITY: Saying(
        later("Can what its PCs send be believed?"),
        _data_quality,
        lambda _found: Cure(
            say("Look at its PCs one by one"),
            say("Tests in doubt are set aside by themselves; the doubt stays until the PC is put right."),
        ),
    ),
    ConditionKind.SITE_UNREACHABLE: Saying(
        later("Can the learning sites be opened?"),
        _site_unreachable,
        lambda _found: Cure(
            say("Ask who filters the network of the school"),
            say("Other schools open the site: it is the school’s network or its provider, not the site."),
        ),
    ),
    ConditionKind.OTHER_NETWORK: Saying(
        later("Is the school on the network that is paid for?"),
        _other_network,
        lambda _found: Cure(
            say("Confirm with the school which line its PCs use"),
            say("Either the registry names another provider, or the PCs use another line than the one paid for."),
        ),
    ),
}

DAY_STATES: Final[terms.Words] = {"good": later("Good"), "bad": later("Bad"), "unknown": later("Not known")}
EVENTS: Final[terms.Words] = {
    **terms.FLAG_EVENTS,
    "reopened": later("Bad again"),
    "retracted": later("Flag taken back: with late data it does not stand"),
}


def question(kind: str) -> str:
    """Return the question that a kind of flag asks; empty for one that no condition asks."""
    return str(SAYINGS[kind].question) if kind in SAYINGS else ""


def sentence(kind: str, numbers: Numbers, subject: str) -> Markup:
    """Return what the newest bad day says; empty for a kind that this version does not know.

    Args:
        kind: Of the flag.
        numbers: Of the newest bad day; what is missing is not spoken of.
        subject: Of the flag.
    """
    return SAYINGS[kind].bad(numbers, subject) if kind in SAYINGS else Markup("")


def cure(kind: str, numbers: Numbers) -> Cure:
    """Return what to do about a flag."""
    if kind in SAYINGS:
        return SAYINGS[kind].cure(numbers)
    return Cure(say("Ask the school"), Markup(""))
