"""Networks: on which each provider's schools are seen, which are its own, and the schools that are elsewhere."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from flask import Blueprint, redirect, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from collector.domain.networks import Own
from collector.domain.roles import Role
from collector.evaluate.networks import own_as_learnt, own_by_provider
from collector.store.queries import networks as stored
from collector.store.queries import schools as registry
from collector.store.queries.exports import CellKind
from collector.store.queries.networks import Learnt, OwnNetwork
from collector.store.queries.pages import schools as pages_schools
from collector.store.unit import Snapshot
from collector.web import asked
from collector.web.asking import rows
from collector.web.desk import desk
from collector.web.http.frame import page
from collector.web.language import present
from collector.web.language.i18n import say, say_many
from collector.web.people import access, audited
from collector.web.people.access import MayNotError, for_role
from collector.web.views import remembered

BLUEPRINT = Blueprint("networks", __name__)

_COLUMNS: Final = dict.fromkeys(("school", "name", "area", "provider", "seen_on"), CellKind.TEXT)
_MOST_NUMBER: Final = 2**32 - 1
_DONE: Final = ("declared", "taken_back", "same")


@dataclass(frozen=True)
class Seen:
    """One network on which schools of a provider are seen, or which is its own."""

    number: int
    name: str
    schools: int
    is_own: bool


@dataclass
class Line:
    """One provider."""

    provider: str
    own: Own
    schools: int = 0  # whose network is known
    elsewhere: dict[str, list[str]] = field(default_factory=dict)  # codes of those that are on others' networks alone
    seen: list[Seen] = field(default_factory=list)


@BLUEPRINT.get("/networks")
def show() -> str:
    """Show every provider with its networks."""
    return _page(200)[0]


@BLUEPRINT.post("/networks")
@for_role(Role.ADMIN)
def declare() -> Response | tuple[str, int]:
    """Say that a network is a provider's own."""
    provider, typed = request.form.get("provider", "").replace("\0", ""), request.form.get("number", "").strip()[:40]
    number = _number(typed)
    if number is None:
        sentence = say("Write the number of a network, from 1 to 4294967295, such as 64500 or AS64500.")
        return _page(422, provider, typed, sentence)
    with desk().store.unit() as unit:
        _refuse_parts(unit)
        if provider not in pages_schools.facets(unit)["provider"]:
            return _page(422, provider, typed, say("No school of the registry has this provider."))
        names = {seen: name for _provider, _code, seen, name in stored.standings(unit)}
        person = access.person()
        stored.declare(
            unit, OwnNetwork(provider, number, names.get(number, "")), desk().now_ms, person.name if person else ""
        )
        audited.note(unit, "networks.declare", provider, f"AS{number}")
        unit.commit()
    return redirect(url_for("networks.show", done="declared"), code=303)


@BLUEPRINT.post("/networks/take-back")
@for_role(Role.ADMIN)
def take_back() -> Response:
    """Say no longer that a network is a provider's own."""
    provider, number = request.form.get("provider", "").replace("\0", ""), _number(request.form.get("number", ""))
    with desk().store.unit() as unit:
        _refuse_parts(unit)
        is_done = number is not None and stored.take_back(unit, provider, number)
        if is_done:
            audited.note(unit, "networks.take_back", provider, f"AS{number}")
            unit.commit()
    return redirect(url_for("networks.show", done="taken_back" if is_done else "same"), code=303)


@BLUEPRINT.get("/networks.csv")
@for_role(Role.ANALYST)
def download() -> Response:
    """Give the schools that are on others' networks alone as a file: of one provider, or of all."""
    with desk().store.reader() as snapshot:
        lines = _lines(snapshot)
        shown = [one] if (one := _chosen(lines)) else [] if asked.text("provider") else lines
        found = registry.by_code(snapshot, [code for line in shown for code in line.elsewhere])
    places = [(line, code, found[code]) for line in shown for code in line.elsewhere if code in found]
    cells = [(code, one.name, one.area, line.provider, ", ".join(line.elsewhere[code])) for line, code, one in places]
    return rows.csv_file("networks", _COLUMNS, cells)


def _chosen(lines: Sequence[Line]) -> Line | None:
    """Return the provider that the address names, if schools of it are elsewhere."""
    name = asked.text("provider")
    return next((line for line in lines if line.provider == name and line.elsewhere), None)


def _refuse_parts(snapshot: Snapshot) -> None:
    """Refuse who sees only a part of the country: providers are everybody's."""
    if not snapshot.scope.is_whole:
        raise MayNotError


def _number(typed: str) -> int | None:
    digits = typed.strip().upper().removeprefix("AS").strip()
    is_number = digits.isascii() and digits.isdigit() and len(digits) <= 10
    return int(digits) if is_number and 0 < int(digits) <= _MOST_NUMBER else None


def _page(status: int, provider: str = "", typed: str = "", mistake: Markup | str = "") -> tuple[str, int]:
    with desk().store.reader() as snapshot:
        lines = _lines(snapshot)
        chosen = _chosen(lines)
        shown = page(
            "networks/show.html",
            snapshot,
            headline=_headline(lines),
            lines=lines,
            chosen=chosen,
            schools=registry.by_code(snapshot, list(chosen.elsewhere)[: asked.limit()]) if chosen else {},
            providers=pages_schools.facets(snapshot)["provider"],
            has_file=bool(desk().config.networks_file),
            provider=provider,
            typed=typed,
            mistake=mistake,
            done=done if (done := asked.text("done")) in _DONE else "",
            may_change=access.may(access.person(), Role.ADMIN) and snapshot.scope.is_whole,
        )
        return shown, status


def _lines(snapshot: Snapshot) -> Sequence[Line]:
    """Return the providers, the one with most schools elsewhere first; nobody changes them."""
    said, learnt = tuple(stored.declared(snapshot)), stored.find_learnt(snapshot)
    return remembered.of_standings("networks", snapshot, lambda: _lines_made(snapshot, learnt), (said, str(learnt)))


def _own(snapshot: Snapshot, learnt: Learnt) -> dict[str, Own]:
    """Return the networks of the providers that the reader sees: a fact about them, the same whoever reads."""
    if snapshot.scope.is_whole:
        return own_by_provider(snapshot)
    own, of_area = own_as_learnt(snapshot, learnt), pages_schools.facets(snapshot)["provider"]
    seen = {provider for provider, _code, _number, _name in stored.standings(snapshot)}
    return {provider: own.get(provider, Own()) for provider in of_area if provider in own.keys() | seen}


def _lines_made(snapshot: Snapshot, learnt: Learnt) -> list[Line]:
    own = _own(snapshot, learnt)
    own_names = {number: name for some in learnt.values() for number, name in some.items()}
    said = {(one.provider, one.asn): one.as_name for one in stored.declared(snapshot)}
    counts: dict[str, Counter[int]] = {}
    names: dict[int, str] = {}
    by_school: dict[str, dict[str, set[int]]] = {}
    for provider, code, number, name in stored.standings(snapshot):
        names[number] = name
        if provider is not None:
            counts.setdefault(provider, Counter())[number] += 1
            by_school.setdefault(provider, {}).setdefault(code, set()).add(number)
    lines = []
    for provider, mine in sorted(own.items()):
        schools = by_school.get(provider, {})
        seen = counts.get(provider, Counter())
        elsewhere = {
            code: [f"AS{number} {names[number]}".rstrip() for number in sorted(numbers)]
            for code, numbers in sorted(schools.items())
            if mine.is_known and not numbers & mine.numbers
        }
        lines.append(Line(provider, mine, len(schools), elsewhere))
        for number in sorted(seen.keys() | mine.numbers, key=lambda one: (-seen[one], one)):
            name = names.get(number) or own_names.get(number) or said.get((provider, number), "")
            lines[-1].seen.append(Seen(number, name, seen[number], number in mine.numbers))
    return sorted(lines, key=lambda line: (-len(line.elsewhere), line.provider))


def _headline(lines: Sequence[Line]) -> Markup:
    known, elsewhere = sum(line.schools for line in lines), sum(len(line.elsewhere) for line in lines)
    if not known:
        return say("Nobody knows yet on which networks schools are")
    if not elsewhere:
        return say("No school is on another network than its provider’s")
    return say_many(
        "%(elsewhere)s of %(shown)s school is on another network than its provider’s",
        "%(elsewhere)s of %(shown)s schools are on other networks than their providers’",
        known,
        elsewhere=present.number(elsewhere),
        shown=present.number(known),
    )
