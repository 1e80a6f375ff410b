"""What a school computer installs: no web framework, no database library."""

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("wheel")
    code = f"import hatchling.build as b; print(b.build_wheel({str(target)!r}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return target / done.stdout.split()[-1]


def test_the_wheel_carries_both_programs_and_their_data(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"agent/spool/schema.sql", "collector/profiles/un-umc-2030.toml", "agent/py.typed"} <= names
    assert any(name.startswith("collector/web/templates/") for name in names)
    assert any(name.endswith(".mo") for name in names)
    assert not any(name.startswith(("tests/", "packaging/", "bench/")) for name in names)


def test_without_extras_there_is_no_web_and_no_database_library(wheel: Path, tmp_path: Path) -> None:
    """The pinned requirements of the agent in a fresh environment; the collector's command says what is missing."""
    venv.create(tmp_path / "env", with_pip=True)
    python = str(tmp_path / "env" / "bin" / "python")
    pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, "--require-hashes", "-r", str(ROOT / "requirements" / "agent.txt")], check=True)
    subprocess.run([*pip, "--no-deps", str(wheel)], check=True)
    for name in ("flask", "sqlalchemy", "alembic", "waitress"):
        assert subprocess.run([python, "-c", f"import {name}"], capture_output=True, cwd=tmp_path).returncode == 1
    version = subprocess.run(
        [tmp_path / "env/bin/enlace-agent", "--version"], capture_output=True, text=True, cwd=tmp_path
    )
    assert version.returncode == 0
    assert "0.1" in version.stdout
    missing = subprocess.run(
        [tmp_path / "env/bin/enlace-collector", "init"], capture_output=True, text=True, cwd=tmp_path
    )
    assert missing.returncode == 2
    assert "Traceback" not in missing.stderr
    assert "enlace-connectivity[collector]" in missing.stderr
