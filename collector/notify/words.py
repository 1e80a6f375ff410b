"""What messages say: subject and sentences of each kind of notice, from the facts that were stored with it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.parse import quote
from zoneinfo import ZoneInfo

from collector.domain.illness import Illness
from collector.domain.notice_rules import Topic
from collector.domain.outages.withdrawn import Why
from collector.notify.tongue import Tongue

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Part:
    """One heading, item or paragraph."""

    text: str
    href: str = ""
    is_heading: bool = False
    is_item: bool = False
    is_small: bool = False


class Place(Protocol):
    """Where the pages are, and how the deployment is called."""

    @property
    def base(self) -> str:
        """Beginning of the addresses of pages."""

    @property
    def deployment(self) -> str:
        """Its name."""


def letter(topic: str, told: Facts, tongue: Tongue, zone: str, place: Place) -> tuple[str, list[Part]]:
    """Return subject and parts of a notice.

    Args:
        topic: A `Topic`.
        told: Its payload.
        tongue: The reader's language.
        zone: Of the times in it, an IANA name.
        place: For addresses and the name.
    """
    where = ZoneInfo(zone)
    match topic:
        case Topic.DIGEST:
            subject, parts = _digest(told, tongue, where, place)
        case Topic.OUTAGE:
            subject, parts = _outages(told, tongue, where, place)
        case Topic.ILLNESS:
            subject, parts = _illness(told, tongue, where)
        case _:
            subject = tongue.say("A test message")
            parts = [Part(tongue.say("This is a test: messages reach you here."))]
    return f"{place.deployment}: {subject}", parts


def _digest(told: Facts, tongue: Tongue, zone: ZoneInfo, place: Place) -> tuple[str, list[Part]]:
    counts = told["counts"]
    pieces = [
        tongue.say_many("%(num)s new flag", "%(num)s new flags", counts["new"]) if counts["new"] else "",
        tongue.say_many("%(num)s recovered", "%(num)s recovered", counts["recovered"]) if counts["recovered"] else "",
        tongue.say_many("%(num)s outage over", "%(num)s outages over", counts["outages"]) if counts["outages"] else "",
        _taken_back(counts, tongue),
        tongue.say_many("%(num)s still open", "%(num)s still open", counts["open"]) if counts["open"] else "",
    ]
    subject = ", ".join(filter(None, pieces))
    parts = [Part(tongue.say("%(day)s. What nobody has looked at yet:", day=tongue.day(told["day"])))]
    left = sum(counts.values())
    for name, heading in (
        ("outages", tongue.say("Outages that are over")),
        ("withdrawn", tongue.say("Outages that were none")),
        ("new", tongue.say("New")),
        ("recovered", tongue.say("Recovered")),
        ("open", tongue.say("Still open")),
    ):
        lines = told.get(name, ())  # a notice that was written before this version has no word of the newest
        if lines:
            parts.append(Part(f"{heading} ({tongue.number(counts[name])})", is_heading=True))
        say = _SAY.get(name, _flag)
        parts += [say(line, tongue, zone, place) for line in lines]
        left -= len(lines)
    if left:
        parts.append(Part(tongue.say_many("and %(num)s more", "and %(num)s more", left), is_small=True))
    parts.append(Part(tongue.say("All open flags"), href=f"{place.base}/flags"))
    return subject, parts


def _flag(line: Facts, tongue: Tongue, _zone: ZoneInfo, place: Place) -> Part:
    school = f"{line['name']}, {line['area']}" if line["area"] else str(line["name"])
    day = tongue.day_short(line["closed_on"] or line["opened_on"])
    values = {"school": school, "what": _what(line, tongue), "day": day}
    if line["is_retracted"]:
        text = tongue.say("%(school)s: %(what)s. Taken back: with late data it does not stand.", **values)
    elif line["closed_on"]:
        text = tongue.say("%(school)s: %(what)s. Over since %(day)s.", **values)
    else:
        text = tongue.say("%(school)s: %(what)s. Open since %(day)s.", **values)
    return Part(text, href=f"{place.base}/flags/{quote(str(line['flag_id']), safe='')}", is_item=True)


def _what(line: Facts, tongue: Tongue) -> str:
    """Return what a flag is about, with its numbers where they say more."""
    numbers, kind = line["numbers"], line["kind"]
    if kind == "below_target" and line["closed_on"] is None and {"attained", "n", "target_bps"} <= set(numbers):
        values = {"attained": tongue.number(numbers["attained"]), "n": tongue.number(numbers["n"])}
        target = tongue.number(numbers["target_bps"] / 1e6, 1)
        return tongue.say(
            "too slow for teaching, %(attained)s of %(n)s tests reached %(target)s Mbit/s", **values, target=target
        )
    if kind == "site_unreachable":
        return tongue.say("cannot open %(site)s", site=numbers.get("subject") or tongue.say("a learning site"))
    return KINDS[kind](tongue) if kind in KINDS else tongue.say("a flag")


KINDS: Final[Mapping[str, Callable[[Tongue], str]]] = {
    "below_target": lambda tongue: tongue.say("too slow for teaching"),
    "below_contract": lambda tongue: tongue.say("less than the contract"),
    "low_availability": lambda tongue: tongue.say("the line goes down"),
    "poor_quality": lambda tongue: tongue.say("slow to respond"),
    "not_reporting": lambda tongue: tongue.say("does not report"),
    "data_quality": lambda tongue: tongue.say("data look wrong"),
    "site_unreachable": lambda tongue: tongue.say("a learning site cannot be opened"),
    "other_network": lambda tongue: tongue.say("another network than the one that is paid for"),
}


def _outages(told: Facts, tongue: Tongue, zone: ZoneInfo, place: Place) -> tuple[str, list[Part]]:
    counts = told["counts"]
    begun, over, withdrawn = told["new"], told["over"], told.get("withdrawn", ())
    pieces = []
    if counts["new"]:
        silent = sum(line["silent"] for line in begun)
        pieces.append(tongue.say_many("outage, %(num)s school silent", "outage, %(num)s schools silent", silent))
    if counts["over"]:
        pieces.append(tongue.say_many("%(num)s outage over", "%(num)s outages over", counts["over"]))
    pieces += filter(None, [_taken_back(counts, tongue)])
    parts = [_outage_begun(line, tongue, zone, place) for line in begun]
    parts += [_outage_over(line, tongue, zone, place) for line in over]
    parts += [_outage_withdrawn(line, tongue, zone, place) for line in withdrawn]
    left = sum(counts.values()) - len(begun) - len(over) - len(withdrawn)
    if left:
        parts.append(Part(tongue.say_many("and %(num)s more", "and %(num)s more", left), is_small=True))
    if counts["new"]:
        parts.append(
            Part(tongue.say("Nothing more is told until it is over. The flags of these schools rest meanwhile."))
        )
    parts.append(Part(tongue.say("All outages"), href=f"{place.base}/outages"))
    return ", ".join(pieces), parts


def _group(line: Facts, tongue: Tongue) -> str:
    provider, area = line["provider"], line["area"]
    if provider and area:
        return tongue.say("schools of %(provider)s in %(area)s", provider=provider, area=area)
    if provider:
        return tongue.say("schools of %(provider)s", provider=provider)
    return tongue.say("schools in %(area)s", area=area) if area else tongue.say("schools of the country")


def _outage_begun(line: Facts, tongue: Tongue, zone: ZoneInfo, _place: Place) -> Part:
    values = {
        "silent": tongue.number(line["silent"]),
        "schools": tongue.number(line["schools"]),
        "group": _group(line, tongue),
        "moment": tongue.moment(line["opened_ms"], zone),
    }
    if line["label"] == "provider":
        text = tongue.say(
            "%(silent)s of %(schools)s %(group)s went silent at %(moment)s: it is the provider.", **values
        )
    else:
        text = tongue.say("%(silent)s of %(schools)s %(group)s went silent at %(moment)s.", **values)
    return Part(text, is_item=True)


def _outage_over(line: Facts, tongue: Tongue, zone: ZoneInfo, _place: Place) -> Part:
    values = {
        "silent": tongue.number(line["silent"]),
        "schools": tongue.number(line["schools"]),
        "group": _group(line, tongue),
        "moment": tongue.moment(line["closed_ms"], zone),
        "length": tongue.span(line["closed_ms"] - line["opened_ms"]),
    }
    if line["pupil_hours"] is None:
        text = tongue.say("%(silent)s of %(schools)s %(group)s are back since %(moment)s, after %(length)s.", **values)
    else:
        text = tongue.say(
            "%(silent)s of %(schools)s %(group)s are back since %(moment)s, after %(length)s: "
            "%(lost)s pupil-hours lost.",
            **values,
            lost=tongue.number(line["pupil_hours"]),
        )
    return Part(text, is_item=True)


def _taken_back(counts: Facts, tongue: Tongue) -> str:
    many = counts.get("withdrawn", 0)
    return tongue.say_many("%(num)s outage was none", "%(num)s outages were none", many) if many else ""


def _outage_withdrawn(line: Facts, tongue: Tongue, zone: ZoneInfo, _place: Place) -> Part:
    """Return that an outage which was told was none, and why."""
    found = line["withdrawn"]
    values = {
        "group": _group(line, tongue),
        "moment": tongue.moment(line["opened_ms"], zone),
        "off": tongue.number(found["off"]),
        "fine": tongue.number(found["fine"]),
        "portal": tongue.number(found.get("portal", 0)),  # an older version wrote none
    }
    return Part(_WITHDRAWN[found["why"]](tongue, values), is_item=True)


def _mixed(tongue: Tongue, values: Mapping[str, str]) -> str:
    """Return that computers were off or lines were fine, and where somebody else answered that too."""
    if values["portal"] != tongue.number(0):
        return tongue.say(
            "The outage of %(group)s at %(moment)s was none of the lines: their diaries, which came later, say that a "
            "page to sign in at, or a filter, answered (%(portal)s), computers were switched off (%(off)s) or lines "
            "were fine (%(fine)s).",
            **values,
        )
    return tongue.say(
        "The outage of %(group)s at %(moment)s was none: their diaries, which came later, say that computers were "
        "switched off (%(off)s) or lines were fine (%(fine)s).",
        **values,
    )


_WITHDRAWN: Final[Mapping[str, Callable[[Tongue, Mapping[str, str]], str]]] = {
    Why.OFF: lambda tongue, values: tongue.say(
        "The outage of %(group)s at %(moment)s was none: their diaries, which came later, say that the computers "
        "were switched off.",
        **values,
    ),
    Why.FINE: lambda tongue, values: tongue.say(
        "The outage of %(group)s at %(moment)s was none: their diaries, which came later, say that the lines were "
        "fine.",
        **values,
    ),
    Why.PORTAL: lambda tongue, values: tongue.say(
        "The outage of %(group)s at %(moment)s was none of the lines: their diaries, which came later, say that a page "
        "to sign in at, or a filter, answered in place of our server.",
        **values,
    ),
    Why.MIXED: _mixed,
    Why.OURS: lambda tongue, values: tongue.say(
        "The outage of %(group)s at %(moment)s was none of the schools: their diaries, which came later, say that the "
        "lines were fine and only our server could not be reached.",
        **values,
    ),
}
_SAY: Final[Mapping[str, Callable[[Facts, Tongue, ZoneInfo, Place], Part]]] = {
    "outages": _outage_over,
    "withdrawn": _outage_withdrawn,
}


def _illness(told: Facts, tongue: Tongue, zone: ZoneInfo) -> tuple[str, list[Part]]:
    parts = [Part(_ill(line, tongue), is_item=True) for line in told["new"]]
    for line in told["over"]:
        name = NAMES[line["word"]](tongue) if line["word"] in NAMES else line["word"]
        since = tongue.moment(line["began_ms"], zone)
        parts.append(
            Part(tongue.say("Well again: %(what)s (since %(moment)s).", what=name, moment=since), is_item=True)
        )
    left = [NAMES[word](tongue) for word in told["left"] if word in NAMES]
    if left:
        parts.append(Part(tongue.say("Not well yet: %(what)s.", what=", ".join(left))))
    if not told["new"]:
        return tongue.say("Enlace is well again") if not left else tongue.say("Enlace is better"), parts
    parts.append(Part(tongue.say("This is about Enlace itself, not about any school.")))
    return tongue.say("Enlace itself needs help"), parts


NAMES: Final[Mapping[str, Callable[[Tongue], str]]] = {
    Illness.JOBS_SILENT: lambda tongue: tongue.say("the jobs do not run"),
    Illness.INGEST_SILENT: lambda tongue: tongue.say("nothing comes in"),
    Illness.SILENT_WITH_US: lambda tongue: tongue.say("everything went silent at once"),
    Illness.EVALUATION_LATE: lambda tongue: tongue.say("the evaluation is late"),
    Illness.DISK_LOW: lambda tongue: tongue.say("the disk is nearly full"),
    Illness.BACKUP_OLD: lambda tongue: tongue.say("the backup is old"),
    Illness.CLOCK_WRONG: lambda tongue: tongue.say("the server’s clock is wrong"),
    Illness.NOTICES_WAITING: lambda tongue: tongue.say("messages wait"),
    Illness.NOTICES_FAILED: lambda tongue: tongue.say("messages were not delivered"),
    Illness.TESTPOINT_AWAY: lambda tongue: tongue.say("the test point is away"),
}


def _ill(line: Facts, tongue: Tongue) -> str:
    return ill(line["word"], line["numbers"], tongue)


def ill(word: str, numbers: Facts, tongue: Tongue) -> str:
    """Return the sentence of an illness: what is wrong, and what to do."""
    if word == Illness.BACKUP_OLD and numbers.get("hours") is None:
        return tongue.say("There is no backup where one should be: look at what makes it.")
    if word == Illness.NOTICES_WAITING:
        return tongue.say_many(
            "%(num)s message waits, since %(minutes)s minutes: the log of messages says why.",
            "%(num)s messages wait, the oldest for %(minutes)s minutes: the log of messages says why.",
            numbers["waiting"],
            minutes=tongue.number(numbers["minutes"]),
        )
    if word == Illness.NOTICES_FAILED:
        return tongue.say_many(
            "%(num)s message was not delivered: the log of messages says why.",
            "%(num)s messages were not delivered: the log of messages says why.",
            numbers["failed"],
        )
    if word not in _SENTENCES:
        return word
    return _SENTENCES[word](tongue, {name: tongue.number(value) for name, value in numbers.items()})


_SENTENCES: Final[Mapping[str, Callable[[Tongue, Mapping[str, str]], str]]] = {
    Illness.JOBS_SILENT: lambda tongue, numbers: tongue.say(
        "The jobs have not run for %(minutes)s minutes: start `enlace-collector serve`.", **numbers
    ),
    Illness.INGEST_SILENT: lambda tongue, numbers: tongue.say(
        "No PC of %(devices)s has reached the collector for %(minutes)s minutes of school time: "
        "look at the proxy, the certificate and the line of the server.",
        **numbers,
    ),
    Illness.SILENT_WITH_US: lambda tongue, numbers: tongue.say(
        "All groups of schools went silent at once: it is the server or its line, not the schools. "
        "Nobody was told of an outage of schools.",
        **numbers,
    ),
    Illness.EVALUATION_LATE: lambda tongue, numbers: tongue.say(
        "Nothing was judged for %(minutes)s minutes: look into jobs.log.", **numbers
    ),
    Illness.DISK_LOW: lambda tongue, numbers: tongue.say(
        "The disk has %(free_mb)s MB left: make room, or nothing can be stored soon.", **numbers
    ),
    Illness.BACKUP_OLD: lambda tongue, numbers: tongue.say(
        "The newest backup is %(hours)s hours old: look at what makes it.", **numbers
    ),
    Illness.CLOCK_WRONG: lambda tongue, numbers: tongue.say(
        "Most PCs show another time than the server, by %(seconds)s seconds: set the server’s clock.", **numbers
    ),
    Illness.TESTPOINT_AWAY: lambda tongue, numbers: tongue.say(
        "The test point has not answered for %(minutes)s minutes: no PC can test.", **numbers
    ),
}
