"""What an evaluation has to do: which schools, and each from which day on."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from collector.config import CollectorConfig
from collector.evaluate.inputs import Deployment, Reference, SchoolInputs
from collector.profiles.catalogue import Catalogue
from collector.store.queries import facts, judgement, schools
from collector.store.unit import Snapshot, UnitOfWork

PROFILE_FACT = "evaluated_profile"


@dataclass(frozen=True)
class Task:
    """One school that has something new."""

    inputs: SchoolInputs
    from_day: date


@dataclass(frozen=True)
class _News:
    """What changed since the last evaluation, by school."""

    unjudged_ms: dict[str, int]
    unfolded: dict[str, str]
    closings: dict[str, str]

    def schools(self) -> set[str]:
        return self.unjudged_ms.keys() | self.unfolded.keys() | self.closings.keys()


def deployment_of(
    snapshot: Snapshot, config: CollectorConfig, catalogue: Catalogue, reference: Reference
) -> Deployment:
    """Return what holds for all schools of a run."""
    return Deployment(config.profile, catalogue, config.default_timezone, reference, schools.calendar_days(snapshot))


def take_over_profile(unit: UnitOfWork, config: CollectorConfig) -> bool:
    """Fold everything again where the deployment goes by another profile than last time; return whether it does."""
    before = facts.find_fact(unit, PROFILE_FACT)
    if before == config.profile:
        return False
    if before is not None:
        judgement.reopen_days(unit, schools.FIRST_DAY)
    facts.set_fact(unit, PROFILE_FACT, config.profile)
    return True


def tasks(
    snapshot: Snapshot,
    deployment: Deployment,
    now_ms: int,
    *,
    as_of: date | None = None,
    from_day: date | None = None,
    codes: Collection[str] | None = None,
) -> list[Task]:
    """Return the schools to evaluate with the day to begin at, in order of their codes.

    Args:
        snapshot: The database.
        deployment: What holds for all.
        now_ms: The collector's time.
        as_of: Days up to this one are over, whatever the time; None: as the time says.
        from_day: Fold again from this day on, whatever is new; None: only what is new.
        codes: Only these schools.
    """
    news = _News(judgement.unjudged(snapshot), judgement.unfolded_days(snapshot), judgement.unfolded_closings(snapshot))
    wanted = news.schools() if from_day is None else None
    if codes is not None:
        wanted = set(codes) if wanted is None else wanted & set(codes)
    found = schools.by_code(snapshot, wanted)
    dated = schools.facts_of(snapshot, found)
    listed: list[Task] = []
    for code in sorted(found):
        inputs = SchoolInputs(found[code], dated[code], deployment)
        first = _first_new_day(inputs, news, max(inputs.last_full_day(now_ms), as_of or date.min))
        days = [day for day in (first, from_day) if day is not None]
        if days:
            listed.append(Task(inputs, min(days)))
    return listed


def _first_new_day(inputs: SchoolInputs, news: _News, last_full_day: date) -> date | None:
    days: list[date] = []
    if (started_ms := news.unjudged_ms.get(inputs.code)) is not None:
        days.append(inputs.calendar.local_day(started_ms))
    if (closed_on := news.closings.get(inputs.code)) is not None:
        days.append(date.fromisoformat(closed_on))
    if (open_day := news.unfolded.get(inputs.code)) is not None:
        day = date.fromisoformat(open_day)
        if day <= last_full_day or days:  # a day that is still going on has nothing new by itself
            days.append(day)
    return min(days, default=None)


def stale_flags(snapshot: Snapshot, deployment: Deployment, now_ms: int) -> dict[str, bool]:
    """Return the schools whose open flag has to change its overlay `stale`, with what it becomes."""
    open_flags = judgement.open_flags(snapshot)
    voted = judgement.last_voting_days(snapshot)
    found = schools.by_code(snapshot, open_flags)
    changes: dict[str, bool] = {}
    for code, was_stale in open_flags.items():
        if code not in found or code not in voted:
            continue
        inputs = SchoolInputs(found[code], (), deployment)
        missed = inputs.calendar.expected_days(date.fromisoformat(voted[code]), inputs.last_full_day(now_ms))
        profile = deployment.catalogue.newest(deployment.profile_id)
        if (missed >= profile.criterion.stale_days) != was_stale:
            changes[code] = not was_stale
    return changes
