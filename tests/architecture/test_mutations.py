"""A comparison that is turned around breaks a test: of the judgement, of the decisions, of the codec."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

DOMAIN, TESTS = "collector/domain/{}.py", "tests/collector/domain/test_{}.py"
JUDGEMENT = [
    *("verdict", "flagging", "validity", "observations", "windows"),
    *("severity", "inference", "clockfix", "targets", "calendars"),
]
CASES = [(DOMAIN.format(name), (TESTS.format(name),)) for name in JUDGEMENT] + [
    ("agent/uplink/decide.py", ("tests/agent/uplink/test_decide.py", "tests/agent/uplink/test_decide_edges.py")),
    (
        "agent/wire/codec.py",
        ("tests/agent/wire/test_codec_edges.py", "tests/agent/wire/test_codec.py", "tests/agent/wire/test_golden.py"),
    ),
]

# What no test can notice, since nothing changes; by the comparison as it stands in the source.
EQUAL = {
    "collector/domain/calendars.py": {
        "point < piece.length_ms",  # a real number that hits the edge of a piece: of no weight
        "p.from_ms <= moment_ms",  # a period that begins at the moment adds nothing
    },
}


def alive(module: str, tests: tuple[str, ...], *options: str) -> list[dict[str, str]]:
    """Return the mutants that no test notices."""
    command = [sys.executable, "-m", "tests.architecture.mutate", *options, module, *tests]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["mutants"] > 0
    return [one for one in found["survivors"] if one["before"] not in EQUAL.get(module, ())]


def test_every_edge_of_the_verdict_is_held_by_a_test() -> None:
    assert alive(DOMAIN.format("verdict"), (TESTS.format("verdict"),), "--edges") == []


@pytest.mark.deep
@pytest.mark.parametrize(("module", "tests"), CASES, ids=[module for module, _ in CASES])
def test_every_comparison_is_held_by_a_test(module: str, tests: tuple[str, ...]) -> None:
    assert alive(module, tests) == []
