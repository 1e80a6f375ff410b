"""A school with measurements on its days, through the same insert as real ones."""

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from agent.wire import codec, forms
from collector.registry.plan import ImportReport
from collector.store.open import Store
from collector.store.queries import measurements
from collector.store.queries.measurements import Placed
from tests.fakes.records import a_direction, a_measurement
from tests.fakes.registry_files import import_schools

HOURS = ("08:11", "09:23", "11:31", "13:17", "14:49", "16:37")
WIDTH = len(HOURS)


def a_registry(*rows: str, heading: str = "code,name,timezone,students_total") -> bytes:
    return "\n".join((heading, *rows)).encode()


def bring(store: Store, content: bytes, now_ms: int, **options: Any) -> ImportReport:
    with store.unit() as unit:
        report = import_schools(unit, content, now_ms=now_ms, **options)
        unit.commit()
    return report


def weekdays(last: date, count: int) -> list[date]:
    """Return so many weekdays up to `last`, oldest first."""
    found: list[date] = []
    while len(found) < count:
        if last.weekday() < 5:
            found.append(last)
        last -= timedelta(days=1)
    return found[::-1]


def at_ms(day: date, hour: str, zone: str = "UTC") -> int:
    local = datetime.combine(day, datetime.strptime(hour, "%H:%M").time(), ZoneInfo(zone))
    return round(local.timestamp() * 1000)


class Town:
    """Puts measurements into a store; `received_ms` of each is a second after its start unless said."""

    def __init__(self, store: Store, device: str = "d1") -> None:
        self.store, self.device, self.number = store, device, 0

    def measure(
        self, school: str | None, started_ms: int, download_bps: int, *, received_ms: int | None = None, **changes: Any
    ) -> str:
        rid = self._put([self._placed(school, started_ms, download_bps, received_ms, changes)])
        return rid[0]

    def measure_all(self, tests: Sequence[tuple[str, int, int]]) -> None:
        """Measure many at once: school, start in Unix milliseconds, bit/s."""
        self._put([self._placed(school, started_ms, bps, None, {}) for school, started_ms, bps in tests])

    def day(self, school: str, day: date, speeds_bps: Sequence[int], zone: str = "UTC", **changes: Any) -> list[str]:
        """Measure at so many of HOURS."""
        hours = HOURS if len(speeds_bps) > 1 else HOURS[:1]
        return self._put(
            [
                self._placed(school, at_ms(day, hour, zone), speed, None, changes)
                for hour, speed in zip(hours, speeds_bps, strict=False)
            ]
        )

    def _placed(
        self, school: str | None, started_ms: int, bps: int, received_ms: int | None, changes: dict[str, Any]
    ) -> Placed:
        self.number += 1
        item = a_measurement(
            self.number, started_at=forms.format_time(started_ms), **{"download": a_direction(bps), **changes}
        )
        return Placed(
            decoded=codec.decode_item(json.dumps(item).encode()),
            device=self.device,
            school=school,
            at_ms=started_ms,
            end_ms=started_ms,
            time_quality="exact",
            time_width_ms=0,
            received_ms=received_ms or started_ms + 1000,
        )

    def _put(self, placed: list[Placed]) -> list[str]:
        with self.store.unit() as unit:
            measurements.insert_once(unit, placed)
            unit.commit()
        return [one.decoded.record.rid for one in placed]
