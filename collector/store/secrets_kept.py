"""Secrets of the deployment that are made once, by whoever needs one first, and kept as facts in the database."""

from collections.abc import Callable
from typing import Final

from collector.store import locks
from collector.store.open import ScopedStore, Store
from collector.store.queries import facts

SECRET_BYTES: Final = 32


def secret(store: Store | ScopedStore, name: str, random_bytes: Callable[[int], bytes]) -> str:
    """Return a secret: the same for every process on this database.

    Args:
        store: The open database.
        name: Of the fact that holds it.
        random_bytes: Gives so many bytes that nobody can guess, should there be none yet.
    """
    with store.reader() as snapshot:
        found = facts.find_fact(snapshot, name)
    if found is not None:
        return found
    with store.unit() as unit:
        locks.hold(unit, (name,))
        found = facts.find_fact(unit, name)
        if found is None:
            found = random_bytes(SECRET_BYTES).hex()
            facts.set_fact(unit, name, found)
            unit.commit()
    return found
