"""Every command on consoles that lack the letters: what is printed is complete and nothing ends in a fault."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agent.commands import cli
from tests.fakes.collector import FakeCollector, HttpFront, token_text

CONSOLES = [
    {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    {"PYTHONIOENCODING": "cp850"},
]
COMMANDS = [
    "status", "status --json", "doctor", "doctor --json", "spool list --json", "spool export -",
    "test --server http://Ω.invalid:x --json", "enrol --collector http://127.0.0.1:1 --token Ωß", "no-such-Ω",
]  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The data of an enrolled computer of `Escola São João`, and a configuration, in a folder with other letters."""
    folder = tmp_path_factory.mktemp("any") / "José Ω 学校"
    folder.mkdir()
    config = folder / "ação.toml"
    config.write_text("[agent]\n")
    with HttpFront(FakeCollector()) as front:
        words = ["enrol", "--collector", front.url, "--token", token_text()]
        assert cli.guarded(lambda: cli._dispatch([*words, "--config", str(config), "--data", str(folder / "d")])) == 0
    return folder / "d", config


@pytest.mark.parametrize("console", CONSOLES, ids=["C", "cp850"])
@pytest.mark.parametrize("words", COMMANDS)
def test_a_console_that_lacks_letters_ends_no_command(
    words: str, console: dict[str, str], place: tuple[Path, Path]
) -> None:
    data, config = place
    dropped = {"http_proxy", "https_proxy", "all_proxy"}
    environment = {key: value for key, value in os.environ.items() if key.lower() not in dropped} | console
    command = [sys.executable, "-m", "agent", *words.split(), "--config", str(config), "--data", str(data)]
    done = subprocess.run(command, capture_output=True, timeout=60, env=environment)
    text = (done.stdout + done.stderr).decode(console.get("PYTHONIOENCODING", "ascii"))
    assert "Traceback" not in text and "fault of this program" not in text and "UnicodeEncode" not in text
    assert done.returncode in (0, 1, 2, 3), text
    if "--json" in words and done.stdout:
        for line in done.stdout.splitlines():
            json.loads(line)
