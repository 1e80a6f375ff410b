"""What a person is told who asks for a test and gets none."""

from pathlib import Path

import msgspec
import pytest

from agent import trial
from agent.permission import Held
from agent.wire.vocabulary import ExitCode, Trigger
from tests.agent.test_daemon import QUICK, Lab


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
