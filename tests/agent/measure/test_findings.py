"""The record that a measurement comes to: what is said beside the figures."""

import pytest

from agent.measure.attempt import Outcome
from agent.measure.findings import Around, Begun, Findings
from agent.wire import codec, limits
from agent.wire.answers import ServerEntry
from agent.wire.records import Direction, Failure, Surroundings
from agent.wire.vocabulary import EngineName, FailureCode, Phase, Status
from tests.agent.measure.world import plan
from tests.fakes.agent_world import FakeHost

URL = "http://tp.example"
NDT7, LIBRESPEED = EngineName.NDT7, EngineName.LIBRESPEED
SERVER = ServerEntry(id="tp", engine=NDT7, url=URL)


def outcome(*remarks):
    return Outcome(Direction(bps=8_000_000), None, 5.0, "bbr", None, remarks)


def record(found, **more):
    made = found.record(plan(URL, **more), Begun(1_795_525_509_123, 77), FakeHost(), Around(Surroundings(), None))
    assert not isinstance(codec.decode_item(codec.encode(made)), codec.ItemError)
    return made


def test_nothing_found_is_a_record_too():
    made = record(Findings(failure=Failure(phase=Phase.PREFLIGHT, code=FailureCode.DNS)))
    assert (made.status, made.download, made.upload, made.tags) == (Status.FAILED, None, None, None)
    assert (made.engine, made.server, made.started_mono_ms) == (None, None, 77)


def test_a_remark_of_both_directions_is_made_once():
    found = Findings(server=SERVER, download=outcome("compressible_data"), upload=outcome("compressible_data", "b"))
    found.remarks += ["ipv6=dns"]
    assert record(found, tags=("why",)).tags == ["why", "ipv6=dns", "compressible_data", "b"]


def test_another_engine_for_the_upload_is_named():
    assert record(Findings(server=SERVER, download=outcome(), upload=outcome(), upload_engine=NDT7)).tags is None
    found = Findings(server=SERVER, download=outcome(), upload=outcome(), upload_engine=LIBRESPEED)
    assert record(found).tags == ["upload_engine=librespeed"]


@pytest.mark.parametrize(("told_s", "tag"), [(None, "retry_after_s=60"), (7.0, "retry_after_s=7")])
def test_when_a_busy_server_wants_to_be_asked_again_is_said_first(told_s, tag):
    busy = Failure(phase=Phase.DOWNLOAD, code=FailureCode.SERVER_BUSY)
    found = Findings(server=SERVER, failure=busy, come_back_s=told_s, remarks=["ipv6=dns"])
    assert record(found).tags == [tag, "ipv6=dns"]


def test_no_more_is_said_than_a_record_holds():
    found = Findings(server=SERVER, remarks=[f"r{number}" for number in range(20)])
    assert record(found).tags == [f"r{number}" for number in range(limits.TAGS)]
