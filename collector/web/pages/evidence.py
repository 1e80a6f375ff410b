"""What a school's tests prove about its contract: what is missing, a button that asks for it, and the signed pack."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, abort, redirect, request, url_for
from markupsafe import Markup
from nacl.signing import SigningKey
from werkzeug.wrappers import Response as AnyResponse

from agent.wire import signing
from agent.wire.forms import uuid7
from collector.domain import proof as rule
from collector.domain.roles import Role
from collector.evaluate.proof import Proof, Tested
from collector.intake import rules
from collector.store.queries import audit, campaigns, keys, packs, schools
from collector.store.queries.audit import AuditEntry
from collector.store.queries.campaigns import Campaign
from collector.store.queries.packs import Pack
from collector.store.unit import Snapshot, UnitOfWork
from collector.web.desk import Desk, desk
from collector.web.forms import proof_form
from collector.web.forms.proof_form import Typed
from collector.web.http.frame import page
from collector.web.language import present
from collector.web.language.i18n import language
from collector.web.people import access
from collector.web.people.access import for_role
from collector.web.views import pack_file, proof_words
from collector.web.views.pack_file import Made
from collector.web.words import terms

BLUEPRINT = Blueprint("evidence", __name__)

MAY_ASK: Final = Role.OPERATOR  # the least role that asks computers for tests and signs for the collector
ROWS: Final = 50
_DONE: Final = ("asked", "already", "nothing", "called_off", "gone", "made", "same", "no_contract")


@dataclass(frozen=True)
class Line:
    """One test of the table, in words."""

    test: Tested
    started: Markup
    reason: str


@BLUEPRINT.get("/schools/<path:code>/evidence")
def show(code: str) -> str | tuple[str, int]:
    """Show what the tests of a period prove."""
    parts = desk()
    with parts.store.reader() as snapshot:
        typed, proof = _read(snapshot, parts, code, request.args)
        shown = _page(snapshot, parts, typed, proof)
    return shown if typed.mistake is None else (shown, 422)


def _read(snapshot: Snapshot, parts: Desk, code: str, given: Mapping[str, str]) -> tuple[Typed, Proof]:
    """Return the form and the proof that it asks for, or end with "nothing is here"."""
    school = schools.find(snapshot, code)
    if school is None:
        abort(404)
    typed, wanted = proof_form.read(given, code, parts.zone_of(school.timezone), parts.now_ms)
    proof = proof_form.prove(snapshot, parts, wanted)
    if proof is None:
        abort(404)
    return typed, proof


def _page(snapshot: Snapshot, parts: Desk, typed: Typed, proof: Proof) -> str:
    reason = request.args.get("reason", "")
    wanted = [one for one in reversed(proof.tests) if not reason or (one.reason or "counts") == reason]
    is_all = request.args.get("show") == "all"
    zone = proof_words.zone_of(proof)
    campaign = proof.campaign
    day_bytes = rules.for_school(snapshot, parts.config, proof.school.code).day_bytes
    return page(
        "evidence/show.html",
        snapshot,
        proof=proof,
        rule=rule,
        proof_words=proof_words,
        typed=typed,
        pictures=proof_words.pictures(proof),
        reason=reason if reason in terms.PROOF_REASONS or reason == "counts" else "",
        lines=[_line(one, zone, parts.now_ms) for one in (wanted if is_all else wanted[:ROWS])],
        found=len(wanted),
        is_all=is_all,
        rows_at_once=ROWS,
        made=packs.of_school(snapshot, proof.school.code),
        done=done if (done := request.args.get("done")) in _DONE else "",
        hours_asked=proof_words.hours(proof, campaign.windows if campaign else ()),
        hours_planned=proof_words.hours(proof, proof.plan.windows if proof.plan else ()),
        costs_too_much=bool(proof.plan and (proof.plan.cost_bytes or 0) > day_bytes),
        day_bytes=day_bytes,
        may_ask=access.may(access.person(), MAY_ASK),
        zone=zone,
        zone_name=f"{zone.key}, {present.zone_name(zone, parts.now_ms)}",
        now_ms=parts.now_ms,
    )


def _line(one: Tested, zone: ZoneInfo, now_ms: int) -> Line:
    started = present.moment(one.row.measured.started_ms, zone, now_ms)
    return Line(one, started, terms.word_of(terms.PROOF_REASONS, one.reason) if one.reason else "")


@BLUEPRINT.post("/schools/<path:code>/evidence/ask")
@for_role(MAY_ASK)
def ask(code: str) -> AnyResponse:
    """Ask the school's computers for the tests that are missing; of two people one does it."""
    parts = desk()
    with parts.store.unit() as unit:
        typed, proof = _read(unit, parts, code, request.form)
        done = _ask(unit, parts, proof) if typed.mistake is None else "nothing"
        if done == "asked":
            unit.commit()
    return _back(code, typed, done)


def _ask(unit: UnitOfWork, parts: Desk, proof: Proof) -> str:
    if proof.campaign is not None:
        return "already"
    if proof.plan is None:
        return "nothing"
    campaign = Campaign(
        school=proof.school.code,
        campaign_id=_new_id(parts),
        made_ms=proof.wanted.now_ms,
        made_by=_actor(),
        hours=proof.wanted.hours.value,
        devices=proof.wired,
        windows=proof.plan.windows,
        until_ms=proof.plan.windows[-1][1],
    )
    if not campaigns.add(unit, campaign):
        return "already"
    days = " ".join(day.isoformat() for day in proof.plan.days)
    _note(unit, parts, "evidence.ask", campaign.school, f"{days} {campaign.hours} ({campaign.campaign_id})")
    return "asked"


@BLUEPRINT.post("/schools/<path:code>/evidence/call-off")
@for_role(MAY_ASK)
def call_off(code: str) -> AnyResponse:
    """Ask no longer for what was asked for."""
    parts = desk()
    campaign_id = request.form.get("campaign", "")[:64]
    with parts.store.unit() as unit:
        typed, proof = _read(unit, parts, code, request.form)
        is_ours = campaigns.call_off(unit, proof.school.code, campaign_id, proof.wanted.now_ms)
        if is_ours:
            _note(unit, parts, "evidence.call_off", proof.school.code, campaign_id)
            unit.commit()
    return _back(code, typed, "called_off" if is_ours else "gone")


@BLUEPRINT.post("/schools/<path:code>/evidence/packs")
@for_role(MAY_ASK)
def make(code: str) -> AnyResponse:
    """Make a signed pack of the period; one that would say the same is not made again."""
    parts = desk()
    with parts.store.reader() as snapshot:
        key = SigningKey(keys.list_keys(snapshot)[0].seed)
        typed, proof = _read(snapshot, parts, code, request.form)
        if typed.mistake is not None or proof.terms is None:
            return _back(code, typed, "no_contract" if typed.mistake is None else "")
        new = _pack(parts, proof, key)
        before = packs.same(snapshot, code, new.content_hash)
    if before is not None:
        return _back(code, typed, "same", before.pack_id)
    body = pack_file.make(proof, key, Made(new.pack_id, new.made_ms, parts.config.name))
    with parts.store.unit() as unit:
        before = packs.same(unit, code, new.content_hash)  # somebody may have been quicker
        if before is None:
            packs.add(unit, new, body)
            _note(unit, parts, "evidence.pack", code, f"{new.first_day} {new.last_day} {new.hours} ({new.pack_id})")
            unit.commit()
    return _back(code, typed, "same" if before else "made", before.pack_id if before else new.pack_id)


def _pack(parts: Desk, proof: Proof, key: SigningKey) -> Pack:
    return Pack(
        pack_id=_new_id(parts),
        school=proof.school.code,
        made_ms=parts.now_ms,
        made_by=_actor(),
        first_day=proof.wanted.first.isoformat(),
        last_day=proof.wanted.last.isoformat(),
        hours=proof.wanted.hours.value,
        language=language(),
        tests=len(proof.counted),
        content_hash=pack_file.content_hash(proof, key, parts.config.name),
        key_id=signing.key_id(bytes(key.verify_key)),
    )


@BLUEPRINT.get("/schools/<path:code>/evidence/packs/<pack_id>")
def pack(code: str, pack_id: str) -> Response:
    """Show a pack as it was signed, or give it as a file: both are the same bytes."""
    with desk().store.reader() as snapshot:
        body = packs.body(snapshot, code, pack_id)
    if body is None:
        abort(404)
    answer = Response(body, content_type="text/html; charset=utf-8")
    answer.headers["Content-Security-Policy"] = pack_file.policy()
    if request.args.get("as") == "file":
        name = "".join(sign if sign.isascii() and (sign.isalnum() or sign in "-_") else "_" for sign in code)
        answer.headers["Content-Disposition"] = f'attachment; filename="enlace-{name}-{pack_id[-12:]}.html"'
    return answer


def _back(code: str, typed: Typed, done: str, pack_id: str = "") -> AnyResponse:
    values = {**typed.address(), "done": done, "pack": pack_id}
    kept = urlencode({name: value for name, value in values.items() if value})
    return redirect(f"{url_for('evidence.show', code=code)}?{kept}#done", 303)


def _new_id(parts: Desk) -> str:
    return uuid7(parts.now_ms, parts.ports.randomness.token_bytes(10))


def _actor() -> str:
    person = access.person()
    return person.name if person else ""


def _note(unit: UnitOfWork, parts: Desk, action: str, subject: str, detail: str) -> None:
    audit.add_entry(unit, AuditEntry(_new_id(parts), parts.now_ms, _actor(), action, subject, detail))
