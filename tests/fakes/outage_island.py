"""Forty schools of three providers in one area whose computers post every 15 minutes, give or take a tenth.

Who is heard is written as the intake writes it; with `signs` every post is a signed batch through the real intake.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert, select

from collector.config import CollectorConfig
from collector.domain.notice_facts import OutageFact
from collector.evaluate import outages as evaluation
from collector.intake.parts import Parts
from collector.store.open import Store
from collector.store.queries import contacts, facts
from collector.store.queries.judging import outages
from collector.store.tables.measurements import DIARY
from collector.store.tables.outages import OUTAGES
from tests.fakes.collector_world import FakeClock, fake_ports
from tests.fakes.registry_files import import_schools
from tests.fakes.wire_device import WireDevice, a_token

MINUTE_MS = 60_000
ZONE = "America/Barbados"  # four hours behind
PROVIDERS = {"Onda Sur": 20, "Cable Brava": 14, "Alto": 6}
CONFIG = CollectorConfig(default_timezone=ZONE)


def at(text: str, day: int = 24) -> int:
    """Return a local time of a Tuesday in November in UTC milliseconds."""
    hour, minute = (int(part) for part in text.split(":"))
    return round(datetime(2026, 11, day, hour + 4, minute, tzinfo=UTC).timestamp() * 1000)


def everybody(_code: str) -> bool:
    return True


def nobody(_code: str) -> bool:
    return False


@dataclass
class Island:
    """The schools and their time."""

    store: Store
    clock: FakeClock
    signs: Parts | None = None
    area: str = "Costa Sur"
    provider: dict[str, str] = field(default_factory=dict)
    facts: list[OutageFact] = field(default_factory=list)
    devices: dict[str, WireDevice] = field(default_factory=dict)
    due: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = random.Random(7)
        self.ports = fake_ports(self.clock)

    def settle(self) -> None:
        """Put the schools into the registry."""
        rows = ["code,name,timezone,area,provider,students_total"]
        for provider, many in PROVIDERS.items():
            for _ in range(many):
                code = f"S{len(self.provider):03}"
                self.provider[code] = provider
                rows.append(f"{code},School {code},{ZONE},{self.area},{provider},100")
        with self.store.unit() as unit:
            import_schools(unit, "\n".join(rows).encode(), now_ms=self.clock.now_ms())
            unit.commit()
        for number, code in enumerate(self.provider):
            if self.signs is not None:
                self.devices[code] = WireDevice(self.signs, a_token(self.signs, code), seed=number + 10)
                self.devices[code].enrol()
            self.due[code] = self.clock.now_ms() + self.random.uniform(0, 15 * MINUTE_MS)

    def pass_until(
        self, until_ms: int, reaches: Callable[[str], bool] = everybody, *, is_watched: bool = True, every_min: int = 1
    ) -> None:
        """Let time pass, minute by minute: posts first, then the watch."""
        while self.clock.now_ms() < until_ms:
            self.clock.advance(MINUTE_MS)
            now = [code for code in self.due if self.due[code] <= self.clock.now_ms()]
            for code in now:
                self.due[code] += 15 * MINUTE_MS * self.random.uniform(0.9, 1.1)
            self._post([code for code in now if reaches(code)])
            if is_watched and self.clock.now_ms() // MINUTE_MS % every_min == 0:
                self.facts += evaluation.watch(self.store, CONFIG, self.ports)

    def _post(self, codes: list[str]) -> None:
        if self.signs is not None:
            for code in codes:
                self.devices[code].post([])
            return
        with self.store.unit() as unit:
            for code in codes:
                contacts.note(unit, code, self.clock.now_ms())
            unit.commit()

    def add_diary(self, code: str, from_ms: int, to_ms: int, state: str, **more: Any) -> None:
        """Let a run of a school's diary come in now."""
        row = {
            "device": f"d-{code}", "rid": f"{code}-{from_ms}-{to_ms}-{state}", "school": code, "from_ms": from_ms,
            "to_ms": to_ms, "time_quality": "exact", "received_ms": self.clock.now_ms(),
            "slots": (to_ms - from_ms) // 300_000, "slot_s": 300, "state": state, "content_hash": "x", **more,
        }  # fmt: skip
        with self.store.unit() as unit:
            unit.connection.execute(insert(DIARY).values(**row))
            unit.commit()

    def watch_again(self, from_ms: int) -> None:
        """Forget the outages first suspected since a moment, at which none went on, and find them in one look again."""
        seen = OUTAGES.c.seen_live & (OUTAGES.c.suspected_ms >= from_ms)
        with self.store.unit() as unit:
            outages.remove(unit, unit.connection.scalars(select(OUTAGES.c.outage_id).where(seen)).all())
            facts.set_fact(unit, facts.OUTAGES_MINUTE, str(from_ms // MINUTE_MS - 1))
            unit.commit()
        evaluation.watch(self.store, CONFIG, self.ports)

    def rows(self, table: Any = OUTAGES) -> list[dict[str, Any]]:
        with self.store.reader() as snapshot:
            found = snapshot.connection.execute(select(table).order_by(*table.primary_key)).mappings()
            return [dict(row) for row in found]

    def is_cut(self, code: str) -> bool:
        return self.provider[code] == "Onda Sur"

    def is_not_cut(self, code: str) -> bool:
        return not self.is_cut(code)

    @property
    def cut(self) -> list[str]:
        return [code for code in self.provider if self.is_cut(code)]
