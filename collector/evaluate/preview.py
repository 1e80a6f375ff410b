"""What a target would change before it is decided: each school's newest judged day, judged again, nothing stored."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from collector.domain.in_force import Reach, Version, Versions, upwards
from collector.domain.verdict import Judgement
from collector.domain.words import Exclusion
from collector.evaluate import school
from collector.evaluate.inputs import Aim, Deployment, SchoolInputs
from collector.store.queries import fold, schools, target_versions
from collector.store.queries import target_preview as stored
from collector.store.queries.schools import School
from collector.store.queries.target_preview import LastJudged
from collector.store.unit import Snapshot

# Schools of one question to the database.
_AT_ONCE = 100


@dataclass(frozen=True)
class Foreseen:
    """One school: what was said of it last, and what would have been said with the version in force."""

    code: str
    name: str
    area: str | None
    day: str  # that was judged
    before: str | None  # verdict; None: there was no target
    after: str | None
    before_bps: int | None
    after_bps: int | None
    median_bps: int | None
    n: int
    attained_after: int | None

    @property
    def is_changed(self) -> bool:
        """Whether the school would read another verdict."""
        return self.before != self.after


@dataclass(frozen=True)
class Preview:
    """What a version would change."""

    schools: tuple[Foreseen, ...]  # that have been judged, in order of their codes
    unjudged: int  # schools of the place without any test that counts: nothing is known of them
    overruled: int  # schools of the place that are held against something nearer, so that nothing changes for them

    @property
    def changed(self) -> tuple[Foreseen, ...]:
        """The schools that would read another verdict."""
        return tuple(one for one in self.schools if one.is_changed)

    def moves(self) -> dict[tuple[str | None, str | None], int]:
        """Return how many schools would go from which verdict to which."""
        counts: dict[tuple[str | None, str | None], int] = {}
        for one in self.changed:
            counts[one.before, one.after] = counts.get((one.before, one.after), 0) + 1
        return counts


def foresee(snapshot: Snapshot, deployment: Deployment, wanted: Version) -> Preview:
    """Return what a version would change if it held on the newest judged day of each school already.

    The code that judges every day judges here: the window with its votes as they stand, the day itself looked at anew.

    Args:
        snapshot: The database.
        deployment: What holds for all schools, with the versions in force.
        wanted: The version; from which day on does not matter here.
    """
    concerned = _concerned(snapshot, wanted)
    held = {code: one for code, one in concerned.items() if _holds(one, deployment, wanted)}
    ever = replace(wanted, valid_from=date.min)
    others = [one for one in target_versions.in_force(snapshot) if (one.reach, one.place) != (ever.reach, ever.place)]
    supposed = replace(deployment, versions=Versions([*others, ever]))
    last = stored.last_judged(snapshot, deployment.profile_id, school.METRIC, None if len(held) > _AT_ONCE else held)
    last = {code: one for code, one in last.items() if code in held}
    found = [one for batch in _batches(last) for one in _judge(snapshot, supposed, held, batch)]
    return Preview(
        schools=tuple(sorted(found, key=lambda one: one.code)),
        unjudged=len(held) - len(found),
        overruled=len(concerned) - len(held),
    )


def _concerned(snapshot: Snapshot, wanted: Version) -> dict[str, School]:
    if wanted.reach is Reach.SCHOOL:
        return schools.by_code(snapshot, [wanted.place])
    every = schools.by_code(snapshot)
    if wanted.reach is Reach.DEPLOYMENT:
        return every
    return {code: one for code, one in every.items() if wanted.place in upwards(one.area)}


def _holds(one: School, deployment: Deployment, wanted: Version) -> bool:
    """Return whether nothing nearer overrules the version at this school on the day that it begins."""
    holding = deployment.versions.on(wanted.valid_from, one.code, one.area)
    order = list(Reach)
    return holding is None or order.index(holding.reach) <= order.index(wanted.reach)


def _batches(last: Mapping[str, LastJudged]) -> Iterator[tuple[str, list[LastJudged]]]:
    """Yield schools that were judged last on the same day, a few at a time."""
    by_day: dict[str, list[LastJudged]] = {}
    for one in last.values():
        by_day.setdefault(one.day, []).append(one)
    for day, same in sorted(by_day.items()):
        for start in range(0, len(same), _AT_ONCE):
            yield day, same[start : start + _AT_ONCE]


def _judge(
    snapshot: Snapshot,
    supposed: Deployment,
    held: Mapping[str, School],
    batch: tuple[str, Sequence[LastJudged]],
) -> Iterable[Foreseen]:
    day, last = date.fromisoformat(batch[0]), batch[1]
    codes = [one.code for one in last]
    facts = schools.facts_of(snapshot, codes)
    inputs = {code: SchoolInputs(held[code], facts[code], supposed) for code in codes}
    begins = [one.start_ms(day) for one in inputs.values()]
    scope = fold.Scope(
        schools=tuple(codes),
        profile=supposed.profile_id,
        metric=school.METRIC,
        from_day=day.isoformat(),
        reach_ms=min(one.start_ms(day - school.REACH) for one in inputs.values()),
        from_ms=min(begins),
        until_ms=max(begins),
    )
    past = fold.load(snapshot, scope)
    for known in past.values():  # which series is judged was decided when the day was
        known.measured = [row for row in known.measured if row.exclusion != Exclusion.OTHER_SERVER]
    for one in last:
        yield _foreseen(held[one.code], one, school.judge_alone(past[one.code], inputs[one.code], day))


def _foreseen(place: School, last: LastJudged, found: tuple[Judgement, Aim] | None) -> Foreseen:
    judged = found[0] if found else None
    return Foreseen(
        code=place.code,
        name=place.name,
        area=place.area,
        day=last.day,
        before=last.verdict,
        after=judged.verdict.value if judged else None,
        before_bps=last.target_bps,
        after_bps=judged.target_bps if judged else None,
        median_bps=judged.median_bps if judged else last.median_bps,
        n=judged.n if judged else last.n or 0,
        attained_after=judged.attained if judged else None,
    )
