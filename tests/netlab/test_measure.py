"""A tool on an emulated line: its record beside the truth, its bytes, its cost."""

import shutil
import sys

import pytest

from tests.fakes import needed
from tests.netlab.build import why_not
from tests.netlab.lab import Lab
from tests.netlab.links import line
from tests.netlab.measure import iperf3, iperf3_server, our_test, our_test_point, run_tool
from tests.netlab.profiles import ALL

pytestmark = [
    pytest.mark.netns,
    needed.skip_without(needed.NAMESPACES, why_not()),
    pytest.mark.xdist_group("netlab"),
]
QUICK = line("quick", (8, 2), 20, queue_ms=(100, 100))
BUSY = """
import sys, time
kept = bytearray(60_000_000)
began_s = time.process_time()
while time.process_time() - began_s < 0.3:
    pass
print("out"); print("err", file=sys.stderr); sys.exit(3)
"""


def test_our_own_test_beside_the_truth():
    with Lab(QUICK) as lab, our_test_point(lab) as url:
        measured = our_test(lab, url, max_bytes=600_000)
    ran, record = measured.ran, measured.record
    assert record is not None, ran.stderr
    assert record["status"] == "ok"
    assert ran.truth_bps["download"] == pytest.approx(8e6 * 1448 / 1500, rel=0.01)
    assert abs(measured.error("download")) < 0.25
    # What the line carried is more than the payload, and the cap and what was under way is not far above it.
    assert record["download"]["bytes"] < ran.bytes_of("download") < 600_000
    assert ran.line_bytes == ran.bytes_of("download") + ran.bytes_of("upload")
    assert ran.cpu_s > 0
    assert ran.peak_mb > 10


def test_cost_and_words_of_any_tool():
    with Lab(QUICK) as lab:
        ran = run_tool(lab, [sys.executable, "-c", BUSY])
        small = run_tool(lab, ["sh", "-c", "sleep 0.1"])
    assert (ran.code, ran.stdout, ran.stderr) == (3, "out\n", "err\n")
    assert 0.3 <= ran.cpu_s < 1
    assert 60 < ran.peak_mb < 120
    assert small.peak_mb < 20  # the test's own memory is not the tool's
    assert (ran.line_bytes, ran.truth_bps["upload"], ran.queue_ms["upload"]) == (0, None, None)


def test_a_tool_that_hangs_is_ended():
    with Lab(QUICK) as lab:
        assert run_tool(lab, ["sleep", "100"], timeout_s=0.3).code == -9


@pytest.mark.skipif(shutil.which("iperf3") is None, reason="iperf3 is not installed")
def test_iperf3_is_what_the_line_carries():
    with Lab(line("short", (20, 5), 10, queue_ms=(100, 100))) as lab, iperf3_server(lab):
        bps, ran = iperf3(lab, "download", seconds=1)
    assert bps == pytest.approx(ran.truth_bps["download"], rel=0.15)
    assert ran.truth_bps["download"] == pytest.approx(20e6 * 1448 / 1500, rel=0.001)


@pytest.mark.deep
@pytest.mark.skipif(shutil.which("iperf3") is None, reason="iperf3 is not installed")
@pytest.mark.parametrize("congestion", ["cubic", "bbr"])
@pytest.mark.parametrize("name", ["dsl", "fibre", "gigabit", "cable"])
def test_tcp_fills_a_line_that_loses_nothing(name, congestion):
    profile = ALL[name]
    with Lab(profile, client_congestion=congestion, server_congestion=congestion) as lab, iperf3_server(lab):
        for direction in ("download", "upload"):
            bps, ran = iperf3(lab, direction, seconds=8, omit_s=2, congestion=congestion)
            assert ran.truth_bps[direction] == pytest.approx(profile.link(direction).tcp_bps, rel=0.001)
            assert bps == pytest.approx(ran.truth_bps[direction], rel=0.03)
        assert lab.unread_packets() == 0


@pytest.mark.deep
@pytest.mark.skipif(shutil.which("iperf3") is None, reason="iperf3 is not installed")
def test_one_process_carries_a_gigabit_of_tcp():
    """Both ways in turn; whatever else holds the processors, the account stays whole and the line is not the limit."""
    with Lab(line("thousand", (1000, 1000), 4, queue_ms=(20, 20))) as lab, iperf3_server(lab):
        for direction in ("download", "upload"):
            used_s = lab.emulator_cpu_s()
            bps, ran = iperf3(lab, direction, seconds=6, omit_s=2, streams=2)
            assert bps >= 0.95e9 * 1448 / 1500
            assert lab.emulator_cpu_s() - used_s < 0.8 * ran.seconds
        assert lab.unread_packets() == 0
