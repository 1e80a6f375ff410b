"""The days of a school that are not judged because of what happened there; its calendar has others beside them."""

from dataclasses import dataclass
from datetime import date

from collector.domain.words import Suppression


@dataclass(frozen=True)
class Suppressed:
    """What happened at one school, by its local days (ISO dates)."""

    outage_days: frozenset[str] = frozenset()  # of which an outage took so much that they say nothing
    hazards: tuple[tuple[str, str | None], ...] = ()  # first day, and the last one; None: it goes on

    def reason(self, day: date) -> Suppression | None:
        """Return why a day is not judged; None: nothing that happened keeps it from being judged.

        A hazard goes before an outage: a person has declared it, and the outage may be what came of it.
        """
        if not self.hazards and not self.outage_days:  # nearly every school
            return None
        named = day.isoformat()
        if any(first <= named and (last is None or named <= last) for first, last in self.hazards):
            return Suppression.HAZARD
        return Suppression.OUTAGE if named in self.outage_days else None


NOTHING = Suppressed()
