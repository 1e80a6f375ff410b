"""The computers that measure: who is silent, who waits for approval, whose clock is wrong."""

from dataclasses import dataclass
from typing import Final

from flask import Blueprint, abort, redirect, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from collector.registry.names import fold
from collector.store.queries import devices, pages_devices
from collector.store.queries.devices import DeviceKey
from collector.store.queries.pages_devices import DeviceFilter, DeviceRow, Limits
from collector.web import access, audited, present
from collector.web.access import Role, for_role
from collector.web.desk import Desk, desk
from collector.web.frame import page
from collector.web.i18n import say

BLUEPRINT = Blueprint("fleet", __name__)

ROWS, ALL_ROWS = 50, 2000
_LONGEST = 100
_STANDINGS: Final = ("heard", "silent", "pending", "clock", "revoked")
_SILENT_MS = 24 * 3_600_000
_CLOCK_OFF_MS = 5 * 60_000  # as much as a test's time may be off and still count


@dataclass(frozen=True)
class DeviceLine:
    """One device in words."""

    row: DeviceRow
    heard: Markup
    silent: str  # for how long; empty where it is heard
    clock: Markup  # what is wrong with its clock; empty where nothing is
    standing: str
    waiting: list[tuple[str, Markup]]  # keys that wait: id, and since when


@BLUEPRINT.get("/devices")
def show() -> str:
    """Show the devices of a filter."""
    parts = desk()
    limit = limits(parts)
    raw = request.args.get("q", "").strip()[:_LONGEST]
    standing = request.args.get("standing", "")
    wanted = DeviceFilter(standing if standing in _STANDINGS else "", fold(raw), raw)
    is_all = request.args.get("show") == "all"
    with parts.store.reader() as snapshot:
        rows = pages_devices.device_rows(snapshot, wanted, limit, ALL_ROWS if is_all else ROWS)
        waiting = devices.waiting_keys_by_device(snapshot, [row.device for row in rows if row.is_pending])
        return page(
            "devices/show.html",
            snapshot,
            lines=[_line(row, parts, limit, waiting.get(row.device, [])) for row in rows],
            found=pages_devices.count_devices(snapshot, wanted, limit),
            fleet=pages_devices.fleet(snapshot, limit),
            versions=pages_devices.versions(snapshot),
            wanted=wanted,
            is_all=is_all,
            done=request.args.get("done", "")[:_LONGEST],
            may_act=access.may(access.person(), Role.ADMIN),
        )


def limits(parts: Desk) -> Limits:
    """Return what counts as silent and as a wrong clock now."""
    return Limits(parts.now_ms - _SILENT_MS, _CLOCK_OFF_MS)


def _line(row: DeviceRow, parts: Desk, limit: Limits, keys: list[DeviceKey]) -> DeviceLine:
    zone = parts.zone_of(row.timezone)
    since_ms = row.enrolled_ms if row.last_contact_ms is None else row.last_contact_ms
    is_silent = since_ms < limit.silent_before_ms
    heard = say("never") if row.last_contact_ms is None else present.ago(row.last_contact_ms, parts.now_ms, zone)
    silent = ""
    if is_silent and row.last_contact_ms is not None:
        silent = present.span(parts.now_ms - row.last_contact_ms)
    waiting = [(key.key_id, present.full_moment(key.added_ms, zone)) for key in keys]
    return DeviceLine(row, heard, silent, clock_words(row.clock_offset_ms), _standing(row, is_silent), waiting)


def clock_words(offset_ms: int | None) -> Markup:
    """Return what is wrong with a clock and by how much; empty where it is right or unknown.

    Args:
        offset_ms: The device's wall clock minus ours at its last contact.
    """
    if offset_ms is None or abs(offset_ms) <= _CLOCK_OFF_MS:
        return Markup("")
    length = present.span(offset_ms)
    if offset_ms > 0:
        return say("Its clock is %(length)s ahead.", length=length)
    return say("Its clock is %(length)s behind.", length=length)


def _standing(row: DeviceRow, is_silent: bool) -> str:
    if row.state == "revoked":
        return "revoked"
    if row.is_pending:
        return "pending"
    if is_silent:
        return "silent"
    return "new" if row.last_contact_ms is None else "heard"


@BLUEPRINT.post("/devices/<device>/approve")
@for_role(Role.ADMIN)
def approve(device: str) -> Response:
    """Let a device that waits count from the day of its enrolment on."""
    parts = desk()
    with parts.store.unit() as unit:
        found = devices.find_device(unit, device)
        if found is None:
            abort(404)
        waiting = devices.list_waiting_keys(unit, found)
        key = next((one for one in waiting if one.key_id == request.form.get("key")), None)
        if found.state == "revoked" or (key is None and (waiting or found.state != "pending")):
            abort(404)  # never another key than the one that was read on the page
        devices.approve(unit, found, parts.now_ms, key)
        audited.note(unit, "device_approved", device, key.key_id if key else None)
        unit.commit()
    return redirect(url_for("fleet.show", done=device), code=303)
