"""Clients that others wrote complete against the test point, through a line of known speed.

`curl` is in `test_librespeed`. What is missing here is got by `tests/tools.sh`.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from collector.demo.line import ShapedLineProcess, parse_line
from tests.collector.testpoint.conftest import running
from tests.fakes import needed

CLIENTS = Path(__file__).parents[2] / "clients"
ROOT = Path(__file__).parents[3]

has_ndt7 = shutil.which("node") is not None and (CLIENTS / "node_modules" / "@m-lab" / "ndt7").is_dir()
may_unshare = hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("unshare") and shutil.which("ip")


@pytest.mark.skipif(not has_ndt7, reason="node or the npm client is not installed (tests/tools.sh)")
def test_measurement_labs_own_client_reads_the_line_in_both_directions():
    spec = parse_line("8/2/40")
    shape = {"down_bps": spec.down_bps, "up_bps": spec.up_bps, "rtt_ms": spec.rtt_ms}
    # Four of the usual ten seconds: the server ends both directions, which a client must take as it comes.
    with running(ndt7_duration_s=4.0) as (port, _), ShapedLineProcess("127.0.0.1", port, **shape) as line:
        done = subprocess.run(
            ["node", CLIENTS / "ndt7.cjs", f"127.0.0.1:{line.port}"], capture_output=True, text=True, timeout=120
        )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["errors"] == []
    assert min(result["messages"].values()) > 10
    download = result["download"]["LastClientMeasurement"]["MeanClientMbps"] * 1e6
    assert download == pytest.approx(spec.down_bps, rel=0.15)
    server = result["upload"]["LastServerMeasurement"]
    info = server.get("TCPInfo", {})
    received = info.get("BytesReceived", server["AppInfo"]["NumBytes"])
    upload = received * 8e6 / server["AppInfo"]["ElapsedTime"]
    assert upload == pytest.approx(spec.up_bps, rel=0.15)
    assert result["download"]["LastServerMeasurement"]["ConnectionInfo"]["Client"]


@pytest.mark.netns
@needed.skip_without(needed.NAMESPACES, "" if may_unshare else "needs root, unshare and ip for a network namespace")
def test_speedtest_cli_completes_against_our_mini_addresses(tmp_path):
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.1 localhost\n127.0.0.2 www.speedtest.net speedtest.net c.speedtest.net\n")
    steps = (
        f"mount --make-rprivate / && mount --bind '{hosts}' /etc/hosts && ip link set lo up && "
        f"exec '{sys.executable}' -m tests.collector.testpoint.mini_scene 20/5/20"
    )
    done = subprocess.run(
        ["unshare", "--net", "--mount", "sh", "-c", steps], cwd=ROOT, capture_output=True, text=True, timeout=150
    )
    if "unshare" in done.stderr or "mount:" in done.stderr:
        needed.lack(needed.NAMESPACES, f"no namespace can be made here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    # It averages ramp-up in, and counts an upload before it has left: only the order of magnitude is its to promise.
    assert 0.3 * 20e6 < result["download"] < 1.1 * 20e6
    assert 0.3 * 5e6 < result["upload"] < 2.0 * 5e6
    assert 0 < result["ping"] < 1000
