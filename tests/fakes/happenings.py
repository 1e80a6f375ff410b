"""Hazards and outages that come, change and go, through the code that keeps them."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from collector.evaluate import hazards as evaluation
from collector.evaluate import outages as watch
from collector.store.open import Store
from collector.store.queries import hazards
from collector.store.queries.hazards import Hazard, Placed
from tests.fakes.school_days import at_ms

HAZARD, OUTAGE = "h1", "0123456789abcdef"


def declare(store: Store, school: str, begins: date, ends: date | None = None, **more: Any) -> None:
    """Declare a hazard over a school that has the deployment's zone, UTC."""
    ends_ms = at_ms(ends, "12:00") if ends else None
    begins_ms = at_ms(begins, "12:00")
    hazard = Hazard(HAZARD, "Ana", "hurricane", False, "", (), begins_ms, ends_ms, begins_ms, "otto", 1, 1)
    with store.unit() as unit:
        members = [Placed(school, None, None, None, None, is_demo=False)]
        evaluation.declare(unit, replace(hazard, **more), members, profile="p", default_zone="UTC")
        unit.commit()


def redate(store: Store, begins: date, ends: date | None) -> None:
    """Let the hazard have begun and ended on other days."""
    with store.unit() as unit:
        hazard = hazards.find(unit, HAZARD)
        assert hazard is not None
        ends_ms = at_ms(ends, "12:00") if ends else None
        assert evaluation.redate(unit, hazard, at_ms(begins, "12:00"), ends_ms, "UTC")
        unit.commit()


def outage_rows(schools: list[str], first: date, days: int, state: str = "closed", **more: Any) -> tuple[Any, Any]:
    """Return the row of an outage, and those of its schools: of a retracted one no day is taken."""
    from_ms, to_ms = at_ms(first, "09:00"), at_ms(first + timedelta(days=days - 1), "12:00")
    closed_ms = None if state in ("open", "recovering") else to_ms
    row = {
        "outage_id": OUTAGE, "kind": "regional", "label": "provider", "state": state, "area": "", "provider": "Onda",
        "suspected_ms": from_ms, "opened_ms": from_ms, "recovered_ms": None, "whole_ms": None, "closed_ms": closed_ms,
        "from_ms": from_ms, "to_ms": closed_ms, "online": 20, "silent": 20, "usual": 0.01, "chance": 1e-9,
        "near_online": 20, "near_silent": 0, "confirmed": 0, "pupils": None, "pupil_hours": None, "timeline": "[]",
        "learnt_ms": None, "seen_live": True, "began_ms": from_ms, "live_label": "provider", **more,
    }  # fmt: skip
    taken = [(first + timedelta(days=number)).isoformat() for number in range(days)] if state != "retracted" else []
    member = {
        "outage_id": OUTAGE, "heard_ms": from_ms, "back_ms": closed_ms, "is_late_only": False, "said": "",
        "from_ms": from_ms, "to_ms": closed_ms, "pupil_hours": None,
        "days": "[" + ", ".join(f'"{day}"' for day in taken) + "]",
    }  # fmt: skip
    return row, [{**member, "school": school} for school in schools]


def break_down(store: Store, schools: list[str], first: date, days: int = 1, state: str = "closed") -> None:
    """Let an outage stand as said."""
    with store.unit() as unit:
        watch.keep(unit, OUTAGE, [outage_rows(schools, first, days, state)])
        unit.commit()
