"""The registry for administrators: a file looked at, mended, confirmed, and taken back again."""

from typing import Final

from flask import Blueprint, abort, redirect, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from collector.domain.roles import Role
from collector.errors import CollectorError
from collector.registry import annotate, imports, undo
from collector.registry.imports import Deed
from collector.registry.plan import Plan
from collector.store.queries import imports as stored
from collector.store.queries import schools
from collector.store.queries.imports import APPLIED, LOOKED_AT, Import
from collector.store.queries.pages.quality import QualityFilter
from collector.store.unit import Snapshot, UnitOfWork
from collector.web import asked
from collector.web.desk import desk
from collector.web.http.frame import page
from collector.web.language.i18n import say
from collector.web.people import access, audited
from collector.web.people.access import for_role
from collector.web.views import registry_checks
from collector.web.views.import_view import SHOWN, ImportView, UndoView
from collector.web.words.registry_words import tell, tell_error

BLUEPRINT = Blueprint("registry", __name__, url_prefix="/admin/registry")

MAX_BYTES: Final = 8_000_000
MAX_ROWS: Final = 50_000
HISTORY, ALL_HISTORY = 15, 500
_CELL_CHARS = 2_000
_NOTES: Final = ("moved", "applied", "undone", "dropped", "mended")


@BLUEPRINT.get("")
@for_role(Role.ADMIN)
def show() -> str:
    """Show where to bring a file, what is odd, and what was brought."""
    with desk().store.reader() as snapshot:
        return _show(snapshot)


def _show(snapshot: Snapshot, mistake: Markup | str = "") -> str:
    parts = desk()
    return page(
        "registry/show.html",
        snapshot,
        mistake=mistake,
        schools=schools.count(snapshot),
        areas=schools.count_areas(snapshot),
        days=len(schools.list_calendar_days(snapshot)),
        checks=list(registry_checks.counts(registry_checks.checked(snapshot), QualityFilter()).items()),
        history=stored.list_imports(snapshot, ALL_HISTORY if asked.has_all() else HISTORY),
        found=stored.count_imports(snapshot),
        note=_note(),
        zone=parts.zone,
        now_ms=parts.now_ms,
        most_mb=MAX_BYTES // 1_000_000,
        most_rows=MAX_ROWS,
    )


def _note() -> str:
    note = asked.text("note")
    return note if note in _NOTES else ""


@BLUEPRINT.post("")
@for_role(Role.ADMIN)
def bring() -> Response | tuple[str, int]:
    """Keep a file and show what it would do; the registry stays as it is."""
    given = request.files.get("file")
    raw = given.stream.read(MAX_BYTES + 1) if given is not None else b""
    if given is None or not raw:
        return _mistaken(say("Choose a file first: the one chosen is empty, or none was."))
    if len(raw) > MAX_BYTES:
        return _mistaken(say("The file is larger than %(most)s MB. Split it.", most=MAX_BYTES // 1_000_000))
    try:
        source = imports.read(raw, max_rows=MAX_ROWS)
        with desk().store.unit() as unit:
            one = imports.look_at(unit, source, given.filename or "", _deed())
            unit.commit()
    except CollectorError as error:
        return _mistaken(_words_of(error))
    return redirect(url_for("registry.one", import_id=one.import_id), code=303)


def _words_of(error: CollectorError) -> Markup:
    if type(error) is not CollectorError:  # the database is away: no mistake of the reader
        raise error
    return tell_error(error)


def _mistaken(mistake: Markup) -> tuple[str, int]:
    with desk().store.reader() as snapshot:
        return _show(snapshot, mistake), 422


def _deed() -> Deed:
    person = access.person()
    parts = desk()
    return Deed(person.name if person else "", parts.ports, parts.config.default_timezone)


def _write_down(unit: UnitOfWork, action: str, one: Import, detail: str) -> None:
    audited.note(unit, f"{one.kind}.{action}", one.file_name, detail)


@BLUEPRINT.get("/imports/<import_id>")
@for_role(Role.ADMIN)
def one(import_id: str) -> str | tuple[str, int]:
    """Show what a file would do, or what it did."""
    with desk().store.reader() as snapshot:
        return _page_of(snapshot, _find(snapshot, import_id), {})


def _find(snapshot: Snapshot, import_id: str) -> Import:
    found = stored.find_import(snapshot, import_id)
    if found is None:
        abort(404)
    return found


def _page_of(snapshot: Snapshot, found: Import, typed: dict[str, str]) -> str:
    most = None if asked.has_all() else SHOWN
    if found.state != LOOKED_AT:
        view = UndoView.of(snapshot, found, most)
        return page("registry/done.html", snapshot, one=found, view=view, note=_note(), zone=desk().zone)
    try:
        plan: Plan | None = _plan(snapshot, found)
        mistake = Markup("")
    except CollectorError as error:
        plan, mistake = None, _words_of(error)
    if plan is None:
        return page("registry/gone.html", snapshot, one=found, mistake=mistake)
    return page(
        "registry/look.html", snapshot, one=found, plan=plan, view=ImportView(plan, most, typed), note=_note(),
        zone=desk().zone,
    )  # fmt: skip


def _plan(snapshot: Snapshot, found: Import) -> Plan | None:
    source = imports.source_of(snapshot, found.import_id, max_rows=MAX_ROWS)
    return imports.plan_file(snapshot, source, kind=found.kind) if source is not None else None


@BLUEPRINT.post("/imports/<import_id>/apply")
@for_role(Role.ADMIN)
def apply(import_id: str) -> Response | tuple[str, int]:
    """Do exactly what was shown, or show it again where it would be something else by now."""
    try:
        with desk().store.reader() as snapshot:
            source = imports.source_of(snapshot, _find(snapshot, import_id).import_id, max_rows=MAX_ROWS)
        with desk().store.unit() as unit:
            found = _find(unit, import_id)
            plan = imports.apply(unit, found, source, request.form.get("seen", ""), _deed())
            if plan is not None:
                detail = f"added={plan.added} changed={plan.changed} refused={plan.refused_rows}"
                _write_down(unit, "import", found, detail)
                unit.commit()
    except CollectorError as error:
        return _mistaken(_words_of(error))
    return _back(found, "applied" if plan is not None else "moved")


def _back(found: Import, note: str) -> Response:
    return redirect(url_for("registry.one", import_id=found.import_id, note=note), code=303)


@BLUEPRINT.post("/imports/<import_id>/mend")
@for_role(Role.ADMIN)
def mend(import_id: str) -> Response | tuple[str, int]:
    """Put cells right as they were typed, and show what the file would do now."""
    try:
        with desk().store.reader() as snapshot:
            found = _find(snapshot, import_id)
            plan = _plan(snapshot, found) if found.state == LOOKED_AT else None
        if plan is None:
            return _back(found, "moved")
        raw = annotate.mended(plan.table, _cells())
        if len(raw) > MAX_BYTES:
            return _mistaken(say("The file is larger than %(most)s MB. Split it.", most=MAX_BYTES // 1_000_000))
        source = imports.read(raw, max_rows=MAX_ROWS)
        with desk().store.unit() as unit:
            if _find(unit, import_id).state != LOOKED_AT:
                return _back(found, "moved")
            new = imports.look_at(unit, source, found.file_name, _deed())
            stored.drop_import(unit, found.import_id)
            unit.commit()
    except CollectorError as error:
        return _mistaken(_words_of(error))
    return redirect(url_for("registry.one", import_id=new.import_id, note="mended"), code=303)


def _cells() -> dict[tuple[int, int], str]:
    """Return the cells of the form by line and column; what is no cell is passed over."""
    found: dict[tuple[int, int], str] = {}
    for name, text in request.form.items():
        mark, _, rest = name.partition("-")
        line, _, at = rest.partition("-")
        if mark == "cell" and all(part.isascii() and part.isdigit() and len(part) < 9 for part in (line, at)):
            found[int(line), int(at)] = text[:_CELL_CHARS]
    return found


@BLUEPRINT.post("/imports/<import_id>/drop")
@for_role(Role.ADMIN)
def drop(import_id: str) -> Response:
    """Forget a file that was only looked at."""
    with desk().store.unit() as unit:
        found = _find(unit, import_id)
        stored.drop_import(unit, found.import_id)
        unit.commit()
    return redirect(url_for("registry.show", note="dropped"), code=303)


@BLUEPRINT.post("/imports/<import_id>/undo")
@for_role(Role.ADMIN)
def take_back(import_id: str) -> Response:
    """Take one import back, exactly as it was shown."""
    with desk().store.unit() as unit:
        found = _find(unit, import_id)
        done = undo.undo(unit, found, request.form.get("seen", ""), _deed()) if found.state == APPLIED else None
        if done is not None:
            _write_down(unit, "undo", found, f"import={found.import_id} kept={len(done.kept)}")
            unit.commit()
    return _back(found, "undone" if done is not None else "moved")


@BLUEPRINT.get("/imports/<import_id>/annotated")
@for_role(Role.ADMIN)
def annotated(import_id: str) -> Response | tuple[str, int]:
    """Give the file back with a column that says what is wrong."""
    try:
        with desk().store.reader() as snapshot:
            found = _find(snapshot, import_id)
            plan = _plan(snapshot, found)
    except CollectorError as error:
        return _mistaken(_words_of(error))
    if plan is None:
        abort(404)
    form = plan.table.form
    stem = found.file_name.rpartition(".")[0] or found.file_name
    content = annotate.annotated(plan, lambda said: tell(said).unescape())
    answer = Response(content, content_type=annotate.MEDIA[form.suffix])
    answer.headers.set("Content-Disposition", "attachment", filename=_plain(f"{stem}-checked.{form.suffix}"))
    return answer


def _plain(name: str) -> str:
    """Return a file name that every browser takes."""
    return "".join(sign if sign.isascii() and (sign.isalnum() or sign in "._-") else "-" for sign in name)
