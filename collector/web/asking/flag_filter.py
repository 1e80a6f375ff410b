"""The filter of the list of flags: in the address, and under a name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from markupsafe import Markup

from collector.registry.names import fold
from collector.store.queries.pages.flags import BY, NOBODY, SOMEBODY, SORTS, STATES, FlagFilter
from collector.store.queries.pages.schools import CONTRACTS
from collector.web import asked
from collector.web.asking.listing import Listing
from collector.web.desk import Desk, desk
from collector.web.language import present
from collector.web.language.i18n import say
from collector.web.people import access
from collector.web.words import terms

LISTING: Final = Listing("flags", "flags.show", "flags.rows", {"state": "open", "sort": "worst"})
_ME: Final = "me"
_KEYS: Final = ("q", "state", "kind", "severity", "owner", "area", "provider", "contract", "age", "outage", "sort")
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


def read(parts: Desk) -> Chosen:
    """Return the filter that the address asks for; what is not known counts as no filter."""
    given = {name: asked.text(name) for name in (*_KEYS, "taken")}
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
        kind=given["kind"] if given["kind"] in terms.FLAG_KINDS else "",
        severity=given["severity"] if given["severity"] in terms.SEVERITIES else "",
        area=given["area"],
        provider=given["provider"],
        contract=given["contract"] if given["contract"] in CONTRACTS else "",
        owner=by if by in (NOBODY, SOMEBODY) or by.startswith(BY) else "",
        opened_from=opened_from,
        opened_to=opened_to,
        outage=given["outage"],
    )
    sort = given["sort"] if given["sort"] in SORTS else "worst"
    shown = owner if wanted.owner else ""
    kept = given | {"state": state, "age": age, "sort": sort, "owner": shown}
    kept |= {"kind": wanted.kind, "severity": wanted.severity, "contract": wanted.contract}
    return Chosen(wanted, sort, shown, age, LISTING.query({key: kept[key] for key in _KEYS}))


def folds_outages(chosen: Chosen) -> bool:
    """Return whether the list has one line for an outage instead of the flags that wait for it.

    Who looks for a school, for somebody's flags or for those of one outage gets them one by one.
    """
    wanted = chosen.wanted
    return wanted.state == "open" and not (wanted.search or wanted.outage) and wanted.owner in ("", NOBODY)


def _opened(age: str, today: date) -> tuple[str, str]:
    if not age:
        return "", ""
    least, most = AGES[age]
    first = (today - timedelta(days=most)).isoformat() if most is not None else ""
    return first, (today - timedelta(days=least)).isoformat() if least else ""


def query() -> str:
    """Return the filter of the address, in one order."""
    return read(desk()).query


def everybodys_views() -> list[tuple[Markup, str]]:
    """Return the views that everybody has."""
    return [
        (say("All open"), ""),
        (say("Mine"), "owner=me"),
        (say("New"), "age=week"),
        (say("Not taken"), "owner=nobody"),
        (say("Snoozed"), "state=snoozed"),
    ]


def owner_options(names: Iterable[str], person: str, chosen: str) -> list[tuple[str, object]]:
    """Return whose flags can be asked for; who is in the address can be kept although nothing is theirs now."""
    every = sorted({*names, *([chosen.removeprefix(BY)] if chosen.startswith(BY) else [])} - {person})
    options: list[tuple[str, object]] = [("", say("Anyone")), (NOBODY, say("Nobody")), (SOMEBODY, say("Somebody"))]
    return [*options, (_ME, say("Me")), *((f"{BY}{name}", name) for name in every)]
