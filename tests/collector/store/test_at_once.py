"""Deeds that come at the same moment: on PostgreSQL nothing but a lock makes one wait for the other."""

import pytest

from collector import operate
from collector.registry import imports, undo
from collector.registry.imports import Deed
from collector.registry.plan import SCHOOLS
from collector.store import version
from collector.store.migrations.run import migrate
from collector.store.open import Store
from collector.store.queries import facts, use_limits
from collector.store.queries import imports as stored
from collector.store.queries.use_limits import LimitsDecision
from collector.store.secrets_kept import secret
from collector.web.register import FORM_SECRET
from tests.fakes.at_once import at_once
from tests.fakes.collector_world import FakeClock, fake_ports
from tests.fakes.databases import OnServer
from tests.fakes.school_days import a_registry

ROUNDS = 8
NOW_MS = 1_795_525_509_123


def deed(seed: int = 1) -> Deed:
    return Deed("ana", fake_ports(FakeClock(NOW_MS), seed=seed), "UTC")


def test_each_raise_of_the_settings_version_counts(store: Store) -> None:
    def once() -> None:
        with store.unit() as unit:
            facts.raise_settings_version(unit)
            unit.commit()

    for _ in range(ROUNDS):
        at_once(once, once)
    with store.reader() as snapshot:
        assert facts.find_fact(snapshot, facts.SETTINGS_VERSION) == str(2 * ROUNDS)


def test_each_decision_about_limits_has_a_number_of_its_own(store: Store) -> None:
    def once() -> None:
        with store.unit() as unit:
            use_limits.hold(unit)
            newest = use_limits.in_force(unit)
            use_limits.add(unit, LimitsDecision((newest.number if newest else 0) + 1, None, "", NOW_MS, "ana"))
            unit.commit()

    for _ in range(ROUNDS):
        at_once(once, once)
    with store.reader() as snapshot:
        assert [one.number for one in use_limits.decisions(snapshot)] == list(range(2 * ROUNDS, 0, -1))


def test_two_processes_that_start_sign_forms_with_one_secret(store: Store) -> None:
    kept: list[str] = []
    at_once(
        *(
            lambda seed=seed: kept.append(secret(store, FORM_SECRET, deed(seed).ports.randomness.token_bytes))
            for seed in (1, 2, 3)
        )
    )
    assert len(kept) == 3 and len(set(kept)) == 1


def test_one_of_two_who_take_an_import_back_does_it(store: Store) -> None:
    with store.unit() as unit:
        raw = a_registry("a,Uno", heading="code,name")
        _plan, identity = imports.bring(
            unit, imports.read(raw), "s.csv", "The file", deed(), kind=SCHOOLS, dry_run=False
        )
        unit.commit()
    with store.reader() as snapshot:
        one = imports.require(snapshot, identity)  # both have read it before
    done: list[undo.Undo | None] = []

    def take_back(seed: int) -> None:
        with store.unit() as unit:
            done.append(undo.undo(unit, one, None, deed(seed)))
            unit.commit()

    at_once(lambda: take_back(2), lambda: take_back(3))
    assert sorted(found is None for found in done) == [False, True]
    with store.reader() as snapshot:
        assert stored.count_imports(snapshot) == 2


def test_one_of_two_who_confirm_a_file_does_it(store: Store) -> None:
    raw = a_registry("a,Uno", heading="code,name")
    with store.unit() as unit:
        one = imports.look_at(unit, imports.read(raw), "s.csv", deed())
        seen = imports.plan_file(unit, imports.read(raw)).digest()
        unit.commit()
    with store.unit() as unit:
        assert imports.apply(unit, one, imports.read(raw), seen, deed()) is not None
        unit.commit()
    with store.unit() as unit:  # `one` is as it was read before
        again = imports.plan_file(unit, imports.read(raw)).digest()
        assert imports.apply(unit, one, imports.read(raw), again, deed()) is None


def test_init_and_migrate_wait_for_each_other(request: pytest.FixtureRequest) -> None:
    server: OnServer = request.getfixturevalue("on_server")
    with server.bare() as url:
        at_once(lambda: migrate(url), lambda: migrate(url), lambda: operate.init(url, deed().ports))
        assert version.find(url) == version.REVISIONS[-1]
