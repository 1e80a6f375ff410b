"""One school, folded from a day on: votes, days, evaluations, flag. Evaluating again gives the same rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from collector.domain import flagging
from collector.domain.criterion import DEFAULT
from collector.domain.flagging import Closing, Evidence
from collector.domain.judge import judge_day
from collector.domain.observations import Observation
from collector.domain.verdict import Judgement
from collector.domain.words import Exclusion, Verdict
from collector.evaluate import flags, observe
from collector.evaluate.flags import Folded
from collector.evaluate.inputs import Aim, SchoolInputs
from collector.evaluate.observe import SchoolDay
from collector.store.queries import judgement
from collector.store.queries.judgement import Series, Vote
from collector.store.unit import UnitOfWork

METRIC = "download_bps"
_REACH = timedelta(days=DEFAULT.reach_days)


@dataclass(frozen=True)
class Span:
    """Which days of a school are folded."""

    from_day: date
    as_of: date  # the last day that is over
    seen_until: date  # days up to this one are looked at; those after `as_of` are folded again when they are over


@dataclass(frozen=True)
class Done:
    """What folding one school gave."""

    measurements: int  # looked at
    days: int  # judged


def evaluate_school(unit: UnitOfWork, inputs: SchoolInputs, span: Span) -> Done:
    """Fold a school from a day on and write what comes out; the caller commits.

    Args:
        unit: The transaction to read and write in.
        inputs: The school with its dated inputs.
        span: The days.
    """
    from_ms = inputs.start_ms(span.from_day - _REACH)
    rows = judgement.measured(unit, inputs.code, from_ms, inputs.start_ms(span.seen_until + timedelta(days=1)))
    grouped = observe.group_by_day(rows, inputs)
    earlier = [
        observation
        for day in grouped
        if day < span.from_day
        for observation in observe.remembered(day, grouped[day], inputs)
    ]
    seen = [observe.observe(day, grouped[day], inputs) for day in grouped if day >= span.from_day]
    _write_days(unit, inputs, seen, span)
    judged = _judge(seen, earlier, inputs, span)
    _fold(unit, inputs, judged, span)
    return Done(measurements=sum(len(day.measured) for day in seen), days=len(judged))


def set_aside_ahead(unit: UnitOfWork, inputs: SchoolInputs, after: date) -> None:
    """Say of measurements dated after a day, and after their own arrival, that their time is unsure."""
    rows = judgement.measured(unit, inputs.code, inputs.start_ms(after + timedelta(days=1)), 2**62)
    ahead = [row for row in rows if row.votes is None and observe.is_ahead(row)]
    judgement.set_votes(unit, [observe.vote_of(row, Exclusion.TIME_UNSURE) for row in ahead])


def _write_days(unit: UnitOfWork, inputs: SchoolInputs, seen: Sequence[SchoolDay], span: Span) -> None:
    before = {(row.device, row.rid): (row.votes, row.exclusion) for day in seen for row in day.measured}
    changed = [vote for day in seen for vote in day.votes if before[vote.device, vote.rid] != _pair(vote)]
    judgement.set_votes(unit, changed)
    rows = [observe.day_row(day, inputs, is_final=day.day <= span.as_of) for day in seen]
    judgement.replace_days(unit, inputs.code, span.from_day.isoformat(), rows)


def _pair(vote: Vote) -> tuple[bool, str | None]:
    return vote.votes, vote.exclusion


_Judged = dict[date, tuple[Judgement, Aim]]


def _judge(days: Sequence[SchoolDay], earlier: Sequence[Observation], inputs: SchoolInputs, span: Span) -> _Judged:
    """Return the judgement of every day that has a vote of its own and a target.

    A day that is not over can only say that there is too little yet: that moves no flag, and a new school reads how
    many tests it has.
    """
    judged: _Judged = {}
    observations = list(earlier)
    for day in days:
        observations = [o for o in observations if o.day >= day.day - _REACH] + day.observations
        aim = inputs.aim(day.day)
        if not day.observations or aim is None:
            continue
        found = judge_day(observations, day.day, aim.target.target_bps, aim.profile.criterion)
        if day.day <= span.as_of or found.verdict is Verdict.INSUFFICIENT:
            judged[day.day] = (found, aim)
    return judged


def _fold(unit: UnitOfWork, inputs: SchoolInputs, judged: _Judged, span: Span) -> None:
    deployment = inputs.deployment
    series = Series(inputs.code, deployment.profile_id, METRIC)
    profile = deployment.catalogue.on(deployment.profile_id, span.as_of)
    criterion = profile.criterion if profile else DEFAULT
    before = flags.stand_before(unit, series, (span.from_day, judged), deployment.closings, criterion)
    steps: list[Evidence | Closing] = [flagging.evidence_of(found) for found, _aim in judged.values()]
    folded_steps = flagging.fold([*steps, *before.closings], before.standing, criterion)
    rows: dict[date, dict[str, Any]] = {}
    for step in folded_steps:
        if step.day in judged and step.day not in rows:  # of one day the evaluation comes first
            found, aim = judged[step.day]
            rows[step.day] = _evaluation_row(series, found, aim, step)
    judgement.replace_evaluations(unit, series, span.from_day.isoformat(), list(rows.values()))
    folded = Folded(folded_steps, {day: (judged[day][0], row) for day, row in rows.items()})
    flags.write(unit, series, before, folded, span.from_day, span.as_of)


def _evaluation_row(series: Series, found: Judgement, aim: Aim, step: flagging.Step) -> dict[str, Any]:
    return {
        "school": series.school,
        "profile": series.profile,
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
