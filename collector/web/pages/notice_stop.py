"""The page at the end of every message: no more of these, with one press and without signing in (RFC 8058).

Its address is signed, so it asks for no token of a form: mail programs post to it by themselves.
"""

from dataclasses import asdict

from flask import Blueprint, abort
from werkzeug.wrappers import Response

from collector.domain.notice_rules import Preference, Topic
from collector.notify import stop_link
from collector.notify.stop_link import Stop
from collector.store.queries import users
from collector.store.queries.notices import preferences
from collector.store.queries.notices.preferences import PERSON
from collector.web.desk import desk
from collector.web.http.frame import page
from collector.web.people import audited
from collector.web.people.access import for_everyone
from collector.web.words import notice_words

BLUEPRINT = Blueprint("notice_stop", __name__)


def _stop(token: str) -> Stop:
    with desk().store.reader() as snapshot:
        secret = stop_link.kept_secret(snapshot)
    found = None if secret is None else stop_link.read(secret, token)
    if found is None:
        abort(404)
    return found


def _page(stop: Stop, *, is_done: bool) -> str:
    with desk().store.reader() as snapshot:
        return page("notices/stop.html", snapshot, topic=notice_words.TOPICS[stop.topic], is_done=is_done)


@BLUEPRINT.get(f"{stop_link.PATH}<token>")
@for_everyone
def show(token: str) -> str:
    """Ask whether such messages are to stop: programs that look at every link change nothing."""
    return _page(_stop(token), is_done=False)


@BLUEPRINT.post(f"{stop_link.PATH}<token>")
@for_everyone
def stop(token: str) -> str | Response:
    """Send such messages no more."""
    found, parts = _stop(token), desk()
    with parts.store.unit() as unit:
        user = users.find_user_by_id(unit, found.user_id)
        if user is not None and found.topic != Topic.TEST:
            said = preferences.said_of(unit, user.role, user.user_id)[PERSON]
            changed = Preference(**{**asdict(said), found.topic: False})
            preferences.say(unit, PERSON, user.user_id, changed, parts.now_ms, user.name)
            audited.note(unit, "notice.stop", user.name, found.topic)
            unit.commit()
    return _page(found, is_done=True)
