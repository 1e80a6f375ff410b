"""What is wrong with Enlace itself, for those who may see it: one small fact, asked for every few seconds."""

from threading import Lock
from typing import Final

from flask import current_app

from collector.domain.notice_facts import IllnessFact
from collector.domain.notice_rules import may_know_illness
from collector.notify import watch
from collector.notify.tongue import Tongue
from collector.notify.watch import Looked
from collector.notify.words import ill
from collector.store.unit import Snapshot
from collector.web.desk import desk
from collector.web.language.i18n import language
from collector.web.people.access import Person

_KEPT_MS: Final = 15_000


class _Kept:
    """What was found last, by this process."""

    def __init__(self) -> None:
        self.at_ms: int | None = None
        self.looked = Looked(None, None)
        self.lock = Lock()


def found(snapshot: Snapshot, person: Person | None) -> list[tuple[str, str]]:
    """Return (word, sentence) of everything that is wrong, nothing for who need not know."""
    known = _now(snapshot)  # by every page, so that it is known already when somebody who may see it comes
    if person is None or not may_know_illness(person.role, is_whole=person.scope.is_whole):
        return []
    tongue = Tongue(language())
    return [(one.word, ill(one.word, one.numbers, tongue)) for one in known]


def _now(snapshot: Snapshot) -> list[IllnessFact]:
    kept: _Kept = current_app.extensions.setdefault("enlace_illness", _Kept())
    now_ms = desk().now_ms
    with kept.lock:
        if kept.at_ms is None or not 0 <= now_ms - kept.at_ms < _KEPT_MS:
            kept.at_ms, kept.looked = now_ms, watch.read_looked(snapshot)
        looked = kept.looked
    return watch.illnesses(looked, now_ms)
