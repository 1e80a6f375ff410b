"""The forms of hazards: what was typed, and what is wrong with it in words."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from flask import request
from markupsafe import Markup

from agent.wire import forms
from collector.domain.hazards import geojson
from collector.domain.hazards.geojson import ShapeError
from collector.domain.hazards.shapes import Shape
from collector.domain.hazards.standing import Answer, CallDeed, Way
from collector.domain.scope import lies_in
from collector.evaluate.hazards import REACH
from collector.store.queries.hazards import Hazard
from collector.web.language import present
from collector.web.language.i18n import say
from collector.web.words.hazard_words import KINDS
from collector.web.words.registry_words import tell

MOST_NOTE: Final = 1000
_LONGEST_NAME, _MOST_AREAS = 100, 500
_DIRT: Final = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_DAY_MS: Final = 86_400_000


@dataclass
class Form:
    """What was typed of a hazard, and what is wrong with it."""

    hazard_id: str
    name: str = ""
    kind: str = "hurricane"
    begins: str = ""
    areas: list[str] = field(default_factory=list)
    text: str = ""  # GeoJSON
    shape: Shape | None = None
    begins_ms: int = 0
    mistakes: dict[str, Markup] = field(default_factory=dict)


def clean(name: str) -> str:
    """Return a field as it was typed, without signs that no text has."""
    return _DIRT.sub("", request.form.get(name, "")).strip()


def read(now_ms: int, zone: ZoneInfo, new_id: str) -> Form:
    """Return the form with what is wrong in it.

    Args:
        now_ms: The moment of the request.
        zone: In which the time of the beginning is.
        new_id: What it is made under, if the form does not say so itself: sending it twice makes one hazard.
    """
    given_id = request.form.get("hazard_id", "")
    found = Form(
        hazard_id=given_id if forms.is_uuid(given_id) else new_id,
        name=" ".join(clean("name").split()),
        kind=request.form.get("kind", "")[:20],
        begins=clean("begins")[:40],
        areas=[_DIRT.sub("", area)[:256] for area in request.form.getlist("area")[:_MOST_AREAS]],
        text=clean("shape"),
    )
    if not found.name:
        found.mistakes["name"] = say("Give it a name.")
    elif len(found.name) > _LONGEST_NAME:
        found.mistakes["name"] = say("The name has more than %(most)s letters.", most=_LONGEST_NAME)
    if found.kind not in KINDS:
        found.mistakes["kind"] = say("Choose what it is.")
    if request.form.get("deed") not in ("look", "declare"):
        found.mistakes["deed"] = say("This page does not know what to do. Use one of its buttons.")
    begins = moment(found.begins, zone)
    mistake = wrong_beginning(begins, now_ms)
    if mistake:
        found.mistakes["begins"] = mistake
    found.begins_ms = begins or 0
    _read_shape(found)
    return found


def check_areas(found: Form, seen: Iterable[str]) -> None:
    """Note which area of a form is none in which a school lies.

    Args:
        found: The form; gets the mistake.
        seen: The areas of the schools that the reader sees.
    """
    known = tuple(seen)
    for area in found.areas:
        if not any(lies_in(one, area) for one in known):
            found.mistakes["area"] = say("You see no school in a district called %(area)s.", area=area[:100])


def _read_shape(found: Form) -> None:
    """Read the file, else the text; neither is needed where areas are ticked."""
    sent = request.files.get("file")
    raw = sent.read(geojson.MAX_BYTES + 1) if sent is not None and sent.filename else b""
    if not raw and sent is not None and sent.filename:
        found.mistakes["shape"] = say("The file is empty.")
        return
    if not raw and not found.text:
        if not found.areas:
            found.mistakes["shape"] = say("Draw a shape, bring a file, or tick a district.")
        return
    try:
        found.shape = geojson.read(raw or found.text.encode())
    except ShapeError as refused:
        found.mistakes["shape"] = tell(refused.said)
    else:
        found.text = geojson.write(found.shape)


def moment(text: str, zone: ZoneInfo) -> int | None:
    """Return a moment as a form has it, `2026-11-24T10:20`, in UTC milliseconds; None where it is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    if found.tzinfo is not None or not 1971 <= found.year <= 2199:
        return None
    return round(found.replace(tzinfo=zone).timestamp() * 1000)


def written(moment_ms: int | None, zone: ZoneInfo) -> str:
    """Return a moment as a form has it."""
    return present.local(moment_ms, zone).strftime("%Y-%m-%dT%H:%M") if moment_ms is not None else ""


def wrong_beginning(begins_ms: int | None, now_ms: int) -> Markup | None:
    """Return what is wrong with a beginning; one to come would keep schools unjudged for nothing."""
    if begins_ms is None:
        return say("Write day and time, such as 2026-11-24 10:20.")
    if begins_ms > now_ms + 60_000:
        return say("It cannot begin later than now. Declare it when it comes.")
    if begins_ms < now_ms - REACH.days * _DAY_MS:
        return say("It cannot have begun more than a year ago.")
    return None


def wrong_end(ends_ms: int | None, begins_ms: int, now_ms: int) -> Markup | None:
    """Return what is wrong with an end."""
    if ends_ms is None:
        return say("Write day and time, such as 2026-11-24 10:20.")
    if ends_ms > now_ms + 60_000:
        return say("It cannot end later than now. End it when it is over.")
    if ends_ms < begins_ms:
        return say("It cannot end before it began.")
    return None


@dataclass(frozen=True)
class Recorded:
    """What was typed in a call list."""

    school: str
    deed: str
    seen: int  # the version of the school's record that the form was made from
    way: str | None
    answer: str | None
    note: str | None
    undoes: str | None


def read_call() -> Recorded | Markup:
    """Return what is to be recorded, or what is wrong with it."""
    deed, seen = request.form.get("deed", ""), request.form.get("seen", "")
    if deed not in list(CallDeed) or not (seen.isascii() and seen.isdigit() and len(seen) < 7):
        return say("Nothing was saved: this page does not know what to do. Use one of its buttons.")
    way, answer, note = request.form.get("way", ""), request.form.get("answer", ""), clean("note")
    if deed == CallDeed.RESULT and (answer not in list(Answer) or way not in list(Way)):
        return say("Nothing was saved: choose what you found, and how.")
    if deed == CallDeed.NOTE and not note:
        return say("Nothing was saved: the note is empty.")
    if len(note) > MOST_NOTE:
        return say("Nothing was saved: the note has more than %(most)s letters.", most=MOST_NOTE)
    has_answer = deed == CallDeed.RESULT
    return Recorded(
        school=clean("school")[:64],
        deed=deed,
        seen=int(seen),
        way=way if has_answer else None,
        answer=answer if has_answer else None,
        note=note or None if deed in (CallDeed.RESULT, CallDeed.NOTE) else None,
        undoes=clean("undoes")[:64] if deed == CallDeed.UNDO else None,
    )


@dataclass(frozen=True)
class Dates:
    """When a hazard is said to have begun and ended."""

    begins_ms: int
    ends_ms: int | None


def read_dates(hazard: Hazard, now_ms: int, zone: ZoneInfo) -> Dates | Markup:
    """Return the dates of a form, or what is wrong with them; minutes that were not touched keep their seconds."""
    deed = request.form.get("deed", "")
    if deed == "end":
        return Dates(hazard.begins_ms, max(now_ms, hazard.begins_ms))
    if deed != "dates":
        return say("Nothing was saved: this page does not know what to do. Use one of its buttons.")
    begins_ms = _changed(clean("begins"), hazard.begins_ms, zone)
    mistake = wrong_beginning(begins_ms, now_ms)
    if mistake or begins_ms is None:
        return mistake or say("Give it a name.")
    if not clean("ends"):
        return Dates(begins_ms, None)
    ends_ms = _changed(clean("ends"), hazard.ends_ms, zone)
    return wrong_end(ends_ms, begins_ms, now_ms) or Dates(begins_ms, ends_ms)


def _changed(text: str, before_ms: int | None, zone: ZoneInfo) -> int | None:
    return before_ms if text == written(before_ms, zone) else moment(text, zone)
