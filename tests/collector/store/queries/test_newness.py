"""What pages remember goes by: no two states of the verdicts have one number."""

from collections.abc import Callable

from sqlalchemy import delete, insert, select

from collector.store.open import Store
from collector.store.queries import facts, networks, newness, sites
from collector.store.queries.judging import judgement
from collector.store.tables.people import FACTS
from collector.store.unit import UnitOfWork


def test_every_writing_leaves_another_number(store: Store) -> None:
    seen = []
    for _ in range(12):
        with store.unit() as unit:
            newness.raise_verdicts(unit)
            unit.commit()
        with store.reader() as snapshot:
            seen.append(newness.newness(snapshot).verdicts)
    assert len(set(seen)) == 12


def test_a_backup_that_is_brought_back_and_written_on_has_no_number_of_before(store: Store) -> None:
    """A counter would come by the same number again, and pages remember another state under it."""

    def write() -> None:
        with store.unit() as unit:
            for raised in (newness.raise_verdicts, newness.raise_set_aside, newness.raise_standings):
                raised(unit)
            unit.commit()

    def now() -> tuple[str, ...]:
        with store.reader() as snapshot:
            known = newness.newness(snapshot)
            return known.verdicts, known.set_aside, newness.standings(snapshot).written

    write()
    with store.reader() as snapshot:
        backup = [dict(row) for row in snapshot.connection.execute(select(FACTS)).mappings()]
    at_backup = now()
    write()
    seen = [at_backup, now()]
    with store.unit() as unit:
        unit.connection.execute(delete(FACTS))
        unit.connection.execute(insert(FACTS), backup)
        unit.commit()
    assert now() == at_backup, "what was remembered of it is right again"
    write()
    assert all(one not in known for one, *known in zip(now(), *seen, strict=True))


def test_a_copy_of_the_database_is_another_one(store: Store) -> None:
    with store.reader() as snapshot:
        before = newness.newness(snapshot), newness.standings(snapshot), newness.registry(snapshot)
    with store.unit() as unit:
        facts.set_fact(unit, facts.STORE_EPOCH, "drawn by whoever restored it")
        unit.commit()
    with store.reader() as snapshot:
        after = newness.newness(snapshot), newness.standings(snapshot), newness.registry(snapshot)
    assert all(one != two for one, two in zip(before, after, strict=True))


def test_what_is_not_written_changes_nothing(store: Store) -> None:
    with store.reader() as snapshot:
        before = newness.newness(snapshot)
    with store.unit() as unit:
        newness.raise_verdicts(unit)
    with store.reader() as snapshot:
        assert newness.newness(snapshot) == before


VOTES: list[Callable[[UnitOfWork], None]] = [
    judgement.unjudge_everything,
    judgement.forget_everything,
]
STANDINGS: list[Callable[[UnitOfWork], None]] = [
    lambda unit: sites.renew_standings(unit, ["00123"], "2026-11-01"),
    lambda unit: networks.renew_standings(unit, ["00123"], "2026-11-01"),
]


def test_who_writes_votes_or_standings_says_so(store: Store) -> None:
    for read, writers in ((newness.newness, VOTES), (newness.standings, STANDINGS)):
        for write in writers:
            with store.reader() as snapshot:
                before = read(snapshot)
            with store.unit() as unit:
                write(unit)
                unit.commit()
            with store.reader() as snapshot:
                assert read(snapshot) != before
