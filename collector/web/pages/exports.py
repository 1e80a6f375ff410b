"""All rows and all columns as files, and what the columns mean."""

from flask import Blueprint, Response, abort, request

from collector.domain.roles import Role
from collector.publish import dictionary, export
from collector.store.unit import Snapshot
from collector.web import asked
from collector.web.asking import export_wanted
from collector.web.asking.export_wanted import Wanted
from collector.web.desk import desk
from collector.web.http import problems
from collector.web.http.frame import page
from collector.web.language.i18n import language, say
from collector.web.people.access import for_keys, for_role
from collector.web.views import export_file, export_look
from collector.web.views.export_file import NoFileError
from collector.web.words import export_words

BLUEPRINT = Blueprint("exports", __name__)


@BLUEPRINT.get("/exports")
def show() -> Response:
    """Show what can be downloaded, and what the choice of the address will have."""
    with desk().store.reader() as snapshot:
        return _page(snapshot, export_wanted.read(snapshot, asked.text("table"), asked.text("format")))


def _page(snapshot: Snapshot, wanted: Wanted) -> Response:
    """Return the page; what is wrong with the choice stands above it."""
    counts = export.count_all(snapshot, export_look.COUNTED + 1)
    text = page(
        "exports/show.html",
        snapshot,
        tables=dictionary.tables(language()),
        counts=counts,
        counted=export_look.COUNTED,
        wanted=wanted,
        look=export_look.look(snapshot, wanted.table, None if wanted.wrong else wanted.filter(), counts[wanted.table]),
        rows_words=export_words.ROWS,
        formats={name: export_words.FORMATS[name] for name in export.offered()},
        suits=export.suits,
        with_places=export.WITH_PLACES,
        good_for=export_words.FORMATS_GOOD_FOR,
    )
    return Response(text, status=wanted.status)


@BLUEPRINT.get("/exports/file")
@for_role(Role.ANALYST)
def choose() -> Response:
    """Stream what the form asks for: table and format come as its fields."""
    return download(request.args.get("table", ""), request.args.get("format", ""))


@BLUEPRINT.get("/api/v1/<table>.<format>")
@for_role(Role.ANALYST)
@for_keys
def program(table: str, format: str) -> Response:
    """Stream the same for a program that sends a key."""
    return download(table, format)


@BLUEPRINT.get("/exports/<table>.<format>")
@for_role(Role.ANALYST)
@for_keys
def download(table: str, format: str) -> Response:
    """Stream all rows of a table, or those of one school or of some days."""
    if table not in dictionary.TABLES or format not in export.offered():
        abort(404)
    with desk().store.reader() as snapshot:
        wanted = export_wanted.read(snapshot, table, format)
        if wanted.wrong:
            return _refusal(snapshot, wanted)
    try:
        return export_file.answer(table, table, format, wanted.filter())
    except NoFileError as error:
        with desk().store.reader() as snapshot:
            return _refusal(snapshot, wanted.without(error.sentence, error.status))


def _refusal(snapshot: Snapshot, wanted: Wanted) -> Response:
    """Return the page with one sentence: a file without rows would say that there are none."""
    if problems.is_program():
        return problems.problem(wanted.status, problems.Said(say("No file"), wanted.wrong), "parameter")
    return _page(snapshot, wanted)
