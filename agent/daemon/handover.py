"""What is stored goes to the collector: batch by batch, and what its answers say beside their items is heeded.

`agent.spool` says what waits and takes what became of it; `agent.uplink` signs, posts and reads the answer. The last
hop of a measurement's walk on this computer.
"""

import logging
import threading

from agent.ports import Clock
from agent.spool.store import SETTINGS_VERSION, STORE_EPOCH, Spool
from agent.uplink import settings
from agent.uplink.contact import Contact
from agent.uplink.decide import Effect
from agent.uplink.post import Posted
from agent.wire import limits

LOG = logging.getLogger(__name__)

OFFER_AGAIN_MS = 3_600_000  # what was handed over is offered again at most so often, whatever the answers say
ROOM_IN_BATCH_BYTES = limits.BATCH_INFLATED_BYTES - 1_000


class Handover:
    """Hands over what one computer has stored."""

    def __init__(self, clock: Clock, spool: Spool, contact: Contact, cancelled: threading.Event) -> None:
        """Join the spool and the contact.

        Args:
            clock: For the pace of what is offered again.
            spool: Where measurements are kept.
            contact: With the collector.
            cancelled: Set = no further batch.
        """
        self._clock, self._spool, self._contact, self._cancelled = clock, spool, contact, cancelled
        self._posting = threading.Lock()
        self._offered_ms: dict[str, int] = {}  # what was offered again last, by cause; monotonic
        self.settings_are_old = False
        self.posts = True  # False: a daemon beside this process hands over what is stored

    def post(self, *, fresh: bool = False, heartbeat: bool = False) -> None:
        """Post what waits, batch by batch, as long as the contact is good and does not ask to wait.

        Args:
            fresh: Something was measured just now; only a failed contact holds it back, not the pace of a backlog.
            heartbeat: Post even if nothing waits.
        """
        with self._posting:
            while self.posts and self._contact.wait_s(fresh=fresh) <= 0 and not self._cancelled.is_set():
                rows = self._spool.next_batch(self._contact.pace.max_items, ROOM_IN_BATCH_BYTES)
                if not rows and not heartbeat:
                    return
                posted = self._contact.send(rows)
                if posted is None:
                    return
                if posted.decided:
                    self._spool.apply(posted.decided)
                self._heed(posted)
                if posted.decision.effect is not Effect.APPLY or not posted.decided:
                    return
                fresh = heartbeat = False

    def renew_settings(self) -> None:
        """Fetch the collector's settings if an answer said that ours are old; a daemon has a job for it."""
        if self.settings_are_old and self._contact.fetch_settings() is not None:
            self.settings_are_old = False

    def _heed(self, posted: Posted) -> None:
        """Act on what a good answer says beside its items."""
        answer = posted.answer
        if answer is None:
            return
        LOG.info("post.done", extra={"items": posted.sent_items, "decided": len(posted.decided)})
        if self._may_offer(STORE_EPOCH, answer.store_epoch):
            self._spool.offer_again(answer.store_epoch)
        told = settings.stored(self._spool)
        if told is None or told.version != answer.settings_version:
            if self._may_offer(SETTINGS_VERSION, answer.settings_version):
                self._spool.offer_deferred(answer.settings_version)
            self.settings_are_old = True

    def _may_offer(self, key: str, told: str) -> bool:
        """Return whether a value is news that rows are offered again for.

        Not twice within an hour: two collectors that take turns at one address would ask for it with every answer.
        """
        before = self._spool.get_state(key)
        mono_ms, last_ms = self._clock.mono_ms(), self._offered_ms.get(key)
        if before == told or (last_ms is not None and mono_ms - last_ms < OFFER_AGAIN_MS):
            return False
        if before is not None:
            self._offered_ms[key] = mono_ms
        return True
