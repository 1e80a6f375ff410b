"""kill -9 at random moments: what was promised is there, once, and the law holds."""

import os
import random
import select
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from agent.spool.store import open_reader

ROOT = Path(__file__).parents[3]


def promises_until_killed(directory: Path, first: int, seed: int, lines: int) -> list[list[str]]:
    """Run the child until it has promised that many things, and kill it wherever it then is."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.agent.spool.child", str(directory), str(first), str(seed)],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdout is not None
    with child:
        told = [child.stdout.readline() for _ in range(lines)]
        wait_a_little(random.Random(seed).uniform(0, 0.03))
        child.send_signal(signal.SIGKILL)
        told += child.stdout.read().splitlines(keepends=True)
    return [line.split() for line in told if line.endswith("\n")]


def wait_a_little(seconds: float) -> None:
    """Let the child come to any place between two promises."""
    select.select([], [], [], seconds)


def kill_again_and_again(directory: Path, times: int) -> None:
    added: set[str] = set()
    acked: set[str] = set()
    marked: set[str] = set()
    for turn in range(times):
        told = promises_until_killed(directory, 1 + turn * 10_000, turn, 1 + random.Random(turn).randrange(25))
        for word, what in told:
            match word:
                case "added":
                    added.add(what)
                case "acked":
                    acked.add(what)
                case "marked":
                    marked.add(what)
        with open_reader(directory) as reader:
            assert reader.ledger().is_balanced()
            views = reader.list_rows(100_000)
        state = {view.rid: view.state for view in views}
        assert max(Counter(view.rid for view in views).values(), default=1) == 1
        assert added | marked <= state.keys(), "nothing promised is lost"
        assert all(state[rid] in ("ready", "acked") for rid in added)
        assert all(state[rid] == "acked" for rid in acked)
        assert not list(directory.glob("spool.bad-*")), "a kill is no damage"


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_kills_at_random_moments_lose_nothing(tmp_path: Path) -> None:
    kill_again_and_again(tmp_path / "data", 5)


@pytest.mark.deep
@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_fifty_kills_at_random_moments_lose_nothing(tmp_path: Path) -> None:
    kill_again_and_again(tmp_path / "data", 50)
