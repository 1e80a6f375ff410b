"""The form of what a line has to hold for each use: what was typed, what is wrong with it, what it asks for."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from collector.profiles.use_limits import DOWNLOAD, LATENCY, LIMITS, LOSS, PUPILS, UPLOAD, USES, Held
from collector.web.language import present
from collector.web.language.i18n import say

_LONGEST: Final = 200
_NUMBER: Final = re.compile(r"\d{1,6}(?:[.,]\d{1,4})?")
_WHOLE: Final = re.compile(r"\d{1,5}")
# The least and the most that somebody can mean.
_BOUNDS: Final[Mapping[str, tuple[float, float]]] = {
    PUPILS: (1, 5000),
    DOWNLOAD: (0.001, 1000),
    UPLOAD: (0.001, 1000),
    LATENCY: (1, 60_000),
    LOSS: (0.01, 100),
    "share": (1, 99),
}


@dataclass
class Form:
    """What was typed, and what is wrong with it."""

    values: dict[str, str]
    mistakes: dict[str, str] = field(default_factory=dict)

    def wrong(self, name: str, sentence: object) -> None:
        """Note the first mistake of a field."""
        self.mistakes.setdefault(name, str(sentence))


def name_of(use: str, limit: str) -> str:
    """Return what the form calls one limit of a use."""
    return f"{use}-{limit}"


def filled(held: Held, seen: str) -> Form:
    """Return the form with the limits that hold.

    Args:
        held: They.
        seen: The decision that made them, so that nobody overwrites one that they have not seen.
    """
    values = {name_of(use, limit): _shown(held.numbers[use][limit]) for use in USES for limit in LIMITS}
    return Form({**values, "share": _shown(held.share * 100), "note": "", "seen": seen})


def _shown(value: float | None) -> str:
    """Return a number as people of the page's language type it."""
    if value is None:
        return ""
    text = f"{value:.4f}".rstrip("0").rstrip(".")
    return text.replace(".", present.conventions().decimal)


def typed(given: Mapping[str, str]) -> Form:
    """Return the form with what was typed."""
    names = [name_of(use, limit) for use in USES for limit in LIMITS]
    clean = re.compile(r"[\x00-\x1f\x7f\u2028\u2029\ud800-\udfff]")
    return Form({name: clean.sub(" ", given.get(name, "")).strip() for name in (*names, "share", "note", "seen")})


def check(form: Form) -> Held | None:
    """Return the limits that the form asks for; None where something is wrong, which then stands in its mistakes."""
    numbers = {use: {limit: _limit(form, use, limit) for limit in LIMITS} for use in USES}
    share = _number(form, "share", "share")
    for use in USES:
        if not any(form.values[name_of(use, limit)] for limit in LIMITS if limit != PUPILS):
            form.wrong(name_of(use, DOWNLOAD), say("Leave at least one limit: without any nothing can be said."))
    if not form.values["note"]:
        form.wrong("note", say("Write why, or who says so: the page shows it beside the limits."))
    elif len(form.values["note"]) > _LONGEST:
        form.wrong("note", say("This is too long: at most %(num)s letters.", num=present.number(_LONGEST)))
    return None if form.mistakes or share is None else Held(share / 100, numbers)


def _limit(form: Form, use: str, limit: str) -> float | None:
    name = name_of(use, limit)
    if limit != PUPILS and not form.values[name]:
        return None  # not asked
    return _number(form, name, limit)


def _number(form: Form, name: str, kind: str) -> float | None:
    text, (least, most) = form.values[name], _BOUNDS[kind]
    pattern = _WHOLE if kind == PUPILS else _NUMBER
    found = float(text.replace(",", ".")) if pattern.fullmatch(text) else -1.0
    if least <= found <= most:
        return found
    values = {"least": _shown(least), "most": _shown(most)}
    if kind == PUPILS:
        form.wrong(name, say("Write a whole number from %(least)s to %(most)s.", **values))
    else:
        form.wrong(name, say("Write a number from %(least)s to %(most)s.", **values))
    return None
