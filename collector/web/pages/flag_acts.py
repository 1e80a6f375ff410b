"""What people do about flags, one or many at a time, and taking it back; views and keys of the list."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from flask import abort, redirect, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from collector.domain.casework import Deed
from collector.evaluate import casework as work
from collector.evaluate.casework import Done, Order, Refusal
from collector.store.queries.pages import flags as pages_flags
from collector.store.queries.pages.flags import FlagRow
from collector.store.unit import Snapshot
from collector.web.desk import Desk, desk
from collector.web.forms import deed_forms
from collector.web.forms.deed_forms import MAY_ACT, Mistake, Typed
from collector.web.http.frame import back_address, page, remember, stands_at
from collector.web.language import present
from collector.web.language.i18n import say
from collector.web.pages import flags
from collector.web.pages.flags import KEYS_COOKIE, flag_page
from collector.web.people.access import for_role
from collector.web.views import deeds

BLUEPRINT = flags.BLUEPRINT  # one set of pages
Answer = Response | tuple[str, int]


@dataclass(frozen=True)
class Item:
    """One flag of many that are to be changed."""

    flag: FlagRow
    is_chosen: bool
    why: Markup  # why it is not


@BLUEPRINT.post("/flags/<path:flag_id>")
@for_role(MAY_ACT)
def act(flag_id: str) -> Answer:
    """Do something about one flag."""
    parts, typed = desk(), deed_forms.read()
    with parts.store.reader() as snapshot:
        if pages_flags.one_flag(snapshot, parts.measure, flag_id) is None:
            abort(404)
        order = deed_forms.check(typed, parts, deed_forms.people(snapshot))
    if isinstance(order, Mistake):
        return flag_page(flag_id, typed, order), 422
    if list(order.flags) != [flag_id]:
        sentence = say("Nothing was saved: the form did not say which state of the flag it was made from. Press again.")
        return flag_page(flag_id, typed, Mistake("form", sentence)), 422
    done = _do(parts, order)
    if done.refused:
        why = deeds.refusal(done.refused[0], parts)
        kept = say("Nothing of yours was saved; what you typed is still here.")
        return flag_page(flag_id, typed, Mistake("form", Markup(" ").join((why, kept)))), 409
    return redirect(deed_forms.back_to(typed.back or url_for("flags.show_one", flag_id=flag_id), done.batch_id), 303)


def _do(parts: Desk, order: Order) -> Done:
    with parts.store.unit() as unit:
        done = work.do(unit, order, deed_forms.person_of(parts))
        if not done.refused:
            unit.commit()
    return done


@BLUEPRINT.post("/flags/bulk")
@for_role(MAY_ACT)
def bulk() -> Answer:
    """Ask before many flags are changed, saying how many; then change them all, or none."""
    parts, typed = desk(), deed_forms.read()
    if not typed.flags:
        return redirect(deed_forms.back_to(typed.back, "nothing"), 303)
    with parts.store.reader() as snapshot:
        order = deed_forms.check(typed, parts, deed_forms.people(snapshot))
    if isinstance(order, Mistake) and order.field == "form":
        return _ask(parts, typed, order), 422
    if request.form.get("step") != "do":
        return _ask(parts, typed, None), 200
    if isinstance(order, Mistake):
        return _ask(parts, typed, order), 422
    done = _do(parts, order)
    if done.refused:
        sentence = say("Nothing was saved yet: some of these flags have changed. Look at them, then press again.")
        return _ask(parts, typed, Mistake("form", sentence), done.refused), 409
    return redirect(deed_forms.back_to(typed.back, done.batch_id), 303)


def _ask(parts: Desk, typed: Typed, mistake: Mistake | None, refused: tuple[Refusal, ...] = ()) -> str:
    """Return the page that asks; flags that somebody has changed meanwhile have to be chosen again."""
    stands_at("flags.show")
    with parts.store.reader() as snapshot:
        known = typed.action in frozenset(Deed)
        refused = refused or (work.refusals(snapshot, Deed(typed.action), typed.flags) if known else ())
        items = _items(snapshot, parts, typed, {one.flag_id: one for one in refused})
        chosen = [item.flag for item in items if item.is_chosen]
        return page(
            "flags/bulk.html",
            snapshot,
            items=items,
            typed=replace(typed, back=_list_address(typed.back)),
            mistake=mistake,
            question=deeds.ask(typed.action, len(chosen)),
            chosen=len(chosen),
            schools=len({flag.code for flag in chosen}),
            pupils=present.number(sum({flag.code: flag.pupils or 0 for flag in chosen}.values())),
            people=deed_forms.people(snapshot),
        )


def _items(snapshot: Snapshot, parts: Desk, typed: Typed, refused: Mapping[str, Refusal]) -> list[Item]:
    found = pages_flags.flags_by_id(snapshot, parts.measure, list(typed.flags)[: deed_forms.AT_ONCE])
    items = []
    for flag in found:
        one = refused.get(flag.flag_id)
        items.append(Item(flag, one is None, deeds.refusal(one, parts) if one is not None else Markup("")))
    return items


def _list_address(given: str) -> str:
    address = back_address(given)
    return address if address and address.startswith("/flags") else url_for("flags.show")


@BLUEPRINT.post("/flags/undo")
@for_role(MAY_ACT)
def undo() -> Response:
    """Take back what one form did."""
    parts = desk()
    with parts.store.unit() as unit:
        done = work.undo(unit, request.form.get("batch", "")[:100], deed_forms.person_of(parts))
        if done.count:
            unit.commit()
    return redirect(deed_forms.back_to(request.form.get("back", ""), done.batch_id or "kept"), 303)


@BLUEPRINT.get("/flags/keys/<name>")
def choose_keys(name: str) -> Response:
    """Turn the single keys of the list on or off."""
    if name not in ("on", "off"):
        abort(404)
    answer = redirect(back_address(request.args.get("next")) or url_for("flags.show"), 303)
    remember(answer, KEYS_COOKIE, name)
    return answer
