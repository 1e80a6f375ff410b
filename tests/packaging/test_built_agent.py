"""The program that schools get is built and run, not only its source."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.open_testpoint import open_testpoint

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    dist = tmp_path_factory.mktemp("dist")
    words = [sys.executable, str(ROOT / "packaging" / "build.py"), "--dist", str(dist), "--no-archive"]
    subprocess.run(words, check=True, capture_output=True)
    return dist / "enlace-agent" / "enlace-agent"


@pytest.fixture
def test_point() -> Iterator[str]:
    with open_testpoint() as url:
        yield url


@pytest.mark.xdist_group("package")
def test_the_built_agent_says_its_version(program: Path, tmp_path: Path) -> None:
    done = subprocess.run([program, "--version"], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0
    assert "0.1" in done.stdout


@pytest.mark.xdist_group("package")
def test_the_built_agent_measures(program: Path, test_point: str, tmp_path: Path) -> None:
    words = ["test", "--server", test_point, "--max-bytes", "4000000", "--json"]
    done = subprocess.run(
        [program, *words, "--data", str(tmp_path / "d")], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout.splitlines()[-1])
    assert record["status"] == "ok"
    assert record["download"]["bps"] > 0
    assert record["upload"]["bps"] > 0


@pytest.mark.xdist_group("package")
def test_the_folder_can_be_moved(program: Path, tmp_path: Path) -> None:
    moved = tmp_path / "José Ω" / "agent"
    shutil.copytree(program.parent, moved)
    done = subprocess.run(
        [moved / "enlace-agent", "status", "--data", str(tmp_path / "d")], capture_output=True, text=True
    )
    assert "Traceback" not in done.stderr
