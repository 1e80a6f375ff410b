"""The call list of a hazard: who calls whom, what they found, and the list for paper."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from flask import abort, redirect, request, url_for
from markupsafe import Markup

from collector.domain.hazards.standing import CallDeed, Called, Standing, fold
from collector.domain.roles import Role
from collector.store import locks
from collector.store.queries import hazards
from collector.store.queries.hazards import Call, Hazard
from collector.store.unit import Snapshot
from collector.web import asked
from collector.web.desk import desk
from collector.web.forms import hazard_form
from collector.web.forms.hazard_form import Recorded
from collector.web.http.frame import page
from collector.web.language import present
from collector.web.language.i18n import say
from collector.web.pages.hazards import BLUEPRINT, Answer, find, may_act
from collector.web.people import access, audited
from collector.web.people.access import for_role
from collector.web.views import hazard_lines
from collector.web.views.hazard_lines import Line, Whole
from collector.web.words import hazard_words

CALLED, TO_CALL, ALL = "called", "to_call", "all"
_DONE: Final = (*CallDeed, "kept")


@dataclass(frozen=True)
class Wanted:
    """Which schools of the list."""

    standing: str = ""  # empty: all
    area: str = ""
    provider: str = ""

    def fits(self, line: Line) -> bool:
        """Return whether a school is among them."""
        if self.standing == TO_CALL:
            is_right = line.standing is Standing.SILENT and line.called.claimed_by is None
        elif self.standing == CALLED:
            is_right = line.called.answer is not None
        else:
            is_right = self.standing in ("", line.standing.value)
        member = line.member
        return is_right and self.area in ("", member.area or "") and self.provider in ("", member.provider or "")


def read_wanted(usual: str = TO_CALL) -> Wanted:
    """Return the filter of the address; where it names no standing that is known, the usual one."""
    standing = asked.text("standing")
    if standing not in (*Standing, TO_CALL, CALLED, ALL):
        standing = usual
    return Wanted("" if standing == ALL else standing, asked.text("area", 256), asked.text("provider", 256))


@BLUEPRINT.get("/<hazard_id>/calls")
def calls(hazard_id: str) -> str:
    """Show the call list."""
    with desk().store.reader() as snapshot:
        return _calls(snapshot, find(snapshot, hazard_id))


def _calls(snapshot: Snapshot, hazard: Hazard, mistake: Markup | str = "", phones: dict[str, str] | None = None) -> str:
    whole, wanted = hazard_lines.look(snapshot, hazard), read_wanted()
    person = access.person()
    me = person.name if person is not None else ""
    at_hand = {*(phones or {}), asked.text("school", 64), request.form.get("school", "")}
    found = [line for line in whole.lines if wanted.fits(line) or _is_at_hand(line, wanted, me, at_hand)]
    return page(
        "hazards/calls.html",
        snapshot,
        whole=whole,
        wanted=wanted,
        rows=found[: asked.limit()],
        found=len(found),
        records=hazards.calls(snapshot, hazard.hazard_id),
        phones=phones or {},
        typed=request.form if mistake and request.endpoint == "hazards.record" else {},
        mistake=mistake,
        done=asked.text("done") if asked.text("done") in _DONE else "",
        me=me,
        tally=whole.once("tally", lambda: tally(whole)),
        areas=whole.once("areas", lambda: _names(line.member.area for line in whole.lines)),
        providers=whole.once("providers", lambda: _names(line.member.provider for line in whole.lines)),
        kept={name: asked.text(name, 256) for name in ("standing", "area", "provider", "show") if asked.text(name)},
        **_usual(),
    )


def _names(every: Iterable[str | None]) -> list[str]:
    return sorted({name for name in every if name})


def _is_at_hand(line: Line, wanted: Wanted, me: str, at_hand: set[str]) -> bool:
    """Return whether somebody is busy with a school: it stays in the list, though it is no longer to be called."""
    is_mine = wanted.standing == TO_CALL and bool(me) and line.called.claimed_by == me
    return line.member.code in at_hand or (is_mine and replace(wanted, standing="").fits(line))


def _usual() -> dict[str, object]:
    parts = desk()
    return {"hazwords": hazard_words, "zone_of": parts.zone_of, "now_ms": parts.now_ms, "may_act": may_act()}


def tally(whole: Whole) -> dict[str, int]:
    """Return how many schools were answered for, are being called, and are still to call."""
    return {
        "answered": sum(line.called.answer is not None for line in whole.lines),
        "calling": sum(line.called.claimed_by is not None for line in whole.lines),
        "to_call": sum(Wanted(TO_CALL).fits(line) for line in whole.lines),
    }


@BLUEPRINT.post("/<hazard_id>/calls")
@for_role(Role.OPERATOR)
def record(hazard_id: str) -> Answer:
    """Add a line to the record of a school; what somebody else wrote meanwhile stays as it is."""
    parts, typed = desk(), hazard_form.read_call()
    with parts.store.unit() as unit:
        hazard = find(unit, hazard_id)
        if isinstance(typed, Markup):
            return _calls(unit, hazard, typed), 422
        if not hazards.is_member(unit, hazard_id, typed.school):
            abort(404)
        if hazard.ends_ms is not None:
            return _calls(unit, hazard, say("Nothing was saved: this hazard has ended.")), 422
        locks.hold(unit, (f"hazard call {hazard_id} {typed.school}",))
        called = fold(call.entry for call in hazards.calls(unit, hazard_id, typed.school).get(typed.school, ()))
        deed = _deed(typed, called)
        if isinstance(deed, Markup):
            return _calls(unit, hazard, deed), 409
        hazards.add_call(unit, _call(hazard_id, typed, called, deed))
        audited.note(unit, f"hazard.call_{deed}", typed.school, hazard_id)
        unit.commit()
    done = "kept" if deed != typed.deed else deed
    asked_for = {**request.args, "done": done, "school": typed.school}
    address = url_for("hazards.calls", hazard_id=hazard_id, **asked_for)  # type: ignore[arg-type]
    return redirect(f"{address}#done", code=303)


def _deed(typed: Recorded, called: Called) -> str | Markup:
    """Return what is written down, or why nothing is: whose form is older than the record changes nothing of others."""
    person = access.person()
    me = person.name if person is not None else ""
    is_old = typed.seen != called.version
    if typed.deed == CallDeed.NOTE:
        return typed.deed
    if typed.deed == CallDeed.RESULT:
        is_known = called.moved <= typed.seen <= called.version  # a note that somebody added takes no answer
        return typed.deed if is_known else CallDeed.NOTE.value
    if is_old and called.claimed_by not in (None, me):
        return say("Nothing was changed: %(name)s is calling this school now.", name=called.claimed_by)
    if is_old or (typed.deed == CallDeed.UNDO and typed.undoes != called.last_id):
        return say("Nothing was changed: somebody wrote something here meanwhile. Look at it first.")
    if typed.deed == CallDeed.RELEASE and called.claimed_by is None:
        return say("Nothing was changed: nobody is calling this school.")
    return typed.deed


def _call(hazard_id: str, typed: Recorded, called: Called, deed: str) -> Call:
    person, parts = access.person(), desk()
    by = person.name if person is not None else ""
    return Call(
        audited.new_id(), hazard_id, typed.school, called.version + 1, parts.now_ms, by, deed,
        typed.way, typed.answer, typed.note, typed.undoes,
    )  # fmt: skip


@BLUEPRINT.post("/<hazard_id>/phone")
@for_role(Role.OPERATOR)
def phone(hazard_id: str) -> Answer:
    """Show the telephone of one school, and write down who looked at it."""
    code = hazard_form.clean("school")[:64]
    with desk().store.unit() as unit:
        hazard = find(unit, hazard_id)
        if not hazards.is_member(unit, hazard_id, code):
            abort(404)
        found = hazards.phones(unit, hazard_id, [code])
        audited.note(unit, "school.phone_seen", code, hazard_id)
        shown = _calls(unit, hazard, "" if found else say("The registry has no telephone of this school."), found)
        unit.commit()
    return shown


@BLUEPRINT.get("/<hazard_id>/print")
def paper(hazard_id: str) -> str:
    """Show the call list for paper, without telephones."""
    with desk().store.reader() as snapshot:
        return _paper(snapshot, find(snapshot, hazard_id), {})


@BLUEPRINT.post("/<hazard_id>/print")
@for_role(Role.OPERATOR)
def paper_with_phones(hazard_id: str) -> str:
    """Show the call list for paper with telephones, and write down who looked at how many."""
    with desk().store.unit() as unit:
        hazard = find(unit, hazard_id)
        wanted = read_wanted()
        codes = {line.member.code for line in hazard_lines.look(unit, hazard).lines if wanted.fits(line)}
        found = {code: number for code, number in hazards.phones(unit, hazard_id).items() if code in codes}
        audited.note(unit, "hazard.phones_printed", hazard_id, f"{len(found)} telephones")
        shown = _paper(unit, hazard, found)
        unit.commit()
    return shown


def _paper(snapshot: Snapshot, hazard: Hazard, phones: dict[str, str]) -> str:
    whole, wanted = hazard_lines.look(snapshot, hazard), read_wanted()
    rows = [line for line in whole.lines if wanted.fits(line)]
    return page(
        "hazards/paper.html",
        snapshot,
        whole=whole,
        rows=rows[: asked.ALL_ROWS],
        found=len(rows),
        phones=phones,
        zone=desk().zone,
        wanted=wanted,
        full=present.full_moment,
        **_usual(),
    )
