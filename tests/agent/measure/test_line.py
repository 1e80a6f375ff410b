"""Measurements of lines of known speed: the figures, the caps, and buffers that must not be counted.

Line and test point run in processes of their own. Tolerances are wide, because other tests may hold the processor.
"""

import pytest

from agent.measure import session
from agent.measure.engines.librespeed import LibreSpeed
from agent.measure.engines.ndt7 import Ndt7
from agent.measure.estimate.estimator import Estimator, EstimatorConfig
from agent.measure.wirecost import wire_bytes
from agent.wire.vocabulary import (
    Confidence,
    EngineName,
    Method,
    Phase,
    RttMethod,
    Status,
    StopReason,
    Tier,
)
from collector.demo.line import ShapedLineProcess, parse_line
from tests.agent.measure import world
from tests.fakes import scripted_server as scripted
from tests.fakes.scripted_server import ScriptedServer

pytestmark = pytest.mark.xdist_group("line")

NDT7, LIBRESPEED = EngineName.NDT7, EngineName.LIBRESPEED
LINES = ("8/1/100", "20/5/40", "30/10/20")


@pytest.fixture(scope="module")
def point():
    with world.testpoint() as port:
        yield port


def line_to(port, text):
    spec = parse_line(text)
    line = ShapedLineProcess("127.0.0.1", port, down_bps=spec.down_bps, up_bps=spec.up_bps, rtt_ms=spec.rtt_ms)
    return spec, line


def measure(port, text, engine, **more):
    spec, line = line_to(port, text)
    with line:
        record = session.run(world.plan(f"http://127.0.0.1:{line.port}", engine, **more), world.ports())
        counters = line.counters
    return spec, record, counters


def off(value, truth):
    return abs(value / truth - 1)


def check(spec, record, *, near, rtt_near_ms):
    assert record.status is Status.OK
    assert off(record.download.bps, spec.down_bps) <= near
    assert off(record.upload.bps, spec.up_bps) <= near
    assert record.upload.bps <= 1.05 * spec.up_bps
    assert record.idle.method is RttMethod.UDP_ECHO
    assert -0.5 <= record.idle.rtt_ms - spec.rtt_ms <= rtt_near_ms


@pytest.mark.parametrize("engine", [NDT7, LIBRESPEED])
@pytest.mark.parametrize("text", ["8/1/100", "20/5/40"])
def test_the_figures_of_a_line(point, text, engine):
    spec, record, counters = measure(point, text, engine)
    check(spec, record, near=0.15, rtt_near_ms=15)
    assert record.engine.name is engine
    assert record.upload.method is Method.RECEIVER
    assert record.download.bytes <= counters.download_bytes
    assert record.upload.bytes <= counters.upload_bytes
    assert record.loaded.confidence is Confidence.LOW  # a second has hardly filled the buffer
    assert record.loaded.grade is None
    assert record.loaded.download_rtt_ms > spec.rtt_ms


@pytest.mark.parametrize("engine", [NDT7, LIBRESPEED])
def test_the_cap_is_kept_by_the_line_s_own_counter(point, engine):
    cap = 1_000_000
    spec, record, counters = measure(point, "20/5/40", engine, max_bytes_download=cap, max_bytes_upload=cap // 4)
    product = spec.down_bps * spec.rtt_ms / 8000
    assert counters.download_bytes <= cap + product
    assert counters.upload_bytes <= cap // 4 + product
    for direction in (record.download, record.upload):
        assert direction.stop_reason is StopReason.BUDGET
        assert direction.lower_bound
        assert direction.confidence is Confidence.LOW
    assert record.status is Status.OK


@pytest.mark.parametrize("engine", [NDT7, LIBRESPEED])
def test_what_the_ledger_is_told_is_within_the_cap(point, engine):
    """Headers and acknowledgements count too: the cap is one on the wire, not of test data."""
    cap = 6_000_000
    caps = {"max_bytes_download": cap, "max_bytes_upload": cap, "tier": Tier.CALIBRATION}  # never precise before it
    plan = world.plan(f"http://127.0.0.1:{point}", engine, **caps)
    told = []
    record = session.run(plan, world.ports(), on_progress=told.append)
    for phase, direction in ((Phase.DOWNLOAD, record.download), (Phase.UPLOAD, record.upload)):
        assert direction.stop_reason is StopReason.BUDGET
        assert wire_bytes(direction.bytes) <= min(cap, direction.wire_bytes_est)
        # What a busy computer's loopback sends twice, in segments of 64 kB, is counted where it is sent.
        assert direction.wire_bytes_est <= cap or phase is Phase.UPLOAD
        carried = max(each.bytes for each in told if each.phase is phase)
        # What a test that breaks off would be counted with; a receipt is fetched after the last byte of test data.
        assert 0 <= direction.wire_bytes_est - wire_bytes(carried) <= 3_000


@pytest.mark.parametrize("engine", [Ndt7(), LibreSpeed()])
def test_a_send_buffer_of_4_mb_is_not_counted(point, engine):
    spec, line = line_to(point, "8/1/100")
    with line, world.job_for(f"http://127.0.0.1:{line.port}", send_buffer_bytes=4_000_000, rtt_s=0.1) as job:
        figure = _estimate(engine.upload(job), job.rtt_s)
    assert figure.bps <= 1.05 * spec.up_bps
    assert figure.bps >= 0.85 * spec.up_bps


def test_an_upload_that_is_told_to_stop_is_heard_out_while_the_line_is_busy(point):
    spec, line = line_to(point, "20/5/40")
    with line, world.job_for(f"http://127.0.0.1:{line.port}", rtt_s=0.04, back_bps=20e6) as job:
        upload = Ndt7().upload(job)
        seen, stopped_s = [], None
        for sample in upload.samples():
            if stopped_s is None and sample.at_s > 0.8:
                stopped_s, sent_bytes = sample.at_s, upload.moved_bytes
                assert upload.run_out()
            seen.append(sample)
    assert upload.ended is StopReason.PRECISE
    assert upload.moved_bytes == sent_bytes  # nothing more was made
    assert sample.at_s - stopped_s < 2
    first = next(each for each in seen if each.at_s > 0.3)
    mean_bps = 8 * (sample.total_bytes - first.total_bytes) / (sample.at_s - first.at_s)
    assert off(mean_bps, spec.up_bps) < 0.15  # it does not end with the run-out, which would say too little


@pytest.mark.parametrize("script", ["librespeed", "ndt7"])
def test_a_foreign_server_behind_a_slow_uplink(script):
    foreign = scripted.foreign_ndt7 if script == "ndt7" else scripted.foreign_librespeed()
    engine = Ndt7() if script == "ndt7" else LibreSpeed()
    with ScriptedServer(foreign) as server:
        spec, line = line_to(server.port, "8/1/100")
        with line, world.job_for(f"http://127.0.0.1:{line.port}", send_buffer_bytes=4_000_000, rtt_s=0.1) as job:
            upload = engine.upload(job)
            figure = _estimate(upload, job.rtt_s)
    assert figure.bps <= 1.08 * spec.up_bps
    assert figure.bps >= 0.80 * spec.up_bps


def _estimate(transfer, rtt_s):
    estimator = Estimator(EstimatorConfig(rtt_s=rtt_s))
    samples = transfer.samples()
    for sample in samples:
        if estimator.add(sample).stop:
            break
    samples.close()
    return estimator.result(transfer.ended)


def test_history_halves_the_bytes(point):
    _, record, _ = measure(point, "20/5/40", NDT7, prior_download_bps=20e6, prior_upload_bps=5e6)
    assert record.status is Status.OK
    assert off(record.download.bps, 20e6) <= 0.2


@pytest.mark.deep
@pytest.mark.parametrize("engine", [NDT7, LIBRESPEED])
@pytest.mark.parametrize("text", LINES)
def test_strictly(point, text, engine):
    spec, record, _ = measure(point, text, engine)
    check(spec, record, near=0.03, rtt_near_ms=max(2.0, 0.05 * spec.rtt_ms))


@pytest.mark.deep
@pytest.mark.parametrize("engine", [NDT7, LIBRESPEED])
def test_calibration_takes_its_time_and_grades(point, engine):
    spec, record, _ = measure(point, "8/1/100", engine, tier=Tier.CALIBRATION)
    check(spec, record, near=0.05, rtt_near_ms=10)
    for direction in (record.download, record.upload):
        assert direction.stop_reason is StopReason.TIME
        assert not direction.lower_bound
        assert 9.5 <= direction.duration_s <= 11
    assert record.loaded.grade is not None
    assert "cubic" in record.loaded.congestion_control
