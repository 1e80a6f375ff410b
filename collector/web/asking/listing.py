"""What every list has around its rows: a filter in the address, views of it under names, the rows as a file."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Final
from urllib.parse import urlencode

from flask import g, redirect, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from collector.store.queries import views
from collector.store.unit import Snapshot
from collector.web.desk import desk
from collector.web.language.i18n import say
from collector.web.people import access, saved_views

METHODS: Final = ("GET", "POST")  # a form on the page gives its filter a name

Answer = str | tuple[str, int] | Response


@dataclass(frozen=True)
class Listing:
    """One list of the pages."""

    page: str  # under which its views are kept
    endpoint: str
    file: str  # endpoint of its rows as a file
    neutral: Mapping[str, str] = field(default_factory=dict)  # values that ask for nothing, beside the empty one

    def query(self, values: Mapping[str, str]) -> str:
        """Return a filter as it stands in the address, in the order of `values`: what a view is known by."""
        return urlencode({key: value for key, value in values.items() if value and value != self.neutral.get(key)})

    def address(self, query: str) -> str:
        """Return where the list with a filter is."""
        return _address(self.endpoint, query)

    def file_of(self, query: str) -> str:
        """Return where the rows of a filter are as a file."""
        return _address(self.file, query)


@dataclass(frozen=True)
class View:
    """A filter with a name."""

    name: Markup | str
    address: str
    is_here: bool
    view_id: str = ""  # of a person's own


@dataclass(frozen=True)
class Bar:
    """What stands above the rows."""

    views: Sequence[View]
    file: str  # address of the rows as a file
    typed: str = ""  # as the name of a view
    wrong: Markup | None = None  # with that name


def bar(snapshot: Snapshot, listing: Listing, query: str, everybodys: Sequence[tuple[Markup, str]] = ()) -> Bar:
    """Return what stands above a list: everybody's views, then those of the reader's own.

    Args:
        snapshot: Where to look.
        listing: Which list.
        query: Its filter, as `Listing.query` gives it.
        everybodys: Names and filters of the views that everybody has; none: the whole list.
    """
    person = access.person()
    own = views.list_views(snapshot, person.user_id, listing.page) if person else []
    named: list[tuple[Markup | str, str, str]] = [(*view, "") for view in everybodys or [(say("All"), "")]]
    named += [(view.name, view.query, view.view_id) for view in own]
    shown = [View(name, listing.address(kept), kept == query, key) for name, kept, key in named]
    typed, wrong = g.get("view_not_kept", ("", None))
    return Bar(shown, _address(listing.file, query), typed, wrong)


def keeps_views(listing: Listing, query: Callable[[], str]) -> Callable[[Callable[[], str]], Callable[[], Answer]]:
    """Let a list's address take a form, too, that gives its filter a name.

    Args:
        listing: Which list.
        query: Returns the filter that the address asks for.
    """

    def around(show: Callable[[], str]) -> Callable[[], Answer]:
        @wraps(show)
        def answer() -> Answer:
            if request.method != "POST":
                return show()
            name = saved_views.clean(request.form.get("name", ""))
            wrong = saved_views.save(desk(), listing.page, name, query())
            if wrong is None:
                return redirect(listing.address(query()), code=303)
            g.view_not_kept = (name, wrong)
            return show(), 422

        return answer

    return around


def _address(endpoint: str, query: str) -> str:
    return f"{url_for(endpoint)}?{query}" if query else url_for(endpoint)
