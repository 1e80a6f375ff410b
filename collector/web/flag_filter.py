"""The filter of the list of flags: in the address, and under a name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from urllib.parse import urlencode

from flask import request, url_for
from markupsafe import Markup

from collector.registry.names import fold
from collector.store.queries.pages_flags import BY, NOBODY, SOMEBODY, SORTS, STATES, FlagFilter
from collector.store.queries.views import SavedView
from collector.web import access, present, words
from collector.web.desk import Desk, desk
from collector.web.i18n import say

PAGE: Final = "flags"  # whose views these are
_LONGEST = 100
_ME: Final = "me"
_KEYS: Final = ("q", "state", "kind", "severity", "owner", "area", "provider", "age", "sort")
_NEUTRAL: Final[Mapping[str, str]] = {"state": "open", "sort": "worst"}
# Days since a flag opened: at least, at most.
AGES: Final[Mapping[str, tuple[int, int | None]]] = {"week": (0, 7), "month": (8, 30), "older": (31, None)}


@dataclass(frozen=True)
class Chosen:
    """What the address asks for, as the form shows it."""

    wanted: FlagFilter
    sort: str
    owner: str
    age: str
    query: str  # all of it, in one order: what a view is known by


@dataclass(frozen=True)
class View:
    """A filter with a name."""

    name: Markup | str
    address: str
    is_here: bool
    view_id: str = ""  # of a person's own


def read(parts: Desk) -> Chosen:
    """Return the filter that the address asks for; what is not known counts as no filter."""
    given = {name: request.args.get(name, "").replace("\0", "").strip()[:_LONGEST] for name in (*_KEYS, "taken")}
    if not given["owner"]:  # as older addresses say it
        given["owner"] = {"no": NOBODY, "yes": SOMEBODY}.get(given["taken"], "")
    owner = given["owner"]
    person = access.person()
    by = f"{BY}{person.name}" if owner == _ME and person else owner
    state = given["state"] if given["state"] in STATES else "open"
    age = given["age"] if given["age"] in AGES else ""
    opened_from, opened_to = _opened(age, present.local(parts.now_ms, parts.zone).date())
    wanted = FlagFilter(
        now_ms=parts.now_ms,
        search=fold(given["q"]),
        search_raw=given["q"],
        state=state,
        kind=given["kind"] if given["kind"] in words.FLAG_KINDS else "",
        severity=given["severity"] if given["severity"] in words.SEVERITIES else "",
        area=given["area"],
        provider=given["provider"],
        owner=by if by in (NOBODY, SOMEBODY) or by.startswith(BY) else "",
        opened_from=opened_from,
        opened_to=opened_to,
    )
    sort = given["sort"] if given["sort"] in SORTS else "worst"
    shown = owner if wanted.owner else ""
    kept = given | {"state": state, "age": age, "sort": sort, "owner": shown}
    kept |= {"kind": wanted.kind, "severity": wanted.severity}
    return Chosen(wanted, sort, shown, age, canonical(kept.items()))


def _opened(age: str, today: date) -> tuple[str, str]:
    if not age:
        return "", ""
    least, most = AGES[age]
    first = (today - timedelta(days=most)).isoformat() if most is not None else ""
    return first, (today - timedelta(days=least)).isoformat() if least else ""


def canonical(items: Iterable[tuple[str, str]]) -> str:
    """Return a filter as it stands in the address: known keys in one order, without those that ask for nothing."""
    given = dict(items)
    found = {key: given.get(key, "")[:_LONGEST] for key in _KEYS}
    return urlencode({key: value for key, value in found.items() if value and value != _NEUTRAL.get(key)})


def address(query: str) -> str:
    """Return where the list with a filter is."""
    base = url_for("flags.show")
    return f"{base}?{query}" if query else base


def file_address() -> str:
    """Return where the rows of this page's filter are as a file."""
    query = read(desk()).query
    base = url_for("flags.rows")
    return f"{base}?{query}" if query else base


def views(saved: Iterable[SavedView], here: str) -> list[View]:
    """Return everybody's views, then a person's own."""
    everybody = (
        (say("All open"), ""),
        (say("Mine"), "owner=me"),
        (say("New"), "age=week"),
        (say("Not taken"), "owner=nobody"),
        (say("Snoozed"), "state=snoozed"),
    )
    shown: list[tuple[Markup | str, str, str]] = [(name, query, "") for name, query in everybody]
    shown += [(view.name, view.query, view.view_id) for view in saved]
    return [View(name, address(query), query == here, key) for name, query, key in shown]


def owner_options(names: Iterable[str], person: str, chosen: str) -> list[tuple[str, object]]:
    """Return whose flags can be asked for; who is in the address can be kept although nothing is theirs now."""
    every = sorted({*names, *([chosen.removeprefix(BY)] if chosen.startswith(BY) else [])} - {person})
    options: list[tuple[str, object]] = [("", say("Anyone")), (NOBODY, say("Nobody")), (SOMEBODY, say("Somebody"))]
    return [*options, (_ME, say("Me")), *((f"{BY}{name}", name) for name in every)]
