"""What the commands refuse before anything moves."""

from pathlib import Path

import pytest

from agent import app
from agent.errors import EnlaceError
from agent.ports import MachineFacts, Ports
from agent.uplink.identity import IdentityStore
from agent.wire.vocabulary import ExitCode
from tests.agent.uplink.test_identity import FACTS, an_identity
from tests.fakes.agent_world import FakeClock, FakeHost, SeededRandomness


def on(facts: MachineFacts) -> Ports:
    return Ports(clock=FakeClock(), randomness=SeededRandomness(), host=FakeHost(facts))


def test_a_copied_disk_does_not_measure_under_the_name_of_another(tmp_path: Path) -> None:
    IdentityStore(tmp_path).save(an_identity(device="d-1"))
    app.refuse_copied_disk(tmp_path, on(FACTS))
    with pytest.raises(EnlaceError, match="copied from another") as caught:
        app.refuse_copied_disk(tmp_path, on(MachineFacts("11" * 16, "X7", "lab-04", "Linux 6.1")))
    assert caught.value.exit_code is ExitCode.REFUSED


def test_a_computer_without_a_name_is_no_copy(tmp_path: Path) -> None:
    app.refuse_copied_disk(tmp_path, on(FACTS))
