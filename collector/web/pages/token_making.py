"""New enrolment tokens: one, or one for each school of a filter; shown once, with letters and a file to take away."""

from typing import Final

from flask import redirect, request, url_for
from flask_babel import force_locale
from werkzeug.wrappers import Response

from collector.domain.roles import Role
from collector.intake import invitations
from collector.intake.invitations import Terms
from collector.registry.names import fold
from collector.store.queries import schools
from collector.store.queries import tokens as stored
from collector.store.queries.pages import schools as pages_schools
from collector.store.queries.pages import tokens as pages_tokens
from collector.store.queries.pages.schools import SchoolFilter
from collector.store.queries.pages.tokens import LACKS
from collector.web import asked
from collector.web.asking.rows import csv_of
from collector.web.desk import desk
from collector.web.forms import token_form
from collector.web.forms.token_form import AT_ONCE, Form
from collector.web.http.frame import page
from collector.web.language.i18n import LANGUAGES, language, say
from collector.web.pages import tokens
from collector.web.people import access, audited
from collector.web.people.access import for_role
from collector.web.views import papers

BLUEPRINT = tokens.BLUEPRINT  # one set of pages
Answer = Response | tuple[str, int]

_PAPER: Final = {"expires_at": "expires_ms"}


def _typed() -> Form:
    return token_form.read(request.form.to_dict(), desk().config, audited.new_id())


@BLUEPRINT.post("/new")
@for_role(Role.ADMIN)
def make() -> Answer:
    """Make a token of one school and show it, once."""
    form = _typed()
    token_form.check(form)
    with desk().store.reader() as snapshot:
        if schools.find(snapshot, form.values["school"]) is None:
            form.mistakes["school"] = say("No school has this code. Write it as the list of schools shows it.")
    return (tokens.list_page(form), 422) if form.mistakes else _make(form, [form.values["school"]])


@BLUEPRINT.get("/many")
@for_role(Role.ADMIN)
def many() -> str:
    """Show which schools of a filter would get a token; nothing is made."""
    return _many(token_form.read({}, desk().config, audited.new_id()), None)


def _many(form: Form, chosen: list[str] | None) -> str:
    parts, wanted, lacks = desk(), _read_schools(), _read_lacks()
    with parts.store.reader() as snapshot:
        return page(
            "tokens/many.html",
            snapshot,
            rows=pages_tokens.invitees(snapshot, parts.measure, wanted, lacks, parts.now_ms, AT_ONCE),
            found=pages_tokens.count_invitees(snapshot, parts.measure, wanted, lacks, parts.now_ms),
            facets=pages_schools.facets(snapshot),
            wanted=wanted,
            lacks=lacks,
            form=form,
            chosen=chosen,
            at_once=AT_ONCE,
        )


def _read_schools() -> SchoolFilter:
    raw = asked.text("q")
    return SchoolFilter(
        search=fold(raw),
        search_raw=raw,
        area=asked.text("area"),
        provider=asked.text("provider"),
        technology=asked.text("technology"),
    )


def _read_lacks() -> str:
    lacks = asked.text("lacks")
    return lacks if lacks in LACKS else ""


@BLUEPRINT.post("/many")
@for_role(Role.ADMIN)
def make_many() -> Answer:
    """Make a token for each school that was chosen, and show them, once."""
    form = _typed()
    codes = list(dict.fromkeys(request.form.getlist("code")))
    token_form.check(form)
    if not 0 < len(codes) <= AT_ONCE:
        form.mistakes["code"] = say("Choose at least one school, and at most %(most)s at once.", most=AT_ONCE)
    with desk().store.reader() as snapshot:
        known = schools.by_code(snapshot, codes[:AT_ONCE])
    if len(known) < len(codes):
        form.mistakes.setdefault("code", say("One of these schools is not in the registry any more. Look again."))
    return (_many(form, codes), 422) if form.mistakes else _make(form, codes)


def _make(form: Form, codes: list[str]) -> Answer:
    """Make the tokens and show them; a form that is sent once more makes nothing and shows nothing."""
    parts, person, batch = desk(), access.person(), form.values["batch"]
    terms = Terms(form.max_devices, form.days, person.name if person else "", batch)
    with parts.store.unit() as unit:
        is_new = not stored.list_batch(unit, batch)
        if is_new:
            key = invitations.collector_key(unit)
            made = [invitations.make(unit, parts.ports, key, code, terms) for code in codes]
            for code in codes:
                audited.note(unit, "token.create", code, terms.words())
            unit.commit()
            address = papers.address()
            shown = page(
                "tokens/made.html",
                unit,
                papers=papers.of_tokens(unit, made),
                batch=batch,
                address=address,
                is_local=papers.is_local(address),
                chosen=language(),
            )
            return shown, 200
    return tokens.list_page(token_form.read({}, parts.config, audited.new_id()), batch), 409


@BLUEPRINT.post("/letters")
@for_role(Role.ADMIN)
def letters() -> Answer:
    """Give a letter of one sheet for each token that the form brings, in the language that it names."""
    parts, asked_for = desk(), request.form.get("language", "")
    with parts.store.reader() as snapshot, force_locale(asked_for if asked_for in LANGUAGES else language()):
        found = papers.of_tokens(snapshot, papers.read(request.form.get("tokens", "")))
        if found:
            shown = page("tokens/letters.html", snapshot, papers=found, now_ms=parts.now_ms, zone=parts.zone)
            return shown, 200
    return _nothing()


@BLUEPRINT.post("/file")
@for_role(Role.ADMIN)
def file() -> Answer:
    """Give the tokens that the form brings as a file."""
    with desk().store.reader() as snapshot:
        found = papers.of_tokens(snapshot, papers.read(request.form.get("tokens", "")))
    return csv_of("enrolment-tokens", papers.COLUMNS, found, _PAPER) if found else _nothing()


def _nothing() -> Response:
    """Say that no token of the form admits anybody: it was ended meanwhile, or is none of ours."""
    return redirect(url_for("tokens.show", note="nothing"), code=303)
