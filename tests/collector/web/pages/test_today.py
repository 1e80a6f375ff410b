"""The tests of today are all that there are, also where those that came long ago are counted once."""

import pytest
from flask import Flask
from sqlalchemy import func, insert, select

from collector.domain.scope import WHOLE, Scope
from collector.store.open import Store
from collector.store.queries import newness
from collector.store.queries.pages import overview
from collector.store.tables.measurements import MEASUREMENTS
from collector.store.tables.registry import SCHOOLS
from collector.web.desk import desk
from collector.web.views import today
from tests.fakes import pages_world

SCOPES = (WHOLE, Scope(frozenset({"Norte"})))
MIDNIGHT_MS = pages_world.NOW_MS - 8 * 3_600_000


def shown(app: Flask, store: Store, scope: Scope) -> int:
    with app.app_context(), store.reader(scope) as snapshot:
        return today.look(snapshot, desk(), MIDNIGHT_MS).measurements


def there(store: Store, scope: Scope) -> int:
    with store.reader(scope) as snapshot:
        joined = MEASUREMENTS.join(SCHOOLS, SCHOOLS.c.code == MEASUREMENTS.c.school) if scope.areas else MEASUREMENTS
        query = select(func.count()).select_from(joined).where(MEASUREMENTS.c.started_ms >= MIDNIGHT_MS)
        return int(snapshot.connection.execute(query).scalar_one())


def come(store: Store, name: str, ages_s: tuple[int, ...]) -> None:
    """Let a test of each school come so many seconds ago."""
    with store.unit() as unit:
        every = select(MEASUREMENTS).order_by(MEASUREMENTS.c.started_ms.desc())
        newest = {row["school"]: dict(row) for row in unit.connection.execute(every).mappings()}
        for age_s in ages_s:
            at = {"started_ms": pages_world.NOW_MS - 1000 * age_s, "received_ms": pages_world.NOW_MS - 1000 * age_s}
            rows = [row | at | {"rid": f"{name}-{age_s}-{number}"} for number, row in enumerate(newest.values())]
            unit.connection.execute(insert(MEASUREMENTS), rows)
        unit.commit()


@pytest.mark.parametrize("from_index", [True, False])
def test_the_tests_of_today_are_all_that_there_are(
    app: Flask, country: Store, monkeypatch: pytest.MonkeyPatch, from_index: bool
) -> None:
    monkeypatch.setattr(overview, "counts_from_index", lambda _: from_index)
    counts = []
    for name, ages_s in (("a", (7000, 121, 120, 119, 0)), ("b", (5, 100)), ("c", (60,))):
        come(country, name, ages_s)
        if name == "c":
            with country.unit() as unit:
                newness.raise_verdicts(unit)
                unit.commit()
        counts.append([shown(app, country, scope) for scope in SCOPES])
        assert counts[-1] == [there(country, scope) for scope in SCOPES]
    assert counts[0] < counts[1] < counts[2] and all(whole > part > 0 for whole, part in counts)
