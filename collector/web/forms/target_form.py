"""The form of a target: what was typed, what is wrong with it in words, and what it asks for."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from collector.domain.in_force import Reach, Version
from collector.domain.targets import BPS_PER_MBPS, Rule, When
from collector.domain.words import Technology
from collector.profiles.catalogue import Catalogue
from collector.profiles.choices import OWN
from collector.profiles.fields import ProfileError
from collector.profiles.own import Own, compose
from collector.web.language import present
from collector.web.language.i18n import say

PUBLISHED, FIXED, PUPILS, CONTRACT, WIDER = "published", "fixed", "pupils", "contract", "wider"
KINDS: Final = (PUBLISHED, FIXED, PUPILS, CONTRACT, WIDER)
OWN_KINDS: Final = (FIXED, PUPILS, CONTRACT)
COUNTS: Final = ("students_total", "students_peak_shift", "users", "staff")
TECHNOLOGIES: Final = tuple(Technology)
_STAND_INS: Final = {
    "students_total": ("students_peak_shift",),
    "students_peak_shift": ("students_total",),
    "users": ("students_total", "students_peak_shift"),
    "staff": (),
}
_NUMBER: Final = re.compile(r"\d{1,6}(?:[.,]\d{1,6})?")
_LONGEST: Final = 200
_MOST_MBPS: Final = 100_000
_FIELDS: Final = (
    *("reach", "area", "school", "kind", "profile", "speed", "rate", "counted", "at_once", "least", "most", "part"),
    *("upload", "share", "name", "organisation", "document", "from", "note"),
    *(f"tech_{technology}" for technology in TECHNOLOGIES),
)
DEFAULTS: Final = {
    "reach": Reach.DEPLOYMENT.value,
    "kind": PUBLISHED,
    "profile": "un-umc-2030",
    "counted": "students_total",
    "at_once": "100",
    "part": "80",
    "share": "50",
}


@dataclass(frozen=True)
class Known:
    """What the form is held against."""

    areas: Collection[str]
    schools: Collection[str]  # codes: the one that was typed, if it is in the registry
    catalogue: Catalogue
    earliest: date  # the first day that has begun at no school
    is_whole: bool = True  # the whole country is seen: who sees a part decides for no more than it


@dataclass(frozen=True)
class Wanted:
    """A form without a mistake."""

    reach: Reach
    place: str
    valid_from: date
    profile: str | None
    own: Own | None
    note: str | None

    def version(self, version_id: str) -> Version:
        """Return what would be stored."""
        rule = compose(self.own) if self.own else None
        return Version(version_id, self.reach, self.place, self.valid_from, self.profile, rule)


@dataclass
class Form:
    """What was typed, and what is wrong with it."""

    values: dict[str, str]
    mistakes: dict[str, str] = field(default_factory=dict)

    def wrong(self, name: str, sentence: object) -> None:
        """Note the first mistake of a field."""
        self.mistakes.setdefault(name, str(sentence))


def typed(given: Mapping[str, str]) -> Form:
    """Return the form with what was typed, cut where nobody types so much, and the usual values elsewhere."""
    values = {name: DEFAULTS.get(name, "") for name in _FIELDS}
    for name in _FIELDS:
        if name in given:
            values[name] = re.sub(r"[\x00-\x1f\x7f\u2028\u2029\ud800-\udfff]", " ", given[name]).strip()[:_LONGEST]
    if values["kind"] not in KINDS:
        values["kind"] = PUBLISHED
    return Form(values)


def check(form: Form, known: Known) -> Wanted | None:
    """Return what the form asks for; None where something is wrong, which then stands in its mistakes."""
    reach, place = _place(form, known)
    valid_from = _day(form, known)
    kind = form.values["kind"]
    profile: str | None = None
    own: Own | None = None
    if kind == PUBLISHED:
        profile = _published(form, known, valid_from)
    elif kind == WIDER:
        if reach is Reach.DEPLOYMENT:
            form.wrong("reach", say("All schools have nothing wider to follow: choose a district or a school."))
    else:
        profile, own = OWN, _own(form, valid_from)
    if form.mistakes or reach is None or valid_from is None:
        return None
    return Wanted(reach, place, valid_from, profile, own, form.values["note"] or None)


def _place(form: Form, known: Known) -> tuple[Reach | None, str]:
    values = form.values
    if values["reach"] == Reach.DEPLOYMENT:
        if not known.is_whole:
            form.wrong("reach", say("Only who sees the whole country decides for all schools."))
        return Reach.DEPLOYMENT, ""
    if values["reach"] == Reach.AREA:
        if values["area"] not in known.areas:
            form.wrong("area", say("Choose a district of the registry."))
        return Reach.AREA, values["area"]
    if values["reach"] == Reach.SCHOOL:
        if values["school"] not in known.schools:
            code = values["school"]
            form.wrong("school", say("School code %(code)s is not in the registry. Codes keep their zeros.", code=code))
        return Reach.SCHOOL, values["school"]
    form.wrong("reach", say("Choose where the target holds."))
    return None, ""


def _day(form: Form, known: Known) -> date | None:
    iso = present.iso_day(form.values["from"])
    if iso is None:
        form.wrong("from", say("Write the first day as a date, such as %(day)s.", day=known.earliest.isoformat()))
        return None
    day = date.fromisoformat(iso)
    if day < known.earliest:
        earliest = present.day(known.earliest.isoformat())
        form.wrong(
            "from",
            say(
                "A target holds from a day to come: %(day)s or later. Days that have begun keep the target they had.",
                day=earliest,
            ),
        )
    elif day.year > known.earliest.year + 20:
        form.wrong("from", say("That is more than twenty years away."))
    return day


def _published(form: Form, known: Known, valid_from: date | None) -> str | None:
    profile = form.values["profile"]
    if profile not in known.catalogue.ids:
        form.wrong("profile", say("Choose one of the published targets."))
    elif valid_from is not None and known.catalogue.on(profile, valid_from) is None:
        form.wrong("profile", say("This target is not in force on that day."))
    return profile


def _own(form: Form, valid_from: date | None) -> Own | None:
    values = form.values
    if not values["name"]:
        form.wrong("name", say("Give the target a name, as people shall read it."))
    if not values["organisation"]:
        form.wrong("organisation", say("Say who asks for it: a ministry, a programme, a contract."))
    share = _number(form, "share", 99, least=1, empty=None)
    upload = _speed(form, "upload")
    main = _main_rule(form, upload)
    rules = [*_by_technology(form, upload), *([main] if main else [])]
    if form.mistakes or share is None or valid_from is None or not rules:
        return None
    version = f"{valid_from.isoformat()}"
    document = values["document"] or values["name"]
    own = Own(version, valid_from, values["name"], values["organisation"], document, share / 100, tuple(rules))
    try:
        compose(own)
    except ProfileError as error:
        form.wrong("name", error)
        return None
    return own


def _main_rule(form: Form, upload: int | None) -> Rule | None:
    values = form.values
    if values["kind"] == FIXED:
        speed = _speed(form, "speed", needed=True)
        return Rule(fixed_bps=speed, upload_bps=upload) if speed else None
    if values["kind"] == CONTRACT:
        part = _number(form, "part", 100, least=1, empty=None)
        return _per("contract_download_mbps", part / 100, upload=upload) if part else None
    rate = _speed(form, "rate", needed=True)
    at_once = _number(form, "at_once", 100, least=1, empty=100)
    least, most = _speed(form, "least"), _speed(form, "most")
    if values["counted"] not in COUNTS:
        form.wrong("counted", say("Choose what is counted."))
    elif least and most and most < least:
        form.wrong("most", say("The most lies under the least."))
    elif rate and at_once:
        online = None if at_once == 100 else at_once / 100
        return Rule(
            per=values["counted"],
            fallback=_STAND_INS[values["counted"]],
            rate_bps=rate,
            at_once=online,
            min_bps=least,
            max_bps=most,
            upload_bps=upload,
        )
    return None


def _per(fact: str, rate: float, *, upload: int | None) -> Rule:
    return Rule(per=fact, rate_bps=round(rate * BPS_PER_MBPS), upload_bps=upload)


def _by_technology(form: Form, upload: int | None) -> list[Rule]:
    speeds = {technology: _speed(form, f"tech_{technology}") for technology in TECHNOLOGIES}
    return [
        Rule(When(technology=frozenset({technology})), fixed_bps=speed, upload_bps=upload)
        for technology, speed in speeds.items()
        if speed
    ]


def _speed(form: Form, name: str, *, needed: bool = False) -> int | None:
    """Return a speed in bit/s, None where nothing was typed or it is wrong."""
    text = form.values[name]
    if not text and not needed:
        return None
    mbps = float(text.replace(",", ".")) if _NUMBER.fullmatch(text) else 0.0
    bps = round(mbps * BPS_PER_MBPS)
    if 0 < bps <= _MOST_MBPS * BPS_PER_MBPS:
        return bps
    most = present.number(_MOST_MBPS)
    form.wrong(name, say("Write a speed in Mbit/s above 0, such as 20 or 24.5, %(most)s at most.", most=most))
    return None


def _number(form: Form, name: str, most: float, *, least: float, empty: float | None) -> float | None:
    """Return a number in percent, None where it is wrong."""
    text = form.values[name]
    if not text and empty is not None:
        return empty
    found = float(text.replace(",", ".")) if _NUMBER.fullmatch(text) else -1.0
    if least <= found <= most:
        return found
    form.wrong(name, say("Write a number from %(least)s to %(most)s.", least=f"{least:g}", most=f"{most:g}"))
    return None
