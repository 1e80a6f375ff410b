"""The form of what devices keep to: what was typed, what is wrong with it, what it asks for."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from agent.wire import addresses, limits
from agent.wire.answers import ProbeSite
from collector.config import CollectorConfig
from collector.intake import rules
from collector.intake.lease import LEFT_MIN_BYTES
from collector.intake.rules import NAMES, OF_SCHOOL, PAUSED, SITES, Wishes
from collector.web.language import present
from collector.web.language.i18n import language, say

BYTES_PER_MB: Final = 1_000_000
YES, NO = "yes", "no"
_NOTE_CHARS: Final = 200
_SITES_CHARS: Final = 8_000
_MB: Final = re.compile(r"\d{1,7}(?:[.,]\d{1,6})?")
_WHOLE: Final = re.compile(r"\d{1,4}")
_MOST_BYTES: Final = 10**12
# The least and the most of each, in its own unit.
_BYTES: Final[Mapping[str, int]] = {
    "test_bytes": 250_000,  # less is no test
    "day_bytes": LEFT_MIN_BYTES,
    "month_bytes": LEFT_MIN_BYTES,
}
_COUNTS: Final[Mapping[str, tuple[int, int]]] = {"tests_per_window": (1, 20), "lease_s": (30, 600)}
_FIELDS: Final = (*NAMES, "note", "seen")


@dataclass
class Form:
    """What was typed, and what is wrong with it."""

    values: dict[str, str]
    mistakes: dict[str, str] = field(default_factory=dict)

    def wrong(self, name: str, sentence: object) -> None:
        """Note the first mistake of a field."""
        self.mistakes.setdefault(name, str(sentence))


def filled(said: Wishes, seen: str) -> Form:
    """Return the form with what a place says of itself.

    Args:
        said: What it says; what it does not say is an empty field.
        seen: The number of its newest decision, so that nobody overwrites one that they have not seen.
    """
    values = {name: _typed_as(name, getattr(said, name)) for name in NAMES}
    return Form({**values, "note": "", "seen": seen})


def _typed_as(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name == PAUSED:
        return YES if value else NO
    if name == SITES:
        return "\n".join(f"{site.name} {site.url}" for site in value)
    if name not in _BYTES:
        return str(value)
    text = f"{value / BYTES_PER_MB:.6f}".rstrip("0").rstrip(".")
    return text if language() == "en" else text.replace(".", ",")


def typed(given: Mapping[str, str]) -> Form:
    """Return the form with what was typed, cut where nobody types so much."""
    clean = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u2028\u2029\ud800-\udfff]")
    values = {name: clean.sub(" ", given.get(name, "").replace("\r\n", "\n")).strip() for name in _FIELDS}
    return Form({name: value[: _SITES_CHARS if name == SITES else 2 * _NOTE_CHARS] for name, value in values.items()})


def check(form: Form, config: CollectorConfig, everywhere: Wishes, *, is_school: bool) -> Wishes | None:
    """Return what the form says of its place; None where something is wrong, which then stands in its mistakes.

    Args:
        form: What was typed.
        config: Of the deployment.
        everywhere: What is said of all schools.
        is_school: The form is of one school.
    """
    names = OF_SCHOOL if is_school else NAMES
    said = Wishes(**{name: _value(form, name) for name in names})
    if not form.values["note"]:
        form.wrong("note", say("Write why, or who says so: the page shows it beside the change."))
    elif len(form.values["note"]) > _NOTE_CHARS:
        form.wrong("note", say("This is too long: at most %(num)s letters.", num=present.number(_NOTE_CHARS)))
    if not form.mistakes:
        _check_together(form, config, everywhere if is_school else said, said if is_school else Wishes())
    return None if form.mistakes else said


def _check_together(form: Form, config: CollectorConfig, everywhere: Wishes, school: Wishes) -> None:
    """Refuse a month that holds less than one day, whoever said either of them."""
    held = rules.combine(config, everywhere, school)
    if held.month_bytes < held.day_bytes:
        name = "month_bytes" if form.values["month_bytes"] else "day_bytes"
        values = {"month": _megabytes(held.month_bytes), "day": _megabytes(held.day_bytes)}
        form.wrong(name, say("A month of %(month)s MB holds less than one day of %(day)s MB: change one.", **values))


def _value(form: Form, name: str) -> Any:
    if name == PAUSED:
        return {YES: True, NO: False}.get(form.values[name])
    if not form.values[name]:
        return None
    if name == SITES:
        return _sites(form)
    return _bytes(form, name) if name in _BYTES else _count(form, name)


def _count(form: Form, name: str) -> int | None:
    text, (least, most) = form.values[name], _COUNTS[name]
    if _WHOLE.fullmatch(text) and text.isascii() and least <= int(text) <= most:
        return int(text)
    form.wrong(name, say("Write a whole number from %(least)s to %(most)s.", least=least, most=most))
    return None


def _bytes(form: Form, name: str) -> int | None:
    text, least = form.values[name], _BYTES[name]
    is_number = _MB.fullmatch(text) and text.isascii()
    size_bytes = round(float(text.replace(",", ".")) * BYTES_PER_MB) if is_number else -1
    if least <= size_bytes <= _MOST_BYTES:
        return size_bytes
    values = {"least": _megabytes(least), "most": _megabytes(_MOST_BYTES)}
    form.wrong(
        name,
        say("Write megabytes from %(least)s to %(most)s. To let nobody test, pause the tests instead.", **values),
    )
    return None


def _megabytes(size_bytes: int) -> str:
    return present.plain(size_bytes / BYTES_PER_MB)


def _sites(form: Form) -> list[ProbeSite]:
    """Return the learning sites: one a line, its name and then its address."""
    found: list[ProbeSite] = []
    lines = [line.strip() for line in form.values[SITES].split("\n")]
    for number, line in enumerate(filter(None, lines), 1):
        name, _, url = line.rpartition(" ")
        site = ProbeSite(name=" ".join(name.split()), url=url)
        if sentence := _site_fault(site, number, {one.name for one in found}):
            form.wrong(SITES, sentence)
        found.append(site)
    if len(found) > limits.PROBES:
        values = {"num": len(found), "most": limits.PROBES}
        form.wrong(SITES, say("These are %(num)s sites: at most %(most)s are looked at.", **values))
    return found


def _site_fault(site: ProbeSite, number: int, names: Collection[str]) -> object:
    """Return what is wrong with a line; empty if nothing is."""
    if not site.name or not site.name.isprintable() or len(site.name) > limits.ID_CHARS:
        values = {"number": number, "most": limits.ID_CHARS}
        return say(
            "Line %(number)s: write a name first, of at most %(most)s letters, then a blank and the address.", **values
        )
    if addresses.fault(site.url) or len(site.url) > limits.TEXT_CHARS or not addresses.is_elsewhere(site.url):
        return say(
            "Line %(number)s: “%(url)s” is no address of a site. Write one such as https://library.example.",
            number=number,
            url=site.url[:80],
        )
    if site.name in names:
        return say("Line %(number)s: “%(name)s” stands there twice.", number=number, name=site.name)
    return ""
