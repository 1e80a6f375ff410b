"""What has pages of its own only later: a hazard that goes on, messages that were sent or not, a PC gone silent."""

from sqlalchemy import update

from collector.domain.notice_delivery import Outcome, Result, after
from collector.notify import decide
from collector.store.open import Store
from collector.store.queries import hazards
from collector.store.queries.hazards import Hazard
from collector.store.queries.notices import outbox
from collector.store.tables.devices import DEVICES
from collector.store.tables.registry import SCHOOLS
from tests.fakes.pages_world import NOW_MS, note_silent

HAZARD = Hazard("hazard-1", "Ana", "flood", False, "", ("Norte",), NOW_MS - 1, None, 1, "otto", 1, 1)


def add(store: Store) -> None:
    """Add to the small country a flood with one school to call, a message of each outcome, a PC silent for weeks."""
    with store.unit() as unit:
        old = {"last_contact_ms": NOW_MS - 25 * 86_400_000}
        unit.connection.execute(update(DEVICES).where(DEVICES.c.device == "d-00200-1").values(old))
        unit.connection.execute(update(SCHOOLS).where(SCHOOLS.c.code == "00123").values(phone="555 0101"))
        hazards.add(unit, HAZARD, {"00123": ("2026-11-24", None)}, "")
        for name, outcome in (("otto", Outcome.REFUSED), ("vera", Outcome.SENT)):
            notice = decide.a_test(f"user:user-{name}", "en", "UTC", NOW_MS)
            result = Result(outcome, f"{name}@example.org")
            outbox.add(unit, notice)
            outbox.settle(unit, notice, result, after(result, 0, NOW_MS), NOW_MS)
        unit.commit()
    note_silent(store)
