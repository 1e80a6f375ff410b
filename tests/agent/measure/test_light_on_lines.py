"""A look around in namespaces of its own: what it costs, and a gateway that is not there."""

import json
import subprocess
import sys

import pytest

from tests.agent.measure.test_latency_on_lines import QUICK, ran
from tests.fakes import needed
from tests.netlab.build import why_not
from tests.netlab.lab import Lab
from tests.netlab.links import NUMBERS
from tests.netlab.measure import our_test_point

pytestmark = [
    pytest.mark.netns,
    needed.skip_without(needed.NAMESPACES, why_not()),
    pytest.mark.xdist_group("netlab"),
]
LONELY = """set -e
ip link set lo up
ip link add near type veth peer name far
ip addr add 192.0.2.2/24 dev near
ip link set near up
ip link set far up
exec "$@"
"""
MOST_BYTES = 10_000


def carried_bytes(lab):
    return sum(lab.account.totals(direction).offered_bytes for direction in NUMBERS)


def test_a_look_around_is_small():
    with Lab(QUICK) as lab, our_test_point(lab) as url:
        before = carried_bytes(lab)
        told = ran(lab, "look", url, lab.server_address)
        spent = carried_bytes(lab) - before
    assert told["server"]["method"] == "udp_echo"
    assert abs(told["server"]["rtt_ms"] - 20) < 5
    assert abs(told["gateway_rtt_ms"] - 20) < 5
    assert not told["gateway_is_absent"]
    assert 0 < spent < MOST_BYTES / 5


def test_without_an_echo_it_is_still_small():
    with Lab(QUICK) as lab, our_test_point(lab, "--udp-port", "9999") as url:
        before = carried_bytes(lab)
        told = ran(lab, "look", url, lab.server_address)
        spent = carried_bytes(lab) - before
    assert told["server"]["method"] == "tcp_connect"
    assert told["fault"] is None
    assert 0 < spent < MOST_BYTES


def test_a_gateway_that_nobody_has_seen():
    command = [sys.executable, "-m", "tests.agent.measure.probe_child", "look", "-", "192.0.2.1"]
    done = subprocess.run(
        ["unshare", "--net", "sh", "-c", LONELY, "sh", *command], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["gateway_rtt_ms"] is None
    assert told["gateway_is_absent"] is True
