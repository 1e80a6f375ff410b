"""What is done about chosen PCs at once: a message to their schools, ready to be copied; or they are retired."""

from itertools import groupby
from typing import Final

from flask import abort, redirect, request, url_for
from werkzeug.wrappers import Response

from collector.domain.roles import Role
from collector.store.queries import devices, given
from collector.store.queries.pages import devices as pages_devices
from collector.store.queries.pages.devices import DeviceRow
from collector.web.desk import Desk, desk
from collector.web.forms import deed_forms
from collector.web.http.frame import page
from collector.web.language import present
from collector.web.language.i18n import say, say_many
from collector.web.pages import devices as page_of_devices
from collector.web.pages.devices import MAY_ACT
from collector.web.people import access, audited
from collector.web.people.access import for_role
from collector.web.words import silence_words

BLUEPRINT = page_of_devices.BLUEPRINT  # one set of pages

AT_ONCE: Final = 500


def _chosen() -> list[str]:
    names = [name.replace("\0", "")[:100] for name in request.form.getlist("device")]
    return list(dict.fromkeys(names))[:AT_ONCE]


@BLUEPRINT.post("/devices/chosen")
@for_role(MAY_ACT)
def chosen() -> str | Response:
    """Show the chosen PCs with the message to their schools, and ask before they are retired."""
    parts = desk()
    with parts.store.reader() as snapshot:
        rows = pages_devices.devices_by_id(snapshot, _chosen())
        if not rows:
            return redirect(url_for("fleet.show", done="nothing"), code=303)
        return page(
            "devices/chosen.html",
            snapshot,
            rows=rows,
            messages=_messages(rows, parts),
            silent=[row for row in rows if row.reason is not None],
            people=deed_forms.people(snapshot),
            own_name=person.name if (person := access.person()) else "",
            may_retire=access.may(access.person(), Role.ADMIN),
        )


@BLUEPRINT.post("/devices/give")
@for_role(MAY_ACT)
def give() -> Response:
    """Give the chosen PCs that are silent to a person, or take them back."""
    parts = desk()
    to = request.form.get("to", "").replace("\0", "")[:200]
    with parts.store.unit() as unit:
        if to and to not in deed_forms.people(unit):
            abort(404)  # never somebody whom the page did not offer
        chosen = pages_devices.devices_by_id(unit, _chosen())
        silent = [row for row in chosen if row.reason is not None]
        for row in silent:
            given.give(unit, row.device, row.last_contact_ms, to)
            audited.note(unit, "device.give" if to else "device.take_back", row.device, to or None)
        if silent:
            unit.commit()
    done = ("given" if to else "taken") if silent else "heard" if chosen else "nothing"
    return redirect(url_for("fleet.show", done=done), code=303)


def _messages(rows: list[DeviceRow], parts: Desk) -> list[tuple[str, str]]:
    """Return for each school its name, and what can be sent to it as plain text."""
    found = []
    for code, of_school in groupby(rows, lambda row: row.code):
        pcs = list(of_school)
        lines = [str(say_many("This PC of your school is silent:", "These PCs of your school are silent:", len(pcs)))]
        lines += [line for pc in pcs for line in ("", *_lines_of(pc, parts))]
        found.append((pcs[0].name or code, "\n".join(lines)))
    return found


def _lines_of(row: DeviceRow, parts: Desk) -> list[str]:
    zone = parts.zone_of(row.timezone)
    if row.last_contact_ms is None:
        heard = str(say("never heard"))
    else:
        day = present.day(present.local(row.last_contact_ms, zone).date().isoformat())
        heard = str(say("last heard on %(day)s", day=day))
    why = silence_words.sentence(row).striptags()
    return [f"{row.device}, {heard}", *(line for line in (why, silence_words.step(row.reason)) if line)]


@BLUEPRINT.post("/devices/retire")
@for_role(Role.ADMIN)
def retire() -> Response:
    """Take nothing more from the chosen PCs; what they sent stays."""
    parts = desk()
    with parts.store.unit() as unit:
        rows = pages_devices.devices_by_id(unit, _chosen())
        for row in rows:
            devices.revoke(unit, row.device, parts.now_ms)
            audited.note(unit, "device.revoke", row.device, None)
        if rows:
            unit.commit()
    return redirect(url_for("fleet.show", done="retired" if rows else "nothing", retired=len(rows) or None), code=303)
