"""Facts that are many under one beginning of their names: found and dropped on either engine, however it sorts."""

from sqlalchemy import insert

from collector.store.open import Store
from collector.store.queries import facts, given, heard_days
from collector.store.queries.heard_days import Counted
from collector.store.tables.devices import DEVICES

DEVICE = {
    "device": "d-1", "school": "00123", "state": "active", "machine_hash": "00" * 32, "os": "Windows 10",
    "agent_version": "0.1.0", "enrolled_ms": 1, "lineages": 1, "ledger_ready": 0, "last_contact_ms": 7,
}  # fmt: skip


def test_to_whom_a_pc_was_given_is_found(store: Store) -> None:
    with store.unit() as unit:
        unit.connection.execute(insert(DEVICES), DEVICE)
        given.give(unit, "d-1", 7, "otto")
        unit.commit()
    with store.reader() as snapshot:
        assert given.names(snapshot) == given.names(snapshot, ["d-1"]) == {"d-1": "otto"}
        assert given.names(snapshot, ["d-2"]) == {}


def test_counts_of_old_days_are_dropped_and_nothing_else(store: Store) -> None:
    with store.unit() as unit:
        for day in ("2026-09-30", "2026-10-31", "2026-11-01"):
            heard_days.set_counted(unit, day, Counted("b", {"": 3}))
        facts.set_fact(unit, "heard", "kept")
        facts.set_fact(unit, "header", "kept")
        heard_days.forget(unit, "2026-11-01")
        unit.commit()
    with store.reader() as snapshot:
        assert set(heard_days.counted(snapshot, "2026-01-01", "2026-12-31")) == {"2026-11-01"}
        assert facts.find_fact(snapshot, "heard") == facts.find_fact(snapshot, "header") == "kept"
