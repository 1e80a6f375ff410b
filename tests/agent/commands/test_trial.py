"""What a person is told who asks for a test and gets none."""

from pathlib import Path

import msgspec
import pytest

from agent.commands import present, trial
from agent.daemon.permission import Held
from agent.wire.records import Measurement
from agent.wire.vocabulary import ExitCode, LeaseRefusal, Trigger
from tests.fakes.agent_lab import QUICK, Lab


@pytest.mark.parametrize("is_the_schools", [True, False])
def test_the_schools_budget_is_told_from_this_computers_own(tmp_path: Path, is_the_schools: bool) -> None:
    """`status` shows the own one: who reads of room there must not be told that it is used up."""
    lab = Lab(tmp_path, QUICK if is_the_schools else msgspec.structs.replace(QUICK, day_bytes=0))
    if is_the_schools:
        lab.collector.lease_refusal = "budget"
    held = lab.daemon.walk.once(Trigger.MANUAL)
    lab.spool.close()
    assert isinstance(held, Held)
    error = trial._refusal(held)
    assert error.exit_code is ExitCode.REFUSED and "used up" in error.what
    assert ("The school's" in error.what and "shares" in error.what) == is_the_schools
    assert ("This computer's" in error.what) != is_the_schools


@pytest.mark.parametrize(
    ("changes", "refusal", "said"),
    [
        ({"day_bytes": 0}, None, "This computer's data budget of the day is used up."),
        ({"month_bytes": 0}, None, "This computer's data budget of the month is used up."),
        ({}, "budget", "shares with the school's others, is used up."),
    ],
)
def test_a_record_says_whose_budget_is_used_up(
    tmp_path: Path, changes: dict[str, int], refusal: LeaseRefusal | None, said: str
) -> None:
    """The record of a planned test says it as the refusal of a person's test does."""
    lab = Lab(tmp_path, msgspec.structs.replace(QUICK, **changes))
    lab.collector.lease_refusal = refusal
    made = lab.daemon.walk.once(Trigger.WINDOW)
    record = lab.daemon.walk.skip_for(Trigger.WINDOW, made) if isinstance(made, Held) else made  # as the job does
    held = lab.daemon.walk.once(Trigger.MANUAL)
    lab.spool.close()
    assert isinstance(record, Measurement) and isinstance(held, Held)
    sentence = present.sentence(record)
    assert sentence.endswith(said) and "(" not in sentence
    assert trial._refusal(held).what == sentence
