"""What a line has to hold for each use: the limits with their sources, who has changed them and when, and the form."""

from dataclasses import dataclass
from typing import Final

from flask import Blueprint, abort, redirect, request, url_for
from werkzeug.wrappers import Response

from collector.domain.roles import Role
from collector.profiles import use_limits as published
from collector.profiles.use_limits import LIMITS, Held, Limit, PublishedUse
from collector.store.queries import use_limits
from collector.store.queries.use_limits import LimitsDecision
from collector.store.unit import Snapshot, UnitOfWork
from collector.web.desk import desk
from collector.web.forms import uses_form
from collector.web.forms.uses_form import Form
from collector.web.http.frame import page
from collector.web.language.i18n import language, say
from collector.web.people import access, audited
from collector.web.people.access import MayNotError, for_role
from collector.web.views.fitness_words import LIMIT_NAMES, STANDINGS, USES

BLUEPRINT = Blueprint("uses", __name__)

_DONE: Final = ("saved", "restored")


@dataclass(frozen=True)
class LimitLine:
    """One limit of one use as a row."""

    limit: str
    value: float | None  # that holds; None: not asked
    published: Limit

    @property
    def is_own(self) -> bool:
        """Whether the deployment has put its own in place of the published one."""
        return self.value != self.published.value


@dataclass(frozen=True)
class UseCard:
    """One use with its limits."""

    id: str
    note: str
    lines: tuple[LimitLine, ...]


@BLUEPRINT.get("/uses")
def show() -> str:
    """Show the limits."""
    return _page(200)[0]


def _page(status: int, form: Form | None = None) -> tuple[str, int]:
    parts = desk()
    with parts.store.reader() as snapshot:
        made = use_limits.decisions(snapshot)
        newest = made[0] if made else None
        held = published.held(newest.limits if newest else None)
        base = published.published()
        shown = page(
            "uses/show.html",
            snapshot,
            cards=[_card(use, held) for use in base.uses],
            sources=base.sources,
            share=held.share,
            published_share=base.share,
            decided=newest if newest is not None and newest.limits is not None else None,
            made=made,
            form=form or uses_form.filled(held, str(newest.number if newest else 0)),
            use_names=USES,
            limit_names=LIMIT_NAMES,
            standings=STANDINGS,
            limits=LIMITS,
            name_of=uses_form.name_of,
            may_change=_may_change(snapshot),
            done=request.args.get("done") if request.args.get("done") in _DONE else "",
            zone=parts.zone,
        )
        return shown, status


def _may_change(snapshot: Snapshot) -> bool:
    return access.may(access.person(), Role.ADMIN) and snapshot.scope.is_whole


def _card(use: PublishedUse, held: Held) -> UseCard:
    values = held.numbers[use.id]
    lines = tuple(LimitLine(name, values[name], use.limits[name]) for name in LIMITS)
    return UseCard(use.id, use.note.get(language(), use.note["en"]), lines)


@BLUEPRINT.post("/uses")
@for_role(Role.ADMIN)
def save() -> Response | tuple[str, int]:
    """Store limits, if nothing is wrong with them."""
    form = uses_form.typed(request.form.to_dict())
    held = uses_form.check(form)
    if held is None:
        return _page(422, form)
    with desk().store.unit() as unit:
        use_limits.hold(unit)
        newest = _number(unit)
        if form.values["seen"] == str(newest):
            _decide(unit, newest + 1, published.compose(held), form.values["note"])
        else:
            form.wrong("seen", say("Somebody changed the limits meanwhile. Look at them below and save again."))
            form.values["seen"] = str(newest)
    if form.mistakes:
        return _page(409, form)
    return redirect(url_for("uses.show", done="saved"), code=303)


@BLUEPRINT.post("/uses/restore")
@for_role(Role.ADMIN)
def restore() -> Response:
    """Let the published limits hold again."""
    with desk().store.unit() as unit:
        use_limits.hold(unit)
        newest = use_limits.in_force(unit)
        if newest is not None and newest.limits is not None:
            _decide(unit, newest.number + 1, None, str(say("back to the published limits")))
    return redirect(url_for("uses.show", done="restored"), code=303)


def _number(unit: UnitOfWork) -> int:
    """Return the number of the newest decision, 0 where there is none."""
    newest = use_limits.in_force(unit)
    return newest.number if newest else 0


def _decide(unit: UnitOfWork, number: int, limits: str | None, note: str) -> None:
    """Store a decision with its line in the audit log, and commit both."""
    person = access.person()
    if person is None:
        abort(403)
    if not unit.scope.is_whole:
        raise MayNotError
    use_limits.add(unit, LimitsDecision(number, limits, note, desk().now_ms, person.name))
    audited.note(unit, "use_limits_set" if limits else "use_limits_restored", "deployment", f"{number}: {note}")
    unit.commit()
