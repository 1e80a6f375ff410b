"""Enrolment tokens for administrators: which there are, how many PCs came with each, and their end."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import Blueprint, abort, redirect, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from agent.wire import forms
from collector.domain.roles import Role
from collector.registry.names import fold
from collector.store.queries import audit
from collector.store.queries import tokens as stored
from collector.store.queries.exports import CellKind
from collector.store.queries.pages import schools as pages_schools
from collector.store.queries.pages import tokens as pages_tokens
from collector.store.queries.pages.tokens import STATES, TokenFilter, TokenRow
from collector.store.queries.tokens import Token
from collector.web import asked
from collector.web.asking.listing import METHODS, Listing, bar, keeps_views
from collector.web.asking.rows import FILE_ROWS, csv_of
from collector.web.desk import desk
from collector.web.forms import token_form
from collector.web.forms.token_form import Form
from collector.web.http.frame import back_address, page
from collector.web.language import present
from collector.web.language.i18n import say
from collector.web.people import audited
from collector.web.people.access import for_role
from collector.web.words import terms

BLUEPRINT = Blueprint("tokens", __name__, url_prefix="/admin/tokens")
LISTING: Final = Listing("tokens", "tokens.show", "tokens.download")

_FILE: Final = {
    **dict.fromkeys(("token_id", "school", "name", "area", "state"), CellKind.TEXT),
    **dict.fromkeys(("used", "max_devices"), CellKind.INTEGER),
    **dict.fromkeys(("created_at", "expires_at", "revoked_at"), CellKind.TIME),
    **dict.fromkeys(("created_by", "batch"), CellKind.TEXT),
}
_OF_ROW: Final = {f"{name}_at": f"{name}_ms" for name in ("created", "expires", "revoked")}


@dataclass(frozen=True)
class Line:
    """One token in words."""

    row: TokenRow
    made: Markup
    until: Markup
    made_by: Markup | str


def _read_filter() -> TokenFilter:
    raw, state, batch = asked.text("q"), asked.text("state"), asked.text("batch")
    return TokenFilter(
        state=state if state in STATES else "",
        area=asked.text("area"),
        search=fold(raw),
        search_raw=raw,
        batch=batch if forms.is_uuid(batch) else "",
    )


def _query() -> str:
    """Return the filter of the address, in one order."""
    wanted = _read_filter()
    return LISTING.query({"q": wanted.search_raw, "state": wanted.state, "area": wanted.area, "batch": wanted.batch})


@BLUEPRINT.route("", methods=METHODS)
@for_role(Role.ADMIN)
@keeps_views(LISTING, _query)
def show() -> str:
    """Show the tokens of a filter, and the form that makes one."""
    return list_page(token_form.read({"school": asked.text("school")}, desk().config, audited.new_id()))


def list_page(form: Form, made_already: str = "") -> str:
    """Return the list with the form as it was typed.

    Args:
        form: Of one token.
        made_already: The batch of a form that was sent once more.
    """
    parts, wanted = desk(), _read_filter()
    with parts.store.reader() as snapshot:
        counts = pages_tokens.count_by_state(snapshot, wanted, parts.now_ms)
        return page(
            "tokens/show.html",
            snapshot,
            lines=[_line(row) for row in pages_tokens.token_rows(snapshot, wanted, parts.now_ms, asked.limit())],
            found=sum(counts.values()),
            alive=sum(count for state, count in counts.items() if state != "revoked"),
            counts=pages_tokens.count_by_state(snapshot, TokenFilter(), parts.now_ms),
            areas=pages_schools.facets(snapshot)["area"],
            wanted=wanted,
            form=form,
            made_already=made_already,
            bar=bar(snapshot, LISTING, _query(), [(say("All"), ""), (say("Still admit PCs"), "state=valid")]),
            ended=asked.number("ended"),
            is_nothing=asked.text("note") == "nothing",
        )


def _line(row: TokenRow) -> Line:
    parts = desk()
    zone = parts.zone_of(row.timezone)
    by = terms.COMMAND_LINE if row.created_by == audit.COMMAND_LINE else row.created_by or present.UNKNOWN
    made, until = (present.moment(at_ms, zone, parts.now_ms) for at_ms in (row.created_ms, row.expires_ms))
    return Line(row, made, until, str(by))


@BLUEPRINT.get("/rows.csv")
@for_role(Role.ADMIN)
def download() -> Response:
    """Give the tokens of a filter as a file, without their secrets, which nobody keeps."""
    parts = desk()
    with parts.store.reader() as snapshot:
        found = pages_tokens.token_rows(snapshot, _read_filter(), parts.now_ms, FILE_ROWS)
    return csv_of("tokens", _FILE, found, _OF_ROW)


@BLUEPRINT.post("/<token_id>/revoke")
@for_role(Role.ADMIN)
def revoke(token_id: str) -> Response:
    """End one token; PCs that came with it stay."""
    with desk().store.reader() as snapshot:
        found = stored.find_token_by_id(snapshot, token_id)
    if found is None:
        abort(404)
    return _end([found])


@BLUEPRINT.post("/revoke")
@for_role(Role.ADMIN)
def revoke_batch() -> Response:
    """End every token that one form made: its letters were lost."""
    batch = request.form.get("batch", "")
    with desk().store.reader() as snapshot:
        found = stored.list_batch(snapshot, batch) if forms.is_uuid(batch) else []
    if not found:
        abort(404)
    return _end(found, batch)


def _end(found: list[Token], batch: str | None = None) -> Response:
    parts, ended = desk(), 0
    with parts.store.unit() as unit:
        for one in found:
            if stored.revoke_token(unit, one.token_id, parts.now_ms):
                audited.note(unit, "token.revoke", one.school, one.token_id)
                ended += 1
        unit.commit()
    return redirect(_back_to(ended, batch), code=303)


def _back_to(ended: int, batch: str | None) -> str:
    """Return the list as the form came from it, with how many tokens were ended."""
    found = urlsplit(back_address(request.form.get("back")) or "")
    is_ours = found.path == url_for("tokens.show")
    kept = [pair for pair in parse_qsl(found.query) if pair[0] != "ended"] if is_ours else []
    kept += [("batch", batch)] if batch else []
    return f"{url_for('tokens.show')}?{urlencode([*kept, ('ended', ended)])}"
