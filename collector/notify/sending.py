"""Sends what waits in the outbox: claimed in one transaction, sent while holding none, settled in another.

A process that is killed between the two has told at most one reader something that nobody knows of; its claim ends by
itself and the notice goes out again under the same identity, by which the receiver knows it.

What goes out is what its reader may see and wants at that moment. What is not any more is taken back, with the reason
in the log, and what it told is told no longer: the next decision writes it anew for the reader as they are now.
"""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from collector.config import CollectorConfig
from collector.domain import notice_fitting as fitting
from collector.domain.notice_delivery import OF_SERVER, UNTRIED, Outcome, Result, State, after
from collector.domain.notice_rules import quiet_ends_ms
from collector.domain.scope import Scope
from collector.notify import hook_body, letters, readers, stop_link
from collector.notify.letters import Sender
from collector.notify.readers import HOOK, USER
from collector.notify.senders import Mailer, Poster
from collector.notify.settings import NotifyConfig, base_url
from collector.ports import Ports
from collector.store.open import Store
from collector.store.queries import schools
from collector.store.queries.notices import outbox, webhooks
from collector.store.queries.notices.outbox import Notice

LOG = logging.getLogger(__name__)

CLAIM_MS: Final = 5 * 60_000  # longer than any one try can take
_ROUND: Final = 200  # notices of one turn
_GIVE_UP: Final = 3  # so many faults of the server one after another end the turn: the rest comes with the next


Send = Callable[[Notice, str], Result]
"""Sends a notice to an address."""


@dataclass(frozen=True)
class Outbox:
    """What sending needs in one hand."""

    store: Store
    config: CollectorConfig
    ports: Ports

    @property
    def now_ms(self) -> int:
        """The moment."""
        return self.ports.clock.now_ms()


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

    def send(notice: Notice, to: str) -> Result:
        return mailer.send(letters.mail(notice, to, notice.reader.removeprefix(USER), sender), to)

    return _turn(Outbox(store, config, ports), USER, send)


def send_hooks(store: Store, config: CollectorConfig, ports: Ports, poster: Poster) -> Round:
    """Post to the webhooks what is due."""

    def post(notice: Notice, to: str) -> Result:
        with store.reader() as snapshot:
            hook = webhooks.find(snapshot, notice.reader.removeprefix(HOOK))
        if hook is None:
            return Result(Outcome.GONE, to)
        body = hook_body.body_of(notice, config.name, base_url(config))
        return poster.post(to, body, hook_body.headers_of(notice, body, hook.secret, ports.clock.now_ms()))

    return _turn(Outbox(store, config, ports), HOOK, post)


def _turn(box: Outbox, prefix: str, send: Send) -> Round:
    with box.store.reader() as snapshot:
        due = outbox.list_due(snapshot, box.now_ms, prefix, _ROUND)
    sent = failed = 0
    faults: dict[str, int] = {}  # in a row, by address for webhooks and together for the one mail server
    for notice_id in due:
        result = _send_one(box, notice_id, send)
        if result is None:
            continue
        if result.outcome is Outcome.SENT:
            sent += 1
        elif result.outcome not in UNTRIED:
            failed += 1
        server = "" if prefix == USER else result.address
        faults[server] = faults.get(server, 0) + 1 if result.outcome in OF_SERVER else 0
        if prefix == USER and faults[server] >= _GIVE_UP:
            break
    return Round(sent, failed)


def _send_one(box: Outbox, notice_id: str, send: Send) -> Result | None:
    """Send one notice that nobody else has in hand; None where somebody has."""
    now_ms = box.now_ms
    with box.store.unit() as unit:
        notice = outbox.claim(unit, notice_id, now_ms, now_ms + CLAIM_MS)
        unit.commit()
    if notice is None:
        return None
    try:
        found = _who_gets(box, notice)
        result = send(notice, found) if isinstance(found, str) else found
    except Exception as error:  # one notice that cannot be said must not keep the others
        LOG.exception("notice.unsaid", extra={"notice": notice_id})
        result = Result(Outcome.UNSAID, "", type(error).__name__)
    stands = after(result, notice.tries, box.now_ms)
    with box.store.unit() as unit:
        if stands.state is State.TAKEN_BACK:
            outbox.hold(unit)
            outbox.untell(unit, notice)
        outbox.settle(unit, notice, result, stands, box.now_ms)
        unit.commit()
    if stands.state is State.FAILED:
        LOG.error("notice.failed", extra={"notice": notice_id, "outcome": result.outcome.value})
    return result


def _who_gets(box: Outbox, notice: Notice) -> str | Result:
    """Return the address of a notice's reader, or why the notice is not to go out now."""
    now_ms, told = box.now_ms, json.loads(notice.payload)
    with box.store.reader() as snapshot:
        listed = readers.find_reader(snapshot, box.config, notice.reader, notice.zone, now_ms)
    if listed is None:
        return Result(Outcome.GONE, "")
    if not listed.address:
        return Result(Outcome.NO_ADDRESS, "")
    is_same = outbox.is_for(notice, listed.scope)
    unseen = _unseen(box.store, listed.scope, fitting.schools_of(told))
    why = fitting.misfit(notice.topic, told, listed.reader, now_ms, is_same_scope=is_same, unseen=unseen)
    if why is None:
        return listed.address
    ends_ms = quiet_ends_ms(listed.reader.wants.quiet, now_ms, listed.reader.zone) if why is Outcome.QUIET else None
    return Result(why, listed.address, until_ms=ends_ms)


def _unseen(store: Store, scope: Scope, codes: set[str]) -> set[str]:
    """Return the schools of some that a scope does not have; who sees the whole country sees all."""
    if scope.is_whole or not codes:
        return set()
    with store.reader(scope) as snapshot:
        return codes - schools.by_code(snapshot, sorted(codes)).keys()
