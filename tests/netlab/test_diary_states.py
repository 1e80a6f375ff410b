"""Each word of the diary, caused for real between a school computer, its router and the Internet."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from collector.web.words.terms import DIARY_STATES
from tests.fakes import needed
from tests.netlab.build import why_not

pytestmark = [
    pytest.mark.netns,
    needed.skip_without(needed.NAMESPACES, why_not()),
    pytest.mark.xdist_group("diary_states"),
]
ROOT = Path(__file__).parents[2]


def test_every_word_is_caused_said_and_exported(tmp_path):
    command = ["unshare", "--net", "--mount", sys.executable, "-m", "tests.netlab.school", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=170)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["said"] == {word: [word] * len(said) for word, said in told["said"].items()}
    runs = told["exported"]
    assert {run["school"] for run in runs} == {"00123"}
    words = [run["state"] for run in runs]
    alone = [word for at, word in enumerate(words) if at == 0 or words[at - 1] != word]
    assert alone == [
        "ok", "no_internet", "ok", "dns_fail", "collector_down", "ok", "portal", "link_down", "no_gateway", "asleep",
        "ok", "off", "ok",
    ]  # fmt: skip
    suspended, was_off = told["shown"]
    assert suspended[0] == was_off[0] == DIARY_STATES["ok"]
    assert set(suspended) | set(was_off) == {str(shown) for shown in DIARY_STATES.values()}, "each word on the page"
    assert DIARY_STATES["asleep"] in suspended and DIARY_STATES["off"] in was_off
    inferred = {run["state"]: run for run in runs if run["boot_id"] is None}
    assert set(inferred) == {"asleep", "off"} and all(140 <= run["slots"] <= 148 for run in inferred.values())
