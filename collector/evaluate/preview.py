"""What a target would change before it is decided: each school's newest judged day, judged again, nothing stored."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby
from operator import attrgetter

from collector.domain.in_force import Reach, Version, Versions, upwards
from collector.domain.judge import METRIC
from collector.domain.verdict import Judgement
from collector.evaluate import school
from collector.evaluate.inputs import Aim, Deployment, SchoolInputs
from collector.store.queries import schools, target_versions
from collector.store.queries.pages import target_preview as stored
from collector.store.queries.pages.target_preview import LastJudged
from collector.store.queries.schools import School
from collector.store.unit import Snapshot

# So many schools are named to the database; of more all are read, and those that are not concerned passed over.
_FEW = 500


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

    The code that judges every day judges here, with the votes of the window as they stand.

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
    last = stored.last_judged(snapshot, deployment.profile_id, METRIC, held if len(held) <= _FEW else None)
    last = {code: one for code, one in last.items() if code in held}
    found = list(_judge(snapshot, supposed, held, last))
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


def _judge(
    snapshot: Snapshot, supposed: Deployment, held: Mapping[str, School], last: Mapping[str, LastJudged]
) -> Iterator[Foreseen]:
    """Yield each school judged again; what is read of one is forgotten before the next."""
    few = list(last) if len(last) <= _FEW else None
    facts = stored.facts(snapshot, few)
    inputs = {code: SchoolInputs(held[code], facts.get(code, []), supposed) for code in last}
    days = {code: date.fromisoformat(one.day) for code, one in last.items()}
    if not days:
        return
    from_ms = min(inputs[code].start_ms(day - school.REACH) for code, day in days.items())
    seen: set[str] = set()
    for code, votes in groupby(stored.votes(snapshot, from_ms, few), key=attrgetter("school")):
        if code in last:
            seen.add(code)
            found = school.judge_as_voted(list(votes), inputs[code], days[code])
            yield _foreseen(held[code], last[code], found)
    for code in last.keys() - seen:
        yield _foreseen(held[code], last[code], None)


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
