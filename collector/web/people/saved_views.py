"""Filters of lists under names of a person's own."""

import re
from typing import Final

from markupsafe import Markup

from collector.store.queries import views
from collector.store.queries.views import SavedView
from collector.web.desk import Desk
from collector.web.language.i18n import say
from collector.web.people import access, audited

AT_MOST: Final = 30
_LONGEST_NAME: Final = 60
_DIRT = re.compile("[\0-\x1f\x7f]")


def clean(name: str) -> str:
    """Return a name as it is kept, without signs that cannot be seen."""
    return " ".join(_DIRT.sub(" ", name).split())


def save(parts: Desk, page: str, name: str, query: str) -> Markup | None:
    """Keep a filter under a name.

    Args:
        parts: Store and clock.
        page: Which list.
        name: As `clean` returns it.
        query: The filter as it stands in the address.

    Returns:
        What is wrong with the name; None where the filter is kept.
    """
    person = access.person()
    if person is None or not name:
        return say("Give the view a name: nothing was saved.")
    if len(name) > _LONGEST_NAME:
        return say("This is too long: at most %(num)s letters.", num=_LONGEST_NAME)
    with parts.store.unit() as unit:
        if views.is_name_taken(unit, person.user_id, page, name):
            return say("You have a view of this name. Choose another, or forget that one first.")
        if len(views.list_views(unit, person.user_id, page)) >= AT_MOST:
            return say("You have %(num)s views, which is the most. Forget one first.", num=AT_MOST)
        views.add_view(unit, SavedView(audited.new_id(), person.user_id, page, name, query, parts.now_ms))
        audited.note(unit, "view_saved", f"{page}: {name}", query)
        unit.commit()
    return None


def forget(parts: Desk, view_id: str) -> None:
    """Forget a view of who asks; one that is not theirs, or gone, is none."""
    person = access.person()
    if person is None:
        return
    with parts.store.unit() as unit:
        view = views.delete_view(unit, person.user_id, view_id)
        if view is None:
            return
        audited.note(unit, "view_forgotten", f"{view.page}: {view.name}", view.query)
        unit.commit()
