"""By how much demand is taken to grow every year, as the deployment has set it."""

from typing import Final

from collector.store.queries import facts
from collector.store.unit import Snapshot, UnitOfWork

# EducationSuperHighway: the need of schools grows by 30 to 50 % a year; the careful end of it.
USUAL: Final = 0.30
_FACT: Final = "demand_growth"


def of_deployment(snapshot: Snapshot) -> float:
    """Return the part by which demand grows a year."""
    found = facts.find_fact(snapshot, _FACT)
    return USUAL if found is None else float(found)


def set_for_deployment(unit: UnitOfWork, growth: float) -> None:
    """Set it for every forecast from now on."""
    facts.set_fact(unit, _FACT, repr(growth))
