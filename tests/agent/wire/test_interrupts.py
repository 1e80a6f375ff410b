"""Ctrl-C while the programs load: no traceback, exit code 130, at whatever module it comes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agent.wire.interrupts import INTERRUPTED
from agent.wire.vocabulary import ExitCode

# Found by the interpreter at its start: presses Ctrl-C where the program begins to load a certain module.
PRESSES = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests may ignore it
waiting = [os.environ["CTRL_C_AT"]]
def press(event, details):
    if event == "import" and waiting and details[0] == waiting[0]:
        waiting.clear()
        os.kill(os.getpid(), signal.SIGINT)
sys.addaudithook(press)
"""


def pressed(tmp_path: Path, module: str, *words: str) -> subprocess.CompletedProcess[str]:
    (tmp_path / "sitecustomize.py").write_text(PRESSES)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "CTRL_C_AT": module}
    command = [sys.executable, "-m", *words, "--data", str(tmp_path / "data")]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)


@pytest.mark.skipif(os.name != "posix", reason="a signal to oneself ends a Windows process")
@pytest.mark.parametrize(
    ("words", "module"),
    [
        ("agent status", "agent.commands.cli"), ("agent status", "importlib.metadata"), ("agent status", "msgspec"),
        ("agent status", "click"), ("agent status", "nacl.signing"), ("agent status", "agent.commands.present"),
        ("agent run", "agent.service"), ("agent run", "sqlite3"), ("agent doctor", "agent.commands.doctor"),
        ("agent test --server http://127.0.0.1:9", "agent.commands.trial"),
        ("collector evaluate", "collector.cli"), ("collector evaluate", "click"),
        ("collector evaluate", "sqlalchemy"), ("collector serve", "collector.serve"),
    ],
)  # fmt: skip
def test_ctrl_c_while_loading_is_quiet(tmp_path: Path, words: str, module: str) -> None:
    done = pressed(tmp_path, module, *words.split())
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_the_exit_code_is_that_of_the_contract() -> None:
    assert INTERRUPTED == ExitCode.INTERRUPTED


@pytest.mark.skipif(os.name != "posix", reason="a signal to oneself ends a Windows process")
@pytest.mark.parametrize(
    ("code", "returns"),
    [
        ("with Quietly(): os.kill(os.getpid(), signal.SIGINT); time.sleep(9)", 130),
        ("with Quietly():\n try: os.kill(os.getpid(), signal.SIGINT); time.sleep(9)\n except BaseException: pass", 0),
        ("with Quietly(): pass\nos.kill(os.getpid(), signal.SIGINT); time.sleep(9)", 130),
        ("signal.signal(signal.SIGINT, signal.SIG_IGN)\nwith Quietly(): os.kill(os.getpid(), signal.SIGINT)", 0),
    ],
    ids=["unheeded", "heeded", "at the end", "ignored"],
)
def test_ctrl_c_later_interrupts_what_is_being_done(code: str, returns: int) -> None:
    heeds = "signal.signal(signal.SIGINT, signal.default_int_handler)"  # whoever runs the tests may ignore it
    program = f"import os, signal, time\n{heeds}\nfrom agent.wire.interrupts import Quietly\n{code}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (returns, "")
