"""Sends what waits in the outbox: claimed in one transaction, sent while holding none, settled in another.

A process that is killed between the two has told at most one reader something that nobody knows of; its claim ends by
itself and the notice goes out again under the same identity, by which the receiver knows it.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from collector.config import CollectorConfig
from collector.domain.notice_delivery import OF_SERVER, Outcome, Result, State, after
from collector.notify import hook_body, letters, stop_link
from collector.notify.letters import Sender
from collector.notify.readers import HOOK, USER
from collector.notify.senders import Mailer, Poster
from collector.notify.settings import NotifyConfig, base_url
from collector.ports import Ports
from collector.store.open import Store
from collector.store.queries import users
from collector.store.queries.notices import outbox, webhooks
from collector.store.queries.notices.outbox import Notice

LOG = logging.getLogger(__name__)

CLAIM_MS: Final = 5 * 60_000  # longer than any one try can take
_ROUND: Final = 200  # notices of one turn
_GIVE_UP: Final = 3  # so many faults of the server one after another end the turn: the rest comes with the next


@dataclass(frozen=True)
class Round:
    """What one turn of sending did."""

    sent: int = 0
    failed: int = 0  # tries, not notices


def send_mail(store: Store, config: CollectorConfig, notify: NotifyConfig, ports: Ports, mailer: Mailer) -> Round:
    """Send the mails that are due; without a mail server they wait."""
    if not notify.has_mail:
        return Round()
    secret = stop_link.secret_of(store, ports)
    sender = Sender(notify.from_address, config.name, base_url(config), secret)

    def send(notice: Notice) -> Result:
        user_id = notice.reader.removeprefix(USER)
        with store.reader() as snapshot:
            user = users.find_user_by_id(snapshot, user_id)
        if user is None or not user.email or user.disabled_ms is not None:
            return Result(Outcome.NO_ADDRESS, "")
        return mailer.send(letters.mail(notice, user.email, user_id, sender), user.email)

    return _turn(store, ports, USER, send)


def send_hooks(store: Store, config: CollectorConfig, ports: Ports, poster: Poster) -> Round:
    """Post to the webhooks what is due."""

    def post(notice: Notice) -> Result:
        with store.reader() as snapshot:
            hook = webhooks.find(snapshot, notice.reader.removeprefix(HOOK))
        if hook is None or hook.ended_ms is not None:
            return Result(Outcome.NO_ADDRESS, hook.url if hook else "")
        body = hook_body.body_of(notice, config.name, base_url(config))
        return poster.post(hook.url, body, hook_body.headers_of(notice, body, hook.secret, ports.clock.now_ms()))

    return _turn(store, ports, HOOK, post)


def _turn(store: Store, ports: Ports, prefix: str, send: Callable[[Notice], Result]) -> Round:
    with store.reader() as snapshot:
        due = outbox.list_due(snapshot, ports.clock.now_ms(), prefix, _ROUND)
    sent = failed = 0
    faults: dict[str, int] = {}  # in a row, by address for webhooks and together for the one mail server
    for notice_id in due:
        result = _send_one(store, ports, notice_id, send)
        if result is None:
            continue
        if result.outcome is Outcome.SENT:
            sent += 1
        else:
            failed += 1
        server = "" if prefix == USER else result.address
        faults[server] = faults.get(server, 0) + 1 if result.outcome in OF_SERVER else 0
        if prefix == USER and faults[server] >= _GIVE_UP:
            break
    return Round(sent, failed)


def _send_one(store: Store, ports: Ports, notice_id: str, send: Callable[[Notice], Result]) -> Result | None:
    """Send one notice that nobody else has in hand; None where somebody has."""
    now_ms = ports.clock.now_ms()
    with store.unit() as unit:
        notice = outbox.claim(unit, notice_id, now_ms, now_ms + CLAIM_MS)
        unit.commit()
    if notice is None:
        return None
    try:
        result = send(notice)
    except Exception as error:  # one notice that cannot be said must not keep the others
        LOG.exception("notice.unsaid", extra={"notice": notice_id})
        result = Result(Outcome.UNSAID, "", type(error).__name__)
    now_ms = ports.clock.now_ms()
    stands = after(result, notice.tries, now_ms)
    with store.unit() as unit:
        outbox.settle(unit, notice, result, stands, now_ms)
        unit.commit()
    if stands.state is State.FAILED:
        LOG.error("notice.failed", extra={"notice": notice_id, "outcome": result.outcome.value})
    return result
