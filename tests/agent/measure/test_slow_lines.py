"""Lines of 64 and 256 kbit/s: the figure is near, or the record says why it is not; never a plausible wrong one."""

import pytest

from agent.measure import session
from agent.wire.vocabulary import EngineName, FailureCode, Status
from collector.demo.line import ShapedLineProcess, parse_line
from tests.agent.measure import world
from tests.fakes import scripted_server as scripted
from tests.fakes.scripted_server import ScriptedServer

pytestmark = pytest.mark.xdist_group("line")

NDT7, LIBRESPEED = EngineName.NDT7, EngineName.LIBRESPEED
CAP = {"max_bytes_download": 10_000_000, "max_bytes_upload": 10_000_000}


@pytest.fixture(scope="module")
def point():
    with world.testpoint() as port:
        yield port


def measure(port, text, engine):
    spec = parse_line(text)
    shape = {"down_bps": spec.down_bps, "up_bps": spec.up_bps, "rtt_ms": spec.rtt_ms}
    with ShapedLineProcess("127.0.0.1", port, **shape) as line:
        return spec, session.run(world.plan(f"http://127.0.0.1:{line.port}", engine, **CAP), world.ports())


def check(spec, record, near):
    """Each figure is near the line's, or says that it is only the least; without one the record says why."""
    for direction, truth_bps in ((record.download, spec.down_bps), (record.upload, spec.up_bps)):
        if direction is None:
            assert record.failure.code in (FailureCode.STALLED, FailureCode.RESET)
        elif direction.lower_bound:
            assert direction.bps <= (1 + near) * truth_bps
        else:
            assert abs(direction.bps / truth_bps - 1) <= near


@pytest.mark.parametrize("engine", [NDT7, LIBRESPEED])
def test_a_narrow_line_to_our_own_test_point(point, engine):
    spec, record = measure(point, "0.256/0.256/100", engine)
    assert record.status is Status.OK
    check(spec, record, near=0.12)
    assert record.upload.streams == (1 if engine is NDT7 else 3)
    assert f"upload_streams={record.upload.streams} narrow" in record.tags


@pytest.mark.parametrize("engine", [NDT7, LIBRESPEED])
def test_a_narrow_line_to_a_foreign_server(engine):
    foreign = scripted.foreign_ndt7 if engine is NDT7 else scripted.foreign_librespeed()
    with ScriptedServer(foreign) as server:
        spec, record = measure(server.port, "0.256/0.256/100", engine)
    check(spec, record, near=0.15)


@pytest.mark.deep
@pytest.mark.parametrize("engine", [NDT7, LIBRESPEED])
@pytest.mark.parametrize("text", ["0.064/0.064/100", "0.064/0.064/600", "0.256/0.128/600", "0.256/0.064/40"])
def test_strictly(point, text, engine):
    spec, record = measure(point, text, engine)
    check(spec, record, near=0.10)


@pytest.mark.deep
@pytest.mark.parametrize("engine", [NDT7, LIBRESPEED])
def test_the_slowest_line_to_a_foreign_server(engine):
    foreign = scripted.foreign_ndt7 if engine is NDT7 else scripted.foreign_librespeed()
    with ScriptedServer(foreign) as server:
        spec, record = measure(server.port, "0.064/0.064/100", engine)
    check(spec, record, near=0.10)
