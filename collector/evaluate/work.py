"""What an evaluation has to do: which schools, and each from which day on."""

import logging
from dataclasses import dataclass
from datetime import date, timedelta

from collector.config import CollectorConfig
from collector.domain.in_force import Versions
from collector.evaluate import turns
from collector.evaluate.inputs import Deployment, Reference, SchoolInputs
from collector.profiles import use_limits as limits_of_uses
from collector.profiles.catalogue import Catalogue
from collector.store.queries import facts, schools, target_versions, use_limits
from collector.store.queries.judging import judgement, suppressions
from collector.store.unit import Snapshot, UnitOfWork

LOG = logging.getLogger(__name__)


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
    return Deployment(
        profile_id=config.profile,
        catalogue=catalogue,
        default_timezone=config.default_timezone,
        reference=reference,
        busy_host_pct=config.busy_host_pct,
        exceptions=schools.calendar_days(snapshot),
        versions=Versions(target_versions.in_force(snapshot)),
        limits=limits_of_uses.dated(use_limits.history(snapshot)),
        suppressed=suppressions.suppressed(snapshot),
        inputs_version=facts.find_fact(snapshot, facts.INPUTS_VERSION),
    )


def notice_losses(unit: UnitOfWork, config: CollectorConfig) -> bool:
    """Return whether all is to be folded again: the profile is another, or somebody deleted what was judged.

    The profile counts as another until `note_profile`: an evaluation that is cut short begins again.
    """
    if judgement.has_days_lost(unit):
        judgement.unjudge_everything(unit)
    before = facts.find_fact(unit, facts.EVALUATED_PROFILE)
    if before not in (None, config.profile):
        return True
    # Where nothing can be judged (no target, tests by hand alone) there is nothing to lose.
    return facts.find_fact(unit, facts.HAS_EVALUATIONS) != "0" and not judgement.is_folded(unit, config.profile)


def note_profile(unit: UnitOfWork, profile: str, day: date) -> None:
    """Say that every school has been folded by this profile; what another one had opened is taken back on the day."""
    judgement.retract_flags_of_others(unit, profile, day.isoformat())
    now = {
        facts.EVALUATED_PROFILE: profile,
        facts.HAS_EVALUATIONS: "1" if judgement.has_evaluations(unit, profile) else "0",
    }
    for name, value in now.items():
        if facts.find_fact(unit, name) != value:
            facts.set_fact(unit, name, value)


def tasks(
    snapshot: Snapshot,
    deployment: Deployment,
    now_ms: int,
    *,
    as_of: date | None = None,
    from_day: date | None = None,
) -> tuple[list[Task], list[str]]:
    """Return the schools to evaluate with the day to begin at, in order of their codes, and codes that failed.

    Args:
        snapshot: The database.
        deployment: What holds for all.
        now_ms: The collector's time.
        as_of: Days up to this one are over, whatever the time; None: as the time says.
        from_day: Fold again from this day on, whatever is new; None: only what is new.
    """
    news = _News(judgement.unjudged(snapshot), judgement.unfolded_days(snapshot), judgement.unfolded_closings(snapshot))
    again = turns.in_turn(snapshot, schools.codes(snapshot), now_ms) if from_day is None and as_of is None else set()
    wanted = news.schools() | again if from_day is None else None
    found = schools.by_code(snapshot, wanted)
    dated = schools.facts_of(snapshot, found)
    listed: list[Task] = []
    failed: list[str] = []
    for code in sorted(found):
        try:
            inputs = SchoolInputs(found[code], dated[code], deployment)
            first = _first_new_day(inputs, news, max(inputs.last_full_day(now_ms), as_of or date.min))
        except (ValueError, LookupError, OSError):  # what the registry's checks would not have let in
            LOG.exception("evaluate.school_failed", extra={"school": code})
            failed.append(code)
            continue
        in_turn = inputs.last_full_day(now_ms) - timedelta(days=turns.BACK_DAYS) if code in again else None
        days = [day for day in (first, from_day, in_turn) if day is not None]
        if days:
            listed.append(Task(inputs, min(days)))
    return listed, failed


def _first_new_day(inputs: SchoolInputs, news: _News, last_full_day: date) -> date | None:
    days: list[date] = []
    if (started_ms := news.unjudged_ms.get(inputs.code)) is not None:
        days.append(inputs.local_day(started_ms))
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
    dated = schools.facts_of(snapshot, found)
    criterion = deployment.catalogue.newest(deployment.profile_id).criterion
    changes: dict[str, bool] = {}
    for code, was_stale in open_flags.items():
        if code not in found or code not in voted:
            continue
        try:
            inputs = SchoolInputs(found[code], dated[code], deployment)
            missed = inputs.expected_days(date.fromisoformat(voted[code]), inputs.last_full_day(now_ms))
        except (ValueError, LookupError, OSError):
            continue  # `tasks` says so as soon as there is something to judge
        if (missed >= criterion.stale_days) != was_stale:
            changes[code] = not was_stale
    return changes
