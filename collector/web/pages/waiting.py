"""What waits for approval at one school: everything that is seen of each PC, and one press for a whole lab.

A form carries each PC with the key that was shown. What came later, or is not as it was shown, stays as it is.
"""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from flask import Blueprint, abort, redirect, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from collector.domain.roles import Role
from collector.intake import approval
from collector.intake.approval import Seen
from collector.store.queries import schools
from collector.store.queries.pages import waiting
from collector.store.queries.pages.waiting import Waiting
from collector.store.queries.schools import School
from collector.store.unit import Snapshot
from collector.web import asked
from collector.web.desk import desk
from collector.web.http.frame import page
from collector.web.language import present
from collector.web.language.i18n import say
from collector.web.people import audited
from collector.web.people.access import for_role
from collector.web.words import waiting_words

BLUEPRINT = Blueprint("waiting", __name__, url_prefix="/devices/waiting")

AT_ONCE: Final = 500
APPROVE, REFUSE = "approve", "refuse"
Answer = Response | tuple[str, int]


@dataclass(frozen=True)
class Line:
    """One PC, or one of its keys, in words."""

    value: str  # what the form carries of it
    is_chosen: bool
    one: Waiting
    print: str  # of its key
    first_seen: Markup
    heard: Markup
    name: Markup
    why: Markup
    token: Markup


@BLUEPRINT.get("/<path:code>")
@for_role(Role.ADMIN)
def show(code: str) -> str:
    """Show what waits at a school."""
    with desk().store.reader() as snapshot:
        return _page(snapshot, _find(snapshot, code))


def _find(snapshot: Snapshot, code: str) -> School:
    found = schools.find(snapshot, code)
    if found is None:
        abort(404)
    return found


def _page(snapshot: Snapshot, school: School, chosen: set[str] | None = None, **more: object) -> str:
    found = waiting.of_school(snapshot, school.code, AT_ONCE)
    lines = [_line(one, school, chosen) for one in found]
    values = {
        "school": school,
        "lines": lines,
        "devices": len({one.device.device for one in found}),
        "at_once": AT_ONCE,
        "approved": asked.number("approved"),
        "refused": asked.number("refused"),
        "left": asked.number("left"),
        "mistake": "",
        "asks": False,
    }
    return page("waiting/show.html", snapshot, **{**values, **more})


def _line(one: Waiting, school: School, chosen: set[str] | None) -> Line:
    parts = desk()
    zone = parts.zone_of(school.timezone)
    value = f"{one.device.device}:{one.key.key_id if one.key else ''}"
    heard_ms = one.device.last_contact_ms
    return Line(
        value=value,
        # Of several keys of one PC nobody but a person knows which is the right one.
        is_chosen=one.keys < 2 if chosen is None else value in chosen,
        one=one,
        print=waiting_words.fingerprint(one),
        first_seen=present.moment(one.key.added_ms if one.key else one.device.enrolled_ms, zone, parts.now_ms),
        heard=say("never") if heard_ms is None else present.ago(heard_ms, parts.now_ms, zone),
        name=waiting_words.name_class(one),
        why=waiting_words.why(one, zone, parts.now_ms),
        token=waiting_words.token(one, zone, parts.now_ms),
    )


@BLUEPRINT.post("/<path:code>")
@for_role(Role.ADMIN)
def decide(code: str) -> Answer:
    """Approve what was chosen, or ask before it is refused and then refuse it."""
    deed, values = request.form.get("deed", ""), request.form.getlist("seen")[: AT_ONCE + 1]
    chosen = list(dict.fromkeys(values))
    with desk().store.reader() as snapshot:
        school = _find(snapshot, code)
        mistake = _mistake(deed, chosen)
        if mistake:
            return _page(snapshot, school, set(chosen), mistake=mistake), 422
        if deed == REFUSE and request.form.get("sure") != "yes":
            return _page(snapshot, school, set(chosen), asks=True), 200
    done = _do(deed, school.code, [_read(value) for value in chosen])
    counts = [("approved" if deed == APPROVE else "refused", done), ("left", len(chosen) - done)]
    query = urlencode([(name, count) for name, count in counts if count])
    return redirect(f"{url_for('waiting.show', code=school.code)}?{query}", code=303)


def _mistake(deed: str, chosen: list[str]) -> Markup | None:
    if deed not in (APPROVE, REFUSE):
        return say("Nothing was changed: this page does not know what to do. Use one of its buttons.")
    if not chosen:
        return say("Nothing is chosen. Tick at least one PC.")
    if len(chosen) > AT_ONCE:
        return say("At most %(most)s PCs can be decided at once. Nothing was changed.", most=present.number(AT_ONCE))
    devices = [value.partition(":")[0] for value in chosen]
    if deed == APPROVE and len(set(devices)) < len(devices):
        return say("Two keys of one PC are chosen, and only one can be the right one. Nothing was changed.")
    return None


def _read(value: str) -> Seen:
    device, _, key_id = value.partition(":")
    return Seen(device, key_id or None)


def _do(deed: str, code: str, chosen: list[Seen]) -> int:
    """Do it to each that still waits at this school as it was seen, and return how many those were."""
    parts, done = desk(), 0
    act = approval.approve if deed == APPROVE else approval.refuse
    with parts.store.unit() as unit:
        here = {one.device.device for one in waiting.of_school(unit, code, AT_ONCE)}
        for seen in chosen:
            if seen.device in here and act(unit, seen, parts.now_ms):
                audited.note(unit, f"device.{deed}", seen.device, f"key={seen.key_id}" if seen.key_id else None)
                done += 1
        unit.commit()
    return done
