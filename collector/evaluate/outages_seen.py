"""How outages were seen live, kept as it was seen: who altered or deleted such a row is found, and it is seen again.

The rows of an outage and of its schools are a record of what the watch saw, and its own memory from one minute to the
next. So each is sealed when the watch writes it, in a fact beside the tables. Where a seal no longer fits, or an outage
is gone, the watch is let over the same minutes again: `contacts` still has them. What it then finds is what it saw,
unless the registry is another by now; then the rows are left as they are.
"""

import json
import logging
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from collector.domain.outages.watch import Outage
from collector.domain.words import OutageState
from collector.evaluate import outage_rows
from collector.store.queries import facts
from collector.store.queries.judging import outages
from collector.store.unit import Snapshot, UnitOfWork

LOG = logging.getLogger(__name__)

AFTER_MIN: Final = 5  # minutes after the end that are looked at too: it is closed in one of them
MOST_MIN: Final = 24 * 60  # a longer one is not looked at again


class Sealed(NamedTuple):
    """What is known of an outage beside its rows."""

    suspected: int  # minute of Unix time
    closed: int | None
    seal: int


Seals = dict[str, Sealed]


@dataclass(frozen=True)
class Span:
    """Minutes to look at again, and the outages for which that is done."""

    minutes: range
    ids: frozenset[str]


def seal_of(outage: Outage) -> int:
    """Return the checksum of an outage as it was seen."""
    members = sorted((code, one.heard, one.back, one.is_late_only) for code, one in outage.members.items())
    times = (outage.suspected, outage.began, outage.opened, outage.recovered, outage.whole, outage.closed)
    numbers = (outage.online, outage.usual, outage.chance, outage.near_online, outage.near_fell)
    said = (*outage.group, outage.label.value, outage.state.value, *times, *numbers, members)
    return zlib.crc32(repr(said).encode())


def seals(snapshot: Snapshot) -> Seals:
    """Return what is known of each outage that the watch has written lately."""
    text = facts.find_fact(snapshot, facts.OUTAGES_SEEN)
    return {} if text is None else {name: Sealed(*one) for name, one in json.loads(text).items()}


def seal(unit: UnitOfWork, written: Iterable[Outage], since: int) -> None:
    """Seal the outages that the watch has just written, in the transaction that does.

    Args:
        unit: The transaction.
        written: As the watch has them; those that never were are forgotten.
        since: Minute of Unix time; those first suspected before it are forgotten.
    """
    before = seals(unit)
    after = {name: one for name, one in before.items() if one.suspected >= since}
    for outage in written:
        after.pop(outage.outage_id, None)
        if outage.opened is not None or outage.state is not OutageState.RETRACTED:
            after[outage.outage_id] = Sealed(outage.suspected, outage.closed, seal_of(outage))
    if after != before:
        facts.set_fact(unit, facts.OUTAGES_SEEN, json.dumps(after, sort_keys=True))


def forget(unit: UnitOfWork, names: Iterable[str]) -> None:
    """Forget outages that cannot be seen again."""
    gone = set(names)
    before = seals(unit)
    if gone & before.keys():
        after = {name: one for name, one in before.items() if name not in gone}
        facts.set_fact(unit, facts.OUTAGES_SEEN, json.dumps(after, sort_keys=True))


def broken(snapshot: Snapshot, *, is_live: bool) -> set[str]:
    """Return the outages of which the rows are not what the watch wrote, or are gone.

    Args:
        snapshot: The database.
        is_live: Only those that go on: the watch is about to go on from them.
    """
    known = {name: one for name, one in seals(snapshot).items() if one.closed is None or not is_live}
    found = {row["outage_id"]: row for row in outages.list_rows(snapshot, sorted(known))}
    return {
        name
        for name, one in known.items()
        if name not in found
        or seal_of(outage_rows.outage_of(found[name], outages.school_rows(snapshot, name))) != one.seal
    }


def spans(snapshot: Snapshot, wrong: Iterable[str], last: int) -> list[Span]:
    """Return the minutes to look at again, each once: those of outages that overlap are looked at together.

    Args:
        snapshot: The database.
        wrong: Outages whose rows are not what was written.
        last: The newest minute that the watch has taken.
    """
    known = seals(snapshot)
    ordered = sorted((one.suspected, last if one.closed is None else one.closed, name) for name, one in known.items())
    groups: list[tuple[int, int, set[str]]] = []
    for first, end, name in ordered:
        if groups and first <= groups[-1][1] + AFTER_MIN:
            groups[-1] = (groups[-1][0], max(groups[-1][1], end), groups[-1][2] | {name})
        else:
            groups.append((first, end, {name}))
    bad = set(wrong)
    return [
        Span(range(first - 1, min(end + AFTER_MIN, last) + 1), frozenset(names))
        for first, end, names in groups
        if names & bad and end - first <= MOST_MIN and first <= last  # what is to come is seen in any case
    ]
