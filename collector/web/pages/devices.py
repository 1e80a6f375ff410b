"""The computers that measure: who is silent and why, who waits for approval, whose clock is wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, redirect, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from agent.wire.vocabulary import DeviceState
from collector.domain import silence
from collector.domain.roles import Role
from collector.domain.silence import Standing
from collector.domain.words import Reason
from collector.intake import approval
from collector.intake.approval import Seen
from collector.registry.names import fold
from collector.store.queries import devices, given
from collector.store.queries.devices import DeviceKey
from collector.store.queries.exports import CellKind
from collector.store.queries.judging import suppressions
from collector.store.queries.judging.suppressions import Hold
from collector.store.queries.pages import devices as pages_devices
from collector.store.queries.pages import tokens as pages_tokens
from collector.store.queries.pages import waiting
from collector.store.queries.pages.devices import DeviceFilter, DeviceRow, Limits, Said
from collector.store.queries.pages.tokens import TokenFilter
from collector.store.unit import Snapshot
from collector.web import asked
from collector.web.asking.listing import METHODS, Listing, bar, keeps_views
from collector.web.asking.rows import FILE_ROWS, csv_file
from collector.web.desk import Desk, desk
from collector.web.http.frame import page
from collector.web.language import present
from collector.web.language.i18n import say, say_many
from collector.web.people import access, audited
from collector.web.people.access import for_role
from collector.web.views import evidence, heard
from collector.web.words import silence_words
from collector.web.words.terms import DIARY_STATES, word_of

BLUEPRINT = Blueprint("fleet", __name__)

MAY_ACT: Final = Role.OPERATOR
LISTING: Final = Listing("devices", "fleet.show", "fleet.download")
ME: Final = "me"  # a filter: given to the reader
_WORD_STANDS_MS: Final = 30 * 60_000  # a PC tells what it could reach every quarter of an hour
_CLOCK_OFF_MS = 5 * 60_000  # as much as a test's time may be off and still count


_FILE: Final = {
    **dict.fromkeys(("device", "school", "name", "area", "state"), CellKind.TEXT),
    "is_pending": CellKind.BOOLEAN,
    **dict.fromkeys(("os", "agent_version"), CellKind.TEXT),
    **dict.fromkeys(("enrolled_at", "last_contact_at", "last_measurement_at"), CellKind.TIME),
    "clock_offset_ms": CellKind.INTEGER,
    "is_volatile": CellKind.BOOLEAN,
    "replaces": CellKind.TEXT,
    **dict.fromkeys(("lineages", "ledger_ready", "ledger_dead", "ledger_dropped"), CellKind.INTEGER),
    **dict.fromkeys(("standing", "silent_reason"), CellKind.TEXT),
    "silent_school_days": CellKind.INTEGER,
    **dict.fromkeys(("last_word", "given_to"), CellKind.TEXT),
}


@dataclass(frozen=True)
class DeviceLine:
    """One device in words."""

    row: DeviceRow
    heard: Markup
    silent: str  # for how long; empty where it is heard
    why: Markup  # one sentence; empty where it is heard
    do: str
    clock: Markup  # what is wrong with its clock; empty where nothing is
    standing: str
    kept: Standing  # by how long ago it was heard
    waiting: list[tuple[str, Markup]]  # keys that wait: id, and since when
    outage: Hold | None  # in which it is silent
    said: list[tuple[str, Markup]]  # words of its diary within a day of its last contact, newest first, until when
    given: str  # to whom; empty: nobody


def _query() -> str:
    """Return the filter of the address, in one order."""
    wanted = read_filter()
    mine = asked.text("given") if wanted.given else ""
    return LISTING.query(
        {"q": wanted.search_raw, "standing": wanted.standing, "why": wanted.reason, "given": mine}
        | {"version": wanted.version}
    )


@BLUEPRINT.route("/devices", methods=METHODS)
@keeps_views(LISTING, _query)
def show() -> str:
    """Show the devices of a filter."""
    parts = desk()
    limit = limits(parts)
    wanted = read_filter()
    with parts.store.reader() as snapshot:
        rows = pages_devices.device_rows(snapshot, wanted, limit, asked.limit())
        reasons = pages_devices.reasons(snapshot)
        counts = pages_devices.fleet(snapshot, limit, reasons)
        days = heard.days(snapshot, parts)
        may_act = access.may(access.person(), Role.ADMIN)
        return page(
            "devices/show.html",
            snapshot,
            lines=_lines(snapshot, parts, rows),
            picture=heard.picture(days),
            usual=heard.usual(days),
            follow=LISTING.file_of("standing=silent"),
            found=pages_devices.count_devices(snapshot, wanted, limit),
            fleet=counts,
            reasons=[(name, silence_words.TOLD[name], count) for name, count in _by_number(reasons)],
            told=silence_words.TOLD,
            standings=silence_words.STANDINGS,
            versions=pages_devices.versions(snapshot),
            labs=waiting.schools(snapshot) if may_act and counts.pending else [],
            tokens=pages_tokens.count_by_state(snapshot, TokenFilter(), parts.now_ms) if may_act else {},
            wanted=wanted,
            bar=bar(snapshot, LISTING, _query(), [(say("All in use"), "")]),
            done=asked.text("done"),
            may_act=may_act,
            may_choose=access.may(access.person(), MAY_ACT),
        )


def _lines(snapshot: Snapshot, parts: Desk, rows: Sequence[DeviceRow]) -> list[DeviceLine]:
    """Return the devices of a list in words, with what is asked for these alone."""
    names = [row.device for row in rows]
    keys = devices.waiting_keys_by_device(snapshot, [row.device for row in rows if row.is_pending])
    outages = suppressions.open_outages(snapshot, {row.code for row in rows if row.reason == Reason.OUTAGE})
    said, owners = pages_devices.last_words(snapshot, names), given.names(snapshot, names)
    return [
        _line(row, parts, keys.get(row.device, []), outages.get(row.code), said.get(row.device, ()), owners)
        for row in rows
    ]


def _by_number(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Return the reasons, the most frequent first; what is not known comes last."""
    known = [(name, count) for name, count in counts.items() if name in silence_words.TOLD]
    return sorted(known, key=lambda one: (one[0] == Reason.UNKNOWN, -one[1], one[0]))


@BLUEPRINT.get("/devices.csv")
@for_role(Role.ANALYST)
def download() -> Response:
    """Give the devices of a filter as a file, in the order of the list."""
    parts = desk()
    with parts.store.reader() as snapshot:
        found = pages_devices.device_rows(snapshot, read_filter(), limits(parts), FILE_ROWS)
        owners = given.names(snapshot) if found else {}
    return csv_file("devices", _FILE, [_cells(row, owners.get(row.device), parts) for row in found])


def _cells(row: DeviceRow, owner: str | None, parts: Desk) -> tuple[Any, ...]:
    kept = "revoked" if row.state == DeviceState.REVOKED else silence.standing(row.since_ms, parts.now_ms).value
    registered = (row.device, row.code, row.name, row.area, row.state, row.is_pending, row.os, row.agent_version)
    heard = (row.enrolled_ms, row.last_contact_ms, row.last_measurement_ms, row.clock_offset_ms, row.is_volatile)
    spool = (row.replaces, row.lineages, row.ledger_ready, row.ledger_dead, row.ledger_dropped)
    return (*registered, *heard, *spool, kept, row.reason, row.school_days, row.last_word, owner)


def read_filter() -> DeviceFilter:
    """Return the filter of the address; what is not known counts as no filter."""
    raw, standing, reason, to = (asked.text(name) for name in ("q", "standing", "why", "given"))
    person = access.person()
    return DeviceFilter(
        standing if standing in pages_devices.STANDINGS else "",
        fold(raw),
        raw,
        reason if reason in silence_words.TOLD else "",
        person.name if to == ME and person else to if to == given.SOMEBODY else "",
        asked.text("version", 40),
    )


def limits(parts: Desk) -> Limits:
    """Return what counts as today, as dropped off and as a wrong clock now."""
    today = present.local(parts.now_ms, parts.zone).date().isoformat()
    return Limits(parts.now_ms, evidence.midnight_ms(today, parts.zone), _CLOCK_OFF_MS)


def _line(
    row: DeviceRow,
    parts: Desk,
    keys: list[DeviceKey],
    outage: Hold | None,
    said: Sequence[Said],
    owners: Mapping[str, str],
) -> DeviceLine:
    zone = parts.zone_of(row.timezone)
    last = say("never") if row.last_contact_ms is None else present.ago(row.last_contact_ms, parts.now_ms, zone)
    days = row.school_days or 0
    return DeviceLine(
        row,
        last,
        str(say_many("%(num)s school day", "%(num)s school days", days)) if row.reason is not None else "",
        silence_words.sentence(row),
        silence_words.deed(row.reason),
        clock_words(row.clock_offset_ms),
        _standing(row),
        silence.standing(row.since_ms, parts.now_ms),
        [(key.key_id, present.full_moment(key.added_ms, zone)) for key in keys],
        outage if row.reason == Reason.OUTAGE else None,
        [(word_of(DIARY_STATES, one.word), _until(one, row, zone, parts.now_ms)) for one in said],
        owners.get(row.device, ""),
    )


def _until(said: Said, row: DeviceRow, zone: ZoneInfo, now_ms: int) -> Markup:
    """Return until when a word was said; empty where that is when the PC was heard last."""
    if (row.last_contact_ms or 0) - said.until_ms < _WORD_STANDS_MS:
        return Markup("")
    return present.moment(said.until_ms, zone, now_ms)


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


def _standing(row: DeviceRow) -> str:
    if row.state == DeviceState.REVOKED:
        return "revoked"
    if row.is_pending:
        return "pending"
    if row.reason is not None:
        return "silent"
    return "new" if row.last_contact_ms is None else "heard"


@BLUEPRINT.post("/devices/<device>/approve")
@for_role(Role.ADMIN)
def approve(device: str) -> Response:
    """Let a device that waits count from the day of its enrolment on."""
    parts = desk()
    seen = Seen(device, request.form.get("key") or None)
    with parts.store.unit() as unit:
        if not approval.approve(unit, seen, parts.now_ms):
            abort(404)  # never another key than the one that was read on the page
        audited.note(unit, "device.approve", seen.device, f"key={seen.key_id}" if seen.key_id else None)
        unit.commit()
    return redirect(url_for("fleet.show", done=device), code=303)
