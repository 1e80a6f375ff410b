"""Weeks and months compared by the verdict that each school had at the end of each; pure, with a memory beside it.

Every period is one look into the evaluations of every school. What has ended changes only when late tests are judged,
so the memory keeps it: a few bytes a school.
"""

import threading
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from collector.store.queries.pages_progress import Standing
from collector.web.figures import median

VERDICTS: Final = ("MEETS", "BORDERLINE", "BELOW", "INSUFFICIENT", "NOT_TESTABLE")
COUNT: Final = 12  # periods shown
WAYS: Final = ("month", "week")
_NOTHING = 255
_SETTLED_DAYS = 35  # after which late tests are rare
_SETTLED_FOR_MS = 3_600_000
_KEPT = 120


@dataclass(frozen=True)
class Period:
    """Days, both included."""

    first: str
    last: str


def periods(by: str, today: date, count: int = COUNT) -> list[Period]:
    """Return the newest calendar months, or weeks from Monday, the one of today last."""
    found: list[Period] = []
    first = today - timedelta(days=today.weekday()) if by == "week" else today.replace(day=1)
    for _ in range(count):
        if by == "week":
            last, before = first + timedelta(days=6), first - timedelta(days=7)
        else:
            last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
            before = (first - timedelta(days=1)).replace(day=1)
        found.append(Period(first.isoformat(), last.isoformat()))
        first = before
    return found[::-1]


@dataclass(frozen=True)
class Standings:
    """The verdicts of all schools at the end of one period, by the place of each school in the memory's index."""

    verdicts: bytes
    shares: "array[float]"  # typical download against the target; negative where unknown
    versions: tuple[str, ...]  # of the profile, those that were used, in order

    def verdict(self, place: int) -> str | None:
        """Return the verdict of a school, None where it had none in the period."""
        number = self.verdicts[place] if place < len(self.verdicts) else _NOTHING
        return VERDICTS[number] if number < len(VERDICTS) else None


@dataclass
class Memory:
    """What was read of the periods, for all readers of one process."""

    index: dict[str, int] = field(default_factory=dict)
    kept: dict[tuple[object, ...], tuple[str | None, int, Standings]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def find(
        self,
        key: tuple[object, ...],
        *,
        stamp: str | None,
        now_ms: int,
        is_settled: bool,
        read: Callable[[], Iterable[Standing]],
    ) -> Standings:
        """Return a period as it was read since the last evaluation; one long past may be an hour older.

        Args:
            key: Of the period, with all that decides its rows.
            stamp: Of the last evaluation.
            now_ms: By the clock.
            is_settled: Whether the period is long past.
            read: Reads it.
        """
        with self.lock:
            found = self.kept.get(key)
        if found is not None and (found[0] == stamp or (is_settled and 0 <= now_ms - found[1] < _SETTLED_FOR_MS)):
            return found[2]
        rows = list(read())
        with self.lock:
            made = self._pack(rows)
            self.kept.pop(key, None)
            self.kept[key] = (stamp, now_ms, made)
            while len(self.kept) > _KEPT:
                self.kept.pop(next(iter(self.kept)))
        return made

    def _pack(self, rows: Sequence[Standing]) -> Standings:
        for row in rows:
            self.index.setdefault(row.code, len(self.index))
        verdicts, shares = bytearray([_NOTHING]) * len(self.index), array("d", [-1.0]) * len(self.index)
        for row in rows:
            place = self.index[row.code]
            verdicts[place] = VERDICTS.index(row.verdict)
            if row.median_bps is not None:
                shares[place] = row.median_bps / row.target_bps
        return Standings(bytes(verdicts), shares, tuple(sorted({row.profile_version for row in rows})))


def is_settled(period: Period, today: date) -> bool:
    """Return whether a period is so long past that late tests are rare."""
    return date.fromisoformat(period.last) < today - timedelta(days=_SETTLED_DAYS)


@dataclass(frozen=True)
class Progress:
    """One period of the schools of a filter."""

    period: Period
    counts: dict[str, int]  # by verdict
    schools: int  # of the registry now
    compared: int  # with a verdict of enough data in this period and the one before
    fell: tuple[str, ...]  # met it or stood at the border, now below
    recovered: tuple[str, ...]  # below, now meets
    typical: float | None  # typical download of the middle school against its target
    versions: tuple[str, ...]
    has_new_version: bool
    change: int | None  # of the schools with a verdict, since the period before; None for the first

    @property
    def with_verdict(self) -> int:
        """Schools with a verdict, not enough data included."""
        return sum(self.counts.values())

    @property
    def judged(self) -> int:
        """Schools with enough data."""
        return self.with_verdict - self.counts.get("INSUFFICIENT", 0)

    @property
    def none(self) -> int:
        """Schools of the registry without a verdict in the period."""
        return self.schools - self.with_verdict


def chosen(
    progress: Progress, which: str, codes: Sequence[str], standings: Standings, index: dict[str, int]
) -> list[str]:
    """Return the schools behind one number: a verdict, `NONE`, `FELL` or `RECOVERED`."""
    if which == "FELL":
        return list(progress.fell)
    if which == "RECOVERED":
        return list(progress.recovered)
    wanted = None if which == "NONE" else which
    return [code for code in codes if standings.verdict(index.get(code, len(standings.verdicts))) == wanted]


def compare(found: Sequence[tuple[Period, Standings]], codes: Sequence[str], index: dict[str, int]) -> list[Progress]:
    """Return the periods from the first one with a verdict on.

    Args:
        found: The periods, oldest first, with the verdicts of all schools.
        codes: The schools that count.
        index: The place of each school in the verdicts.
    """
    places = [index.get(code, -1) for code in codes]  # -1: the padding at the end
    lines: list[Progress] = []
    before = bytes([_NOTHING]) * len(codes)
    for period, standings in found:
        padded = standings.verdicts.ljust(len(index) + 1, bytes([_NOTHING]))
        now = bytes([padded[place] for place in places])
        if not lines and not now.strip(bytes([_NOTHING])):
            continue
        line = _progress(period, standings, codes, before, now, places)
        lines.append(_with_change(line, lines[-1] if lines else None))
        before = now
    return lines


_MEETS, _BORDERLINE, _BELOW, _INSUFFICIENT = (
    VERDICTS.index(name) for name in ("MEETS", "BORDERLINE", "BELOW", "INSUFFICIENT")
)


def _progress(
    period: Period, standings: Standings, codes: Sequence[str], before: bytes, now: bytes, places: Sequence[int]
) -> Progress:
    changed = [(code, was, new) for code, was, new in zip(codes, before, now, strict=True) if was != new]
    thin = (_INSUFFICIENT, _NOTHING)
    shares = [standings.shares[place] for place, new in zip(places, now, strict=True) if new not in thin]
    return Progress(
        period=period,
        counts={name: count for number, name in enumerate(VERDICTS) if (count := now.count(number))},
        schools=len(codes),
        compared=sum(new not in thin and was not in thin for was, new in zip(before, now, strict=True)),
        fell=tuple(code for code, was, new in changed if new == _BELOW and was in (_MEETS, _BORDERLINE)),
        recovered=tuple(code for code, was, new in changed if new == _MEETS and was == _BELOW),
        typical=median([share for share in shares if share >= 0]),
        versions=standings.versions,
        has_new_version=False,
        change=None,
    )


def _with_change(line: Progress, earlier: Progress | None) -> Progress:
    if earlier is None:
        return line
    is_new = bool(line.versions) and bool(earlier.versions) and line.versions != earlier.versions
    values = {**line.__dict__, "has_new_version": is_new, "change": line.with_verdict - earlier.with_verdict}
    return Progress(**values)
