"""Views of lists: forgetting one of one's own; a list itself keeps them."""

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response

from collector.web.desk import desk
from collector.web.http.frame import back_address
from collector.web.people import saved_views

BLUEPRINT = Blueprint("views", __name__)


@BLUEPRINT.post("/views/forget")
def forget() -> Response:
    """Forget a view of one's own, and go back to its list."""
    saved_views.forget(desk(), request.form.get("view", "")[:100])
    return redirect(back_address(request.form.get("back")) or url_for("overview.show"), 303)
