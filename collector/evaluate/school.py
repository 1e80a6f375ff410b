"""One school, folded from a day on: votes, days, evaluations, flag. Pure: the same past gives the same outcome."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from collector.domain import flagging
from collector.domain.criterion import DEFAULT
from collector.domain.flagging import Closing, Evidence
from collector.domain.judge import METRIC, judge_day
from collector.domain.observations import Observation
from collector.domain.verdict import Judgement
from collector.domain.words import Exclusion, Verdict
from collector.evaluate import delays, flags, observe
from collector.evaluate.delays import Said
from collector.evaluate.flags import Folded, Series
from collector.evaluate.inputs import Aim, SchoolInputs
from collector.evaluate.observe import SchoolDay
from collector.store.queries.judging.fold import Measured, Outcome, Past, Vote, Voted

REACH = timedelta(days=DEFAULT.reach_days)  # how far before a day its window goes at most
NEAR = timedelta(days=17)  # how far that of nearly every school goes: eleven school days and two that had no test


@dataclass(frozen=True)
class Span:
    """Which days of a school are folded."""

    from_day: date
    as_of: date  # the last day that is over
    seen_until: date  # days up to this one are looked at; those after `as_of` are folded again when they are over


def fold_school(
    past: Past, earlier: Sequence[Observation], inputs: SchoolInputs, span: Span, closed_on: Sequence[str]
) -> Outcome:
    """Return what is to be written of a school.

    Args:
        past: What is stored of it: measurements from the first day on, and how it stood before.
        earlier: What was observed on the days before, as far as a window can reach.
        inputs: The school with its dated inputs.
        span: The days.
        closed_on: The local days on which people closed a flag of the school, in order.
    """
    seen: list[SchoolDay] = []
    ahead: list[Vote] = []
    for day, rows in observe.group_by_day(past.measured, inputs).items():
        if span.from_day <= day <= span.seen_until:
            seen.append(observe.observe(day, rows, inputs))
        elif day > span.seen_until:
            ahead += _votes_ahead(rows)
    outcome = Outcome(votes=_changed_votes(seen) + ahead)
    outcome.days = [_day_row(day, inputs, span) for day in seen]
    said = delays.look([*past.delays, *map(delays.day_of, outcome.days)], inputs, span.from_day, span.as_of)
    outcome.observed = said.observed
    judged = _judge(seen, earlier, inputs, span)
    _fold(past, inputs, judged, [date.fromisoformat(day) for day in closed_on], span, outcome)
    for row in outcome.evaluations:
        row.update(_delays(said, row["day"]))
    return outcome


def judge_as_voted(voted: Sequence[Voted], inputs: SchoolInputs, day: date) -> tuple[Judgement, Aim] | None:
    """Return the judgement of one day with the votes as they stand, and what it is held against; nothing is written.

    Args:
        voted: Votes from `REACH` before the day on, those of the day among them, oldest first.
        inputs: The school with its dated inputs.
        day: The local day.

    Returns:
        None where the day has no vote of its own, or no target.
    """
    seen = observe.remembered(voted, inputs, day + timedelta(days=1))
    observations = [one for one in seen.observations if one.day >= day - REACH]
    aim = inputs.aim(day)
    if aim is None or all(one.day != day for one in observations):
        return None
    return judge_day(observations, day, aim.target.target_bps, aim.profile.criterion), aim


def _votes_ahead(rows: Sequence[Measured]) -> list[Vote]:
    """Return the votes of measurements of a day to come: dated after their own arrival, their time is unsure."""
    return [observe.vote_of(row, Exclusion.TIME_UNSURE) for row in rows if row.votes is None and observe.is_ahead(row)]


def _changed_votes(seen: Sequence[SchoolDay]) -> list[Vote]:
    return [
        vote
        for day in seen
        for row, vote in zip(day.measured, day.votes, strict=True)
        if (row.votes, row.exclusion) != (vote.votes, vote.exclusion)
    ]


def _day_row(seen: SchoolDay, inputs: SchoolInputs, span: Span) -> dict[str, Any]:
    row = observe.day_row(seen, inputs, is_final=seen.day <= span.as_of)
    return row | delays.columns(seen.voting, delays.limit_on(inputs, seen.day).ms)


def _delays(said: Said, day: str) -> dict[str, Any]:
    """Return what an evaluation says of the delay over its window."""
    found = said.typical[date.fromisoformat(day)]
    return {"loaded_n": found.tests, "window_loaded_ms": found.loaded_ms, "window_idle_ms": found.idle_ms}


_Judged = dict[date, tuple[Judgement, Aim]]


def _judge(days: Sequence[SchoolDay], earlier: Sequence[Observation], inputs: SchoolInputs, span: Span) -> _Judged:
    """Return the judgement of every day that has a vote of its own and a target.

    A day that is not over can only say that there is too little yet: that moves no flag, and a new school reads how
    many tests it has.
    """
    judged: _Judged = {}
    observations = list(earlier)
    for day in days:
        oldest = day.day - REACH
        observations = [o for o in observations if o.day >= oldest] + day.observations
        aim = inputs.aim(day.day)
        if not day.observations or aim is None:
            continue
        found = judge_day(observations, day.day, aim.target.target_bps, aim.profile.criterion)
        if day.day <= span.as_of or found.verdict is Verdict.INSUFFICIENT:
            judged[day.day] = (found, aim)
    return judged


def _fold(
    past: Past, inputs: SchoolInputs, judged: _Judged, closed: Sequence[date], span: Span, outcome: Outcome
) -> None:
    deployment = inputs.deployment
    series = Series(inputs.code, deployment.profile_id, METRIC)
    profile = deployment.catalogue.on(deployment.profile_id, span.as_of)
    criterion = profile.criterion if profile else DEFAULT
    before = flags.stand_before(past, closed, span.from_day, criterion)
    given: list[Evidence | Closing] = [flagging.evidence_of(found) for found, _aim in judged.values()]
    steps = flagging.fold([*given, *before.closings], before.standing, criterion)
    rows: dict[date, dict[str, Any]] = {}
    for step in steps:
        if step.day in judged and step.day not in rows:  # of one day the evaluation comes first
            rows[step.day] = _evaluation_row(series, *judged[step.day], step)
    folded = Folded(steps, {day: (judged[day][0], row) for day, row in rows.items()})
    flag_rows = flags.rows_of(series, past.flags, before, folded, span.from_day, span.as_of)
    outcome.evaluations = list(rows.values())
    outcome.flags, outcome.refolded, outcome.events = flag_rows.flags, flag_rows.refolded, flag_rows.events


def _evaluation_row(series: Series, found: Judgement, aim: Aim, step: flagging.Step) -> dict[str, Any]:
    return {
        "school": series.school,
        "profile": series.profile,
        "target_profile": aim.profile.id,
        "profile_version": aim.profile.version,
        "metric": series.metric,
        "day": found.day.isoformat(),
        "window_from": found.window_from.isoformat() if found.window_from else None,
        "n": found.n,
        "days": found.days,
        "n_effective": found.n_effective,
        "attained": found.attained,
        "unknown": found.unknown,
        "failed": found.failed,
        "a_lo": found.a_lo,
        "a_hi": found.a_hi,
        "lower": found.lower,
        "upper": found.upper,
        "share": found.share,
        "verdict": found.verdict.value,
        "remedy": found.remedy.value if found.remedy else None,
        "state": step.standing.state.value,
        "state_count": step.standing.count,
        "target_bps": found.target_bps,
        "is_estimated": aim.target.is_estimated,
        "median_bps": found.median_bps,
        "recover_share": found.recover_share,
        "severity": found.severity.value if found.severity else None,
    }
